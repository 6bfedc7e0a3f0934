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
from collections.abc import Callable
from importlib import import_module
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol
from uvicorn.server import ServerState

WEBSOCKETS = "uvicorn.protocols.websockets.wsproto_h2_impl"


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
        self.streams: dict[int, Any] = {}
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
        make = import_module(WEBSOCKETS).StreamTransport
        stream = self.streams[event.stream_id] = make(self, event.stream_id, headers)
        stream.update_writable()
        stream.protocol.handle_connect(stream.connection.request)
