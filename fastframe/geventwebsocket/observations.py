"""What geventwebsocket gets of its headers and validators, for the self-check."""

from __future__ import annotations

from typing import Any

from fastframe._targets.observations import KEY, TEXT, Observation, outcome, validations


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
                found += [
                    outcome(made.mask_payload, payload),
                    outcome(made.unmask_payload, payload),
                ]
    return found + validations(
        websocket.Utf8Validator, (TEXT.encode(), b"", b"good \xff bad", b"\xed\xa0\x80")
    )
