"""A C-accelerated WebSocket (RFC 6455) frame codec. No sockets, no handshake, no event loop.

Decoder, Encoder        the native codec: bytes in, messages out, and back
prepare                 a message for many connections, encoded and compressed once
install, uninstall      put it under a library that has a codec of its own, wsproto for one; and
                        take it out
installed, status       the same for the length of a `with` block; is it active, and why not
deflate                 a module: permessage-deflate, for Decoder and Encoder
frame_protocol          a module: the drop-in for wsproto.frame_protocol
apply_mask, is_utf8 ... the kernels by themselves
metrics                 what has gone through it: messages, bytes, round trips, violations
index_frames            captured traffic as a NumPy table
get_include             where the headers are, for other extension modules
"""

import sys as _sys

from fastframe._codec import built as _built
from fastframe._codec import kernels as _kernels
from fastframe._codec.control_frames import Close, Ping, Pong
from fastframe._codec.decoder import Decoder
from fastframe._codec.encoder import Encoder
from fastframe._codec.kernels import (
    Utf8Validator,
    active_kernel,
    apply_mask,
    apply_mask_into,
    available_kernels,
    is_utf8,
    parse_header,
)
from fastframe._codec.prepared_messages import PreparedBytes, PreparedText, prepare
from fastframe._types import CloseCode, InvalidState, Opcode, ProtocolError, Role, Text
from fastframe._version import __version__

TYPE_CHECKING = False  # typing.TYPE_CHECKING, which takes longer to import than all of this
if TYPE_CHECKING:
    from fastframe._codec.header import Header
    from fastframe._metrics import metrics
    from fastframe._targets.install import (
        InstallError,
        TargetStatus,
        install,
        installed,
        status,
        uninstall,
    )
    from fastframe.frame_index import index_frames

__all__ = [
    "Close",
    "CloseCode",
    "Decoder",
    "Encoder",
    "Header",
    "InstallError",
    "InvalidState",
    "Opcode",
    "Ping",
    "Pong",
    "PreparedBytes",
    "PreparedText",
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
    "get_include",
    "index_frames",
    "install",
    "installed",
    "is_utf8",
    "metrics",
    "parse_header",
    "prepare",
    "status",
    "uninstall",
]


def get_include() -> str:
    """The folder of fastframe.h and fastframe_api.h, for other extension modules: kernels, Decoder
    and Encoder from C and Cython.

    >>> import os
    >>> os.path.exists(os.path.join(get_include(), "fastframe_api.h"))
    True
    """
    return __path__[0] + "/include"


def _name_what_is_public(names: list[str]) -> None:
    """Lets classes and functions say `fastframe` where they are asked for their module: which file
    they are in may change."""
    for name in names:
        value = globals().get(name)
        if hasattr(value, "__qualname__"):
            _kernels.name_as_public(value)


# What is imported when it is first asked for, as it needs dataclasses, logging and more: by module.
_LATER = {
    "_codec.header": ("Header",),
    "_targets.install": (
        "InstallError",
        "TargetStatus",
        "install",
        "installed",
        "status",
        "uninstall",
    ),
    "_metrics": ("metrics",),
    "frame_index": ("index_frames",),
}


def __getattr__(name: str) -> object:
    for module, names in _LATER.items():
        if name in names:
            from importlib import import_module

            found: object = getattr(import_module(f"fastframe.{module}"), name)
            globals()[name] = found
            _name_what_is_public([name])
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


_name_what_is_public(__all__)
_built.keep_or_put_back(_sys.modules[__name__])
