"""The target "websockets", on which sanic runs too.

What changes: `Protocol.receive_data` and `Frame.serialize`, which all kinds of connections go through; and `send` and `recv` of asyncio connections;
and `Protocol.__init__`, to count them. `fastframe run` installs it only where it is asked for by name.

As the replacements rely on how the methods around them work, the source of these is compared with what was tested.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
from typing import Any

from fastframe._library import Library, Replacement
from fastframe._target import Target
from fastframe.websockets.connection import receiving, sending

RELIED_ON = (
    "protocol:Protocol.receive_data", "protocol:Protocol.parse", "protocol:Protocol.recv_frame", "frames:Frame.parse", "frames:Frame.serialize",
    "frames:Frame.check", "streams:StreamReader", "asyncio.connection:Connection.send", "asyncio.connection:Connection.recv",
    "asyncio.connection:Connection.send_context", "asyncio.connection:Connection.send_data", "asyncio.connection:Connection.drain",
    "asyncio.messages:SimpleQueue", "asyncio.messages:Assembler.get",
)  # fmt: skip
FINGERPRINTS = {
    "16.1": "121064bf4448f141", "16.1.1": "121064bf4448f141", "17.0": "92ff85fdb1015e75", "17.0.1": "e5ef172a80a53de5", "17.1": "e5ef172a80a53de5", "17.2": "e5ef172a80a53de5", "17.3": "a485bb8942fb761e", "17.4": "03e4dde90f6ff231",
}  # fmt: skip


def fingerprint() -> str:
    """Of the source of RELIED_ON. OSError if there is none."""
    digest = hashlib.sha256()
    for place in RELIED_ON:
        module, _, names = place.partition(":")
        found: Any = importlib.import_module(f"websockets.{module}")
        for name in names.split("."):
            found = vars(found)[name]
        digest.update(inspect.getsource(found).encode())
    return digest.hexdigest()[:16]


class WebsocketsTarget(Library):
    name = distribution = "websockets"
    supported_versions: tuple[str, ...] = tuple(FINGERPRINTS)
    how_to_activate = (
        'start the program with "fastframe run --target websockets", or call fastframe.install("websockets") in it'
    )

    def __init__(self) -> None:
        super().__init__()
        self._frames: Any = None

    def load(self) -> None:
        super().load()
        if self._frames is not None:
            return
        if fingerprint() != FINGERPRINTS[self.installed_version()]:
            raise ImportError(
                f"websockets {self.installed_version()} is not as it was released, and fastframe was not tested with what it is now"
            )
        from websockets import frames, protocol, streams
        from websockets.extensions import permessage_deflate

        from fastframe.websockets._frames import Frames

        self._frames = Frames(protocol, frames, streams, permessage_deflate)

    def replacements(self) -> tuple[Replacement, ...]:
        return (
            Replacement("websockets.protocol:Protocol", "receive_data", self._receiving_data),
            Replacement("websockets.frames:Frame", "serialize", self._serializing),
            Replacement("websockets.asyncio.connection:Connection", "send", sending),
            Replacement("websockets.asyncio.connection:Connection", "recv", receiving),
            Replacement("websockets.protocol:Protocol", "__init__", self.counted),
        )

    def _receiving_data(self, original: Any) -> Any:
        receive = self._frames.receive_data

        def receive_data(self: Any, data: Any) -> None:
            receive(self, data)

        receive_data.__doc__ = original.__doc__
        return receive_data

    def _serializing(self, original: Any) -> Any:
        make = self._frames.serialize

        def serialize(self: Any, *, mask: bool, extensions: Any = None) -> bytes:
            made: bytes = make(self, mask, extensions)
            return made

        serialize.__doc__ = original.__doc__
        return serialize


TARGET: Target = WebsocketsTarget()
