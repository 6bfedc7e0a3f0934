"""The tests that make allocations fail, in a process of their own."""

from __future__ import annotations

import re

import pytest

from tests.failing_memory import ALONE, _testcapi
from tests.helpers import ROOT, gil_enabled, run_python


@pytest.mark.skipif(_testcapi is None, reason="this CPython has no _testcapi")
@pytest.mark.skipif(
    not gil_enabled(), reason="zlib alone hangs or crashes a CPython without the GIL in this test"
)
def test_each_allocation_fails() -> None:
    result = run_python(
        "-m",
        "pytest",
        "-q",
        "-m",
        "memory",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        str(ROOT / "tests"),
        **{ALONE: "1"},
    )
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr
    passed = re.search(r"(\d+) passed", result.stdout)
    assert passed is not None
    assert int(passed[1]) >= 20, "they are found, and not left out"
