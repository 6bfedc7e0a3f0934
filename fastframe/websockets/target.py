"""The target "websockets", on which sanic runs too.

What changes: `receive_data`, `send_text` and `send_binary` of Protocol, and `Frame.serialize`,
which all kinds of connections go through; and `send` and `recv` of asyncio connections; and
`Protocol.__init__`, to count them.
`fastframe run` installs it only where it is asked for by name.
"""

from __future__ import annotations

import functools
from typing import Any

from fastframe._targets.frame_log import SENT, SHOWN, FrameLog, is_wanted
from fastframe._targets.library import Library, Replacement
from fastframe._targets.options import Options
from fastframe._targets.overheard import before
from fastframe._targets.replaced import Replaced
from fastframe._targets.target import Target
from fastframe.websockets.compression import Zlib
from fastframe.websockets.connection import receiving, sending, sending_data


def listen(protocol: Any, log: FrameLog) -> None:
    from websockets.protocol import SERVER

    send = protocol.send_frame
    is_client = protocol.side is not SERVER

    def send_frame(frame: Any) -> None:
        log.frame(
            SENT, int(frame.opcode), len(frame.data), bytes(frame.data[:SHOWN]),
            fin=frame.fin, masked=is_client,
        )  # fmt: skip
        send(frame)

    protocol.send_frame = send_frame
    protocol.receive_data = before(protocol.receive_data, log.received)


def listening(original: Any) -> Any:
    """`Protocol.__init__`."""
    from websockets.protocol import State

    @functools.wraps(original)
    def begin(self: Any, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **options)
        if is_wanted():
            listen(self, FrameLog(has_handshake=self.state is State.CONNECTING))

    return begin


class WebsocketsTarget(Library):
    name = distribution = "websockets"
    relied_on: tuple[str, ...] = (
        "protocol:Protocol.receive_data", "protocol:Protocol.receive_eof",
        "protocol:Protocol.parse", "protocol:Protocol.recv_frame",
        "protocol:Protocol.fail", "protocol:Protocol.discard", "protocol:Protocol.send_text",
        "protocol:Protocol.send_binary",
        "protocol:Protocol.send_frame", "protocol:Protocol.data_to_send",
        "protocol:Protocol.__init__", "frames:Frame",
        "streams:StreamReader", "extensions.permessage_deflate:PerMessageDeflate",
        "asyncio.connection:Connection.send",
        "asyncio.connection:Connection.recv", "asyncio.connection:Connection.send_context",
        "asyncio.connection:Connection.send_data",
        "asyncio.connection:Connection.drain", "asyncio.messages:SimpleQueue",
        "asyncio.messages:Assembler.get",
        "asyncio.messages:Assembler.maybe_resume",
    )  # fmt: skip
    how_to_activate = (
        'start the program with "fastframe run --target websockets", or '
        'call fastframe.install("websockets") in it'
    )
    options: frozenset[str] = frozenset({"deflate"})

    def __init__(self) -> None:
        super().__init__()
        self._frames: Any = None
        self._protocol: Any = None  # the module that they were made for; it may be imported again
        self._compression: Replaced = Replaced(self.distribution)

    def load(self) -> None:
        super().load()
        from websockets import frames, protocol, streams

        if self._frames is not None and self._protocol is protocol:
            return
        from websockets.extensions import permessage_deflate

        from fastframe.websockets._frames import Frames

        self._protocol = protocol
        self._frames = Frames(protocol, frames, streams, permessage_deflate)

    def replacements(self) -> tuple[Replacement, ...]:
        return (
            Replacement("websockets.protocol:Protocol", "receive_data", self._receiving_data),
            Replacement("websockets.protocol:Protocol", "send_text", self._sending_text),
            Replacement("websockets.protocol:Protocol", "send_binary", self._sending_binary),
            Replacement("websockets.frames:Frame", "serialize", self._serializing),
            Replacement("websockets.asyncio.connection:Connection", "send", self._sending),
            Replacement("websockets.asyncio.connection:Connection", "recv", self._receiving),
            Replacement("websockets.protocol:Protocol", "__init__", self._beginning),
        )

    def configure(self, options: Options) -> None:
        """ValueError if `deflate` says what is websockets' own to say. Connections that are open
        keep their back-end."""
        from websockets.extensions import permessage_deflate

        if options.deflate is False:
            raise ValueError(
                "websockets is told by compression=None, in serve() and connect(), not to compress"
            )
        compression = None if options.deflate is None else Zlib(options.deflate)
        self._compression.put_back()
        if compression is not None:
            self._compression.replace(permessage_deflate, "zlib", compression)

    def _beginning(self, original: Any) -> Any:
        return self.counted(listening(original))

    def _sending(self, original: Any) -> Any:
        return sending(original, self._frames.message)

    def _sending_text(self, original: Any) -> Any:
        self._frames.own_send_text = made = sending_data(original, self._frames, True)
        return made

    def _sending_binary(self, original: Any) -> Any:
        self._frames.own_send_binary = made = sending_data(original, self._frames, False)
        return made

    def _receiving(self, original: Any) -> Any:
        return receiving(original, self._frames.text)

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
