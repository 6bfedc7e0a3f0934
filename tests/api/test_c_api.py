"""Other extension modules on fastframe: those of examples/extension, compiled against the package
that is installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastframe
from fastframe import Close, Decoder, Encoder, Ping, Pong, ProtocolError, Role, Text
from fastframe._cli.differential import Session
from fastframe.deflate import Deflate
from tests.helpers import ROOT
from tests.strategies import frame, sessions

pytestmark = pytest.mark.compiles
KEY = b"key!"


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModuleType]:
    pytest.importorskip("Cython")
    pytest.importorskip("setuptools")
    folder = tmp_path_factory.mktemp("extension")
    for source in (ROOT / "examples/extension").glob("*.*"):
        shutil.copy(source, folder)
    built = subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "--inplace"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    sys.path.insert(0, str(folder))
    try:
        return {name: __import__(name) for name in ("counter", "consumer")}
    finally:
        sys.path.remove(str(folder))


@pytest.fixture
def counter(modules: dict[str, ModuleType]) -> Any:
    return modules["counter"]


@pytest.fixture
def consumer(modules: dict[str, ModuleType]) -> Any:
    return modules["consumer"]


def test_a_module_in_c_counts_frames(counter: Any) -> None:
    wire = frame(1, b"12345", key=KEY) + frame(2, bytes(70_000)) + frame(9, b"")
    assert counter.count(wire) == (3, 70_005)
    assert counter.count(wire[:-1]) == (2, 70_005)
    with pytest.raises(ValueError, match=r"RFC 6455, 5\.2"):
        counter.count(b"\x83\x00")


def test_a_module_in_cython_takes_messages(consumer: Any) -> None:
    decoder = Decoder(Role.SERVER)
    wire = (
        frame(1, "żółć".encode(), key=KEY)
        + frame(2, b"data", key=KEY)
        + frame(9, b"", key=KEY)
        + frame(1, b"abc", key=KEY)
    )
    assert consumer.characters(decoder, wire + wire[:3]) == (2, 7)
    assert consumer.characters(decoder, wire[3:]) == (2, 7)
    with pytest.raises(ProtocolError, match=r"RFC 6455, 5\.1"):
        consumer.characters(decoder, frame(1, b"unmasked"))


def as_payload(message: object) -> tuple[int, bytes]:
    """What decoder_next_payload has for it."""
    match message:
        case str():
            return 1, message.encode()
        case Text():
            return 1, bytes(message)
        case bytes():
            return 2, message
        case Close(code, reason):
            return 8, b"" if code == 1005 else code.to_bytes(2, "big") + reason.encode()
        case Ping(payload):
            return 9, payload
        case Pong(payload):
            return 10, payload
    raise AssertionError(message)


def payloads(consumer: Any, decoder: Decoder, data: bytes) -> list[object]:
    """What is in `data`, with the error at which it ends."""
    found: list[object] = []
    try:
        consumer.payloads(decoder, data, found)
    except ProtocolError as error:
        found.append(str(error))
    return found


@given(session=sessions(extensions=False), decode_text=st.booleans())
def test_payloads_are_those_of_the_messages(
    consumer: Any, session: Session, decode_text: bool
) -> None:
    """The same stream, cut in the same places, through the iteration and through
    decoder_next_payload."""
    role = Role.CLIENT if session.client else Role.SERVER
    expected, found = (
        Decoder(role, decode_text=decode_text, max_message_size=5000) for _ in range(2)
    )
    for piece in session.pieces:
        if expected.finished:
            break
        wanted: list[object] = []
        try:
            wanted.extend(as_payload(message) for message in expected.feed(piece))
        except ProtocolError as error:
            wanted.append(str(error))
        assert payloads(consumer, found, piece) == wanted
    assert repr(found) == repr(expected)


@pytest.mark.parametrize("length", [0, 1, 125, 126, 8192, 8193, 70_000])
@pytest.mark.parametrize("key", [None, KEY])
def test_payloads_of_every_length(consumer: Any, length: int, key: bytes | None) -> None:
    decoder = Decoder(Role.CLIENT if key is None else Role.SERVER)
    text, other = b"x" * length, "ż".encode() * (length // 2)
    wire = frame(1, text, key=key) + frame(1, other, key=key) + frame(2, text, key=key)
    assert payloads(consumer, decoder, wire) == [(1, text), (1, other), (2, text)]


def test_a_payload_stays_until_the_next_call(consumer: Any) -> None:
    """Also where the bytes that were fed are given back, and where a new piece follows what was
    left over."""
    for key in (None, KEY):
        decoder = Decoder(Role.CLIENT if key is None else Role.SERVER)
        wire = frame(1, b"x" * 100, key=key) * 50
        found = [
            payload
            for start in range(0, len(wire), 333)
            for payload in payloads(consumer, decoder, wire[start : start + 333])
        ]
        assert found == [(1, b"x" * 100)] * 50


def test_compressed_payloads(consumer: Any) -> None:
    agreement = Deflate().accept("permessage-deflate")
    assert agreement is not None
    client, decoder = (
        Encoder(Role.CLIENT, deflate=agreement),
        Decoder(Role.SERVER, deflate=agreement),
    )
    assert payloads(consumer, decoder, client.text("żółć" * 99) + client.binary(bytes(999))) == [
        (1, "żółć".encode() * 99),
        (2, bytes(999)),
    ]


def test_memory_of_its_own_is_echoed(consumer: Any) -> None:
    decoder, encoder = Decoder(Role.SERVER), Encoder(Role.SERVER)
    received = bytearray(frame(1, b"text", key=KEY) + frame(2, bytes(200), key=KEY))
    assert consumer.echo(decoder, encoder, received) == frame(1, b"text") + frame(2, bytes(200))


def test_the_kernels_are_there(consumer: Any) -> None:
    assert consumer.unmasked(b"12345" * 100, KEY) == fastframe.apply_mask(b"12345" * 100, KEY)


@pytest.mark.parametrize("wrong", [None, Encoder(Role.SERVER), Ping(b"")])
def test_another_object_is_refused(consumer: Any, wrong: object) -> None:
    with pytest.raises(TypeError, match="decoder must be a Decoder, not "):
        consumer.characters(wrong, b"")
    with pytest.raises(TypeError, match="encoder must be an Encoder, not int"):
        consumer.echo(Decoder(Role.SERVER), 1, bytearray(frame(1, b"x", key=KEY)))


@pytest.mark.parametrize(
    ("change", "advice"),
    [("#define FF_ABI 2", "compile"), ("void (*later)(void);", "install a newer")],
)
def test_a_module_for_another_abi_says_what_to_do(tmp_path: Path, change: str, advice: str) -> None:
    """What it was compiled with is another fastframe_api.h."""
    pytest.importorskip("setuptools")
    include = tmp_path / "include"
    shutil.copytree(fastframe.get_include(), include)
    header = include / "fastframe_api.h"
    text = header.read_text(encoding="utf-8")
    text = (
        text.replace("#define FF_ABI 1", change)
        if "ABI" in change
        else text.replace("} ff_api;", change + "\n} ff_api;")
    )
    header.write_text(text, encoding="utf-8")
    extension = f"Extension('counter', ['counter.c'], include_dirs=[{str(include)!r}])"
    setup = f"from setuptools import Extension, setup; setup(name='x', ext_modules=[{extension}])"
    (tmp_path / "setup.py").write_text(setup, encoding="utf-8")
    shutil.copy(ROOT / "examples/extension/counter.c", tmp_path)
    subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "--inplace"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    code = "import counter"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "ImportError: this module was compiled for ABI" in result.stderr
    assert advice in result.stderr
