# SPDX-License-Identifier: GPL-2.0-or-later
"""A private instance for benchmarks written in Python, and the form of their rows."""
import atexit
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BUILD", ROOT + "/build")


def row(name, value, unit, goal=""):
    """One row of the table that scripts/bench prints: tab-separated."""
    print("%s\t%s\t%s\t%s" % (name, value, unit, goal), flush=True)


def median(values):
    values = sorted(values)
    return values[len(values) // 2]


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p / 100))]


class Instance:
    def __init__(self, *files):
        self.dir = tempfile.mkdtemp(prefix="ebpf-agent-bench.", dir="/tmp")
        os.chmod(self.dir, 0o755)
        self.out, self.err = self.dir + "/out", self.dir + "/err"
        self.process = subprocess.Popen([BUILD + "/bin/ebpfctl", "run", "--json", "--state", self.dir + "/state", *files],
                                        stdout=open(self.out, "w"), stderr=open(self.err, "w"))
        atexit.register(self.stop)
        end = time.time() + 30
        while "\nready\n" not in "\n" + open(self.err).read():
            if self.process.poll() is not None or time.time() > end:
                sys.exit("no instance:\n" + open(self.err).read())
            time.sleep(0.01)
        self.bus = re.search(r"^bus: (\S+)", open(self.err).read(), re.M).group(1)

    def ctl(self, *args):
        r = subprocess.run([BUILD + "/bin/ebpfctl", "--bus", self.bus, *args], capture_output=True, text=True)
        if r.returncode:
            sys.exit("ebpfctl %s: %s" % (" ".join(args), r.stderr))
        return r.stdout

    def at_rest(self, seconds=10):
        end = time.time() + seconds
        while time.time() < end:
            ledger = json.loads(self.ctl("ledger", "--json"))
            if ledger["balanced"] and not any(r["pending"] for r in ledger["channels"] + ledger["sinks"]):
                return ledger
            time.sleep(0.05)
        sys.exit("the ledger does not come to rest:\n" + self.ctl("ledger"))

    def processes(self):
        """{pid: command line} of the five daemons, their helpers, and the workers: not ebpfctl, not the bus."""
        found, todo = {}, [self.process.pid]
        while todo:
            pid = todo.pop()
            try:
                children = open("/proc/%d/task/%d/children" % (pid, pid)).read().split()
            except OSError:
                continue
            for c in map(int, children):
                found[c] = open("/proc/%d/cmdline" % c).read().replace("\0", " ").strip()
                todo.append(c)
        return {p: c for p, c in found.items() if "dbus-daemon" not in c}

    def stop(self):
        atexit.unregister(self.stop)
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        shutil.rmtree(self.dir)
