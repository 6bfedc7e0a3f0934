"""docs/howto/limits.md: each limit does what the page says."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("websockets")

from websockets.exceptions import InvalidStatus

from fastframe import Close, Opcode
from tests.helpers import KEY, ROOT, deflated
from tests.howto.pages import blocks
from tests.servers.in_uvicorn import (
    App,
    Event,
    RawClient,
    Receive,
    Recorder,
    Send,
    Server,
    raw_client,
    serving,
)
from tests.strategies import frame

LIMIT = 2**16
OFFER = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"


def the_page() -> Any:
    names: dict[str, Any] = {}
    exec(blocks("limits.md", "python")[0], names)
    return names


@contextlib.asynccontextmanager
async def public(app: App | None = None, **changes: Any) -> AsyncIterator[Server]:
    """A server as the page configures it, for three connections."""
    names = the_page()
    guarded = names["Guard"](app or Recorder(), origins={"https://example.com"}, most=3)
    async with serving(guarded, **(names["SETTINGS"] | changes)) as server:
        yield server


async def close_after(client: RawClient, sent: bytes) -> Close:
    client.send(sent)
    close = await client.message()
    assert isinstance(close, Close)
    return close


async def test_the_largest_message() -> None:
    async with public() as server, raw_client(server) as client:
        await client.handshake()
        client.send(frame(Opcode.BINARY, bytes(LIMIT), key=KEY))
        assert await client.message() == bytes(LIMIT)
        header = frame(Opcode.BINARY, bytes(LIMIT + 1), key=KEY)[:14]  # no payload is needed
        assert (await close_after(client, header)).code == 1009


async def test_a_bomb() -> None:
    async with public() as server, raw_client(server) as client:
        assert b"permessage-deflate" in await client.handshake(OFFER)
        bomb = deflated(bytes(2**22))
        assert len(bomb) < LIMIT
        assert (await close_after(client, frame(Opcode.BINARY, bomb, rsv=4, key=KEY))).code == 1009


@pytest.mark.parametrize(("fragments", "allowed"), [(1000, True), (1001, False)])
async def test_fragments(fragments: int, allowed: bool) -> None:
    wire = frame(Opcode.BINARY, b"x", fin=False, key=KEY)
    wire += frame(Opcode.CONTINUATION, b"x", fin=False, key=KEY) * (fragments - 2)
    wire += frame(Opcode.CONTINUATION, b"x", key=KEY)
    async with public() as server, raw_client(server) as client:
        await client.handshake()
        client.send(wire)
        message = await client.message()
        assert message == b"x" * fragments if allowed else message.code == 1009


async def test_a_client_that_does_not_read() -> None:
    sent, ended = 0, asyncio.Event()

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        nonlocal sent
        await receive()
        await send({"type": "websocket.accept"})
        with contextlib.suppress(OSError):
            while True:
                await send({"type": "websocket.send", "bytes": bytes(2**20)})
                sent += 1
        ended.set()

    quick: Any = type("Quick", (the_page()["Public"],), {"close_timeout": 0.5})
    settings = {"ws": quick, "ws_ping_interval": 0.3, "ws_ping_timeout": 0.3}
    async with public(app, **settings) as server, raw_client(server) as client:
        await client.handshake()
        await asyncio.wait_for(ended.wait(), 20)
        await asyncio.wait_for(server.idle(), 20)
    assert sent < 100  # what the kernel's buffers take, and not what the application had to say


async def test_a_client_that_says_nothing() -> None:
    changes = {"ws_ping_interval": 0.2, "ws_ping_timeout": 0.2}
    async with public(**changes) as server, raw_client(server) as client:
        await client.handshake()
        await client.message()
        assert await client.message() == Close(1011, "keepalive ping timeout")


async def test_a_connection_without_a_request_stays() -> None:
    async with public(timeout_keep_alive=1) as server, raw_client(server) as client:
        await asyncio.sleep(2.5)
        assert (await client.handshake()).startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize(
    ("origin", "status"),
    [(None, b"101"), (b"https://example.com", b"101"), (b"https://example.org", b"403")],
)
async def test_origins(origin: bytes | None, status: bytes) -> None:
    headers = [] if origin is None else [b"Origin: " + origin]
    async with public() as server, raw_client(server) as client:
        assert (await client.handshake(*headers)).split()[1] == status


async def test_connections_of_a_process() -> None:
    async with public() as server:
        async with server.connect(), server.connect(), server.connect() as last:
            with pytest.raises(InvalidStatus, match="HTTP 503"):
                await server.connect()
            await last.send("still here")
            assert await last.recv() == "still here"
        await server.idle()
        async with server.connect():
            pass


async def test_limit_concurrency_does_not_count_websockets() -> None:
    async with public(limit_concurrency=1) as server, server.connect(), server.connect() as second:
        await second.send("served")
        assert await second.recv() == "served"


def test_the_figures_are_those_of_the_other_pages() -> None:
    page = (ROOT / "docs/howto/limits.md").read_text(encoding="utf-8")
    deflate = (ROOT / "docs/explanation/deflate.md").read_text(encoding="utf-8")
    for bits in ("15, 8", "12, 5", "9, 1"):
        found = re.search(rf"^\| {bits}.*?\| (\d+ KiB) \| (\d+ KiB) \|", deflate, re.MULTILINE)
        assert found
        assert f"| {found[1]} |" in page
        assert f"| {found[2]} between messages |" in page
    performance = (ROOT / "docs/explanation/performance.md").read_text(encoding="utf-8")
    row = re.search(
        r"^\| uvicorn, fastframe \| \d+ \| ([\d.]+) \| .*? \| \d+ \| ([\d.]+)", performance, re.M
    )
    assert row
    assert f"{row[1]} KiB without compression, {row[2]} KiB with" in page
    assert f"{round(10_000 * 47 / 1024)} MiB" in page
