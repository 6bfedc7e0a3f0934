"""What Cython has made of our code: nothing in it may lose an exception."""

from __future__ import annotations

import re

import pytest

from tests.helpers import ROOT

GENERATED = sorted((ROOT / "build" / "cython").rglob("*.c"))


@pytest.mark.skipif(not GENERATED, reason="fastframe was not built in this folder")
def test_no_function_that_is_noexcept_can_fail() -> None:
    """Where one touches a Python object that may fail, Cython prints the exception and goes on:
    with a wrong result."""
    assert len(GENERATED) >= len(list((ROOT / "fastframe").rglob("*.pyx"))) >= 20
    lost = {
        (path.stem, name)
        for path in GENERATED
        for name in re.findall(
            r'__Pyx_WriteUnraisable\("([^"]+)"', path.read_text(encoding="utf-8")
        )
    }
    assert lost == set()
