"""What autobahn's protocol gets of its maskers and validators, and what an application sees of a
connection, for the self-check.

The connection has neither asyncio nor Twisted under it, as that would choose for the program.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

from fastframe._codec.tally import tally
from fastframe._targets.observations import (
    KEY,
    TEXT,
    Observation,
    cut,
    outcome,
    streams,
    validations,
)
from fastframe._targets.paths import DECIDED


class Nothing:
    """Does nothing, whatever it is asked: for txaio, a logger, timers."""

    def __getattr__(self, name: str) -> Any:
        return Nothing()

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return Nothing()


class Transport:
    """In memory."""

    def __init__(self) -> None:
        self.written: bytearray = bytearray()

    def write(self, data: bytes) -> None:
        self.written += data


def observe() -> Observation:
    from autobahn.websocket import protocol as module

    protocol: Any = module
    found: Observation = []
    for key in (KEY, b"", b"key", None):
        for pieces in ([b"", b"x", bytes(range(256)) * 3], [b"abc", b"def"]):
            masker = outcome(protocol.create_xor_masker, key, 9)
            if issubclass(masker[0], Exception):
                found.append(masker)
                continue
            for piece in pieces:
                found.append((outcome(masker[1].process, piece), outcome(masker[1].pointer)))
            found.append((outcome(masker[1].reset), outcome(masker[1].process, b"again")))
    texts = (
        TEXT.encode(), b"ascii" * 99, b"", b"good \xff bad", TEXT.encode()[:-2] + b"\xc0\xaf",
        b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
    )  # fmt: skip
    found += validations(protocol.Utf8Validator, texts)
    txaio, protocol.txaio = protocol.txaio, Nothing()
    try:
        for stream in streams(KEY, deflate=False):
            found += [received(protocol, pieces) for pieces in list(cut(stream))[::5]]
    finally:
        protocol.txaio = txaio
    return found


def received(protocol: Any, pieces: Iterable[bytes]) -> Observation:
    """What an application that echoes receives from a client that sends these bytes, what goes
    out, and the connection's counters."""
    found: Observation = []

    class Echo(protocol.WebSocketServerProtocol):  # type: ignore[misc]
        log = Nothing()
        peer = "client"

        def fire(self, *arguments: Any, **options: Any) -> Any:
            """Nobody listens."""

        def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803
            found.append((payload, isBinary, self.inside_message, self.trafficStats.__json__()))
            self.sendMessage(payload, isBinary)

        def _closeConnection(self, abort: bool = False) -> None:  # noqa: N802
            found.append(("close", abort))

        def unregisterProducer(self) -> None:  # noqa: N802
            """There is none."""

    # As asyncio's and Twisted's adapters have them.
    for name in ("Message", "MessageBegin", "MessageFrameBegin", "MessageFrameData",
                 "MessageFrameEnd", "MessageFrame", "MessageEnd", "Ping", "Pong"):  # fmt: skip
        setattr(Echo, f"_on{name}", getattr(Echo, f"on{name}"))

    class Factory(protocol.WebSocketServerFactory):  # type: ignore[misc]
        log = Nothing()

    connection = Echo()
    connection.factory = Factory()
    connection.factory.setProtocolOptions(openHandshakeTimeout=0, closeHandshakeTimeout=0)
    connection.transport = transport = Transport()
    protocol.WebSocketProtocol._connectionMade(connection)
    connection.websocket_version = 13
    connection.state = connection.STATE_OPEN
    connection.current_frame, connection.inside_message = None, False
    connection.__dict__[DECIDED] = tally(
        "autobahn", "server"
    )  # its methods are like those of the adapters
    state = random.getstate()
    try:
        for piece in pieces:
            found.append(outcome(connection._dataReceived, piece))
            found.append((connection.state, connection.data, connection.utf8validateLast
                          if hasattr(connection, "utf8validateLast") else None))  # fmt: skip
    finally:
        random.setstate(state)
    return [*found, bytes(transport.written), connection.trafficStats.__json__()]
