"""permessage-deflate: negotiation by the letter of RFC 7692, messages between us and others, and limits that hold."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import shutil
import socket
import subprocess
import sys
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastframe
from fastframe import Decoder, Encoder, Ping, ProtocolError, Role, Text
from fastframe.deflate import BACKENDS, Agreement, Deflate, NegotiationError, backend_module
from tests.strategies import frame

OFFER = "permessage-deflate"


def installed_backends() -> list[str]:
    found = []
    for name in BACKENDS:
        try:
            backend_module(name)
        except ImportError:
            continue
        found.append(name)
    return found


def agreements(**settings: Any) -> tuple[Agreement, Agreement]:
    """What a client and a server with these settings make of each other."""
    deflate = Deflate(**settings)
    server = deflate.accept(deflate.offer())
    assert server is not None
    client = deflate.confirm(server.response())
    assert client is not None
    return client, server


def codecs(sender: Role, **settings: Any) -> tuple[Encoder, Decoder]:
    client, server = agreements(**settings)
    if sender is Role.CLIENT:
        return Encoder(Role.CLIENT, deflate=client), Decoder(Role.SERVER, deflate=server)
    return Encoder(Role.SERVER, deflate=server), Decoder(Role.CLIENT, deflate=client)


def deflated(data: bytes, level: int = 9) -> bytes:
    compressor = zlib.compressobj(level, zlib.DEFLATED, -15)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


def server_decoder(**limits: Any) -> Decoder:
    return Decoder(Role.CLIENT, deflate=agreements()[0], **limits)


# ---- negotiation (RFC 7692, 5 and 7.1) -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offers", "response"),
    [
        ("permessage-deflate", "permessage-deflate"),
        ("permessage-deflate; client_max_window_bits", "permessage-deflate"),
        ("permessage-deflate; client_max_window_bits=10", "permessage-deflate; client_max_window_bits=10"),
        ('permessage-deflate; client_max_window_bits="10"', "permessage-deflate; client_max_window_bits=10"),
        ('permessage-deflate; client_max_window_bits="1\\0"', "permessage-deflate; client_max_window_bits=10"),
        ("permessage-deflate; client_max_window_bits=8", "permessage-deflate; client_max_window_bits=8"),
        ("permessage-deflate;server_max_window_bits=9", "permessage-deflate; server_max_window_bits=9"),
        (" permessage-deflate ; server_no_context_takeover ", "permessage-deflate; server_no_context_takeover"),
        ("permessage-deflate; client_no_context_takeover", "permessage-deflate; client_no_context_takeover"),
        # The first acceptable one of several, and other extensions passed over.
        ("permessage-deflate; server_max_window_bits=8, permessage-deflate", "permessage-deflate"),
        ('x-other; a="b, permessage-deflate", permessage-deflate; unknown, permessage-deflate', "permessage-deflate"),
        ("=broken, permessage-deflate", "permessage-deflate"),
    ],
)
def test_accepted_offers(offers: str, response: str) -> None:
    agreement = Deflate().accept(offers)
    assert agreement is not None
    assert agreement.response() == response


@pytest.mark.parametrize(
    "offers",
    [
        None,
        "",
        "permessage-bzip2",
        "permessage-deflate; unknown",
        "permessage-deflate; server_max_window_bits",  # an offer must say how many
        "permessage-deflate; server_max_window_bits=8",  # zlib cannot
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=010",
        "permessage-deflate; client_max_window_bits=",
        "permessage-deflate; client_max_window_bits=x",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; " + " " * 50_000 + "=",
        "permessage-deflate" + "; a" * 20_000,
    ],
)
def test_declined_offers(offers: str | None) -> None:
    assert Deflate().accept(offers) is None


def test_settings_of_the_server_are_in_its_answer() -> None:
    settings = Deflate(
        server_no_context_takeover=True,
        client_no_context_takeover=True,
        server_max_window_bits=11,
        client_max_window_bits=12,
    )
    agreement = settings.accept("permessage-deflate; client_max_window_bits; server_max_window_bits=13")
    assert agreement is not None
    assert agreement.response() == (
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
        "server_max_window_bits=11; client_max_window_bits=12"
    )
    # A client that does not name its window does not know the parameter: it must not be told, and may use all of it.
    agreement = settings.accept(OFFER)
    assert agreement is not None
    assert "client_max_window_bits" not in agreement.response()
    assert agreement.client_max_window_bits == 15


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ("permessage-deflate, permessage-deflate", "accepted twice"),
        ("permessage-deflate; unknown=1", "unknown, repeated or malformed"),
        ("permessage-deflate; client_max_window_bits", "unknown, repeated or malformed"),
        ("permessage-deflate; server_max_window_bits", "unknown, repeated or malformed"),
        ("permessage-deflate", "server_no_context_takeover was offered"),
        ("permessage-deflate; server_no_context_takeover", "server_max_window_bits is above 12"),
        (
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=12; client_max_window_bits=14",
            "client_max_window_bits is above 13",
        ),
        (
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=12; client_max_window_bits=8",
            "zlib cannot compress",
        ),
    ],
)
def test_answers_that_break_the_rules(response: str, reason: str) -> None:
    settings = Deflate(server_no_context_takeover=True, server_max_window_bits=12, client_max_window_bits=13)
    with pytest.raises(NegotiationError, match=reason):
        settings.confirm(response)


def test_a_server_may_decline() -> None:
    assert Deflate().confirm(None) is None
    assert Deflate().confirm("x-other; a=1") is None


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"server_max_window_bits": 8}, ValueError, "server_max_window_bits must be from 9 to 15, not 8"),
        ({"client_max_window_bits": "15"}, TypeError, "client_max_window_bits must be an int, not str"),
        ({"memory_level": 10}, ValueError, "memory_level must be from 1 to 9"),
        ({"level": 10}, ValueError, "level must be from -1 to 9, not 10"),
        ({"threshold": -1}, ValueError, "threshold must be from 0"),
        ({"backend": "brotli"}, ValueError, "backend must be one of zlib, zlib-ng, isal, not 'brotli'"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        Deflate(**settings)


def test_a_backend_that_is_not_installed_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("isal", "isal.isal_zlib"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match="'isal' is not installed: pip install isal"):
        Deflate(backend="isal")


# ---- messages ------------------------------------------------------------------------------------------------------

MESSAGES: list[str | bytes] = [
    "hello hello hello", "", b"", "żółć 日本 😀 " * 300, b"\x00" * 200_000, random.Random(7).randbytes(100_000), "a", "hello hello hello",
]  # fmt: skip


@pytest.mark.parametrize("backend", installed_backends())
@pytest.mark.parametrize("takeover", [True, False])
@pytest.mark.parametrize("window_bits", [9, 12, 15])
@pytest.mark.parametrize("sender", Role)
def test_messages_arrive_however_they_are_cut(sender: Role, window_bits: int, takeover: bool, backend: str) -> None:
    settings = {
        "server_no_context_takeover": not takeover, "client_no_context_takeover": not takeover,
        "server_max_window_bits": window_bits, "client_max_window_bits": window_bits, "backend": backend,
    }  # fmt: skip
    for step in (3, 1000, 65536, 10**7):
        encoder, decoder = codecs(sender, **settings)
        wire = b"".join(encoder.message(message) for message in MESSAGES)
        wire += encoder.text("fragé", fin=False) + encoder.ping(b"between") + encoder.continuation("ments", fin=False)
        wire += encoder.continuation("") + encoder.binary(b"", fin=False) + encoder.continuation(b"")
        assert len(wire) < 150_000
        found = [message for i in range(0, len(wire), step) for message in decoder.feed(wire[i : i + step])]
        assert found == [*MESSAGES, Ping(b"between"), "fragéments", b""]


@pytest.mark.usefixtures("kernel")
@given(texts=st.lists(st.text(max_size=200), max_size=8), cuts=st.lists(st.integers(0, 3000)))
def test_any_texts(texts: list[str], cuts: list[int]) -> None:
    encoder, decoder = codecs(Role.CLIENT)
    wire = b"".join(encoder.text(text) for text in texts)
    edges = sorted({0, len(wire), *(cut for cut in cuts if cut < len(wire))})
    assert [message for a, b in itertools.pairwise(edges) for message in decoder.feed(wire[a:b])] == texts


def test_small_messages_below_the_threshold_are_sent_as_they_are() -> None:
    encoder, decoder = codecs(Role.SERVER, threshold=20)
    assert encoder.text("x" * 19) == frame(1, b"x" * 19)
    assert encoder.text("x" * 20)[0] == 0xC1
    assert encoder.text("x" * 19, fin=False)[0] == 0x41  # nobody knows how long it will be
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
    assert list(decoder.feed(first + encoder.text("some words, words that are never sent, " * 9))) == [
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
        "c1 07 f3 48 cd c9 c9 07 00",  # with BFINAL, without the empty block behind it
        "c1 0d f2 48 05 00 00 00 ff ff ca c9 c9 07 00",  # two blocks
    ],
)
def test_the_examples_of_the_rfc(wire: str) -> None:
    """RFC 7692, 7.2.3."""
    decoder = server_decoder()
    for _ in range(3):
        assert list(decoder.feed(bytes.fromhex(wire))) == ["Hello"]
    assert list(decoder.feed(bytes.fromhex("c1 07 f2 48 cd c9 c9 07 00"))) == ["Hello"]


def test_the_window_goes_on_behind_a_final_block() -> None:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = compressor.compress(b"the same words again, ") + compressor.flush()
    other = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=b"the same words again, ")
    second = (other.compress(b"the same words again, ") + other.flush(zlib.Z_SYNC_FLUSH))[:-4]
    assert list(server_decoder().feed(frame(2, first + second, rsv=4))) == [b"the same words again, " * 2]


def test_the_window_behind_a_final_block_is_that_of_all_pieces_of_the_message() -> None:
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
    assert list(server_decoder().feed(frame(2, final(b"x" * 9_000) * 50, rsv=4))) == [b"x" * 450_000]


def test_prepared_messages() -> None:
    _, server = agreements(server_no_context_takeover=True, threshold=10)
    client = agreements(server_no_context_takeover=True)[0]
    prepared = [server.prepare("short"), server.prepare("long " * 100), server.prepare(b"long " * 100)]
    for _ in range(3):
        encoder, decoder = Encoder(Role.SERVER, deflate=server), Decoder(Role.CLIENT, deflate=client)
        wire = (
            encoder.text("of this connection, long") + prepared[1] + encoder.text("again") + prepared[0] + prepared[2]
        )
        assert list(decoder.feed(wire)) == ["of this connection, long", "long " * 100, "again", "short", b"long " * 100]
    with pytest.raises(ValueError, match="needs an agreement with server_no_context_takeover"):
        agreements()[1].prepare("x")


# ---- what breaks the rules -----------------------------------------------------------------------------------------


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
                assert [message for piece in pieces for message in decoder.feed(piece)] == [b"x" * size]
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
    decoder = Decoder(Role.SERVER, deflate=Deflate().accept("permessage-deflate"), max_message_size=2**20)
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
bomb = b"".join(compressor.compress(bytes(2**16)) for _ in range(2**10)) + compressor.flush(zlib.Z_SYNC_FLUSH)
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
    """65 kB that become 64 MiB, with a limit of one: in a process of its own, as no process gives its peak back."""
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
def test_broken_streams_end_as_under_wsproto(data: bytes, changes: list[tuple[int, int]], cut: int) -> None:
    """Bytes changed, and the end cut off: the same message, or the same close code. A stream that says that it has ended is
    left out, as wsproto drops what follows."""
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


# ---- others --------------------------------------------------------------------------------------------------------

PARAMETERS = [
    {
        "server_no_context_takeover": a,
        "client_no_context_takeover": b,
        "server_max_window_bits": c,
        "client_max_window_bits": d,
    }
    for a, b, c, d in itertools.product((False, True), (False, True), (9, 15), (9, 15))
]


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
@pytest.mark.parametrize("our_role", Role)
def test_websockets_understands_us_and_we_it(our_role: Role, parameters: dict[str, Any]) -> None:
    deflate = pytest.importorskip("websockets.extensions.permessage_deflate")
    from websockets.frames import Frame, Opcode
    from websockets.protocol import Protocol, Side

    client, server = agreements(**parameters)
    ours, we_are_client = (client, True) if our_role is Role.CLIENT else (server, False)
    remote, local = ("client", "server") if we_are_client else ("server", "client")
    peer: Any = Protocol(Side.SERVER if we_are_client else Side.CLIENT)
    extension = deflate.PerMessageDeflate(
        remote_no_context_takeover=parameters[f"{remote}_no_context_takeover"],
        local_no_context_takeover=parameters[f"{local}_no_context_takeover"],
        remote_max_window_bits=parameters[f"{remote}_max_window_bits"],
        local_max_window_bits=parameters[f"{local}_max_window_bits"],
    )
    peer.extensions = [extension]
    encoder, decoder = Encoder(our_role, deflate=ours), Decoder(our_role, deflate=ours)
    for message in MESSAGES * 2:
        peer.receive_data(encoder.message(message))
        (received,) = peer.events_received()
        text = received.opcode is Opcode.TEXT
        assert (str(received.data, "utf-8") if text else bytes(received.data)) == message
        data = message.encode() if isinstance(message, str) else message
        sent = Frame(Opcode.TEXT if isinstance(message, str) else Opcode.BINARY, data)
        wire = sent.serialize(mask=not we_are_client, extensions=[extension])
        assert list(decoder.feed(wire)) == [message]


@pytest.mark.parametrize("takeover", [True, False])
@pytest.mark.parametrize("window_bits", [9, 12, 15])
def test_aiohttp_understands_us_and_we_it(window_bits: int, takeover: bool) -> None:
    pytest.importorskip("aiohttp")
    from aiohttp import WSMsgType
    from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader
    from aiohttp._websocket.writer import WebSocketWriter

    _, server = agreements(
        client_no_context_takeover=not takeover, server_no_context_takeover=not takeover,
        client_max_window_bits=window_bits, server_max_window_bits=window_bits,
    )  # fmt: skip

    class Wire:
        """What aiohttp wants of a transport and of a protocol."""

        _reading_paused = _drain_helper = False
        written = b""

        def write(self, data: bytes) -> None:
            self.written += data

        def is_closing(self) -> bool:
            return False

    async def both_ways() -> None:
        wire: Any = Wire()
        queue: Any = WebSocketDataQueue(wire, 2**20, loop=asyncio.get_running_loop())
        reader = WebSocketReader(queue, 2**22, True, True)
        writer = WebSocketWriter(wire, wire, use_mask=True, compress=window_bits, notakeover=not takeover)
        encoder, decoder = Encoder(Role.SERVER, deflate=server), Decoder(Role.SERVER, deflate=server)
        for message in MESSAGES * 2:
            reader.feed_data(encoder.message(message))
            assert (await queue.read()).data == message
            data, kind = (message.encode(), WSMsgType.TEXT) if isinstance(message, str) else (message, WSMsgType.BINARY)
            await writer.send_frame(data, kind)
            assert list(decoder.feed(wire.written)) == [message]
            wire.written = b""

    asyncio.run(both_ways())


NODE_ECHO = """
const { WebSocketServer } = require("ws");
const options = JSON.parse(process.argv[1]);
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: options, maxPayload: 1e8 });
server.on("connection", (socket) => socket.on("message", (data, binary) => socket.send(data, { binary })));
server.on("listening", () => console.log(server.address().port));
setTimeout(() => process.exit(1), 60000);
"""


def node_has_ws() -> bool:
    if shutil.which("node") is None:
        return False
    return subprocess.run(["node", "-e", "require('ws')"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not node_has_ws(), reason="Node or its package ws is not installed (npm install ws; NODE_PATH)")
@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_ws_of_node_understands_us_and_we_it(parameters: dict[str, Any]) -> None:
    """Over loopback, with a real opening handshake; ws echoes what it understood, compressed by its own zlib."""
    options = {
        "serverNoContextTakeover": parameters["server_no_context_takeover"],
        "clientNoContextTakeover": parameters["client_no_context_takeover"],
        "serverMaxWindowBits": parameters["server_max_window_bits"],
        "clientMaxWindowBits": parameters["client_max_window_bits"],
        "threshold": 0,
    }
    with subprocess.Popen(["node", "-e", NODE_ECHO, json.dumps(options)], stdout=subprocess.PIPE, text=True) as node:
        try:
            assert node.stdout is not None
            port = int(node.stdout.readline())
            settings = Deflate(**parameters)
            with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
                connection.sendall(
                    f"GET / HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                    f"Sec-WebSocket-Extensions: {settings.offer()}\r\n\r\n".encode()
                )
                answer = b""
                while b"\r\n\r\n" not in answer:
                    answer += connection.recv(4096)
                head, _, rest = answer.partition(b"\r\n\r\n")
                (response,) = (
                    line.split(": ", 1)[1]
                    for line in head.decode().split("\r\n")
                    if line.startswith("Sec-WebSocket-Ext")
                )
                agreement = settings.confirm(response)
                assert agreement is not None
                encoder, decoder = Encoder(Role.CLIENT, deflate=agreement), Decoder(Role.CLIENT, deflate=agreement)
                connection.sendall(b"".join(encoder.message(message) for message in MESSAGES * 2))
                echoed = list(decoder.feed(rest))
                while len(echoed) < 2 * len(MESSAGES):
                    echoed += decoder.feed(connection.recv(65536))
                assert echoed == MESSAGES * 2
        finally:
            node.kill()


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_wsproto_understands_us_and_we_it(parameters: dict[str, Any]) -> None:
    pytest.importorskip("wsproto")
    from wsproto.connection import CLIENT, Connection
    from wsproto.events import BytesMessage, Event, TextMessage
    from wsproto.extensions import PerMessageDeflate

    server = agreements(**parameters)[1]
    extension = PerMessageDeflate()
    extension.finalize(server.response())
    peer = Connection(CLIENT, [extension])
    encoder, decoder = Encoder(Role.SERVER, deflate=server), Decoder(Role.SERVER, deflate=server)
    for message in MESSAGES * 2:
        peer.receive_data(encoder.message(message))
        events: list[Any] = list(peer.events())
        assert events[-1].message_finished
        empty: Any = "" if isinstance(message, str) else b""
        assert empty.join(event.data for event in events) == message
        event: Event = TextMessage(message) if isinstance(message, str) else BytesMessage(message)
        assert list(decoder.feed(peer.send(event))) == [message]


def test_a_decompressor_of_somebody_else_cannot_harm_the_decoder() -> None:
    pytest.importorskip("wsproto")
    with fastframe.installed("wsproto"):
        connection = wsproto_server()
        (extension,) = connection._proto.extensions

        class Meddler:
            eof = False

            def decompress(self, data: bytes) -> None:
                connection._proto.receive_bytes(b"\x82\xfe\xff\xffkey!" + bytes(70_000))

        connection.receive_data(frame(1, b"first", key=b"key!"))
        assert [event.data for event in connection.events()] == ["first"]
        extension._decompressor = Meddler()
        connection.receive_data(frame(2, b"x" * 50, rsv=4, key=b"key!"))
        with pytest.raises(TypeError, match="must return bytes, not NoneType"):
            list(connection.events())


# ---- under wsproto, with the options of install() ------------------------------------------------------------------


def wsproto_server(**extension: Any) -> Any:
    from wsproto.connection import SERVER, Connection
    from wsproto.extensions import PerMessageDeflate

    permessage_deflate = PerMessageDeflate(**extension)
    permessage_deflate.finalize("permessage-deflate")
    return Connection(SERVER, [permessage_deflate])


def received(connection: Any, wire: bytes, step: int = 10**9) -> list[Any]:
    found = []
    for i in range(0, len(wire), step):
        connection.receive_data(wire[i : i + step])
        found += connection.events()
    return found


WORDS = " ".join(random.Random(3).choices(["alpha", "beta", "gamma", "délta"], k=200))
HALF = len(deflated(WORDS.encode())) // 2
INTERLEAVED = (
    frame(1, deflated(WORDS.encode())[:HALF], fin=False, rsv=4, key=b"key!")
    + frame(9, b"ping", key=b"key!")
    + frame(0, deflated(WORDS.encode())[HALF:], key=b"key!")
)


def test_a_ping_between_compressed_fragments_is_mended_only_where_that_is_asked_for() -> None:
    events = pytest.importorskip("wsproto.events")
    for options in (None, {}, {"max_message_size": 10**6}):
        with fastframe.installed("wsproto", **options) if options is not None else contextlib.nullcontext():
            close = received(wsproto_server(), INTERLEAVED)[-1]
        assert (type(close), close.code) == (events.CloseConnection, 1007)  # the defect
    with fastframe.installed("wsproto", fix_interleaved_control=True):
        found = received(wsproto_server(), INTERLEAVED)
        assert "".join(event.data for event in found if type(event) is events.TextMessage) == WORDS
        assert [event for event in found if type(event) is events.Ping] == [events.Ping(payload=b"ping")]
        # One without the other: a Ping by itself, before and behind.
        wire = (
            frame(9, b"", key=b"key!") + frame(1, deflated(b"x"), rsv=4, key=b"key!") + frame(1, b"plain", key=b"key!")
        )
        assert [event.data for event in received(wsproto_server(), wire * 2) if hasattr(event, "data")] == [
            "x",
            "plain",
        ] * 2


@pytest.mark.parametrize("step", [5, 10**6])
@pytest.mark.parametrize("compressed", [True, False])
def test_max_message_size_under_wsproto(compressed: bool, step: int) -> None:
    events = pytest.importorskip("wsproto.events")

    def message(size: int) -> bytes:
        data = b"x" * size
        return frame(2, deflated(data) if compressed else data, rsv=4 * compressed, key=b"key!")

    def fragmented(size: int) -> bytes:
        data = deflated(b"x" * size) if compressed else b"x" * size
        return frame(2, data[:4], fin=False, rsv=4 * compressed, key=b"key!") + frame(0, data[4:], key=b"key!")

    with fastframe.installed("wsproto", max_message_size=1000):
        for make in (message, fragmented):
            found = received(wsproto_server(), make(1000) * 3, step)
            assert b"".join(event.data for event in found) == b"x" * 3000
            found = received(wsproto_server(), make(1000) + make(1001) + make(1), step)
            assert type(found[-1]) is events.CloseConnection
            assert (found[-1].code, found[-1].reason) == (1009, "message larger than max_message_size (1000 bytes)")
            assert len(b"".join(event.data for event in found[:-1])) <= 2000
    found = received(wsproto_server(), message(1001), step)
    assert type(found[-1]) is events.BytesMessage


def test_max_fragments_under_wsproto() -> None:
    events = pytest.importorskip("wsproto.events")
    fragments = frame(2, b"", fin=False, key=b"key!") + frame(0, b"ab", fin=False, key=b"key!") * 2
    with fastframe.installed("wsproto", max_fragments=3):
        for step in (1, 1000):
            assert len(received(wsproto_server(), fragments, step)) >= 3
            close = received(wsproto_server(), fragments + frame(0, b"", key=b"key!"), step)[-1]
            assert (type(close), close.code) == (events.CloseConnection, 1009)
            assert close.reason == "message with more fragments than max_fragments (3)"


def test_a_bomb_under_wsproto() -> None:
    """Unbounded as wsproto is, unless it is told otherwise."""
    bomb = frame(2, deflated(bytes(2**23)), rsv=4, key=b"key!")
    with fastframe.installed("wsproto"):
        assert sum(len(event.data) for event in received(wsproto_server(), bomb)) == 2**23
    with fastframe.installed("wsproto", max_message_size=2**20):
        (close,) = received(wsproto_server(), bomb)
        assert close.code == 1009


@pytest.mark.parametrize("backend", installed_backends())
def test_deflate_settings_under_wsproto(backend: str) -> None:
    pytest.importorskip("wsproto")
    from wsproto.events import TextMessage
    from wsproto.extensions import PerMessageDeflate

    settings = Deflate(
        backend=backend, level=1, threshold=50, server_max_window_bits=10, client_no_context_takeover=True
    )
    with fastframe.installed("wsproto", deflate=settings):
        extension = PerMessageDeflate()
        accepted = extension.accept("permessage-deflate; client_max_window_bits")
        assert accepted == "client_no_context_takeover; client_max_window_bits=15"
        assert extension.server_max_window_bits == 10
        server = wsproto_server()
        short, long = server.send(TextMessage("x" * 49)), server.send(TextMessage("long " * 1000))
        assert (short[0], long[0]) == (0x81, 0xC1)
        fragments = server.send(TextMessage("a", message_finished=False)) + server.send(TextMessage("b"))
        again = server.send(TextMessage("long " * 1000))
        client = Decoder(
            Role.CLIENT,
            deflate=Deflate(server_max_window_bits=10).confirm("permessage-deflate; server_max_window_bits=10"),
        )
        assert list(client.feed(short + long + fragments + again)) == ["x" * 49, "long " * 1000, "ab", "long " * 1000]
        found = received(server, frame(1, deflated("é".encode() * 5000), rsv=4, key=b"key!"))
        assert "".join(event.data for event in found) == "é" * 5000
    assert PerMessageDeflate().server_max_window_bits == 15


def test_deflate_can_be_turned_off_under_wsproto() -> None:
    pytest.importorskip("wsproto")
    from wsproto.extensions import PerMessageDeflate

    original = PerMessageDeflate.accept
    with fastframe.installed("wsproto", deflate=False):
        assert PerMessageDeflate().accept("permessage-deflate") is None
        assert PerMessageDeflate().offer() is False
    assert PerMessageDeflate.accept is original
    assert PerMessageDeflate().accept("permessage-deflate") == ""


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"max_message_size": 0}, ValueError, "max_message_size must be from 1"),
        ({"max_message_size": "1"}, TypeError, "max_message_size must be an int or None, not str"),
        ({"max_fragments": True}, TypeError, "max_fragments must be an int or None, not bool"),
        ({"deflate": True}, TypeError, "deflate must be a Deflate, False or None, not bool"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        fastframe.install("wsproto", **options)
    assert not fastframe.status()["wsproto"].active


@pytest.mark.parametrize("bits", range(9, 16))
def test_a_client_that_names_the_servers_window_is_answered_with_it(bits: int) -> None:
    """RFC 7692, 7.1.2.1: also where it is 15, the default."""
    agreement = Deflate().accept(f"permessage-deflate; server_max_window_bits={bits}")
    assert agreement is not None
    assert agreement.response() == f"permessage-deflate; server_max_window_bits={bits}"
    assert agreement == Deflate(server_max_window_bits=bits).accept("permessage-deflate") or bits != 15


@pytest.mark.parametrize("server_bits", [None, 9, 12, 15])
@pytest.mark.parametrize("client_bits", [None, True, 9, 12, 15])
@pytest.mark.parametrize("settings", [{}, {"server_max_window_bits": 12, "client_max_window_bits": 12}])
def test_the_client_of_websockets_takes_every_answer(
    server_bits: Any, client_bits: Any, settings: dict[str, int]
) -> None:
    extension = pytest.importorskip("websockets.extensions.permessage_deflate")
    headers = pytest.importorskip("websockets.headers")
    factory = extension.ClientPerMessageDeflateFactory(
        server_max_window_bits=server_bits, client_max_window_bits=client_bits
    )
    offer = headers.build_extension([(factory.name, factory.get_request_params())])
    agreement = Deflate(**settings).accept(offer)
    assert agreement is not None
    ((_, parameters),) = headers.parse_extension(agreement.response())
    agreed = factory.process_response_params(parameters, [])
    assert agreed.remote_max_window_bits >= agreement.server_max_window_bits
    assert agreed.local_max_window_bits <= agreement.client_max_window_bits


@pytest.mark.parametrize("value", [b"permessage-deflate", bytearray(b"x"), ["permessage-deflate"], 5])
def test_what_is_no_header_value_is_named(value: Any) -> None:
    hint = ": decode it as latin-1$" if isinstance(value, (bytes, bytearray)) else "$"
    with pytest.raises(TypeError, match=f"^offers must be a str or None, not {type(value).__name__}{hint}"):
        Deflate().accept(value)
    with pytest.raises(TypeError, match=f"^response must be a str or None, not {type(value).__name__}{hint}"):
        Deflate().confirm(value)


def test_settings_are_keywords() -> None:
    with pytest.raises(TypeError, match="positional"):
        Deflate(True)  # type: ignore[misc]
    with pytest.raises(TypeError, match="server_no_context_takeover must be True or False, not str"):
        Deflate(server_no_context_takeover="yes")  # type: ignore[arg-type]
