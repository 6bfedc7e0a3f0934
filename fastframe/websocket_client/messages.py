"""Whole messages, in and out, in place of websocket-client's methods.

In: nothing is read ahead, as programs poll the socket: the two bytes of a header, then what it
announces. The state of a frame is in websocket-client's own frame_buffer whenever anything may
raise. So a timeout in the middle loses nothing, and for any frame that is not a whole message the
library's own code goes on from there.

Out: the frame is made, and handed to the library's `_send`.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable
from typing import Any

from fastframe._codec.kernels import is_utf8
from fastframe._codec.whole_frames import message_frame, text_of
from fastframe._targets.paths import Follows

TEXT, BINARY = 1, 2
WHOLE_MESSAGES = (0x81, 0x82)
EXTENDED = {126: (2, "!H"), 127: (8, "!Q")}
AT_ONCE = 16384
"""What websocket-client asks a socket for at most."""

Method = Callable[..., Any]


def take(buffer: Any) -> tuple[int, bytes] | None:
    """The next frame, if it is a whole text or binary message: its opcode and its payload. Else
    None, and the header is in `buffer`, which is a frame_buffer."""
    with buffer.lock:
        if buffer.header is not None or buffer.recv_buffer:
            return None
        head = buffer.recv(2)
        if len(head) != 2:
            buffer.recv_buffer = [head]
            return None
        first, second = head
        if first not in WHOLE_MESSAGES or second >> 7:
            keep_header(buffer, first, second, None)
            return None
        length = second if second < 126 else None
        try:
            if length is None:
                size, form = EXTENDED[second]
                (length,) = struct.unpack(form, buffer.recv_strict(size))
            if 0 < length <= AT_ONCE:
                payload = buffer.recv(length)
                if len(payload) != length:
                    buffer.recv_buffer = [payload]
                    payload = buffer.recv_strict(length)
            else:
                payload = buffer.recv_strict(length)
        except BaseException:
            keep_header(buffer, first, second, length)
            raise
    return first & 15, payload


def keep_header(buffer: Any, first: int, second: int, length: int | None) -> None:
    """As websocket-client does, of a frame whose rest is still to be read."""
    buffer.header = (
        first >> 7, first >> 6 & 1, first >> 5 & 1, first >> 4 & 1, first & 15,
        second >> 7, second & 127,
    )  # fmt: skip
    if length is not None:
        buffer.length = length
        setattr(buffer, mask_name(buffer), "")


def mask_name(buffer: Any) -> str:
    """What a frame_buffer has the masking key in; websocket-client 1.7 gave it another name."""
    return "mask_value" if hasattr(buffer, "mask_value") else "mask"


def is_ready(self: Any, core: Any) -> bool:
    """True if nobody looks at frames, and the next one is not part of a message."""
    fragments = self.cont_frame
    return (
        fragments.cont_data is None
        and not fragments.recving_frames
        and not core.isEnabledForTrace()
    )


def receiving(follows: Follows, original: Method) -> Method:
    """`WebSocket.recv`. follows: whether a connection may."""
    from websocket import _core

    core: Any = _core

    @functools.wraps(original)
    def recv(self: Any) -> Any:
        tally = follows(self)
        if not tally:
            return original(self)
        taken = None
        with self.readlock:
            if is_ready(self, core):
                taken = take(self.frame_buffer)
            if taken is None:
                opcode, data = self.recv_data()
        if taken is None:
            return text_or_bytes(opcode, data)
        opcode, payload = taken
        tally.received(opcode, len(payload), False)
        if opcode == BINARY:
            return payload
        try:
            return text_of(payload)
        except UnicodeDecodeError:
            pass
        refuse_what_is_no_text(self, payload)
        return payload.decode("utf-8")

    return recv


def text_or_bytes(opcode: int, data: Any) -> Any:
    """What `recv` returns of a message that the library has read."""
    if opcode == TEXT:
        return data if type(data) is str else data.decode("utf-8")
    return data if opcode == BINARY else ""


def refuse_what_is_no_text(self: Any, payload: bytes) -> None:
    """As websocket-client does, which lets the last character be cut."""
    from websocket import _utils
    from websocket._exceptions import WebSocketPayloadException

    skips: bool = self.cont_frame.skip_utf8_validation or self.cont_frame.fire_cont_frame
    if not skips and not _utils.validate_utf8(payload):
        raise WebSocketPayloadException(f"cannot decode: {payload!r}")


def receiving_frames(follows: Follows, original: Method) -> Method:
    """`WebSocket.recv_data_frame`."""
    from websocket import _core

    core: Any = _core
    from websocket._abnf import ABNF, continuous_frame

    some = continuous_frame(False, False)
    some.add(ABNF(1, 0, 0, 0, BINARY, 0, b""))
    pair = type(some.extract(ABNF(1, 0, 0, 0, BINARY, 0, b"")))  # a list before 1.7

    @functools.wraps(original)
    def recv_data_frame(self: Any, control_frame: Any = False) -> Any:
        tally = follows(self)
        if not tally or not is_ready(self, core):
            return original(self, control_frame)
        taken = take(self.frame_buffer)
        if taken is None:
            return original(self, control_frame)
        opcode, payload = taken
        tally.received(opcode, len(payload), False)
        if opcode == TEXT and not is_utf8(payload):
            refuse_what_is_no_text(self, payload)
        return pair((opcode, ABNF(1, 0, 0, 0, opcode, 0, payload)))

    return recv_data_frame


def sending(follows: Follows, original: Method) -> Method:
    """`WebSocket.send`."""
    from websocket import _core

    core: Any = _core

    @functools.wraps(original)
    def send(self: Any, payload: Any, opcode: Any = TEXT) -> Any:
        kind = type(payload)
        usual = opcode in (TEXT, BINARY) if kind is bytes else kind is str and opcode == TEXT
        unusual = not usual or self.get_mask_key or core.isEnabledForTrace()
        tally = not unusual and follows(self)
        if not tally:
            return original(self, payload, opcode)
        data, _ = message_frame(payload, opcode == TEXT, True, tally)
        length = len(data)
        with self.lock:
            while data:
                data = data[self._send(data) :]
        return length

    return send


# ---- the socket ----------------------------------------------------------------------------------


class Tried:
    """A socket of which `name` was called already: the first call has the same outcome, and all
    else is the socket's. So what the library does with an outcome is its own."""

    def __init__(self, sock: Any, name: str, outcome: Any) -> None:
        self._sock = sock
        self._name = name
        self._outcome = outcome

    def __getattr__(self, name: str) -> Any:
        return self._once if name == self._name else getattr(self._sock, name)

    def _once(self, argument: Any) -> Any:
        self._name = ""
        outcome, self._outcome = self._outcome, None
        if not isinstance(outcome, BaseException):
            return outcome
        try:
            raise outcome
        finally:
            del outcome  # whose traceback has this frame: a cycle, for each poll of a program


def reading_socket(original: Method) -> Method:
    """`recv` of `websocket._core`."""

    @functools.wraps(original)
    def recv(sock: Any, bufsize: int) -> Any:
        if not sock:
            return original(sock, bufsize)
        outcome: Any
        try:
            outcome = sock.recv(bufsize)
        except Exception as error:
            outcome = error
        if type(outcome) is bytes and outcome:
            return outcome
        tried = Tried(sock, "recv", outcome)
        del outcome  # as in Tried
        return original(tried, bufsize)

    return recv


def writing_socket(original: Method) -> Method:
    """`send` of `websocket._core`."""

    @functools.wraps(original)
    def send(sock: Any, data: Any) -> Any:
        if not sock or type(data) is not bytes:
            return original(sock, data)
        outcome: Any
        try:
            outcome = sock.send(data)
        except Exception as error:
            outcome = error
        if type(outcome) is int:
            return outcome
        tried = Tried(sock, "send", outcome)
        del outcome  # as in Tried
        return original(tried, data)

    return send
