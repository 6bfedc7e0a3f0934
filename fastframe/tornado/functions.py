"""What takes the place of tornado's methods.

In: the state of a connection and the buffer of its stream stay tornado's. What is replaced is the
loop that reads one frame after the other: if a message or a control frame is in the buffer as a
whole, it is taken out of it, and goes where tornado's own `_receive_frame` would have passed it.
For anything else that method is called, which finds the buffer as it was: for a fragment, a frame
that is cut, a broken rule. A large frame that is cut is read into memory of its size, as more and
more of it arrives.

Out: the frame is made, and if nothing waits to be written, it is written at once; whatever is left
of it goes to tornado's stream.
"""

from __future__ import annotations

import asyncio
import functools
import math
import os
import re
from collections.abc import Awaitable, Callable
from typing import Any

from fastframe._codec.tally import Tally
from fastframe._codec.whole_frames import (
    AsciiBytes,
    Gathering,
    begun_frame,
    frame_apart,
    message_frame,
    take_frame,
)
from fastframe._targets.paths import Follows, code_of

CLOSE = 8
RSV1 = 4
GATHERED_SIZE = 1 << 14
"""Of the smallest payload that is gathered if it is cut."""
NOTHING = re.compile(b"")
ON_WINDOWS = os.name == "nt"

Loop = Callable[[Any], Awaitable[None]]
Write = Callable[..., "asyncio.Future[None]"]


def receiving(follows: Follows, original: Loop) -> Loop:
    """`WebSocketProtocol13._receive_frame_loop`. follows: whether a connection may."""
    from tornado import websocket
    from tornado.ioloop import IOLoop
    from tornado.iostream import StreamClosedError

    # Since 6.6 the loop lets others run after some work, and the handler is told of its end also
    # if that is an exception.
    is_fair = hasattr(websocket, "_YIELD_THRESHOLD")
    frame_cost = getattr(websocket, "_FRAME_YIELD_COST", 0)
    most_work = getattr(websocket, "_YIELD_THRESHOLD", math.inf)

    async def _receive_frame_loop(self: Any) -> None:
        tally = follows(self)
        if not tally:
            return await original(self)
        stream = self.stream
        skips = hasattr(stream, "_read_buffer_pos")
        is_told = is_fair
        try:
            work = 0
            while not self.client_terminated:
                start = self._wire_bytes_in
                if self._fragmented_message_buffer is not None:
                    tally.closes_here = self.server_terminated
                    await self._receive_frame()
                else:
                    if skips and stream._read_buffer_pos:
                        forget_skipped(stream)
                    if not stream._read_buffer_size:
                        future = bytes_in_buffer(stream, IOLoop.READ)
                        if future is not None:
                            await future
                    handled = take_and_handle(self, stream, tally)
                    if handled is not None:
                        await handled
                work += frame_cost + self._wire_bytes_in - start
                if work >= most_work:
                    work = 0
                    await asyncio.sleep(0)
            is_told = True
        except StreamClosedError:
            self._abort()
            is_told = True
        finally:
            note_close(self, tally)
            if is_told:
                self.handler.on_ws_connection_close(self.close_code, self.close_reason)

    return _receive_frame_loop


def note_close(self: Any, tally: Tally) -> None:
    """One that has come in pieces, and so was read by tornado."""
    if self.close_code is not None and not tally.has_closed:
        tally.closed(self.close_code, tally.closes_here)


def forget_skipped(stream: Any) -> None:
    """Until 6.2, what has been read may stay at the start of the buffer."""
    del stream._read_buffer[: stream._read_buffer_pos]
    stream._read_buffer_pos = 0


def take_and_handle(self: Any, stream: Any, tally: Tally) -> Awaitable[None] | None:
    """The next frame. What it returns must be awaited."""
    compressed = self._decompressor is not None
    asked = (
        stream._read_buffer,
        not self.mask_outgoing,
        self.params.max_message_size,
        RSV1 if compressed else 0,
    )
    frame = take_frame(*asked, tally)
    if frame is None:
        gathering = begun_frame(*asked)
        most = stream.max_buffer_size - stream.read_chunk_size
        if gathering is not None and GATHERED_SIZE <= gathering.length < most:
            return gather_and_handle(self, stream, gathering, tally)
        tally.closes_here = self.server_terminated
        received: Awaitable[None] = self._receive_frame()
        return received
    opcode, rsv, payload, length, size = frame
    stream._read_buffer_size -= size
    self._wire_bytes_in += size
    if compressed:
        self._frame_compressed = rsv != 0
    if opcode == CLOSE:
        tally.closed(code_of(payload), self.server_terminated)
    return handle(self, opcode, payload, length)


def handle(self: Any, opcode: int, payload: str | bytes, length: int) -> Awaitable[None] | None:
    """What tornado does with a frame, but for a text that is made already."""
    handled: Awaitable[None] | None
    if type(payload) is str and not self.client_terminated:
        self._message_bytes_in += length
        handled = self._run_callback(self.handler.on_message, payload)
    else:
        handled = self._handle_message(opcode, payload)
    return handled


async def gather_and_handle(self: Any, stream: Any, gathering: Gathering, tally: Tally) -> None:
    """A frame of which the header is in the buffer."""
    length = gathering.length
    if self._decompressor is not None:
        self._frame_compressed = gathering.rsv != 0
    del stream._read_buffer[: gathering.header_size]
    stream._read_buffer_size -= gathering.header_size
    self._wire_bytes_in += gathering.header_size
    end = 0
    while end < length:
        room = gathering.grow(end or stream._read_buffer_size)
        with memoryview(gathering) as whole:
            stop = room if room < length else before_last_chunk(stream, end, length)
            if stop > end:
                with whole[end:stop] as view:
                    await stream.read_into(view)
            if room == length:
                whole[stop:] = await stream.read_bytes(length - stop)
        end = room
    self._wire_bytes_in += length
    payload = gathering.payload()
    gathering.count(tally, payload)
    handled = handle(self, gathering.opcode, payload, length)
    if handled is not None:
        await handled


def before_last_chunk(stream: Any, start: int, length: int) -> int:
    """How much of a payload is read into its own memory: the last chunk, with what follows the
    payload, goes into tornado's buffer, as it always does, so that it is there if the stream is
    closed."""
    chunk: int = stream.read_chunk_size
    missing = length - start - stream._read_buffer_size - 1
    return start + stream._read_buffer_size + missing // chunk * chunk if missing > chunk else start


def bytes_in_buffer(stream: Any, read: int) -> Awaitable[bytes] | None:
    """Sees to it that there are some, and takes none of them out. What it returns must be awaited.
    read: the event."""
    if stream._closed or stream._read_future is not None:
        return stream.read_until_regex(b"")  # type: ignore[no-any-return]  # raises
    if stream._read_to_buffer():
        return None
    if stream._closed:
        return stream.read_until_regex(b"")  # type: ignore[no-any-return]  # raises
    future: Awaitable[bytes] = stream._start_read()
    stream._read_regex = NOTHING  # found as soon as there is anything
    stream._add_io_state(read)
    return future


def writing(follows: Follows, original: Write) -> Write:
    """`WebSocketProtocol13.write_message`."""
    from tornado.iostream import StreamClosedError
    from tornado.websocket import WebSocketClosedError

    async def waited_for(written: asyncio.Future[None]) -> None:
        try:
            await written
        except StreamClosedError:
            raise WebSocketClosedError()  # noqa: B904 (as tornado does)

    @functools.wraps(original)
    def write_message(self: Any, message: Any, binary: bool = False) -> asyncio.Future[None]:
        tally = self._compressor is None and follows(self)
        if not tally:
            return original(self, message, binary)
        if type(message) is not str and type(message) is not bytes:
            return original(self, message, binary)
        stream, most, apart = self.stream, self.stream.max_write_buffer_size, None
        if not self.mask_outgoing and most is None:
            apart = frame_apart(message, not binary, tally)
        if apart is None:
            frame, length = message_frame(message, not binary, self.mask_outgoing, tally)
            size = len(frame)
        else:
            length = len(message)
            size = len(apart[0]) + length
        # One who awaits it lets others run, as with tornado's own.
        try:
            done: asyncio.Future[None] = asyncio.Future()
        except RuntimeError:  # in a thread that has no loop
            return original(self, message, binary)
        self._message_bytes_out += length
        self._wire_bytes_out += size
        try:
            written = write_at_once(stream, frame) if apart is None else write_both(stream, *apart)
        except StreamClosedError:
            raise WebSocketClosedError()  # noqa: B904 (as tornado does)
        if written is not None and not is_done(written):
            return asyncio.ensure_future(waited_for(written))
        done.get_loop().call_soon(settle, done)
        return done

    return write_message


def is_done(written: asyncio.Future[None]) -> bool:
    return written.done() and not written.cancelled() and written.exception() is None


def settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def write_at_once(stream: Any, frame: bytes | AsciiBytes) -> asyncio.Future[None] | None:
    """`stream.write(frame)`; None if all of it has been written."""
    most = stream.max_write_buffer_size
    future: asyncio.Future[None]
    if (
        ON_WINDOWS  # where tornado writes less at a time
        or stream._closed
        or stream._connecting
        or stream._write_buffer
        or (most is not None and len(frame) > most)
    ):
        future = stream.write(memoryview(frame))
        return future
    view = memoryview(frame)
    try:
        size = stream.write_to_fd(view)
    except BlockingIOError:
        size = 0
    except OSError as error:
        return fail(stream, error, len(view))
    if size == 0:
        return queue(stream, view)
    stream._total_write_index += size
    stream._total_write_done_index += size
    if size < len(view):
        future = stream.write(view[size:])
        return future
    stream._maybe_add_error_listener()
    return None


def write_both(
    stream: Any, header: bytes, payload: bytes | AsciiBytes
) -> asyncio.Future[None] | None:
    """The same for both: one future, and if the first one fails, nothing more."""
    written = write_at_once(stream, header)
    if written is None or is_done(written):
        return write_at_once(stream, payload)
    return written if written.done() else queue(stream, memoryview(payload))


def queue(stream: Any, view: memoryview) -> asyncio.Future[None]:
    """What `stream.write` does when the socket takes nothing."""
    stream._write_buffer.append(view)
    future = pending(stream, len(view))
    stream._add_io_state(stream.io_loop.WRITE)
    stream._maybe_add_error_listener()
    return future


def fail(stream: Any, error: OSError, size: int) -> asyncio.Future[None]:
    """What `stream.write` does with an error of the system."""
    from tornado.log import gen_log

    future = pending(stream, size)
    if not stream._is_connreset(error):
        gen_log.warning("Write error on %s: %s", stream.fileno(), error)
    stream.close(exc_info=error)
    return future


def pending(stream: Any, size: int) -> asyncio.Future[None]:
    """For a write of that size, once it has ended."""
    stream._total_write_index += size
    future: asyncio.Future[None] = asyncio.Future()
    future.add_done_callback(lambda future: future.exception())
    stream._write_futures.append((stream._total_write_index, future))
    return future
