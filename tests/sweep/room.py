# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the runs of a sweep take place, and one run: what it does, and what must hold whatever fails in it."""
import ctypes
import errno
import json
import mmap
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time

from order import CALL_NAMES, HERE, KINDS, NUMBER, Order, SCENES

ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("BUILD") or ROOT + "/build"
BIN = BUILD + "/bin"
FIRST, SECOND = 300, 50		# events while it runs, and just before it is stopped
PATIENCE = 30			# seconds, for what takes one at most


class Failed(Exception):
    pass


class Room:
    """Where runs take place: a mount namespace in which every program is started with the shim."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="ebpf-agent-sweep.", dir="/tmp")
        os.chmod(self.dir, 0o755)
        shim = self.dir + "/shim.so"
        shutil.copy(BUILD + "/tests/sweep/shim.so", shim)	# where sandboxes can read it, too
        with open(shim + ".order", "wb") as f:
            f.truncate(ctypes.sizeof(Order))
        os.chmod(shim + ".order", 0o666)
        self.file = open(shim + ".order", "r+b")
        self.map = mmap.mmap(self.file.fileno(), ctypes.sizeof(Order))
        self.order = Order.from_buffer(self.map)
        self.order.magic = NUMBER["MAGIC"]
        etc = self.dir + "/etc"
        subprocess.run(["cp", "-a", "/etc", etc], check=True)
        with open(etc + "/ld.so.preload", "w") as f:
            f.write(shim + "\n")
        subprocess.run(["mount", "--bind", etc, "/etc"], check=True)
        self.magic = 65536 * (1 + random.randrange(16384)) + os.getpid() % 65536

    def close(self):
        subprocess.run(["umount", "-l", "/etc"], check=True)
        shutil.rmtree(self.dir)

    def reset(self):
        ctypes.memset(ctypes.addressof(self.order) + Order.armed.offset, 0, Order.sites.offset - Order.armed.offset)

    def arm(self, point):
        o = self.order
        o.kind, o.call = KINDS.index(point.kind), CALL_NAMES.index(point.call)
        o.error, o.n = getattr(errno, point.error), point.n
        o.armed = 1


class Run:
    def __init__(self, room, scene):
        self.room, self.order, self.scene = room, room.order, SCENES[scene]
        self.dir = tempfile.mkdtemp(prefix="run.", dir=room.dir)
        os.chmod(self.dir, 0o755)
        self.refusals, self.made, self.process, self.bus = [], 0, None, None
        os.mkdir(self.dir + "/config")
        self.write_program()

    def write_program(self):
        with open(self.dir + "/tick.yaml", "w") as f:
            f.write(self.scene.yaml(BUILD + "/tests", self.room.magic))

    def text(self, name):
        with open(self.dir + "/" + name, errors="replace") as f:
            return f.read()

    def until(self, what, condition, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while True:
            r = condition()
            if r:
                return r
            if self.process.poll() is not None:
                raise Failed("ebpfctl run ended with status %s (%s)" % (self.process.returncode, what))
            if time.monotonic() > end:
                raise Failed("hangs: %s after %d s" % (what, seconds))
            time.sleep(0.01)

    def start(self):
        by_site = ["setarch", "-R"] if self.order.by_site else []
        self.process = subprocess.Popen(by_site + [BIN + "/ebpfctl", "run", "--json", "--config", self.dir + "/config",
                                                   "--state", self.dir + "/state"],
                                        stdout=open(self.dir + "/out", "w"), stderr=open(self.dir + "/err", "w"))
        self.until("not ready", lambda: "\nready\n" in "\n" + self.text("err"))
        self.bus = re.search(r"^bus: (\S+)", self.text("err"), re.M).group(1)

    def ctl(self, *args):
        return subprocess.run([BIN + "/ebpfctl", "--bus", self.bus, *args], capture_output=True, text=True,
                              timeout=PATIENCE)

    def load(self):
        """A load may be refused, with its reason, and is tried again; also while a loaderd that died is not back."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and len(set(self.refusals)) < 5:
            r = self.ctl("load", self.dir + "/tick.yaml")
            if r.returncode == 0:
                return
            if r.returncode != 1 or not r.stderr.strip():
                raise Failed("load ended with status %d and said: %s" % (r.returncode, r.stderr))
            self.refusals.append(r.stderr.strip())
            if "already" in r.stderr and self.ctl("show", "tick").returncode == 0:
                return		# who asked was not told that it is there
            time.sleep(0.3)
        raise Failed("cannot be loaded: " + " / ".join(sorted(set(self.refusals))))

    def tick(self, n):
        if self.scene.object:
            subprocess.run([BUILD + "/tests/tools/ticker", str(n), str(self.made)], check=True,
                           env={"TICK_MAGIC": str(self.room.magic)})
        else:
            self.write_lines("".join("n=%d\n" % i for i in range(self.made, self.made + n)))
        self.made += n

    def write_lines(self, text):
        """Somebody has the FIFO open for reading, whoever is started again just now."""
        try:
            fd = os.open(self.dir + "/state/lib/pipe/tick.ticks", os.O_WRONLY | os.O_NONBLOCK)
        except OSError as e:
            raise Failed("the FIFO cannot be opened: %s" % e.strerror)
        try:
            if os.write(fd, text.encode()) != len(text):
                raise Failed("the FIFO has no room")
        finally:
            os.close(fd)

    def at_rest(self):
        r = self.ctl("ledger", "--json")
        self.ledger = r.stdout or r.stderr
        try:
            ledger = json.loads(r.stdout)
        except ValueError:
            return None
        rows = ledger["channels"] + ledger["sinks"]
        if not ledger["balanced"] or len(ledger["channels"]) != 1 or len(ledger["sinks"]) != 3:
            return None
        if any(r["pending"] for r in rows) or any(c["live"] for c in ledger["channels"]):
            return None
        channel = ledger["channels"][0]
        return ledger if channel["produced" if self.scene.object else "drained"] == self.made else None

    def await_rest(self):
        try:
            return self.until("the ledger does not balance", self.at_rest)
        except Failed as e:
            raise Failed("%s: %s" % (e, self.ledger))

    def well(self):
        r = self.ctl("status", "--json")
        self.status = r.stdout or r.stderr
        try:
            return all(d["running"] and not d["degraded"] for d in json.loads(r.stdout))
        except ValueError:
            return False

    def await_well(self):
        """Whatever it did without meanwhile."""
        try:
            self.until("stays degraded", self.well)
        except Failed as e:
            raise Failed("%s: %s" % (e, self.status))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            raise Failed("hangs: not stopped after 60 s")

    # What was delivered is compared with what was counted.
    def check_delivered(self):
        said = re.findall(r"^tick: (\d+) events? delivered(.*)$", self.text("err"), re.M)
        lost = sum(map(int, re.findall(r"(\d+) (?:lost|filtered)", said[-1][1]))) if said else 0
        log = self.dir + "/state/log"
        lines = [line for f in os.listdir(log) for line in open(log + "/" + f)]
        for name, got in ("the file", lines), ("stdout", self.text("out").splitlines()):
            try:
                numbers = [self.scene.number(json.loads(line)["data"]) for line in got]
            except (ValueError, KeyError) as e:
                raise Failed("%s has a line that is not whole: %s" % (name, e))
            if len(numbers) != len(set(numbers)):
                raise Failed("%s has events twice" % name)
            if len(numbers) + lost != self.made:
                raise Failed("%s has %d of %d events, and %d are counted" % (name, len(numbers), self.made, lost))

    def check_crashes(self):
        """True: one within the library whose own call failed, about which nothing can be done here."""
        foreign = False
        for c in self.order.crashes[:self.order.n_crashes]:
            if is_crash_of_library(c, self.order.where):
                foreign = True
                continue
            raise Failed("%s crashed with %s: %s" % (c.kind.decode(), signal.Signals(c.number).name,
                                                     " < ".join(symbols(c.stack()))))
        return foreign

    def whole(self):
        self.start()
        self.load()
        self.tick(FIRST)
        self.await_rest()
        self.await_well()
        fired = self.order.fired
        self.tick(SECOND)
        self.stop()
        self.check_crashes()
        if fired and self.process.returncode != 0:
            raise Failed("ebpfctl run ended with status %d" % self.process.returncode)
        if self.process.returncode not in (0, 1):
            raise Failed("ebpfctl run ended with status %d" % self.process.returncode)
        self.check_delivered()

    def outcome(self):
        if not self.order.fired:
            return "not reached"
        if self.check_crashes():
            return "library crash"
        if self.refusals:
            return "load refused"
        died = re.search(r"died \(|worker of \S+ \(process \d+\) ended", self.text("err"))
        return "restarted" if died else "coped"

    def finish(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.dir)


def libraries(where):
    """Those that were called by the innermost function of ours."""
    stack = [f.split("+")[0] for f in where.stack()]
    ours = next((i for i, f in enumerate(stack) if f.startswith("ebpf-")), len(stack))
    return {f for f in stack[:ours] if not f.startswith(("libc.so", "shim"))}


def is_crash_of_library(crash, failure):
    """A library that gets no memory, and ends the process (nanomsg's alloc_assert, libuv) or does not look (libseccomp)."""
    return bool(libraries(crash) & libraries(failure))


def symbols(stack):
    out = []
    for f in stack:
        module, _, offset = f.partition("+")
        path = BIN + "/" + module
        if not os.path.exists(path):
            out.append(f)
            continue
        r = subprocess.run(["addr2line", "-f", "-s", "-e", path, hex(int(offset, 16) - 1)], capture_output=True,
                           text=True)
        out.append(" ".join(r.stdout.split()) if r.returncode == 0 else f)
    return out


def run_point(room, point, keep=None):
    """{point, outcome, where} and, if it failed, why and what was said."""
    room.reset()
    room.arm(point)
    run = Run(room, point.scene)
    result = {"point": str(point)}
    begun = time.monotonic()
    try:
        try:
            run.whole()
            result["outcome"] = run.outcome()
        except (Failed, OSError, subprocess.SubprocessError) as e:
            result["why"] = str(e)
            result["outcome"] = "FAILED"
            try:
                run.check_crashes()
            except Failed as crash:
                result["why"] = str(crash)
            result["said"] = run.text("err") if os.path.exists(run.dir + "/err") else ""
        if room.order.fired:
            result["where"] = symbols(room.order.where.stack())
        if room.order.n_crashes:
            result["crash"] = symbols(room.order.crashes[0].stack())
        if result["outcome"] == "FAILED" and keep:
            shutil.copytree(run.dir, keep, dirs_exist_ok=True)
    finally:
        run.finish()
    result["seconds"] = round(time.monotonic() - begun, 2)
    return result


def run_count(room, scene):
    """How often each kind makes each call in a run in which nothing fails, and which of them come by a new path."""
    room.reset()
    room.order.by_site = 1
    ctypes.memset(ctypes.addressof(room.order) + Order.sites.offset, 0, ctypes.sizeof(Order) - Order.sites.offset)
    run = Run(room, scene)
    try:
        run.whole()
    except Failed as e:
        return {"why": "nothing was made to fail, and yet: %s\n%s" % (e, run.text("err"))}
    finally:
        room.order.by_site = 0
        run.finish()
    counts = {}
    for k, kind in enumerate(KINDS):
        for c, call in enumerate(CALL_NAMES):
            n, first = room.order.counts[k][c], {}
            for i in range(min(n, NUMBER["SITES"])):
                first.setdefault(room.order.sites[k][c][i], i + 1)
            counts[kind + ":" + call] = n, sorted(first.values())
    return {"counts": counts}
