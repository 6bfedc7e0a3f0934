"""Compressed messages: work that grows with what arrives and no faster, and the same result however
they are cut."""

from __future__ import annotations

import random
import zlib
from typing import Any

import pytest

from fastframe import Decoder, ProtocolError, Role
from fastframe.deflate import Agreement, Deflate
from tests.helpers import deflated, installed_backends
from tests.strategies import frame


def agreement(**settings: Any) -> Agreement:
    deflate = Deflate(**settings)
    agreed = deflate.accept(deflate.offer())
    assert agreed is not None
    return agreed


class CountingZlib:
    """zlib, and how many bytes were handed to it and came back unused: each is copied once by the
    caller and once by zlib."""

    error = zlib.error

    def __init__(self) -> None:
        self.handed_over = 0
        self.left = 0

    def decompressobj(self, **arguments: Any) -> Any:
        counts = self

        class Stream:
            def __init__(self) -> None:
                self.stream = zlib.decompressobj(**arguments)

            def __getattr__(self, name: str) -> Any:
                return getattr(self.stream, name)

            def decompress(self, data: bytes, room: int) -> bytes:
                found = self.stream.decompress(data, room)
                counts.handed_over += len(data)
                counts.left += len(self.stream.unconsumed_tail)
                return found

        return Stream()


@pytest.mark.parametrize(
    ("data", "level"),
    [
        (random.Random(3).randbytes(2**24 - 5), 0),
        (random.Random(3).randbytes(2**22), 9),
        (bytes(2**24), 9),
        (b"all kinds of words, " * 2**18, 1),
    ],
    ids=["stored", "random", "zeros", "words"],
)
def test_the_work_grows_with_the_bytes_and_no_faster(
    data: bytes, level: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One frame, fed at once: what is handed to zlib again because it did not get to it is a share
    of what it made."""
    zlib_module = CountingZlib()
    monkeypatch.setattr("fastframe.deflate.backend_module", lambda name: zlib_module)
    limit = 2**24 + 2**16
    decoder = Decoder(
        Role.CLIENT, deflate=agreement(), max_message_size=limit, max_frame_size=limit
    )
    payload = deflated(data, level)
    (found,) = decoder.feed(frame(2, payload, rsv=4))
    assert found == data
    assert zlib_module.handed_over >= len(payload)
    assert zlib_module.handed_over + zlib_module.left < len(payload) + 64 + len(data)


@pytest.mark.parametrize("backend", installed_backends())
@pytest.mark.parametrize("bits", [9, 12, 15])
def test_a_reference_beyond_the_agreed_window_is_read_right_or_refused(
    bits: int, backend: str
) -> None:
    """A peer that goes beyond what was agreed on, within the message or into the one before."""
    words = random.Random(11).randbytes(20_000)
    messages = [words + words, words[:5000] + words]
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    wire = b""
    for message in messages:
        payload = compressor.compress(message) + compressor.flush(zlib.Z_SYNC_FLUSH)
        wire += frame(2, payload[:-4], rsv=4)
    assert len(wire) < 2 * len(words), "the compressor did refer back"
    agreed = agreement(backend=backend, server_max_window_bits=bits, client_max_window_bits=bits)
    refused = 0
    for step in (7, 100, 511, 4096, 65536):
        pieces = [wire[start : start + step] for start in range(0, len(wire), step)]
        found = outcome_of(Decoder(Role.CLIENT, deflate=agreed), pieces)
        if found[-1:] and isinstance(found[-1], tuple):
            refused += 1
            assert found.pop()[0] == 1007
            assert len(found) < len(messages)
        assert found == messages[: len(found)]
    assert (refused > 0) == (bits < 15)


def outcome(pieces: list[bytes], **limits: Any) -> list[Any]:
    return outcome_of(Decoder(Role.CLIENT, deflate=agreement(), **limits), pieces)


def outcome_of(decoder: Decoder[Any], pieces: list[bytes]) -> list[Any]:
    found: list[Any] = []
    try:
        for piece in pieces:
            found += decoder.feed(piece)
    except ProtocolError as error:
        found.append((error.code, error.reason))
    return found


@pytest.mark.parametrize(
    "wire",
    [
        # A text that is not UTF-8 so far, then a frame that breaks a rule.
        frame(1, deflated(b"\xff text"), fin=False, rsv=4) + frame(0, b"", rsv=2),
        frame(1, deflated(b"\xff text"), fin=False, rsv=4) + frame(1, b"x"),
        frame(1, deflated(b"\xff text"), fin=False, rsv=4) + frame(0, bytes(2000)),
        frame(1, deflated("żółć".encode()), fin=False, rsv=4) + frame(0, bytes(2000)),
    ],
)
def test_the_first_broken_rule_is_the_same_for_every_cut(wire: bytes) -> None:
    results = [
        outcome(
            [wire[start : start + step] for start in range(0, len(wire), step)], max_frame_size=1000
        )
        for step in (1, 2, 5, len(wire))
    ]
    assert results == [results[0]] * len(results)
    assert len(results[0]) == 1


def test_many_small_pieces_cost_no_window_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of what a message has been inflated to is copied for each read: only where a stream
    ends inside it."""
    seen: list[int] = []

    class Zlib(CountingZlib):
        def decompressobj(self, **arguments: Any) -> Any:
            seen.append(len(arguments.get("zdict", b"")))
            return super().decompressobj(**arguments)

    monkeypatch.setattr("fastframe.deflate.backend_module", lambda name: Zlib())
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = compressor.compress(b"x" * 100_000) + compressor.flush()
    payload = first + deflated(b"y" * 10)
    wire = frame(2, payload, rsv=4)
    decoder = Decoder(Role.CLIENT, deflate=agreement())
    found = [message for i in range(len(wire)) for message in decoder.feed(wire[i : i + 1])]
    assert found == [b"x" * 100_000 + b"y" * 10]
    assert seen == [0, 32768]


@pytest.mark.parametrize(
    "text",
    ["Error -4 while decompressing data", "Error -4 while decompressing data: out of memory"],
)
def test_out_of_memory_in_the_back_end_is_not_the_peers_fault(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Zlib(CountingZlib):
        def decompressobj(self, **arguments: Any) -> Any:
            class Stream:
                def decompress(self, data: bytes, room: int) -> bytes:
                    raise zlib.error(text)

            return Stream()

    monkeypatch.setattr("fastframe.deflate.backend_module", lambda name: Zlib())
    decoder = Decoder(Role.CLIENT, deflate=agreement())
    with pytest.raises(MemoryError, match="Error -4"):
        list(decoder.feed(frame(1, deflated(b"x"), rsv=4)))
    assert decoder.finished


# ---- the limit is the message's ------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 125, 1000, 16_384, 65_536, 2**20, 3_000_001])
@pytest.mark.parametrize("memory_level", [5, 8, 9])
@pytest.mark.parametrize("fragments", [1, 7])
def test_a_message_of_exactly_the_limit_that_cannot_be_compressed(
    size: int, memory_level: int, fragments: int
) -> None:
    """It is longer on the wire. One byte more, and it is refused, however long it is there."""
    noise = random.Random(size).randbytes(size + 1)

    def wire(data: bytes) -> bytes:
        compressor = zlib.compressobj(9, zlib.DEFLATED, -15, memory_level)
        step = -(-len(data) // fragments)
        parts = [data[start : start + step] for start in range(0, len(data), step)]
        payloads = [
            compressor.compress(part) + compressor.flush(zlib.Z_SYNC_FLUSH) for part in parts
        ]  # as some peers flush each frame
        payloads[-1] = payloads[-1][:-4]
        assert sum(map(len, payloads)) > len(data)
        last = len(payloads) - 1
        return b"".join(
            frame(0 if i else 2, payload, fin=i == last, rsv=0 if i else 4)
            for i, payload in enumerate(payloads)
        )

    for step in (2**16, 10**9):
        for limits in (
            {"max_message_size": size},
            {"max_message_size": size, "max_frame_size": size},
        ):
            decoder = Decoder(Role.CLIENT, deflate=agreement(), **limits)
            for data, expected in ((noise[:size], noise[:size]), (noise, None)):
                sent = wire(data)
                result = outcome_of(
                    decoder, [sent[start : start + step] for start in range(0, len(sent), step)]
                )
                if expected is None:
                    assert (result[0][0], "max_message_size" in result[0][1]) == (1009, True)
                else:
                    assert result == [expected]


@pytest.mark.parametrize(("limit", "most"), [(1000, 1000 + 3 + 11), (2**20, 2**20 + 2**12 + 11)])
def test_the_wire_has_a_limit_too(limit: int, most: int) -> None:
    """Before memory is taken for what will be larger than any message of that size."""
    for length, error in (
        (most, None),
        (most + 1, "max_message_size"),
        (2**62, "max_message_size"),
    ):
        decoder = Decoder(Role.CLIENT, deflate=agreement(), max_message_size=limit)
        header = (
            b"\xc2\x7f" + length.to_bytes(8, "big")
            if length > 65_535
            else b"\xc2\x7e" + length.to_bytes(2, "big")
        )
        if error is None:
            assert list(decoder.feed(header)) == []
        else:
            with pytest.raises(ProtocolError, match=error):
                list(decoder.feed(header))
    decoder = Decoder(Role.CLIENT, deflate=agreement(), max_message_size=limit)
    with pytest.raises(
        ProtocolError, match="max_message_size"
    ):  # one that is not compressed has no more than it says
        list(decoder.feed(frame(2, bytes(limit + 1))))
    decoder = Decoder(
        Role.CLIENT, deflate=agreement(), max_message_size=2 * limit, max_frame_size=limit
    )
    with pytest.raises(ProtocolError, match="max_frame_size"):
        list(decoder.feed(frame(2, bytes(most + 1), rsv=4)))


def test_the_largest_frame_is_the_largest_message() -> None:
    """Unless it is given."""
    data = bytes(2**24 + 1)
    assert list(Decoder(Role.CLIENT, max_message_size=2**25).feed(frame(2, data))) == [data]
    assert "max_message_size=1000, max_frame_size=1000," in repr(
        Decoder(Role.CLIENT, max_message_size=1000)
    )
    with pytest.raises(ProtocolError, match="max_frame_size"):
        list(
            Decoder(Role.CLIENT, max_message_size=2**25, max_frame_size=2**24).feed(frame(2, data))
        )
