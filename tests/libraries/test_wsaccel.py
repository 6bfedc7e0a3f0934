"""The kernels behind wsaccel's interface, against every implementation of it that can be had:
results and indices."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastframe import InvalidState
from fastframe._codec.wsaccel import Utf8Validator, XorMasker
from tests.failing_memory import fails_in, needs_failing_memory
from tests.strategies import broken_texts, texts


def validators() -> dict[str, Callable[[], Any]]:
    found = {}
    for module in (
        "autobahn.websocket.utf8validator",
        "autobahn.nvx",
        "wsaccel.utf8validator",
        "geventwebsocket.utf8validator",
    ):
        try:
            validator = importlib.import_module(module).Utf8Validator
            validator()  # its C code may be missing
        except ImportError:
            continue
        found[module] = validator
    return found | in_python()


def in_python() -> dict[str, Callable[[], Any]]:
    """autobahn's own without its C code, which it chooses at the import."""
    try:
        import autobahn.websocket
        from autobahn.websocket import utf8validator
    except ImportError:
        return {}
    before = getattr(autobahn.websocket, "USES_NVX", None)
    if before is None:  # it has none
        return {"autobahn in Python": utf8validator.Utf8Validator}
    autobahn.websocket.USES_NVX = False
    try:
        spec = utf8validator.__spec__
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        autobahn.websocket.USES_NVX = before
    return {"autobahn in Python": module.Utf8Validator}


VALIDATORS = validators()
long_texts = st.builds(lambda text, times: text * times, texts, st.integers(1, 20))
chunks = st.lists(st.one_of(texts, broken_texts, long_texts, st.binary(max_size=4)), max_size=6)


@pytest.mark.skipif("autobahn" not in sys.modules, reason="autobahn is not installed")
def test_there_are_some() -> None:
    assert "autobahn in Python" in VALIDATORS


@pytest.mark.parametrize("name", VALIDATORS)
@given(chunks=chunks, cuts=st.lists(st.integers(0, 200), max_size=6), resets=st.booleans())
def test_validate(name: str, chunks: list[bytes], cuts: list[int], resets: bool) -> None:
    """Characters cut across chunks, wrong bytes anywhere, and what follows them."""
    own = VALIDATORS[name]
    expected, found = own(), Utf8Validator(own)
    data = b"".join(chunks)
    for _ in range(2):
        rest = data
        for cut in [*cuts, len(rest)]:
            chunk, rest = rest[:cut], rest[cut:]
            assert found.validate(chunk) == expected.validate(chunk)
        if resets:
            expected.reset()
            found.reset()


@pytest.mark.parametrize("name", VALIDATORS)
@pytest.mark.parametrize("position", [0, 1, 255, 256, 257, 511, 512, 513, 10_000])
@pytest.mark.parametrize("character", ["x", "é", "€", "😀"])
def test_the_byte_at_fault_is_found(name: str, position: int, character: str) -> None:
    own = VALIDATORS[name]
    for before in range(3):
        expected, found = own(), Utf8Validator(own)
        for chunk in (
            "😀".encode()[:before],
            ("😀".encode()[before:] if before else b"") + character.encode() * position + b"\xff",
            b"x",
            b"",
        ):
            assert found.validate(chunk) == expected.validate(chunk)


def test_own_is_made_only_where_a_byte_is_wrong() -> None:
    made: list[object] = []

    def own() -> Any:
        made.append(1)
        return next(iter(VALIDATORS.values()))()

    validator = Utf8Validator(own)
    for chunk in (b"text", "€".encode()[:2], "€".encode()[2:], b""):
        assert validator.validate(chunk)[0]
    assert not made
    if VALIDATORS:
        assert not validator.validate(b"\xff")[0]
        assert made == [1]


class Reentrant:
    """A validator of a library that is called in the middle of a call, and calls back."""

    validator: Utf8Validator

    def validate(self, data: bytes) -> tuple[bool, bool, int, int]:
        with pytest.raises(InvalidState):
            self.validator.validate(b"")
        with pytest.raises(InvalidState):
            self.validator.reset()
        return bool(not data), True, 0, 0


def test_a_call_inside_a_call_is_refused() -> None:
    validator = Utf8Validator(Reentrant)
    Reentrant.validator = validator
    assert validator.validate(b"a\xff") == (False, True, 0, 0)


@given(st.binary(min_size=4, max_size=4), st.lists(st.binary(max_size=50), max_size=5))
def test_xor_masker(key: bytes, chunks: list[bytes]) -> None:
    masker = XorMasker(key)
    for _ in range(2):
        position = 0
        for chunk in chunks:
            assert masker.process(chunk) == bytes(
                byte ^ key[(position + i) % 4] for i, byte in enumerate(chunk)
            )
            position += len(chunk)
            assert masker.pointer() == position
        masker.reset()


@pytest.mark.parametrize("key", [b"", b"key", b"keys!"])
def test_a_mask_of_another_size_is_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match=f"mask must have 4 bytes, not {len(key)}"):
        XorMasker(key)


@pytest.mark.parametrize("wrong", ["text", 1, None])
def test_what_is_not_bytes_is_refused(wrong: Any) -> None:
    for call in (XorMasker, XorMasker(b"key!").process, Utf8Validator(None).validate):
        with pytest.raises(TypeError, match="must be a contiguous bytes-like object"):
            call(wrong)


# ---- memory ends ---------------------------------------------------------------------------------


@needs_failing_memory
@pytest.mark.parametrize(
    "chunk", [b"abc", "żółć".encode() * 100, b"\xc3", b"good \xff bad", b"\xa9"]
)
@pytest.mark.parametrize("before", [b"", b"before", b"\xc3"])
def test_a_validation_that_failed_has_changed_nothing(before: bytes, chunk: bytes) -> None:
    own = VALIDATORS.get("autobahn in Python") or pytest.skip("autobahn is not installed")
    expected = Utf8Validator(own)
    first, second, third = (expected.validate(part) for part in (before, chunk, b"after"))
    failures = 0
    for number in range(1, 30):
        validator = Utf8Validator(own)
        assert validator.validate(before) == first
        if fails_in(number, validator.validate, chunk) is None:
            continue  # a later one may fail
        failures += 1
        assert validator.validate(chunk) == second, number
        assert validator.validate(b"after") == third, number
    assert failures > 0 or len(chunk) < 100, "small numbers need no memory"


@needs_failing_memory
@pytest.mark.parametrize("size", [0, 1, 7, 1000])
def test_a_masking_that_failed_has_changed_nothing(size: int) -> None:
    failures = 0
    for number in range(1, 30):
        masker = XorMasker(b"key!")
        masker.process(b"x")
        if fails_in(number, masker.process, bytes(size)) is None:
            continue
        failures += 1
        assert masker.pointer() == 1
        assert masker.process(bytes(8)) == b"ey!key!k"
    assert failures > 0 or size == 0
