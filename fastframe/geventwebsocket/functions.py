"""What takes the place of geventwebsocket's method, with the same results and errors, as everything
unusual goes to its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastframe._codec.kernels import apply_mask_into


def masking(original: Callable[[Any, Any], bytearray]) -> Callable[[Any, Any], bytearray]:
    """`Header.mask_payload`, which is `unmask_payload` too."""

    def mask_payload(self: Any, payload: Any) -> bytearray:
        mask = self.mask
        if type(payload) is bytes is type(mask) and len(mask) == 4 and len(payload) == self.length:
            masked = bytearray(payload)
            apply_mask_into(masked, mask)
            return masked
        return original(self, payload)

    return mask_payload
