"""A request to fastframe's class for uvicorn, read at a glance, beside the same in h11 and
wsproto; and what an application may answer."""

from __future__ import annotations

from tests.servers.test_handshake import (
    ANSWERS,
    LINES,
    MORE,
    VALUES,
    ByWsproto,
    Handshake,
    outcome,
    read,
)

DICTIONARY = tuple(line.decode("latin-1") for line in [*LINES, *MORE, *VALUES] if len(line) < 60)
NAMES = sorted(ANSWERS)


def check(data: bytes) -> None:
    if not data:
        return
    answer = ANSWERS[NAMES[data[0] % len(NAMES)]]
    request = data[1:]
    cut = len(request) // 2 if data[0] & 128 else len(request)
    pieces = [piece for piece in (request[:cut], request[cut:]) if piece]
    (ours, found), (reference, expected) = (read(kind, pieces) for kind in (Handshake, ByWsproto))
    assert found == expected, f"{found}\n{expected}"
    if isinstance(expected, tuple):
        assert outcome(answer, ours) == outcome(answer, reference)
