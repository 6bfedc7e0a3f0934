"""What websocket-client makes of frames and payloads, for the self-check."""

from __future__ import annotations

from array import array
from typing import Any

from fastframe._targets.observations import KEY, TEXT, Observation, cut, outcome, streams


def observe() -> Observation:
    from websocket import _abnf, _utils

    found: Observation = []
    for key in (KEY, "key!", b"", b"key", None):
        for data in (b"", b"x", "text", TEXT, bytes(range(256)) * 3, None):
            found.append(outcome(_abnf.ABNF.mask, key, data))
    for size in (0, 1, 300):
        found.append(outcome(_abnf._mask, array("B", KEY), array("B", bytes(size))))
    for text in (TEXT.encode(), b"", b"good \xff bad", b"cut \xc3", b"\xed\xa0\x80", "żółć"):
        found.append(outcome(_utils.validate_utf8, text))

    for stream in streams(None, deflate=False):
        for pieces in cut(stream):
            found += received(_abnf, pieces)
    return found


def received(abnf: Any, pieces: list[bytes]) -> Observation:
    """Frame by frame, as `recv` of the socket gives these pieces."""
    rest = list(pieces)

    def recv(size: int) -> bytes:
        if not rest:
            raise EOFError
        first, rest[0] = rest[0][:size], rest[0][size:]
        if not rest[0]:
            del rest[0]
        return first

    buffer, messages = abnf.frame_buffer(recv, False), abnf.continuous_frame(False, False)
    found: Observation = []
    while True:
        kind, frame = outcome(buffer.recv_frame)
        if issubclass(kind, Exception):
            return [*found, (kind, frame)]
        found.append((frame.opcode, frame.fin, bytes(frame.data)))
        if frame.opcode in (abnf.ABNF.OPCODE_TEXT, abnf.ABNF.OPCODE_BINARY, abnf.ABNF.OPCODE_CONT):
            found.append(outcome(messages.validate, frame))
            messages.add(frame)
            if messages.is_fire(frame):
                found.append(outcome(extracted, messages, frame))


def extracted(messages: Any, frame: Any) -> Any:
    opcode, whole = messages.extract(frame)
    return opcode, whole.fin, bytes(whole.data)
