"""What docs/howto/troubleshooting.md describes, each made to happen: the words that a user sees are
these."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="uvicorn is not installed")

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect as sync_connect

import fastframe
from fastframe import Close, Opcode, Ping
from tests.helpers import KEY, run_python
from tests.servers.in_uvicorn import ALL, OURS, Event, Receive, Recorder, Send, raw_client, serving
from tests.servers.programs import NO_PROXY, free_port, is_listening, running
from tests.strategies import frame

# ---- behind nginx ----

# nginx is not always on the path of those who may run it.
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")

HTTP_1_1 = "proxy_http_version 1.1; "
UPGRADE = f"{HTTP_1_1}proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection Upgrade; "


class Nginx:
    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port

    @property
    def log(self) -> str:
        return (self.folder / "error.log").read_text()

    def connect(self, **options: Any) -> connect:
        options = {"proxy": None, "ping_interval": None, **options}
        return connect(f"ws://127.0.0.1:{self.port}/", **options)


@contextlib.contextmanager
def nginx(folder: Path, server: int, settings: str) -> Iterator[Nginx]:
    """In front of the server on that port."""
    assert NGINX
    port = free_port()
    temporary = "".join(
        f"{name}_temp_path {folder}/{name}; "
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log info;\n"
        f"events {{}}\nhttp {{ access_log off; {temporary}\nserver {{ listen 127.0.0.1:{port};\n"
        f"location / {{ proxy_pass http://127.0.0.1:{server}; {settings} }} }} }}\n"
    )
    process = subprocess.Popen(
        [NGINX, "-p", str(folder), "-c", "nginx.conf"], stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 20
        while not is_listening(port):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield Nginx(folder, port)
    finally:
        process.terminate()
        process.wait(20)


@needs_nginx
async def test_1006_behind_nginx_after_a_silence(tmp_path: Path) -> None:
    app = Recorder()
    async with serving(app, ws_ping_interval=None) as server:
        with nginx(tmp_path, server.port, f"{UPGRADE}proxy_read_timeout 1s;") as proxy:
            client = await proxy.connect()
            with pytest.raises(ConnectionClosed, match=r"^no close frame received or sent$"):
                await asyncio.wait_for(client.recv(), 20)
            await server.idle()
            assert (
                "upstream timed out (110: Connection timed out) while proxying upgraded connection"
                in proxy.log
            )
    assert client.close_code == 1006
    assert app.disconnect == {"type": "websocket.disconnect", "code": 1005}  # as uvicorn says it


@needs_nginx
async def test_pings_keep_a_silent_connection_behind_nginx(tmp_path: Path) -> None:
    async with serving(Recorder(), ws_ping_interval=0.2) as server:
        with nginx(tmp_path, server.port, f"{UPGRADE}proxy_read_timeout 2s;") as proxy:
            async with proxy.connect() as client:
                await asyncio.sleep(2.5)
                await client.send("still here")
                assert await client.recv() == "still here"
            assert "timed out" not in proxy.log


@needs_nginx
async def test_nginx_without_upgrade_makes_it_a_request_of_http(tmp_path: Path) -> None:
    """The application answers that as it likes."""
    scopes = []

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        scopes.append(scope["type"])
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body"})

    async with serving(app) as server:
        with (
            nginx(tmp_path, server.port, "") as proxy,
            pytest.raises(InvalidStatus, match="HTTP 404"),
        ):
            await proxy.connect()
    assert scopes == ["http"]


@needs_nginx
@pytest.mark.parametrize(  # websockets 17 and newer say 505, older ones end without a response
    ("settings", "status"), [("", "50[25]"), (HTTP_1_1, "426"), (UPGRADE, None)]
)
async def test_nginx_without_upgrade_in_front_of_websockets(
    settings: str, status: str | None, tmp_path: Path
) -> None:
    with fastframe.installed("websockets"):
        async with serve(lambda connection: connection.wait_closed(), "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            with nginx(tmp_path, port, settings) as proxy:
                if status is None:
                    async with proxy.connect():
                        return
                with pytest.raises(InvalidStatus, match=f"HTTP {status}"):
                    await proxy.connect()


# ---- 1006 without a proxy ----


@pytest.mark.parametrize("ws", ALL)
@pytest.mark.parametrize("raises", [False, True])
async def test_1006_after_an_application_that_returns_or_raises(ws: str, raises: bool) -> None:
    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        if raises:
            raise ValueError

    async with serving(app, ws) as server, server.connect() as client:
        await client.send("now")
        with pytest.raises(ConnectionClosed, match=r"^no close frame received or sent$"):
            await client.recv()


# ---- 1009 ----


async def test_1009_from_the_server() -> None:
    async with serving(Recorder(), ws_max_size=1000) as server, server.connect() as client:
        await client.send("x" * 1000)
        assert await client.recv() == "x" * 1000
        await client.send("x" * 1001)
        with pytest.raises(
            ConnectionClosed,
            match=r"^received 1009 \(message too big\) the message is larger than max_message_size",
        ):
            await client.recv()


async def test_1009_from_the_client() -> None:
    app = Recorder()
    async with serving(app) as server:
        async with server.connect(max_size=1000) as client:
            await client.send("x" * 1001)
            with pytest.raises(ConnectionClosed, match=r"^sent 1009 \(message too big\)"):
                await client.recv()
        await server.idle()
    assert app.disconnect["code"] == 1009


# ---- 1007 ----


@pytest.mark.parametrize("cut", [1, 2, 3])
async def test_1007_after_a_character_that_was_cut(cut: int) -> None:
    app = Recorder()
    async with serving(app) as server:
        async with raw_client(server) as client:
            await client.handshake()
            client.send(frame(Opcode.TEXT, "😀".encode()[:cut], key=KEY))
            close = await client.message()
        await server.idle()
    assert close == Close(1007, "a text message is not UTF-8 (RFC 6455, 8.1)")
    assert app.disconnect["code"] == 1007


async def test_fragments_and_binary_messages_may_cut_a_character() -> None:
    first, second = "😀".encode()[:2], "😀".encode()[2:]
    async with serving(Recorder()) as server, raw_client(server) as client:
        await client.handshake()
        client.send(frame(Opcode.TEXT, first, fin=False, key=KEY))
        client.send(frame(Opcode.CONTINUATION, second, key=KEY))
        assert await client.message() == "😀"
        client.send(frame(Opcode.BINARY, first, key=KEY))
        assert await client.message() == first


# ---- no compression ----


@pytest.mark.parametrize(
    ("settings", "offer", "agreed"),
    [
        ({}, "deflate", True),
        ({}, None, False),
        ({"ws_per_message_deflate": False}, "deflate", False),
    ],
)
async def test_compression_is_agreed_on_in_the_handshake(
    settings: Any, offer: str | None, agreed: bool
) -> None:
    async with (
        serving(Recorder(), **settings) as server,
        server.connect(compression=offer) as client,
    ):
        assert ("Sec-WebSocket-Extensions" in client.response.headers) is agreed


@needs_nginx
@pytest.mark.parametrize("drops", [False, True])
async def test_a_proxy_may_drop_the_offer(drops: bool, tmp_path: Path) -> None:
    drop = 'proxy_set_header Sec-WebSocket-Extensions "";' if drops else ""
    async with serving(Recorder()) as server:
        with nginx(tmp_path, server.port, UPGRADE + drop) as proxy:
            async with proxy.connect(compression="deflate") as client:
                assert ("Sec-WebSocket-Extensions" in client.response.headers) is not drops
            await server.idle()


# ---- 40 ms ----


async def test_the_server_does_not_wait_for_acknowledgements() -> None:
    """asyncio sets TCP_NODELAY for each connection, and fastframe's class leaves it so."""
    found = []

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        (connection,) = server.state.connections
        connected = connection.transport.get_extra_info("socket")
        found.append(connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        await receive()

    async with serving(app) as server:
        async with server.connect():
            pass
        await server.idle()
    assert found
    assert found[0] != 0


# ---- Pings that time out ----


@pytest.mark.skipif(
    "ping_interval" not in inspect.signature(sync_connect).parameters,
    reason="this release of websockets has no keepalive for threads",
)
async def test_a_blocked_loop_answers_no_pings() -> None:
    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        time.sleep(1.5)  # what an application must not do

    def talk(port: int) -> ConnectionClosed:
        with sync_connect(
            f"ws://127.0.0.1:{port}", ping_interval=0.2, ping_timeout=0.2, **NO_PROXY
        ) as client:
            client.send("now")
            with pytest.raises(ConnectionClosed) as seen:
                client.recv(20)
        return seen.value

    async with serving(app) as server:
        error = await asyncio.to_thread(talk, server.port)
    assert str(error).startswith("sent 1011 (internal error) keepalive ping timeout; ")


async def test_a_client_that_answers_no_pings() -> None:
    app = Recorder()
    async with serving(app, ws_ping_interval=0.1, ws_ping_timeout=0.1) as server:
        async with raw_client(server) as client:
            await client.handshake()
            assert isinstance(await client.message(), Ping)
            assert await client.message() == Close(1011, "keepalive ping timeout")
        await server.idle()
    assert app.disconnect["code"] == 1011


# ---- not active ----


def test_no_process_used_a_target() -> None:
    ran = run_python("-m", "fastframe", "run", sys.executable, "-c", "pass")
    assert "fastframe: not active: no process of this program used any of" in ran.stderr


def test_disabled() -> None:
    ran = run_python("-m", "fastframe", "run", sys.executable, "-c", "pass", FASTFRAME_DISABLE="1")
    assert ran.stderr.strip() == (
        "fastframe: not active: FASTFRAME_DISABLE is set in the environment"
    )


# ---- a reset ----


@pytest.mark.programs
@pytest.mark.skipif(sys.platform != "linux", reason="tried on Linux")
def test_a_reset_in_place_of_a_close() -> None:
    """The kernel resets a connection whose process is killed while data waits to be read."""
    port = free_port()
    command = ("-m", "uvicorn", "--port", str(port), "--ws", OURS, "tests.servers.echo_asgi:app")
    with (
        running(*command, port=port) as program,
        sync_connect(f"ws://127.0.0.1:{port}", **NO_PROXY) as client,
    ):
        program.process.send_signal(signal.SIGSTOP)
        client.send("never read")
        program.process.kill()
        with pytest.raises(ConnectionClosed, match=r"^no close frame received or sent$") as seen:
            client.recv(20)
    assert isinstance(seen.value.__cause__, ConnectionResetError)


# ---- 403 ----


async def test_403_where_the_application_closes_before_it_accepts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.close"})

    caplog.set_level(logging.INFO, "uvicorn.error")
    async with serving(app) as server:
        with pytest.raises(InvalidStatus, match="HTTP 403"):
            await server.connect("/nowhere")
        await server.idle()
    assert caplog.messages[0].endswith('- "WebSocket /nowhere" 403')
    assert caplog.messages[1] == "connection rejected (403 Forbidden)"
