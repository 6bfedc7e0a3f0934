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
from tests.helpers import run_python


def test_a_source_folder_that_is_not_built_says_so(tmp_path: Path) -> None:
    package = tmp_path / "fastframe"
    shutil.copytree(
        Path(fastframe.__file__).parent, package, ignore=shutil.ignore_patterns("*.so", "*.pyd")
    )
    result = subprocess.run(
        [sys.executable, "-S", "-c", "import fastframe"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "the extension modules of fastframe are not built in" in result.stderr
    assert "pip install -e ." in result.stderr


def test_missing_extension_modules_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "fastframe._codec.kernels", None)
        patch.delattr(sys, fastframe._codec.built.KEPT)
        with pytest.raises(
            ImportError, match="the extension modules of fastframe are not built in"
        ):
            importlib.reload(fastframe._codec.built)
    importlib.reload(fastframe._codec.built)


def test_a_module_of_an_interpreter_that_has_ended_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without module state CPython gives it back, emptied: tests/threads/test_embedding.py."""
    with monkeypatch.context() as patch:
        patch.setattr(fastframe._codec.kernels, "MODULE_STATE", None)
        patch.delattr(sys, fastframe._codec.built.KEPT)
        with pytest.raises(ImportError, match="built without module state"):
            importlib.reload(fastframe._codec.built)
    importlib.reload(fastframe._codec.built)


def test_import_survives_garbage_collection() -> None:
    """Types that are half made must not be visited; the collector runs at every allocation here."""
    code = (
        "import gc; gc.set_threshold(1); import fastframe; fastframe.install('wsproto'); "
        "print('alive')"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.stdout == "alive\n", result.stderr


SLOW = ("asyncio", "concurrent", "dataclasses", "email", "importlib.metadata", "inspect", "logging",
    "pathlib", "typing", "wsproto", "numpy")  # fmt: skip


def test_import_loads_nothing_that_is_slow() -> None:
    code = f"import sys; import fastframe; print(*[name for name in {SLOW} if name in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=environment(),
    )
    assert result.stdout.split() == []


def environment() -> dict[str, str]:
    """With -S, which leaves out what site-packages load, the package is found by its path."""
    return {**os.environ, "PYTHONPATH": str(Path(fastframe.__file__).parent.parent)}


AGAIN = {
    "patch.dict": """
with unittest.mock.patch.dict(sys.modules):
    import fastframe
    from fastframe.deflate import Deflate
    first = fastframe
import fastframe
assert fastframe is first
import fastframe.deflate
assert fastframe.deflate.Deflate is Deflate
""",
    "all modules, often": """
import fastframe, fastframe.deflate, fastframe.frame_protocol
first, Decoder = fastframe, fastframe.Decoder
fastframe.install("wsproto")
for i in range(5):
    for name in [name for name in sys.modules if name.partition(".")[0] == "fastframe"]:
        del sys.modules[name]
    import fastframe
    from fastframe.frame_protocol import FrameProtocol
    decoder = importlib.import_module("fastframe._codec.decoder")
    assert fastframe is first and fastframe.Decoder is Decoder is decoder.Decoder
    assert fastframe.status()["wsproto"].active == (i < 3)
    if i == 2:
        fastframe.uninstall("wsproto")
""",
    "the package alone": """
import fastframe, fastframe.deflate
first = fastframe
del sys.modules["fastframe"]
import fastframe
assert fastframe is first and fastframe.deflate
""",
    "an inner package": """
import fastframe, fastframe.wsproto.target
first = fastframe.wsproto.target
for name in [name for name in sys.modules if name.startswith("fastframe.wsproto")]:
    del sys.modules[name]
del sys.modules["fastframe"]
import fastframe.wsproto.target
assert fastframe.wsproto.target is first
""",
    "after a failure": """
os.environ["FASTFRAME_KERNEL"] = "none"
try:
    import fastframe
except ImportError as error:
    assert "none" in str(error)
else:
    raise AssertionError
del os.environ["FASTFRAME_KERNEL"]
import fastframe
""",
    "reload": """
import fastframe
first = fastframe
assert importlib.reload(fastframe) is first
""",
}


@pytest.mark.parametrize("how", AGAIN)
def test_it_can_be_imported_again(how: str) -> None:
    """What test suites do: modules are taken out of sys.modules, and imported anew."""
    check = """
wire = fastframe.Encoder(fastframe.Role.CLIENT).text("text")
assert list(fastframe.Decoder(fastframe.Role.SERVER).feed(wire)) == ["text"]
"""
    run_python(
        "-W",
        "error",
        "-c",
        f"import importlib, os, sys, unittest.mock\n{AGAIN[how]}{check}",
        check=True,
    )


@pytest.mark.parametrize(
    "where", ["builtins.kept", "sys.kept", "type(sys).kept", "sys.modules['threading'].kept"]
)
def test_objects_that_outlive_everything_else(where: str) -> None:
    """They are freed when CPython ends, after the modules."""
    if where.startswith("type"):
        where = "leaked"  # and one that is never freed
    code = f"""
import builtins, sys, threading, ctypes
import fastframe
kept = [fastframe.Decoder(fastframe.Role.SERVER), fastframe.Encoder(fastframe.Role.CLIENT)]
kept += [fastframe.prepare("x"), fastframe.Utf8Validator(), fastframe.Ping(b"x")]
kept += [kept[0].feed, kept[1].text, kept]
try:
    fastframe.install("wsproto")
    from wsproto.connection import CLIENT, Connection
    kept += [Connection(CLIENT), Connection(CLIENT).events()]
except fastframe.InstallError:
    pass
{"ctypes.pythonapi.Py_IncRef(ctypes.py_object(kept))" if where == "leaked" else f"{where} = kept"}
"""
    assert run_python("-X", "faulthandler", "-c", code).returncode == 0


def test_compiled_modules_find_the_table_of_functions_where_they_did() -> None:
    """`fastframe._api` is in fastframe_api.h, with which other modules were compiled."""
    import fastframe._api

    assert "fastframe._api.table" in repr(fastframe._api.table)
