"""What takes the place of autobahn's function, with the same results and errors, as everything
unusual goes to its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastframe._codec.wsaccel import XorMasker


def creating_masker(original: Callable[..., Any]) -> Callable[..., Any]:
    """`create_xor_masker`."""

    def create_xor_masker(mask: Any, length: int | None = None) -> Any:
        if type(mask) is bytes and len(mask) == 4:
            return XorMasker(mask)
        return original(mask, length)

    return create_xor_masker
