"""Whole messages of an asyncio connection: from the frames' queue to `recv`, and from `send` to the
transport.

What websockets puts between them is for fragments, and for connections that close or fail: all of
that goes to its own code.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from fastframe.websockets.names import used_name

if TYPE_CHECKING:
    from fastframe.websockets._frames import Frames

Method = Callable[..., Any]


def raising(error: Exception) -> Iterator[bytes]:
    """What waits to be written, where writing it raises `error`."""

    def raise_it(_: None) -> bytes:
        raise error

    return map(raise_it, [None])


def sending(
    original: Method, make: Callable[[Any, str | bytes, bool], list[bytes] | None]
) -> Method:
    """`Connection.send`. make: as Frames.message."""
    from websockets.protocol import State

    fragments = used_name(original, "send_in_progress", "fragmented_send_waiter")
    takes_text = "text" in inspect.signature(original).parameters  # not in websockets 13

    def as_before(self: Any, message: Any, others: tuple[Any, ...], text: bool | None) -> Any:
        return original(self, message, *others, **({} if text is None else {"text": text}))

    async def send(self: Any, message: Any, *others: Any, text: bool | None = None) -> None:
        protocol, kind = self.protocol, type(message)
        if (
            (kind is not str and kind is not bytes)
            or others  # `text` without its name, which some releases take and others refuse
            or (text is not None and not takes_text)
            or protocol.state is not State.OPEN
            or getattr(self, fragments) is not None
            or protocol.expect_continuation_frame
            or protocol.writes
            or self.debug
        ):
            return await as_before(self, message, others, text)  # type: ignore[no-any-return]
        try:
            frames = make(protocol, message, text is not False if kind is str else text is True)
        except Exception:
            async with (
                self.send_context()
            ):  # which ends the connection, and raises what send raises then
                raise
        if frames is None:
            return await as_before(self, message, others, text)  # type: ignore[no-any-return]
        write = self.transport.write
        try:
            while frames:
                write(frames[0])
                del frames[0]  # which may be large, before it waits
        except Exception as error:
            protocol.writes = raising(error)  # for send_context to meet where it writes
        if protocol.writes or self.paused or self.transport.is_closing():
            async with self.send_context():
                # it waits for the peer to read; and what ends the connection meanwhile is its to
                # tell
                pass
        return None

    send.__doc__ = original.__doc__
    return send


def sending_data(original: Method, frames: Frames, is_text: bool) -> Method:
    """`Protocol.send_text` or `send_binary`."""
    send, count = frames.send_data, frames.count_frames

    @functools.wraps(original)
    def send_data(self: Any, data: Any, fin: bool = True) -> None:
        if not send(self, data, fin, is_text):
            made = len(self.writes)
            original(self, data, fin)
            count(self, self.writes[made:], len(data), is_text, bool(fin))

    return send_data


def receiving(original: Method, text: Callable[[bytes | bytearray], str]) -> Method:
    """`Connection.recv`. text: as Frames.text."""
    from websockets.frames import Opcode

    async def recv(self: Any, decode: bool | None = None) -> Any:
        assembler = self.recv_messages
        if assembler.get_in_progress:
            return await original(self, decode)
        frames = assembler.frames
        if not frames.queue:
            if assembler.closed:
                return await original(self, decode)
            assembler.get_in_progress = True
            try:
                frame = await frames.get()
            except EOFError:
                frame = None
            finally:
                assembler.get_in_progress = False
            if frame is None:
                return await original(self, decode)
        else:
            frame = frames.queue.popleft()
        if frame.fin:
            data = frame.data
            is_text = frame.opcode is Opcode.TEXT if decode is None else decode
            try:
                message = text(data) if is_text else data if type(data) is bytes else bytes(data)
            except Exception:
                pass  # its own code meets the same error
            else:
                if assembler.paused:
                    assembler.maybe_resume()
                return message
        frames.queue.appendleft(frame)
        return await original(self, decode)

    recv.__doc__ = original.__doc__
    return recv
