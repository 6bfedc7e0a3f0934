"""The part of the stand-in of uvicorn_http_2.py that is about WebSockets: the transport of a
stream, and what takes the place of wsproto's WSConnection."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from h2.errors import ErrorCodes
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol
from uvicorn.server import ServerState
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import AcceptConnection, RejectConnection, RejectData, Request
from wsproto.handshake import server_extensions_handshake
from wsproto.utilities import LocalProtocolError, RemoteProtocolError, split_comma_header


class StreamTransport(asyncio.Transport):
    def __init__(self, parent: Any, number: int, headers: dict[bytes, bytes]) -> None:
        self.parent, self.number = parent, number
        self.closed = self.end_sent = False
        self.pending = b""
        others = [(name, value) for name, value in headers.items() if not name.startswith(b":")]
        self.connection = StreamConnection(
            self,
            Request(
                host=headers[b":authority"].decode("ascii"),
                target=headers[b":path"].decode("ascii"),
                subprotocols=split_comma_header(headers.get(b"sec-websocket-protocol", b"")),
                extensions=split_comma_header(headers.get(b"sec-websocket-extensions", b"")),  # type: ignore[arg-type]
                extra_headers=others,
            ),
        )
        state = ServerState()  # a stream is no connection of the server's, its task is
        state.tasks = parent.server_state.tasks
        state.default_headers = parent.server_state.default_headers
        self.protocol = WSProtocol(parent.config, state, parent.app_state, parent.loop)
        self.protocol.conn = self.connection  # type: ignore[assignment]
        self.protocol.http_version = "2"  # type: ignore[attr-defined]
        self.protocol.connection_made(self)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self.parent.transport.get_extra_info(name, default)

    def is_closing(self) -> bool:
        return self.closed or bool(self.parent.transport.is_closing())

    def write(self, data: Any) -> None:
        if not self.is_closing():
            self.pending += data
            self.update_writable()

    def send_pending(self) -> None:
        http = self.parent.http
        while self.pending:
            room = http.local_flow_control_window(self.number)
            size = min(room, http.max_outbound_frame_size)
            if not size:
                break
            http.send_data(self.number, self.pending[:size])
            self.pending = self.pending[size:]
        if self.closed and not self.pending and not self.end_sent:
            self.end_sent = True
            http.end_stream(self.number)
        self.parent.flush()

    def data_received(self, data: bytes | None) -> None:
        """None at the end of the stream."""
        if not self.closed and not self.protocol.response_started:
            self.protocol.data_received(data)  # type: ignore[arg-type]

    def pause_reading(self) -> None:
        pass  # the other streams of the connection must be read

    def resume_reading(self) -> None:
        pass

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        if not self.connection.answered:
            self.parent.http.reset_stream(self.number, ErrorCodes.CANCEL)
            self.end_sent = True
        self.protocol.connection_lost(None)
        self.send_pending()

    def disconnect(self) -> None:
        """The stream was reset, or its connection is lost."""
        self.pending = b""
        self.end_sent = True
        if not self.closed:
            self.closed = True
            self.protocol.queue.put_nowait({"type": "websocket.disconnect", "code": 1006})  # type: ignore[typeddict-item]
            self.protocol.connection_lost(None)

    def update_writable(self) -> None:
        if not self.end_sent:
            self.send_pending()
        if self.closed:
            return
        if self.parent.writing_paused or self.pending:
            self.protocol.pause_writing()
        else:
            self.protocol.resume_writing()


class StreamConnection:
    """The part of wsproto's WSConnection that uvicorn's class uses."""

    def __init__(self, transport: StreamTransport, request: Request) -> None:
        self.transport, self.request = transport, request
        self.frames: Connection | None = None
        self.answered = False

    @property
    def state(self) -> ConnectionState:
        return ConnectionState.CONNECTING if self.frames is None else self.frames.state

    def receive_data(self, data: bytes | None) -> None:
        if self.frames is None:
            raise RemoteProtocolError("too early", event_hint=RejectConnection())
        self.frames.receive_data(data)

    def events(self) -> Iterator[Any]:
        return iter(()) if self.frames is None else self.frames.events()

    def send(self, event: Any) -> bytes:
        if isinstance(event, AcceptConnection):
            headers = list(event.extra_headers)
            if event.subprotocol is not None:
                if event.subprotocol not in self.request.subprotocols:
                    raise LocalProtocolError("not offered")
                headers.append((b"sec-websocket-protocol", event.subprotocol.encode()))
            offers = [str(offer) for offer in self.request.extensions]
            accepted = server_extensions_handshake(offers, event.extensions)
            if accepted:
                headers.append((b"sec-websocket-extensions", accepted))
            self.frames = Connection(ConnectionType.SERVER, event.extensions)
            return self.answer(200, headers)
        if isinstance(event, RejectConnection):
            return self.answer(event.status_code, event.headers)
        if isinstance(event, RejectData):
            return event.data
        assert self.frames is not None
        return self.frames.send(event)

    def answer(self, status: int, headers: Any) -> bytes:
        named = [(name, value) for name, value in headers if name.lower() != b"connection"]
        self.transport.parent.http.send_headers(
            self.transport.number, [(b":status", b"%d" % status), *named]
        )
        self.answered = True
        return b""
