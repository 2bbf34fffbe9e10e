#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""bus_fuzz.py BUS SEED ROUNDS NAME…: calls every method of every interface of every object of every NAME, as introspected, with
random arguments of the right types, then of wrong ones, and sets every property. Prints how many calls there were and with what
they were answered. Exit status 1 if one is not answered, or an answer is no D-Bus error that we know."""
import collections
import os
import random
import sys

import dbus
import dbus.bus
import dbus.lowlevel

from introspect import walk

KNOWN = ("org.ebpfagent.Error.", "org.freedesktop.DBus.Error.")
TEXTS = ["", "/", "exec", "job", "a" * 300, "..", "../../etc/passwd", "a\nb", "%s%n", "\x01", "ä\U0001f600", "programs: [",
         "org.ebpfagent.loader1", "/org/ebpfagent/loader1", "programs:\n  - { name: x, type: ebpf_object, path: /dev/zero }\n"]
BASIC = "ybnqiuxtdsogh"
rnd = random.Random(int(sys.argv[2]))
files = [open("/dev/null"), open("/dev/zero"), open("/proc/self/status"), open(os.path.abspath(__file__))]


def text():
    return rnd.choice(TEXTS) if rnd.random() < .7 else "".join(chr(rnd.randrange(32, 0x2000)) for _ in range(rnd.randrange(40)))


def integer(lo, hi):
    return rnd.choice([lo, hi, 0, 1, rnd.randint(lo, hi)])


def basic(t):
    return {
        "y": lambda: dbus.Byte(integer(0, 255)), "b": lambda: dbus.Boolean(rnd.random() < .5),
        "n": lambda: dbus.Int16(integer(-2**15, 2**15 - 1)), "q": lambda: dbus.UInt16(integer(0, 2**16 - 1)),
        "i": lambda: dbus.Int32(integer(-2**31, 2**31 - 1)), "u": lambda: dbus.UInt32(integer(0, 2**32 - 1)),
        "x": lambda: dbus.Int64(integer(-2**63, 2**63 - 1)), "t": lambda: dbus.UInt64(integer(0, 2**64 - 1)),
        "d": lambda: dbus.Double(rnd.choice([0.0, -1.0, 1e308, float("inf"), float("nan"), rnd.random()])),
        "s": lambda: dbus.String(text()), "o": lambda: dbus.ObjectPath(rnd.choice(["/", "/org/ebpfagent/loader1", "/x"])),
        "g": lambda: dbus.Signature(rnd.choice(["", "s", "a{sv}", "(ii)"])), "h": lambda: dbus.types.UnixFd(rnd.choice(files)),
    }[t]()


def variant():
    kind = rnd.random()
    if kind < .8:
        return basic(rnd.choice(BASIC.replace("h", "")))
    if kind < .9:
        return dbus.Array([text() for _ in range(rnd.randrange(4))], signature="s")
    return dbus.Dictionary({text(): basic("u")}, signature="su")


def option_name():
    return rnd.choice(["force", "keep", "timeout", "", "Force", text()])


def value(t):
    """A value of the one complete type @t, as far as our interfaces use them."""
    if t == "a{sv}":
        return dbus.Dictionary({option_name(): variant() for _ in range(rnd.choice([0, 0, 1, 2, 5]))}, signature="sv")
    if t == "v":
        return variant()
    if t[0] == "a":
        return dbus.Array([value(t[1:]) for _ in range(rnd.randrange(4))], signature=t[1:])
    return basic(t)


class Fuzzer:
    def __init__(self, address):
        self.bus, self.calls, self.answers, self.bad = dbus.bus.BusConnection(address), 0, collections.Counter(), 0

    def call(self, name, path, interface, method, types):
        m = dbus.lowlevel.MethodCallMessage(destination=name, path=path, interface=interface, method=method)
        m.append(signature="".join(types), *[value(t) for t in types])
        self.calls += 1
        try:
            self.bus.send_message_with_reply_and_block(m, 30)
            answer = "answered"
        except dbus.DBusException as e:
            answer = e.get_dbus_name()
            if not answer.startswith(KNOWN) or answer.endswith((".NoReply", ".Disconnected", ".ServiceUnknown", ".Failed")):
                self.bad = 1
                print("%s %s.%s(%s): %s: %s" % (path, interface, method, "".join(types), answer, e.get_dbus_message()))
        self.answers[answer] += 1

    def method(self, name, path, interface, m):
        right = [a.get("type") for a in m.findall("arg") if a.get("direction", "in") == "in"]
        if m.get("name") == "Wait" and rnd.random() < .8:
            return      # what runs is waited for by others
        self.call(name, path, interface, m.get("name"), right)
        wrong = [rnd.choice([*BASIC, "v", "as", "a{sv}", "ao"]) for _ in range(rnd.randrange(6))]
        self.call(name, path, interface, m.get("name"), wrong)

    def round(self, name):
        for path, interfaces in list(walk(self.bus, name)):
            for i in interfaces:
                for m in i.findall("method"):
                    self.method(name, path, i.get("name"), m)
                for p in i.findall("property"):
                    v = value(p.get("type"))
                    self.call(name, path, dbus.PROPERTIES_IFACE, "Get", ["s", "s"])
                    m = dbus.lowlevel.MethodCallMessage(destination=name, path=path, interface=dbus.PROPERTIES_IFACE, method="Set")
                    m.append(i.get("name"), p.get("name"), v, signature="ssv")
                    try:
                        self.bus.send_message_with_reply_and_block(m, 30)
                        self.bad = 1
                        print("%s %s.%s can be set" % (path, i.get("name"), p.get("name")))
                    except dbus.DBusException:
                        pass
                    self.calls += 1


f = Fuzzer(sys.argv[1])
for _ in range(int(sys.argv[3])):
    for bus_name in sys.argv[4:]:
        f.round(bus_name)
print("%d calls: %s" % (f.calls, ", ".join("%d %s" % (n, a) for a, n in f.answers.most_common())))
sys.exit(f.bad)
