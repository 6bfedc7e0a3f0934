"""The command in this process, on bytes or a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rich")

from fastframe._cli.main import main


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """What `--json` printed."""
        return [json.loads(line) for line in self.out.splitlines()]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The objects of one type."""
        return [item for item in self.objects if item["type"] == kind]

    @property
    def texts(self) -> list[str]:
        """Of the messages, Close reasons included."""
        return [item["text"] for item in self.of("message") if "text" in item]


Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Inspects bytes, which are written to a file, or a file."""

    def inspect(what: bytes | Path, *arguments: str) -> Result:
        path = what
        if isinstance(what, bytes):
            path = tmp_path / "capture"
            path.write_bytes(what)
        code = main(["inspect", str(path), *arguments])
        out, err = capsys.readouterr()
        return Result(code, out, err)

    return inspect
