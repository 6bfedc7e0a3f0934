"""The report of the night: what a new release has changed, and the issue that says so."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from fastframe._targets.target import target
from tests.helpers import ROOT
from tests.libraries import newest
from tests.libraries.test_relied_on import Copy

GH = """#!{python}
import json, sys
with open({calls!r}, "a") as file:
    names = [name for option, name in zip(sys.argv, sys.argv[1:]) if option == "--body-file"]
    body = [open(name).read() for name in names]
    json.dump([sys.argv[1:3], "--title" in sys.argv, body], file)
    file.write("\\n")
if sys.argv[1:3] == ["issue", "list"]:
    print({issues!r})
"""


@pytest.fixture(params=[[], [{"number": 7, "title": "gunicorn: a new version needs a look"}]])
def calls(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What `gh` is called with: of a repository that has the issue already, or has not."""
    if os.name == "nt":
        pytest.skip("needs a program without a suffix")
    kept, program = tmp_path / "calls", tmp_path / "bin" / "gh"
    program.parent.mkdir()
    issues = json.dumps([*request.param, {"number": 9, "title": "another"}])
    program.write_text(GH.format(python=sys.executable, calls=str(kept), issues=issues))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")

    def found() -> list[Any]:
        return [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []

    return bool(request.param), found


@pytest.fixture
def installed() -> None:
    try:
        target("gunicorn").check()
    except ImportError as error:
        pytest.skip(str(error))


def test_nothing_has_changed(installed: None, calls: Any, capsys: Any) -> None:
    assert newest.main(["gunicorn", "release", "--issue"]) == 0
    assert capsys.readouterr().out.startswith("gunicorn ")
    assert calls[1]() == []


def test_something_has_changed(
    installed: None, calls: Any, capsys: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy of the library, in which a function that is replaced has another line."""
    copy = Copy("gunicorn", tmp_path)
    copy.insert("asgi.websocket:WebSocketProtocol._unmask", "changed = True")
    before = tmp_path / "before"
    monkeypatch.setattr(newest, "downloaded", lambda *_: Copy("gunicorn", before))
    before.mkdir()
    folders = (str(tmp_path / "gunicorn"),)
    monkeypatch.setattr("fastframe._targets.relied_on.folders_of", lambda package: folders)
    monkeypatch.setattr("fastframe._targets.relied_on._known", {})
    results = tmp_path / "results"
    results.write_text("1 passed\nFAILED tests/test_it.py::test_it - AssertionError\n")
    monkeypatch.setattr(newest.tempfile, "TemporaryDirectory", lambda: _Folder(before))
    code = newest.main(["gunicorn", "pre-release", "--results", str(results), "--issue"])
    text = capsys.readouterr().out
    assert code == 1
    assert "(pre-release) with fastframe: not active: gunicorn " in text
    assert "### `asgi.websocket:WebSocketProtocol._unmask`" in text
    assert "\n+    changed = True\n" in text
    assert "FAILED tests/test_it.py::test_it - AssertionError" in text
    exists, found = calls
    listing, filing = found()
    assert listing[0] == ["issue", "list"]
    assert filing == [
        ["issue", "edit" if exists else "create"],
        not exists,
        [text.removesuffix("\n")],
    ]


class _Folder:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> str:
        return str(self._path)

    def __exit__(self, *_: object) -> None:
        pass


def test_the_workflow_takes_each_target() -> None:
    workflow = (ROOT / ".github/workflows/libraries.yml").read_text(encoding="utf-8")
    for name in newest.PLACES:
        assert f"target: {name}" in workflow, name
