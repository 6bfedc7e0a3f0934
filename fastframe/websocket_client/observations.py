"""What websocket-client makes of frames and payloads, for the self-check."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Any

from fastframe._targets.observations import KEY, TEXT, Observation, cut, outcome, streams
from fastframe.websocket_client.messages import mask_name


def observe() -> Observation:
    from websocket import _abnf, _utils

    found: Observation = []
    for key in (KEY, "key!", b"", b"key", None):
        for data in (b"", b"x", "text", TEXT, bytes(range(256)) * 3, None):
            found.append(outcome(_abnf.ABNF.mask, key, data))
    for size in (0, 1, 300):
        found.append(outcome(_abnf._mask, array("B", KEY), array("B", bytes(size))))
    for text in (TEXT.encode(), b"", b"good \xff bad", b"cut \xc3", b"\xed\xa0\x80", "żółć"):
        found.append(outcome(_utils.validate_utf8, text))

    for stream in streams(None, deflate=False):
        for pieces in cut(stream):
            found += received(_abnf, pieces)
        for pieces in list(cut(stream))[::4]:
            for name in ("recv", "recv_data", "recv_data_frame"):
                found += called(name, pieces)
    return found


class Socket:
    """In memory. Reads pieces, or raises them; then the peer has closed it."""

    def __init__(self, pieces: Iterable[bytes | BaseException], takes: Iterable[Any] = ()) -> None:
        self.pieces: list[bytes | BaseException] = list(pieces)
        self.takes: list[Any] = list(takes)
        self.calls: list[Any] = []

    def recv(self, size: int) -> bytes:
        self.calls.append(size)
        if not self.pieces:
            return b""
        piece = self.pieces.pop(0)
        if isinstance(piece, BaseException):
            raise piece
        if piece[size:]:
            self.pieces.insert(0, piece[size:])
        return piece[:size]

    def send(self, data: bytes) -> int:
        take = self.takes.pop(0) if self.takes else len(data)
        if isinstance(take, BaseException):
            raise take
        self.calls.append(bytes(data[:take]))
        return min(take, len(data))

    def gettimeout(self) -> float | None:
        return None

    def close(self) -> None:
        self.calls.append("close")


def connected(socket: Any, **options: Any) -> Any:
    from websocket import WebSocket

    connection = WebSocket(**options)
    connection.sock, connection.connected = socket, True
    return connection


def called(name: str, pieces: Iterable[bytes]) -> Observation:
    """What a method of a WebSocket returns, one call after the other."""
    connection = connected(Socket(pieces))
    found: Observation = []
    while True:
        kind, result = outcome(getattr(connection, name))
        found.append((kind, result if kind in (str, bytes) else str(result[-1])))
        if issubclass(kind, Exception):
            break
    return [*found, in_the_middle(connection)]


def in_the_middle(connection: Any) -> Observation:
    """What is kept of a frame and of a message."""
    buffer, message = connection.frame_buffer, connection.cont_frame
    return [
        buffer.header, buffer.length, getattr(buffer, mask_name(buffer)),
        b''.join(buffer.recv_buffer),
        message.cont_data, message.recving_frames, connection.connected, connection.sock is None,
    ]  # fmt: skip


def received(abnf: Any, pieces: list[bytes]) -> Observation:
    """Frame by frame, as `recv` of the socket gives these pieces."""
    rest = list(pieces)

    def recv(size: int) -> bytes:
        if not rest:
            raise EOFError
        first, rest[0] = rest[0][:size], rest[0][size:]
        if not rest[0]:
            del rest[0]
        return first

    buffer, messages = abnf.frame_buffer(recv, False), abnf.continuous_frame(False, False)
    found: Observation = []
    while True:
        kind, frame = outcome(buffer.recv_frame)
        if issubclass(kind, Exception):
            return [*found, (kind, frame)]
        found.append((frame.opcode, frame.fin, bytes(frame.data)))
        if frame.opcode in (abnf.ABNF.OPCODE_TEXT, abnf.ABNF.OPCODE_BINARY, abnf.ABNF.OPCODE_CONT):
            found.append(outcome(messages.validate, frame))
            messages.add(frame)
            if messages.is_fire(frame):
                found.append(outcome(extracted, messages, frame))


def extracted(messages: Any, frame: Any) -> Any:
    opcode, whole = messages.extract(frame)
    return opcode, whole.fin, bytes(whole.data)
