"""The pages for python-socketio and Flask-SocketIO: a server that its own client talks to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest.importorskip("socketio")
pytest.importorskip("websocket")
pytest.importorskip("requests")

import socketio  # type: ignore[import-not-found, unused-ignore]

from tests.howto.framework_pages import Page, connections, ended
from tests.servers.programs import free_port

pytestmark = [
    pytest.mark.programs,
    pytest.mark.filterwarnings("ignore"),  # of the client's own packages
    pytest.mark.skipif(os.name == "nt", reason="the servers are ended with signals"),
]


def test_python_socketio(tmp_path: Path) -> None:
    pytest.importorskip("uvicorn")
    page = Page("howto/python-socketio.md")
    port = free_port()
    command = "uvicorn --ws fastframe.uvicorn:WSProtocol app:app"
    with page.server(command, port, tmp_path) as program:
        said = page.client("fastframe run python client.py", port, tmp_path)
        assert "['message', 'hello']" in said
        assert connections(said, "websocket-client") == 1
        output = ended(program)
    assert "WebSockets run on fastframe" in output
    assert "/socket.io/" in output


@pytest.mark.parametrize(
    ("command", "target", "needs"),
    [
        ("fastframe run python app.py", "wsproto", ["simple_websocket"]),
        ("fastframe run gunicorn --threads 100 app:app", "wsproto",
         ["simple_websocket", "gunicorn"]),
        ("fastframe run python with_gevent.py", "geventwebsocket", ["geventwebsocket"]),
    ],
)  # fmt: skip
def test_flask_socketio(command: str, target: str, needs: list[str], tmp_path: Path) -> None:
    for module in ["flask_socketio", *needs]:
        pytest.importorskip(module)
    port = free_port()
    with Page("howto/flask-socketio.md").server(command, port, tmp_path) as program:
        with socketio.SimpleClient() as client:
            client.connect(f"http://127.0.0.1:{port}", transports=["websocket"])
            client.emit("message", "Grüße, 世界 😀")
            assert client.receive(timeout=20) == ["message", "Grüße, 世界 😀"]
        output = ended(program)
    assert connections(output, target) == 1, output
