"""gunicorn's own ASGI worker alone and on fastframe: the same for any stream of frames, and as a
server."""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip(
    "gunicorn.asgi.websocket", reason="gunicorn with an ASGI worker of its own is not installed"
)

from gunicorn.asgi.websocket import WebSocketProtocol

import fastframe
from fastframe.gunicorn import functions
from fastframe.gunicorn.observations import connected, ended, said
from tests.helpers import Counted, outcome
from tests.servers.programs import exchange, free_port, running
from tests.strategies import frame, sessions


class FakeTransport:
    def __init__(self) -> None:
        self.written = bytearray()

    def write(self, data: bytes) -> None:
        self.written += data

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def close(self) -> None:
        pass


def served(pieces: Iterable[bytes]) -> list[object]:
    """What an application receives from a client that sends these bytes, and what goes out."""
    found: list[object] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (event := await receive())["type"] == "websocket.receive":
            found.append(event)
            await send({"type": "websocket.send", **said(event)})
        found.append(event)

    async def serve() -> None:
        transport = FakeTransport()
        scope = {
            "type": "websocket",
            "headers": [(b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ==")],
        }
        protocol, reader = connected(
            WebSocketProtocol, transport, scope, app, logging.getLogger("tests")
        )
        task = asyncio.create_task(protocol.run())
        for piece in pieces:
            reader.feed_data(piece)
            await asyncio.sleep(0)
        reader.feed_eof()
        found.append(await ended(protocol, task))
        found.append(bytes(transport.written))

    asyncio.run(serve())
    return found


def test_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams that follow the rules and that do not, cut anywhere."""
    counted = Counted(monkeypatch, functions, "apply_mask")

    @given(sessions(extensions=False))
    def check(session: Any) -> None:
        alone = served(session.pieces)
        with fastframe.installed("gunicorn"):
            assert served(session.pieces) == alone

    check()
    assert counted.calls > 0, "fastframe was entered"


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_sizes(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(monkeypatch, functions, "apply_mask")
    payload = random.Random(size).randbytes(size)
    with fastframe.installed("gunicorn"):
        received = served([frame(2, payload, key=b"key!")])
    assert received[0] == {"type": "websocket.receive", "bytes": payload}
    assert counted.calls == (1 if size else 0)


@given(st.binary(max_size=40), st.binary(max_size=6))
def test_the_method_itself(payload: bytes, key: bytes) -> None:
    """Also for keys that the wire cannot have."""

    for kind in (bytes, bytearray, memoryview):
        alone = outcome(WebSocketProtocol._unmask, None, kind(payload), key)
        with fastframe.installed("gunicorn"):
            assert outcome(WebSocketProtocol._unmask, None, kind(payload), key) == alone


# ---- as a server ----


@pytest.mark.programs
@pytest.mark.skipif(os.name == "nt", reason="gunicorn does not run there")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("run", [["-m", "fastframe", "run", "-v"], []])
def test_a_real_server(run: list[str]) -> None:
    port = free_port()
    command = [
        *run,
        "-m",
        "gunicorn",
        "-k",
        "asgi",
        "-w",
        "2",
        "--graceful-timeout",
        "2",
        "-b",
        f"127.0.0.1:{port}",
        "tests.servers.echo_asgi:app",
    ]
    with running(*command, port=port) as program:
        assert exchange(f"ws://127.0.0.1:{port}/") == ({"gunicorn": True} if run else {})
        assert ("runs on fastframe" in program.output()) is bool(run)
        assert "Traceback" not in program.output()
