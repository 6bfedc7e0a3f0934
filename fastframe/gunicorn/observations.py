"""What an application sees of gunicorn's WebSocketProtocol, for the self-check."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import Iterable
from typing import Any

from fastframe._targets.observations import KEY, Observation, cut, outcome, streams


class Transport:
    """In memory. Says how often reading was paused and resumed."""

    def __init__(self) -> None:
        self.written: bytearray = bytearray()
        self.calls: list[str] = []

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.calls.append("close")

    def pause_reading(self) -> None:
        self.calls.append("pause")

    def resume_reading(self) -> None:
        self.calls.append("resume")


def observe() -> Observation:
    from gunicorn.asgi.websocket import WebSocketProtocol  # type: ignore[import-untyped]

    found: Observation = []
    for payload in (b"", b"x", bytes(range(256)) * 3):
        for key in (KEY, b"", b"key", bytearray(KEY)):
            found.append(outcome(WebSocketProtocol._unmask, None, payload, key))

    def run() -> None:
        for stream in streams(KEY, deflate=False):
            for pieces in list(cut(stream))[::7]:  # each takes a loop
                found.append(asyncio.run(served(WebSocketProtocol, pieces)))

    thread = threading.Thread(target=run)  # this one may have a loop that runs
    thread.start()
    thread.join()
    return found


def connected(
    protocol_class: Any, transport: Any, scope: Any, app: Any, log: Any, **options: Any
) -> tuple[Any, Any]:
    """A WebSocketProtocol, and what gets the bytes that arrive: itself, or a StreamReader before
    gunicorn 25.2."""
    wanted = "reader" in inspect.signature(protocol_class).parameters
    readers = [asyncio.StreamReader()] if wanted else []
    protocol = protocol_class(transport, *readers, scope, app, log, **options)
    return protocol, (readers or [protocol])[0]


def said(event: Any) -> dict[str, Any]:
    """The text or the bytes of a message that was received."""
    return {kind: event[kind] for kind in ("text", "bytes") if event.get(kind) is not None}


async def ended(protocol: Any, task: asyncio.Task[Any]) -> str:
    """How the application has ended. Before gunicorn 27 it may wait for ever, as nobody tells it
    of a Close."""
    for _ in range(200):
        await asyncio.sleep(0)
    waits = not task.done() and protocol.closed and protocol._receive_queue.empty()
    await asyncio.wait({task}, timeout=0 if waits else 5)
    task.cancel()  # which does nothing once it has ended
    await asyncio.wait({task})
    if task.cancelled() and not waits:
        return "cancelled"
    return "it waits" if waits else repr(task.exception())


async def echo(receive: Any, send: Any, found: Observation) -> None:
    """An application, once it has accepted."""
    while (event := await receive())["type"] == "websocket.receive":
        found.append(event)
        await send({"type": "websocket.send", **said(event)})
    found.append(event)


async def served(
    protocol_class: Any, pieces: Iterable[bytes], application: Any = echo, **options: Any
) -> Observation:
    """What an application receives from a client that sends these bytes, and what goes out."""
    found: Observation = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await application(receive, send, found)

    transport, quiet = Transport(), logging.Logger("quiet", logging.CRITICAL + 1)
    scope = {"type": "websocket", "headers": [(b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ==")]}
    protocol, reader = connected(protocol_class, transport, scope, app, quiet, **options)
    task = asyncio.ensure_future(protocol.run())
    for piece in pieces:
        reader.feed_data(piece)
        for _ in range(4):
            await asyncio.sleep(0)
        found.append((protocol.closed, protocol._close_sent, len(transport.written)))
    reader.feed_eof()
    how = await ended(protocol, task)
    state = [protocol.closed, protocol.close_code, protocol.close_reason, protocol._close_sent]
    return [*found, how, state, transport.calls, bytes(transport.written)]
