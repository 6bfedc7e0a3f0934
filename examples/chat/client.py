"""A client that stays: it reconnects, sends again what was not acknowledged, and has every message
once, in order."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import ssl
import uuid
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from examples.chat.protocol import FINAL, SUBPROTOCOL, encoded, parsed_id

FIRST_DELAY, LARGEST_DELAY = 0.1, 10.0
ACK_EVERY = 0.5


class Client:
    """A member of one room: `await client.run()` in a task, `await client.send(text)`, `await
    client.messages.get()`.

    after: the id of the last message that is known; None: only what comes from now on.
    """

    def __init__(
        self,
        url: str,
        token: str,
        room: str,
        *,
        after: str | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.last = after
        self.connections = 0
        self._url, self._token, self._room, self._tls = url, token, room, tls
        self._connection: ClientConnection | None = None
        self._joined = asyncio.Event()
        self._unsent: dict[
            str, tuple[str, asyncio.Future[str]]
        ] = {}  # by client id, in the order of `send`

    async def send(self, text: str) -> str:
        """Returns the message's id when the server has kept it, which may take a few
        connections."""
        client_id, sent = uuid.uuid4().hex, asyncio.get_running_loop().create_future()
        self._unsent[client_id] = text, sent
        if self._joined.is_set():
            await self._say(encoded("msg", id=client_id, text=text))
        return str(await sent)

    def abort(self) -> None:
        """As if the network had failed."""
        if self._connection is not None:
            self._connection.transport.abort()

    async def joined(self) -> None:
        """Waits until it is."""
        await self._joined.wait()

    async def run(self) -> None:
        """Until it is cancelled, or refused for good: then ConnectionClosed has the code."""
        delay = FIRST_DELAY
        while True:
            try:
                async with connect(
                    self._url, subprotocols=[Subprotocol(SUBPROTOCOL)],
                    additional_headers={"Authorization": f"Bearer {self._token}"},
                    ssl=self._tls, proxy=None, open_timeout=10, close_timeout=2,
                ) as self._connection:  # fmt: skip
                    self.connections += 1
                    await self._talk(self._connection)
                    delay = FIRST_DELAY
            except ConnectionClosed as closed:
                if closed.rcvd is not None and closed.rcvd.code in FINAL:
                    raise
                if self._joined.is_set():
                    delay = FIRST_DELAY
            except (OSError, InvalidHandshake, TimeoutError, asyncio.TimeoutError):
                pass
            finally:
                self._connection = None
                self._joined.clear()
            # Not all clients of a server that has gone at the same moment.
            await asyncio.sleep(random.uniform(0, delay))
            delay = min(2 * delay, LARGEST_DELAY)

    async def _talk(self, connection: ClientConnection) -> None:
        await connection.send(encoded("join", room=self._room, after=self.last))
        acknowledging = asyncio.create_task(self._acknowledge())
        try:
            async for data in connection:
                await self._handle(json.loads(data))
        finally:
            acknowledging.cancel()

    async def _handle(self, message: dict[str, Any]) -> None:
        kind = message["t"]
        if kind == "msg":
            if self.last is None or parsed_id(message["id"]) > parsed_id(self.last):
                self.last = message["id"]
                self.messages.put_nowait(message)
        elif kind == "joined":
            self.last = (
                self.last or message["last"] or "0-0"
            )  # so that nothing is missed from now on
            for client_id, (text, _) in tuple(self._unsent.items()):
                await self._say(encoded("msg", id=client_id, text=text))
            self._joined.set()
        elif kind == "sent":
            _, sent = self._unsent.pop(message["client_id"], (None, None))
            if sent is not None and not sent.done():
                sent.set_result(message["id"])
        elif kind == "error" and message["code"] not in FINAL and self._connection is not None:
            await self._connection.close()  # what was not kept is sent again on the next one

    async def _acknowledge(self) -> None:
        said = self.last
        while True:
            await asyncio.sleep(ACK_EVERY)
            if self.last != said and self._joined.is_set():
                said = self.last
                await self._say(encoded("ack", id=said))

    async def _say(self, text: str) -> None:
        if self._connection is not None:
            with contextlib.suppress(ConnectionClosed):
                await self._connection.send(text)
