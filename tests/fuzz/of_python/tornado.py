"""tornado alone and on fastframe: any stream in any reads, with any end of the connection."""

from __future__ import annotations

import logging
from typing import Any

from tests.fuzz.mutations import Input
from tests.libraries.test_tornado import BROKEN, RESET, alone_and_on_fastframe

FRAMES = True
ENDS = (None, b"", RESET, BROKEN)


def check(data: bytes) -> None:
    logging.disable(logging.CRITICAL)
    given = Input.of(data)
    if given is None:
        return
    end = ENDS[given.options >> 1 & 3]
    pieces: list[Any] = [*given.pieces(), *([] if end is None else [end])]
    alone, fast = alone_and_on_fastframe(pieces, client=not given.options & 1)
    assert fast == alone, f"{alone}\n{fast}"
