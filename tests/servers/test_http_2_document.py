"""The server of docs/howto/http2.md, over loopback."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("h2")

import fastframe
from fastframe.deflate import Deflate
from tests.helpers import ROOT
from tests.servers.over_http_2 import WINDOW, Http2Client
from tests.servers.programs import MESSAGES

PAGE = ROOT / "docs/howto/http2.md"


async def with_a_client(talk: Callable[[Http2Client], None]) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(program, names)
    server = await asyncio.get_running_loop().create_server(names["Server"], "127.0.0.1", 0)

    def connect() -> None:
        client = Http2Client(server.sockets[0].getsockname()[1])
        try:
            talk(client)
        finally:
            client.close()

    async with server:
        await asyncio.to_thread(connect)


@pytest.mark.parametrize("deflate", [None, Deflate()], ids=["plain", "deflate"])
async def test_exchange(deflate: Deflate | None) -> None:
    def talk(client: Http2Client) -> None:
        websocket = client.websocket(deflate)
        assert (websocket.status, websocket.deflate) == ("200", deflate is not None)
        for message in MESSAGES:
            websocket.send(websocket.encoder.message(message))
            assert websocket.message() == message
        assert websocket.waits > 0
        websocket.send(websocket.encoder.ping(b"payload") + websocket.encoder.close(4000))
        assert websocket.message() == fastframe.Pong(b"payload")
        assert websocket.message() == fastframe.Close(4000)
        assert websocket.until_ended() == "end"

    await with_a_client(talk)


async def test_a_peer_that_does_not_read_stops_itself_alone() -> None:
    def talk(client: Http2Client) -> None:
        slow, other = client.websocket(), client.websocket()
        slow.reads = False
        large = bytes(3 * WINDOW)
        slow.send(slow.encoder.message(large))
        while slow.uncredited < WINDOW:
            client.receive()
        for number in range(20):
            other.send(other.encoder.message(str(number)))
            assert other.message() == str(number)
        slow.read_on()
        assert slow.message() == large

    await with_a_client(talk)


@pytest.mark.parametrize("end", ["a broken rule", "the end of the stream", "a reset"])
async def test_what_ends_one_does_not_end_the_other(end: str) -> None:
    def talk(client: Http2Client) -> None:
        first, other = client.websocket(), client.websocket()
        if end == "a broken rule":
            first.send(b"\x83\x80abcd")  # an opcode that does not exist
            assert first.message().code == 1002
            assert first.until_ended() == "end"
            first.send(bytes(1000))  # it has not seen that yet
        elif end == "the end of the stream":
            first.send(b"", last=True)
            assert first.until_ended() == "end"
        else:
            client.http.reset_stream(first.stream)
            client.flush()
        other.send(other.encoder.message("still here"))
        assert other.message() == "still here"

    await with_a_client(talk)


async def test_the_last_of_it_in_one_piece() -> None:
    """The answers to what a client sends before it ends the stream at once."""

    def talk(client: Http2Client) -> None:
        websocket = client.websocket()
        frames = websocket.encoder.message("last") + websocket.encoder.close(1000)
        client.http.send_data(websocket.stream, frames, end_stream=True)
        client.flush()
        assert [websocket.message(), websocket.message()] == ["last", fastframe.Close(1000)]
        assert websocket.until_ended() == "end"

    await with_a_client(talk)


async def test_no_websocket() -> None:
    def talk(client: Http2Client) -> None:
        assert client.websocket(**{":protocol": "other"}).status == "400"
        assert client.websocket(sec_websocket_version="12").status == "400"
        malformed = client.websocket(sec_websocket_extensions="permessage-deflate; =")
        assert malformed.status == "400"
        assert client.websocket().status == "200"

    await with_a_client(talk)
