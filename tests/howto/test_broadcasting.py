"""The room that docs/howto/broadcasting.md shows, under uvicorn."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("websockets")

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

from tests.howto.pages import blocks
from tests.servers.in_uvicorn import raw_client, serving

MESSAGES = [f"{number} {'x' * 2**16}" for number in range(300)]


@pytest.mark.parametrize("compression", [None, "deflate"])
async def test_a_member_who_does_not_read_keeps_nobody_waiting(compression: str | None) -> None:
    names: dict[str, Any] = {}
    exec("\n".join(blocks("broadcasting.md", "python")), names)
    room = names["room"]
    app: Any = Starlette(routes=[WebSocketRoute("/", names["member"])])
    async with (
        serving(app) as server,
        raw_client(server) as slow,
        server.connect(compression=compression) as first,
        server.connect(compression=compression) as second,
    ):
        await slow.handshake()
        while len(room.queues) < 3:
            await asyncio.sleep(0.005)
        slow.reader._transport.pause_reading()  # type: ignore[attr-defined]
        for message in MESSAGES:
            room.broadcast(message)
            assert await first.recv() == message
            assert await second.recv() == message
        assert len(room.queues) == 2
