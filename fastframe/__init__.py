"""A C-accelerated WebSocket (RFC 6455) frame codec. No sockets, no handshake, no event loop.

Decoder, Encoder        the native codec: bytes in, messages out, and back
install, uninstall      put it under a library that has a codec of its own, wsproto for one; and take it out
installed, status       the same for the length of a `with` block; is it active, and why not
deflate                 a module: permessage-deflate, for Decoder and Encoder
frame_protocol          a module: the drop-in for wsproto.frame_protocol
apply_mask, is_utf8 ... the kernels by themselves
index_frames            captured traffic as a NumPy table
"""

from fastframe import _built as _built
from fastframe._core import (
    Close,
    Ping,
    Pong,
    Utf8Validator,
    active_kernel,
    apply_mask,
    apply_mask_into,
    available_kernels,
    is_utf8,
    parse_header,
)
from fastframe._decoder import Decoder
from fastframe._encoder import Encoder
from fastframe._types import Header, Opcode, ProtocolError, Role, Text
from fastframe._version import __version__
from fastframe.frame_index import index_frames
from fastframe.patches import InstallError, TargetStatus, install, installed, status, uninstall

__all__ = [
    "Close",
    "Decoder",
    "Encoder",
    "Header",
    "InstallError",
    "Opcode",
    "Ping",
    "Pong",
    "ProtocolError",
    "Role",
    "TargetStatus",
    "Text",
    "Utf8Validator",
    "__version__",
    "active_kernel",
    "apply_mask",
    "apply_mask_into",
    "available_kernels",
    "index_frames",
    "install",
    "installed",
    "is_utf8",
    "parse_header",
    "status",
    "uninstall",
]
