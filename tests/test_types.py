"""The objects of the public API: what they say, and that they stay as they are."""

from __future__ import annotations

import ast
import copy
import dataclasses
import doctest
import enum
import importlib
import inspect
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import fastframe
import fastframe.deflate
from fastframe import Close, CloseCode, Opcode, Ping, Pong, ProtocolError
from tests import stub_docstrings


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
        patch.setitem(sys.modules, "fastframe._kernels", None)
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


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ((-1,), ValueError, "^code must be from 0 to 65535, not -1$"),
        ((65536,), ValueError, "^code must be from 0 to 65535, not 65536$"),
        ((2**64,), ValueError, "^code must be from 0 to 65535"),
        ((1000.9,), TypeError, "^code must be an int, not float$"),
        (("1000",), TypeError, "^code must be an int, not str$"),
        ((True,), TypeError, "^code must be an int, not bool$"),
    ],
)
def test_a_status_code_is_checked(arguments: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        Close(*arguments)
    assert Close(CloseCode.GOING_AWAY) == Close(1001)


class MyClose(Close):
    pass


class MyPing(Ping):
    note: str


@pytest.mark.parametrize(("kind", "arguments"), [(MyClose, (1000, "bye")), (MyPing, (b"p",))])
def test_a_subclass_is_equal_to_its_equal_and_copied_as_it_is(kind: Any, arguments: Any) -> None:
    value = kind(*arguments)
    value.note = "kept"
    for other in (kind(*arguments), copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert (type(other), other, hash(other)) == (kind, value, hash(value))
    assert copy.copy(value).note == "kept"
    assert value != kind.__mro__[1](*arguments)
    assert repr(value).startswith(kind.__name__)


def test_close_codes_are_those_that_may_be_sent_or_stand_for_something() -> None:
    encoder = fastframe.Encoder(fastframe.Role.SERVER)
    never = {CloseCode.NO_STATUS_RECEIVED, CloseCode.ABNORMAL_CLOSURE, CloseCode.TLS_HANDSHAKE}
    for code in CloseCode:
        if code in never - {CloseCode.NO_STATUS_RECEIVED}:
            with pytest.raises(ValueError, match=f"code {int(code)} must not be sent"):
                encoder.close(code)
        else:
            assert fastframe.Encoder(fastframe.Role.SERVER).close(code)


def test_a_header_is_a_frozen_dataclass() -> None:
    header = fastframe.parse_header(b"\x81\x05")
    assert dataclasses.asdict(header) == {  # type: ignore[arg-type]
        "fin": True, "rsv": 0, "opcode": Opcode.TEXT, "payload_length": 5, "masking_key": None, "size": 2
    }  # fmt: skip
    with pytest.raises(dataclasses.FrozenInstanceError):
        header.fin = False  # type: ignore[union-attr, misc]


PUBLIC = [
    *((name, getattr(fastframe, name)) for name in fastframe.__all__ if name != "__version__"),
    *((f"deflate.{name}", getattr(fastframe.deflate, name)) for name in fastframe.deflate.__all__),
]


def methods(value: object) -> list[tuple[str, Any]]:
    if not isinstance(value, type):
        return []
    return [(name, member) for name, member in vars(value).items() if not name.startswith("_") and (
        callable(member) or isinstance(member, property) or inspect.isgetsetdescriptor(member)
    ) and not isinstance(member, (enum.Enum, type)) and member.__doc__ is not None]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), PUBLIC, ids=[name for name, _ in PUBLIC])
def test_every_public_name_has_a_signature(name: str, value: Any) -> None:
    inspect.signature(value)
    for method, member in methods(value):
        if callable(member):
            assert "self" in inspect.signature(member).parameters, method


@pytest.mark.parametrize(("name", "value"), PUBLIC, ids=[name for name, _ in PUBLIC])
def test_every_public_docstring_has_an_example_that_runs(name: str, value: Any) -> None:
    if name == "index_frames":
        pytest.importorskip("numpy")
    examples = {name: value, **{f"{name}.{method}": member for method, member in methods(value)}}
    names = {**vars(fastframe), **{public: getattr(fastframe, public) for public in fastframe.__all__}}
    for full_name, member in examples.items():
        test = doctest.DocTestParser().get_doctest(
            inspect.getdoc(member), {**names, **vars(fastframe.deflate)}, full_name, None, 0
        )
        assert test.examples, f"{full_name} has no example"
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL)
        assert runner.run(test).failed == 0, full_name


def test_the_signatures_say_what_the_classes_take() -> None:
    assert str(inspect.signature(fastframe.Decoder)) == (
        "(role, *, max_message_size=16777216, max_frame_size=16777216, max_fragments=8192, deflate=None, decode_text=True)"
    )
    assert str(inspect.signature(fastframe.Encoder)) == "(role, *, masking_keys=None, deflate=None)"
    assert str(inspect.signature(Close)) == "(code=1005, reason='')"
    limits = inspect.signature(fastframe.Decoder).parameters
    text = repr(fastframe.Decoder(fastframe.Role.SERVER))
    for name in ("max_message_size", "max_frame_size", "max_fragments"):
        assert f"{name}={limits[name].default}" in text


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


@pytest.mark.parametrize("stub", stub_docstrings.STUBS, ids=lambda path: path.name)
def test_the_stubs_carry_the_docstrings(stub: Path) -> None:
    tree = ast.parse(stub.read_text(encoding="utf-8"))
    found = list(stub_docstrings.pairs(tree.body, stub_docstrings.module_of(stub)))
    assert len(found) > 5
    for node, value in found:
        assert ast.get_docstring(node) == inspect.getdoc(value), f"{node.name}: run python -m tests.stub_docstrings"
