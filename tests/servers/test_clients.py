"""Clients that others wrote, against the servers on fastframe. Node's are found by NODE_PATH."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("hypercorn")

from tests.servers.programs import MESSAGES, free_port, running, self_signed

pytestmark = [
    pytest.mark.programs,
    pytest.mark.skipif(os.name == "nt", reason="the servers are ended with signals"),
]

HERE = Path(__file__).parent
APP = "tests.servers.echo_asgi:app"


@pytest.fixture(scope="module", params=["uvicorn", "hypercorn"])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """Of uvicorn with our class, and of hypercorn on wsproto on fastframe."""
    number = free_port()
    if request.param == "uvicorn":
        command = [
            "-m",
            "uvicorn",
            "--ws",
            "fastframe.uvicorn:WSProtocol",
            "--port",
            str(number),
            APP,
        ]
    else:
        command = [
            "-m",
            "fastframe",
            "run",
            "-m",
            "hypercorn",
            "--bind",
            f"127.0.0.1:{number}",
            APP,
        ]
    with running(*command, port=number) as program:
        yield number
        assert "Traceback" not in program.output()


def node(*arguments: str | Path) -> str:
    result = subprocess.run(
        ["node", *arguments], check=False, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def needs_node(package: str) -> None:
    if shutil.which("node") is None:
        pytest.skip("Node is not installed")
    if (
        subprocess.run(
            ["node", "-e", f"require('{package}')"], capture_output=True, check=False
        ).returncode
        != 0
    ):
        pytest.skip(f"Node's package {package} is not installed (npm install {package}; NODE_PATH)")


def test_ws_of_node(port: int) -> None:
    needs_node("ws")
    node(HERE / "client.mjs", f"ws://127.0.0.1:{port}/")


def test_chromium(port: int) -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("Chromium is not installed")
    needs_node("playwright-core")
    outcome = node(HERE / "chromium.mjs", chromium, f"http://127.0.0.1:{port}/")
    assert outcome.startswith("passed; permessage-deflate"), outcome


def test_chromium_over_http_2(tmp_path: Path) -> None:
    """It opens the WebSockets of a page on the HTTP/2 connection that the page came by."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("Chromium is not installed")
    needs_node("playwright-core")
    pytest.importorskip("h2")
    certificate, key = self_signed(tmp_path)
    number = free_port()
    command = [
        *("-m", "fastframe", "run", "-v", "-m", "hypercorn", "--bind", f"127.0.0.1:{number}"),
        *("--certfile", certificate, "--keyfile", key, "tests.servers.echo_asgi:telling_app"),
    ]
    with running(*command, port=number) as program:
        outcome = node(HERE / "chromium.mjs", chromium, f"https://127.0.0.1:{number}/")
        assert outcome.startswith("passed; permessage-deflate"), outcome
        assert "a WebSocket over HTTP/2" in program.output()
        assert "a WebSocket over HTTP/1" not in program.output()


@pytest.mark.parametrize("compress", [0, 15])
def test_aiohttp(port: int, compress: int) -> None:
    aiohttp = pytest.importorskip("aiohttp")

    async def main() -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(
                f"ws://127.0.0.1:{port}/", compress=compress, max_msg_size=0
            ) as client,
        ):
            assert bool(client.compress) is bool(compress)
            for message in MESSAGES:
                if isinstance(message, str):
                    await client.send_str(message)
                    assert await client.receive_str(timeout=20) == message
                else:
                    await client.send_bytes(message)
                    assert await client.receive_bytes(timeout=20) == message
            for number in range(1000):
                await client.send_str(str(number))
            for number in range(1000):
                assert await client.receive_str(timeout=20) == str(number)
            await client.close(code=4000)
            assert client.close_code == 4000

    asyncio.run(main())
