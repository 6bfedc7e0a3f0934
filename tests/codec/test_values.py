"""Control frames, status codes, headers and errors: what they say, and that they stay as they
are."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import pytest

import fastframe
import fastframe.deflate
from fastframe import Close, CloseCode, Opcode, Ping, Pong, ProtocolError


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
    for other in (
        kind(*arguments),
        copy.copy(value),
        copy.deepcopy(value),
        pickle.loads(pickle.dumps(value)),
    ):
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
        "fin": True, "rsv": 0, "opcode": Opcode.TEXT, "payload_length": 5, "masking_key": None,
        "size": 2
    }  # fmt: skip
    with pytest.raises(dataclasses.FrozenInstanceError):
        header.fin = False  # type: ignore[union-attr, misc]
