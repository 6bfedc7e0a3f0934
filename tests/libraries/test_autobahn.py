"""autobahn alone and on fastframe: the same for any stream of frames, and as a server, with and
without compression."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Iterable
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("autobahn.websocket.protocol", reason="autobahn is not installed")

from autobahn.asyncio.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket import protocol

import fastframe
from fastframe.autobahn import functions
from tests.helpers import outcome
from tests.servers.programs import MESSAGES, exchange, free_port, running
from tests.strategies import sessions

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.mark.parametrize("mask", [b"", b"key", b"keys!", bytearray(b"key!"), None])
def test_unusual_masks(mask: Any) -> None:
    def process(mask: Any) -> Any:
        return protocol.create_xor_masker(mask, 3).process(b"abc")

    alone = outcome(process, mask)
    with fastframe.installed("autobahn"):
        assert outcome(process, mask) == alone


def test_a_mask_of_four_bytes_is_ours() -> None:
    with fastframe.installed("autobahn"):
        assert type(protocol.create_xor_masker(b"key!")) is functions.XorMasker
        assert protocol.create_xor_masker(b"key!", 1000).process(bytes(8)) == b"key!key!"
    assert type(protocol.create_xor_masker(b"key!")) is not functions.XorMasker


REQUEST = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class FakeTransport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written = bytearray()
        self.closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed


def served(pieces: Iterable[bytes], drops: bool) -> list[object]:
    """What an echo server receives from a client that sends these bytes, and what goes on the
    wire."""
    found: list[object] = []

    class Echo(WebSocketServerProtocol):  # type: ignore[misc]
        def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803 (autobahn's names)
            found.append((payload, isBinary))
            self.sendMessage(payload, isBinary)

        def onClose(self, wasClean: bool, code: int, reason: str) -> None:  # noqa: N802, N803
            found.append((wasClean, code, reason))

    async def serve() -> None:
        factory = WebSocketServerFactory()
        factory.protocol = Echo
        factory.setProtocolOptions(
            failByDrop=drops,
            maxMessagePayloadSize=5000,
            openHandshakeTimeout=0,
            closeHandshakeTimeout=0,
        )
        connection, transport = factory(), FakeTransport()
        connection.connection_made(transport)
        for data in chain([REQUEST], pieces):
            connection.data_received(data)
            for _ in range(3):
                await asyncio.sleep(0)
        connection.connection_lost(None)
        await asyncio.sleep(0)
        found.append((bytes(transport.written), transport.closed))

    asyncio.run(serve())
    return found


def test_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams that follow the rules and that do not, cut anywhere; with the index of the wrong byte
    in the reason of the Close."""
    masked: list[int] = []

    class Counting(functions.XorMasker):
        def process(self, data: Any) -> bytes:
            masked.append(len(data))
            return super().process(data)

    monkeypatch.setattr(functions, "XorMasker", Counting)

    @given(sessions(extensions=False), st.booleans())
    def check(session: Any, drops: bool) -> None:
        alone = served(session.pieces, drops)
        with fastframe.installed("autobahn"):
            assert served(session.pieces, drops) == alone

    check()
    assert masked, "fastframe was entered"


@pytest.mark.programs
@pytest.mark.parametrize("run", [["-m", "fastframe", "run", "-v"], []])
def test_a_real_server(run: list[str]) -> None:
    port = free_port()
    with running(*run, "-m", "tests.libraries.echo_autobahn", str(port), port=port) as program:
        for compression in (None, "deflate"):
            assert exchange(f"ws://127.0.0.1:{port}/", compression) == (
                {"autobahn": True} if run else {}
            )
        assert ("runs on fastframe" in program.output()) is bool(run)
        assert "Traceback" not in program.output()


@pytest.mark.programs
@pytest.mark.skipif(importlib.util.find_spec("daphne") is None, reason="daphne is not installed")
@pytest.mark.parametrize("run", [["-m", "fastframe", "run", "-v"], []])
def test_daphne(run: list[str]) -> None:
    """It sends no empty messages, and takes none of a mebibyte."""
    port = free_port()
    with running(
        *run, "-m", "daphne", "-p", str(port), "tests.servers.echo_asgi:app", port=port
    ) as program:
        status = exchange(
            f"ws://127.0.0.1:{port}/",
            answer=1000,
            messages=[x for x in MESSAGES if 0 < len(x) < 100_000],
        )
        assert status == ({"autobahn": True} if run else {})
        assert "Traceback" not in program.output()
