"""What autobahn's protocol gets of its maskers and validators, for the self-check. A connection would choose between asyncio and Twisted for the program."""

from __future__ import annotations

from typing import Any

from fastframe._observations import KEY, TEXT, Observation, cut, outcome


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
    for text in (
        TEXT.encode(),
        b"ascii" * 99,
        b"",
        b"good \xff bad",
        TEXT.encode()[:-2] + b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
    ):
        for pieces in cut(text):
            validator = protocol.Utf8Validator()
            for piece in pieces:
                answer = outcome(validator.validate, piece)
                found.append(answer)
                if not answer[1][0]:
                    break
            validator.reset()
            found.append(outcome(validator.validate, b"anew"))
    return found
