"""docs/howto/jupyter.md, by the names that its user knows; tests/libraries/test_tornado_programs.py
has Jupyter's server and Bokeh's as modules."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest.importorskip("tornado.websocket")

from tests.howto.framework_pages import Page, connections, ended, started
from tests.libraries.test_tornado_programs import TEXTS, asked, executed
from tests.servers.programs import NO_PROXY, free_port

pytestmark = [
    pytest.mark.programs,
    pytest.mark.filterwarnings("ignore"),  # of the notebooks' own packages
    pytest.mark.skipif(os.name == "nt", reason="the servers are ended with signals"),
]

PAGE = Page("howto/jupyter.md")


@pytest.mark.parametrize("program", ["lab", "notebook", "server"])
def test_jupyter(program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel computes what comes over its WebSocket."""
    needs = {"lab": "jupyterlab", "notebook": "notebook", "server": "jupyter_server"}[program]
    for package in (needs, "ipykernel"):
        pytest.importorskip(package)
    from websockets.sync.client import connect

    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    port = free_port()
    command = PAGE.arguments(f"fastframe run jupyter {program}", port)
    for_a_test = (
        "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port-retries=0",
        f"--ServerApp.root_dir={tmp_path}", "--IdentityProvider.token=",
        "--ServerApp.disable_check_xsrf=True",
    )  # fmt: skip
    with started(*command, *for_a_test, port=port, folder=tmp_path) as server:
        kernels = f"http://127.0.0.1:{port}/api/kernels"
        kernel = asked(kernels, "POST", name="python3")["id"]
        address = f"ws://127.0.0.1:{port}/api/kernels/{kernel}/channels"
        with connect(address, max_size=None, **NO_PROXY) as client:
            answers = list(executed(client, "'żółć' * 10"))
        (result,) = [each for each in answers if each["msg_type"] == "execute_result"]
        assert result["content"]["data"]["text/plain"] == repr("żółć" * 10)
        asked(f"{kernels}/{kernel}", "DELETE")
        assert connections(ended(server), "tornado") == 1


@pytest.mark.parametrize("program", ["bokeh", "panel"])
def test_a_plot(program: str, tmp_path: Path) -> None:
    """What the client writes into a document comes back in upper case."""
    pytest.importorskip(program)
    pytest.importorskip("bokeh.client")
    from bokeh.client import pull_session

    port = free_port()
    with PAGE.server(f"fastframe run {program} serve app.py", port, tmp_path) as server:
        session = pull_session(url=f"http://127.0.0.1:{port}/app")
        for text in TEXTS:
            session.document.select_one({"name": "asked"}).value = text
            session.force_roundtrip()
            seen = pull_session(url=f"http://127.0.0.1:{port}/app", session_id=session.id)
            assert seen.document.select_one({"name": "answered"}).value == text.upper()
            seen.close()
        session.close()
        assert connections(ended(server), "tornado") == 1 + len(TEXTS)
