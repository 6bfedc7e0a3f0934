"""Messages and frames as objects: the frames of one direction joined with what Decoder yields."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from fastframe._codec.control_frames import Close, Ping, Pong
from fastframe._inspect.events import Connection, Message, Row
from fastframe._inspect.subprotocols import labeller
from fastframe._types import Opcode

RSV1 = 4
_OPCODES = {int(opcode): opcode for opcode in Opcode}


class LocatedFrame(NamedTuple):
    row: Row
    file_offset: int
    preview: bytes
    """The first bytes of its payload, unmasked; only for --frames."""


class Objects:
    """Each control frame and each last frame of a message goes with the next payload, in order.

    frames: make an object of each frame, not of each message.
    """

    def __init__(self, connection: Connection, sender: str, *, frames: bool) -> None:
        self._connection = connection
        self._sender = sender
        self._as_frames = frames
        self._label = labeller(connection.subprotocol)
        self._waiting: deque[LocatedFrame] = deque()  # for a payload
        # The message that is open: its first frame, how many frames, how many bytes.
        self._first: LocatedFrame | None = None
        self._count = 0
        self._wire_length = 0

    @property
    def waiting(self) -> int:
        """How many frames have no payload yet, as a compressed message is held back."""
        return len(self._waiting)

    def make(
        self, frames: list[LocatedFrame], payloads: list[object], time: int | None
    ) -> list[Message]:
        """What `payloads` complete; frames: all that have come since the last call."""
        self._waiting.extend(frames)
        found: list[Message] = []
        i = 0
        while self._waiting:
            frame = self._waiting[0]
            whole = frame.row[4]  # FIN: of a control frame, or the last one of a message
            if whole and i == len(payloads):
                break
            self._waiting.popleft()
            if frame.row[3] >= Opcode.CLOSE:
                found.append(self._control(frame, payloads[i], time))
                i += 1
                continue
            if self._first is None:
                self._first, self._count, self._wire_length = frame, 0, 0
            self._count += 1
            self._wire_length += frame.row[2]
            payload = payloads[i] if whole else None
            i += whole
            if self._as_frames:
                found.append(self._frame(frame, payload, time))
            elif whole:
                found.append(self._message(frame, payload, time))
            if whole:
                self._first = None
        return found

    def _control(self, frame: LocatedFrame, payload: object, time: int | None) -> Message:
        _, _, length, opcode, _, rsv, masked = frame.row
        data, close = b"", None
        if isinstance(payload, Close):
            data, close = payload.reason.encode(), (payload.code, payload.reason)
        else:
            assert isinstance(payload, (Ping, Pong))
            data = payload.payload
        return Message(
            self._connection, self._sender, time, frame.row[0], frame.file_offset, _OPCODES[opcode],
            True, rsv, masked, 1, length, length, data, close is not None, close,
        )  # fmt: skip

    def _message(self, last: LocatedFrame, payload: object, time: int | None) -> Message:
        assert self._first is not None
        assert isinstance(payload, bytes)
        offset, _, _, opcode, _, rsv, masked = self._first.row
        return Message(
            self._connection, self._sender, time, offset, self._first.file_offset, _OPCODES[opcode],
            True, rsv, masked, self._count, self._wire_length, len(payload), payload,
            opcode == Opcode.TEXT, None, self._label(payload),
        )  # fmt: skip

    def _frame(self, frame: LocatedFrame, payload: object, time: int | None) -> Message:
        """With the payload of the message on the last frame of one that is compressed, as its own
        payload says nothing to a person."""
        assert self._first is not None
        offset, _, length, opcode, fin, rsv, masked = frame.row
        _, _, _, kind, _, message_rsv, _ = self._first.row
        is_text = kind == Opcode.TEXT
        shown, inflated, label = frame.preview, length, ""
        size: int | None = inflated
        if isinstance(payload, bytes):
            label = self._label(payload)
        if message_rsv & RSV1:
            is_text = is_text and isinstance(payload, bytes)
            size = len(payload) if isinstance(payload, bytes) else None
            shown = payload if isinstance(payload, bytes) else frame.preview
        return Message(
            self._connection, self._sender, time, offset, frame.file_offset, _OPCODES[opcode], fin,
            rsv, masked, 1, length, size, shown, is_text, None, label,
        )  # fmt: skip
