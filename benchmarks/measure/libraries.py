"""CPU time of a server or client for each message that is echoed over loopback: libraries alone,
and on fastframe.

usage: python -m benchmarks.measure.libraries KEPT.json [--quick] [NAME ...]

A server is a process of its own, alone or under `fastframe run`; what is read is its CPU time.
websocket-client is in this process, and its server is another one. Alone and on fastframe take
turns, no two messages in a row are the same, and every echo is compared. Linux only.

wsaccel, which websocket-client and geventwebsocket use where it is installed, is hidden from them,
as few users have it.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import fastframe
from benchmarks.measure.end_to_end import APP, RUN, Server, free_port, running
from benchmarks.report import results
from fastframe import Encoder, Role

# By label: the size of a message in bytes, and how many in a round.
SIZES = {
    "32 B": (32, 500),
    "125 B": (125, 500),
    "1 KiB": (2**10, 300),
    "64 KiB": (2**16, 40),
    "1 MiB": (2**20, 4),
}
KINDS = ("ASCII text", "CJK text", "binary")
DIFFERENT = 4
ROUNDS = 3
GENERATIONS = 2  # of processes, as how one has laid out its memory stays as it is

WITHOUT_WSACCEL = (
    "import runpy, sys; sys.modules['wsaccel'] = None; del sys.argv[0]; "
    "runpy.run_module(sys.argv[0], run_name='__main__')"
)

FRAMEWORK = ("-m", "benchmarks.contenders.frameworks")

SERVERS: dict[str, Callable[[int], list[str]]] = {
    "gunicorn": lambda port: ["-m", "gunicorn", "-k", "asgi", "-b", f"127.0.0.1:{port}", APP],
    "geventwebsocket": lambda port: [
        "-c",
        WITHOUT_WSACCEL,
        "tests.libraries.echo_geventwebsocket",
        str(port),
    ],
    "websockets": lambda port: ["-m", "tests.libraries.echo_websockets", str(port)],
    "websockets, uvloop": lambda port: [
        "-m",
        "tests.libraries.echo_websockets",
        str(port),
        "--uvloop",
    ],
    "websockets, sanic": lambda port: [*FRAMEWORK, "sanic", str(port)],
    "wsproto, flask-sock": lambda port: [*FRAMEWORK, "flask-sock", str(port)],
    "gunicorn, FastAPI": lambda port: [
        "-m",
        "gunicorn",
        "-k",
        "asgi",
        "-b",
        f"127.0.0.1:{port}",
        "benchmarks.contenders.frameworks:fastapi_app()",
    ],
    "autobahn": lambda port: ["-m", "tests.libraries.echo_autobahn", str(port)],
    "tornado": lambda port: ["-m", "tests.libraries.echo_tornado", str(port)],
    "autobahn, daphne": lambda port: ["-m", "daphne", "-p", str(port), APP],
    "autobahn, channels": lambda port: [
        "-m",
        "daphne",
        "-p",
        str(port),
        "benchmarks.contenders.channels_app:application",
    ],
}
CLIENTS = ("websocket-client",)

Echo = Callable[[str | bytes], None]


class Contender(NamedTuple):
    prepare: Callable[[], None]
    echo: Echo
    cpu_seconds: Callable[[], float]
    """What it has used so far."""


def messages(kind: str, size: int) -> list[str | bytes]:
    """Different ones of this size in UTF-8."""
    if kind == "binary":
        return [os.urandom(size) for _ in range(DIFFERENT)]
    if kind == "ASCII text":
        return [chr(ord("a") + i) * size for i in range(DIFFERENT)]
    return [chr(ord("世") + i) * (size // 3) + "x" * (size % 3) for i in range(DIFFERENT)]


def echo_of_server(server: Server) -> Echo:
    client, own = Encoder(Role.CLIENT), Encoder(Role.SERVER)
    prepared = {}

    def echo(message: str | bytes) -> None:
        if message not in prepared:
            prepared[message] = (
                client.message(message),
                own.message(message),
                bytearray(len(own.message(message))),
            )
        server.echo(*prepared[message])

    return echo


@contextlib.contextmanager
def servers(name: Any) -> Iterator[dict[str, Contender]]:
    """Alone and on fastframe."""
    with contextlib.ExitStack() as stack:
        found = {}
        for contender, run in {
            "alone": (),
            "on fastframe": (*RUN, "--target", name.partition(",")[0], sys.executable),
        }.items():
            port = free_port()
            server = stack.enter_context(running([*run, *SERVERS[name](port)], port))
            found[contender] = Contender(lambda: None, echo_of_server(server), server.cpu_seconds)
        yield found


@contextlib.contextmanager
def clients(name: Any) -> Iterator[dict[str, Contender]]:
    sys.modules["wsaccel"] = None  # type: ignore[assignment]
    import websocket

    port = free_port()
    with running(["-m", "benchmarks.contenders.echo_servers", "asyncio", str(port)], port):
        connection = websocket.create_connection(f"ws://127.0.0.1:{port}", timeout=30)

        def echo(message: str | bytes) -> None:
            if isinstance(message, str):
                connection.send(message)
            else:
                connection.send_binary(message)
            if connection.recv() != message:
                raise ValueError("the server has echoed something else")

        yield {
            "alone": Contender(lambda: fastframe.uninstall(name), echo, time.process_time),
            "on fastframe": Contender(lambda: fastframe.install(name), echo, time.process_time),
        }
        fastframe.uninstall(name)


def measure(name: Any, *, quick: bool) -> results.Medians:
    seconds: dict[str, dict[str, list[float]]] = {}
    for _ in range(1 if quick else GENERATIONS):
        with (clients if name in CLIENTS else servers)(name) as contenders:
            for kind, (label, (size, count)) in itertools.product(KINDS, SIZES.items()):
                for _, (way, contender) in itertools.product(
                    range(1 if quick else ROUNDS), contenders.items()
                ):
                    times = seconds.setdefault(f"{name}: {label} {kind}", {}).setdefault(way, [])
                    times.append(
                        seconds_for_each(contender, messages(kind, size), 8 if quick else count)
                    )
    found: results.Medians = {}
    for group, by_way in seconds.items():
        found[group] = {
            way: float(f"{statistics.median(times):.4g}") for way, times in by_way.items()
        }
        alone, fast = found[group].values()
        print(
            f"{group:40} {alone * 1e6:10.1f} µs {fast * 1e6:10.1f} µs {alone / fast:6.2f} x",
            flush=True,
        )
    return found


def seconds_for_each(contender: Contender, found: list[str | bytes], count: int) -> float:
    contender.prepare()
    for message in found:
        contender.echo(message)
    before = contender.cpu_seconds()
    for message in itertools.islice(itertools.cycle(found), count):
        contender.echo(message)
    return (contender.cpu_seconds() - before) / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kept", type=Path)
    parser.add_argument("names", nargs="*", help=", ".join([*CLIENTS, *SERVERS]))
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    # One core for all: what waking up another one costs depends on the machine, and on where the
    # system has put the two.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    medians: results.Medians = {}
    for name in arguments.names or [*CLIENTS, *SERVERS]:
        medians |= measure(name, quick=arguments.quick)
    results.keep(arguments.kept, medians)


if __name__ == "__main__":
    main()
