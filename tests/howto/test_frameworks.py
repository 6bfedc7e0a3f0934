"""Each command of the pages for frameworks, as its user writes it, with one real client."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("websockets.sync.client")

from tests.howto.framework_pages import (
    Page,
    connections,
    echoes,
    ended,
    started,
    until_said,
    written,
)
from tests.servers.programs import Program, free_port

pytestmark = [
    pytest.mark.programs,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.skipif(os.name == "nt", reason="the servers are ended with signals"),
]

BY_CLASS = "uvicorn --ws fastframe.uvicorn:WSProtocol app:app"
SERVERS = [
    # page, command, target; what must be installed besides the program itself
    ("uvicorn", BY_CLASS, "uvicorn", ["uvicorn"]),
    ("uvicorn", f"{BY_CLASS} --workers 2", "uvicorn", ["uvicorn"]),
    ("uvicorn", f"{BY_CLASS} --reload", "uvicorn", ["uvicorn"]),
    ("uvicorn", "fastframe run uvicorn app:app", "uvicorn", ["uvicorn"]),
    ("uvicorn", "python serve.py", "uvicorn", ["uvicorn"]),
    ("servers", "fastframe run --max-message-size 1000000 hypercorn app:app", "wsproto",
     ["hypercorn"]),
    ("fastapi", BY_CLASS, "uvicorn", ["uvicorn", "fastapi"]),
    ("fastapi", "python serve.py", "uvicorn", ["uvicorn", "fastapi"]),
    ("fastapi", "fastframe run fastapi run app.py", "uvicorn", ["fastapi_cli"]),
    ("fastapi", "fastframe run fastapi dev app.py", "uvicorn", ["fastapi_cli"]),
    ("fastapi", "fastframe run hypercorn app:app", "wsproto", ["hypercorn", "fastapi"]),
    ("fastapi", "fastframe run gunicorn -k asgi app:app", "gunicorn",
     ["gunicorn.asgi", "fastapi"]),
    ("fastapi", "fastframe run gunicorn -k uvicorn_worker.UvicornWorker app:app",
     "uvicorn", ["gunicorn", "uvicorn_worker", "fastapi"]),
    ("hypercorn", "fastframe run hypercorn app:app", "wsproto", ["hypercorn"]),
    ("hypercorn", "fastframe run hypercorn --workers 2 app:app", "wsproto", ["hypercorn"]),
    ("hypercorn", "fastframe run hypercorn --reload app:app", "wsproto", ["hypercorn"]),
    ("gunicorn", "fastframe run gunicorn -k asgi app:app", "gunicorn", ["gunicorn.asgi"]),
    ("gunicorn", "fastframe run gunicorn -k uvicorn_worker.UvicornWorker app:app", "uvicorn",
     ["gunicorn", "uvicorn_worker"]),
    ("quart", "fastframe run hypercorn app:app", "wsproto", ["quart"]),
    ("quart", "fastframe run quart run", "wsproto", ["quart"]),
    ("quart", BY_CLASS, "uvicorn", ["quart", "uvicorn"]),
    ("sanic", "fastframe run --target websockets sanic app:app", "websockets", ["sanic"]),
    ("sanic", "fastframe run --target websockets sanic app:app --workers 2", "websockets",
     ["sanic"]),
    ("sanic", "fastframe run --target websockets sanic app:app --dev", "websockets", ["sanic"]),
    ("sanic", BY_CLASS, "uvicorn", ["sanic", "uvicorn"]),
    ("websockets", "fastframe run --target websockets python server.py", "websockets",
     ["websockets.asyncio"]),
    ("tornado", "fastframe run python server.py", "tornado", ["tornado"]),
    ("flask-sock", "fastframe run flask run", "wsproto", ["flask_sock"]),
    ("flask-sock", "fastframe run gunicorn --threads 100 app:app", "wsproto",
     ["flask_sock", "gunicorn"]),
    ("autobahn", "fastframe run python server.py", "autobahn", ["autobahn"]),
    ("trio-websocket", "fastframe run python server.py", "wsproto", ["trio_websocket"]),
    ("twisted", "fastframe run python server.py", "wsproto", ["twisted.web.websocket"]),
]  # fmt: skip
CLIENTS = [
    ("websockets", "python client.py", "websockets", ["websockets.asyncio"]),
    ("tornado", "fastframe run python client.py", "tornado", ["tornado"]),
    ("websocket-client", "fastframe run python client.py", "websocket-client", ["websocket"]),
    ("trio-websocket", "fastframe run python client.py", "wsproto", ["trio_websocket"]),
    ("httpx-ws", "fastframe run python client.py", "wsproto", ["httpx_ws"]),
]
ECHO = (Path(__file__).parent / "echo_asgi.py").read_text(encoding="utf-8")


def skip_without(modules: list[str]) -> None:
    for module in modules:
        pytest.importorskip(module.partition(".")[0])
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"no {module}")


@pytest.mark.parametrize(("page", "command", "target", "needs"), SERVERS)
def test_a_server(page: str, command: str, target: str, needs: list[str], tmp_path: Path) -> None:
    skip_without(needs)
    here = Page(f"howto/{page}.md")
    if "app.py" not in here.files():
        (tmp_path / "app.py").write_text(ECHO, encoding="utf-8")
    port = free_port()
    with here.server(command, port, tmp_path) as program:
        echoes(f"ws://127.0.0.1:{port}/ws")
        output = ended_sanic(program, command) if " sanic " in command else ended(program)
    if command.startswith("fastframe run"):
        # websockets counts one that only looks whether the server listens, too.
        assert connections(output, target) == (2 if page == "websockets" else 1), output
    else:
        assert "WebSockets run on fastframe" in output, output


def ended_sanic(program: Program, command: str) -> str:
    """Told to end in the first moment of its workers, it waits forever, with and without
    fastframe. So its workers are waited for, and then what they say."""
    until_said(program, "Worker ready", 2 if "--workers 2" in command else 1)
    program.process.terminate()
    until_said(program, r"connections that ran on fastframe: websockets [1-9]")
    return written(program)


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A server for clients, without fastframe."""
    skip_without(["uvicorn"])
    folder = tmp_path_factory.mktemp("peer")
    (folder / "app.py").write_text(ECHO, encoding="utf-8")
    port = free_port()
    command = ("-m", "uvicorn", "--ws", "websockets-sansio", f"--port={port}", "app:app")
    with started(*command, port=port, folder=folder):
        yield port


@pytest.mark.parametrize("case", CLIENTS, ids=lambda case: f"{case[0]}: {case[1]}")
def test_a_client(case: tuple[str, str, str, list[str]], tmp_path: Path, peer: int) -> None:
    page, command, target, needs = case
    skip_without(needs)
    output = Page(f"howto/{page}.md").client(command, peer, tmp_path)
    assert "hello" in output
    if command.startswith("fastframe run"):
        assert connections(output, target) == 1, output
    else:
        assert re.search(r"^1$", output, re.MULTILINE), output


ELSEWHERE = {
    "servers": {"fastframe run PROGRAM ..."},
    "flask-socketio": {
        "fastframe run python app.py", "fastframe run gunicorn --threads 100 app:app",
        "fastframe run python with_gevent.py",
    },
    "python-socketio": {BY_CLASS, "fastframe run python client.py"},
    "django": {
        "fastframe run python manage.py runserver", "pip install django channels daphne",
        "django-admin startproject mysite .", "fastframe run daphne mysite.asgi:application",
        "uvicorn --ws fastframe.uvicorn:WSProtocol mysite.asgi:application",
        "fastframe run hypercorn mysite.asgi:application",
        "fastframe run gunicorn -k asgi mysite.asgi:application",
    },
    "jupyter": {
        *(f"fastframe run jupyter {program}" for program in ("lab", "notebook", "server")),
        *(f"fastframe run {program} serve app.py" for program in ("bokeh", "panel")),
    },
    "mitmproxy": {"fastframe run mitmdump"},
}  # fmt: skip
"""What test_socketio.py, test_django.py, test_notebooks.py and test_mitmproxy.py run."""


@pytest.mark.parametrize("page", sorted({page for page, *_ in [*SERVERS, *CLIENTS]} | {*ELSEWHERE}))
def test_each_command_of_a_page_is_run(page: str) -> None:
    here = {command for of, command, *_ in [*SERVERS, *CLIENTS] if of == page}
    assert set(Page(f"howto/{page}.md").commands()) == here | ELSEWHERE.get(page, set())
