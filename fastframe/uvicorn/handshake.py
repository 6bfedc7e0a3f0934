"""The opening handshake of a server (RFC 6455, 4.2): the usual one by `usual_handshake`, any other
by wsproto and h11."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

import h11
from wsproto.connection import ConnectionType
from wsproto.events import AcceptConnection, Event, RejectConnection, RejectData, Request
from wsproto.handshake import H11Handshake
from wsproto.utilities import RemoteProtocolError

from fastframe.uvicorn import usual_handshake
from fastframe.uvicorn.usual_handshake import Headers, UsualRequest


class BadRequestError(Exception):
    """The request is not a WebSocket handshake; `response` is the answer to write before the
    connection is closed."""

    def __init__(self, response: bytes) -> None:
        super().__init__(response)
        self.response = response


class Handshake:
    """One request and its answer. A method that returns bytes returns what must be written."""

    target: str
    """Path and query, as in the request line."""
    headers: Headers
    """All of them, in order, names in lower case."""
    subprotocols: list[str]
    extensions: str
    """What the client offers, as the value of one Sec-WebSocket-Extensions header; "" for
    nothing."""

    __slots__ = (
        "_data",
        "_handshake",
        "_http",
        "_request",
        "_usual",
        "extensions",
        "headers",
        "subprotocols",
        "target",
    )  # fmt: skip

    def __init__(self) -> None:
        self.headers = []
        self._usual: UsualRequest | None = None
        self._data = b""
        self._handshake: H11Handshake | None = None
        self._http: h11.Connection | None = None

    def receive(self, data: bytes) -> bool:
        """Takes in bytes; True once the request is complete. BadRequestError if it is not a
        handshake."""
        if self._handshake is None:
            self._usual = usual_handshake.read(data)
            if self._usual is not None:
                self.target, self.headers, self.subprotocols, self.extensions, _ = self._usual
                self._data = data
                return True
        return self._receive_by_wsproto(data)

    def _receive_by_wsproto(self, data: bytes) -> bool:
        if self._handshake is None or self._http is None:
            self._handshake = H11Handshake(ConnectionType.SERVER)
            self._http = h11.Connection(h11.SERVER)  # as wsproto does not tell all headers
        self._http.receive_data(data)
        try:
            self._receive_request(data)
        except RemoteProtocolError as error:
            hint = error.event_hint
            assert isinstance(hint, RejectConnection)
            raise BadRequestError(self._send(hint)) from error
        except UnicodeError as error:  # of a header that should be ASCII
            raise BadRequestError(self.reject(400)) from error
        for request in self._handshake.events():
            assert isinstance(request, Request)
            self.target = request.target
            self.subprotocols = request.subprotocols
            self.extensions = ", ".join(map(str, request.extensions))
            if not self.headers:
                self.headers = self._all_headers()
            return True
        return False

    def _send(self, event: Event) -> bytes:
        """wsproto's answer, which it gives to a request that it has read."""
        if self._handshake is None:
            if self._data:
                self._receive_by_wsproto(self._data)
            else:  # no request yet
                self._handshake = H11Handshake(ConnectionType.SERVER)
        assert self._handshake is not None
        return self._handshake.send(event)

    def _receive_request(self, data: bytes) -> None:
        """By wsproto, which decodes the Host with the codec idna on its way: nothing here needs it,
        so what is no name to that codec must not be a bad request."""
        assert self._handshake is not None
        try:
            self._handshake.receive_data(data)
        except UnicodeError:
            self.headers = self._all_headers()
            self._handshake = H11Handshake(ConnectionType.SERVER)
            self._handshake.receive_data(self._request_with_another_host())

    def _all_headers(self) -> Headers:
        assert self._http is not None
        request = self._http.next_event()
        assert isinstance(request, h11.Request)
        self._request = request
        return list(request.headers)

    def _request_with_another_host(self) -> bytes:
        request = self._request
        lines = [b"%s %s HTTP/%s" % (request.method, request.target, request.http_version)]
        lines += [
            b"%s: %s" % (name, b"host" if name == b"host" else value)
            for name, value in request.headers
        ]
        return b"\r\n".join([*lines, b"", b""])

    def scope(self, root_path: str) -> dict[str, Any]:
        """What an ASGI scope says of the request."""
        raw_path, _, query_string = self.target.partition("?")
        return {
            "type": "websocket",
            "http_version": "1.1",
            "root_path": root_path,
            "path": root_path + unquote(raw_path),
            "raw_path": (root_path + raw_path).encode("ascii"),
            "query_string": query_string.encode("ascii"),
            "headers": self.headers,
            "subprotocols": self.subprotocols,
            "extensions": {"websocket.http.response": {}},
        }

    def accept(
        self,
        subprotocol: str | None,
        headers: Iterable[tuple[bytes, bytes]],
        extensions: str | None,
    ) -> bytes:
        """The response that opens the connection. wsproto's LocalProtocolError for a subprotocol
        that was not offered."""
        extra_headers = list(headers)
        if extensions is not None:
            extra_headers.append((b"Sec-WebSocket-Extensions", extensions.encode("ascii")))
        response = None
        if self._usual is not None:
            response = usual_handshake.answer(self._usual, subprotocol, extra_headers)
        if response is None:
            response = self._send(
                AcceptConnection(subprotocol=subprotocol, extra_headers=extra_headers)
            )
        self._usual = self._handshake = self._http = None  # the connection may last
        self._data = b""
        return response

    def reject(
        self, status: int, headers: Iterable[tuple[bytes, bytes]] = (), *, has_body: bool = False
    ) -> bytes:
        """The beginning of another response, or with has_body=False the whole of it."""
        return self._send(
            RejectConnection(status_code=status, headers=list(headers), has_body=has_body)
        )

    def body(self, data: bytes, *, last: bool = True) -> bytes:
        """A part of that response's body."""
        return self._send(RejectData(data=data, body_finished=last))
