# SPDX-License-Identifier: GPL-2.0-or-later
"""tcp_lives.py LIVES STATES: TCP connections to ports 18461 (127.0.0.1) and 18462 (::1), closed by either side first, and refused ones. To LIVES one row for each,
"PID COMM FAMILY SADDR SPORT DADDR DPORT RECEIVED SENT"; to STATES another, "SPORT STATE STATE …", as the client's socket went through them.
To be run in a network namespace of its own."""
import ctypes
import os
import signal
import socket
import sys
import time

PLACES = [(socket.AF_INET, "127.0.0.1", 18461), (socket.AF_INET6, "::1", 18462)]
lives, states = (open(name, "w") for name in sys.argv[1:3])
os.system("ip link set lo up")
with open("/proc/self/comm", "w") as f:
    f.write("tcp lives")


def answer(listener):
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)		# PR_SET_PDEATHSIG
    while True:
        peer = listener.accept()[0]
        first, length, reply = (int(n) for n in peer.recv(64, socket.MSG_WAITALL).split())
        while length:
            length -= len(peer.recv(length))
        peer.sendall(b"r" * reply)
        if first:
            peer.close()
            continue
        peer.recv(1)
        time.sleep(0.02)		# the client's end has been acknowledged
        peer.close()


servers = []
for family, address, port in PLACES:
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen()
    servers.append(os.fork())
    if not servers[-1]:
        answer(listener)
    listener.close()

sport = 20000
for i in range(20):
    for family, address, port in PLACES:
        server_first, length, reply = i % 2, i * 700, (20 - i) * 5000
        s = socket.socket(family)
        sport += 1
        s.bind((address, sport))	# it has its port from its first state on, and is the only one that has
        s.connect((address, port))
        s.sendall((b"%d %d %d" % (server_first, length, reply)).ljust(64) + b"s" * length)
        got = 0
        while got < reply:
            got += len(s.recv(reply - got))
        if server_first:
            s.recv(1)
        s.close()
        print(os.getpid(), "tcp lives", int(family), address, sport, address, port, reply, 64 + length, file=lives)
        print(sport, "CLOSE SYN_SENT ESTABLISHED", "CLOSE_WAIT LAST_ACK CLOSE" if server_first else "FIN_WAIT1 FIN_WAIT2 CLOSE", file=states)
for family, address, port in (socket.AF_INET, "127.0.0.1", 18462), (socket.AF_INET6, "::1", 18461):
    s = socket.socket(family)
    sport += 1
    s.bind((address, sport))
    print(os.getpid(), "tcp lives", int(family), address, sport, address, port, 0, 0, file=lives)
    print(sport, "CLOSE SYN_SENT CLOSE", file=states)
    try:
        s.connect((address, port))
    except ConnectionRefusedError:
        pass
    s.close()
time.sleep(0.1)
for pid in servers:
    os.kill(pid, 9)
    os.waitpid(pid, 0)
