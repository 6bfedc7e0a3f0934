"""What takes the place of gunicorn's method, with the same results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastframe._codec.kernels import apply_mask


def unmasking(original: Callable[[Any, Any, Any], Any]) -> Callable[[Any, Any, Any], Any]:
    """`WebSocketProtocol._unmask`."""

    def _unmask(self: Any, payload: Any, masking_key: Any) -> Any:
        if type(payload) is bytes is type(masking_key) and len(masking_key) == 4:
            return apply_mask(payload, masking_key) if payload else payload
        return original(self, payload, masking_key)

    _unmask.__doc__ = original.__doc__
    return _unmask
