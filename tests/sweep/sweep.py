#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The failure sweep: one run of a private instance per point, in which one call of one kind of process fails once.

A point is SCENE/KIND:CALL:N:ERRNO, as in plain/sinkd:pwrite:17:ENOSPC. order.h has the kinds and calls, and what each
call can fail with; shim.c makes it fail. Whatever fails, no process crashes or hangs, and the ledger balances: what the
ticker made is in the file and on stdout, once, or counted under a reason.
"""
import argparse
import ctypes
import errno
import hashlib
import json
import mmap
import os
import queue
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("BUILD") or ROOT + "/build"
BIN = BUILD + "/bin"
FIRST, SECOND = 300, 50		# events while it runs, and just before it is stopped
PATIENCE = 30			# seconds, for what takes one at most


# ---- order.h -------------------------------------------------------------------------------------------------

def read_header():
    text = open(HERE + "/order.h").read()

    def rows(macro):
        return re.findall(r"X\((\w+),\s*(.*?)\)", re.search(r"#define %s\(X\)(.*?)\n\n" % macro, text, re.S).group(1))

    def number(name):
        return eval(re.search(r"#define %s\s+([^\t\n/]+)" % name, text).group(1).rstrip("u "))
    kinds = [name for name, _ in rows("SWEEP_KINDS")]
    calls = {name: errors.strip('"').split() for name, errors in rows("SWEEP_CALLS")}
    return kinds, calls, {n: number("SWEEP_" + n) for n in ("MAGIC", "FRAMES", "CRASHES", "SITES")}


KINDS, CALLS, NUMBER = read_header()
CALL_NAMES = list(CALLS)


class Where(ctypes.Structure):
    _fields_ = [("pid", ctypes.c_int32), ("number", ctypes.c_int32), ("kind", ctypes.c_char * 16),
                ("frames", (ctypes.c_char * 64) * NUMBER["FRAMES"])]

    def stack(self):
        return [f.value.decode(errors="replace") for f in self.frames if f.value]


class Order(ctypes.Structure):
    _fields_ = [("magic", ctypes.c_uint32), ("by_site", ctypes.c_uint32), ("armed", ctypes.c_uint32),
                ("kind", ctypes.c_uint32), ("call", ctypes.c_uint32), ("error", ctypes.c_uint32),
                ("n", ctypes.c_uint64), ("fired", ctypes.c_uint32), ("n_crashes", ctypes.c_uint32),
                ("counts", (ctypes.c_uint64 * len(CALLS)) * len(KINDS)), ("where", Where),
                ("crashes", Where * NUMBER["CRASHES"]),
                ("sites", ((ctypes.c_uint32 * NUMBER["SITES"]) * len(CALLS)) * len(KINDS))]


# ---- points --------------------------------------------------------------------------------------------------

SCENES = {
    "plain": "",
    "processor": "",
    "rotate": "storage:\n  file: { rotate-size: 16K, keep: 100, fsync: batch }\n",
}


class Point:
    def __init__(self, scene, kind, call, n, error):
        self.scene, self.kind, self.call, self.n, self.error = scene, kind, call, int(n), error

    @staticmethod
    def parse(text):
        m = re.fullmatch(r"(\w+)/(\w+):(\w+):(\d+):(\w+)", text)
        if not m or m[1] not in SCENES or m[2] not in KINDS or m[5] not in CALLS.get(m[3], ()):
            sys.exit("no such point: %s (SCENE/KIND:CALL:N:ERRNO)" % text)
        return Point(*m.groups())

    def __str__(self):
        return "%s/%s:%s:%d:%s" % (self.scene, self.kind, self.call, self.n, self.error)


# ---- one run -------------------------------------------------------------------------------------------------

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
        self.room, self.order, self.scene = room, room.order, scene
        self.dir = tempfile.mkdtemp(prefix="run.", dir=room.dir)
        os.chmod(self.dir, 0o755)
        self.refusals, self.made, self.process, self.bus = [], 0, None, None
        os.mkdir(self.dir + "/config")
        self.write_program()

    def write_program(self):
        so = "  - { name: plain, type: user_so, path: %s/tests/so/plain.so }\n" % BUILD
        with open(self.dir + "/tick.yaml", "w") as f:
            f.write("programs:\n  - { name: tick, type: ebpf_object, path: %s/tests/bpf/tick_big.bpf.o,\n"
                    "      properties: { variables: { tick_magic: %d } } }\n%s"
                    "channels:\n  ticks: { type: ring_buffer }\n%s%s" %
                    (BUILD, self.room.magic, so if self.scene == "processor" else "",
                     "events:\n  - { name: plain }\n" if self.scene == "processor" else "", SCENES[self.scene]))

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
        """A load may be refused, with its reason; the next one is not."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            r = self.ctl("load", self.dir + "/tick.yaml")
            if r.returncode == 0:
                return
            if r.returncode != 1 or not r.stderr.strip():
                raise Failed("load ended with status %d and said: %s" % (r.returncode, r.stderr))
            self.refusals.append(r.stderr.strip())
            if "already" in r.stderr and self.ctl("show", "tick").returncode == 0:
                return		# who asked was not told that it is there
            time.sleep(0.3)
        raise Failed("cannot be loaded: " + " / ".join(self.refusals))

    def tick(self, n):
        subprocess.run([BUILD + "/tests/tools/ticker", str(n), str(self.made)], check=True,
                       env={"TICK_MAGIC": str(self.room.magic)})
        self.made += n

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
        return ledger if ledger["channels"][0]["produced"] == self.made else None

    def await_rest(self):
        try:
            return self.until("the ledger does not balance", self.at_rest)
        except Failed as e:
            raise Failed("%s: %s" % (e, self.ledger))

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
                numbers = [json.loads(line)["data"]["n"] for line in got]
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
        if result["outcome"] == "FAILED" and keep:
            shutil.copytree(run.dir, keep, dirs_exist_ok=True)
    finally:
        run.finish()
    result["seconds"] = round(time.monotonic() - begun, 2)
    return result


def run_count(room, scene, by_site):
    """How often each kind makes each call in a run in which nothing fails; by_site: and from where."""
    room.reset()
    room.order.by_site = by_site
    ctypes.memset(ctypes.addressof(room.order) + Order.sites.offset, 0, ctypes.sizeof(Order) - Order.sites.offset)
    run = Run(room, scene)
    counts = {}
    try:
        run.whole()
    except Failed as e:
        return {"why": "nothing was made to fail, and yet: %s\n%s" % (e, run.text("err"))}
    finally:
        room.order.by_site = 0
        run.finish()
    for k, kind in enumerate(KINDS):
        for c, call in enumerate(CALL_NAMES):
            n = room.order.counts[k][c]
            if by_site:
                first = {}
                for i in range(min(n, NUMBER["SITES"])):
                    first.setdefault(room.order.sites[k][c][i], i + 1)
                counts[kind + ":" + call] = sorted(first.values())
            else:
                counts[kind + ":" + call] = n
    return {"counts": counts}


# ---- a process per room --------------------------------------------------------------------------------------

def serve():
    """Requests come as lines of JSON, answers go as such; ends with its input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    room = Room()
    try:
        for line in sys.stdin:
            q = json.loads(line)
            if "count" in q:
                answer = run_count(room, q["count"], q["by_site"])
            else:
                answer = run_point(room, Point.parse(q["point"]), q.get("keep"))
            out.write(json.dumps(answer) + "\n")
            out.flush()
    finally:
        room.close()


class Server:
    def __init__(self):
        self.process = subprocess.Popen(["unshare", "-m", "--propagation", "private", sys.executable, __file__, "--serve"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        start_new_session=True)

    def ask(self, **question):
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit("the process that runs the points ended")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


# ---- the sweep -----------------------------------------------------------------------------------------------

def points_of(scene, counts, args):
    for key, n in counts.items():
        kind, call = key.split(":")
        if (args.kind and kind not in args.kind) or (args.call and call not in args.call):
            continue
        for i in n if isinstance(n, list) else range(1, n + 1):
            for error in CALLS[call]:
                yield Point(scene, kind, call, i, error)


def fingerprint():
    """Of what is swept: after a change, points are others."""
    h = hashlib.sha256()
    for f in sorted(os.listdir(BIN)):
        h.update(open(BIN + "/" + f, "rb").read())
    return h.hexdigest()[:16]


class Book:
    """Results, a line each, so that a sweep goes on where it was interrupted."""

    def __init__(self, path):
        self.done, self.file, self.lock = {}, None, threading.Lock()
        if not path:
            return
        os.makedirs(os.path.dirname(path), exist_ok=True)
        mark = fingerprint()
        if os.path.exists(path):
            lines = open(path).read().splitlines()
            if lines and lines[0] == mark:
                for line in lines[1:]:
                    r = json.loads(line)
                    self.done[r["point"]] = r
            else:
                os.rename(path, path + ".old")
        fresh = not os.path.exists(path)
        self.file = open(path, "a")
        if fresh:
            self.file.write(mark + "\n")

    def add(self, r):
        with self.lock:
            self.done[r["point"]] = r
            if self.file:
                self.file.write(json.dumps(r) + "\n")
                self.file.flush()


def summary(results):
    table, kinds = {}, {}
    for r in results:
        p = Point.parse(r["point"])
        table.setdefault((p.kind, p.call), {}).setdefault(r["outcome"], []).append(r)
        kinds[r["outcome"]] = kinds.get(r["outcome"], 0) + 1
    columns = ["coped", "restarted", "load refused", "library crash", "not reached", "FAILED"]
    print("# %-10s %-10s %8s " % ("process", "call", "points") + "".join("%15s" % c for c in columns))
    for (kind, call), row in sorted(table.items(), key=lambda x: (KINDS.index(x[0][0]), x[0][1])):
        print("# %-10s %-10s %8d " % (kind, call, sum(map(len, row.values()))) +
              "".join("%15d" % len(row.get(c, ())) for c in columns))
    return kinds


def tell_failure(r):
    print("# FAILED %s: %s" % (r["point"], r["why"]))
    for line in r.get("said", "").splitlines()[-12:]:
        print("#   | " + line)
    if r.get("where"):
        print("#   it failed in " + " < ".join(r["where"][:8]))
    print("#   again: make sweep POINT=%s" % r["point"], flush=True)


def sweep(servers, points, book, args):
    todo = queue.SimpleQueue()
    for p in points:
        todo.put(p)
    total, begun, n_done, failed = len(points), time.monotonic(), [0], []
    end = [begun + args.seconds if args.seconds else float("inf")]

    def work(server):
        while time.monotonic() < end[0]:
            try:
                p = todo.get_nowait()
            except queue.Empty:
                return
            r = server.ask(point=str(p), keep=args.keep)
            book.add(r)
            with book.lock:
                n_done[0] += 1
                if r["outcome"] == "FAILED":
                    failed.append(r)
                    tell_failure(r)
                if sys.stderr.isatty():
                    rate = (time.monotonic() - begun) / n_done[0]
                    sys.stderr.write("\r%d of %d points, %d failed, %d min left  %-50s" %
                                     (n_done[0], total, len(failed), (total - n_done[0]) * rate / 60, p))
                elif n_done[0] % 500 == 0:
                    print("# %d of %d points, %d failed" % (n_done[0], total, len(failed)), flush=True)
    threads = [threading.Thread(target=work, args=(s,)) for s in servers]
    for t in threads:
        t.start()
    try:
        for t in threads:
            t.join()
    except KeyboardInterrupt:
        end[0] = 0		# what is under way is finished
        for t in threads:
            t.join()
    if sys.stderr.isatty():
        sys.stderr.write("\n")
    return n_done[0]


def parse():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("--point", action="append", help="this one alone: SCENE/KIND:CALL:N:ERRNO")
    a.add_argument("--scene", action="append", choices=list(SCENES), help="default: all")
    a.add_argument("--kind", action="append", choices=KINDS)
    a.add_argument("--call", action="append", choices=CALL_NAMES)
    a.add_argument("--sites", action="store_true", help="one point per place that calls, not every call")
    a.add_argument("--sample", type=int, help="so many of the points, by --seed")
    a.add_argument("--seed", type=int, default=os.getpid())
    a.add_argument("--seconds", type=float, help="begin no further point after this time")
    a.add_argument("--jobs", type=int, default=min(2, os.cpu_count()))
    a.add_argument("--book", help="file of results: those in it are not run again")
    a.add_argument("--keep", help="folder for what a failed run leaves")
    a.add_argument("--count", action="store_true", help="say how many points there are, and end")
    a.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    return a.parse_args()


def choose(server, args):
    if args.point:
        return [Point.parse(p) for p in args.point]
    points = []
    for scene in args.scene or SCENES:
        r = server.ask(count=scene, by_site=int(args.sites))
        if "why" in r:
            sys.exit(r["why"])
        here = list(points_of(scene, r["counts"], args))
        print("# %s: %d points" % (scene, len(here)), flush=True)
        points += here
    if args.sample:
        print("# seed %d" % args.seed, flush=True)
        points = spread(points, args)
    return points


def spread(points, args):
    """As many of each kind and call as there are, in turn: else nearly all would be allocations."""
    groups = {}
    chance = random.Random(args.seed)
    for p in points:
        groups.setdefault((p.kind, p.call), []).append(p)
    rows = list(groups.values())
    for g in rows:
        chance.shuffle(g)
    chance.shuffle(rows)
    chosen = []
    while rows and len(chosen) < args.sample:
        for g in rows:
            chosen.append(g.pop())
        rows = [g for g in rows if g]
    return chosen[:args.sample]


def main():
    args = parse()
    if args.serve:
        return serve()
    servers = [Server() for _ in range(args.jobs)]
    book = Book(args.book)
    try:
        points = choose(servers[0], args)
        if args.count:
            return 0
        left = [p for p in points if str(p) not in book.done]
        n = sweep(servers, left, book, args)
    finally:
        for s in servers:
            s.close()
    results = [book.done[str(p)] for p in points if str(p) in book.done]
    kinds = summary(results)
    bad = [r for r in results if r["outcome"] == "FAILED"]
    print("# %d points swept of %d, %d of them now, %d failed" % (len(results), len(points), n, len(bad)))
    for r in bad:
        print("# failed: make sweep POINT=%s" % r["point"])
    if args.point:
        for r in results:
            print("# %s: %s" % (r["point"], r["outcome"]))
            print("# where: " + " < ".join(r.get("where", [])))
    return 1 if bad or not results else 0


if __name__ == "__main__":
    sys.exit(main())
