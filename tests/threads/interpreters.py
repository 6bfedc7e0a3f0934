"""Interpreters with a GIL each: python -m tests.threads.interpreters [--cycles N] [--parallel N]

Makes an interpreter, imports fastframe in it, runs traffic, and destroys it; again and again, with
a look at the memory of the process, beside interpreters that import only what the codec itself does
of the standard library. Then several of them at the same time. Prints one line of JSON. For CPython
3.12 and newer.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from pathlib import Path

if sys.version_info >= (3, 13):
    import _interpreters
else:
    import _xxsubinterpreters as _interpreters

SETUP = f"import sys; sys.path[:0] = {[path for path in sys.path if path]!r}\n"
NOTHING = SETUP + "import enum, os, types\n"
TRAFFIC = (
    SETUP
    + """
from fastframe import Decoder, Encoder, Role
for number in range({rounds}):
    encoder, decoder = Encoder(Role.CLIENT), Decoder(Role.SERVER)
    wire = encoder.message("hé" * 50) + encoder.message(b"x" * 3000) + encoder.ping(b"?")
    text, data, ping = decoder.feed(wire)
    assert (text, data, ping.payload) == ("hé" * 50, b"x" * 3000, b"?")
"""
)
UNDER_WSPROTO = (
    SETUP
    + """
import fastframe
from wsproto import events
from wsproto.connection import CLIENT, SERVER, Connection
fastframe.install("wsproto")
for number in range({rounds}):
    client, server = Connection(CLIENT), Connection(SERVER)
    server.receive_data(client.send(events.TextMessage(data="hé")))
    assert [event.data for event in server.events()] == ["hé"]
    # not status(): see at_the_same_time
    assert type(client._proto).__module__ == "fastframe.frame_protocol"
fastframe.uninstall("wsproto")
fastframe.install("wsproto")
"""
)


def run(code: str) -> None:
    """In a new interpreter with a GIL of its own; RuntimeError if it raises."""
    if sys.version_info >= (3, 13):
        interpreter = _interpreters.create("isolated")
        problem = _interpreters.exec(interpreter, code)
        _interpreters.destroy(interpreter)
        if problem is not None:
            raise RuntimeError(problem.errdisplay)
    else:
        interpreter = _interpreters.create(isolated=True)
        _interpreters.run_string(interpreter, code)
        _interpreters.destroy(interpreter)


def resident_kib() -> int:
    """The memory of this process."""
    return (
        int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        * os.sysconf("SC_PAGE_SIZE")
        // 1024
    )


def growth(code: str, cycles: int) -> float:
    """By how many KiB each cycle makes the process grow, once the first tenth has warmed it up."""
    warm = max(cycles // 10, 3)
    for _ in range(warm):
        run(code)
    before = resident_kib()
    for _ in range(cycles - warm):
        run(code)
    return (resident_kib() - before) / (cycles - warm)


def at_the_same_time(code: str, interpreters: int) -> None:
    """RuntimeError if one of them raises.

    CPython 3.13.0 crashes where several import importlib.metadata at the same time, with nothing of
    fastframe in it; so `code` must not.
    """
    problems: list[BaseException] = []

    def one() -> None:
        try:
            run(code)
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=one) for _ in range(interpreters)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]


def leave() -> None:
    """Ends the process. CPython 3.12 crashes at the end of one in which an interpreter has imported
    wsproto, also without fastframe."""
    if sys.version_info < (3, 13):
        os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=20)
    parser.add_argument("--parallel", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=2000)
    arguments = parser.parse_args()
    started = time.monotonic()
    found = {
        "python": sys.version.split()[0],
        "cycles": arguments.cycles,
        "KiB a cycle, fastframe": round(growth(TRAFFIC.format(rounds=3), arguments.cycles), 1),
        "KiB a cycle, standard library": round(growth(NOTHING, arguments.cycles), 1),
        "KiB a cycle, under wsproto": round(
            growth(UNDER_WSPROTO.format(rounds=3), max(arguments.cycles // 10, 5)), 1
        ),
    }
    at_the_same_time(TRAFFIC.format(rounds=arguments.rounds), arguments.parallel)
    at_the_same_time(UNDER_WSPROTO.format(rounds=arguments.rounds), arguments.parallel)
    found["parallel"] = arguments.parallel
    found["seconds"] = round(time.monotonic() - started, 1)
    print(json.dumps(found), flush=True)
    leave()


if __name__ == "__main__":
    main()
