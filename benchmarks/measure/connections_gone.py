"""What is left of connections that have gone: uvicorn on fastframe.

usage: python -m benchmarks.measure.connections_gone [CONNECTIONS]

Connections (100,000 unless given) end in ten ways, in turn; after each fifth of them, the resident
memory and the file descriptors of the server are read. Then as many as may be open here, 15,000 at
most, are quiet, and the server is told to end. Linux only.
"""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import struct
import subprocess
import sys
import time

from benchmarks.measure.connections import NO_OFFER, REQUEST, resident, running
from benchmarks.measure.end_to_end import OURS, ROOT, connected, free_port, uvicorn
from fastframe import Encoder, Role
from tests.strategies import frame

MOST_QUIET = 15_000
MESSAGE = Encoder(Role.CLIENT).text("a message")
OFFER = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"

WAYS: dict[str, tuple[bytes, bool]] = {
    "a Close": (MESSAGE + Encoder(Role.CLIENT).close(1000), False),
    "a Close without a status code": (Encoder(Role.CLIENT).close(1005), False),
    "no Close": (MESSAGE, False),
    "a reset": (MESSAGE, True),
    "a reset at once": (b"", True),
    "in the middle of a header": (b"\x81", False),
    "in the middle of a message": (frame(2, bytes(100_000), key=b"mask")[:50_000], False),
    "a broken rule": (frame(3, b"", key=b"mask"), False),
    "text that is not UTF-8": (frame(1, b"\xff", key=b"mask"), False),
}
"""What is sent after the handshake, and whether TCP is reset. The tenth is a bad request."""


def end(port: int, number: int) -> None:
    # Other addresses each time, as ports are not free again for a minute.
    with socket.create_connection(
        ("127.0.0.1", port), timeout=30, source_address=(f"127.0.0.{2 + number % 250}", 0)
    ) as connection:
        way = number % (len(WAYS) + 1)
        request = REQUEST.format(offer=OFFER if number % 3 else NO_OFFER).encode()
        if way == len(WAYS):
            connection.sendall(request.replace(b"Version: 13", b"Version: 12"))
            assert connection.recv(4096).startswith(b"HTTP/1.1 426 ")
            return
        connection.sendall(request)
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(4096)
        assert head.startswith(b"HTTP/1.1 101 "), head
        data, reset = list(WAYS.values())[way]
        connection.sendall(data)
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def file_descriptors(process: int) -> int:
    return len(os.listdir(f"/proc/{process}/fd"))


def come_and_go(count: int) -> None:
    port = free_port()
    with running(uvicorn("uvloop", port, OURS), port) as process:
        for number in range(count):
            if number % (count // 5) == 0:
                print_what_is_left(process, number)
            end(port, number)
        time.sleep(1)
        print_what_is_left(process, count)


def print_what_is_left(process: int, number: int) -> None:
    print(
        f"{number:>7,} connections: {resident(process) / 2**20:.1f} MiB, "
        f"{file_descriptors(process)} file descriptors",
        flush=True,
    )


def end_of_a_server(quiet: int) -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, *uvicorn("uvloop", port, OURS)], cwd=ROOT, stderr=subprocess.DEVNULL
    )
    with contextlib.ExitStack() as stack:
        stack.callback(process.kill)
        connected(process, port).close()
        for number in range(quiet):
            source = (f"127.0.0.{2 + number % 250}", 0)
            connection = socket.create_connection(("127.0.0.1", port), source_address=source)
            stack.enter_context(connection)
            connection.sendall(REQUEST.format(offer=OFFER).encode())
            assert connection.recv(4096).startswith(b"HTTP/1.1 101 ")
        begun = time.monotonic()
        process.terminate()
        process.wait(60)
        print(
            f"{quiet:,} quiet connections: the server has ended in {time.monotonic() - begun:.2f} s"
        )


if __name__ == "__main__":
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    come_and_go(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
    end_of_a_server(min(MOST_QUIET, hard - 200))
