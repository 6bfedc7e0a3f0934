"""What geventwebsocket gets of its headers and validators, for the self-check."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastframe._targets.observations import KEY, TEXT, Observation, outcome, streams, validations


def observe() -> Observation:
    from geventwebsocket import websocket  # type: ignore[import-untyped]

    def header(mask: Any, length: int) -> Any:
        made = websocket.Header(length=length)
        made.mask = mask
        return made

    found: Observation = []
    for mask in (KEY, b"", b"key", "", None):
        for payload in (b"", b"x", bytes(range(256)) * 3, bytearray(b"array")):
            for more in (0, 1):
                made = header(mask, len(payload) + more)
                found += [
                    outcome(made.mask_payload, payload),
                    outcome(made.unmask_payload, payload),
                ]
    for stream in streams(KEY, deflate=False):
        found += received([stream])
    return found + validations(
        websocket.Utf8Validator, (TEXT.encode(), b"", b"good \xff bad", b"\xed\xa0\x80")
    )


class Stream:
    """In memory: gives what it has, or raises it; then the peer has closed the connection."""

    def __init__(self, parts: Iterable[bytes | Exception], takes: Iterable[Exception] = ()) -> None:
        self.parts: list[bytes | Exception] = list(parts)
        self.takes: list[Exception] = list(takes)
        self.sent: list[bytes] = []

    def read(self, size: int) -> bytes:
        """All of it, as a buffered reader does, unless something is in the way."""
        read = b""
        while self.parts and len(read) < size:
            part = self.parts[0]
            if isinstance(part, Exception):
                if not read:
                    raise self.parts.pop(0)  # type: ignore[misc]
                break
            read, self.parts[0] = read + part[: size - len(read)], part[size - len(read) :]
            if not self.parts[0]:
                del self.parts[0]
        return read

    def write(self, data: bytes) -> None:
        if self.takes:
            raise self.takes.pop(0)
        self.sent.append(bytes(data))


class Anything:
    """For a handler, with its logger and its application."""

    def __getattr__(self, name: str) -> Any:
        return Anything()

    def __call__(self, *arguments: Any) -> Any:
        return None


def connected(stream: Any, kind: Any = None) -> Any:
    from geventwebsocket import websocket

    return (kind or websocket.WebSocket)({}, stream, Anything())


def received(parts: Iterable[bytes | Exception], kind: Any = None) -> Observation:
    """What a server receives, and what it has sent then."""
    stream = Stream(parts)
    connection = connected(stream, kind)
    found: Observation = []
    while True:
        what, result = outcome(connection.receive)
        last = getattr(connection, "utf8validate_last", None)
        found.append((what, result, last, connection.closed, len(stream.sent)))
        if result is None or issubclass(what, Exception):
            break
    return [*found, stream.sent]
