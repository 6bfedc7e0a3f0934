"""The load run, with few clients."""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip("examples.chat.server", reason="the extra chat is not installed")

from examples.chat.load import CONTENDERS, measure
from examples.chat.up import missing_programs


def test_load() -> None:
    if missing_programs():
        pytest.skip(f"not installed: {', '.join(missing_programs())}")
    found = asyncio.run(measure(clients=20, messages=20, steady_seconds=1.0))
    assert found.keys() == CONTENDERS.keys()
    for figures in found.values():
        assert figures.deliveries_per_second > 0
        assert 0 < figures.median_milliseconds <= figures.p99_milliseconds
