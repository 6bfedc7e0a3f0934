"""The objects of the public API: what they say, and that they stay as they are."""

from __future__ import annotations

import copy
import importlib
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import fastframe
from fastframe import Close, Opcode, Ping, Pong, ProtocolError


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Ping(), "Ping(b'')"),
        (Ping(b"p"), "Ping(b'p')"),
        (Pong(b"q"), "Pong(b'q')"),
        (Close(), "Close(1005, '')"),
        (Close(1000, "bye"), "Close(1000, 'bye')"),
    ],
)
def test_control_frames(value: Any, text: str) -> None:
    assert repr(value) == text
    assert value == eval(text)
    assert hash(value) == hash(eval(text))
    assert pickle.loads(pickle.dumps(value)) == value
    assert copy.copy(value) == value
    assert value != text
    for name in type(value).__match_args__:
        with pytest.raises(AttributeError):
            setattr(value, name, getattr(value, name))
    with pytest.raises(AttributeError):
        value.other = 1


def test_kinds_differ() -> None:
    values: list[Any] = [
        Ping(b"a"),
        Pong(b"a"),
        Ping(b"b"),
        Close(1000, "a"),
        Close(1000),
        Close(1001, "a"),
        b"a",
        None,
    ]
    for i, one in enumerate(values):
        assert [one == other for other in values] == [i == j for j in range(len(values))]
    assert len(set(values)) == len(values)


def test_control_frames_want_the_right_types() -> None:
    for kind in (Ping, Pong):
        with pytest.raises(TypeError, match="payload"):
            kind("text")  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="payload"):
            kind(None)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Close("1000")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="reason"):
        Close(1000, b"reason")  # type: ignore[arg-type]


def test_protocol_error() -> None:
    error = ProtocolError(1009, "too big")
    assert isinstance(error, ValueError)
    assert (error.code, error.reason, str(error)) == (1009, "too big", "1009: too big")
    assert pickle.loads(pickle.dumps(error)).reason == "too big"


def test_opcodes_are_those_of_the_rfc() -> None:
    assert [(opcode.name, opcode.value) for opcode in Opcode] == [
        ("CONTINUATION", 0), ("TEXT", 1), ("BINARY", 2), ("CLOSE", 8), ("PING", 9), ("PONG", 10),
    ]  # fmt: skip


def test_exports() -> None:
    public = {
        name
        for name in dir(fastframe)
        if not name.startswith("_") and not isinstance(getattr(fastframe, name), ModuleType)
    }
    assert set(fastframe.__all__) | {"TYPE_CHECKING"} == public | {"__version__"}
    with pytest.raises(AttributeError, match="module 'fastframe' has no attribute 'encoder'"):
        _ = fastframe.encoder


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
        patch.setitem(sys.modules, "fastframe._core", None)
        with pytest.raises(ImportError, match="the extension modules of fastframe are not built in"):
            importlib.reload(fastframe._built)
    importlib.reload(fastframe._built)


def test_import_survives_garbage_collection() -> None:
    """Types that are half made must not be visited; the collector runs at every allocation here."""
    code = "import gc; gc.set_threshold(1); import fastframe; fastframe.install('wsproto'); print('alive')"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.stdout == "alive\n", result.stderr


class Liar(int):
    """An int that compares as it likes."""

    def __ge__(self, other: object) -> bool:
        return True

    __le__ = __gt__ = __lt__ = __eq__ = __ge__  # type: ignore[assignment]
    __hash__ = int.__hash__


def test_numbers_are_compared_by_their_value() -> None:
    decoder = fastframe.Decoder(fastframe.Role.SERVER)
    decoder.get_buffer()
    with pytest.raises(ValueError, match="nbytes must be from 0 to"):
        decoder.buffer_updated(Liar(2**40))
    assert len(decoder.get_buffer(Liar(2**70))) == 2**26
    assert len(decoder.get_buffer(Liar(-(2**70)))) == 65536
    with pytest.raises(ValueError, match="max_fragments must be from 1 to"):
        fastframe.Decoder(fastframe.Role.SERVER, max_fragments=Liar(0))
    with pytest.raises(TypeError, match="opcode must be an int, not bool"):
        fastframe.Encoder(fastframe.Role.SERVER).frame(True)
