"""Each server and each client that stands on wsproto, as its users start it, on fastframe."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from typing import Any

import pytest

pytest.importorskip("wsproto")

import fastframe
from tests.servers.programs import MESSAGES, NO_PROXY, exchange, free_port, running

pytestmark = [
    pytest.mark.programs,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.skipif(os.name == "nt", reason="the servers are ended with signals"),
]

RUN = ("-m", "fastframe", "run", "-v")
APP = "tests.servers.echo_asgi:app"
ON_WSPROTO = {"wsproto": True}


def exchange_both(port: int, *, deflate: bool = True) -> Any:
    status = exchange(f"ws://127.0.0.1:{port}/")
    if deflate:
        assert exchange(f"ws://127.0.0.1:{port}/", "deflate") == status
    return status


# ---- servers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2])
def test_hypercorn(workers: int) -> None:
    pytest.importorskip("hypercorn")
    port = free_port()
    with running(
        *RUN, "-m", "hypercorn", "--bind", f"127.0.0.1:{port}", "-w", str(workers), APP, port=port
    ) as program:
        assert exchange_both(port) == ON_WSPROTO
        program.process.send_signal(signal.SIGTERM)
        program.process.wait(20)
        assert re.search(
            r"fastframe: wsproto [\d.]+ runs on fastframe, kernel \w+ \(process \d+\)",
            program.output(),
        )
        assert "Traceback" not in program.output()


def test_uvicorn_with_ws_wsproto() -> None:
    pytest.importorskip("uvicorn")
    port = free_port()
    with running(
        *RUN, "-m", "uvicorn", "--ws", "wsproto", "--port", str(port), APP, port=port
    ) as program:
        assert exchange_both(port)["wsproto"] is True
        assert "Traceback" not in program.output()


def test_uvicorn_with_our_class_and_workers() -> None:
    pytest.importorskip("uvicorn")
    port = free_port()
    command = [
        "-m",
        "uvicorn",
        "--ws",
        "fastframe.uvicorn:WSProtocol",
        "--workers",
        "2",
        "--port",
        str(port),
        APP,
    ]
    with running(*command, port=port) as program:
        assert exchange_both(port) == {"uvicorn": True}
        program.process.send_signal(signal.SIGTERM)
        program.process.wait(20)
        assert "WebSockets run on fastframe" in program.output()
        assert "Traceback" not in program.output()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_uvicorn_as_it_is(workers: str) -> None:
    """Its default, --ws auto, becomes fastframe's class."""
    pytest.importorskip("uvicorn")
    port = free_port()
    with running(
        *RUN, "-m", "uvicorn", "--workers", workers, "--port", str(port), APP, port=port
    ) as program:
        assert exchange_both(port) == {"uvicorn": True}
        assert "Traceback" not in program.output()


def test_uvicorn_with_uvloop() -> None:
    pytest.importorskip("uvicorn")
    pytest.importorskip("uvloop")
    port = free_port()
    command = [
        "-m",
        "uvicorn",
        "--ws",
        "fastframe.uvicorn:WSProtocol",
        "--loop",
        "uvloop",
        "--port",
        str(port),
        APP,
    ]
    with running(*command, port=port) as program:
        assert exchange_both(port) == {"uvicorn": True}
        assert "Traceback" not in program.output()


def test_twisted() -> None:
    pytest.importorskip("twisted.web.websocket", reason="twisted 26 and later")
    port = free_port()
    with running("-m", "tests.servers.echo_twisted", str(port), port=port) as program:
        assert exchange_both(port, deflate=False) == ON_WSPROTO
        assert "Traceback" not in program.output()


def test_simple_websocket_as_a_server() -> None:
    pytest.importorskip("simple_websocket")
    port = free_port()
    with running("-m", "tests.servers.echo_simple_websocket", str(port), port=port) as program:
        assert exchange_both(port) == ON_WSPROTO
        assert "Traceback" not in program.output()


def test_trio_websocket() -> None:
    """Both ends at once: the server's events and the client's come from the same class."""
    trio = pytest.importorskip("trio")
    trio_websocket = pytest.importorskip("trio_websocket")

    async def echo(request: Any) -> None:
        connection = await request.accept()
        try:
            while True:
                await connection.send_message(await connection.get_message())
        except trio_websocket.ConnectionClosed as closed:
            reasons.append((closed.reason.code, closed.reason.reason))

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            server = await nursery.start(trio_websocket.serve_websocket, echo, "127.0.0.1", 0, None)
            url = f"ws://127.0.0.1:{server.port}/"
            async with trio_websocket.open_websocket_url(url, max_message_size=2**24) as connection:
                assert connection._wsproto.connection._proto.__class__.__module__.startswith(
                    "fastframe"
                )
                for message in MESSAGES:
                    if len(message) < 2**20:
                        await connection.send_message(message)
                        assert await connection.get_message() == message
                await connection.ping(b"payload")
                await connection.aclose(4000, "enough")
            assert await trio.to_thread.run_sync(exchange_only_small, server.port) is None
            nursery.cancel_scope.cancel()

    reasons: list[tuple[int, str]] = []
    with fastframe.installed("wsproto"):
        assert fastframe.status()["wsproto"].active
        trio.run(main)
    assert reasons[0] == (4000, "enough")


def exchange_only_small(port: int) -> None:
    from websockets.sync.client import connect

    with connect(f"ws://127.0.0.1:{port}/", compression="deflate", **NO_PROXY) as client:
        for message in MESSAGES[:5]:
            client.send(message)
            assert client.recv(20) == message


# ---- clients, talking to uvicorn's default, without fastframe ------------------------------------


@pytest.fixture(scope="module")
def peer() -> Any:
    pytest.importorskip("uvicorn")
    port = free_port()
    command = ["-m", "uvicorn", "--ws", "websockets-sansio", "--port", str(port), APP]
    with running(*command, port=port):
        yield f"ws://127.0.0.1:{port}/"


@pytest.fixture
def on_fastframe() -> Any:
    with fastframe.installed("wsproto"):
        assert fastframe.status()["wsproto"].active
        yield


@pytest.mark.usefixtures("on_fastframe")
def test_httpx_ws(peer: str) -> None:
    httpx_ws = pytest.importorskip("httpx_ws")
    with httpx_ws.connect_ws(peer, max_message_size_bytes=2**24) as client:
        for message in MESSAGES:
            (client.send_text if isinstance(message, str) else client.send_bytes)(message)
            assert (client.receive_text if isinstance(message, str) else client.receive_bytes)(
                20
            ) == message
        assert client.ping(b"payload").wait(10)
        client.close(4000, "enough")


@pytest.mark.usefixtures("on_fastframe")
def test_httpx_ws_async(peer: str) -> None:
    httpx_ws = pytest.importorskip("httpx_ws")

    async def main() -> None:
        async with httpx_ws.aconnect_ws(peer, max_message_size_bytes=2**24) as client:
            for message in MESSAGES:
                await (client.send_text if isinstance(message, str) else client.send_bytes)(message)
                assert (
                    await (
                        client.receive_text if isinstance(message, str) else client.receive_bytes
                    )(20)
                    == message
                )
            await asyncio.wait_for((await client.ping(b"payload")).wait(), 10)
            await client.close(4000, "enough")

    asyncio.run(main())


@pytest.mark.usefixtures("on_fastframe")
def test_simple_websocket_as_a_client(peer: str) -> None:
    simple_websocket = pytest.importorskip("simple_websocket")
    client = simple_websocket.Client(peer, receive_bytes=65536)
    for message in MESSAGES[:6]:
        client.send(message)
        assert client.receive(20) == message
    client.close(4000, "enough")
