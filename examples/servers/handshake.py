"""The opening handshake of a server (RFC 6455, 4.2), read and written by h11; no sockets here."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Collection
from dataclasses import dataclass

import h11

from fastframe.deflate import Agreement, Deflate, NegotiationError

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3


@dataclass(frozen=True)
class Accepted:
    path: str
    deflate: Agreement | None
    response: bytes
    rest: bytes
    """Frames that came together with the request."""


class Refused(Exception):  # noqa: N818
    """The request gets another answer than 101: write `response`, then close the connection."""

    def __init__(self, response: bytes) -> None:
        super().__init__(response)
        self.response = response


class Handshake:
    """Feed it what the client sends. Without `origins` pages of every site may connect; a server
    that is `full` refuses all."""

    def __init__(
        self, deflate: Deflate, *, origins: Collection[str] | None = None, full: bool = False
    ) -> None:
        self._deflate, self._origins, self._full = deflate, origins, full
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=16 * 1024)

    def feed(self, data: bytes) -> Accepted | None:
        """None as long as the request is not complete. `data` is empty once the client has hung
        up."""
        try:
            self._http.receive_data(data)
            request = self._http.next_event()
            if request is h11.NEED_DATA:
                return None
            if not isinstance(request, h11.Request):
                raise self._refused(400, "no request came")
            if not isinstance(self._http.next_event(), h11.EndOfMessage):
                raise self._refused(400, "the request must have no body")
        except h11.RemoteProtocolError as error:
            raise self._refused(error.error_status_hint, str(error)) from None
        return self._answer(request)

    def _answer(self, request: h11.Request) -> Accepted:
        def value(name: bytes) -> str:
            values = [value for found, value in request.headers if found == name]
            return b",".join(values).decode("latin-1")

        def tokens(name: bytes) -> set[str]:
            return {token.strip().lower() for token in value(name).split(",")}

        if request.method != b"GET" or request.http_version < b"1.1":
            raise self._refused(400, "a WebSocket begins with a GET of HTTP/1.1")
        if "websocket" not in tokens(b"upgrade") or "upgrade" not in tokens(b"connection"):
            raise self._refused(426, "this is a WebSocket server", [("Upgrade", "websocket")])
        if value(b"sec-websocket-version") != "13":
            raise self._refused(426, "only version 13", [("Sec-WebSocket-Version", "13")])
        key = value(b"sec-websocket-key")
        if not _is_key(key):
            raise self._refused(400, "Sec-WebSocket-Key is not 16 bytes in base64")
        if self._full:
            raise self._refused(503, "too many connections")
        origin = value(b"origin")
        if origin and self._origins is not None and origin not in self._origins:
            raise self._refused(403, "pages of this origin may not connect")
        try:
            agreement = self._deflate.accept(value(b"sec-websocket-extensions"))
        except NegotiationError as error:
            raise self._refused(400, str(error)) from None
        accept = base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()
        headers = [
            ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", accept)
        ]  # fmt: skip
        if agreement is not None:
            headers.append(("Sec-WebSocket-Extensions", agreement.response()))
        response = self._http.send(h11.InformationalResponse(status_code=101, headers=headers))
        rest, _ = self._http.trailing_data
        return Accepted(request.target.decode("latin-1"), agreement, response or b"", rest)

    def _refused(
        self, status: int, reason: str, headers: Collection[tuple[str, str]] = ()
    ) -> Refused:
        if self._http.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            return Refused(b"")
        body = reason.encode()
        fields = [*headers, ("Content-Length", str(len(body))), ("Connection", "close")]
        parts: list[h11.Event] = [
            h11.Response(status_code=status, headers=fields),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ]
        return Refused(b"".join(self._http.send(part) or b"" for part in parts))


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except (ValueError, binascii.Error):
        return False
