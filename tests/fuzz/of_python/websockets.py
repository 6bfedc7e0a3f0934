"""websockets' Protocol alone and on fastframe: any stream in any reads, with limits, deflate and
messages sent between."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import fastframe
from tests.fuzz.mutations import Input
from tests.libraries.test_websockets import PerMessageDeflate, steps

FRAMES = True
LIMITS = (None, 2**20, 126, 1000)
SENDS: list[tuple[str, Any, bool]] = [
    ("send_text", b"text", False), ("send_continuation", b"more", True), ("send_binary", b"", True),
]  # fmt: skip


def check(data: bytes) -> None:
    given = Input.of(data)
    if given is None:
        return
    session = SimpleNamespace(client=not given.options & 1, pieces=given.pieces())
    limit = LIMITS[given.options >> 1 & 3]
    forgets, remote_forgets = bool(given.options & 8), bool(given.options & 16)

    def seen() -> list[Any]:
        deflate = PerMessageDeflate(remote_forgets, forgets, 15, 15, {})
        extensions = [deflate] if given.options & 32 else []
        return steps(session, limit, extensions, SENDS[: given.kernel & 3])

    alone = seen()
    with fastframe.installed("websockets"):
        assert seen() == alone
