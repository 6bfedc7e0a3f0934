"""FASTFRAME_EXAMPLES=20000 makes Hypothesis run more examples, other ones each time; without it
they are the same for each run of a test."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import fastframe
from fastframe._codec import kernels
from tests.compiled_c import OPTIONS, compile_library

# Set where the same tests run once more, on another build or an older Python.
FEWER = os.environ.get("FASTFRAME_FEWER") == "1"

settings.register_profile(
    "fastframe",
    max_examples=int(os.environ.get("FASTFRAME_EXAMPLES", "100" if FEWER else "300")),
    derandomize="FASTFRAME_EXAMPLES" not in os.environ,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("fastframe")


@pytest.fixture(params=fastframe.available_kernels())
def kernel(request: pytest.FixtureRequest) -> Iterator[str]:
    """Walks all kernels that this CPU can run, and puts back the one that was active."""
    before = fastframe.active_kernel()
    kernels._select_kernel(request.param)
    assert fastframe.active_kernel() == request.param
    yield request.param
    kernels._select_kernel(before)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """The objects of src_c/, compiled once with each set of options."""
    return {
        name: compile_library(options, tmp_path_factory.mktemp(name))
        for name, options in OPTIONS.items()
    }


@pytest.fixture
def undisturbed() -> Iterator[None]:
    """Puts back what programs of their own may change: the kernel in use, and the level of logs."""
    before = fastframe.active_kernel()
    yield
    kernels._select_kernel(before)
    logging.disable(logging.NOTSET)
