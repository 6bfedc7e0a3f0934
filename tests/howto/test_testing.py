"""The tests that docs/howto/testing.md shows, as pytest runs them."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("websockets")

from tests.helpers import run_python
from tests.howto.pages import blocks


def test_the_page_under_pytest(tmp_path: Path) -> None:
    (tmp_path / "test_page.py").write_text("\n".join(blocks("testing.md", "python")))
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p no:asyncio\n")
    ran = run_python("-m", "pytest", "-q", str(tmp_path))
    assert "2 passed" in ran.stdout, ran.stdout
