"""websocket-client alone and on fastframe: any stream in any reads, with a fault of the socket at
any place."""

from __future__ import annotations

from types import SimpleNamespace

from tests.fuzz.mutations import Input
from tests.libraries.test_websocket_client import FAULTS, both, calls_under_faults

FRAMES = True
CALLS = (["recv"] * 6, ["recv_data"] * 6, ["recv_data_frame"] * 6, ["recv_frame"] * 6)


def check(data: bytes) -> None:
    given = Input.of(data)
    if given is None:
        return
    session = SimpleNamespace(pieces=given.pieces())
    faults = [(given.kernel & 7, FAULTS[given.kernel % len(FAULTS)])] if given.options & 1 else []
    calls = CALLS[given.options >> 1 & 3]
    alone, fast = both(lambda: calls_under_faults(session, faults, calls, 5.0))
    assert fast == alone, f"{alone}\n{fast}"
