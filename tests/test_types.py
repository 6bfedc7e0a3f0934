"""The objects of the public API: what they say, and that they stay as they are."""

from __future__ import annotations

import copy
import pickle
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
        for name, value in vars(fastframe).items()
        if not name.startswith("_") and not isinstance(value, ModuleType) and name != "TYPE_CHECKING"
    }
    assert set(fastframe.__all__) == public | {"__version__", "index_frames"}
    with pytest.raises(AttributeError, match="module 'fastframe' has no attribute 'nonesuch'"):
        fastframe.nonesuch  # noqa: B018
