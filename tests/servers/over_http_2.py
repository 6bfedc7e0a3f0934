"""WebSockets over HTTP/2 (RFC 8441): the frames of each travel in the DATA frames of one stream."""

from __future__ import annotations

import socket
import ssl
from collections import deque
from typing import Any

from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded, StreamReset

from fastframe import Decoder, Encoder, Role
from fastframe.deflate import Deflate

WINDOW = 65_535
"""Bytes that a peer may send on a stream before it gets credit for more (RFC 9113, 6.9.2)."""


class Http2Client:
    """A connection, without TLS or with it; `websocket` opens a WebSocket on it."""

    def __init__(self, port: int, *, tls: ssl.SSLContext | None = None) -> None:
        self.transport = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.scheme = "http"
        if tls is not None:
            tls.set_alpn_protocols(["h2"])
            secured = tls.wrap_socket(self.transport, server_hostname="localhost")
            assert secured.selected_alpn_protocol() == "h2"
            self.transport, self.scheme = secured, "https"
        self.websockets: dict[int, Http2WebSocket] = {}
        self.http = H2Connection()
        self.http.initiate_connection()
        # The windows of the streams are what counts here.
        self.http.increment_flow_control_window(2**24)
        self.flush()
        while not self.http.remote_settings.enable_connect_protocol:
            self.receive()

    def websocket(self, deflate: Deflate | None = None, **headers: str) -> Http2WebSocket:
        """With the answer to its request. headers: more of them, or others, `_` for `-`."""
        websocket = self.request(deflate, **headers)
        while not websocket.headers and not websocket.ended:
            self.receive()
        if websocket.status == "200":
            websocket.begin(deflate)
        return websocket

    def request(self, deflate: Deflate | None = None, **headers: str) -> Http2WebSocket:
        """Without the answer."""
        stream = self.http.get_next_available_stream_id()
        request = {
            ":method": "CONNECT", ":protocol": "websocket", ":scheme": self.scheme, ":path": "/",
            ":authority": "localhost", "sec-websocket-version": "13",
        }  # fmt: skip
        if deflate is not None:
            request["sec-websocket-extensions"] = deflate.offer()
        request |= {name.replace("_", "-"): value for name, value in headers.items()}
        self.http.send_headers(stream, list(request.items()))
        self.flush()
        websocket = self.websockets[stream] = Http2WebSocket(self, stream)
        return websocket

    def flush(self) -> None:
        self.transport.sendall(self.http.data_to_send())

    def receive(self) -> None:
        data = self.transport.recv(65536)
        if not data:
            raise EOFError
        for event in self.http.receive_data(data):
            websocket = self.websockets.get(getattr(event, "stream_id", None) or 0)
            if websocket is not None:
                websocket.handle(event)
        self.flush()

    def close(self) -> None:
        self.transport.close()


class Http2WebSocket:
    encoder: Encoder
    decoder: Decoder

    def __init__(self, client: Http2Client, stream: int) -> None:
        self.client, self.stream = client, stream
        self.headers: dict[str, str] = {}
        self.body = b""
        """What arrived before `begin`, or all of an answer that is a refusal."""
        self.deflate = False
        self.ended: str = ""
        """How the peer has ended the stream: "end" or "reset"."""
        self.reads = True
        """With False it gives no credit, so that the peer soon must not send any more."""
        self.uncredited = 0
        self.waits = 0
        """How often it had to wait for the peer's credit."""
        self._messages: deque[Any] = deque()

    def begin(self, deflate: Deflate | None = None) -> None:
        """The answer is there, and opens it."""
        answer = self.headers.get("sec-websocket-extensions")
        agreement = None if deflate is None else deflate.confirm(answer)
        self.deflate = agreement is not None
        self.encoder = Encoder(Role.CLIENT, deflate=agreement)
        self.decoder = Decoder(Role.CLIENT, deflate=agreement)
        self._messages.extend(self.decoder.feed(self.body))

    @property
    def status(self) -> str:
        return self.headers.get(":status", "")

    def send(self, frames: bytes, *, last: bool = False) -> None:
        """last: ends the stream, as a closed socket would."""
        http = self.client.http
        while frames:
            window = http.local_flow_control_window(self.stream)
            room = min(window, http.max_outbound_frame_size)
            if room:
                http.send_data(self.stream, frames[:room])
                frames = frames[room:]
                self.client.flush()
            else:
                self.waits += 1
                self.client.receive()
        if last:
            http.end_stream(self.stream)
            self.client.flush()

    def message(self) -> Any:
        while not self._messages:
            if self.ended:
                raise EOFError(self.ended)
            self.client.receive()
        return self._messages.popleft()

    def until_ended(self) -> str:
        while not self.ended:
            self.client.receive()
        return self.ended

    def read_on(self) -> None:
        """Gives credit for all that has arrived, and from now on."""
        self.reads = True
        self.client.http.acknowledge_received_data(self.uncredited, self.stream)
        self.uncredited = 0
        self.client.flush()

    def handle(self, event: Any) -> None:
        if isinstance(event, ResponseReceived):
            self.headers = {
                str(name, "ascii"): str(value, "latin-1") for name, value in event.headers
            }
        elif isinstance(event, DataReceived):
            self.uncredited += event.flow_controlled_length
            if self.reads and not event.stream_ended:
                self.read_on()
            if hasattr(self, "decoder") and event.data:
                self._messages.extend(self.decoder.feed(event.data))
            else:
                self.body += event.data
        elif isinstance(event, StreamEnded):
            self.ended = "end"
        elif isinstance(event, StreamReset):
            self.ended = "reset"
