"""A thousand connections that end badly leave nothing in a server."""

from __future__ import annotations

import base64
import os
import socket
import struct
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("hypercorn")

from fastframe import Encoder, Role
from tests.servers.programs import free_port, running
from tests.strategies import frame

pytestmark = [
    pytest.mark.programs,
    pytest.mark.skipif(
        sys.platform != "linux", reason="RSS and file descriptors are read from /proc"
    ),
]

APP = "tests.servers.echo_asgi:app"
SERVERS = {
    "uvicorn": [
        "-m",
        "uvicorn",
        "--ws",
        "fastframe.uvicorn:WSProtocol",
        "--log-level",
        "warning",
        APP,
        "--port",
    ],
    "hypercorn": ["-m", "fastframe", "run", "-m", "hypercorn", APP, "--bind"],
}

REQUEST = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: "
    b"Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Key: %s\r\n\r\n"
    % base64.b64encode(os.urandom(16))
)
MESSAGE = Encoder(Role.CLIENT).message(bytes(100_000))

# What a peer sends before it hangs up; None: not even a request.
BAD_ENDS = [
    None,
    b"",
    MESSAGE,
    MESSAGE[:50_000],
    b"\x81",
    frame(3, b"", key=b"mask"),
    frame(1, b"\xff", key=b"mask"),
    frame(8, b"", key=b"mask"),
]


def end_badly(port: int, number: int) -> None:
    data = BAD_ENDS[number % len(BAD_ENDS)]
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        if data is None:
            return
        client.sendall(REQUEST)
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        client.sendall(data)
        if number % 3 == 0:  # with a reset instead of a FIN
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def file_descriptors(process: int) -> int:
    return len(os.listdir(f"/proc/{process}/fd"))


def resident_bytes(process: int) -> int:
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def worker(process: int) -> int:
    """The process that serves: the newest descendant."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return worker(int(children[-1])) if children else process


@pytest.mark.parametrize("server", SERVERS)
def test_a_thousand_bad_ends(server: str) -> None:
    port = free_port()
    address = str(port) if server == "uvicorn" else f"127.0.0.1:{port}"
    with running(*SERVERS[server], address, port=port) as program:
        process = worker(program.process.pid)
        before = file_descriptors(process)
        for number in range(400):
            end_badly(port, number)
        rss = resident_bytes(process)
        for number in range(1000):
            end_badly(port, number)
        deadline = time.monotonic() + 20
        while file_descriptors(process) > before and time.monotonic() < deadline:
            time.sleep(0.05)
        assert file_descriptors(process) <= before
        assert resident_bytes(process) - rss < 4 * 2**20
        assert "Traceback" not in program.output()
