"""One client of this server."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from typing import Any, NamedTuple

from starlette.websockets import WebSocket, WebSocketDisconnect

from examples.chat.door import Bucket
from examples.chat.log import Log, RedisError
from examples.chat.protocol import Code, Refused, decoded, encoded, parsed_id
from examples.chat.rooms import Rooms
from examples.chat.settings import Settings
from examples.chat.watching import Live, Metrics, since

log = logging.getLogger("chat")


class Service(NamedTuple):
    """What the connections of a server share."""

    settings: Settings
    log: Log
    rooms: Rooms
    metrics: Metrics
    live: Live


class Connection:
    """One task receives, one sends what waits, one watches how much that is. It is bounded, and so
    is what a client can cost."""

    def __init__(
        self, websocket: WebSocket, user: str, user_rate: Bucket, service: Service
    ) -> None:
        self.user = user
        self._websocket = websocket
        self._settings, self._log, self._rooms, self._metrics, self._live = service
        self._rates = (
            Bucket(service.settings.message_rate, service.settings.message_burst),
            user_rate,
        )
        self._room: str | None = None
        self._waiting: deque[str] = deque()
        self._something_waits = asyncio.Event()
        self._too_slow = asyncio.Event()

    async def run(self) -> None:
        """Until it is closed, by whichever side."""
        tasks = [asyncio.create_task(part()) for part in (self._receive, self._send, self._watch)]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            refusals = [error for error in ended if isinstance(error, Refused)]
            if refusals:  # two tasks may refuse at the same time, but the connection is closed once
                await self._close(refusals[0])
            self._leave()
        for error in ended:
            if isinstance(error, Exception) and not isinstance(
                error, (Refused, WebSocketDisconnect)
            ):
                raise error

    # ---- in --------------------------------------------------------------------------------------

    async def _receive(self) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            if text is None:
                raise Refused(Code.BAD_MESSAGE, "messages are text")
            self._metrics.received(text)
            if not all(rate.take() for rate in self._rates):
                raise Refused(Code.TOO_MANY_MESSAGES, "too many messages")
            await self._handle(decoded(text))

    async def _handle(self, message: dict[str, Any]) -> None:
        kind = message["t"]
        if kind == "ack":
            self._metrics.acknowledged.observe(max(0.0, since(parsed_id(message["id"])[0])))
            return
        if kind != "join" and self._room is None:
            raise Refused(Code.BAD_MESSAGE, "join a room first")
        try:
            if kind == "join":
                await self._join(message["room"], message.get("after"))
            elif kind == "msg":
                assert self._room is not None
                kept = await self._log.append(self._room, self.user, message["id"], message["text"])
                self._wait(encoded("sent", client_id=message["id"], id=kept))
            elif kind == "live":
                self._wait(encoded("live", **self._live.figures()))
            else:
                assert self._room is not None
                await self._present(self._room, bool(message.get("follow")))
        except RedisError:
            self._wait(
                encoded(
                    "error",
                    code=Code.UNAVAILABLE,
                    reason="the log does not answer, send it again later",
                )
            )

    async def _present(self, room: str, follow: bool) -> None:
        if follow:
            self._rooms.presence.follow(room, self)
        else:
            users = await self._rooms.presence.users(room)
            self._wait(encoded("present", room=room, users=users))

    async def _join(self, room: str, after: str | None) -> None:
        parsed_id(after)
        self._leave()
        self._room = room
        await self._rooms.join(room, self, after)

    def _leave(self) -> None:
        if self._room is not None:
            self._rooms.leave(self._room, self)

    # ---- out -------------------------------------------------------------------------------------

    async def joined(self, room: str, last: str | None) -> None:
        """Of `Member`."""
        await self._write(encoded("joined", room=room, last=last, user=self.user))

    async def replay(self, message: str) -> None:
        """Of `Member`: waits until the client has read enough, so that a long replay takes no
        memory."""
        await self._write(message)

    def deliver(self, message: str) -> None:
        """Of `Member`."""
        self._wait(message)

    def _wait(self, message: str) -> None:
        if len(self._waiting) < self._settings.max_queue:
            self._waiting.append(message)
            self._something_waits.set()
        else:
            self._too_slow.set()

    async def _send(self) -> None:
        while True:
            await self._something_waits.wait()
            self._something_waits.clear()
            while self._waiting:
                await self._write(self._waiting.popleft())

    async def _watch(self) -> None:
        await self._too_slow.wait()
        raise Refused(Code.TOO_SLOW, f"{self._settings.max_queue} messages wait for you")

    async def _write(self, message: str) -> None:
        self._metrics.sent(message)
        await self._websocket.send_text(message)

    async def _close(self, refused: Refused) -> None:
        self._metrics.refused.labels(refused.code.name).inc()
        log.info(
            "closed", extra={"user": self.user, "code": int(refused.code), "reason": str(refused)}
        )
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, asyncio.TimeoutError):
            # It is written at once; to wait until a client has read it that does not read would be
            # in vain.
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(
                    self._websocket.send_text(
                        encoded("error", code=refused.code, reason=str(refused))
                    ),
                    0.5,
                )
            await asyncio.wait_for(self._websocket.close(refused.code, str(refused)), 0.5)
