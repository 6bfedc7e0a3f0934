"""What takes the place of gunicorn's methods, with the same results.

In: the buffer and the state of a connection stay gunicorn's. What is replaced is the loop that
reads one frame after the other: a message or a control frame that is in the buffer as a whole is
taken out of it, and goes where gunicorn's own loop would have passed it. For anything else
gunicorn's `_read_frame` is called, which finds the buffer as it was: for a fragment, a broken rule.

Out: the frame is made, and given to the transport.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

from fastframe._codec.kernels import apply_mask
from fastframe._codec.tally import Tally
from fastframe._codec.whole_frames import begun_frame, message_frame, take_frame
from fastframe._targets.paths import Follows, code_of

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
ANY_SIZE = sys.maxsize

Method = Callable[..., Any]


def unmasking(original: Callable[[Any, Any, Any], Any]) -> Callable[[Any, Any, Any], Any]:
    """`WebSocketProtocol._unmask`."""

    def _unmask(self: Any, payload: Any, masking_key: Any) -> Any:
        if type(payload) is bytes is type(masking_key) and len(masking_key) == 4:
            return apply_mask(payload, masking_key) if payload else payload
        return original(self, payload, masking_key)

    _unmask.__doc__ = original.__doc__
    return _unmask


def receiving(follows: Follows, original: Method) -> Method:
    """`WebSocketProtocol._read_frames`. follows: whether a connection may."""
    from gunicorn.asgi.websocket import (  # type: ignore[import-untyped]
        CLOSE_ABNORMAL,
        READ_BUFFER_HIGH_WATER,
        RECEIVE_QUEUE_HIGH_WATER,
    )

    async def _read_frames(self: Any) -> None:
        tally = follows(self)
        if not tally:
            await original(self)
            return
        queue = self._receive_queue
        try:
            while not self.closed or (self._close_sent and not self._close_received):
                taken = take(self, tally) or await arrived(self, tally)
                if taken is None:
                    break
                opcode, payload = taken
                self._wanted = 0
                if self._reading_paused and len(self._buffer) <= READ_BUFFER_HIGH_WATER:
                    self._resume_reading()
                if opcode != BINARY and type(payload) is not str:
                    if opcode == CLOSE:
                        tally.closed(code_of(payload), self._close_sent)
                    if not await handle(self, opcode, payload):
                        break
                    continue
                kind = "text" if opcode == TEXT else "bytes"
                event = {"type": "websocket.receive", kind: payload}
                if self._close_sent or queue.qsize() >= RECEIVE_QUEUE_HIGH_WATER:
                    await self._put_message(event)
                else:
                    queue.put_nowait(event)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self.log.debug("WebSocket read error: %s", error)
        finally:
            self.closed = True
            await queue.put(
                {"type": "websocket.disconnect", "code": self.close_code or CLOSE_ABNORMAL}
            )

    return _read_frames


async def handle(self: Any, opcode: int, payload: Any) -> bool:
    """What gunicorn's loop does with a frame. False if it was the last one."""
    from gunicorn.asgi.websocket import CLOSE_INVALID_DATA

    if opcode == CLOSE:
        await self._handle_close(payload)
        return False
    if opcode == PING:
        await self._send_frame(PONG, payload)
    elif opcode == CONTINUATION:
        await self._handle_continuation(payload)
    elif opcode == TEXT:
        try:
            text = payload.decode("utf-8")
        except UnicodeDecodeError:
            await self._send_close(CLOSE_INVALID_DATA, "Invalid UTF-8")
            return False
        await self._put_message({"type": "websocket.receive", "text": text})
    return True


def take(self: Any, tally: Tally) -> tuple[int, str | bytes] | None:
    """A message or a control frame, if it is in the buffer as a whole: its opcode and its payload,
    of a text as a str."""
    if self._fragment_opcode is not None:
        return None
    taken = take_frame(self._buffer, True, self.max_message_size or ANY_SIZE, 0, tally)
    return None if taken is None else (taken[0], taken[2])


async def arrived(self: Any, tally: Tally) -> tuple[int, str | bytes] | None:
    """The next one, or what gunicorn's own method makes of what has come. None at the end."""
    if not self._buffer and not await are_there(self, 1):
        return None
    taken = take(self, tally)
    if taken is None and (size := size_of_cut_frame(self)):
        if not await are_there(self, size):
            return None
        taken = take(self, tally)
    if taken is None:
        taken = await self._read_frame()
    return taken


def size_of_cut_frame(self: Any) -> int:
    """Of one that `take` will take as soon as it is all there, else 0."""
    if self._fragment_opcode is not None:
        return 0
    begun = begun_frame(self._buffer, True, self.max_message_size or ANY_SIZE, 0)
    if begun is None or begun.header_size + begun.length <= len(self._buffer):
        return 0
    return begun.header_size + begun.length


async def are_there(self: Any, size: int) -> bool:
    """Waits for that many bytes in the buffer as gunicorn's `_read_exact` does, and takes none of
    them out. False if they will not come."""
    self._wanted = size
    while len(self._buffer) < size:
        if self._eof:
            return False
        self._resume_reading()
        self._data_event.clear()
        await self._data_event.wait()
    return True


def sending(follows: Follows, original: Method) -> Method:
    """`WebSocketProtocol._send`."""
    from gunicorn.asgi.websocket import WebSocketDisconnected

    async def _send(self: Any, message: Any) -> None:
        content = content_of(message)
        if content is None or not self.accepted or self.closed or not (tally := follows(self)):
            await original(self, message)
            return
        if self._drain is not None:
            await self._drain()
            if self.closed:
                raise WebSocketDisconnected("WebSocket closed")
        self.transport.write(message_frame(content, type(content) is str, False, tally)[0])

    return _send


def content_of(message: Any) -> str | bytes | None:
    """Of an event that sends a message in the usual way, else None."""
    if type(message) is dict and message.get("type") == "websocket.send":
        text, data = message.get("text"), message.get("bytes")
        if type(text) is str:
            return text
        if text is None and type(data) is bytes:
            return data
    return None
