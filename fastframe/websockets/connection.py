"""Whole messages of an asyncio connection: from the frames' queue to `recv`, and from `send` to the transport.

What websockets puts between them is for fragments, and for connections that close or fail: all of that goes to its own code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Method = Callable[..., Any]


def sending(original: Method) -> Method:
    """`Connection.send`."""
    from websockets.protocol import State

    async def send(self: Any, message: Any, *, text: bool | None = None) -> None:
        protocol, kind = self.protocol, type(message)
        if (
            (kind is not str and kind is not bytes)
            or protocol.state is not State.OPEN
            or self.send_in_progress is not None
            or protocol.expect_continuation_frame
            or protocol.writes
            or self.debug
        ):
            return await original(self, message, text=text)  # type: ignore[no-any-return]
        is_text = kind is str if text is None else text
        if kind is str:
            try:
                message = message.encode()
            except UnicodeEncodeError:
                return await original(self, message, text=text)  # type: ignore[no-any-return]
        (protocol.send_text if is_text else protocol.send_binary)(message)
        frames = protocol.data_to_send()
        try:
            for frame in frames:
                self.transport.write(frame)
        except Exception:
            protocol.writes[:0] = frames
            async with self.send_context():
                pass  # its own code meets the same error, and deals with it
        del frame, frames  # which may be large, before it waits
        if self.paused or self.transport.is_closing():
            await self.drain()
        return None

    send.__doc__ = original.__doc__
    return send


def receiving(original: Method) -> Method:
    """`Connection.recv`."""
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
            data = frame.data if type(frame.data) is bytes else bytes(frame.data)
            is_text = frame.opcode is Opcode.TEXT if decode is None else decode
            try:
                message = data.decode() if is_text else data
            except UnicodeDecodeError:
                pass
            else:
                if assembler.paused:
                    assembler.maybe_resume()
                return message
        frames.queue.appendleft(frame)
        return await original(self, decode)

    recv.__doc__ = original.__doc__
    return recv
