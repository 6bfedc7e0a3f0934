"""What takes the place of geventwebsocket's methods, with the same results and errors, as
everything unusual goes to its own.

In: a message that is one whole frame is read and made in one step. For anything else, a fragment or
a broken rule, what was read of the header is given back, and the library's own method reads it.

Out: the frame is made, and given to the socket.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from fastframe._codec.kernels import apply_mask_into
from fastframe._codec.whole_frames import masked_text, message_frame
from fastframe._targets.paths import Follows

WHOLE_TEXT, WHOLE_BINARY = 0x81, 0x82
TEXT, BINARY = 1, 2
EXTENDED = {126: (2, "!H"), 127: (8, "!Q")}

Method = Callable[..., Any]


def masking(original: Callable[[Any, Any], bytearray]) -> Callable[[Any, Any], bytearray]:
    """`Header.mask_payload`, which is `unmask_payload` too."""

    def mask_payload(self: Any, payload: Any) -> bytearray:
        mask = self.mask
        if type(payload) is bytes is type(mask) and len(mask) == 4 and len(payload) == self.length:
            masked = bytearray(payload)
            apply_mask_into(masked, mask)
            return masked
        return original(self, payload)

    return mask_payload


class GivenBack:
    """A stream that gives again what was read of it, read by read, and then goes on."""

    def __init__(self, stream: Any, parts: list[bytes]) -> None:
        self._stream = stream
        self._parts = parts

    def read(self, size: int) -> Any:
        return self._parts.pop(0) if self._parts else self._stream.read(size)


def reading(follows: Follows, original: Method) -> Method:
    """`WebSocket.read_message`. follows: whether a connection may."""
    from geventwebsocket.exceptions import WebSocketError  # type: ignore[import-untyped]

    def read_message(self: Any) -> Any:
        tally = follows(self)
        if not tally:
            return original(self)
        stream = self.stream
        parts = [stream.read(2)]
        length = announced(stream, parts)
        if length is None:
            self.stream = given_back = GivenBack(stream, parts)
            try:
                return original(self)
            finally:
                if self.stream is given_back:  # else the connection has been closed
                    self.stream = stream
        payload = b""
        if length:
            try:
                payload = self.raw_read(length)
            except Exception:
                payload = b""
            if len(payload) != length:
                raise WebSocketError("Unexpected EOF reading frame payload")
        found = message(self, parts[0][0], parts[-1], payload)
        tally.received(parts[0][0] & 15, length, True)
        return found

    return read_message


def announced(stream: Any, parts: list[bytes]) -> int | None:
    """The size of the payload, of a message that is one masked frame. None of anything else, also
    if its header is cut. parts: what was read, and what is read here."""
    head = parts[0]
    if (
        type(head) is not bytes
        or len(head) != 2
        or (head[0] != WHOLE_TEXT and head[0] != WHOLE_BINARY)
        or head[1] < 0x80
    ):
        return None
    length = head[1] & 0x7F
    if length > 125:
        size, form = EXTENDED[length]
        parts.append(stream.read(size))
        if len(parts[1]) != size:
            return None
        (length,) = struct.unpack(form, parts[1])
    parts.append(stream.read(4))
    return length if type(parts[-1]) is bytes and len(parts[-1]) == 4 else None


def message(self: Any, first: int, key: bytes, payload: Any) -> str | bytearray:
    """What `read_message` makes of it."""
    self.utf8validator.reset()
    self.utf8validate_last = (True, True, 0, 0)
    if first == WHOLE_BINARY:
        binary = bytearray(payload)
        if binary:
            apply_mask_into(binary, key)
        return binary
    size = len(payload)
    try:
        text = masked_text(bytes(payload), key)
    except UnicodeDecodeError:
        pass
    else:
        self.utf8validate_last = (True, True, size, 2 * size)  # it validates all of it twice
        return text
    unmasked = bytearray(payload)
    apply_mask_into(unmasked, key)
    self.validate_utf8(unmasked)
    self.validate_utf8(unmasked)
    raise AssertionError("what is no text is found")  # pragma: no cover


def sending(follows: Follows, original: Method) -> Method:
    """`WebSocket.send_frame`."""
    from geventwebsocket.websocket import (  # type: ignore[import-untyped]
        MSG_SOCKET_DEAD,
        WebSocketError,
        error,
    )

    def send_frame(self: Any, message: Any, opcode: Any) -> Any:
        kind = type(message)
        usual = (opcode == TEXT and kind is str) or (opcode == BINARY and kind is bytes)
        tally = usual and not self.closed and follows(self)
        if not tally:
            return original(self, message, opcode)
        frame, _ = message_frame(message, kind is str, False, tally)
        try:
            self.raw_write(frame)
        except error:
            raise WebSocketError(MSG_SOCKET_DEAD)  # noqa: B904 (as geventwebsocket does)
        return None

    send_frame.__doc__ = original.__doc__
    return send_frame
