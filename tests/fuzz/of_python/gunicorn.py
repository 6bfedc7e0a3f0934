"""gunicorn alone and on fastframe: any stream in any reads, under applications that do anything."""

from __future__ import annotations

import asyncio
from unittest import mock

from tests.fuzz.mutations import Input
from tests.libraries.test_gunicorn import (
    APPLICATIONS,
    WHOLE_PATH,
    alone_and_on_fastframe,
    no_patience,
)

FRAMES = True
LIMITS = (None, None, 0, 130)


def check(data: bytes) -> None:
    given = Input.of(data)
    if given is None:
        return
    application = APPLICATIONS[given.kernel % len(APPLICATIONS)]
    limit = LIMITS[given.options & 3]
    options = {} if limit is None or not WHOLE_PATH else {"max_message_size": limit}
    with mock.patch.object(asyncio, "wait_for", no_patience):
        alone, fast = alone_and_on_fastframe(given.pieces(), application, **options)
    assert fast == alone, f"{alone}\n{fast}"
