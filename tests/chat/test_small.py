"""Pieces of the chat by themselves: no server, no Redis."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("redis")
pytest.importorskip("prometheus_client")
pytest.importorskip("starlette")

from examples.chat.connection import Connection, Service
from examples.chat.door import Bucket
from examples.chat.settings import Settings, kept_secret
from examples.chat.watching import Live, Metrics


def test_the_secret_is_never_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads it while others begin, too, has the same as all."""
    for attempt in range(20):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / str(attempt)))
        found: list[str] = []
        threads = [
            threading.Thread(target=lambda found=found: found.append(kept_secret()))
            for _ in range(8)
        ]  # type: ignore[misc]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(found)) == 1
        assert len(found[0]) == 64
        folder = tmp_path / str(attempt) / "fastframe-chat"
        assert [path.name for path in folder.iterdir()] == ["secret"]
        assert (folder / "secret").stat().st_mode & 0o777 == 0o600


def test_the_secret_is_complete_as_soon_as_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from examples.chat import settings

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path, seen = tmp_path / "fastframe-chat" / "secret", []
    original = settings.secrets.token_hex

    def token_hex(size: int) -> str:
        seen.append(path.exists())
        return original(size)

    monkeypatch.setattr(settings.secrets, "token_hex", token_hex)
    kept_secret()
    assert seen
    assert not any(seen), "it has no name before it has a content"


class Websocket:
    def __init__(self) -> None:
        self.closed: list[tuple[int, str]] = []

    async def receive(self) -> dict[str, Any]:
        return {"type": "websocket.receive", "bytes": b"no text"}

    async def send_text(self, text: str) -> None:
        pass

    async def close(self, code: int, reason: str) -> None:
        self.closed.append((int(code), reason))


def test_a_connection_that_is_refused_twice_at_once_is_closed_once() -> None:
    async def run() -> tuple[list[Any], float]:
        metrics, websocket = Metrics(), Websocket()
        service = Service(Settings(), None, None, metrics, Live())  # type: ignore[arg-type]
        connection = Connection(websocket, "user", Bucket(10, 10), service)  # type: ignore[arg-type]
        connection._too_slow.set()
        await connection.run()
        refused = sum(
            sample.value
            for metric in metrics.refused.collect()
            for sample in metric.samples
            if sample.name.endswith("_total")
        )
        return websocket.closed, refused

    closed, refused = asyncio.run(run())
    assert len(closed) == 1
    assert refused == 1
