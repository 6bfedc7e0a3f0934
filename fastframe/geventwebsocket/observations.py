"""What geventwebsocket gets of its headers and validators, for the self-check."""

from __future__ import annotations

from typing import Any

from fastframe._observations import KEY, TEXT, Observation, cut, outcome


def observe() -> Observation:
    from geventwebsocket import websocket  # type: ignore[import-untyped]

    def header(mask: Any, length: int) -> Any:
        made = websocket.Header(length=length)
        made.mask = mask
        return made

    found: Observation = []
    for mask in (KEY, b"", b"key", "", None):
        for payload in (b"", b"x", bytes(range(256)) * 3, bytearray(b"array")):
            for more in (0, 1):
                made = header(mask, len(payload) + more)
                found += [outcome(made.mask_payload, payload), outcome(made.unmask_payload, payload)]
    for text in (TEXT.encode(), b"", b"good \xff bad", b"\xed\xa0\x80"):
        for pieces in cut(text):
            validator = websocket.Utf8Validator()
            for piece in pieces:
                answer = outcome(validator.validate, piece)
                found.append(answer)
                if not answer[1][0]:
                    break
    return found
