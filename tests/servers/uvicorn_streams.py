"""A stand-in for what a coming uvicorn has for WebSockets over HTTP/2, on python-hyper's h2 in
place of zttp.

Written from its behaviour: an HTTP/2 protocol that is made with a Config, and gives each stream a
transport of its own, which cannot stop to read; uvicorn's class for wsproto on it, whose connection
knows no handshake of HTTP/1.1; 501 where the settings name another class. uvicorn's own tests tell
what is answered, and not by what that is decided: `serves` is one of two ways, and the tests here
take both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, RequestReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol
from uvicorn.server import ServerState
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import AcceptConnection, RejectConnection, RejectData, Request
from wsproto.handshake import server_extensions_handshake
from wsproto.utilities import RemoteProtocolError, split_comma_header


def by_setting(config: Any) -> bool:
    return config.ws in ("auto", "wsproto")


def by_class(config: Any) -> bool:
    return config.ws_protocol_class is WSProtocol


class ZttpH2Protocol(asyncio.Protocol):
    serves: Callable[[Any], bool] = staticmethod(by_class)

    def __init__(
        self, config: Any, server_state: ServerState, app_state: Any, _loop: Any = None
    ) -> None:
        if not config.loaded:
            config.load()
        self.config = config
        self.server_state, self.app_state = server_state, app_state
        self.loop = _loop or asyncio.get_running_loop()
        self.http = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        self.http.local_settings = Settings(
            client=False, initial_values={SettingCodes.ENABLE_CONNECT_PROTOCOL: 1}
        )
        self.streams: dict[int, StreamTransport] = {}
        self.writing_paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.server_state.connections.add(self)  # type: ignore[arg-type]
        self.http.initiate_connection()
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self.server_state.connections.discard(self)  # type: ignore[arg-type]
        for stream in self.streams.values():
            stream.disconnect()

    def shutdown(self) -> None:
        for stream in self.streams.values():
            if not stream.closed:
                stream.protocol.shutdown()
        self.transport.close()

    def pause_writing(self) -> None:
        self.writing_paused = True
        self.update_all()

    def resume_writing(self) -> None:
        self.writing_paused = False
        self.update_all()

    def update_all(self) -> None:
        for stream in self.streams.values():
            stream.update_writable()

    def data_received(self, data: bytes) -> None:
        try:
            events = self.http.receive_data(data)
        except ProtocolError:
            self.transport.close()
            return
        for event in events:
            stream = self.streams.get(getattr(event, "stream_id", None) or 0)
            if isinstance(event, RequestReceived):
                self.request(event)
            elif isinstance(event, DataReceived):
                self.http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                if stream is not None:
                    stream.data_received(event.data)
            elif isinstance(event, StreamEnded) and stream is not None:
                stream.data_received(None)
            elif isinstance(event, StreamReset) and stream is not None:
                stream.disconnect()
        self.update_all()
        self.flush()

    def flush(self) -> None:
        data = self.http.data_to_send()
        if data and not self.transport.is_closing():
            self.transport.write(data)

    def request(self, event: RequestReceived) -> None:
        headers: dict[bytes, bytes] = dict(event.headers)  # type: ignore[arg-type]
        assert event.stream_id is not None
        if headers.get(b":protocol") != b"websocket" or not self.serves(self.config):
            self.http.send_headers(event.stream_id, [(b":status", b"501")], end_stream=True)
            return
        stream = self.streams[event.stream_id] = StreamTransport(self, event.stream_id, headers)
        stream.update_writable()
        stream.protocol.handle_connect(stream.connection.request)


class StreamTransport(asyncio.Transport):
    def __init__(self, parent: ZttpH2Protocol, number: int, headers: dict[bytes, bytes]) -> None:
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
        self.protocol.connection_made(self)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self.parent.transport.get_extra_info(name, default)

    def is_closing(self) -> bool:
        return self.closed or bool(self.parent.transport.is_closing())

    def write(self, data: Any) -> None:
        if not self.is_closing():
            self.pending += data
            self.send_pending()

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
        if not self.closed:
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
            self.protocol.connection_lost(ConnectionResetError())

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
