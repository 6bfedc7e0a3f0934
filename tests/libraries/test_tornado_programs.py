"""Programs on tornado, each started by `fastframe run` and used by a client: Jupyter, Bokeh, and
one with the shape of rosbridge."""

from __future__ import annotations

import json
import os
import re
import uuid
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import pytest

pytest.importorskip("tornado.websocket", reason="tornado is not installed")

from websockets.sync.client import connect

import fastframe
from tests.servers.programs import NO_PROXY, Program, free_port, running

RUN = ("-m", "fastframe", "run", "-v", "--target", "tornado")

pytestmark = [
    pytest.mark.programs,
    pytest.mark.skipif(os.name == "nt", reason="its programs are started as on POSIX"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def ran_on_fastframe(program: Program) -> int:
    """Ends it. How many of its connections did, as it says."""
    program.process.terminate()
    program.process.wait(20)
    output = program.output()
    assert "Traceback" not in output
    found = re.findall(
        r"connections that ran on fastframe: tornado (\d+) \(process (\d+)\)", output
    )
    counts = [int(count) for count, process in found if int(process) == program.process.pid]
    assert counts, output
    return counts[-1]


# ---- Jupyter ----


def asked(url: str, method: str, **data: Any) -> Any:
    """What Jupyter's REST interface answers."""
    opener = build_opener(ProxyHandler({}))
    body = json.dumps(data).encode() if data else None
    with opener.open(Request(url, body, method=method), timeout=20) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def executed(client: Any, code: str) -> Any:
    """The messages of a kernel that answer it, until it is idle."""
    request = uuid.uuid4().hex
    client.send(json.dumps({
        "channel": "shell", "parent_header": {}, "metadata": {}, "buffers": [],
        "header": {"msg_id": request, "msg_type": "execute_request", "version": "5.3",
                   "username": "", "session": "test", "date": "2026-01-01T00:00:00Z"},
        "content": {"code": code, "silent": False, "store_history": True, "user_expressions": {},
                    "allow_stdin": False, "stop_on_error": True},
    }))  # fmt: skip
    while True:
        message = json.loads(client.recv(20))
        if message["parent_header"].get("msg_id") == request:
            yield message
            if message["content"].get("execution_state") == "idle":
                return


def test_jupyter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel is started, and computes what comes over its WebSocket."""
    pytest.importorskip("jupyter_server", reason="jupyter_server is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    port = free_port()
    command = (
        *RUN, "-m", "jupyter_server", "--no-browser", "--allow-root", "--ip=127.0.0.1",
        f"--port={port}", "--port-retries=0", f"--ServerApp.root_dir={tmp_path}",
        "--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True",
    )  # fmt: skip
    with running(*command, port=port) as program:
        kernels = f"http://127.0.0.1:{port}/api/kernels"
        kernel = asked(kernels, "POST", name="python3")["id"]
        address = f"ws://127.0.0.1:{port}/api/kernels/{kernel}/channels"
        with connect(address, max_size=None, **NO_PROXY) as client:
            answers = list(executed(client, "1+1"))
            results = [each for each in answers if each["msg_type"] == "execute_result"]
            assert [each["content"]["data"]["text/plain"] for each in results] == ["2"]
            answers = list(executed(client, "'żółć' * 100_000"))
            results = [each for each in answers if each["msg_type"] == "execute_result"]
            assert results[0]["content"]["data"]["text/plain"] == repr("żółć" * 100_000)
        asked(f"{kernels}/{kernel}", "DELETE")
        assert ran_on_fastframe(program) == 1


# ---- Bokeh ----

APP = """
from bokeh.io import curdoc
from bokeh.models import ColumnDataSource, TextInput

asked, answered = TextInput(name="asked"), TextInput(name="answered")
source = ColumnDataSource({"x": []}, name="source")

def answer(attribute, old, new):
    answered.value = new.upper()
    source.data = {"x": list(range(len(new)))}

asked.on_change("value", answer)
for root in (asked, answered, source):
    curdoc().add_root(root)
"""

TEXTS = ("short", "żółć 😀", "long " * 50_000)


def test_bokeh(tmp_path: Path) -> None:
    """A session in which the client changes the document, and then the server does. Both run on
    fastframe."""
    pytest.importorskip("bokeh.client", reason="bokeh is not installed")
    from bokeh.client import pull_session

    app = tmp_path / "app.py"
    app.write_text(APP, encoding="utf-8")
    port = free_port()
    command = (*RUN, "-m", "bokeh", "serve", str(app), "--address=127.0.0.1", f"--port={port}")
    before = fastframe.status()["tornado"].connections
    with running(*command, port=port) as program, fastframe.installed("tornado"):
        url = f"http://127.0.0.1:{port}/app"
        session = pull_session(url=url)
        for text in TEXTS:
            session.document.select_one({"name": "asked"}).value = text
            session.force_roundtrip()
            seen = pull_session(url=url, session_id=session.id)  # by another one, as a whole
            assert seen.document.select_one({"name": "answered"}).value == text.upper()
            assert len(seen.document.select_one({"name": "source"}).data["x"]) == len(text)
            seen.close()
        session.close()
        assert ran_on_fastframe(program) == 1 + len(TEXTS)
    assert fastframe.status()["tornado"].connections == before + 1 + len(TEXTS)


# ---- rosbridge ----


def test_one_that_publishes() -> None:
    from tests.libraries.publish_tornado import published

    port = free_port()
    command = (*RUN, "-m", "tests.libraries.publish_tornado", str(port))
    with running(*command, port=port) as program:
        address = f"ws://127.0.0.1:{port}/"
        with connect(address, max_size=None, compression=None, **NO_PROXY) as client:
            client.send(json.dumps({"op": "subscribe", "topic": "/pose"}))
            for message in published():
                assert client.recv(20) == message
        assert ran_on_fastframe(program) == 1
