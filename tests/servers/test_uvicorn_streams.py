"""uvicorn and WebSockets over HTTP/2: fastframe is never the reason of a 501."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import signal
import sys
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("wsproto")
pytest.importorskip("h2")

import fastframe
from fastframe.deflate import Deflate
from fastframe.uvicorn import WSProtocol, stream_protocol, streams
from tests.servers.in_uvicorn import ALL, OURS, Recorder, serving
from tests.servers.on_streams import echoed, on_a_stream
from tests.servers.over_http_2 import Http2Client, Http2WebSocket
from tests.servers.programs import STATUS, free_port, running
from tests.servers.uvicorn_http_2 import ZttpH2Protocol


class Frugal(WSProtocol):
    max_message_size = 1000
    deflate = None


@pytest.fixture
def another_use(uvicorn_with_streams: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A uvicorn that uses its class in ways that are not known yet."""
    monkeypatch.setattr(stream_protocol, "USED", stream_protocol.USED - {"data_received"})


@pytest.mark.usefixtures("uvicorn_with_streams")
@pytest.mark.parametrize("ws", [OURS, Frugal, "none"])
async def test_without_the_hand_over_it_is_a_501(ws: Any) -> None:
    async with serving(Recorder(), ws, http=ZttpH2Protocol) as server:
        assert await on_a_stream(server, echoed) == "501"


@pytest.mark.usefixtures("another_use")
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


@pytest.mark.usefixtures("another_use")
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


@pytest.mark.usefixtures("another_use")
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


@pytest.mark.usefixtures("another_use")
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


@pytest.mark.usefixtures("another_use")
async def test_the_kill_switch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTFRAME_DISABLE", "1")
    streams.hand_over_streams(WSProtocol)
    async with serving(Recorder(), http=ZttpH2Protocol) as server:
        assert await on_a_stream(server, echoed) == "200"
    assert not fastframe.status()["wsproto"].active


@pytest.mark.usefixtures("another_use")
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


@pytest.mark.usefixtures("another_use")
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
            assert json.loads(websocket.message()) == {"uvicorn": True}
            assert echoed(websocket) == "200"
        client.close()
        program.process.send_signal(signal.SIGTERM)
        program.process.wait(20)
        output = program.output()
    assert ("on fastframe: wsproto 0, uvicorn 2" in output) is (how != "by name")
    assert "Traceback" not in output
