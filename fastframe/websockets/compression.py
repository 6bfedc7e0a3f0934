"""Another back-end for websockets' permessage-deflate: `fastframe.install("websockets",
deflate=Deflate(backend="isal"))`.

websockets calls `zlib.compressobj` and `zlib.decompressobj`; what takes the place of that module
has both from the back-end. What goes over the wire is another compression of the same messages.
"""

from __future__ import annotations

import zlib
from typing import Any

from fastframe.deflate import BACKENDS, Deflate, backend_module

LEFT_TO_WEBSOCKETS = (
    "server_no_context_takeover",
    "client_no_context_takeover",
    "server_max_window_bits",
    "client_max_window_bits",
    "memory_level",
    "threshold",
)


class Decompressor:
    """A back-end's, which always shows in `unconsumed_tail` that there is more than `max_length`:
    isal may have taken in all of the data by then.

    websockets looks for it there, and otherwise takes what it has got for the whole message.
    """

    __slots__ = ("_stream", "unconsumed_tail")

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.unconsumed_tail: bytes = b""

    def decompress(self, data: bytes | bytearray | memoryview, max_length: int = 0) -> bytes:
        stream = self._stream
        found: bytes = stream.decompress(data, max_length)
        self.unconsumed_tail = stream.unconsumed_tail
        if max_length and len(found) == max_length and not self.unconsumed_tail:
            self.unconsumed_tail = stream.decompress(
                b"", 1
            )  # one byte of the rest, which will be discarded
        return found


class Zlib:
    """What websockets uses of the module zlib, from the back-end of `deflate`.

    Raises ValueError if `deflate` says more than a back-end and a level: websockets itself
    negotiates.
    """

    Z_SYNC_FLUSH = zlib.Z_SYNC_FLUSH

    def __init__(self, deflate: Deflate) -> None:
        default = Deflate()
        for name in LEFT_TO_WEBSOCKETS:
            if getattr(deflate, name) != getattr(default, name):
                raise ValueError(
                    f"under websockets a Deflate has a backend and a level; {name} is for serve() "
                    f"and connect()"
                )
        module = backend_module(deflate.backend)
        self._compressobj = module.compressobj
        self._levels = BACKENDS[deflate.backend][1]
        self._level = deflate.level
        self._decompressobj = module.decompressobj
        self.error: tuple[type[Exception], ...] = (
            zlib.error,
            module.error,
        )  # for an `except`; a connection may be older than this

    def compressobj(self, level: int | None = None, **settings: Any) -> Any:
        """level: the program's. Used only if `deflate` sets no level and the back-end supports
        it."""
        chosen = level if self._level is None else self._level
        if chosen in self._levels:
            settings["level"] = chosen
        return self._compressobj(**settings)

    def decompressobj(self, wbits: int) -> Decompressor:
        return Decompressor(self._decompressobj(wbits=wbits))
