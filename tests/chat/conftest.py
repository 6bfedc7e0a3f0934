"""A chat that runs: `up` as a program of its own, as its users start it."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parent.parent.parent


class Chat(NamedTuple):
    description: dict[str, Any]
    tls: ssl.SSLContext

    @property
    def url(self) -> str:
        return str(self.description["url"])

    @property
    def page(self) -> str:
        return str(self.description["page"])

    def token(self, user: str, seconds: float = 600) -> str:
        from examples.chat.door import token
        from examples.chat.settings import kept_secret

        return token(user, seconds, kept_secret())

    def server(self, number: int) -> str:
        """As it is reached without nginx."""
        return str(self.description["servers"][number]["url"])

    def get(self, number: int, path: str) -> str:
        url = self.server(number).replace("ws:", "http:").removesuffix("/chat") + path
        with urllib.request.urlopen(url, timeout=10) as answer:
            return str(answer.read().decode())

    def pid(self, number: int) -> int:
        """Of the process that runs now."""
        return int(json.loads(self.get(number, "/healthz"))["pid"])


@pytest.fixture(scope="session")
def start() -> Iterator[Callable[..., Chat]]:
    """Starts a chat with these options; all are stopped at the end."""
    from examples.chat.up import missing_programs

    if missing_programs():
        pytest.skip(f"not installed: {', '.join(missing_programs())}")
    processes: list[subprocess.Popen[str]] = []

    def start(*options: str) -> Chat:
        process = subprocess.Popen(
            [sys.executable, "-m", "examples.chat", "up", "--json", *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stdout is not None
        description = json.loads(process.stdout.readline())
        return Chat(description, ssl.create_default_context(cafile=description["ca"]))

    yield start
    for process in processes:
        process.send_signal(signal.SIGINT)
    for process in processes:
        assert process.wait(30) == 0
        assert process.stdout is not None
        process.stdout.close()


UNLIMITED = (
    "--message-rate",
    "10000",
    "--message-burst",
    "10000",
    "--user-message-rate",
    "10000",
    "--user-message-burst",
    "10000",
)


@pytest.fixture(scope="session")
def chat(start: Callable[..., Chat]) -> Chat:
    """With two servers, and no limits of rate that a test would meet by chance. Nobody kills
    anything in it."""
    return start("--servers", "2", *UNLIMITED)


@pytest.fixture
def mortal_chat(start: Callable[..., Chat]) -> Chat:
    """One for a test alone."""
    return start("--servers", "2", *UNLIMITED)


@pytest.fixture
def room(request: pytest.FixtureRequest) -> str:
    """One that no other test has."""
    return f"{request.node.name}-{os.urandom(4).hex()}"[-64:]
