"""What servers do with hostile clients, and what they agree to: a part of comparison.py.

Each probe has a new process of the server, as side_by_side.py starts it. The limits are the
server's defaults, or 16 MiB where the default is less than comparison.py's largest message needs.
Linux only.
"""

from __future__ import annotations

import contextlib
import re
import select
import socket
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

from benchmarks.contenders.side_by_side import Contender, Server, running
from benchmarks.measure.end_to_end import shake_hands
from fastframe import Encoder, Role, apply_mask

MIB = 2**20
ANNOUNCED = 2**30
BOMB = 64 * MIB
UNREAD = 64 * MIB
OFFER = "permessage-deflate; client_max_window_bits"
KEY = b"key!"
ENABLE_CONNECT_PROTOCOL = 8  # RFC 8441, 3


class Found(TypedDict):
    announced: str
    """How a server ends a connection whose frame says that it has a gibibyte, or ""."""
    deflate: str
    """Its answer to an offer of permessage-deflate, or ""."""
    bomb: float | None
    """MiB that it grows by, at most, through a compressed message of 64 MiB."""
    unread: float
    """MiB that it grows by, at most, while a client sends 64 MiB and reads no echo."""
    http_2: bool
    """It says that it takes WebSockets over HTTP/2 (RFC 8441)."""


def probe(contender: Contender) -> Found:
    with running(contender) as server:
        announced = end_of(server.connection, b"\x81\xff" + struct.pack("!Q", ANNOUNCED) + KEY)
    with running(contender) as server:
        unread = growth(server, send_and_never_read, server.connection)
    with running(contender) as server, connect(server.port) as connection:
        http_2 = takes_extended_connect(server.port)
        answer = deflate_of(shake_hands(connection, extensions=OFFER))
        bomb = growth(server, explode, connection) if answer else None
    return Found(announced=announced, deflate=answer, bomb=bomb, unread=unread, http_2=http_2)


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def growth(
    server: Server, does: Callable[[socket.socket], None], connection: socket.socket
) -> float:
    """The peak of its resident memory over what it has now, in MiB."""
    for process in server.processes:
        Path(f"/proc/{process}/clear_refs").write_text("5")  # the peak begins anew
    before = server.resident()
    does(connection)
    peak = 0
    for process in server.processes:
        status = Path(f"/proc/{process}/status").read_text()
        peak += int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024
    return float(f"{max(peak - before, 0) / MIB:.3g}")


def end_of(connection: socket.socket, header: bytes) -> str:
    """Sends a header and a kibibyte: the status code of the Close that follows, or "no Close"."""
    connection.sendall(header + bytes(1024))
    connection.settimeout(2)
    answer = b""
    try:
        while len(answer) < 4:
            data = connection.recv(4096)
            if not data:
                return "no Close"
            answer += data
    except TimeoutError:
        return ""
    except ConnectionError:
        return "no Close"
    return str(int.from_bytes(answer[2:4], "big")) if answer[0] == 0x88 else "no Close"


def deflate_of(head: bytes) -> str:
    found = re.search(rb"(?i)\r\nsec-websocket-extensions: *(.*?)\r\n", head)
    return found[1].decode() if found else ""


def explode(connection: socket.socket) -> None:
    """A small window is within what any server has agreed to."""
    deflate = zlib.compressobj(1, zlib.DEFLATED, -10)
    part = b"a" * MIB
    payload = b"".join(deflate.compress(part) for _ in range(BOMB // MIB))
    payload += deflate.flush(zlib.Z_SYNC_FLUSH)[:-4]
    connection.settimeout(10)
    if len(payload) < 2**16:
        raise ValueError("the header is that of a longer frame")
    header = b"\xc1\xff" + struct.pack("!Q", len(payload)) + KEY
    # The end of the connection, a Close or the end of the echo: what a server does until then.
    with contextlib.suppress(OSError):
        connection.sendall(header + apply_mask(payload, KEY))
        while connection.recv(MIB) and not is_quiet(connection):
            pass


def is_quiet(connection: socket.socket) -> bool:
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return not poll.poll(1000)


def send_and_never_read(connection: socket.socket) -> None:
    frame = Encoder(Role.CLIENT).text("x" * 2**16)
    poll = select.poll()
    poll.register(connection, select.POLLOUT)
    rest, frames = memoryview(frame), UNREAD // len(frame)
    while frames and poll.poll(1000):
        try:
            rest = rest[connection.send(rest, socket.MSG_DONTWAIT) :]
        except OSError:
            return
        if not rest:
            rest, frames = memoryview(frame), frames - 1
    time.sleep(0.5)  # for what it has not read yet


def takes_extended_connect(port: int) -> bool:
    """Says hello in HTTP/2 and reads the first SETTINGS."""
    with connect(port) as connection:
        connection.settimeout(2)
        empty = b"\x00\x00\x00\x04\x00" + bytes(4)
        answer = b""
        with contextlib.suppress(OSError):
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + empty)
            while len(answer) < 9 or len(answer) < 9 + int.from_bytes(answer[:3], "big"):
                data = connection.recv(4096)
                if not data:
                    break
                answer += data
    if len(answer) < 9 or answer[3] != 4:
        return False
    length = int.from_bytes(answer[:3], "big")
    settings: Any = struct.iter_unpack("!HI", answer[9 : 9 + length])
    return (ENABLE_CONNECT_PROTOCOL, 1) in set(settings)
