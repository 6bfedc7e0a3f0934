"""CPU time of a server for each message that it echoes over loopback, servers in turn.

usage: python -m benchmarks.measure.end_to_end KEPT.json [--quick]

Each server is a process of its own, with one connection; its CPU time, user and system, is read by
the client, whose own time does not count. Every echo is compared with what was sent. Linux only.
"""

from __future__ import annotations

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.report import results
from fastframe import Encoder, Role

ROOT = Path(__file__).parent.parent.parent
OURS = "fastframe.uvicorn:WSProtocol"
APP = "benchmarks.contenders.echo_servers:app"
RUN = ("-m", "fastframe", "run")

# By label: the size of a message, how many in a round, and how many of them at once.
SIZES = {
    "32 B": (32, 1000, 1),
    "32 B, 20 at once": (32, 2000, 20),
    "1 KiB": (2**10, 1000, 1),
    "64 KiB": (2**16, 300, 1),
    "1 MiB": (2**20, 40, 1),
}
ROUNDS = 3
GENERATIONS = 3  # of processes, as how one has laid out its memory stays as it is

SETTINGS = (("asyncio", "text"), ("asyncio", "binary"), ("uvloop", "text"))


def uvicorn(loop: str, port: int, ws: str) -> list[str]:
    # No Pings between the echoes.
    options = ["--ws-ping-interval", "3600", "--log-level", "warning", "--port", str(port)]
    return ["-m", "uvicorn", "--loop", loop, "--ws", ws, *options, APP]


def hypercorn(loop: str, port: int) -> list[str]:
    return [
        "-m",
        "hypercorn",
        "-k",
        loop,
        "--bind",
        f"127.0.0.1:{port}",
        "--log-level",
        "warning",
        APP,
    ]


def servers(loop: str, port: int) -> dict[str, list[str]]:
    """What follows `python`, by contender."""
    return {
        "uvicorn, wsproto": uvicorn(loop, port, "wsproto"),
        "uvicorn, wsproto, fastframe run": [
            *RUN,
            "--target",
            "wsproto",
            *uvicorn(loop, port, "wsproto"),
        ],
        "uvicorn, websockets": uvicorn(loop, port, "websockets"),
        "uvicorn, websockets-sansio": uvicorn(loop, port, "websockets-sansio"),
        "uvicorn, fastframe": uvicorn(loop, port, OURS),
        "hypercorn": hypercorn(loop, port),
        "hypercorn, fastframe run": [*RUN, *hypercorn(loop, port)],
        "picows, no ASGI": ["-m", "benchmarks.contenders.echo_servers", loop, str(port)],
    }


# ---- one server ----------------------------------------------------------------------------------


class Server(NamedTuple):
    process: int
    connection: socket.socket

    def cpu_seconds(self) -> float:
        return cpu_seconds(self.process)

    def echo(self, frame: bytes, expected: bytes, buffer: bytearray) -> None:
        self.connection.sendall(frame)
        view = memoryview(buffer)
        while view:
            view = view[self.connection.recv_into(view) :]
        if buffer != expected:
            raise ValueError("a server has echoed something else")


def cpu_seconds(process: int) -> float:
    """User and system time of a process; the number of its clock is made as Linux's
    clock_getcpuclockid does it."""
    return time.clock_gettime(~process << 3 | 2)


@contextlib.contextmanager
def running(command: list[str], port: int) -> Iterator[Server]:
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        with connected(process, port) as connection:
            yield Server(serving(process.pid), connection)
    finally:
        process.terminate()
        process.wait(30)


def serving(process: int) -> int:
    """The worker, if there is one: the newest descendant."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return serving(int(children[-1])) if children else process


def connected(process: subprocess.Popen[bytes], port: int) -> socket.socket:
    for _ in range(300):
        try:
            connection = socket.create_connection(("127.0.0.1", port), timeout=30)
            break
        except OSError:
            if process.poll() is not None:
                raise ValueError(f"a server has ended: {process.args!r}") from None
            time.sleep(0.05)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    shake_hands(connection)
    return connection


def shake_hands(connection: socket.socket, path: str = "/", extensions: str | None = None) -> bytes:
    """The head of the server's answer."""
    offer = f"Sec-WebSocket-Extensions: {extensions}\r\n" if extensions else ""
    request = (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{offer}\r\n"
    )
    connection.sendall(request.encode())
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(1)
    if not head.startswith(b"HTTP/1.1 101 "):
        raise ValueError(f"a server has answered {head!r}")
    return head


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


# ---- all of them ---------------------------------------------------------------------------------


def measure(loop: str, kind: str, *, quick: bool) -> results.Medians:
    seconds: dict[str, dict[str, list[float]]] = {}
    for _ in range(1 if quick else GENERATIONS):
        with contextlib.ExitStack() as stack:
            started = {}
            for name in servers(loop, 0):
                port = free_port()
                started[name] = stack.enter_context(running(servers(loop, port)[name], port))
            for size in SIZES:
                for _ in range(1 if quick else ROUNDS):
                    for name, server in started.items():
                        times = seconds.setdefault(f"{loop}, {kind}: {size}", {}).setdefault(
                            name, []
                        )
                        times.append(echoes(server, kind, size, quick=quick))
    found: results.Medians = {}
    for group, contenders in seconds.items():
        found[group] = {
            name: float(f"{statistics.median(times):.4g}") for name, times in contenders.items()
        }
        print(group, {name: f"{time * 1e6:.1f}" for name, time in found[group].items()}, flush=True)
    return found


def echoes(server: Server, kind: str, label: str, *, quick: bool) -> float:
    """CPU seconds of the server for each message."""
    size, count, at_once = SIZES[label]
    message: str | bytes = "x" * size if kind == "text" else os.urandom(size)
    frame = Encoder(Role.CLIENT).message(message) * at_once
    expected = Encoder(Role.SERVER).message(message) * at_once
    buffer = bytearray(len(expected))
    for _ in range(10):
        server.echo(frame, expected, buffer)
    number = 20 if quick else count // at_once
    before = server.cpu_seconds()
    for _ in range(number):
        server.echo(frame, expected, buffer)
    return (server.cpu_seconds() - before) / number / at_once


if __name__ == "__main__":
    quick = "--quick" in sys.argv
    medians: results.Medians = {}
    # One core for all: what waking up another one costs depends on the machine, and on where the
    # system has put the two.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    for loop, kind in SETTINGS:
        medians |= measure(loop, kind, quick=quick)
    results.keep(Path(sys.argv[1]), medians)
