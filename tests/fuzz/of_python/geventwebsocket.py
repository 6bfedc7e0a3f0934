"""gevent-websocket alone and on fastframe: any stream in any reads, with a fault of the socket at
any place."""

from __future__ import annotations

from typing import Any

from tests.fuzz.mutations import Input
from tests.libraries.test_geventwebsocket import FAULTS, both, received

FRAMES = True


def check(data: bytes) -> None:
    given = Input.of(data)
    if given is None:
        return
    parts: list[Any] = list(given.pieces())
    if given.options & 1:
        parts.insert(given.kernel % (len(parts) + 1), FAULTS[given.kernel % len(FAULTS)])
    alone, fast = both(received, parts)
    assert fast == alone, f"{alone}\n{fast}"
