"""The two classes that stand in for wsproto's; fastframe.frame_protocol is where users import them
from."""

from __future__ import annotations

from fastframe.wsproto import (
    _frame_decoder,
    _frame_protocol,
)  # first: they say which versions of wsproto will do

# isort: split
import wsproto.frame_protocol as _original


class FrameDecoder(_frame_decoder.FrameDecoder, _original.FrameDecoder):
    """wsproto's FrameDecoder; `buffer`, `header`, `masker` and the other attributes are copies to
    look at."""

    __module__ = "fastframe.frame_protocol"


class FrameProtocol(_frame_protocol.FrameProtocol, _original.FrameProtocol):
    """wsproto's FrameProtocol; what is not in the base class, `close` for instance, is wsproto's
    own code."""

    __module__ = "fastframe.frame_protocol"

    _decoder_class = FrameDecoder
