"""What the documents show is what happens."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import ROOT, run_python
from tests.strategies import frame

EXPECTED = {
    "codec.py": "message 'zażółć 😀'\nmessage b'\\x00\\x01'\nanswers 81 0f 7a 61 c5 bc c3 b3 c5 82 "
    "c4 87 20 f0 9f 98 80 8a 0e ",
    "interpreters.py": "20 connections served by 4 interpreters",
    "under_wsproto.py": "active=True",
}


def output(*arguments: str) -> str:
    result = run_python(*arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("example", sorted(path.name for path in (ROOT / "examples").glob("*.py")))
def test_examples_run(example: str) -> None:
    if example == "interpreters.py" and sys.version_info < (3, 14):
        pytest.skip("InterpreterPoolExecutor is new in CPython 3.14")
    assert EXPECTED[example] in output(str(ROOT / "examples" / example))


DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_programs_in_documents_run(document: Path) -> None:
    program = "\n".join(programs(document))  # one after the other, as a reader meets them
    for package in ("uvicorn", "wsproto", "h2", "starlette", "websockets"):
        if re.search(rf"\b{package}\b", program):
            pytest.importorskip(package)
    output("-c", program)


def programs(document: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        ([(8, b"\x03\xe8")], b""),
        ([(1, b"late"), (2, b"late"), (8, b"")], b""),
        ([(9, b"?"), (8, b"\x03\xe8")], frame(10, b"?")),
        ([(1, b"late"), (3, b"broken")], b""),
    ],
)
def test_the_loop_of_the_readme_survives_its_own_close(
    wire: list[tuple[int, bytes]], expected: bytes
) -> None:
    """The peer still sends until it has seen the Close of this end, and then answers it."""
    (program,) = [text for text in programs(ROOT / "README.md") if "def data_received" in text]
    names: dict[str, Any] = {}
    exec(program, names)
    assert names["data_received"](frame(1, b"hello", key=b"key!")) == [frame(1, b"hello")]
    names["encoder"].close(1001)
    pieces = [frame(opcode, payload, key=b"key!") for opcode, payload in wire]
    assert b"".join(names["data_received"](b"".join(pieces))) == expected
    assert names["decoder"].finished
