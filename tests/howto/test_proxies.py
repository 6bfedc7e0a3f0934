"""docs/howto/proxies.md: its configurations, with TLS and real clients."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("websockets")

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.howto.pages import blocks, changed
from tests.servers.in_uvicorn import App, Event, Receive, Recorder, Send, Server, serving
from tests.servers.programs import end, free_port, self_signed, until_listening

pytestmark = pytest.mark.programs

PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"
PAGE = "proxies.md"


class Proxy:
    """The page's configuration of a proxy, on free ports and with a certificate of its own."""

    def __init__(self, folder: Path, server: int, changes: dict[str, str]) -> None:
        self.folder, self.server, self.changes = folder, server, changes
        self.port = free_port()
        self.certificate, self.key = self_signed(folder)
        self.log = folder / "log"

    def run(self, command: list[str], check: list[str]) -> subprocess.Popen[bytes]:
        """Starts it, after its own check of the configuration."""
        environment = {**os.environ, "HOME": str(self.folder), "PATH": PATH}
        checked = subprocess.run(
            check, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert checked.returncode == 0, checked.stderr
        with self.log.open("wb") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        until_listening(process, self.port, self.log, seconds=20)
        return process

    def connect(self, **options: object) -> connect:
        tls = ssl.create_default_context(cafile=self.certificate)
        return connect(
            f"wss://localhost:{self.port}/", ssl=tls, proxy=None, ping_interval=None, **options
        )  # type: ignore[arg-type]


def nginx(proxy: Proxy) -> subprocess.Popen[bytes]:
    site, top = blocks(PAGE, "nginx")
    site = changed(
        site,
        {
            "listen 443": f"listen 127.0.0.1:{proxy.port}",
            "/etc/ssl/example.com.pem": proxy.certificate,
            "/etc/ssl/example.com.key": proxy.key,
            "127.0.0.1:8000": f"127.0.0.1:{proxy.server}",
            **proxy.changes,
        },
    )
    folder = proxy.folder
    paths = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    top = changed(top, {"65536": "1024", "30000": "500"})  # what every machine allows
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log stderr;\n{top}"
        f"http {{\naccess_log off;\n{paths}client_max_body_size 1k;\n{site}}}\n"
    )
    command = ["nginx", "-p", str(folder), "-c", "nginx.conf"]
    return proxy.run(command, [*command, "-t"])


def haproxy(proxy: Proxy) -> subprocess.Popen[bytes]:
    pair = proxy.folder / "pair.pem"
    pair.write_text(Path(proxy.certificate).read_text() + Path(proxy.key).read_text())
    (text,) = blocks(PAGE, "text")
    file = proxy.folder / "haproxy.cfg"
    changes = {
        "bind :443": f"bind 127.0.0.1:{proxy.port}",
        "/etc/haproxy/example.com.pem": str(pair),
        "127.0.0.1:8000": f"127.0.0.1:{proxy.server}",
        "maxconn 20000": "maxconn 200",
    }
    file.write_text(changed(text, changes | proxy.changes))
    return proxy.run(["haproxy", "-db", "-f", str(file)], ["haproxy", "-c", "-f", str(file)])


def caddy(proxy: Proxy) -> subprocess.Popen[bytes]:
    (text,) = blocks(PAGE, "caddy")
    file = proxy.folder / "Caddyfile"
    file.write_text(text)
    check = ["caddy", "validate", "--adapter", "caddyfile", "--config", str(file)]
    subprocess.run(check, env={**os.environ, "HOME": str(proxy.folder)}, check=True, timeout=60)
    site = f"https://localhost:{proxy.port} {{\ntls {proxy.certificate} {proxy.key}"
    text = changed(text, {"example.com {": site, "127.0.0.1:8000": f"127.0.0.1:{proxy.server}"})
    file.write_text(f"{{\nadmin off\nauto_https disable_redirects\n}}\n{text}")
    command = ["caddy", "run", "--adapter", "caddyfile", "--config", str(file)]
    return proxy.run(command, check)


STARTS: dict[str, Callable[[Proxy], subprocess.Popen[bytes]]] = {
    "nginx": nginx, "haproxy": haproxy, "caddy": caddy
}  # fmt: skip


@contextlib.contextmanager
def behind(name: str, folder: Path, server: int, **changes: str) -> Iterator[Proxy]:
    if shutil.which(name, path=PATH) is None:
        pytest.skip(f"{name} is not installed")
    proxy = Proxy(folder, server, changes)
    process = STARTS[name](proxy)
    try:
        yield proxy
    finally:
        end(process)


class WithHealth:
    """An application that also answers health checks."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Event, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            return await self.app(scope, receive, send)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
        return None


@contextlib.asynccontextmanager
async def proxied(
    name: str, folder: Path, app: App, changes: dict[str, str] | None = None, **settings: object
):  # type: ignore[no-untyped-def]
    async with serving(WithHealth(app), **settings) as server:  # type: ignore[arg-type]
        stack = contextlib.ExitStack()
        proxy = await asyncio.to_thread(
            stack.enter_context, behind(name, folder, server.port, **(changes or {}))
        )
        try:
            yield server, proxy
        finally:
            await asyncio.to_thread(stack.close)


ALL = pytest.mark.parametrize("name", STARTS)


@ALL
async def test_echoes_through_tls(name: str, tmp_path: Path) -> None:
    app = Recorder()
    async with proxied(name, tmp_path, app) as (_, proxy):
        async with proxy.connect(compression="deflate", max_size=None) as client:
            assert "permessage-deflate" in client.response.headers["Sec-WebSocket-Extensions"]
            for message in ("", "Grüße, 世界, 😀", bytes(range(256)), os.urandom(2**20)):
                await client.send(message)
                assert await client.recv() == message
            await asyncio.wait_for(await client.ping(), 20)
            await client.close(4000, "enough")
        assert client.close_code == 4000
        assert app.scope["scheme"] == "wss"
        assert app.scope["client"][0] == "127.0.0.1"


@ALL
async def test_a_client_cannot_say_that_it_is_another(name: str, tmp_path: Path) -> None:
    app = Recorder()
    async with (
        proxied(name, tmp_path, app) as (_, proxy),
        proxy.connect(additional_headers={"X-Forwarded-For": "203.0.113.9"}),
    ):
        pass
    assert app.scope["client"][0] == "127.0.0.1"


@ALL
async def test_a_proxy_that_is_not_trusted(name: str, tmp_path: Path) -> None:
    app = Recorder()
    async with (
        proxied(name, tmp_path, app, forwarded_allow_ips="10.0.0.0/8") as (_, proxy),
        proxy.connect(),
    ):
        pass
    assert app.scope["scheme"] == "ws"


LIMITS = {
    "nginx": {"limit_conn addresses 50": "limit_conn addresses 2"},
    "haproxy": {"sc0_conn_cur gt 50": "sc0_conn_cur gt 2"},
}


@pytest.mark.parametrize("name", LIMITS)
async def test_connections_of_an_address(name: str, tmp_path: Path) -> None:
    async with (
        proxied(name, tmp_path, Recorder(), LIMITS[name]) as (_, proxy),
        proxy.connect(),
        proxy.connect(),
    ):
        with pytest.raises(InvalidStatus, match="HTTP 429"):
            await proxy.connect()


SILENCES = {
    "nginx": {"proxy_read_timeout 75s": "proxy_read_timeout 1s"},
    "haproxy": {"timeout tunnel 75s": "timeout tunnel 1s"},
}


@pytest.mark.parametrize("name", SILENCES)
async def test_a_silence_that_is_too_long(name: str, tmp_path: Path) -> None:
    settings = SILENCES[name]
    async with proxied(name, tmp_path, Recorder(), settings, ws_ping_interval=None) as (_, proxy):
        client = await proxy.connect()
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(client.recv(), 20)
        assert client.close_code == 1006


@pytest.mark.parametrize("name", SILENCES)
async def test_pings_prevent_it(name: str, tmp_path: Path) -> None:
    settings = SILENCES[name]
    async with (
        proxied(name, tmp_path, Recorder(), settings, ws_ping_interval=0.3) as (_, proxy),
        proxy.connect() as client,
    ):
        await asyncio.sleep(2.5)
        await client.send("still here")
        assert await client.recv() == "still here"


async def test_haproxy_ends_a_request_that_takes_too_long(tmp_path: Path) -> None:
    changes = {"timeout http-request 10s": "timeout http-request 500ms"}
    async with proxied("haproxy", tmp_path, Recorder(), changes) as (_, proxy):
        tls = ssl.create_default_context(cafile=proxy.certificate)
        reader, writer = await asyncio.open_connection("localhost", proxy.port, ssl=tls)
        writer.write(b"GET / HTTP/1.1\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_caddy_has_no_limit_of_silence(tmp_path: Path) -> None:
    async with (
        proxied("caddy", tmp_path, Recorder(), ws_ping_interval=None) as (_, proxy),
        proxy.connect() as client,
    ):
        await asyncio.sleep(2.5)
        await client.send("still here")
        assert await client.recv() == "still here"


@ALL
async def test_a_server_that_stops_says_1012_through_the_proxy(name: str, tmp_path: Path) -> None:
    async with proxied(name, tmp_path, Recorder()) as (server, proxy):
        client = await proxy.connect()
        stop(server)
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(client.recv(), 20)
        assert client.close_code == 1012


def stop(server: Server) -> None:
    for connection in list(server.state.connections):
        connection.shutdown()
