"""An ASGI application in front of a broker that only speaks TCP: what a WebSocket sends goes to the
broker, and what the broker sends goes back, under a subprotocol that both ends name."""

from __future__ import annotations

import asyncio
import codecs
import contextlib

from tests.servers.in_uvicorn import Event, Receive, Send


class Gateway:
    """text: the broker's bytes become text messages. Otherwise they become binary ones."""

    def __init__(self, port: int, *subprotocols: str, text: bool = False) -> None:
        self.port = port
        self.subprotocols = subprotocols
        self.text = text
        self.agreed: list[str | None] = []
        """Of each connection, in order."""
        self.kinds: set[str] = set()
        """Which messages came from clients: "text", "bytes" or both."""
        self.largest = 0
        self.ends: list[int] = []
        """The status code that each connection ended with, as the ASGI server gives it."""

    async def __call__(self, scope: Event, receive: Receive, send: Send) -> None:
        offered = scope["subprotocols"]
        agreed = next((name for name in self.subprotocols if name in offered), None)
        self.agreed.append(agreed)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        await receive()
        await send({"type": "websocket.accept", "subprotocol": agreed})
        back = asyncio.ensure_future(self.from_broker(reader, send))
        try:
            while (event := await receive())["type"] == "websocket.receive":
                kind = "bytes" if event.get("text") is None else "text"
                data = event["bytes"] if kind == "bytes" else event["text"].encode()
                self.kinds.add(kind)
                self.largest = max(self.largest, len(data))
                writer.write(data)
                await writer.drain()
            self.ends.append(event["code"])
        finally:
            back.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await back
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def from_broker(self, reader: asyncio.StreamReader, send: Send) -> None:
        # A read ends where it likes, in the middle of a character, too. A text message must not.
        decoder = codecs.getincrementaldecoder("utf-8")()
        while data := await reader.read(2**16):
            if not self.text:
                await send({"type": "websocket.send", "bytes": data})
            elif text := decoder.decode(data):
                await send({"type": "websocket.send", "text": text})
        await send({"type": "websocket.close", "code": 1000, "reason": "the broker has ended"})
