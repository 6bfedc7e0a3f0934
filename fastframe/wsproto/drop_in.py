"""The two classes that stand in for wsproto's; fastframe.frame_protocol is where users import them
from."""

from __future__ import annotations

from fastframe.wsproto import (
    _frame_decoder,
    _frame_protocol,
)  # first: they say which versions of wsproto will do

# isort: split
from typing import Any

import wsproto.frame_protocol as _original

from fastframe._targets.frame_log import is_wanted


class FrameDecoder(_frame_decoder.FrameDecoder, _original.FrameDecoder):
    """wsproto's FrameDecoder; `buffer`, `header`, `masker` and the other attributes are copies to
    look at."""

    __module__ = "fastframe.frame_protocol"


class FrameProtocol(_frame_protocol.FrameProtocol, _original.FrameProtocol):
    """wsproto's FrameProtocol; what is not in the base class, `close` for instance, is wsproto's
    own code."""

    __module__ = "fastframe.frame_protocol"

    _decoder_class = FrameDecoder

    def __new__(cls, *arguments: Any, **options: Any) -> FrameProtocol:
        if cls is FrameProtocol and is_wanted():
            from fastframe.wsproto.logged import LoggedFrameProtocol

            return LoggedFrameProtocol.__new__(LoggedFrameProtocol, *arguments, **options)
        return super().__new__(cls, *arguments, **options)
