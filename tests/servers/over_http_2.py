"""A WebSocket over HTTP/2 (RFC 8441): the frames travel in the DATA frames of one stream."""

from __future__ import annotations

import socket
from collections import deque
from typing import Any

from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived

from fastframe import Decoder, Encoder, Role


class Http2Client:
    def __init__(self, port: int) -> None:
        self.transport = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.encoder, self.decoder = Encoder(Role.CLIENT), Decoder(Role.CLIENT)
        self.messages: deque[Any] = deque()
        self.status: str | None = None
        self.http = H2Connection()
        self.http.initiate_connection()
        self.transport.sendall(self.http.data_to_send())
        while not self.http.remote_settings.enable_connect_protocol:
            self._receive()
        self.stream = self.http.get_next_available_stream_id()
        self.http.send_headers(
            self.stream,
            [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path",
            "/"),
             (":authority", "localhost"), ("sec-websocket-version", "13")],
        )  # fmt: skip
        self.transport.sendall(self.http.data_to_send())
        while self.status is None:
            self._receive()

    def send(self, frame: bytes) -> None:
        while frame:
            room = min(
                self.http.local_flow_control_window(self.stream), self.http.max_outbound_frame_size
            )
            if room:
                self.http.send_data(self.stream, frame[:room])
                frame = frame[room:]
                self.transport.sendall(self.http.data_to_send())
            else:
                self._receive()

    def message(self) -> Any:
        while not self.messages:
            self._receive()
        return self.messages.popleft()

    def _receive(self) -> None:
        data = self.transport.recv(65536)
        if not data:
            raise EOFError
        for event in self.http.receive_data(data):
            if isinstance(event, ResponseReceived):
                self.status = str(dict(event.headers)[b":status"], "ascii")  # type: ignore[arg-type]
            elif isinstance(event, DataReceived):
                self.http.acknowledge_received_data(event.flow_controlled_length, self.stream)
                self.messages.extend(self.decoder.feed(event.data))
        self.transport.sendall(self.http.data_to_send())
