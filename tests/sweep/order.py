# SPDX-License-Identifier: GPL-2.0-or-later
"""order.h as the driver sees it: the tables, the layout of the file that it shares with the shim, and points."""
import ctypes
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


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


OBJECT = """programs:
  - {{ name: tick, type: ebpf_object, path: {tests}/bpf/{object}.bpf.o,
      properties: {{ variables: {{ {variables} }} }} }}
{items}channels:
  ticks: {channel}
{more}"""


class Scene:
    """A program: its object (None: there is none, and an event is a line in a FIFO), its channel, items beside the
    object, what else it says. {so}: shared objects."""

    def __init__(self, object="tick_big", channel="{ type: ring_buffer }", variables="", items="", more=""):
        self.object, self.channel, self.variables, self.items, self.more = object, channel, variables, items, more

    def yaml(self, tests, magic):
        if not self.object:
            return "programs: []\nchannels:\n  ticks: %s\n" % self.channel
        return OBJECT.format(tests=tests, object=self.object, variables="tick_magic: %d%s" % (magic, self.variables),
                             items=self.items.replace("{so}", tests + "/so"), channel=self.channel, more=self.more)

    def number(self, data):
        """Of the event that a line speaks of; one of a map has a single event in each entry."""
        if data.get("type") == "counter":
            if data["value"] != 1 or not data["delta"]:
                raise ValueError("a sample of one event has value %s" % data["value"])
            return int(data["labels"]["n"])
        return data["n"]


SCENES = {
    "plain": Scene(),
    "perf": Scene(object="tick_perf", channel="{ type: perf_buffer }"),
    "map": Scene(object="polled", variables=", entries: 4096",
                 channel="{ type: map, map: by_hash, interval: 50ms, reset: true, labels: [n], values: [calls] }"),
    "pipe": Scene(object=None, channel="{ type: pipe }"),
    "processor": Scene(items="  - { name: plain, type: user_so, path: {so}/plain.so }\n",
                       more="events:\n  - { name: plain }\n"),
    "functions": Scene(items="  - { name: around, type: user_so, path: {so}/around.so, properties: { functions: [\n"
                             "      { name: preload, type: preload }, { name: postload, type: postload },\n"
                             "      { name: unload, type: unload } ] } }\n"),
    "rotate": Scene(more="storage:\n  file: { rotate-size: 16K, keep: 100, fsync: batch }\n"),
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
