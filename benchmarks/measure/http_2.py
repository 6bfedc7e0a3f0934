"""CPU time of hypercorn for each message that is echoed over one stream of HTTP/2, alone and on
fastframe.

usage: python -m benchmarks.measure.http_2 [--quick]

As libraries.py, in turns, and every echo is compared. The client is python-hyper's h2, whose time
does not count. Linux only.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

from benchmarks.measure.end_to_end import APP, ROOT, RUN, cpu_seconds, free_port, serving
from benchmarks.measure.libraries import DIFFERENT, messages
from tests.servers.over_http_2 import Http2Client, Http2WebSocket

SIZES = {"32 B": (32, 400), "1 KiB": (2**10, 300), "64 KiB": (2**16, 30), "1 MiB": (2**20, 3)}
ROUNDS = 3


@contextlib.contextmanager
def hypercorn(*run: str) -> Iterator[tuple[int, Http2WebSocket]]:
    """The process that serves, and a WebSocket on it."""
    port = free_port()
    command = [*run, "-m", "hypercorn", "--bind", f"127.0.0.1:{port}", APP]
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                client = Http2Client(port)
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        yield serving(process.pid), client.websocket()
        client.close()
    finally:
        process.terminate()
        process.wait(30)


def seconds_for_each(pid: int, websocket: Http2WebSocket, size: int, count: int) -> float:
    found = messages("ASCII text", size)
    for i, message in enumerate(itertools.islice(itertools.cycle(found), count + DIFFERENT)):
        if i == DIFFERENT:
            before = cpu_seconds(pid)
        websocket.send(websocket.encoder.message(message))
        if websocket.message() != message:
            raise ValueError("the server has echoed something else")
    return (cpu_seconds(pid) - before) / count


def main(*, quick: bool) -> None:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with hypercorn() as alone, hypercorn(*RUN) as fast:
        for label, (size, count) in SIZES.items():
            times: tuple[list[float], list[float]] = ([], [])
            for _ in range(1 if quick else ROUNDS):
                for (pid, websocket), kept in zip((alone, fast), times, strict=True):
                    kept.append(seconds_for_each(pid, websocket, size, 3 if quick else count))
            a, b = map(statistics.median, times)
            print(f"{label:8} {a * 1e6:10.1f} µs {b * 1e6:10.1f} µs {a / b:6.2f} x", flush=True)


if __name__ == "__main__":
    main(quick="--quick" in sys.argv)
