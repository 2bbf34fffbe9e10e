#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""introspect.py BUS FOLDER NAME…: every object of every NAME, walked from its root, against the interfaces in FOLDER/*.xml, both ways.
Prints what differs, a line each; exit status 1 if anything does. As a module: walk()."""
import glob
import sys
import xml.etree.ElementTree as xml

import dbus
import dbus.bus

STANDARD = "org.freedesktop.DBus."


def introspect(bus, name, path):
    return xml.fromstring(bus.call_blocking(name, path, STANDARD + "Introspectable", "Introspect", "", ()))


def walk(bus, name, path="/"):
    """(path, interfaces as elements) of every object; one that goes meanwhile, as a program does when it is drained, is passed over."""
    try:
        node = introspect(bus, name, path)
    except dbus.DBusException as e:
        if path == "/" or e.get_dbus_name() != STANDARD + "Error.UnknownObject":
            raise
        return
    yield path, node.findall("interface")
    for child in node.findall("node"):
        yield from walk(bus, name, path.rstrip("/") + "/" + child.get("name"))


def members(interface):
    """{what it is: all that is said of it}, to compare."""
    all_of = {}
    for m in interface:
        if m.tag is xml.Comment:
            continue
        args = tuple((a.get("type"), a.get("name"), a.get("direction", "in" if m.tag == "method" else "out")) for a in m.findall("arg"))
        notes = tuple(sorted((a.get("name"), a.get("value")) for a in m.findall("annotation")))
        all_of[m.tag + " " + m.get("name")] = (m.get("type"), m.get("access"), args, notes)
    return all_of


def main():
    bus = dbus.bus.BusConnection(sys.argv[1])
    written, served, bad = {}, {}, 0
    for f in glob.glob(sys.argv[2] + "/org.ebpfagent.*.xml"):
        for i in xml.parse(f).getroot().findall("interface"):
            written[i.get("name")] = members(i)
            if not f.endswith("/%s.xml" % i.get("name")):
                print("%s has %s" % (f, i.get("name")))
                bad = 1
    for name in sys.argv[3:]:
        for path, interfaces in walk(bus, name):
            for i in interfaces:
                if i.get("name").startswith(STANDARD):
                    continue
                served[i.get("name")] = path
                if members(i) != written.get(i.get("name")):
                    print("%s at %s\n  served:  %s\n  written: %s" % (i.get("name"), path, members(i), written.get(i.get("name"))))
                    bad = 1
    for name in sorted(set(written) - set(served)):
        print("%s is written, and nobody serves it" % name)
        bad = 1
    print("%d interfaces" % len(served))
    return bad


if __name__ == "__main__":
    sys.exit(main())
