"""wsproto's own test suite, from its sdist, with fastframe installed under it.

The sdist is downloaded, never kept in this repository; without a package index the test is skipped,
unless FASTFRAME_CI=1 says that it must not be.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

wsproto = pytest.importorskip("wsproto")

pytestmark = pytest.mark.downloads

# Rebinds what wsproto's tests import by name, before they do, so that they meet the fast classes.
PLUGIN = """
import sys
import wsproto.connection, wsproto.extensions, wsproto.frame_protocol
import fastframe, fastframe.frame_protocol as fast

fastframe.install("wsproto")
for module in [m for name, m in sys.modules.items() if name.partition(".")[0] == "wsproto"]:
    for name in ("FrameDecoder", "FrameProtocol"):
        if hasattr(module, name):
            setattr(module, name, getattr(fast, name))

def pytest_sessionfinish(session):
    assert fastframe.status()["wsproto"].active
    connection = wsproto.connection.Connection(wsproto.connection.SERVER)
    assert connection._proto.__class__ is fast.FrameProtocol
"""


def sdist(folder: Path) -> Path:
    """The unpacked sdist of the installed version."""
    downloaded = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:",
         "--disable-pip-version-check", "--dest", str(folder), f"wsproto=={wsproto.__version__}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    archives = list(folder.glob("*.tar.gz"))
    if not archives:
        message = (
            f"the sdist of wsproto {wsproto.__version__} could not be downloaded: "
            f"{downloaded.stderr[-300:]}"
        )
        if os.environ.get("FASTFRAME_CI") == "1":
            pytest.fail(message)
        pytest.skip(message)
    with tarfile.open(archives[0]) as archive:
        # Debian's 3.11.2 has no filters yet; the archive is the package index's own.
        archive.extractall(
            folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {})
        )  # type: ignore[arg-type]
    return next(path for path in folder.iterdir() if path.is_dir())


def test_wsprotos_own_suite_passes(tmp_path: Path) -> None:
    root = sdist(tmp_path)
    (tmp_path / "fastframe_under_wsproto.py").write_text(PLUGIN)
    tests = root / ("tests" if (root / "tests").is_dir() else "test")
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "fastframe_under_wsproto", "-p",
        "no:cacheprovider",
         "-c", os.devnull, "--rootdir", str(root), str(tests)],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    last_line = result.stdout.strip().rpartition("\n")[2]
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert "passed" in last_line
    assert "failed" not in last_line
    assert "skipped" not in last_line
    assert int(last_line.split()[0]) > 150, last_line
