"""WebSockets over HTTP/3 (RFC 9220): as over HTTP/2, on streams of QUIC."""

from __future__ import annotations

import asyncio
from typing import Any

from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3Connection, Setting
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.events import QuicEvent

from fastframe import Decoder, Encoder, Role
from fastframe.deflate import Deflate


class Http3Client(QuicConnectionProtocol):
    """A connection; `websocket` opens a WebSocket on it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.http = H3Connection(self._quic)
        self.websockets: dict[int, Http3WebSocket] = {}

    async def websocket(self, deflate: Deflate | None = None) -> Http3WebSocket:
        while self.http.received_settings is None:
            await asyncio.sleep(0.01)
        assert self.http.received_settings[Setting.ENABLE_CONNECT_PROTOCOL] == 1
        stream = self._quic.get_next_available_stream_id()
        request = {
            ":method": "CONNECT", ":protocol": "websocket", ":scheme": "https", ":path": "/",
            ":authority": "localhost", "sec-websocket-version": "13",
        }  # fmt: skip
        if deflate is not None:
            request["sec-websocket-extensions"] = deflate.offer()
        websocket = self.websockets[stream] = Http3WebSocket(self, stream)
        self.http.send_headers(
            stream, [(name.encode(), value.encode()) for name, value in request.items()]
        )
        self.transmit()
        await websocket.answered.wait()
        answer = websocket.headers.get("sec-websocket-extensions")
        agreement = None if deflate is None else deflate.confirm(answer)
        websocket.deflate = agreement is not None
        websocket.encoder = Encoder(Role.CLIENT, deflate=agreement)
        websocket.decoder = Decoder(Role.CLIENT, deflate=agreement)
        return websocket

    def quic_event_received(self, event: QuicEvent) -> None:
        for http_event in self.http.handle_event(event):
            websocket = self.websockets.get(getattr(http_event, "stream_id", -1))
            if websocket is not None:
                websocket.handle(http_event)


class Http3WebSocket:
    encoder: Encoder
    decoder: Decoder
    deflate: bool

    def __init__(self, client: Http3Client, stream: int) -> None:
        self.client, self.stream = client, stream
        self.headers: dict[str, str] = {}
        self.answered = asyncio.Event()
        self._messages: asyncio.Queue[Any] = asyncio.Queue()

    def send(self, frames: bytes) -> None:
        self.client.http.send_data(self.stream, frames, end_stream=False)
        self.client.transmit()

    async def message(self) -> Any:
        return await asyncio.wait_for(self._messages.get(), 20)

    def handle(self, event: Any) -> None:
        if isinstance(event, HeadersReceived):
            self.headers = {str(name, "ascii"): str(text, "ascii") for name, text in event.headers}
            self.answered.set()
        elif isinstance(event, DataReceived):
            for message in self.decoder.feed(event.data):
                self._messages.put_nowait(message)
