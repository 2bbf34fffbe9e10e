#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The failure sweep: one run of a private instance per point, in which one call of one kind of process fails once.

A point is SCENE/KIND:CALL:N:ERRNO, as in plain/sinkd:pwrite:17:ENOSPC. order.h has the kinds and calls, and what each
call can fail with; shim.c makes it fail. Whatever fails, no process crashes or hangs, and the ledger balances: what the
ticker made is in the file and on stdout, once, or counted under a reason.
"""
import argparse
import hashlib
import json
import os
import queue
import random
import sys
import threading
import time

from order import CALL_NAMES, CALLS, KINDS, Point, SCENES
from room import BIN
from server import Server


def points_of(scene, counts, args):
    """One for each path that leads to a call first: what comes after them is more of the same, mostly."""
    first, more = [], []
    for key, (n, paths) in counts.items():
        kind, call = key.split(":")
        if (args.kind and kind not in args.kind) or (args.call and call not in args.call):
            continue
        rest = [] if args.paths else sorted(set(range(1, n + 1)) - set(paths))
        for numbers, points in (paths, first), (rest, more):
            points += [Point(scene, kind, call, i, error) for i in numbers for error in CALLS[call]]
    return first, more


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
        while time.monotonic() < end[0] and not server.ended:
            try:
                p = todo.get_nowait()
            except queue.Empty:
                return
            try:
                r = server.ask(point=str(p), keep=args.keep)
            except EOFError as e:
                r = {"point": str(p), "outcome": "FAILED", "why": str(e)}
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
    a.add_argument("--paths", action="store_true", help="one point for each path that leads to a call, not for every call")
    a.add_argument("--seed", type=int, help="in an order by chance, of each kind and call in turn: for --seconds")
    a.add_argument("--seconds", type=float, help="begin no further point after this time")
    a.add_argument("--jobs", type=int, default=2 * os.cpu_count())
    a.add_argument("--book", help="file of results: those in it are not run again")
    a.add_argument("--keep", help="folder for what a failed run leaves")
    a.add_argument("--count", action="store_true", help="say how many points there are, and end")
    return a.parse_args()


def choose(server, args):
    if args.point:
        return [Point.parse(p) for p in args.point]
    first, more = [], []
    for scene in args.scene or SCENES:
        r = server.ask(count=scene)
        if "why" in r:
            sys.exit(r["why"])
        a, b = points_of(scene, r["counts"], args)
        print("# %s: %d points, %d of them by a path of their own" % (scene, len(a) + len(b), len(a)), flush=True)
        first += a
        more += b
    if args.seed is not None:
        print("# seed %d" % args.seed, flush=True)
        return spread(first + more, args.seed)
    return first + more


def spread(points, seed):
    """As many of each kind and call as there are, in turn: else nearly all would be allocations."""
    groups = {}
    chance = random.Random(seed)
    for p in points:
        groups.setdefault((p.kind, p.call), []).append(p)
    rows = list(groups.values())
    for g in rows:
        chance.shuffle(g)
    chance.shuffle(rows)
    chosen = []
    while rows:
        for g in rows:
            chosen.append(g.pop())
        rows = [g for g in rows if g]
    return chosen


def main():
    args = parse()
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
