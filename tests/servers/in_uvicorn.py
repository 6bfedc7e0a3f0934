"""uvicorn in this process: its own HTTP protocol in front of one of its WebSocket protocols, or of
fastframe's."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple

from uvicorn.config import Config
from uvicorn.server import ServerState
from websockets.asyncio.client import connect

from fastframe import Decoder, Encoder, Role

OURS = "fastframe.uvicorn:WSProtocol"
ALL = ("wsproto", "websockets-sansio", OURS)

Event = dict[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
App = Callable[[Event, Receive, Send], Awaitable[None]]

DEFAULT_HEADERS = [(b"date", b"today"), (b"server", b"uvicorn")]


class Server(NamedTuple):
    port: int
    state: ServerState

    def connect(self, path: str = "/", **options: Any) -> connect:
        return connect(
            f"ws://127.0.0.1:{self.port}{path}", **{"proxy": None, "compression": None, **options}
        )

    async def idle(self) -> None:
        """Waits until all connections and applications are gone."""
        while self.state.connections or self.state.tasks:
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def serving(
    app: App, ws: str = OURS, *, tls: ssl.SSLContext | None = None, **settings: Any
) -> AsyncIterator[Server]:
    config = Config(app=app, ws=ws, log_config=None, lifespan="off", **settings)
    config.load()
    state = ServerState()
    state.default_headers = DEFAULT_HEADERS
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: config.http_protocol_class(config=config, server_state=state,
        app_state={"name": "value"}),  # type: ignore[call-arg]
        "127.0.0.1", 0, ssl=tls,
    )  # fmt: skip
    try:
        yield Server(server.sockets[0].getsockname()[1], state)
    finally:
        server.close()
        for connection in list(state.connections):
            connection.shutdown()
        for task in list(state.tasks):
            task.cancel()
        while state.connections or state.tasks:
            await asyncio.sleep(0.005)


class Recorder:
    """An application that accepts, echoes, and keeps what it received."""

    def __init__(self, *, echo: bool = True, **accept: Any) -> None:
        self.echo = echo
        self.accept = accept
        self.scope: Event = {}
        self.received: list[Event] = []
        self.ended = asyncio.Event()

    async def __call__(self, scope: Event, receive: Receive, send: Send) -> None:
        self.scope = scope
        try:
            self.received.append(await receive())
            await send({"type": "websocket.accept", **self.accept})
            while True:
                event = await receive()
                self.received.append(event)
                if event["type"] == "websocket.disconnect":
                    return
                if self.echo:
                    await send({**event, "type": "websocket.send"})
        finally:
            self.ended.set()

    @property
    def disconnect(self) -> Event:
        return self.received[-1]


class RawClient:
    """A client that sends whatever bytes it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.encoder = Encoder(Role.CLIENT)
        self.decoder = Decoder(Role.CLIENT, max_message_size=2**26)

    async def handshake(
        self, *headers: bytes, path: bytes = b"/", host: bytes = b"localhost"
    ) -> bytes:
        """The head of the response."""
        self.writer.write(
            b"\r\n".join(
                [
                    b"GET %s HTTP/1.1" % path, b"Host: " + host, b"Upgrade: websocket",
                    b"Connection: Upgrade",
                    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"Sec-WebSocket-Version: 13",
                    *headers, b"", b"",
                ]
            )
        )  # fmt: skip
        return await self.reader.readuntil(b"\r\n\r\n")

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def message(self) -> Any:
        """The next message or control frame."""
        while True:
            for message in self.decoder:
                return message
            data = await self.reader.read(2**16)
            if not data:
                raise EOFError
            self.decoder.feed(data)

    async def hung_up(self) -> bool:
        """True if nothing more comes before the end."""
        return await self.reader.read() == b""


@contextlib.asynccontextmanager
async def raw_client(server: Server, **options: Any) -> AsyncIterator[RawClient]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, **options)
    try:
        yield RawClient(reader, writer)
    finally:
        writer.transport.abort()  # first, as it fails after a close of TLS on CPython 3.11.2
        writer.close()
