"""Compressed messages: how they arrive, which rules they may break, and limits that hold while they
are inflated."""

from __future__ import annotations

import contextlib
import itertools
import random
import subprocess
import sys
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastframe import Decoder, Encoder, Ping, ProtocolError, Role, Text
from tests.deflate.agreements import (
    MESSAGES,
    agreements,
    codecs,
    received,
    server_decoder,
    wsproto_server,
)
from tests.helpers import deflated, installed_backends
from tests.strategies import frame


@pytest.mark.parametrize("backend", installed_backends())
@pytest.mark.parametrize("takeover", [True, False])
@pytest.mark.parametrize("window_bits", [9, 12, 15])
@pytest.mark.parametrize("sender", Role)
def test_messages_arrive_however_they_are_cut(
    sender: Role, window_bits: int, takeover: bool, backend: str
) -> None:
    settings = {
        "server_no_context_takeover": not takeover, "client_no_context_takeover": not takeover,
        "server_max_window_bits": window_bits, "client_max_window_bits": window_bits,
        "backend": backend,
    }  # fmt: skip
    for step in (3, 1000, 65536, 10**7):
        encoder, decoder = codecs(sender, **settings)
        wire = b"".join(encoder.message(message) for message in MESSAGES)
        wire += (
            encoder.text("fragé", fin=False)
            + encoder.ping(b"between")
            + encoder.continuation("ments", fin=False)
        )
        wire += (
            encoder.continuation("") + encoder.binary(b"", fin=False) + encoder.continuation(b"")
        )
        assert len(wire) < 150_000
        found = [
            message
            for i in range(0, len(wire), step)
            for message in decoder.feed(wire[i : i + step])
        ]
        assert found == [*MESSAGES, Ping(b"between"), "fragéments", b""]


@pytest.mark.usefixtures("kernel")
@given(texts=st.lists(st.text(max_size=200), max_size=8), cuts=st.lists(st.integers(0, 3000)))
def test_any_texts(texts: list[str], cuts: list[int]) -> None:
    encoder, decoder = codecs(Role.CLIENT)
    wire = b"".join(encoder.text(text) for text in texts)
    edges = sorted({0, len(wire), *(cut for cut in cuts if cut < len(wire))})
    assert [
        message for a, b in itertools.pairwise(edges) for message in decoder.feed(wire[a:b])
    ] == texts


def test_small_messages_below_the_threshold_are_sent_as_they_are() -> None:
    encoder, decoder = codecs(Role.SERVER, threshold=20)
    assert encoder.text("x" * 19) == frame(1, b"x" * 19)
    assert encoder.text("x" * 20)[0] == 0xC1
    assert encoder.text("x" * 19, fin=False)[0] == 0x41  # its size is not known in advance
    assert encoder.continuation("")[0] == 0x80
    assert list(decoder.feed(frame(1, b"plain"))) == ["plain"]


def test_a_masking_key_that_fails_leaves_the_window_as_it_was() -> None:
    keys = iter([b"key!", ValueError("none left"), b"key!"])

    def masking_keys() -> bytes:
        key = next(keys)
        if isinstance(key, Exception):
            raise key
        return key

    client, server = agreements()
    encoder, decoder = (
        Encoder(Role.CLIENT, deflate=client, masking_keys=masking_keys),
        Decoder(Role.SERVER, deflate=server),
    )
    first = encoder.text("some words")
    with pytest.raises(ValueError, match="none left"):
        encoder.text("words that are never sent, " * 9)
    assert list(
        decoder.feed(first + encoder.text("some words, words that are never sent, " * 9))
    ) == [
        "some words",
        "some words, words that are never sent, " * 9,
    ]


def test_text_that_is_not_decoded() -> None:
    decoder = Decoder(Role.CLIENT, deflate=agreements()[0], decode_text=False)
    (found,) = decoder.feed(frame(1, deflated("é".encode()), rsv=4))
    assert (type(found), found) == (Text, "é".encode())
    long = "é" * 100_000
    (found,) = decoder.feed(frame(1, deflated(long.encode()), rsv=4))
    assert (type(found), found) == (Text, long.encode())


@pytest.mark.parametrize(
    "wire",
    [
        "c1 07 f2 48 cd c9 c9 07 00",  # one block
        "41 03 f2 48 cd 80 04 c9 c9 07 00",  # two frames
        "c1 0b 00 05 00 fa ff 48 65 6c 6c 6f 00",  # not compressed
        "c1 08 f3 48 cd c9 c9 07 00 00",  # with BFINAL
        "c1 07 f3 48 cd c9 c9 07 00",  # with BFINAL, without the empty block after it
        "c1 0d f2 48 05 00 00 00 ff ff ca c9 c9 07 00",  # two blocks
    ],
)
def test_the_examples_of_the_rfc(wire: str) -> None:
    """RFC 7692, 7.2.3."""
    decoder = server_decoder()
    for _ in range(3):
        assert list(decoder.feed(bytes.fromhex(wire))) == ["Hello"]
    assert list(decoder.feed(bytes.fromhex("c1 07 f2 48 cd c9 c9 07 00"))) == ["Hello"]


def test_the_window_goes_on_after_a_final_block() -> None:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = compressor.compress(b"the same words again, ") + compressor.flush()
    other = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=b"the same words again, ")
    second = (other.compress(b"the same words again, ") + other.flush(zlib.Z_SYNC_FLUSH))[:-4]
    assert list(server_decoder().feed(frame(2, first + second, rsv=4))) == [
        b"the same words again, " * 2
    ]


def test_the_window_after_a_final_block_is_that_of_all_pieces_of_the_message() -> None:
    words = bytes(random.Random(5).choices(range(97, 123), k=400))
    first = zlib.compressobj(9, zlib.DEFLATED, -15)
    begin = first.compress(words) + first.flush(zlib.Z_SYNC_FLUSH)
    middle = first.compress(b"abc") + first.flush()
    other = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=words + b"abc")
    end = (other.compress(words) + other.flush(zlib.Z_SYNC_FLUSH))[:-4]
    wire = frame(2, begin, fin=False, rsv=4) + frame(0, middle, fin=False) + frame(0, end)
    assert list(server_decoder().feed(wire)) == [words + b"abc" + words]


def test_a_flood_of_final_blocks_is_refused() -> None:
    """Each of them costs far more than its two bytes."""
    assert list(server_decoder().feed(frame(2, b"\x03\x00" * 16, rsv=4))) == [b""]
    for step in (1000, 10**7):
        decoder, wire = server_decoder(), frame(2, b"\x03\x00" * 500_000, rsv=4)
        with pytest.raises(ProtocolError, match="not DEFLATE"):  # noqa: PT012
            for i in range(0, len(wire), step):
                list(decoder.feed(wire[i : i + step]))

    def final(data: bytes) -> bytes:
        compressor = zlib.compressobj(0, zlib.DEFLATED, -15)
        return compressor.compress(data) + compressor.flush()

    # Not many for so many bytes.
    assert list(server_decoder().feed(frame(2, final(b"x" * 9_000) * 50, rsv=4))) == [
        b"x" * 450_000
    ]


def test_prepared_messages() -> None:
    _, server = agreements(server_no_context_takeover=True, threshold=10)
    client = agreements(server_no_context_takeover=True)[0]
    prepared = [
        server.prepare("short"),
        server.prepare("long " * 100),
        server.prepare(b"long " * 100),
    ]
    for _ in range(3):
        encoder, decoder = (
            Encoder(Role.SERVER, deflate=server),
            Decoder(Role.CLIENT, deflate=client),
        )
        wire = (
            encoder.text("of this connection, long")
            + prepared[1]
            + encoder.text("again")
            + prepared[0]
            + prepared[2]
        )
        assert list(decoder.feed(wire)) == [
            "of this connection, long",
            "long " * 100,
            "again",
            "short",
            b"long " * 100,
        ]
    with pytest.raises(ValueError, match="needs an agreement with server_no_context_takeover"):
        agreements()[1].prepare("x")


# ---- what breaks the rules -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wire", "code", "reason"),
    [
        (frame(9, b"", rsv=4), 1002, "reserved bit"),
        (frame(1, b"", fin=False) + frame(0, b"", rsv=4), 1002, "reserved bit"),
        (frame(1, deflated(b"x"), rsv=6), 1002, "reserved bit"),
        (
            frame(1, deflated(b"x" * 99)[:20], fin=False, rsv=4) + frame(1, b"y"),
            1002,
            "before the last one was finished",
        ),
        (frame(1, b"\xff" * 30, rsv=4), 1007, "not DEFLATE"),
        (frame(1, deflated(b"\xff\xff"), rsv=4), 1007, "not UTF-8"),
        (frame(1, deflated(b"\xe2\x82"), rsv=4), 1007, "not UTF-8"),
        (frame(1, deflated(b"\xe2\x82" * 60_000), rsv=4), 1007, "not UTF-8"),
    ],
)
def test_broken_rules(wire: bytes, code: int, reason: str) -> None:
    decoder = server_decoder()
    found = []
    with pytest.raises(ProtocolError, match=reason) as error:
        found.extend(decoder.feed(frame(1, b"before") + wire))
    assert error.value.code == code
    assert decoder.finished


def test_rsv1_without_an_agreement_is_an_error() -> None:
    with pytest.raises(ProtocolError, match="reserved bit"):
        list(Decoder(Role.CLIENT).feed(frame(1, deflated(b"x"), rsv=4)))


@pytest.mark.parametrize("backend", installed_backends())
@pytest.mark.parametrize("size", [0, 1, 1000, 98_303, 98_304, 98_305, 700_000])
def test_the_limit_holds_to_the_byte(size: int, backend: str) -> None:
    client, _ = agreements(backend=backend)
    payload = deflated(b"x" * size)
    for step in (7, 10**6):
        for limit, allowed in ((max(size, 1), True), (size - 1, False)):
            if limit < 1 or (len(payload) > limit):
                continue
            decoder = Decoder(Role.CLIENT, deflate=client, max_message_size=limit)
            wire = frame(2, payload, rsv=4)
            pieces = (wire[i : i + step] for i in range(0, len(wire), step))
            if allowed:
                assert [message for piece in pieces for message in decoder.feed(piece)] == [
                    b"x" * size
                ]
                continue
            with pytest.raises(ProtocolError, match="larger than max_message_size") as error:  # noqa: PT012
                for piece in pieces:
                    list(decoder.feed(piece))
            assert error.value.code == 1009


BOMB = """
import resource, sys, zlib
import fastframe
from fastframe import Decoder, ProtocolError, Role
from fastframe.deflate import Deflate
from tests.strategies import frame

def native(wire):
    agreement = Deflate().accept("permessage-deflate")
    decoder = Decoder(Role.SERVER, deflate=agreement, max_message_size=2**20)
    try:
        list(decoder.feed(wire))
    except ProtocolError as error:
        return error.code

def wsproto(wire):
    from wsproto.connection import SERVER, Connection
    from wsproto.extensions import PerMessageDeflate
    fastframe.install("wsproto", max_message_size=2**20)
    extension = PerMessageDeflate()
    extension.finalize("permessage-deflate")
    connection = Connection(SERVER, [extension])
    connection.receive_data(wire)
    return [event.code for event in connection.events()][-1]

run = {"native": native, "wsproto": wsproto}[sys.argv[1]]
compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
bomb = b"".join(compressor.compress(bytes(2**16)) for _ in range(2**10))
bomb += compressor.flush(zlib.Z_SYNC_FLUSH)
wire = frame(2, bomb[:-4], rsv=4, key=b"key!")
assert len(wire) < 70_000
run(frame(8, b"", key=b"key!"))  # imports
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert run(wire) == 1009
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("consumer", ["native", "wsproto"])
@pytest.mark.skipif(sys.platform == "win32", reason="there is no resource module")
def test_a_bomb_costs_the_limit_and_little_more(consumer: str) -> None:
    """65 kB that become 64 MiB, with a limit of one: in a process of its own, as no process gives
    its peak back."""
    command = [sys.executable, "-c", BOMB, consumer]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    grown = int(result.stdout) // (1024 if sys.platform == "darwin" else 1)
    assert grown <= 3 * 1024, f"{grown} KiB"


def test_fragments_of_a_compressed_message_are_counted() -> None:
    decoder = server_decoder(max_fragments=3)
    wire = frame(2, b"", fin=False, rsv=4) + frame(0, b"", fin=False) * 3
    with pytest.raises(ProtocolError, match="more fragments") as error:
        list(decoder.feed(wire))
    assert error.value.code == 1009


def test_a_flood_of_empty_stored_blocks_is_bounded_by_its_own_size() -> None:
    flood = b"\x00\x00\x00\xff\xff" * 100_000
    assert list(server_decoder().feed(frame(2, flood, rsv=4))) == [b""]


@given(
    data=st.binary(max_size=300),
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=3),
    cut=st.integers(0, 400),
)
def test_broken_streams_end_as_under_wsproto(
    data: bytes, changes: list[tuple[int, int]], cut: int
) -> None:
    """Bytes changed, and the end cut off: the same message, or the same close code. A stream that
    says that it has ended is left out, as wsproto drops what follows."""
    pytest.importorskip("wsproto")
    stream = bytearray(deflated(data)[: cut or None])
    for at, byte in changes:
        if at < len(stream):
            stream[at] = byte
    judge = zlib.decompressobj(-15)
    with contextlib.suppress(zlib.error):
        judge.decompress(bytes(stream) + b"\x00\x00\xff\xff")
    if judge.eof:
        return
    wire = frame(2, bytes(stream), rsv=4, key=b"key!")
    *events, last = received(wsproto_server(), wire)
    expected = getattr(last, "code", None) or b"".join(event.data for event in [*events, last])
    found: Any
    try:
        (found,) = Decoder(Role.SERVER, deflate=agreements()[1]).feed(wire)
    except ProtocolError as error:
        found = error.code
    assert found == expected


@pytest.mark.parametrize("at", [0, 500, 999, 1000, 1001, 1500])
@pytest.mark.parametrize("decode_text", [True, False])
def test_which_rule_is_broken_does_not_depend_on_the_cuts(decode_text: bool, at: int) -> None:
    """Text that is not UTF-8 from `at` on, and larger than 1000 bytes, in blocks that can be
    inflated one by one."""
    letters = bytes(range(65, 90)) * 60
    data = letters[:at] + b"\xff" + letters
    _, agreement = agreements()
    compressor = zlib.compressobj(wbits=-15)
    payload = b"".join(
        compressor.compress(data[start : start + 50]) + compressor.flush(zlib.Z_SYNC_FLUSH)
        for start in range(0, len(data), 50)
    )
    wire = Encoder(Role.CLIENT).frame(1, payload[:-4], rsv=4)
    assert len(wire) < 1000
    for step in (1, 7, 30, 60, 200, len(wire)):
        decoder = Decoder(
            Role.SERVER, deflate=agreement, max_message_size=1000, decode_text=decode_text
        )
        with pytest.raises(ProtocolError) as caught:  # noqa: PT012
            for start in range(0, len(wire), step):
                list(decoder.feed(wire[start : start + step]))
        assert caught.value.code == (1007 if at < 1000 else 1009), step


def test_each_message_may_have_the_size_of_the_limit() -> None:
    wire = frame(2, deflated(b"x" * 100), rsv=4)
    assert list(server_decoder(max_message_size=100).feed(wire * 3)) == [b"x" * 100] * 3


def test_an_empty_last_fragment_ends_a_compressed_message() -> None:
    compressor = zlib.compressobj(wbits=-15)
    wire, words = b"", b"words that come again"
    for _ in range(3):
        payload = (compressor.compress(words) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]
        wire += frame(2, payload, fin=False, rsv=4) + frame(0, b"")
    assert list(server_decoder().feed(wire)) == [words] * 3


def test_how_many_streams_a_message_may_have_does_not_depend_on_the_cuts() -> None:
    _, agreement = agreements()

    def stream(data: bytes) -> bytes:
        compressor = zlib.compressobj(wbits=-15)
        return compressor.compress(data) + compressor.flush()

    noise = random.Random(1).randbytes(100)
    cases = ((10, b"x", True), (17, b"x", False), (30, b"x", False), (40, noise, True))
    for many, content, allowed in cases:
        payload = b"".join([stream(content)] * many) + deflated(bytes(range(256)) * 20)
        wire = Encoder(Role.CLIENT).frame(2, payload, rsv=4)
        for step in (1, 7, 50, len(wire)):
            decoder = Decoder(Role.SERVER, deflate=agreement)
            found = []
            with contextlib.suppress(ProtocolError):
                for start in range(0, len(wire), step):
                    found += decoder.feed(wire[start : start + step])
            expected = [many * len(content) + 5120] if allowed else []
            assert [len(message) for message in found] == expected, (many, step)
