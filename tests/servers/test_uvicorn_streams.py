"""uvicorn and WebSockets over HTTP/2: fastframe is never the reason of a 501."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("wsproto")
pytest.importorskip("h2")

import fastframe
from fastframe._targets.replaced import Replaced
from fastframe.deflate import Deflate
from fastframe.uvicorn import WSProtocol, streams
from tests.servers import uvicorn_streams
from tests.servers.in_uvicorn import ALL, OURS, Recorder, Server, serving
from tests.servers.over_http_2 import WINDOW, Http2Client, Http2WebSocket
from tests.servers.programs import MESSAGES, STATUS, free_port, running
from tests.servers.uvicorn_streams import ZttpH2Protocol, by_class, by_setting
from tests.servers.uvicorn_with_streams import MODULES


class Frugal(WSProtocol):
    max_message_size = 1000
    deflate = None


@pytest.fixture(params=[by_class, by_setting], ids=lambda rule: rule.__name__)
def uvicorn_with_streams(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    monkeypatch.setattr(ZttpH2Protocol, "serves", staticmethod(request.param))
    for name in MODULES:
        monkeypatch.setitem(sys.modules, name, uvicorn_streams)
    monkeypatch.setattr(streams, "_replaced", Replaced("uvicorn"))
    streams._put_wsproto_on_fastframe.cache_clear()
    yield
    streams._replaced.put_back()
    fastframe.uninstall("wsproto", "uvicorn")


async def on_a_stream(
    server: Server, talk: Callable[[Http2WebSocket], Any], deflate: Deflate | None = None
) -> Any:
    """What `talk` returns, in a thread of its own: the client waits for the server."""

    def connect() -> Any:
        client = Http2Client(server.port)
        try:
            return talk(client.websocket(deflate))
        finally:
            client.close()

    return await asyncio.to_thread(connect)


def echoed(websocket: Http2WebSocket) -> str:
    """The status of the answer; if it is 200, after an exchange of all kinds."""
    if websocket.status == "200":
        encoder = websocket.encoder
        for message in [*MESSAGES[:6], bytes(3 * WINDOW)]:
            websocket.send(encoder.message(message))
            assert websocket.message() == message
        websocket.send(encoder.ping(b"payload") + encoder.close(4000, "enough"))
        assert websocket.message() == fastframe.Pong(b"payload")
        assert websocket.message() == fastframe.Close(4000, "enough")
        assert websocket.until_ended() == "end"
    return websocket.status


@pytest.mark.usefixtures("uvicorn_with_streams")
@pytest.mark.parametrize("ws", [OURS, Frugal, "none"])
async def test_without_the_hand_over_it_is_a_501(ws: Any) -> None:
    async with serving(Recorder(), ws, http=ZttpH2Protocol) as server:
        assert await on_a_stream(server, echoed) == "501"


@pytest.mark.usefixtures("uvicorn_with_streams")
@pytest.mark.parametrize("deflate", [None, Deflate()], ids=["plain", "deflate"])
@pytest.mark.parametrize("ws", [OURS, functools.partial(WSProtocol), "auto", "wsproto"])
async def test_uvicorns_class_serves_it_with_wsproto_on_fastframe(
    ws: Any, deflate: Deflate | None, caplog: pytest.LogCaptureFixture
) -> None:
    streams.hand_over_streams(WSProtocol)
    if ws == "auto":
        fastframe.install("uvicorn")
    if ws == "wsproto":  # fastframe has nothing to do with that
        fastframe.install("wsproto")
    before = fastframe.status()["wsproto"].connections
    app = Recorder()
    with caplog.at_level("INFO", "uvicorn.error"):
        async with serving(app, ws, http=ZttpH2Protocol) as server:
            assert await on_a_stream(server, echoed, deflate) == "200"
            assert await on_a_stream(server, echoed, deflate) == "200"
            await server.idle()
    status = fastframe.status()["wsproto"]
    assert (status.active, status.connections - before) == (True, 2)
    assert app.disconnect == {"type": "websocket.disconnect", "code": 4000, "reason": "enough"}
    said = caplog.text.count("WebSockets over HTTP/2 run on wsproto, and that on fastframe")
    assert said == (ws != "wsproto")


@pytest.mark.usefixtures("uvicorn_with_streams")
async def test_connections_over_http_1_keep_fastframes_class() -> None:
    streams.hand_over_streams(WSProtocol)
    async with serving(Recorder(), http=ZttpH2Protocol) as server:
        assert await on_a_stream(server, echoed) == "200"
    for ws in ALL:
        async with serving(Recorder(), ws) as server, server.connect() as client:
            await client.send("hello")
            assert await client.recv() == "hello"
            (connection,) = server.state.connections
            assert isinstance(connection, WSProtocol) is (ws == OURS)


@pytest.mark.usefixtures("uvicorn_with_streams")
@pytest.mark.parametrize("ws", ["none", "websockets-sansio"])
async def test_other_classes_are_none_of_our_business(ws: str, request: Any) -> None:
    streams.hand_over_streams(WSProtocol)
    async with serving(Recorder(), ws, http=ZttpH2Protocol) as server:
        assert await on_a_stream(server, echoed) == "501"
    assert not fastframe.status()["wsproto"].active


def refused(websocket: Http2WebSocket) -> Any:
    assert websocket.status == "200"
    websocket.send(websocket.encoder.message(bytes(1000)))
    assert websocket.message() == bytes(1000)
    websocket.send(websocket.encoder.message(bytes(1001)))
    return websocket.deflate, websocket.message().code


@pytest.mark.usefixtures("uvicorn_with_streams")
@pytest.mark.parametrize("by", ["a subclass", "options of install", "uvicorn's settings"])
async def test_limits(by: str) -> None:
    streams.hand_over_streams(WSProtocol)
    settings: dict[str, Any] = {}
    if by == "options of install":
        fastframe.install("uvicorn", max_message_size=1000, deflate=False)
    elif by == "uvicorn's settings":
        settings = {"ws_max_size": 1000, "ws_per_message_deflate": False}
    ws: Any = Frugal if by == "a subclass" else OURS
    async with serving(Recorder(), ws, http=ZttpH2Protocol, **settings) as server:
        assert await on_a_stream(server, refused, Deflate()) == (False, 1009)


@pytest.mark.usefixtures("uvicorn_with_streams")
async def test_the_kill_switch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTFRAME_DISABLE", "1")
    streams.hand_over_streams(WSProtocol)
    async with serving(Recorder(), http=ZttpH2Protocol) as server:
        assert await on_a_stream(server, echoed) == "200"
    assert not fastframe.status()["wsproto"].active


@pytest.mark.usefixtures("uvicorn_with_streams")
async def test_a_wsproto_that_has_changed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def install(*targets: str) -> None:
        raise fastframe.InstallError("it has changed")

    monkeypatch.setattr(streams, "install", install)
    streams.hand_over_streams(WSProtocol)
    async with serving(Recorder(), http=ZttpH2Protocol) as server:
        assert await on_a_stream(server, echoed) == "200"
    assert "WebSockets over HTTP/2 run on wsproto alone: it has changed" in caplog.text


@pytest.mark.usefixtures("uvicorn_with_streams")
async def test_options_and_decisions_of_the_program_stay() -> None:
    streams.hand_over_streams(WSProtocol)
    fastframe.install("wsproto", max_message_size=1000)
    async with serving(Recorder(), http=ZttpH2Protocol) as server:
        with pytest.raises(EOFError):  # as after any broken rule that wsproto finds
            await on_a_stream(server, refused)
        fastframe.uninstall("wsproto")
        assert await on_a_stream(server, echoed) == "200"
    assert not fastframe.status()["wsproto"].active


# ---- what is there -------------------------------------------------------------------------------


def module(**names: Any) -> ModuleType:
    found = ModuleType("stand-in")
    vars(found).update(names)
    return found


class MadeOtherwise:
    def __init__(self, transport: Any, config: Any) -> None: ...


@pytest.mark.usefixtures("uvicorn_with_streams")
@pytest.mark.parametrize(
    ("name", "there"),
    [
        (streams.SERVES_STREAMS, None),  # None: the import fails
        (streams.HTTP_2, None),
        (streams.HTTP_2, module()),
        (streams.HTTP_2, module(ZttpH2Protocol=type("WithoutInit", (), {}))),
        (streams.HTTP_2, module(ZttpH2Protocol=MadeOtherwise)),
    ],
)
def test_another_uvicorn_is_left_alone(
    name: str, there: ModuleType | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = vars(ZttpH2Protocol)["__init__"], MadeOtherwise.__init__
    monkeypatch.setitem(sys.modules, name, there)  # type: ignore[arg-type]
    streams.hand_over_streams(WSProtocol)
    assert (vars(ZttpH2Protocol)["__init__"], MadeOtherwise.__init__) == original


@pytest.mark.usefixtures("uvicorn_with_streams")
def test_it_is_put_in_place_once() -> None:
    original = vars(ZttpH2Protocol)["__init__"]
    streams.hand_over_streams(WSProtocol)
    streams.hand_over_streams(WSProtocol)
    assert vars(ZttpH2Protocol)["__init__"].__wrapped__ is original


@pytest.mark.usefixtures("uvicorn_with_streams")
def test_settings_that_nobody_has_loaded_yet() -> None:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

    async def main() -> Any:
        config = Config(Recorder(), ws=OURS, log_config=None)
        return ZttpH2Protocol(config, ServerState(), {}).config

    streams.hand_over_streams(WSProtocol)
    seen = asyncio.run(main())
    assert seen.loaded
    assert (seen.ws, seen.ws_max_size, seen.root_path) == ("wsproto", 2**24, "")


# ---- as a program --------------------------------------------------------------------------------


@pytest.mark.programs
@pytest.mark.skipif(os.name == "nt", reason="the server is ended with a signal")
@pytest.mark.parametrize("how", ["by name", "fastframe run"])
def test_as_a_program(how: str) -> None:
    port = free_port()
    command = ["-m", "tests.servers.uvicorn_with_streams", "--port", str(port)]
    if how == "by name":
        command += ["--ws", OURS]
    else:
        command = ["-m", "fastframe", "run", "-v", *command]
    with running(*command, "tests.servers.echo_asgi:app", port=port) as program:
        client = Http2Client(port)
        for deflate in (None, Deflate()):
            websocket = client.websocket(deflate)
            websocket.send(websocket.encoder.message(STATUS))
            assert json.loads(websocket.message()) == {"wsproto": True}
            assert echoed(websocket) == "200"
        client.close()
        program.process.send_signal(signal.SIGTERM)
        program.process.wait(20)
        output = program.output()
    assert "WebSockets over HTTP/2 run on wsproto, and that on fastframe" in output
    assert ("connections that ran on fastframe: wsproto 2" in output) is (how != "by name")
    assert "Traceback" not in output
