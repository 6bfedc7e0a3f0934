"""What several test files need."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from fastframe._targets.target import Target, target
from fastframe.deflate import BACKENDS, backend_module

ROOT = Path(__file__).parent.parent
KEY = b"\x12\x34\xab\xcd"
"""A masking key whose four bytes differ."""


def deflated(data: bytes, level: int = 9) -> bytes:
    """The compressed payload of a message (RFC 7692, 7.2.1)."""
    compressor = zlib.compressobj(level, zlib.DEFLATED, -15)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


def installed_backends() -> list[str]:
    found = []
    for name in BACKENDS:
        try:
            backend_module(name)
        except ImportError:
            continue
        found.append(name)
    return found


def run_python(
    *arguments: str, check: bool = False, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Python with these arguments, and what it printed; UTF-8 whatever the machine's locale."""
    return subprocess.run(
        [sys.executable, "-X", "utf8", *arguments],
        env={**os.environ, **environment}, capture_output=True, encoding="utf-8", check=check,
        timeout=120,
    )  # fmt: skip


def installed_target(name: str) -> Target:
    """The target; the test is left out where its library is not installed."""
    found = target(name)
    try:
        found.installed_version()
    except ImportError as error:
        pytest.skip(str(error))
    return found


def gil_enabled() -> bool:
    """False if threads of this interpreter run at the same time."""
    return getattr(sys, "_is_gil_enabled", lambda: True)()


def outcome(function: Callable[..., Any], *arguments: Any) -> tuple[type, Any]:
    """What it returns, with its type, or the type and the words of what it raises."""
    try:
        result = function(*arguments)
    except Exception as error:
        return type(error), str(error)
    return type(result), result


class Counted:
    """How often functions of a module are called: whether a test has entered the code that it is
    about."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, module: ModuleType, *names: str) -> None:
        self.calls = 0
        for name in names:
            monkeypatch.setattr(module, name, self._counting(getattr(module, name)))

    def _counting(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*arguments: Any) -> Any:
            self.calls += 1
            return function(*arguments)

        return counting
