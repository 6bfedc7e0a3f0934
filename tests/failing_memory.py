"""Allocations that fail, one after another.

Another thread, one of pytest-xdist for instance, would take the failure for itself, so
tests/test_failing_memory.py runs these tests in a process of their own.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.helpers import gil_enabled

try:
    import _testcapi
except ImportError:  # some CPythons are built without it
    _testcapi = None  # type: ignore[assignment]

ALONE = "FASTFRAME_FAILING_MEMORY"
"""Set in the environment of the process in which these tests run: see test_failing_memory.py."""


def needs_failing_memory(test: Any) -> Any:
    """A decorator, for a test or a class of tests."""
    for mark in (
        pytest.mark.skipif(_testcapi is None, reason="this CPython has no _testcapi"),
        pytest.mark.skipif(
            not gil_enabled(),
            reason="zlib alone hangs or crashes a CPython without the GIL in this test",
        ),
        pytest.mark.skipif(
            ALONE not in os.environ, reason="test_failing_memory.py runs it in a process of its own"
        ),
        pytest.mark.memory,
    ):
        test = mark(test)
    return test


MOST_ALLOCATIONS = 400


@contextmanager
def failing(number: int) -> Iterator[None]:
    """The allocation of this number, from 1 on, fails.

    The tracer of coverage crashes where one of its own allocations fails, and Hypothesis looks on
    when garbage is collected.
    """
    tracer, collects = sys.gettrace(), gc.isenabled()
    sys.settrace(None)
    gc.disable()
    _testcapi.set_nomemory(number - 1, number)
    try:
        yield
    finally:
        _testcapi.remove_mem_hooks()
        if collects:
            gc.enable()
        sys.settrace(tracer)


def fails_in(
    number: int, call: Callable[..., Any], *arguments: Any, **options: Any
) -> type[Exception] | None:
    """Which exception a call ends with where its allocation of this number fails."""
    raised: type[Exception] | None = None
    with failing(number):
        try:
            call(*arguments, **options)
        except SystemError:
            # Cython loses an exception if there is no memory for a line of its traceback; CPython
            # then says SystemError.
            raised = MemoryError
        except Exception as error:
            raised = type(error)
    return raised


def each_allocation_fails(prepare: Callable[[], Callable[[], Any]], expected: Any) -> int:
    """Runs what `prepare` returns with its first allocation failing, its second, and so on, until
    none does. How many did."""
    failed = 0
    for number in range(1, MOST_ALLOCATIONS):
        call = prepare()
        other, found = None, None
        with failing(number):
            try:
                found = call()
            except Exception as error:
                other = error
        if isinstance(other, MemoryError) or (type(other), str(other)) == (
            SystemError,
            "error return without exception set",
        ):
            failed += 1
            continue
        assert (found if other is None else (type(other), str(other))) == expected, number
    return failed
