"""Servers side by side: CPU time for each message that they echo, and memory for each connection.

usage: python -m benchmarks.measure.comparison KEPT.json [--quick] [--only TEXT]

Each server is a process of its own, started as its users start it, and takes its turn. What is
read is the CPU time, user and system, of that process, of all its threads and of all processes that
it has started. The client's time does not count. Texts are ASCII, none is the same as the one
before, and each echo is compared with what was sent, byte for byte. "At once" is several messages
that are sent together, before any echo is read. The floor is contenders/asgi_floor.py: what an ASGI
application, a future, a task and a codec cost with nothing else around them.

Memory is what all these processes grow by for each of 10,000 connections that have echoed 100
bytes, and were quiet for a while; fewer if there cannot be so many open files. probes.py is part of
the run. Servers that are not installed are left out, and the results say which. --only measures the
servers whose name has TEXT. Linux only.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import resource
import select
import socket
import statistics
import string
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.contenders.side_by_side import (
    FLOOR,
    Contender,
    Server,
    chosen,
    contenders,
    installed,
    running,
)
from benchmarks.measure.connections import echo, open_client
from benchmarks.measure.probes import probe
from benchmarks.report import results
from fastframe import Encoder, Role

# By label: the size of a message in bytes, and how many are sent together.
SIZES = {"32 B": (32, 20), "1 KiB": (2**10, 20), "64 KiB": (2**16, 4), "1 MiB": (2**20, 2)}
DIFFERENT = 8
SECONDS = 0.08  # of a clock on the wall, for one server, one size and one round
ROUNDS = 4
GENERATIONS = 2  # of processes, as how one has laid out its memory stays as it is

QUIET = 10_000
QUIET_IN_A_HURRY = 2_000
SECONDS_OF_QUIET = 15  # compressors are let go after 5, and their memory a little later

NO_OTHER_MEMORY = ("on fastframe", "Python listener", FLOOR)
"""How the names end of those that take the memory of another one, or are no servers."""


# ---- messages ------------------------------------------------------------------------------------


class Exchange(NamedTuple):
    """What is sent together, and what must come back."""

    sent: bytes
    expected: bytes


def exchanges(size: int, at_once: int) -> list[Exchange]:
    letters = random.Random(size)
    client, server = Encoder(Role.CLIENT), Encoder(Role.SERVER)
    alphabet = string.ascii_letters + string.digits + "    "
    texts = ["".join(letters.choices(alphabet, k=size)) for _ in range(max(DIFFERENT, at_once))]
    groups = [texts[n:] + texts[:n] for n in range(DIFFERENT)]
    return [
        Exchange(
            b"".join(map(client.text, group[:at_once])), b"".join(map(server.text, group[:at_once]))
        )
        for group in groups
    ]


def exchange(connection: socket.socket, sent: bytes, expected: bytes) -> None:
    """Sends and receives at the same time, as a server may stop to read until it has written."""
    answer = bytearray(len(expected))
    empty, rest = memoryview(answer), memoryview(sent)
    poll = select.poll()
    while empty:
        poll.register(connection, select.POLLIN | (select.POLLOUT if rest else 0))
        events = poll.poll(30_000)
        if not events:
            raise ValueError("a server does not answer")
        if rest and events[0][1] & select.POLLOUT:
            rest = rest[connection.send(rest, socket.MSG_DONTWAIT) :]
        if events[0][1] & ~select.POLLOUT:
            count = connection.recv_into(empty, 0, socket.MSG_DONTWAIT)
            if not count:
                raise ValueError("a server has closed the connection")
            empty = empty[count:]
    if answer != expected:
        raise ValueError("a server has echoed something else")


def turn(server: Server, messages: list[Exchange], seconds: float) -> float:
    """CPU seconds of the server for each exchange."""
    for sent, expected in messages[:2]:
        exchange(server.connection, sent, expected)
    count = 0
    before, end = server.cpu_seconds(), time.perf_counter() + seconds
    while count < 2 or time.perf_counter() < end:
        exchange(server.connection, *messages[count % len(messages)])
        count += 1
    return (server.cpu_seconds() - before) / count


# ---- all of them ---------------------------------------------------------------------------------

Measured = dict[str, dict[str, list[float]]]


def echoes(found: list[Contender], *, quick: bool) -> Measured:
    """CPU seconds for each message, of each round."""
    measured: Measured = {}
    for _ in range(1 if quick else GENERATIONS):
        with contextlib.ExitStack() as stack:
            servers = [(contender, stack.enter_context(running(contender))) for contender in found]
            for label, (size, together) in SIZES.items():
                for at_once, way in ((1, "one at a time"), (together, "at once")):
                    messages = exchanges(size, at_once)
                    for _ in range(1 if quick else ROUNDS):
                        for contender, server in servers:
                            spent = turn(server, messages, 0 if quick else SECONDS) / at_once
                            group = measured.setdefault(f"{contender.loop}, {way}: {label}", {})
                            group.setdefault(contender.name, []).append(spent)
    return measured


def memory(contender: Contender, count: int, *, deflate: bool, quick: bool) -> float:
    """Bytes for each connection that is quiet."""
    with running(contender) as server, contextlib.ExitStack() as stack:
        connections = []
        before = 0
        warm = count // 20
        for number in range(count + warm):
            if number == warm:
                before = server.resident()
            client = open_client(server.port, deflate)
            stack.enter_context(client.connection)
            connections.append(client.connection)
            echo(client, f"{number:08}" * 12 + "abcd")
        time.sleep(0 if quick else SECONDS_OF_QUIET)
        grown = server.resident() - before
        poll = select.poll()
        for connection in connections:
            poll.register(connection, select.POLLIN)
        if poll.poll(0):
            raise ValueError(f"{contender.name} does not leave quiet connections alone")
        return grown / count


def most_connections(wanted: int) -> int:
    """As many as there can be open files, here and in a server, which inherits the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = hard if hard != resource.RLIM_INFINITY else 4 * wanted
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    possible = (limit - 500) * 20 // 21  # a twentieth more are opened first
    if possible < wanted:
        print(f"{possible:,} connections instead of {wanted:,}: there can be {hard:,} open files")
    return min(wanted, possible)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kept", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="", metavar="TEXT")
    arguments = parser.parse_args()
    quick = arguments.quick
    # One core for all, as in end_to_end.py.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    found = chosen(arguments.only)
    left_out = sorted({c.package for c in contenders(0) if not installed(c.package)})
    if left_out:
        print("not installed, left out:", ", ".join(left_out))
    count = most_connections(QUIET_IN_A_HURRY if quick else QUIET)

    measured = echoes(found, quick=quick)
    once = on_one_loop(found)
    for deflate in (False, True):
        group = f"memory{', deflate' if deflate else ''}"
        for contender in once:
            if deflate <= contender.deflate and not contender.name.endswith(NO_OTHER_MEMORY):
                size = memory(contender, count, deflate=deflate, quick=quick)
                measured.setdefault(group, {})[contender.name] = [size]
                print(f"{group}: {contender.name} {size / 1024:.1f} KiB", flush=True)
    probes = {}
    for contender in once:
        if contender.name != FLOOR:
            probes[contender.name] = probe(contender)
            print(contender.name, probes[contender.name], flush=True)

    medians: results.Medians = {}
    spread: dict[str, dict[str, list[float]]] = {}
    for group, by_name in measured.items():
        for name, values in by_name.items():
            medians.setdefault(group, {})[name] = rounded(statistics.median(values))
            spread.setdefault(group, {})[name] = [rounded(min(values)), rounded(max(values))]
        if not group.startswith("memory"):
            print(group, {name: f"{s * 1e6:.1f}" for name, s in medians[group].items()})
    results.keep(
        arguments.kept, medians, spread=spread, connections=count, left_out=left_out, probes=probes
    )


def on_one_loop(found: list[Contender]) -> list[Contender]:
    """Each once: under uvloop where it can."""
    on_uvloop = {contender.name for contender in found if contender.loop == "uvloop"}
    return [c for c in found if c.loop != "asyncio" or c.name not in on_uvloop]


def rounded(value: float) -> float:
    return float(f"{value:.4g}")


if __name__ == "__main__":
    main()
