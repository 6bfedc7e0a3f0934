"""permessage-deflate under wsproto, with the options of `install`."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import pytest

import fastframe
from fastframe import Decoder, Role
from fastframe.deflate import Deflate
from tests.deflate.agreements import received, wsproto_server
from tests.helpers import deflated, installed_backends
from tests.strategies import frame

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
        with (
            fastframe.installed("wsproto", **options)
            if options is not None
            else contextlib.nullcontext()
        ):
            close = received(wsproto_server(), INTERLEAVED)[-1]
        assert (type(close), close.code) == (events.CloseConnection, 1007)  # the defect
    with fastframe.installed("wsproto", fix_interleaved_control=True):
        found = received(wsproto_server(), INTERLEAVED)
        assert "".join(event.data for event in found if type(event) is events.TextMessage) == WORDS
        assert [event for event in found if type(event) is events.Ping] == [
            events.Ping(payload=b"ping")
        ]
        # One without the other: a Ping by itself, before and after.
        wire = (
            frame(9, b"", key=b"key!")
            + frame(1, deflated(b"x"), rsv=4, key=b"key!")
            + frame(1, b"plain", key=b"key!")
        )
        assert [
            event.data for event in received(wsproto_server(), wire * 2) if hasattr(event, "data")
        ] == [
            "x",
            "plain",
        ] * 2


@pytest.mark.parametrize("takeover", [True, False])
def test_the_extension_is_left_as_wsproto_leaves_it(takeover: bool) -> None:
    pytest.importorskip("wsproto")
    data = deflated(WORDS.encode())
    frames = (
        frame(1, data, rsv=4, key=b"key!"), frame(9, b"ping", key=b"key!"),
        frame(1, data[:HALF], fin=False, rsv=4, key=b"key!"), frame(0, data[HALF:], key=b"key!"),
        frame(2, b"plain", fin=False, key=b"key!"), frame(0, b"", key=b"key!"),
        frame(10, b"", key=b"key!"), frame(1, b"", key=b"key!"),
    )  # fmt: skip

    def states() -> Iterator[tuple[Any, ...]]:
        connection = wsproto_server(client_no_context_takeover=not takeover)
        (extension,) = connection._proto.extensions
        for wire in frames:
            received(connection, wire)
            inbound = extension._inbound_is_compressible, extension._inbound_compressed
            yield *inbound, extension._decompressor is None

    expected = list(states())
    with fastframe.installed("wsproto"):
        assert list(states()) == expected


@pytest.mark.parametrize("step", [5, 10**6])
@pytest.mark.parametrize("compressed", [True, False])
def test_max_message_size_under_wsproto(compressed: bool, step: int) -> None:
    events = pytest.importorskip("wsproto.events")

    def message(size: int) -> bytes:
        data = b"x" * size
        return frame(2, deflated(data) if compressed else data, rsv=4 * compressed, key=b"key!")

    def fragmented(size: int) -> bytes:
        data = deflated(b"x" * size) if compressed else b"x" * size
        return frame(2, data[:4], fin=False, rsv=4 * compressed, key=b"key!") + frame(
            0, data[4:], key=b"key!"
        )

    with fastframe.installed("wsproto", max_message_size=1000):
        for make in (message, fragmented):
            found = received(wsproto_server(), make(1000) * 3, step)
            assert b"".join(event.data for event in found) == b"x" * 3000
            found = received(wsproto_server(), make(1000) + make(1001) + make(1), step)
            assert type(found[-1]) is events.CloseConnection
            assert (found[-1].code, found[-1].reason) == (
                1009,
                "message larger than max_message_size (1000 bytes)",
            )
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
        backend=backend,
        level=1,
        threshold=50,
        server_max_window_bits=10,
        client_no_context_takeover=True,
    )
    with fastframe.installed("wsproto", deflate=settings):
        extension = PerMessageDeflate()
        accepted = extension.accept("permessage-deflate; client_max_window_bits")
        assert accepted == "client_no_context_takeover; server_max_window_bits=10"
        assert extension.server_max_window_bits == 10
        server = wsproto_server()
        short, long = server.send(TextMessage("x" * 49)), server.send(TextMessage("long " * 1000))
        assert (short[0], long[0]) == (0x81, 0xC1)
        fragments = server.send(TextMessage("a", message_finished=False)) + server.send(
            TextMessage("b")
        )
        again = server.send(TextMessage("long " * 1000))
        client = Decoder(
            Role.CLIENT,
            deflate=Deflate(server_max_window_bits=10).confirm(
                "permessage-deflate; server_max_window_bits=10"
            ),
        )
        assert list(client.feed(short + long + fragments + again)) == [
            "x" * 49,
            "long " * 1000,
            "ab",
            "long " * 1000,
        ]
        found = received(server, frame(1, deflated("é".encode() * 5000), rsv=4, key=b"key!"))
        assert "".join(event.data for event in found) == "é" * 5000
        for declined in (
            "permessage-deflate; unknown",
            "permessage-deflate;",
            "permessage-deflate; server_max_window_bits=8",
        ):
            assert PerMessageDeflate().accept(declined) is None
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


def completed_by_the_tail(literals: int) -> bytes:
    """A block whose last match has a distance that the tail of the message completes (RFC 7692,
    7.2.2): about 513 + 8 bits of it."""
    bits: list[int] = [0, 1, 0]  # not the last block, fixed Huffman codes (RFC 1951, 3.2.6)

    def code(value: int, length: int) -> None:
        bits.extend(value >> i & 1 for i in range(length - 1, -1, -1))

    for byte in "é".encode():
        code(0x190 + byte - 144, 9)
    for _ in range(literals):
        code(0x30 + ord("a"), 8)
    code(1, 7)  # a length of 3
    code(18, 5)  # a distance from 513 on
    bits.extend([0] * (-len(bits) % 8))
    return bytes(
        sum(bit << i for i, bit in enumerate(bits[start : start + 8]))
        for start in range(0, len(bits), 8)
    )


@pytest.mark.parametrize("bits", range(9, 16))
@pytest.mark.parametrize("limit", [None, 10**6])
def test_a_reference_beyond_the_window_that_the_tail_completes(
    bits: int, limit: int | None
) -> None:
    """wsproto inflates the tail by a call of its own, which decides whether the reference is
    refused."""
    pytest.importorskip("wsproto")

    def play(literals: int, step: int) -> Any:
        connection = wsproto_server(client_max_window_bits=bits)
        wire = frame(1, completed_by_the_tail(literals), rsv=4, key=b"key!") + frame(
            1, b"after", key=b"key!"
        )
        return [
            (type(event).__name__, getattr(event, "code", None), getattr(event, "data", None))
            for event in received(connection, wire, step)
        ]

    refused = 0
    for literals, step in (
        (508, 10**9),
        (515, 10**9),
        (600, 10**9),
        (600, 7),
        (5000, 10**9),
        (5000, 300),
    ):
        alone = play(literals, step)
        with fastframe.installed("wsproto", **{} if limit is None else {"max_message_size": limit}):
            assert play(literals, step) == alone, literals
        refused += alone[-1][1] == 1007
    assert refused > 0 or bits > 9
