"""Each allocation fails once: the result is a MemoryError or the right answer, and never the peer's
fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import fastframe
from fastframe import Close, Decoder, Encoder, InvalidState, ProtocolError, Role
from fastframe.deflate import Deflate
from tests.failing_memory import (
    MOST_ALLOCATIONS,
    each_allocation_fails,
    failing,
    fails_in,
    needs_failing_memory,
)
from tests.helpers import deflated
from tests.strategies import frame

AGREEMENT = Deflate().accept("permessage-deflate")
GOOD = "żółć 日本 " * 20
STREAMS = {
    "text": ([frame(1, GOOD.encode())], GOOD),
    "pieces": ([frame(1, GOOD.encode())[:50], frame(1, GOOD.encode())[50:]], GOOD),
    "fragments": (
        [frame(1, b"a" * 9, fin=False) + frame(0, b"\xc3", fin=False), frame(0, b"\xa9")],
        "a" * 9 + "é",
    ),
    "compressed": ([frame(1, deflated(GOOD.encode()), rsv=4)], GOOD),
    "broken text": ([frame(1, b"ok\xff")], None),
    "broken text in pieces": ([frame(1, b"ok\xff...")[:4], frame(1, b"ok\xff...")[4:]], None),
    "broken compression": ([frame(1, b"\xff" * 30, rsv=4)], None),
    "broken text inside": ([frame(1, deflated(b"ok\xff"), rsv=4)], None),
}


@needs_failing_memory
@pytest.mark.parametrize("name", STREAMS)
def test_decoder(name: str) -> None:
    pieces, good = STREAMS[name]

    def prepare() -> Callable[[], Any]:
        decoder = Decoder(Role.CLIENT, deflate=AGREEMENT)

        def run() -> Any:
            return [message for piece in pieces for message in decoder.feed(piece)]

        return run

    if good is not None:
        expected: Any = [good]
    else:
        with pytest.raises(ProtocolError) as caught:
            prepare()()
        expected = ProtocolError, str(caught.value)
    assert each_allocation_fails(prepare, expected) > 0


@needs_failing_memory
@pytest.mark.parametrize("text", [None, "x", "ż"])
@pytest.mark.parametrize("decode_text", [False, True])
@pytest.mark.parametrize("keep", [False, True])
def test_a_decoder_that_goes_on_after_get_buffer_failed(
    text: str | None, decode_text: bool, keep: bool
) -> None:
    """The message is as it was sent, or there is none: never its rest alone."""
    size = (1 << 20) + 200_000
    payload = bytes(size) if text is None else (text * size).encode()[:size]
    wire = frame(2 if text is None else 1, payload)
    fitting = Decoder(Role.CLIENT, decode_text=decode_text)
    expected = list(fitting.feed(wire))
    failed = 0
    for number in range(1, MOST_ALLOCATIONS):
        decoder = Decoder(Role.CLIENT, decode_text=decode_text)
        kept = None
        head = wire[: len(wire) - 200_000]
        assert list(decoder.feed(head[:100])) == []
        if keep:
            kept = decoder.get_buffer()
        assert list(decoder.feed(head[100:])) == []
        with failing(number):
            try:
                decoder.get_buffer()
                done = True
            except MemoryError:
                done = False
        try:
            found = list(decoder.feed(wire[len(wire) - 200_000 :]))
        except InvalidState:
            assert not done
            assert decoder.finished
            failed += 1
        else:
            assert found == expected
        del kept
        if done:
            break
    assert failed > 0 or keep


@needs_failing_memory
@pytest.mark.parametrize("compress", [False, True])
def test_encoder(compress: bool) -> None:
    def prepare() -> Callable[[], bytes]:
        encoder = Encoder(
            Role.CLIENT, masking_keys=lambda: b"key!", deflate=AGREEMENT if compress else None
        )
        return lambda: encoder.text("first ") + encoder.message(GOOD) + encoder.close(1000, "bye")

    assert each_allocation_fails(prepare, prepare()()) > 0


SECRET = "for somebody else " * 3


@needs_failing_memory
@pytest.mark.parametrize("settings", [Deflate(), Deflate(server_no_context_takeover=True)])
@pytest.mark.parametrize("size", [1, 5000])
def test_a_message_that_failed_is_not_sent_with_the_next_one(settings: Deflate, size: int) -> None:
    agreement, failed = settings.accept("permessage-deflate"), 0
    assert agreement is not None
    for number in range(1, MOST_ALLOCATIONS):
        encoder, decoder = (
            Encoder(Role.SERVER, deflate=agreement),
            Decoder(Role.CLIENT, deflate=agreement),
        )
        assert list(decoder.feed(encoder.text("first"))) == ["first"]
        if not fails_in(number, encoder.text, SECRET * size):
            break
        failed += 1
        assert list(decoder.feed(encoder.text("public " + SECRET))) == ["public " + SECRET], number
    assert failed > 0


@needs_failing_memory
def test_a_fragment_that_failed_is_sent_again_or_its_message_is_lost() -> None:
    sent_again = lost = 0
    for number in range(1, MOST_ALLOCATIONS):
        encoder, decoder = (
            Encoder(Role.SERVER, deflate=AGREEMENT),
            Decoder(Role.CLIENT, deflate=AGREEMENT),
        )
        assert list(decoder.feed(encoder.text("first ", fin=False))) == []
        if not fails_in(number, encoder.continuation, SECRET, fin=False):
            continue
        try:
            wire = encoder.continuation("again")
        except InvalidState:
            with pytest.raises(InvalidState, match="memory ran out in the open message"):
                encoder.continuation("again")
            with pytest.raises(InvalidState, match="a message is open"):
                encoder.text("another")
            assert list(decoder.feed(encoder.close(1011))) == [Close(1011, "")]
            lost += 1
        else:
            assert list(decoder.feed(wire)) == ["first again"]
            sent_again += 1
    assert lost > 0
    assert sent_again > 0


def compressing_connection() -> Any:
    from wsproto.connection import SERVER, Connection
    from wsproto.extensions import PerMessageDeflate

    extension = PerMessageDeflate()
    extension.finalize("permessage-deflate")
    return Connection(SERVER, [extension])


@needs_failing_memory
def test_a_message_that_failed_in_wsproto_is_not_sent_with_the_next_one() -> None:
    pytest.importorskip("wsproto")
    from wsproto.events import TextMessage

    failed = 0
    with fastframe.installed("wsproto"):
        for number in range(1, MOST_ALLOCATIONS):
            connection, decoder = compressing_connection(), Decoder(Role.CLIENT, deflate=AGREEMENT)
            assert list(decoder.feed(connection.send(TextMessage("first")))) == ["first"]
            if not fails_in(number, connection.send, TextMessage(SECRET)):
                break
            failed += 1
            assert list(decoder.feed(connection.send(TextMessage("public " + SECRET)))) == [
                "public " + SECRET
            ], number
    assert failed > 0


@needs_failing_memory
@pytest.mark.parametrize("failing", ["first", "second"])
def test_a_fragment_that_failed_in_wsproto_takes_nothing_with_it(failing: str) -> None:
    """The second as with wsproto alone: it may have been sent with what follows, but nothing before
    it is missing."""
    pytest.importorskip("wsproto")
    from wsproto.events import TextMessage

    failed = 0
    with fastframe.installed("wsproto"):
        for number in range(1, MOST_ALLOCATIONS):
            connection, decoder = compressing_connection(), Decoder(Role.CLIENT, deflate=AGREEMENT)
            if failing == "second":
                sent = connection.send(TextMessage("pay 100 to Bob; ", message_finished=False))
                assert list(decoder.feed(sent)) == []
            if not fails_in(number, connection.send, TextMessage(SECRET, message_finished=False)):
                break
            failed += 1
            (found,) = decoder.feed(connection.send(TextMessage("signed")))
            if failing == "first":
                assert found == "signed", number
            else:
                assert found in {"pay 100 to Bob; signed", f"pay 100 to Bob; {SECRET}signed"}, (
                    number
                )
    assert failed > 0


@needs_failing_memory
@pytest.mark.parametrize(
    "wire",
    [
        frame(1, GOOD.encode()),
        frame(1, b"ok\xff"),
        frame(3, b""),
        frame(1, b"a", fin=False) + frame(1, b"b"),
    ],
)
def test_connection(wire: bytes) -> None:
    pytest.importorskip("wsproto")
    from wsproto.connection import CLIENT, Connection

    def prepare() -> Callable[[], Any]:
        connection = Connection(CLIENT)

        def run() -> Any:
            connection.receive_data(wire)
            return list(connection.events())

        return run

    expected = prepare()()
    with fastframe.installed("wsproto"):
        assert each_allocation_fails(prepare, expected) > 0


@needs_failing_memory
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("compress", [False, True])
def test_prepared_messages(compress: bool, role: Role) -> None:
    def prepare_call() -> Callable[[], bytes]:
        text = fastframe.prepare(GOOD)
        encoder = Encoder(
            role, masking_keys=lambda: b"key!", deflate=AGREEMENT if compress else None
        )
        before = encoder.text("before")
        return lambda: before + encoder.text(text) + encoder.text("after")

    assert each_allocation_fails(prepare_call, prepare_call()()) > 0


@needs_failing_memory
def test_a_prepared_message_that_failed_leaves_the_window_right() -> None:
    failed = 0
    for number in range(1, MOST_ALLOCATIONS):
        encoder, decoder = (
            Encoder(Role.SERVER, deflate=AGREEMENT),
            Decoder(Role.CLIENT, deflate=AGREEMENT),
        )
        assert list(decoder.feed(encoder.text(SECRET))) == [SECRET]
        if not fails_in(number, encoder.text, fastframe.prepare(SECRET)):
            break
        failed += 1
        assert list(decoder.feed(encoder.text(SECRET) + encoder.text("public"))) == [
            SECRET,
            "public",
        ], number
    assert failed > 0


@needs_failing_memory
@pytest.mark.parametrize("inbound", [False, True])
def test_events(inbound: bool) -> None:
    """Made by a call of their class, or received."""
    pytest.importorskip("wsproto")
    from wsproto.connection import CLIENT, SERVER, Connection
    from wsproto.events import Ping, TextMessage

    def prepare_call() -> Callable[[], Any]:
        if not inbound:
            return lambda: [
                TextMessage(GOOD),
                TextMessage(data=GOOD, message_finished=False),
                Ping(),
            ]
        server, client = Connection(SERVER), Connection(CLIENT)
        server.receive_data(client.send(TextMessage(GOOD)) + client.send(Ping(b"x")))
        events = server.events()
        return lambda: [next(events), next(events)]

    expected = prepare_call()()
    with fastframe.installed("wsproto"):
        assert prepare_call()() == expected
        assert each_allocation_fails(prepare_call, expected) > 0
