"""Whole frames, for libraries that keep the buffer: taken out of its front or left as they are, and
the memory of one that is still arriving."""

from __future__ import annotations

import gc
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastframe import Decoder, Role
from fastframe._codec.whole_frames import (
    AsciiBytes,
    Gathering,
    begun_frame,
    frame_apart,
    frame_in,
    masked_text,
    message_frame,
    take_frame,
    text_of,
)
from tests.helpers import KEY, outcome
from tests.strategies import frame, sessions

TEXTS = ("", "x", "x" * 70_000, "ż" * 40_000, "世" * 30_000, "😀" * 20_000, "a" * 3000 + "é")
ANY = sys.maxsize


def begun(payload: bytes, *, opcode: int = 2, key: bytes | None = KEY) -> tuple[Any, bytes]:
    """A Gathering, and the payload on the wire."""
    sent = frame(opcode, payload, key=key)
    found = begun_frame(bytearray(sent), key is not None, ANY, 0)
    assert found is not None
    assert (found.opcode, found.rsv, found.length) == (opcode, 0, len(payload))
    return found, sent[found.header_size :]


# ---- out of a buffer -----------------------------------------------------------------------------


@given(sessions(extensions=False), st.sampled_from([ANY, 100, 0]))
def test_taken_or_left(session: Any, limit: int) -> None:
    """What is taken is what a Decoder gives; what is not taken is there as before."""
    buffer = bytearray(b"".join(session.frames))
    role = Role.CLIENT if session.client else Role.SERVER
    while buffer:
        before = bytes(buffer)
        taken = take_frame(buffer, not session.client, limit, 0)
        if taken is None:
            assert bytes(buffer) == before
            whole = begun_frame(buffer, not session.client, limit, 0)
            assert whole is None or isinstance(whole, Gathering)
            return
        opcode, rsv, payload, length, size = taken
        assert bytes(buffer) == before[size:]
        assert rsv == 0
        assert length <= limit
        assert len(payload.encode() if isinstance(payload, str) else payload) == length
        decoder = Decoder(role)
        (message,) = outcome_of_close(decoder, before[:size])
        if opcode in (1, 2):
            assert message == payload
            assert frame_in(before, not session.client, limit, True) == (
                opcode, payload.encode() if isinstance(payload, str) else payload, size,
            )  # fmt: skip


def outcome_of_close(decoder: Decoder, data: bytes) -> list[Any]:
    """What a Decoder makes of a frame; of a Close that it refuses an error."""
    kind, found = outcome(lambda: list(decoder.feed(data)))
    return found if kind is list else [found]


@pytest.mark.parametrize("limit", [None, "1", 1.5, True, -1, [], 1 << 80, ANY])
def test_limits_of_any_type(limit: Any) -> None:
    """A library's limit may be anything that a program has put there."""
    taken = take_frame(bytearray(frame(1, b"x", key=KEY)), True, limit, 0)
    assert (taken is not None) is (type(limit) is int and limit > 0)


def test_a_buffer_that_is_in_use_stays_as_it_is() -> None:
    buffer = bytearray(frame(1, b"x", key=KEY))
    with memoryview(buffer), pytest.raises(BufferError):
        take_frame(buffer, True, ANY, 0)
    assert take_frame(buffer, True, ANY, 0) == (1, 0, "x", 1, 7)


@pytest.mark.parametrize("length", [0xFFFF_FFFF_FFFF_FFFF, 1 << 63, (1 << 63) - 1, 1 << 32])
def test_lengths_that_lie(length: int) -> None:
    header = b"\x82\xff" + length.to_bytes(8, "big") + KEY + b"some"
    assert take_frame(bytearray(header), True, ANY, 0) is None
    assert frame_in(header, True, ANY, True) is None
    gathering = begun_frame(bytearray(header), True, ANY, 0)
    assert (gathering is None) is (length >> 63 == 1)
    if gathering is not None:
        assert gathering.grow(4) == 16 * 1024
        assert gathering.grow(16 * 1024) == 64 * 1024


@pytest.mark.parametrize("text", [b"\xff", b"cut \xc3", b"\xed\xa0\x80", "żółć".encode()[:-1]])
def test_bytes_that_are_no_text(text: bytes) -> None:
    sent = frame(1, text, key=KEY)
    assert take_frame(bytearray(sent), True, ANY, 0) is None
    assert frame_in(sent, True, ANY, True) is None
    assert frame_in(sent, True, ANY, False) == (1, text, len(sent))
    for function in (text_of, lambda data: masked_text(data, bytes(4))):
        with pytest.raises(UnicodeDecodeError) as raised:
            function(text)
        alone = outcome(text.decode)
        assert str(raised.value) == alone[1]


@pytest.mark.parametrize("text", TEXTS)
def test_texts(text: str) -> None:
    assert text_of(text.encode()) == text
    sent = frame(1, text.encode(), key=KEY)
    assert masked_text(sent[len(sent) - len(text.encode()) :], KEY) == text
    with pytest.raises(ValueError, match="four bytes"):
        masked_text(b"x", b"key")


# ---- the memory of a payload ---------------------------------------------------------------------


@pytest.mark.parametrize("key", [KEY, None])
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("opcode", [1, 2])
def test_gathered(key: bytes | None, text: str, opcode: int) -> None:
    """In as many steps as it takes; and the same while somebody still looks at the memory."""
    for looked_at in (False, True):
        gathering, wire = begun(text.encode(), opcode=opcode, key=key)
        end = room = 0
        while end < len(wire) or not room:
            room = gathering.grow(end or 100)
            assert end <= room <= len(wire)
            with memoryview(gathering) as view:
                assert len(view) == room
                view[end:] = wire[end:room]
            end = room
            if not wire:
                break
        kept = memoryview(gathering) if looked_at else None
        found = gathering.payload()
        assert found == (text if opcode == 1 else text.encode())
        assert hash(found) == hash(text if opcode == 1 else text.encode())
        if kept is not None:
            kept.release()


def test_gathered_bytes_that_are_no_text() -> None:
    gathering, wire = begun(b"a" * 5000 + b"\xff", opcode=1)
    assert not gc.is_tracked(gathering)
    assert gathering.grow(5000) == 5001
    with memoryview(gathering) as view:
        view[:] = wire
    assert gathering.payload() == b"a" * 5000 + b"\xff"


def test_before_all_of_it_is_there() -> None:
    gathering, _ = begun(bytes(100_000))
    for _ in range(2):
        with pytest.raises(ValueError, match="not complete"):
            gathering.payload()
        gathering.grow(0)
    made_by_itself = Gathering()
    assert len(memoryview(made_by_itself)) == 0
    assert made_by_itself.payload() == b""


def test_it_is_empty_afterwards() -> None:
    gathering, wire = begun(bytes(300))
    gathering.grow(300)
    with memoryview(gathering) as view:
        view[:] = wire
    assert gathering.payload() == bytes(300)
    assert len(memoryview(gathering)) == 0
    with pytest.raises(ValueError, match="not complete"):
        gathering.payload()


def test_memory_that_is_in_use_does_not_grow() -> None:
    gathering, _ = begun(bytes(100_000))
    assert gathering.grow(0) == 16 * 1024
    with memoryview(gathering), pytest.raises(BufferError, match="must not grow"):
        gathering.grow(16 * 1024)
    assert gathering.grow(16 * 1024) == 64 * 1024
    assert gathering.grow(64 * 1024) == 100_000


def test_memory_that_is_looked_at_lives_on() -> None:
    gathering, wire = begun(bytes(range(256)) * 20)
    gathering.grow(len(wire))
    view = memoryview(gathering)
    view[:] = wire
    payload = gathering.payload()
    del gathering
    gc.collect()
    assert payload == bytes(range(256)) * 20
    view[:] = bytes(len(wire))
    assert payload == bytes(range(256)) * 20, "nobody sees it change"


# ---- of a message --------------------------------------------------------------------------------


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("message", [*TEXTS, b"", b"x" * 70_000])
def test_made(message: str | bytes, masked: bool) -> None:
    size = len(message.encode() if isinstance(message, str) else message)
    made, length = message_frame(message, isinstance(message, str), masked)
    assert length == size
    role = Role.SERVER if masked else Role.CLIENT
    assert list(Decoder(role).feed(made)) == [message]


@pytest.mark.parametrize("message", [None, 5, bytearray(b"x"), memoryview(b"x"), ["x"]])
def test_of_what_is_no_message(message: Any) -> None:
    with pytest.raises(TypeError):
        message_frame(message, True, False)


def test_surrogates() -> None:
    with pytest.raises(UnicodeEncodeError):
        message_frame("\ud800", True, False)


@pytest.mark.parametrize("size", [(1 << 17) - 1, 1 << 17, 1 << 20])
def test_made_apart(size: int) -> None:
    """Large ones that need not be encoded: a header, and a buffer that is the message itself."""
    for message, text in (("x" * size, True), (b"y" * size, False)):
        apart = frame_apart(message, text)
        assert (apart is None) is (size < 1 << 17)
        if apart is not None:
            header, payload = apart
            assert list(Decoder(Role.CLIENT).feed(header + bytes(payload))) == [message]
            assert len(payload) == size
    assert frame_apart("é" * size, True) is None


def test_the_characters_of_a_str() -> None:
    text = "abc" * 10
    buffer = AsciiBytes(text)
    with memoryview(buffer) as view:
        assert view.readonly
        assert bytes(view) == text.encode()
        del buffer, text
        gc.collect()
        assert bytes(view) == b"abc" * 10
    with pytest.raises(ValueError, match="ASCII"):
        AsciiBytes("é")
