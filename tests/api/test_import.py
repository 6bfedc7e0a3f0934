"""`import fastframe`: what it needs, what it loads, and what it says where it cannot."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fastframe
import fastframe.deflate


def test_a_source_folder_that_is_not_built_says_so(tmp_path: Path) -> None:
    package = tmp_path / "fastframe"
    package.mkdir()
    for module in Path(fastframe.__file__).parent.glob("*.py"):
        shutil.copy(module, package)
    result = subprocess.run(
        [sys.executable, "-S", "-c", "import fastframe"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "the extension modules of fastframe are not built in" in result.stderr
    assert "pip install -e ." in result.stderr


def test_missing_extension_modules_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "fastframe._kernels", None)
        with pytest.raises(ImportError, match="the extension modules of fastframe are not built in"):
            importlib.reload(fastframe._built)
    importlib.reload(fastframe._built)


def test_import_survives_garbage_collection() -> None:
    """Types that are half made must not be visited; the collector runs at every allocation here."""
    code = "import gc; gc.set_threshold(1); import fastframe; fastframe.install('wsproto'); print('alive')"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.stdout == "alive\n", result.stderr


SLOW = ("asyncio", "concurrent", "dataclasses", "email", "importlib.metadata", "inspect", "logging", "pathlib", "typing", "wsproto", "numpy")  # fmt: skip


def test_import_loads_nothing_that_is_slow() -> None:
    code = f"import sys; import fastframe; print(*[name for name in {SLOW} if name in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True, env=environment()
    )
    assert result.stdout.split() == []


def environment() -> dict[str, str]:
    """With -S, which leaves out what site-packages load, the package is found by its path."""
    return {**os.environ, "PYTHONPATH": str(Path(fastframe.__file__).parent.parent)}
