"""CPU time of a server for each receiver of a broadcast: one message to a thousand connections,
servers in turn.

usage: python -m benchmarks.measure.broadcast KEPT.json [--quick]

Each server is a process of its own; its CPU time, user and system, is read by the client, whose own
time does not count. No two broadcasts have the same text. Every message that arrives is decoded,
inflated and compared. Linux only.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import select
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure.end_to_end import OURS, ROOT, cpu_seconds, free_port, serving, shake_hands
from benchmarks.report import results
from fastframe import Decoder, Encoder, Role
from fastframe.deflate import Agreement, Deflate

APP = "benchmarks.contenders.broadcast_servers:app"
SIZES = {"125 B": 125, "1 KiB": 2**10, "16 KiB": 2**14}
RECEIVERS = 1000
BROADCASTS = 15
GENERATIONS = 3  # of processes, as how one has laid out its memory stays as it is

NAMES = (
    "alice",
    "bob",
    "carol",
    "dave",
    "eve",
    "mallory",
    "oscar",
    "peggy",
    "trent",
    "victor",
    "walter",
)
WORDS = (
    "so",
    "the",
    "meeting",
    "is",
    "at",
    "ten",
    "or",
    "later",
    "see",
    "you",
    "there",
    "with",
    "coffee",
    "and",
    "plans",
    "thanks",
)


def uvicorn(ws: str) -> list[str]:
    return [
        "-m",
        "uvicorn",
        "--ws",
        ws,
        "--ws-ping-interval",
        "3600",
        "--log-level",
        "warning",
        "--port",
        "PORT",
        APP,
    ]


class Contender(NamedTuple):
    command: list[str]
    path: str = "/"


CONTENDERS = {
    "uvicorn, wsproto": Contender(uvicorn("wsproto")),
    "uvicorn, websockets": Contender(uvicorn("websockets")),
    "uvicorn, websockets-sansio": Contender(uvicorn("websockets-sansio")),
    "uvicorn, fastframe": Contender(uvicorn(OURS)),
    "uvicorn, fastframe, prepared": Contender(uvicorn(OURS), "/prepared"),
    "uvicorn, wsproto on fastframe, prepared": Contender(
        ["-m", "fastframe", "run", "--target", "wsproto", *uvicorn("wsproto")], "/prepared"
    ),
    "websockets, broadcast()": Contender(["-m", "benchmarks.contenders.broadcast_servers", "PORT"]),
}


class Room:
    """The clients of one server."""

    def __init__(self, port: int, path: str, *, compressed: bool, receivers: int) -> None:
        self.connections: dict[int, tuple[socket.socket, Decoder]] = {}
        self.poll = select.epoll()
        for _ in range(receivers):
            self._join(port, path, compressed=compressed)
        self.first, _ = next(iter(self.connections.values()))

    def _join(self, port: int, path: str, *, compressed: bool) -> None:
        offer = Deflate().offer() if compressed else None
        connection = socket.create_connection(("127.0.0.1", port), timeout=30)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        agreement = agreed(shake_hands(connection, path, offer))
        if (agreement is None) is compressed:
            raise ValueError("a server has not agreed on what was asked")
        decoder = Decoder(Role.CLIENT, deflate=agreement)
        self.connections[connection.fileno()] = connection, decoder
        self.poll.register(connection, select.EPOLLIN)

    def broadcast(self, text: str) -> None:
        """Sends the text, and reads until all have received it."""
        self.first.sendall(Encoder(Role.CLIENT).text(text))
        waiting = set(self.connections)
        while waiting:
            for number, _ in self.poll.poll(30):
                connection, decoder = self.connections[number]
                for message in decoder.feed(connection.recv(65536)):
                    if message != text:
                        raise ValueError("a server has sent something else")
                    waiting.remove(number)  # KeyError if it comes twice

    def leave(self) -> None:
        self.poll.close()
        for connection, _ in self.connections.values():
            connection.close()


def agreed(head: bytes) -> Agreement | None:
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "sec-websocket-extensions":
            return Deflate().confirm(value.strip())
    return None


@contextlib.contextmanager
def running(contender: Contender, port: int) -> Iterator[int]:
    """The process that does the work."""
    command = [str(port) if part == "PORT" else part for part in contender.command]
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            if process.poll() is not None:
                raise ValueError(f"a server has ended: {command!r}")
            time.sleep(0.05)
        yield serving(process.pid)
    finally:
        process.terminate()
        process.wait(30)


def texts(size: int) -> Iterator[str]:
    """Chats of this many bytes in JSON, each of which is new."""
    chance = random.Random(size)
    while True:
        messages = [
            {
                "id": chance.getrandbits(50),
                "user": chance.choice(NAMES),
                "text": " ".join(chance.choices(WORDS, k=8)),
            }
            for _ in range(size // 60 + 1)
        ]
        yield json.dumps(messages)[:size]


def measure(*, compressed: bool, quick: bool) -> results.Medians:
    seconds: dict[str, dict[str, list[float]]] = {}
    for _ in range(1 if quick else GENERATIONS):
        for name, contender in CONTENDERS.items():
            port = free_port()
            with running(contender, port) as process:
                room = Room(
                    port,
                    contender.path,
                    compressed=compressed,
                    receivers=10 if quick else RECEIVERS,
                )
                for label, size in SIZES.items():
                    group = f"broadcast{', deflate' if compressed else ''}: {label}"
                    times = seconds.setdefault(group, {}).setdefault(name, [])
                    times.append(per_receiver(room, process, texts(size), quick=quick))
                room.leave()
    found: results.Medians = {}
    for group, contenders in seconds.items():
        found[group] = {
            name: float(f"{statistics.median(times):.4g}") for name, times in contenders.items()
        }
        print(group, {name: f"{time * 1e6:.1f}" for name, time in found[group].items()}, flush=True)
    return found


def per_receiver(room: Room, process: int, source: Iterator[str], *, quick: bool) -> float:
    number = 2 if quick else BROADCASTS
    for _ in range(2):
        room.broadcast(next(source))
    before = cpu_seconds(process)
    for _ in range(number):
        room.broadcast(next(source))
    return (cpu_seconds(process) - before) / number / len(room.connections)


if __name__ == "__main__":
    quick = "--quick" in sys.argv
    medians: results.Medians = {}
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # as end_to_end.py does
    for compressed in (False, True):
        medians |= measure(compressed=compressed, quick=quick)
    results.keep(Path(sys.argv[1]), medians)
