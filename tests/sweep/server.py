#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A process per room, which runs the points that it is asked for. Requests come as lines of JSON, answers go as such."""
import json
import os
import signal
import subprocess
import sys

from order import Point
from room import Room, run_count, run_point


def serve():
    """Ends with its input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    room = Room()
    try:
        for line in sys.stdin:
            q = json.loads(line)
            if "count" in q:
                answer = run_count(room, q["count"])
            else:
                answer = run_point(room, Point.parse(q["point"]), q.get("keep"))
            out.write(json.dumps(answer) + "\n")
            out.flush()
    finally:
        room.close()


class Server:
    def __init__(self):
        self.ended = False
        self.process = subprocess.Popen(["unshare", "-m", "--propagation", "private", sys.executable, __file__],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
                                        start_new_session=True)

    def ask(self, **question):
        try:
            self.process.stdin.write(json.dumps(question) + "\n")
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self.ended = True
            raise EOFError("the process that runs the points ended")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


if __name__ == "__main__":
    serve()
