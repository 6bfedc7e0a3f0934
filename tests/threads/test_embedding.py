"""CPython ends and begins anew in one process."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from fastframe._codec.kernels import MODULE_STATE

PROGRAM = """
import fastframe
from fastframe import Decoder, Encoder, Role, frame_index
wire = Encoder(Role.CLIENT).text("żółć") + Encoder(Role.CLIENT).close(1000, "bye")
received = [str(message) for message in Decoder(Role.SERVER).feed(wire)]
assert received == ["żółć", str(fastframe.Close(1000, "bye"))]
assert fastframe.prepare("text") == "text" and fastframe.is_utf8(b"a")
print("right", flush=True)
"""

UNDER_WSPROTO = """
fastframe.install("wsproto")
from wsproto.connection import SERVER, Connection
connection = Connection(SERVER)
connection.receive_data(wire)
assert [type(event).__name__ for event in connection.events()] == ["TextMessage", "CloseConnection"]
print("right", flush=True)
"""


@pytest.mark.compiles
@pytest.mark.programs
@pytest.mark.skipif(os.name == "nt", reason="embeds by a compiler's command line")
def test_an_embedded_interpreter_that_begins_again(tmp_path: Path) -> None:
    """A program that embeds CPython, and calls Py_Initialize and Py_FinalizeEx several times."""
    value = sysconfig.get_config_var
    folders = [folder for folder in (value("LIBDIR"), value("LIBPL")) if folder]
    library = f"python{value('LDVERSION') or value('VERSION')}"
    command = [
        *(value("CC") or "cc").split(), "-o", str(tmp_path / "embed"),
        str(Path(__file__).with_name("embed.c")), f"-I{sysconfig.get_path('include')}",
        *(f"-L{folder}" for folder in folders), *(f"-Wl,-rpath,{folder}" for folder in folders),
        f"-l{library}",
        *(value("LIBS") or "").split(), *(value("SYSLIBS") or "").split(),
        *(value("LINKFORSHARED") or "").split(),
    ]  # fmt: skip
    compiled = subprocess.run(command, capture_output=True, text=True, check=False)
    if compiled.returncode:
        pytest.skip(f"this Python cannot be embedded here: {compiled.stderr[-200:]}")

    def run(program: str) -> tuple[int, list[str], str]:
        result = subprocess.run(
            [str(tmp_path / "embed"), "4", program], capture_output=True, encoding="utf-8",
            check=False, timeout=120,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "PYTHONHOME": sys.base_prefix, "PYTHONUTF8": "1"},
        )  # fmt: skip
        return result.returncode, result.stdout.split(), result.stderr

    if not MODULE_STATE:
        assert run(PROGRAM)[:2] == (1, ["right"])
        assert "ImportError: fastframe is built without module state" in run(PROGRAM)[2]
        return
    assert run(PROGRAM)[:2] == (0, ["right"] * 4)
    if (
        run("import wsproto.connection")[0] == 0
    ):  # alone it crashes CPython 3.12.1, or it is not installed
        assert run(PROGRAM + UNDER_WSPROTO)[:2] == (0, ["right"] * 8)
