"""A request as clients write them, read at a glance, and its answer.

uvicorn has parsed the request before, and h11 and wsproto would check each header three times. What
they take without a question is taken here, with the same result; for all else the answer is None,
and it is theirs to judge.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import NamedTuple

from wsproto.connection import ConnectionType
from wsproto.events import AcceptConnection
from wsproto.handshake import H11Handshake
from wsproto.utilities import generate_accept_token

Headers = list[tuple[bytes, bytes]]

REQUEST_LINE = re.compile(rb"GET ([!-~]+) HTTP/1\.1\r\n")

# Of RFC 9110, 5.5, what both sides write: one space before the value, none after it, no controls.
FIELD = re.compile(
    rb"([-!#$%&'*+.^_`|~0-9A-Za-z]+): ((?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?)\r\n"
    rb"|[\s\S]+"  # anything else, once: to look for a field in it again and again is quadratic
)
ADDED_TO_FIELD = len(b": \r\n")

NOT_USUAL = frozenset({b"content-length", b"transfer-encoding", b"expect"})
"""h11 looks at their values."""

NAMES = {
    name: name
    for name in (
        b"host", b"connection", b"upgrade", b"origin", b"user-agent", b"pragma", b"cache-control",
        b"accept-encoding", b"accept-language", b"cookie", b"authorization", b"x-forwarded-for",
        b"x-forwarded-proto", b"x-real-ip", b"sec-websocket-key", b"sec-websocket-version",
        b"sec-websocket-extensions", b"sec-websocket-protocol", b"sec-fetch-dest",
        b"sec-fetch-mode", b"sec-fetch-site", b"sec-gpc", b"dnt",
    )
}  # fmt: skip
"""One object for each, as an application keeps the headers as long as its connection."""


class UsualRequest(NamedTuple):
    target: str
    headers: Headers
    subprotocols: list[str]
    extensions: str
    key: bytes


def find_beginning() -> bytes | None:
    """What wsproto writes before the Sec-WebSocket-Accept of an answer: with a reason phrase since
    1.3. None if it is not followed by that, the other headers and nothing else."""
    key, server = b"dGhlIHNhbXBsZSBub25jZQ==", H11Handshake(ConnectionType.SERVER)
    server.receive_data(
        b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + b"\r\n\r\n"
    )
    response = server.send(AcceptConnection(extra_headers=[(b"x-other", b"value")]))
    before, _, after = response.partition(generate_accept_token(key))
    return before if after == b"\r\nx-other: value\r\n\r\n" else None


_beginning = functools.cache(find_beginning)


def read(data: bytes) -> UsualRequest | None:
    line = REQUEST_LINE.match(data)
    if line is None or not data.endswith(b"\r\n\r\n"):
        return None
    headers = fields(data, line.end(), len(data) - 2)
    if headers is None:
        return None
    by_name = dict(headers)
    key = by_name.get(b"sec-websocket-key")
    connection, extensions, subprotocols = (
        by_name.get(name, b"")
        for name in (b"connection", b"sec-websocket-extensions", b"sec-websocket-protocol")
    )
    if (
        len(by_name) != len(headers)
        or not NOT_USUAL.isdisjoint(by_name)
        or b"host" not in by_name
        or key is None
        or by_name.get(b"sec-websocket-version") != b"13"
        or by_name.get(b"upgrade", b"").lower() != b"websocket"
        or not (connection.isascii() and extensions.isascii() and subprotocols.isascii())
        or "upgrade" not in map(str.lower, listed(connection))
    ):
        return None
    return UsualRequest(
        line[1].decode("ascii"),
        headers,
        listed(subprotocols) if b"sec-websocket-protocol" in by_name else [],
        ", ".join(listed(extensions)),
        key,
    )


def fields(data: bytes, start: int, end: int) -> Headers | None:
    """The header fields that fill `data` from `start` to `end`, names in lower case; None if
    anything else is there."""
    headers = []
    for name, value in FIELD.findall(data, start, end):
        if not name:
            return None
        start += len(name) + len(value) + ADDED_TO_FIELD
        headers.append((NAMES.get(name) or name.lower(), value))
    return headers if start == end else None


def listed(value: bytes) -> list[str]:
    """A list between commas, as wsproto takes it."""
    return [item.strip() for item in value.decode("ascii").split(",")]


def answer(
    request: UsualRequest, subprotocol: str | None, headers: Sequence[tuple[bytes, bytes]]
) -> bytes | None:
    """The response that opens the connection."""
    before = _beginning()
    if before is None:
        return None
    if subprotocol is not None:
        if subprotocol not in request.subprotocols:
            return None
        headers = [(b"Sec-WebSocket-Protocol", subprotocol.encode("ascii")), *headers]
    try:
        lines = b"".join([b"%b: %b\r\n" % (name, value) for name, value in headers])
        lengths = [len(name) for name, _ in headers]
    except TypeError:  # text, which h11 encodes
        return None
    checked = fields(lines, 0, len(lines))
    if checked is None or [len(name) for name, _ in checked] != lengths:
        return None
    if not NOT_USUAL.isdisjoint([name for name, _ in checked]) or b"host" in dict(checked):
        return None
    return b"%b%b\r\n%b\r\n" % (before, generate_accept_token(request.key), lines)
