"""The kernels for Python, every one of them against a plain oracle."""

from __future__ import annotations

import array
import gc
import inspect
import itertools
import os
import random
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastframe
from fastframe import (
    Header,
    Opcode,
    ProtocolError,
    Utf8Validator,
    apply_mask,
    apply_mask_into,
    is_utf8,
    parse_header,
)
from fastframe._codec import kernels
from tests.helpers import KEY, run_python
from tests.strategies import broken_texts, frame


def plain_mask(data: bytes, key: bytes, offset: int = 0) -> bytes:
    return bytes(byte ^ key[(i + offset) % 4] for i, byte in enumerate(data))


def decodes(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


# ---- masking -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("kernel")
def test_mask_every_length_alignment_and_offset() -> None:
    data = random.Random(1).randbytes(400)
    for length, start in itertools.product(
        [*range(140), 191, 192, 193, 255, 256, 257, 300], range(0, 64, 7)
    ):
        piece = memoryview(data)[start : start + length]
        for offset in (0, 1, 2, 3, 4, 2**63 + 1):
            expected = plain_mask(piece.tobytes(), KEY, offset)
            assert apply_mask(piece, KEY, offset) == expected
            target = bytearray(data)
            apply_mask_into(memoryview(target)[start : start + length], KEY, offset)
            assert target == data[:start] + expected + data[start + len(expected) :]


@given(st.binary(max_size=2000), st.binary(min_size=4, max_size=4), st.integers(0, 2000))
@pytest.mark.usefixtures("kernel")
def test_mask_in_pieces_is_mask_as_a_whole(data: bytes, key: bytes, cut: int) -> None:
    whole = apply_mask(data, key)
    assert whole == plain_mask(data, key)
    assert apply_mask(data[:cut], key) + apply_mask(data[cut:], key, min(cut, len(data))) == whole
    assert apply_mask(whole, key) == data


@pytest.mark.parametrize(
    "kind", [bytes, bytearray, memoryview, lambda data: array.array("B", data)]
)
def test_mask_takes_any_buffer(kind: Any) -> None:
    assert apply_mask(kind(b"hello"), kind(KEY)) == plain_mask(b"hello", KEY)
    assert type(apply_mask(kind(b"hello"), KEY)) is bytes


def test_mask_takes_arguments_by_name() -> None:
    assert apply_mask(masking_key=KEY, data=b"hello") == plain_mask(b"hello", KEY)
    assert apply_mask(b"hello", offset=1, masking_key=KEY) == plain_mask(
        b"hello", KEY[1:] + KEY[:1]
    )
    buffer = bytearray(b"hello")
    apply_mask_into(buffer=buffer, masking_key=KEY, offset=2**64 + 4)
    assert buffer == plain_mask(b"hello", KEY)
    assert str(inspect.signature(apply_mask)) == "(data, masking_key, offset=0)"


@pytest.mark.parametrize(
    ("positional", "named", "text"),
    [
        ((b"", KEY, 0, 0), {}, r"apply_mask\(\) takes at most 3 arguments, not 4"),
        ((b"",), {}, r"apply_mask\(\) needs the argument 'masking_key'"),
        ((), {"masking_key": KEY}, r"apply_mask\(\) needs the argument 'data'"),
        ((b"", KEY), {"mask": KEY}, r"apply_mask\(\) has no parameter 'mask'"),
        ((b"", KEY), {"data": b""}, r"apply_mask\(\) got 'data' twice"),
    ],
)
def test_mask_refuses_a_wrong_call(
    positional: tuple[Any, ...], named: dict[str, Any], text: str
) -> None:
    with pytest.raises(TypeError, match=text):
        apply_mask(*positional, **named)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (("text", KEY), TypeError, "data must be a contiguous bytes-like object, not str"),
        (
            (memoryview(b"strided")[::2], KEY),
            TypeError,
            "data must be a contiguous bytes-like object; this memoryview is not contiguous",
        ),
        ((b"", "keys"), TypeError, "masking_key must be a contiguous bytes-like object, not str"),
        ((b"", b"key"), ValueError, "masking_key must have 4 bytes, not 3"),
        ((b"", KEY, -1), ValueError, "offset must not be negative: -1"),
        ((b"", KEY, 1.0), TypeError, "offset must be an int, not float"),
    ],
)
def test_mask_refuses(arguments: tuple[Any, ...], error: type[Exception], text: str) -> None:
    for function in (apply_mask, apply_mask_into):
        changed = arguments if function is apply_mask else (bytearray(b""), *arguments[1:])
        if changed[1] is KEY and len(arguments) == 2:
            continue
        with pytest.raises(error, match=text):
            function(*changed)
    with pytest.raises(error, match=text):
        apply_mask(*arguments)


def test_mask_into_wants_a_writable_buffer() -> None:
    with pytest.raises(
        TypeError, match="buffer must be a writable bytes-like object; this bytes is not writable"
    ):
        apply_mask_into(b"frozen", KEY)  # type: ignore[arg-type]


# ---- UTF-8 ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("kernel")
def test_utf8_every_sequence_of_one_and_two_bytes() -> None:
    for length in (1, 2):
        for sequence in itertools.product(range(256), repeat=length):
            data = bytes(sequence)
            assert is_utf8(data) == decodes(data), data


EDGES = [0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC,
    0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF]  # fmt: skip


@pytest.mark.usefixtures("kernel")
def test_utf8_every_edge_of_three_and_four_bytes() -> None:
    for length in (3, 4):
        for sequence in itertools.product(EDGES, repeat=length):
            data = bytes(sequence)
            assert is_utf8(data) == decodes(data), data
            assert is_utf8(b"0123456789abcdef" + data) == decodes(data), data


@given(
    st.one_of(broken_texts, st.binary(max_size=80), st.text(max_size=80).map(str.encode)),
    st.lists(st.integers(0, 80)),
)
@pytest.mark.usefixtures("kernel")
def test_utf8_in_pieces(data: bytes, cuts: list[int]) -> None:
    validator = Utf8Validator()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    alive = [validator.feed(data[start:end]) for start, end in itertools.pairwise(edges)]
    assert validator.finish() == decodes(data)
    assert alive == sorted(alive, reverse=True), "once false it stays false"
    assert validator.finish() is True, "ready for a new text"


@pytest.mark.usefixtures("kernel")
def test_utf8_fails_at_the_first_byte_that_proves_it() -> None:
    for sequence in itertools.product(EDGES, repeat=3):
        data = bytes(sequence)
        validator = Utf8Validator()
        alive = [validator.feed(data[i : i + 1]) for i in range(3)]
        # A prefix is alive if some bytes after it make it valid.
        expected = []
        for end in range(1, 4):
            try:
                data[:end].decode("utf-8")
                expected.append(True)
            except UnicodeDecodeError as error:
                expected.append(error.reason == "unexpected end of data")
        assert alive == expected, data


def test_utf8_validator_reset_and_errors() -> None:
    validator = Utf8Validator()
    assert validator.feed(b"\xff") is False
    assert validator.feed(b"fine") is False
    validator.reset()
    assert validator.feed(bytearray("é".encode())) is True
    assert validator.finish() is True
    for function in (is_utf8, validator.feed):
        with pytest.raises(TypeError, match="data must be a contiguous bytes-like object, not str"):
            function("text")  # type: ignore[operator]


# ---- header --------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65535, 65536, 70000])
@pytest.mark.parametrize("key", [None, KEY])
def test_parse_header(length: int, key: bytes | None) -> None:
    wire = frame(2, bytes(length), fin=False, rsv=5, key=key)
    size = len(wire) - length
    assert parse_header(wire) == Header(False, 5, Opcode.BINARY, length, key, size)
    for cut in range(size):
        assert parse_header(wire[:cut]) is None


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"\x83\x00", "opcode is reserved"),
        (b"\x09\x00", "must not be fragmented"),
        (b"\x89\x7e\x00\x7e", "more than 125"),
        (b"\x82\x7e\x00\x7d", "16-bit length"),
        (b"\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff", "64-bit length"),
        (b"\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00", "top bit"),
    ],
)
def test_parse_header_refuses(data: bytes, rule: str) -> None:
    with pytest.raises(ProtocolError, match=rule) as caught:
        parse_header(data)
    assert caught.value.code == 1002
    assert "RFC 6455, 5." in caught.value.reason
    assert str(caught.value) == f"1002: {caught.value.reason}"
    with pytest.raises(TypeError, match="data must be"):
        parse_header(data.decode("latin-1"))  # type: ignore[arg-type]


# ---- choice of the kernel ------------------------------------------------------------------------


@pytest.mark.parametrize("name", fastframe.available_kernels())
def test_the_environment_chooses(name: str) -> None:
    result = run_python(
        "-c", "import fastframe; print(fastframe.active_kernel())", FASTFRAME_KERNEL=name
    )
    assert result.stdout.strip() == name


def test_an_unknown_kernel_is_an_error_and_never_ignored() -> None:
    result = run_python("-c", "import fastframe", FASTFRAME_KERNEL="mmx")
    assert result.returncode != 0
    assert "ImportError: FASTFRAME_KERNEL=mmx asks for a kernel" in result.stderr
    assert "portable" in result.stderr
    with pytest.raises(ValueError, match="no kernel is called 'mmx' here"):
        kernels._select_kernel("mmx")


def test_import_is_light() -> None:
    names = {"wsproto", "numpy", "rich", "h11"}
    code = f"import sys, fastframe; print(sorted({names} & set(sys.modules)))"
    assert run_python("-c", code).stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda data: apply_mask(data, KEY), "data"), (is_utf8, "data"),
        (fastframe.parse_header, "data"),
        (fastframe.Utf8Validator().feed, "data"),
        (fastframe.Decoder(fastframe.Role.CLIENT).feed, "data"),
        (fastframe.Encoder(fastframe.Role.SERVER).binary, "data"),
        (fastframe.Encoder(fastframe.Role.SERVER).ping, "payload"),
        (lambda data: apply_mask_into(data, KEY), "buffer"),
        (lambda key: apply_mask(b"x", key), "masking_key"),
    ],
)  # fmt: skip
def test_arrays_that_are_not_contiguous_are_a_type_error(function: Any, name: str) -> None:
    np = pytest.importorskip("numpy")
    for strided in (
        np.zeros(8, np.uint8)[::2],
        np.zeros((3, 4), np.uint8, order="F"),
        memoryview(bytearray(8))[::2],
    ):
        with pytest.raises(TypeError, match=f"^{name} must be .*; this .* is not contiguous$"):
            function(strided)


def test_an_array_that_is_not_writable_is_a_type_error() -> None:
    np = pytest.importorskip("numpy")
    array = np.zeros(8, np.uint8)
    apply_mask_into(array, KEY)
    assert bytes(array) == KEY * 2
    array.setflags(write=False)
    with pytest.raises(
        TypeError,
        match=r"^buffer must be a writable bytes-like object; this numpy\.ndarray is not writable$",
    ):
        apply_mask_into(array, KEY)


def test_what_an_exporter_raises_for_its_own_reasons_is_not_hidden() -> None:
    view = memoryview(b"data")
    view.release()
    with pytest.raises(ValueError, match="released memoryview"):
        is_utf8(view)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="__buffer__ is new in Python 3.12")
@pytest.mark.parametrize(
    "call", ["feed", "binary", "is_utf8", "parse_header", "apply_mask", "buffer", "utf8"]
)
def test_an_object_that_changes_its_class_while_it_is_asked_for_its_bytes(call: str) -> None:
    """The error names a class that exists, and nothing is read that has been freed."""
    functions: dict[str, Callable[[Any], Any]] = {
        "feed": fastframe.Decoder(fastframe.Role.SERVER).feed,
        "binary": fastframe.Encoder(fastframe.Role.SERVER).binary,
        "is_utf8": fastframe.is_utf8,
        "parse_header": fastframe.parse_header,
        "apply_mask": lambda thing: fastframe.apply_mask(thing, b"key!"),
        "buffer": lambda thing: fastframe.apply_mask_into(thing, b"key!"),
        "utf8": fastframe.Utf8Validator().feed,
    }
    kept: list[Any] = []

    class Plain:
        pass

    def changing() -> Any:
        kind: Any = type(os.urandom(300).hex(), (), {})

        def __buffer__(self: Any, flags: int) -> memoryview:  # noqa: N807
            self.__class__ = Plain
            del self
            gc.collect()
            kept.append([("Z" * 600) + str(i) for i in range(200)])
            raise TypeError

        kind.__buffer__ = __buffer__
        return kind()

    for _ in range(3):
        with pytest.raises(TypeError, match=r"Plain|[0-9a-f]{40}"):
            functions[call](changing())
    assert kept


def test_a_validator_says_where_it_is() -> None:
    validator = Utf8Validator()
    assert repr(validator) == "<Utf8Validator, well-formed so far>"
    validator.feed("é".encode()[:1])
    assert repr(validator) == "<Utf8Validator, inside a character>"
    validator.feed(b"x")
    assert repr(validator) == "<Utf8Validator, not UTF-8>"
