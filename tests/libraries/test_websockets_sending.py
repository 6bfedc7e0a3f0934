"""What a Protocol of websockets sends by itself, alone and on fastframe: uvicorn's default class,
sanic and the connections of threads use it so."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("websockets.asyncio.connection", reason="websockets is not installed")

from websockets.protocol import CLIENT, SERVER, Protocol, State

import fastframe
from fastframe._targets.target import target
from tests.helpers import outcome

try:
    target("websockets").check()
except ImportError as error:
    pytest.skip(str(error), allow_module_level=True)


def sent(side: Any, **changes: Any) -> list[Any]:
    """What send_text and send_binary raise and write, of anything, in any state."""
    found: list[Any] = []
    for state in State:
        for more in ({}, {"expect_continuation_frame": True}, {"debug": True}):
            protocol = Protocol(side)
            protocol.state = state
            for name, value in {**changes, **more}.items():
                setattr(protocol, name, value)
            for data in (b"", b"x" * 125, b"y" * 126, b"z" * 65_536, bytearray(b"a"),
                         memoryview(b"v"), "text", None, 5):  # fmt: skip
                for method, *options in (
                    ("send_text",), ("send_binary",), ("send_text", True), ("send_binary", False),
                    ("send_continuation", b"c", True), ("send_text", 1),
                ):  # fmt: skip
                    arguments = options if method == "send_continuation" else (data, *options)
                    found.append(outcome(getattr(protocol, method), *arguments))
                    found.append(protocol.expect_continuation_frame)
            found.append([unmasked(frame) for frame in protocol.data_to_send()])
    return found


def unmasked(frame: bytes) -> Any:
    """A frame without its masking key, which nobody can know."""
    if len(frame) < 2 or not frame[1] & 0x80:
        return frame
    decoder = fastframe.Decoder(fastframe.Role.SERVER, max_message_size=1 << 20)
    try:
        return frame[:2], list(decoder.feed(frame))
    except fastframe.ProtocolError as error:
        return frame[:2], str(error)


@pytest.mark.parametrize("side", [SERVER, CLIENT])
def test_messages_of_a_protocol(side: Any) -> None:
    alone = sent(side)
    with fastframe.installed("websockets"):
        assert sent(side) == alone


def test_messages_of_a_protocol_that_looks_inside() -> None:
    class Own(Protocol):
        def send_frame(self, frame: Any) -> None:
            frames.append(frame)
            super().send_frame(frame)

    frames: list[Any] = []
    with fastframe.installed("websockets"):
        protocol = Own(SERVER)
        protocol.send_text(b"x")
        protocol.send_binary(b"y")
        assert protocol.data_to_send() == [b"\x81\x01x", b"\x82\x01y"]
    assert [frame.data for frame in frames] == [b"x", b"y"]


def test_messages_of_a_protocol_are_made_here() -> None:
    frames = target("websockets")._frames  # type: ignore[attr-defined]
    with fastframe.installed("websockets"):
        protocol = Protocol(SERVER)
        assert frames.send_data(protocol, b"x", True, True)
        assert not frames.send_data(protocol, b"x", False, True)
        assert not frames.send_data(protocol, "x", True, True)
        assert protocol.data_to_send() == [b"\x81\x01x"]
