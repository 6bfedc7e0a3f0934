"""Decoder: messages out of any pieces, each rule and each limit, and its state after an error."""

from __future__ import annotations

import ctypes
import itertools
import os
import struct
import subprocess
import sys
import tracemalloc
import weakref
import zlib
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastframe import Close, Decoder, Encoder, InvalidState, Ping, Pong, ProtocolError, Role, Text
from fastframe.deflate import Deflate
from tests.helpers import KEY
from tests.strategies import frame

AGREEMENT = Deflate().accept("permessage-deflate")

Message = str | bytes | Ping | Pong | Close


def by_feed(decoder: Decoder, piece: bytes) -> Iterable[Message]:
    return decoder.feed(piece)


def by_bytearray(decoder: Decoder, piece: bytes) -> Iterable[Message]:
    reused = bytearray(piece)
    decoder.feed(reused)
    reused[:] = bytes(len(reused))
    return decoder


def by_buffer(decoder: Decoder, piece: bytes) -> Iterable[Message]:
    """As asyncio receives into a BufferedProtocol."""
    rest = memoryview(piece)
    while rest:
        buffer = decoder.get_buffer(len(rest))
        size = min(len(buffer), len(rest))
        buffer[:size] = rest[:size]
        yield from decoder.buffer_updated(size)
        rest = rest[size:]
        if decoder.finished:
            return


WAYS_IN = [by_feed, by_bytearray, by_buffer]
WayIn = Callable[[Decoder, bytes], Iterable[Message]]


def decode(
    pieces: Iterable[bytes], role: Role = Role.SERVER, way_in: WayIn = by_feed, **limits: Any
) -> list[Message]:
    decoder = Decoder(role, **limits)
    found: list[Message] = []
    for piece in pieces:
        if decoder.finished:
            break
        found += way_in(decoder, piece)
    return found


TRAFFIC: list[Message] = [
    "hello", "", "żółć 日本 😀" * 50, b"", b"x" * 70000, Ping(b"p"), "a" * 200000, "é" * 100000,
    Pong(b""), b"y" * 300,
    Ping(b"q" * 125), bytes(range(256)) * 600,
]  # fmt: skip


def wire(messages: Iterable[Message], role: Role) -> bytes:
    encoder = Encoder(role)
    frames = []
    for message in messages:
        match message:
            case Ping(payload):
                frames.append(encoder.ping(payload))
            case Pong(payload):
                frames.append(encoder.pong(payload))
            case Close(code, reason):
                frames.append(encoder.close(code, reason))
            case _:
                frames.append(encoder.message(message))
    return b"".join(frames)


@pytest.mark.parametrize("way_in", WAYS_IN)
@pytest.mark.parametrize("role", list(Role))
@pytest.mark.usefixtures("kernel")
def test_pieces_of_any_size(way_in: WayIn, role: Role) -> None:
    peer = Role.CLIENT if role is Role.SERVER else Role.SERVER
    data = wire([*TRAFFIC, Close(1001, "bye")], peer) + b"what follows a Close is ignored"
    for size in (1, 2, 3, 7, 13, 137, 139, 140, 1000, 65536, 100_000, len(data)):
        if way_in is not by_feed and size < 13:
            continue
        pieces = [data[start : start + size] for start in range(0, len(data), size)]
        assert decode(pieces, role, way_in) == [*TRAFFIC, Close(1001, "bye")], size


@given(
    st.lists(
        st.one_of(st.text(max_size=40), st.binary(max_size=200), st.binary(max_size=125).map(Ping)),
        max_size=12,
    ),
    st.lists(st.integers(0, 2000), max_size=10),
    st.sampled_from(WAYS_IN),
)
def test_any_messages_in_any_pieces(
    messages: list[Message], cuts: list[int], way_in: WayIn
) -> None:
    data = wire(messages, Role.CLIENT)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    assert (
        decode([data[a:b] for a, b in itertools.pairwise(edges)], Role.SERVER, way_in) == messages
    )


@given(st.lists(st.binary(max_size=300), max_size=8), st.integers(1, 8))
def test_feeding_without_taking_loses_nothing(payloads: list[bytes], every: int) -> None:
    """Bytes are fed in small pieces and messages taken now and then, one by one."""
    data = wire(payloads, Role.CLIENT)
    decoder = Decoder(Role.SERVER)
    found: list[Message] = []
    for number, start in enumerate(range(0, len(data), 100)):
        decoder.feed(data[start : start + 100])
        if number % every == 0:
            found += itertools.islice(decoder, 1)
    assert found + list(decoder) == payloads


def test_iteration_is_lazy_and_can_be_taken_up() -> None:
    decoder = Decoder(Role.CLIENT)
    for message in decoder.feed(frame(1, b"a") + frame(1, b"b") + frame(1, b"c") + b"\xff\x00"):
        assert message == "a"
        break
    assert next(decoder) == "b"
    assert decoder.feed(b"") is decoder
    assert next(decoder) == "c"
    with pytest.raises(ProtocolError):
        next(decoder)
    assert list(decoder) == []


def fragments(opcode: int, *payloads: bytes) -> list[bytes]:
    last = len(payloads) - 1
    return [
        frame(opcode if i == 0 else 0, part, fin=i == last, key=KEY)
        for i, part in enumerate(payloads)
    ]


@pytest.mark.parametrize("way_in", WAYS_IN)
def test_fragments_with_control_frames_between(way_in: WayIn) -> None:
    text = "aé€😀".encode()
    for cut in range(len(text) + 1):
        first, second, third = fragments(1, text[:cut], b"", text[cut:])
        data = (
            first
            + frame(9, b"between", key=KEY)
            + second
            + frame(10, b"", key=KEY)
            + third
            + frame(2, b"n", key=KEY)
        )
        for size in (1, 5, len(data)):
            pieces = [data[start : start + size] for start in range(0, len(data), size)]
            assert decode(pieces, way_in=way_in) == [Ping(b"between"), Pong(b""), "aé€😀", b"n"]


@pytest.mark.parametrize("way_in", WAYS_IN)
def test_large_fragments_grow_into_one_message(way_in: WayIn) -> None:
    parts = [bytes([i]) * (50_000 * i) for i in range(6)]
    for last in (b"", b"tail", b"z" * 300_000):
        data = b"".join(fragments(2, *parts, last))
        for size in (4096, 65536, len(data)):
            pieces = [data[start : start + size] for start in range(0, len(data), size)]
            (message,) = decode(pieces, way_in=way_in)
            assert type(message) is bytes
            assert message == b"".join([*parts, last])


def test_without_decoding_a_text_is_validated_bytes() -> None:
    text = "żółć".encode()
    for pieces in ([frame(1, text, key=KEY)], fragments(1, text[:3], text[3:])):
        (message,) = decode(pieces, decode_text=False)
        assert type(message) is Text
        assert message == text
        assert hash(message) == hash(text)
        assert repr(message) == f"Text({text!r})"
    assert [type(message) for message in decode([frame(2, text, key=KEY)], decode_text=False)] == [
        bytes
    ]
    for pieces in (
        [frame(1, b"\xff", key=KEY)],
        [frame(1, b"\xc3", key=KEY)],
        fragments(1, b"\xc3", b"\x28"),
    ):
        with pytest.raises(ProtocolError, match="not UTF-8"):
            decode(pieces, decode_text=False)


# ---- receiving in place --------------------------------------------------------------------------


def test_a_large_payload_is_received_where_it_will_be() -> None:
    decoder = Decoder(Role.SERVER)
    payload = bytes(range(256)) * 1024
    data = frame(2, payload, key=KEY)
    assert list(decoder.feed(data[:1000])) == []
    buffer = decoder.get_buffer(-1)
    assert len(buffer) == len(data) - 1000
    buffer[:100_000] = data[1000:101_000]
    assert list(decoder.buffer_updated(100_000)) == []
    buffer = decoder.get_buffer(5)
    assert len(buffer) == len(data) - 101_000
    buffer[:10] = data[101_000:101_010]
    decoder.buffer_updated(10)
    buffer = decoder.get_buffer(5)
    buffer[:] = data[101_010:]
    (message,) = decoder.buffer_updated(len(buffer))
    assert message == payload
    buffer.release()
    assert sys.getrefcount(message) <= 3


@pytest.mark.parametrize("text", ["x" * 200_000, "x" * 150_000 + "é" * 25_000])
def test_a_view_that_is_kept_cannot_change_a_str(text: str) -> None:
    """A str that has been given out shares no memory with a view: ASCII or not, whole or in
    fragments."""
    half = len(text) // 2
    for wire in (
        frame(1, text.encode(), key=KEY),
        b"".join(fragments(1, text[:half].encode(), text[half:].encode())),
    ):
        decoder = Decoder(Role.SERVER if wire[1] & 0x80 else Role.CLIENT)
        found: list[Message] = list(decoder.feed(wire[:1000]))
        rest, views = wire[1000:], []
        while rest:
            view = decoder.get_buffer()
            size = min(len(view), len(rest))
            view[:size] = rest[:size]
            views.append(view)
            rest = rest[size:]
            found += decoder.buffer_updated(size)
        for view in views:
            view[:] = b"\xff" * len(view)
        assert found == [text]


@pytest.mark.parametrize("first", ["é", "x"])
def test_an_offer_ends_where_the_text_moves(first: str) -> None:
    """Iteration between get_buffer and buffer_updated: what was received into memory that the text
    has left is not taken for what is where it is now."""
    text = "a" * 1000 + first * 1000 + "z" * 400_000
    wire = frame(1, text.encode(), key=b"\0\0\0\0")
    decoder = Decoder(Role.SERVER)
    assert list(decoder.feed(wire[:100])) == []
    at = 100
    for size in (2000, 5000):
        view = decoder.get_buffer()
        view[:size] = wire[at : at + size]
        if size == 2000:
            decoder.buffer_updated(size)
            at += size
    assert list(decoder) == []
    if first == "é":
        with pytest.raises(InvalidState, match="call get_buffer first"):
            decoder.buffer_updated(5000)
        assert list(decoder.feed(wire[at:])) == [text]
    else:
        decoder.buffer_updated(5000)
        assert list(decoder.feed(wire[at + 5000 :])) == [text]


def test_a_text_that_was_changed_in_a_view_is_never_a_broken_str() -> None:
    """Written to after it was seen to be ASCII, and before the message is complete."""
    wire = frame(1, b"x" * 200_000)
    for byte in (0xFF, ord("y")):
        decoder = Decoder(Role.CLIENT)
        assert list(decoder.feed(wire[:10])) == []
        view = decoder.get_buffer()
        view[:100_000] = wire[10:100_010]
        assert list(decoder.buffer_updated(100_000)) == []
        decoder.get_buffer()[:] = wire[100_010:]
        view[0] = byte
        decoder.buffer_updated(len(wire) - 100_010)
        if byte == 0xFF:
            with pytest.raises(ProtocolError, match="not UTF-8"):
                list(decoder)
        else:
            (found,) = decoder
            assert isinstance(found, str)
            assert found.replace("y", "x", 1) == "x" * 200_000


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_frame_size": "x"},
        {"max_fragments": 0},
        {"deflate": object()},
        {"max_message_size": -1},
    ],
)
def test_an_init_that_raises_inside_a_message_changes_nothing(wrong: dict[str, Any]) -> None:
    decoder = Decoder(Role.CLIENT, max_message_size=10, decode_text=False)
    assert list(decoder.feed(frame(1, b"abc", fin=False))) == []
    with pytest.raises((TypeError, ValueError, AttributeError)):
        decoder.__init__(Role.CLIENT, **{"max_message_size": 1, **wrong})  # type: ignore[misc]
    (found,) = decoder.feed(frame(0, b"def"))
    assert (type(found), found) == (Text, b"abcdef")
    with pytest.raises(ProtocolError, match="max_message_size"):
        list(decoder.feed(frame(2, b"x" * 11)))


def test_a_view_that_is_kept_never_dangles() -> None:
    decoder = Decoder(Role.SERVER)
    views = []
    data = b"".join(fragments(2, *[b"x" * 200_000] * 4))
    found: list[Message] = []
    for start in range(0, len(data), 1500):
        view = decoder.get_buffer(-1)
        views.append(view)
        piece = data[start : start + 1500]
        view[: len(piece)] = piece
        found += decoder.buffer_updated(len(piece))
    assert found == [b"x" * 800_000]
    for view in views:
        view[0] = 0  # must still be writable memory


def test_buffer_misuse() -> None:
    decoder = Decoder(Role.SERVER)
    for nbytes in (0, 1):
        with pytest.raises(InvalidState, match="call get_buffer first"):
            decoder.buffer_updated(nbytes)
    size = len(decoder.get_buffer(100_000))
    assert size == 100_000
    for wrong in (-1, size + 1):
        with pytest.raises(ValueError, match="nbytes must be"):
            decoder.buffer_updated(wrong)
    with pytest.raises(TypeError, match="nbytes must be an int, not str"):
        decoder.buffer_updated("1")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="sizehint must be an int, not NoneType"):
        decoder.get_buffer(None)  # type: ignore[arg-type]
    decoder.feed(b"")
    with pytest.raises(InvalidState, match="call get_buffer first"):
        decoder.buffer_updated(1)
    assert len(decoder.get_buffer(2**40)) == 2**26
    assert list(decoder.buffer_updated(0)) == []


# ---- rules ---------------------------------------------------------------------------------------

GOOD = frame(1, b"good", key=KEY)


@pytest.mark.parametrize("way_in", WAYS_IN)
@pytest.mark.parametrize(
    ("bad", "code", "rule"),
    [
        (frame(2, b"", rsv=4, key=KEY), 1002, "reserved bit .*5.2"),
        (frame(2, b"", rsv=2, key=KEY), 1002, "reserved bit .*5.2"),
        (frame(2, b"", rsv=1, key=KEY), 1002, "reserved bit .*5.2"),
        *((frame(opcode, b"", key=KEY), 1002, "opcode is reserved .*5.2") for opcode in (3, 4, 5, 6,
        7, 11, 12, 13, 14, 15)),
        (frame(9, b"", fin=False, key=KEY), 1002, "must not be fragmented .*5.5"),
        (frame(9, bytes(126), key=KEY), 1002, "more than 125 bytes .*5.5"),
        (b"\x82\xfe\x00\x7d" + KEY, 1002, "16-bit length .*5.2"),
        (b"\x82\xff\x00\x00\x00\x00\x00\x00\xff\xff" + KEY, 1002, "64-bit length .*5.2"),
        (b"\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00" + KEY, 1002, "top bit .*5.2"),
        (frame(2, b""), 1002, "client must mask .*5.1"),
        (frame(0, b"", key=KEY), 1002, "no message to continue .*5.4"),
        (frame(1, b"a", fin=False, key=KEY) + frame(1, b"b", key=KEY), 1002, "before the last one "
        "was finished .*5.4"),
        (frame(8, b"\x03", key=KEY), 1002, "must not have one byte .*5.5.1"),
        *((frame(8, struct.pack("!H", code), key=KEY), 1002, "status code .*7.4")
          for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)),
        (frame(8, b"\x03\xe8\xff", key=KEY), 1007, "reason .* not UTF-8 .*5.5.1"),
        (frame(1, b"a\xe2\x82", key=KEY), 1007, "not UTF-8 .*8.1"),
        (b"".join(fragments(1, b"\xe2", b"\x82", b"a")), 1007, "not UTF-8 .*8.1"),
        (b"".join(fragments(1, b"a", b"\xe2\x82")), 1007, "not UTF-8 .*8.1"),
        (frame(2, bytes(1001), key=KEY), 1009, "max_frame_size .*10.4"),
        (b"".join(fragments(2, bytes(999), bytes(999), bytes(999))), 1009, "max_message_size "
        ".*10.4"),
        (b"".join(fragments(2, *[b""] * 11)), 1009, "max_fragments .*10.4"),
    ],
)  # fmt: skip
def test_each_rule(way_in: WayIn, bad: bytes, code: int, rule: str) -> None:
    """What came before is delivered, then one error; then the decoder is finished, and says so."""
    data = GOOD + bad
    for size in (1, 3, len(data)):
        decoder = Decoder(Role.SERVER, max_frame_size=1000, max_message_size=2000, max_fragments=10)
        found: list[Message] = []
        pieces = [data[start : start + size] for start in range(0, len(data), size)]
        with pytest.raises(ProtocolError, match=rule) as caught:
            found.extend(message for piece in pieces for message in way_in(decoder, piece))
        assert found == ["good"]
        assert caught.value.code == code
        assert len(caught.value.reason) <= 123
        assert decoder.finished
        assert list(decoder) == []
        for function in (decoder.feed, decoder.get_buffer):
            with pytest.raises(RuntimeError, match=rule):
                function(b"") if function == decoder.feed else function()
        assert decoder.finished


def test_a_client_refuses_masked_frames() -> None:
    with pytest.raises(ProtocolError, match=r"server must not mask .*5.1"):
        decode([GOOD], Role.CLIENT)
    assert decode([frame(1, b"good")], Role.CLIENT) == ["good"]


@pytest.mark.parametrize(
    ("start", "rule"),
    [
        (b"\xc2\x80", "reserved bit"),
        (b"\x82\x00", "must mask"),
        (b"\x80\x80", "no message to continue"),
        (b"\x82\xfe\x03\xe9", "max_frame_size"),
        (b"\x81\x82" + KEY + bytes([0xC0 ^ KEY[0]]), "not UTF-8"),
        (b"\x81\x83" + KEY + bytes([0xE0 ^ KEY[0], 0x80 ^ KEY[1]]), "not UTF-8"),
    ],
)
def test_a_rule_is_seen_broken_at_the_first_byte_that_proves_it(start: bytes, rule: str) -> None:
    decoder = Decoder(Role.SERVER, max_frame_size=1000)
    assert list(decoder.feed(start[:-1])) == []
    with pytest.raises(ProtocolError, match=rule):
        list(decoder.feed(start[-1:]))


def test_limits_are_exact() -> None:
    limits = {"max_frame_size": 1000, "max_message_size": 2000, "max_fragments": 3}
    assert decode([frame(2, bytes(1000), key=KEY)], **limits) == [bytes(1000)]
    assert decode(fragments(2, bytes(1000), bytes(1000), b""), **limits) == [bytes(2000)]
    for payloads in ([bytes(1000), bytes(1000), b"1"], [b""] * 4, [bytes(1001)]):
        with pytest.raises(ProtocolError) as caught:
            decode(fragments(2, *payloads), **limits)
        assert caught.value.code == 1009
    # Each message starts afresh, and control frames belong to none.
    ping = frame(9, bytes(125), key=KEY)
    assert len(decode([*fragments(2, bytes(1000), bytes(900)), ping] * 3, **limits)) == 6
    assert decode([ping], max_frame_size=1, max_message_size=1, max_fragments=1) == [
        Ping(bytes(125))
    ]


def test_a_huge_length_takes_no_memory() -> None:
    for length in (2**24 + 1, 2**40, 2**63 - 1):
        with pytest.raises(ProtocolError, match="max_message_size"):
            decode([b"\x82\xff" + struct.pack("!Q", length)])
    with pytest.raises(ProtocolError, match="max_message_size"):
        decode(
            [b"\x82\xff" + struct.pack("!Q", sys.maxsize // 4)],
            max_frame_size=sys.maxsize // 2,
            max_message_size=2**28,
        )


@pytest.mark.parametrize("way_in", [by_feed, by_bytearray, by_buffer])
@pytest.mark.parametrize("character", [None, "x", "ż"])
@pytest.mark.parametrize("fragments", [1, 3])
def test_memory_only_for_what_has_arrived(
    way_in: WayIn, character: str | None, fragments: int
) -> None:
    """A peer that announces a large message, and stops at any point, holds 1 MiB or twice what it
    has sent, and one read; what has arrived is all there at the end."""
    size = 12 << 20
    payload = bytes(size) if character is None else (character * size).encode()[:size]
    opcode, part = (1 if character else 2), size // fragments
    wire = b"".join(
        frame(
            0 if i else opcode, payload[i * part : (i + 1) * part], fin=i == fragments - 1, key=KEY
        )
        for i in range(fragments)
    )
    decoder = Decoder(Role.SERVER)
    found: list[Message] = []
    tracemalloc.start()
    try:
        for at in range(0, len(wire), 1 << 16):
            held = tracemalloc.get_traced_memory()[0]
            assert held < max(1 << 20, 2 * at) + (1 << 19), at
            found += way_in(decoder, wire[at : at + (1 << 16)])
    finally:
        tracemalloc.stop()
    assert found == [payload if character is None else payload.decode()]


@pytest.mark.parametrize("name", ["max_message_size", "max_frame_size", "max_fragments"])
def test_limits_are_checked(name: str) -> None:
    for wrong in (0, -1, sys.maxsize, 2**64):
        with pytest.raises(ValueError, match=f"{name} must be from 1 to .*, not {wrong}"):
            Decoder(Role.SERVER, **{name: wrong})  # type: ignore[arg-type]
    for strange in ("1", 1.0, None, True):
        if strange is None and name == "max_frame_size":
            continue  # the same as max_message_size
        with pytest.raises(TypeError, match=f"{name} must be an int, not {type(strange).__name__}"):
            Decoder(Role.SERVER, **{name: strange})  # type: ignore[arg-type]


@pytest.mark.parametrize("role", ["server", None, 1, "SERVER"])
def test_a_bad_role_is_named(role: Any) -> None:
    for kind in (Decoder, Encoder):
        with pytest.raises(
            ValueError, match=f"role must be Role.CLIENT or Role.SERVER, not {role!r}"
        ):
            kind(role)


@pytest.mark.parametrize("data", ["text", 5, None, [1], memoryview(b"strided")[::2]])
def test_feed_wants_bytes(data: Any) -> None:
    decoder = Decoder(Role.SERVER)
    for before in (b"", GOOD[:5]):
        decoder.feed(before)
        expected = (
            "; this memoryview is not contiguous"
            if isinstance(data, memoryview)
            else f", not {type(data).__name__}"
        )
        with pytest.raises(
            TypeError, match=f"data must be a contiguous bytes-like object{expected}"
        ):
            decoder.feed(data)
    assert list(decoder.feed(GOOD[5:])) == ["good"]


def test_an_object_made_without_init_is_safe() -> None:
    decoder = Decoder.__new__(Decoder)
    assert list(decoder.feed(GOOD)) == ["good"]
    assert decoder.role is Role.SERVER
    encoder = Encoder.__new__(Encoder)
    assert encoder.message("a") == b"\x81\x01a"


def test_a_subclass_may_add_to_it() -> None:
    class Named(Decoder):
        def __init__(self, name: str) -> None:
            super().__init__(Role.CLIENT, max_message_size=10, max_frame_size=10)
            self.name = name

    decoder = Named("n")
    assert decoder.role is Role.CLIENT
    assert list(decoder.feed(frame(1, b"0123456789"))) == ["0123456789"]
    with pytest.raises(ProtocolError):
        list(decoder.feed(frame(1, b"0123456789a")))


def test_the_end_of_a_close_names_itself() -> None:
    decoder = Decoder(Role.CLIENT)
    assert list(decoder.feed(frame(8, b""))) == [Close(1005, "")]
    with pytest.raises(
        RuntimeError, match=r"the stream has ended, nothing more can be fed: a Close frame"
    ):
        decoder.feed(b"")


def test_a_utf8_error_tells_where() -> None:
    decoder = Decoder(Role.CLIENT)
    with pytest.raises(ProtocolError) as caught:
        list(decoder.feed(frame(1, b"abc\xff")))
    assert isinstance(caught.value.__cause__, UnicodeDecodeError)
    assert caught.value.__cause__.start == 3


# ---- memory --------------------------------------------------------------------------------------


class Lender:
    """Lends its bytes, and does something else first; Python code can do that since 3.12."""

    def __init__(self, data: bytes, first: Callable[[], object]) -> None:
        self.data, self.first = data, first

    def __buffer__(self, flags: int) -> memoryview:
        self.first()
        return memoryview(self.data)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="__buffer__ is new in 3.12")
def test_data_may_finish_the_decoder_while_it_lends_its_buffer() -> None:
    decoder = Decoder(Role.CLIENT)
    decoder.feed(frame(8, b""))
    with pytest.raises(InvalidState, match="the stream has ended"):
        decoder.feed(Lender(frame(1, b"late"), lambda: list(decoder)))  # type: ignore[arg-type]
    assert decoder.finished
    assert list(decoder) == []


def address(view: memoryview) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(view))


def test_what_is_buffered_stays_where_it_is_while_there_is_room() -> None:
    """Else many small pieces would cost time that grows with the square of their number."""
    decoder = Decoder(Role.CLIENT)
    view = decoder.get_buffer(16)
    start = address(view)
    for index, byte in enumerate(frame(1, b"a" * 300)[:3]):
        view[0] = byte
        assert list(decoder.buffer_updated(1)) == []
        view = decoder.get_buffer(16)
        assert address(view) == start + index + 1


def test_an_idle_decoder_keeps_no_large_buffer() -> None:
    decoder = Decoder(Role.CLIENT)
    views = []  # as the memory of one that is gone would be used again
    for _ in range(2):
        views.append(decoder.get_buffer())
        views[-1][:5] = frame(1, b"abc")
        assert list(decoder.buffer_updated(5)) == ["abc"]
    assert address(views[0]) != address(views[1])


def test_a_failed_feed_changes_nothing() -> None:
    decoder = Decoder(Role.CLIENT)
    decoder.get_buffer()[:5] = frame(1, b"abc")
    with pytest.raises(TypeError):
        decoder.feed("text")  # type: ignore[arg-type]
    assert list(decoder.buffer_updated(5)) == ["abc"]


def test_its_own_view_may_be_fed() -> None:
    decoder = Decoder(Role.CLIENT)
    view = decoder.get_buffer()
    view[:9] = frame(1, b"a") * 3
    decoder.buffer_updated(9)
    assert list(decoder.feed(view[3:9])) == ["a"] * 5


def test_views_are_plain_memory() -> None:
    view = Decoder(Role.SERVER).get_buffer()
    assert (view.format, view.itemsize, view.ndim, view.shape, view.readonly) == (
        "B",
        1,
        1,
        (65536,),
        False,
    )
    assert view.cast("H").nbytes == 65536


def test_lending_leaks_no_references() -> None:
    decoder = Decoder(Role.SERVER)
    before = sys.getrefcount(None)
    for _ in range(5000):
        decoder.get_buffer()
    assert abs(sys.getrefcount(None) - before) < 1000


def test_init_again_starts_again() -> None:
    decoder = Decoder(Role.CLIENT)
    assert list(decoder.feed(frame(2, bytes(100), fin=False))) == []
    decoder.__init__(Role.CLIENT, max_message_size=10)  # type: ignore[misc]
    assert list(decoder.feed(frame(1, b"0123456789"))) == ["0123456789"]
    with pytest.raises(ProtocolError, match="max_message_size"):
        list(decoder.feed(frame(1, b"0123456789a")))
    decoder.__init__(Role.CLIENT)  # type: ignore[misc]
    assert list(decoder.feed(frame(1, b"again"))) == ["again"]


LIMITED = """
import resource, sys
from fastframe import Decoder, InvalidState, Role
from tests.strategies import frame

decoder = Decoder(Role.CLIENT)
piece = frame(2, bytes(100))
list(decoder.feed(piece + piece[:50]))
decoder.feed(piece[50:] + piece * 2**18)  # a splice, and much after it
size = resource.getrlimit(resource.RLIMIT_AS)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**20, size[1]))
try:
    bytearray(2**26)
    # under qemu-user, whose programs share its memory, and where the allocator has reserved much
    sys.exit("not limited")
except MemoryError:
    pass
for call in (lambda: decoder.feed(piece), lambda: decoder.get_buffer(2**26)):
    try:
        call()
    except MemoryError:
        print("refused")
try:
    decoder.buffer_updated(1)
except InvalidState:
    print("nothing offered")
resource.setrlimit(resource.RLIMIT_AS, size)
print(sum(message == bytes(100) for message in decoder.feed(piece)) == 2**18 + 2)
"""


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="limits of memory are set as Linux has them"
)
@pytest.mark.skipif("LD_PRELOAD" in os.environ, reason="AddressSanitizer reserves all memory")
def test_when_memory_runs_out_nothing_is_lost() -> None:
    result = subprocess.run(
        [sys.executable, "-c", LIMITED], capture_output=True, text=True, check=False
    )
    if result.stderr == "not limited\n":
        pytest.skip("the limit has no effect here, as under qemu-user and without the GIL")
    assert result.stdout.split("\n")[:4] == ["refused", "refused", "nothing offered", "True"], (
        result.stderr
    )


@given(
    st.binary(min_size=2, max_size=14), st.booleans(), st.booleans(), st.booleans(),
    st.sampled_from([{}, {"max_frame_size": 10}, {"max_message_size": 10}, {"max_fragments": 1}]),
)  # fmt: skip
def test_a_header_that_breaks_several_rules_is_refused_for_the_same_one(
    header: bytes, server: bool, inside: bool, compressed: bool, limits: dict[str, int]
) -> None:
    """However much of it has arrived: all at once, or byte by byte, or in any two pieces."""
    role = Role.SERVER if server else Role.CLIENT
    opening = frame(2, b"", fin=False, key=KEY if server else None) if inside else b""
    found = set()
    for cut in range(len(header) + 1):
        for pieces in (
            [header[:cut], header[cut:]],
            [header[i : i + 1] for i in range(len(header))],
        ):
            decoder = Decoder(role, deflate=AGREEMENT if compressed else None, **limits)  # type: ignore[arg-type]
            assert list(decoder.feed(opening)) == []
            try:
                for piece in pieces:
                    list(decoder.feed(piece))
            except ProtocolError as error:
                # What follows the header is payload: a back-end that fails gives nothing of what it
                # has inflated until then.
                found.add(error.reason if error.code != 1007 else "payload")
            else:
                found.add("nothing")
            if found == {"nothing"}:
                return
    assert len(found) == 1, found


def test_two_rules_in_one_header() -> None:
    """The most significant bit of the length is set, and it is not masked."""
    header = b"\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00"
    for cut in range(1, len(header) + 1):
        decoder = Decoder(Role.SERVER)
        with pytest.raises(ProtocolError, match="a client must mask its frames"):
            list(decoder.feed(header[:cut])) + list(decoder.feed(header[cut:]))


def test_a_finished_decoder_stays_finished_for_its_reason() -> None:
    class UnprintableError(Exception):
        def __str__(self) -> str:
            raise MemoryError

    def fail(name: str) -> Any:
        raise UnprintableError

    with pytest.MonkeyPatch.context() as patch:
        decoder = Decoder(Role.CLIENT, deflate=AGREEMENT)
        patch.setattr(zlib, "decompressobj", lambda **arguments: fail("x"))
        with pytest.raises(UnprintableError):
            list(decoder.feed(b"\xc1\x01\x00"))
    assert decoder.finished
    with pytest.raises(InvalidState, match="an error"):
        decoder.feed(b"")


@pytest.mark.parametrize("size", [200_000, 300_000])
def test_a_stale_view_never_lets_a_unicode_error_escape(size: int) -> None:
    wire = frame(1, "é".encode() * size)
    decoder = Decoder(Role.CLIENT)
    assert list(decoder.feed(wire[:12])) == []
    view = decoder.get_buffer()
    view[: size // 2] = wire[12 : 12 + size // 2]
    assert list(decoder.buffer_updated(size // 2)) == []
    decoder.get_buffer()[:] = wire[12 + size // 2 :]
    view[0] = 0xFF
    decoder.buffer_updated(len(wire) - 12 - size // 2)
    with pytest.raises(ProtocolError, match="not UTF-8"):
        list(decoder)


def test_what_a_decoder_says_of_itself() -> None:
    decoder = Decoder(Role.CLIENT, max_message_size=100, max_frame_size=90, max_fragments=8)
    limits = "max_message_size=100, max_frame_size=90, max_fragments=8"
    assert repr(decoder) == f"<Decoder client, between messages, {limits}>"
    list(decoder.feed(frame(1, b"a", fin=False)))
    assert repr(decoder) == f"<Decoder client, inside a message, {limits}>"
    list(decoder.feed(frame(8, b"")))
    assert (
        repr(decoder)
        == f"<Decoder client, finished: a Close frame was received (RFC 6455, 5.5.1), {limits}>"
    )
    assert weakref.ref(decoder)() is decoder
    assert Decoder[str].__origin__ is Decoder


@pytest.mark.parametrize(
    ("arguments", "keywords", "text"),
    [
        ((), {}, r"^Decoder\(\) missing 1 required positional argument: 'role'"),
        ((Role.CLIENT, 5), {}, r"^Decoder\(\) takes 1 positional argument but 2 were given"),
        ((Role.CLIENT,), {"role": Role.CLIENT}, r"^Decoder\(\) got multiple values for argument "
        r"'role'"),
        ((Role.CLIENT,), {"max_size": 5}, r"^Decoder\(\) got an unexpected keyword argument "
        r"'max_size'"),
        ((Role.CLIENT,), {"deflate": Deflate()}, r"^deflate must be an Agreement "
        r"\(Deflate\(...\).accept\(offers\)\) or None, not Deflate$"),
        ((Role.CLIENT,), {"deflate": True}, "^deflate must be an Agreement .*, not bool$"),
        ((Role.CLIENT,), {"deflate": "permessage-deflate"}, "^deflate must be an Agreement .*, "
        "not str$"),
        ((Role.CLIENT,), {"decode_text": None}, "^decode_text must be True or False, not None$"),
        ((Role.CLIENT,), {"decode_text": 1}, "^decode_text must be True or False, not int$"),
    ],
)  # fmt: skip
def test_wrong_arguments_name_the_class_or_the_parameter(
    arguments: Any, keywords: Any, text: str
) -> None:
    with pytest.raises(TypeError, match=text):
        Decoder(*arguments, **keywords)
    if not text.startswith(("^decode_text", "^Decoder")):
        with pytest.raises(TypeError, match=text):
            Encoder(*arguments, **keywords)


@pytest.mark.parametrize(
    "wire", [b"GET /chat HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 101 Switching Protocols\r\n\r\n"]
)
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("step", [1, 2, 100])
def test_a_handshake_in_place_of_a_frame(wire: bytes, role: Role, step: int) -> None:
    """The program has fed what it should have read before; after messages too, as where two
    connections are mixed up."""
    good = frame(1, b"good", key=KEY if role is Role.SERVER else None)
    for before in (b"", good):
        decoder = Decoder(role)
        found: list[Any] = []
        stream = before + wire

        def feed_all(
            decoder: Any = decoder, found: list[Any] = found, stream: bytes = stream
        ) -> None:
            for start in range(0, len(stream), step):
                found += decoder.feed(stream[start : start + step])

        with pytest.raises(ProtocolError, match="looks like HTTP") as caught:
            feed_all()
        assert caught.value.code == 1002
        assert found == ["good"] * bool(before)
