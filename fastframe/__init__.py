"""A C-accelerated WebSocket (RFC 6455) frame codec. No sockets, no handshake, no event loop."""

from typing import TYPE_CHECKING

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
from fastframe.patches import InstallError, TargetStatus, install, installed, status, uninstall

if TYPE_CHECKING:
    from fastframe.frame_index import index_frames

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


def __getattr__(name: str) -> object:
    # index_frames needs NumPy, which is imported only when somebody asks for it.
    if name == "index_frames":
        from fastframe.frame_index import index_frames

        return index_frames
    raise AttributeError(f"module 'fastframe' has no attribute {name!r}")
