"""docs/howto/django.md: the project that it makes, under each server that it names."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("django")
pytest.importorskip("channels")
pytest.importorskip("daphne")

from tests.howto.framework_pages import Page, connections, echoes, ended, until_said
from tests.servers.programs import free_port

pytestmark = [
    pytest.mark.programs,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.skipif(os.name == "nt", reason="the servers are ended with signals"),
]

PAGE = Page("howto/django.md")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    start = "django-admin startproject mysite ."
    assert start in PAGE.commands()
    subprocess.run(
        [sys.executable, "-m", "django", *shlex.split(start)[1:]], cwd=tmp_path, check=True
    )
    block = r"```py\n# At the end of .*?settings.py\n(.*?)```"
    (settings,) = re.findall(block, PAGE.text, re.DOTALL)
    with (tmp_path / "mysite" / "settings.py").open("a", encoding="utf-8") as file:
        file.write(settings)
    return tmp_path


@pytest.mark.parametrize(
    ("command", "needs", "target"),
    [
        ("fastframe run daphne mysite.asgi:application", "daphne", "autobahn"),
        ("uvicorn --ws fastframe.uvicorn:WSProtocol mysite.asgi:application", "uvicorn", "uvicorn"),
        ("fastframe run hypercorn mysite.asgi:application", "hypercorn", "wsproto"),
        ("fastframe run gunicorn -k asgi mysite.asgi:application", "gunicorn.asgi", "gunicorn"),
    ],
)
def test_a_server(command: str, needs: str, target: str, project: Path) -> None:
    pytest.importorskip(needs)
    port = free_port()
    with PAGE.server(command, port, project) as program:
        echoes(f"ws://127.0.0.1:{port}/ws")
        output = ended(program)
    if "run" in command.split():
        assert connections(output, target) == 1, output
    else:
        assert "WebSockets run on fastframe" in output


def test_runserver(project: Path) -> None:
    """It reloads, so the server is a process of its own; ctrl-C ends both."""
    port = free_port()
    with PAGE.server("fastframe run python manage.py runserver", port, project) as program:
        echoes(f"ws://127.0.0.1:{port}/ws")
        os.killpg(program.process.pid, signal.SIGINT)
        until_said(program, "connections that ran on fastframe: .*autobahn [1-9]")
        assert connections(program.output(), "autobahn") == 1
