"""Autobahn alone and on fastframe: any stream in any reads, under applications that do anything."""

from __future__ import annotations

from typing import Any

from tests.fuzz.mutations import Input
from tests.libraries.test_autobahn import APPLICATIONS, alone_and_on_fastframe

FRAMES = True
OPTIONS: tuple[dict[str, Any], ...] = (
    {}, {"utf8validateIncoming": False}, {"maxFramePayloadSize": 60}, {"autoFragmentSize": 50},
)  # fmt: skip


def check(data: bytes) -> None:
    given = Input.of(data)
    if given is None:
        return
    application = APPLICATIONS[given.kernel % len(APPLICATIONS)]
    options = OPTIONS[given.options >> 1 & 3]
    pieces = given.pieces()
    alone, fast = alone_and_on_fastframe(pieces, bool(given.options & 1), application, **options)
    assert fast == alone, f"{alone}\n{fast}"
