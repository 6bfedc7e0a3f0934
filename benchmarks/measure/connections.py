"""What a connection costs a server: CPU time to come and go, and memory while it is quiet.

usage: python -m benchmarks.measure.connections KEPT.json [--quick]

Each server is a process of its own. To come and go is TCP, a request with ten headers, the answer,
one echo, Close in both directions and the end of TCP (by the client, as picows leaves it to the
application). Servers take turns, and every answer is checked. Memory is what the process grows by
for each of some thousand connections that have echoed 100 bytes, and were quiet for a while. Peers
that are not installed are left out. Linux only.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import random
import re
import resource
import socket
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure import end_to_end
from benchmarks.measure.end_to_end import APP, OURS, cpu_seconds, free_port, uvicorn
from benchmarks.report import results
from fastframe import Close, Decoder, Encoder, Role
from fastframe.deflate import Deflate

FRAMEWORK = ("-m", "benchmarks.contenders.frameworks")

CONNECTIONS = 300
"""In a round."""
ROUNDS = 5
GENERATIONS = 2  # of processes, as how one has laid out its memory stays as it is
QUIET = 3000
SECONDS_OF_QUIET = 12

DEFLATE = "permessage-deflate; client_max_window_bits"
REQUEST = (
    "GET /echo?room=12 HTTP/1.1\r\n"
    "Host: localhost:8000\r\n"
    "Connection: Upgrade\r\n"
    "Pragma: no-cache\r\n"
    "Cache-Control: no-cache\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)\r\n"
    "Upgrade: websocket\r\n"
    "Origin: http://localhost:8000\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "{offer}"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
NO_OFFER = "Accept-Language: en-GB,en;q=0.9\r\n"


def servers(loop: str, port: int, deflate: bool) -> dict[str, list[str]]:
    """What follows `python`, by contender."""
    found = {
        "uvicorn, fastframe": uvicorn(loop, port, OURS),
        "uvicorn, websockets-sansio": uvicorn(loop, port, "websockets-sansio"),
        "uvicorn, wsproto": uvicorn(loop, port, "wsproto"),
    }
    peers = {
        "aiohttp": [*FRAMEWORK, "aiohttp", str(port), loop],
        "tornado": [*FRAMEWORK, "tornado", str(port), loop],
        "picows": ["-m", "benchmarks.contenders.echo_servers", loop, str(port)],
        "granian": [
            *("-m", "granian", "--interface", "asgi", "--ws", "--loop", loop, "--no-log"),
            *("--host", "127.0.0.1", "--port", str(port), APP),
        ],
    }
    if not deflate:
        found |= {name: peers[name] for name in peers if importlib.util.find_spec(name)}
    return found


@contextlib.contextmanager
def running(command: list[str], port: int) -> Iterator[int]:
    """The process that serves."""
    with end_to_end.running(command, port) as server:
        server.connection.close()
        yield server.process


class Client(NamedTuple):
    connection: socket.socket
    encoder: Encoder
    decoder: Decoder


@contextlib.contextmanager
def opened(port: int, deflate: bool) -> Iterator[Client]:
    client = open_client(port, deflate)
    with client.connection:
        yield client


def open_client(port: int, deflate: bool) -> Client:
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    offer = f"Sec-WebSocket-Extensions: {DEFLATE}\r\n" if deflate else NO_OFFER
    connection.sendall(REQUEST.format(offer=offer).encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += received(connection)
    if not head.startswith(b"HTTP/1.1 101 ") or (b"permessage-deflate" in head) != deflate:
        raise ValueError(f"a server has answered {head!r}")
    agreement = None
    if deflate:
        agreed = re.search(rb"(?i)\r\nsec-websocket-extensions: *(.*)\r\n", head)
        agreement = Deflate().confirm(agreed[1].decode() if agreed else "")
    return Client(
        connection,
        Encoder(Role.CLIENT, deflate=agreement),
        Decoder(Role.CLIENT, deflate=agreement),
    )


def receive(client: Client) -> object:
    while True:
        for message in client.decoder.feed(received(client.connection)):
            return message


def received(connection: socket.socket) -> bytes:
    data = connection.recv(4096)
    if not data:
        raise ValueError("a server has closed the connection")
    return data


def echo(client: Client, text: str) -> None:
    client.connection.sendall(client.encoder.text(text))
    if (answer := receive(client)) != text:
        raise ValueError(f"a server has echoed {answer!r}")


def come_and_go(port: int, deflate: bool) -> None:
    with opened(port, deflate) as client:
        echo(client, f"a message, {random.getrandbits(40):012x}")
        client.connection.sendall(client.encoder.close(1000))
        if not isinstance(answer := receive(client), Close):
            raise ValueError(f"a server has answered a Close with {answer!r}")


def cpu_of_connections(loop: str, deflate: bool, *, quick: bool) -> dict[str, float]:
    """Seconds for each."""
    seconds: dict[str, list[float]] = {}
    count = 5 if quick else CONNECTIONS
    for _ in range(1 if quick else GENERATIONS):
        with contextlib.ExitStack() as stack:
            started = {}
            for name in servers(loop, 0, deflate):
                port = free_port()
                command = servers(loop, port, deflate)[name]
                started[name] = (port, stack.enter_context(running(command, port)))
                for _ in range(count):
                    come_and_go(port, deflate)
            for _ in range(1 if quick else ROUNDS):
                for name, (port, process) in started.items():
                    before = cpu_seconds(process)
                    for _ in range(count):
                        come_and_go(port, deflate)
                    spent = (cpu_seconds(process) - before) / count
                    seconds.setdefault(name, []).append(spent)
    return {name: statistics.median(found) for name, found in seconds.items()}


def resident(process: int) -> int:
    """Bytes."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def memory_while_quiet(loop: str, deflate: bool, *, quick: bool) -> dict[str, float]:
    """Bytes for each connection."""
    found = {}
    count = 20 if quick else QUIET
    for name in servers(loop, 0, deflate):
        port = free_port()
        command = servers(loop, port, deflate)[name]
        with running(command, port) as process, contextlib.ExitStack() as stack:
            for _ in range(5 if quick else 200):
                come_and_go(port, deflate)
            before = resident(process)
            for number in range(count):
                client = stack.enter_context(opened(port, deflate))
                echo(client, f"{number:08}" * 12 + "abcd")
            time.sleep(0 if quick else SECONDS_OF_QUIET)
            found[name] = (resident(process) - before) / count
    return found


def main(path: str, *, quick: bool) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 2 * QUIET)), hard))
    # One core for all, as in end_to_end.py.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    medians: results.Medians = {}
    for deflate in (False, True):
        agreed = ", deflate" if deflate else ""
        medians[f"a connection, CPU{agreed}"] = cpu_of_connections("uvloop", deflate, quick=quick)
        for loop in ("asyncio", "uvloop"):
            medians[f"a connection, memory, {loop}{agreed}"] = memory_while_quiet(
                loop, deflate, quick=quick
            )
    for group, contenders in medians.items():
        scale = 1024 if "memory" in group else 1e-6
        medians[group] = {name: float(f"{value:.4g}") for name, value in contenders.items()}
        print(group, {name: f"{value / scale:.1f}" for name, value in contenders.items()})
    results.keep(Path(path), medians)


if __name__ == "__main__":
    main(sys.argv[1], quick="--quick" in sys.argv)
