"""What websockets calls the same thing in one release and in another."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


def used_name(function: Callable[..., Any], *names: str) -> str:
    """The first of these names that websockets' function has in its code, or ""."""
    used = inspect.unwrap(function).__code__.co_names
    return next((name for name in names if name in used), "")
