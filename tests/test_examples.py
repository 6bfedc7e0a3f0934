"""What the documents show is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXPECTED = {
    "codec.py": "message 'zażółć 😀'\nmessage b'\\x00\\x01'\nanswers 81 0f 7a 61 c5 bc c3 b3 c5 82 c4 87 20 f0 9f 98 80 8a 0e ",
    "under_wsproto.py": "active=True",
}


def output(*arguments: str) -> str:
    result = subprocess.run(
        [sys.executable, "-X", "utf8", *arguments], capture_output=True, encoding="utf-8", check=False, timeout=60
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("example", sorted(path.name for path in (ROOT / "examples").glob("*.py")))
def test_examples_run(example: str) -> None:
    assert EXPECTED[example] in output(str(ROOT / "examples" / example))


DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_programs_in_documents_run(document: Path) -> None:
    programs = re.findall(r"```python\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)
    output("-c", "\n".join(programs))  # one after the other, as a reader meets them
