"""docs/howto/mitmproxy.md: a client talks to a server through it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest.importorskip("mitmproxy")
pytest.importorskip("uvicorn")
pytest.importorskip("websockets", minversion="15")  # whose client knows proxies

from websockets.sync.client import connect

from tests.howto.framework_pages import Page, connections, ended, started
from tests.servers.programs import free_port

pytestmark = [
    pytest.mark.programs,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.skipif(os.name == "nt", reason="the servers are ended with signals"),
]


def test_mitmdump(tmp_path: Path) -> None:
    echo = (Path(__file__).parent / "echo_asgi.py").read_text(encoding="utf-8")
    (tmp_path / "app.py").write_text(echo, encoding="utf-8")
    port, proxy = free_port(), free_port()
    server = ("-m", "uvicorn", "--ws", "websockets-sansio", f"--port={port}", "app:app")
    command = Page("howto/mitmproxy.md").arguments("fastframe run mitmdump", port)
    places = (f"--listen-port={proxy}", "--listen-host=127.0.0.1", f"--set=confdir={tmp_path}")
    with (
        started(*server, port=port, folder=tmp_path),
        started(*command, *places, port=proxy, folder=tmp_path) as program,
    ):
        through = f"http://127.0.0.1:{proxy}"
        with connect(f"ws://127.0.0.1:{port}/ws", proxy=through, max_size=None) as client:
            for text in ("hello", "Grüße, 世界 😀", "x" * 70_000):
                client.send(text)
                assert client.recv(20) == text
        assert connections(ended(program), "wsproto") == 2, "one with each side"
