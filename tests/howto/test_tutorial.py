"""docs/start/tutorial.md: its program, under each server that it names, and two browsers."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

import pytest

pytest.importorskip("starlette")
pytest.importorskip("websockets.sync.client")

from websockets.sync.client import connect

from tests.howto.framework_pages import Page, connections, ended
from tests.servers.programs import NO_PROXY, free_port

pytestmark = [
    pytest.mark.programs,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.skipif(os.name == "nt", reason="the servers are ended with signals"),
]

PAGE = Page("start/tutorial.md")


def read(url: str) -> str:
    with build_opener(ProxyHandler({})).open(url, timeout=20) as answer:
        text: str = answer.read().decode()
    return text


@pytest.mark.parametrize(
    ("command", "needs", "target"),
    [
        ("uvicorn --ws fastframe.uvicorn:WSProtocol app:app", "uvicorn", "uvicorn"),
        ("fastframe run hypercorn app:app", "hypercorn", "wsproto"),
        ("fastframe run -v hypercorn app:app", "hypercorn", "wsproto"),
        ("fastframe run gunicorn -k asgi app:app", "gunicorn.asgi", "gunicorn"),
        ("fastframe run daphne app:app", "daphne", "autobahn"),
    ],
)
def test_the_chat(command: str, needs: str, target: str, tmp_path: Path) -> None:
    pytest.importorskip(needs)
    port = free_port()
    site = f"127.0.0.1:{port}"
    with PAGE.server(command, port, tmp_path) as program:
        assert "new WebSocket(" in read(f"http://{site}/")
        with connect(f"ws://{site}/chat", **NO_PROXY) as one:
            with connect(f"ws://{site}/chat", **NO_PROXY) as other:
                for client, text in ((one, "hello"), (other, "Grüße 😀"), (one, "x" * 5000)):
                    client.send(text)
                    assert [one.recv(20), other.recv(20)] == [text, text]
                numbers: Any = json.loads(read(f"http://{site}/numbers"))[target]["server"]
                assert numbers["connections"]["opened"] == 2
                assert numbers["received"]["messages"] == {"text": 3, "binary": 0}
            one.send("whoever left does not stop the others")
            assert one.recv(20) == "whoever left does not stop the others"
        output = ended(program)
    if "run" in command:
        assert connections(output, target) == 2, output
    else:
        assert "WebSockets run on fastframe" in output, output
    assert "ERROR" not in output
