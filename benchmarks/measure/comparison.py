"""Servers side by side: CPU time for each message that they echo, and memory for each connection.

usage: python -m benchmarks.measure.comparison KEPT.json [--quick] [--only TEXT]

Each server is a process of its own, started as its users start it, and takes its turn. What is
read is the CPU time, user and system, of that process, of all its threads and of all processes that
it has started. The client's time does not count. Texts are ASCII, none is the same as the one
before, and each echo is compared with what was sent, byte for byte. "At once" is several messages
that are sent together, before any echo is read. The floor is contenders/asgi_floor.py: what an ASGI
application, a future, a task and a codec cost with nothing else around them.

Memory is what all these processes grow by for each of 10,000 connections that have echoed 100
bytes, and were quiet for a while; fewer if there cannot be so many open files. Servers that are not
installed are left out, and the results say which. --only measures the servers whose name has TEXT.
Linux only.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes.util
import importlib.util
import os
import random
import resource
import select
import socket
import statistics
import string
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure.connections import echo, open_client, resident
from benchmarks.measure.end_to_end import (
    APP,
    OURS,
    ROOT,
    RUN,
    connected,
    cpu_seconds,
    free_port,
    hypercorn,
    uvicorn,
)
from benchmarks.measure.libraries import WITHOUT_WSACCEL
from benchmarks.report import results
from fastframe import Encoder, Role

# By label: the size of a message in bytes, and how many are sent together.
SIZES = {"32 B": (32, 20), "1 KiB": (2**10, 20), "64 KiB": (2**16, 4), "1 MiB": (2**20, 2)}
DIFFERENT = 8
SECONDS = 0.1  # of a clock on the wall, for one server, one size and one round
ROUNDS = 4
GENERATIONS = 2  # of processes, as how one has laid out its memory stays as it is

LOOPS = ("uvloop", "asyncio")
OWN = "its own loop"

QUIET = 10_000
QUIET_IN_A_HURRY = 2_000
SECONDS_OF_QUIET = 6  # longer than the 5 after which uvicorn and fastframe let go of a compressor

NO_OTHER_MEMORY = ("on fastframe", "Python listener", "floor of ASGI")
"""How the names end of those that take the memory of another one."""

FRAMEWORK = ("-m", "benchmarks.contenders.frameworks")
RSGI_APP = "benchmarks.contenders.frameworks:rsgi_app"


class Contender(NamedTuple):
    name: str
    loop: str
    command: list[str]
    """What follows `python`."""
    package: str
    deflate: bool = False
    """It compresses, as it is started here."""


def granian(loop: str, port: int, interface: str, app: str) -> list[str]:
    # One connection after another is a request that has not ended: as many as there will be.
    return [
        *("-m", "granian", "--interface", interface, "--ws", "--loop", loop, "--no-log"),
        *("--backpressure", str(2 * QUIET)),
        *("--host", "127.0.0.1", "--port", str(port), app),
    ]


def on_fastframe(target: str, *command: str) -> list[str]:
    return [*RUN, "--target", target, sys.executable, *command]


def contenders(port: int) -> Iterator[Contender]:
    """All of them, fastframe first."""
    floor, picows = "benchmarks.contenders.asgi_floor", "benchmarks.contenders.echo_servers"
    for loop in LOOPS:
        websockets = [*FRAMEWORK, "websockets", str(port), loop]
        tornado = [*FRAMEWORK, "tornado", str(port), loop]
        sanic = [*FRAMEWORK, "sanic", str(port), loop]
        for name, command, package, deflate in (
            ("floor of ASGI", ["-m", floor, loop, str(port)], "fastframe", False),
            ("uvicorn, fastframe's class", uvicorn(loop, port, OURS), "uvicorn", True),
            (
                "uvicorn, its default, websockets-sansio",
                uvicorn(loop, port, "auto"),
                "uvicorn",
                True,
            ),
            ("uvicorn, websockets", uvicorn(loop, port, "websockets"), "uvicorn", True),
            ("uvicorn, wsproto", uvicorn(loop, port, "wsproto"), "uvicorn", True),
            ("granian, ASGI", granian(loop, port, "asgi", APP), "granian", False),
            ("granian, RSGI", granian(loop, port, "rsgi", RSGI_APP), "granian", False),
            (
                "picows, compiled listener",
                ["-m", picows, loop, str(port), "--compiled"],
                "picows",
                False,
            ),
            ("picows, Python listener", ["-m", picows, loop, str(port)], "picows", False),
            ("aiohttp", [*FRAMEWORK, "aiohttp", str(port), loop], "aiohttp", True),
            ("websockets", websockets, "websockets", True),
            (
                "websockets on fastframe",
                on_fastframe("websockets", *websockets),
                "websockets",
                True,
            ),
            ("tornado", tornado, "tornado", True),
            ("tornado on fastframe", on_fastframe("tornado", *tornado), "tornado", True),
            ("sanic", sanic, "sanic", False),
            ("sanic on fastframe", on_fastframe("websockets", *sanic), "sanic", False),
            ("hypercorn", hypercorn(loop, port), "hypercorn", True),
            (
                "hypercorn on fastframe",
                on_fastframe("wsproto", *hypercorn(loop, port)),
                "hypercorn",
                True,
            ),
        ):
            yield Contender(name, loop, command, package, deflate)
    daphne = ["daphne", "--ping-interval", "3600", "-v", "0", "-p", str(port), APP]
    yield Contender("daphne", "asyncio", ["-c", WITHOUT_WSACCEL, *daphne], "daphne")
    yield Contender(
        "daphne on fastframe", "asyncio", on_fastframe("autobahn", "-m", *daphne), "daphne"
    )
    yield Contender(
        "socketify", OWN, [*FRAMEWORK, "socketify", str(port)], "socketify", deflate=True
    )


def chosen(only: str) -> list[Contender]:
    return [
        contender
        for contender in contenders(0)
        if installed(contender.package) and only in contender.name
    ]


def installed(package: str) -> bool:
    found = importlib.util.find_spec(package) is not None
    return found and (package != "socketify" or ctypes.util.find_library("uv") is not None)


def command_of(contender: Contender, port: int) -> list[str]:
    key = contender.name, contender.loop
    return next(c.command for c in contenders(port) if (c.name, c.loop) == key)


# ---- one server ----------------------------------------------------------------------------------


class Server(NamedTuple):
    processes: list[int]
    port: int
    connection: socket.socket

    def cpu_seconds(self) -> float:
        return sum(map(cpu_seconds, self.processes))

    def resident(self) -> int:
        """Bytes."""
        return sum(map(resident, self.processes))


@contextlib.contextmanager
def running(contender: Contender, tries: int = 3) -> Iterator[Server]:
    """Another program may take the port before the server does: then it starts once more."""
    with contextlib.ExitStack() as stack:
        while True:
            try:
                server = stack.enter_context(started(contender))
                break
            except (OSError, ValueError) as error:
                tries -= 1
                if not tries:
                    raise ValueError(f"{contender.name} does not start") from error
        yield server


@contextlib.contextmanager
def started(contender: Contender) -> Iterator[Server]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, *command_of(contender, port)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with connected(process, port) as connection:
            yield Server(family(process.pid), port, connection)
    finally:
        children = family(process.pid)[1:]
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:  # it waits for connections that do not end
            for child in (*children, process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, 9)
            process.wait(30)


def family(process: int) -> list[int]:
    """A process and all that it and its threads have started."""
    found = [process]
    for thread in Path(f"/proc/{process}/task").glob("*/children"):
        for child in thread.read_text().split():
            found += family(int(child))
    return found


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
    on_both = {contender.name for contender in found if contender.loop == "uvloop"}
    for deflate in (False, True):
        group = f"memory{', deflate' if deflate else ''}"
        for contender in found:
            if contender.loop == "asyncio" and contender.name in on_both:
                continue
            if deflate <= contender.deflate and not contender.name.endswith(NO_OTHER_MEMORY):
                size = memory(contender, count, deflate=deflate, quick=quick)
                measured.setdefault(group, {})[contender.name] = [size]
                print(f"{group}: {contender.name} {size / 1024:.1f} KiB", flush=True)

    medians: results.Medians = {}
    spread: dict[str, dict[str, list[float]]] = {}
    for group, by_name in measured.items():
        for name, values in by_name.items():
            medians.setdefault(group, {})[name] = rounded(statistics.median(values))
            spread.setdefault(group, {})[name] = [rounded(min(values)), rounded(max(values))]
        if not group.startswith("memory"):
            print(group, {name: f"{s * 1e6:.1f}" for name, s in medians[group].items()})
    results.keep(arguments.kept, medians, spread=spread, connections=count, left_out=left_out)


def rounded(value: float) -> float:
    return float(f"{value:.4g}")


if __name__ == "__main__":
    main()
