"""The opening handshake of HTTP/1.1 (RFC 6455, 4): who is who, and what was agreed on."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from fastframe.deflate import Agreement, Deflate

MAX_HEAD = 1 << 16  # bytes of a request or a response, without a body
ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
REQUEST, RESPONSE = b"GET ", b"HTTP/1."
METHODS = (b"POST ", b"HEAD ", b"PUT ", b"DELETE ", b"OPTIONS ", b"PATCH ", b"CONNECT ", b"TRACE ")
STARTS = (REQUEST, RESPONSE, *METHODS)


@dataclass(frozen=True, slots=True)
class Head:
    """The first line and the headers of a request or a response."""

    first_line: str
    headers: dict[str, str]
    """By lower-case name; several lines of one name are joined with commas."""

    @property
    def path(self) -> str:
        """Of a request; "" if there is none."""
        parts = self.first_line.split(" ")
        return parts[1] if len(parts) > 1 else ""

    @property
    def status(self) -> int:
        """Of a response; 0 if there is none."""
        number = self.first_line[9:12]
        return int(number) if number.isascii() and number.isdigit() else 0

    @property
    def upgrades(self) -> bool:
        """True for the Upgrade of either end (RFC 6455, 4.1 and 4.2.2)."""
        return "websocket" in self.headers.get("upgrade", "").lower()

    def expected_accept(self) -> str:
        """What must answer a request, in Sec-WebSocket-Accept (RFC 6455, 4.2.2)."""
        key = self.headers.get("sec-websocket-key", "").encode("latin-1")
        return base64.b64encode(hashlib.sha1(key + ACCEPT_GUID).digest()).decode("ascii")


def read_head(data: bytes) -> Head:
    """`data` is everything before the empty line; whatever is malformed is left out."""
    first, *lines = data.decode("latin-1").split("\r\n")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            name, value = name.strip().lower(), value.strip(" \t")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Head(first, headers)


def starts_http(data: bytes) -> bool:
    """True for a segment that begins a request or a response."""
    return data.startswith(STARTS)


def may_start_http(data: bytes) -> bool:
    """The same for the first segment of a connection, however short it is."""
    return any(data[: len(start)] == start[: len(data)] for start in STARTS)


def agreement(response: str) -> Agreement | None:
    """What a response's Sec-WebSocket-Extensions agrees on: None without permessage-deflate.

    NegotiationError if it breaks RFC 7692, 7.1.
    """
    # A window of 256 bytes is refused by `confirm`, as zlib cannot compress with it; to inflate, a
    # larger window does no harm.
    return Deflate().confirm(
        response.replace("client_max_window_bits=8", "client_max_window_bits=9")
    )
