"""What autobahn's protocol gets of its maskers and validators, for the self-check. A connection
would choose between asyncio and Twisted for the program."""

from __future__ import annotations

from typing import Any

from fastframe._targets.observations import KEY, TEXT, Observation, outcome, validations


def observe() -> Observation:
    from autobahn.websocket import protocol as module

    protocol: Any = module
    found: Observation = []
    for key in (KEY, b"", b"key", None):
        for pieces in ([b"", b"x", bytes(range(256)) * 3], [b"abc", b"def"]):
            masker = outcome(protocol.create_xor_masker, key, 9)
            if issubclass(masker[0], Exception):
                found.append(masker)
                continue
            for piece in pieces:
                found.append((outcome(masker[1].process, piece), outcome(masker[1].pointer)))
            found.append((outcome(masker[1].reset), outcome(masker[1].process, b"again")))
    texts = (
        TEXT.encode(), b"ascii" * 99, b"", b"good \xff bad", TEXT.encode()[:-2] + b"\xc0\xaf",
        b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
    )  # fmt: skip
    return found + validations(protocol.Utf8Validator, texts)
