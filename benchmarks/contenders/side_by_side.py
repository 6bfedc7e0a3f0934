"""The servers of comparison.py and probes.py: how each is started, and what it takes.

Their own defaults, except that they send no Pings and write no log, and granian accepts as many
connections as are opened. daphne does not use wsaccel, which it does not ask for.
"""

from __future__ import annotations

import contextlib
import ctypes.util
import importlib.util
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure.connections import resident
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

LOOPS = ("uvloop", "asyncio")
OWN = "its own loop"

FLOOR = "floor of ASGI"
MOST_CONNECTIONS = 20_000

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
    # To granian an open connection is a request that it works on, and this is how many it takes.
    return [
        *("-m", "granian", "--interface", interface, "--ws", "--loop", loop, "--no-log"),
        *("--backpressure", str(MOST_CONNECTIONS)),
        *("--host", "127.0.0.1", "--port", str(port), app),
    ]


def on_fastframe(target: str, *command: str) -> list[str]:
    return [*RUN, "--target", target, sys.executable, *command]


def contenders(port: int) -> Iterator[Contender]:
    """All of them, for both loops; those with a loop of their own at the end."""
    for loop in LOOPS:
        yield from on_a_loop(loop, port)
    daphne = ["daphne", "--ping-interval", "3600", "-v", "0", "-p", str(port), APP]
    yield Contender("daphne", "asyncio", ["-c", WITHOUT_WSACCEL, *daphne], "daphne")
    yield Contender(
        "daphne on fastframe", "asyncio", on_fastframe("autobahn", "-m", *daphne), "daphne"
    )
    yield Contender(
        "socketify", OWN, [*FRAMEWORK, "socketify", str(port)], "socketify", deflate=True
    )


def on_a_loop(loop: str, port: int) -> Iterator[Contender]:
    def contender(name: str, command: list[str], *, deflate: bool = False) -> Contender:
        package = "fastframe" if name == FLOOR else name.partition(" ")[0].strip(",")
        return Contender(name, loop, command, package, deflate)

    def framework(name: str) -> list[str]:
        return [*FRAMEWORK, name, str(port), loop]

    yield contender(FLOOR, ["-m", "benchmarks.contenders.asgi_floor", loop, str(port)])
    for name, ws in (
        ("uvicorn, fastframe's class", OURS),
        ("uvicorn, its default, websockets-sansio", "auto"),
        ("uvicorn, websockets", "websockets"),
        ("uvicorn, wsproto", "wsproto"),
    ):
        yield contender(name, uvicorn(loop, port, ws), deflate=True)
    yield contender("granian, ASGI", granian(loop, port, "asgi", APP))
    yield contender("granian, RSGI", granian(loop, port, "rsgi", RSGI_APP))
    picows = ["-m", "benchmarks.contenders.echo_servers", loop, str(port)]
    yield contender("picows, compiled listener", [*picows, "--compiled"])
    yield contender("picows, Python listener", picows)
    yield contender("aiohttp", framework("aiohttp"), deflate=True)
    for name, command, target, deflate in (
        ("websockets", framework("websockets"), "websockets", True),
        ("tornado", framework("tornado"), "tornado", True),
        ("sanic", framework("sanic"), "websockets", False),
        ("hypercorn", hypercorn(loop, port), "wsproto", True),
    ):
        yield contender(name, command, deflate=deflate)
        yield contender(f"{name} on fastframe", on_fastframe(target, *command), deflate=deflate)


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
