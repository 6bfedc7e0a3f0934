"""What takes the place of websocket-client's functions: the same results, and the same errors, as
everything unusual goes to its own."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

from fastframe._codec.kernels import Utf8Validator, apply_mask, is_utf8


def validating(original: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """`_utils._validate_utf8`: True also if the last character is cut."""

    def _validate_utf8(utfbytes: Any) -> bool:
        if type(utfbytes) is not bytes:
            return original(utfbytes)
        return is_utf8(utfbytes) or Utf8Validator().feed(utfbytes)

    return _validate_utf8


def masking_arrays(original: Callable[[Any, Any], bytes]) -> Callable[[Any, Any], bytes]:
    """`_abnf._mask`, which gets two arrays of bytes."""

    def _mask(mask_value: Any, data_value: Any) -> bytes:
        if (
            type(mask_value) is array is type(data_value)
            and mask_value.itemsize == data_value.itemsize == 1
            and len(mask_value) == 4
        ):
            return apply_mask(data_value, mask_value)
        return original(mask_value, data_value)

    return _mask


def masking(original: Callable[[Any, Any], bytes]) -> Callable[[Any, Any], bytes]:
    """`ABNF.mask`, without an array for each argument."""

    def mask(mask_key: Any, data: Any) -> bytes:
        if type(mask_key) is bytes is type(data) and len(mask_key) == 4:
            return apply_mask(data, mask_key)
        return original(mask_key, data)

    mask.__doc__ = original.__doc__
    return mask
