"""What FrameProtocol and Connection send, against wsproto: the same bytes, types and exceptions,
the masking keys fixed."""

from __future__ import annotations

import array
import contextlib
import itertools
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("wsproto")

import wsproto.frame_protocol as original
from wsproto.connection import CLIENT, SERVER, Connection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Message,
    Ping,
    Pong,
    TextMessage,
)

import fastframe
import fastframe.frame_protocol as drop_in
from fastframe._cli.differential import (
    Session,
    deflate,
    find_difference,
    fixed_random_bytes,
    no_extensions,
    one_masking_key,
    signature,
)


class StrSubclass(str):
    __slots__ = ()


class BytesSubclass(bytes):
    __slots__ = ()


PAYLOADS: list[Any] = [
    "", "text", "żółć 日本 😀", "lone \ud800 surrogate", "a" * 125, "a" * 126, "é" * 63,
    "a" * 65535,
    "é" * 32768,
    b"", b"bytes", b"b" * 125, b"b" * 126, b"b" * 65535, b"b" * 65536, bytearray(b"bytearray"),
    memoryview(b"memoryview"),
    memoryview(b"strided")[::2], memoryview(array.array("I", [1, 2, 3])), StrSubclass("subclass"),
    BytesSubclass(b"sub"),
    5, None, 1.5, [1, 2, 3], [300], object, array.array("B", [1, 2]),
]  # fmt: skip
FINS: list[Any] = [True, False, 1, 0, 2, None, "yes"]


def outcome(function: Any, *arguments: Any) -> Any:
    try:
        return signature(function(*arguments))
    except Exception as error:
        return signature(error)


@pytest.mark.parametrize("client", [False, True])
@pytest.mark.parametrize("extensions", [no_extensions, deflate])
@pytest.mark.parametrize("method", ["send_data", "ping", "pong"])
def test_every_payload(client: bool, extensions: Any, method: str) -> None:
    for payload in PAYLOADS:
        for arguments in (
            [(payload, fin) for fin in FINS] if method == "send_data" else [(payload,)]
        ):
            results = []
            for module in (original, drop_in):
                protocol = module.FrameProtocol(client, extensions())
                with fixed_random_bytes():
                    results.append(
                        (
                            outcome(getattr(protocol, method), *arguments),
                            signature(protocol._outbound_opcode),
                        )
                    )
            assert results[1] == results[0], (payload, arguments)


@pytest.mark.parametrize("client", [False, True])
def test_every_sequence_of_fragments(client: bool) -> None:
    """All sequences of four fragments: text or binary, last or not; each ends as wsproto's ends."""
    steps = list(itertools.product(["é", b"b", bytearray(b"")], [True, False]))
    for sequence in itertools.product(steps, repeat=4):
        results = []
        for module in (original, drop_in):
            protocol = module.FrameProtocol(client, [])
            with fixed_random_bytes():
                results.append(
                    [
                        (outcome(protocol.send_data, *step), signature(protocol._outbound_opcode))
                        for step in sequence
                    ]
                )
        assert results[1] == results[0], sequence


@pytest.mark.parametrize("client", [False, True])
@pytest.mark.parametrize(
    "code", [None, 0, 999, 1000, 1005, 1006, 1011, 1015, 3000, 65535, 65536, -1, "1000", 1.0]
)
@pytest.mark.parametrize(
    "reason", [None, "", "bye", "é" * 61 + "aé", "€" * 41, "a" * 200, "\ud800", b"bytes", 5]
)
def test_close(client: bool, code: Any, reason: Any) -> None:
    results = []
    for module in (original, drop_in):
        protocol = module.FrameProtocol(client, [])
        named = {reason.value: reason for reason in original.CloseReason}.get(code, code)
        with fixed_random_bytes():
            results.append(
                [outcome(protocol.close, code, reason), outcome(protocol.close, named, reason)]
            )
    assert results[1] == results[0]


def test_keys_are_the_same_whatever_is_sent_in_between() -> None:
    """All frames of a connection take their keys from one stream, so a fixed stream gives fixed
    bytes."""
    sends = (
        TextMessage("a"), Ping(b"p"), BytesMessage(b"b" * 70000), Pong(),
        TextMessage("é", message_finished=False),
        TextMessage("c"), *(TextMessage(str(i)) for i in range(300)), CloseConnection(1000, "bye"),
    )  # fmt: skip
    assert find_difference(Session("keys", True, (), (), sends)) is None


class MyMessage(TextMessage):
    pass


EVENTS: list[Any] = [
    TextMessage(data="t"), TextMessage(data="t", message_finished=False), BytesMessage(data=b"b"),
    TextMessage(data=b"odd"),  # type: ignore[arg-type]
    BytesMessage(data="odd"), BytesMessage(data=bytearray(b"ba")), Message(data="m"),
    MyMessage(data="mine"), TextMessage(data=5),  # type: ignore[arg-type]
    Ping(), Ping(b"p" * 125), Ping(b"p" * 126), Ping(bytearray(b"x")), Pong(b"q"), Ping("text"),
    CloseConnection(1000),  # type: ignore[arg-type]
    CloseConnection(1005, "reason"), CloseConnection(1006, None), AcceptConnection(), None, "event",
]  # fmt: skip


@pytest.mark.parametrize("client", [False, True])
def test_every_pair_of_events(client: bool) -> None:
    """Connection.send, any two events after one another, so in every state that sending leads to.

    One and the same key each time: what is odd is sent by wsproto's own code, which asks for four
    bytes at a time.
    """
    for sends in itertools.product(EVENTS, repeat=2):
        results = []
        for context in (contextlib.nullcontext, lambda: fastframe.installed("wsproto")):
            with (
                context(),
                mock.patch("os.urandom", lambda size: b"\x12\x34\x56\x78" * (size // 4)),
            ):
                connection = Connection(CLIENT if client else SERVER)
                results.append(
                    [(outcome(connection.send, event), connection.state) for event in sends]
                )
        assert results[1] == results[0], sends


@given(
    st.lists(st.sampled_from(EVENTS[:3] + EVENTS[5:6] + EVENTS[9:11]), max_size=10), st.booleans()
)
def test_sequences_of_events(sends: list[Any], client: bool) -> None:
    assert find_difference(Session("sends", client, (), (), tuple(sends))) is None
    assert find_difference(Session("sends", client, (), (), tuple(sends), deflate)) is None


FRAGMENT_DATA: list[Any] = [
    "one ",
    b"one ",
    bytearray(b"one "),
    memoryview(b"one "),
    StrSubclass("one "),
]
TRUTHS: list[Any] = [True, 1, False, 0]


@pytest.mark.parametrize("client", [False, True])
@pytest.mark.parametrize("through", ["FrameProtocol", "Connection"])
def test_fragments_of_every_pair_of_types_stay_compressed(client: bool, through: str) -> None:
    """The first fragment of a compressed message may take wsproto's own code and the next one the
    fast path, or the other way."""
    entered = 0
    for first, second in itertools.product(itertools.product(FRAGMENT_DATA, TRUTHS), repeat=2):
        outcomes = []
        for fast in (False, True):
            with (
                one_masking_key(),
                fastframe.installed("wsproto") if fast else contextlib.nullcontext(),
            ):
                send, protocol = sender(through, client, fast)
                sent = [
                    outcome(send, *part) for part in (first, second, ("end", True), (b"end", True))
                ]
                outcomes.append(sent)
                entered += fast and isinstance(protocol, drop_in.FrameProtocol)
        assert outcomes[1] == outcomes[0], (first, second)
    assert entered == (len(FRAGMENT_DATA) * len(TRUTHS)) ** 2


def sender(through: str, client: bool, fast: bool) -> tuple[Any, Any]:
    """A function of data and fin, and the protocol that it sends through."""
    if through == "FrameProtocol":
        protocol = (drop_in if fast else original).FrameProtocol(client, deflate())
        return protocol.send_data, protocol
    connection = Connection(CLIENT if client else SERVER, deflate())

    def send(data: Any, fin: Any) -> bytes:
        kind = TextMessage if isinstance(data, str) else BytesMessage
        return connection.send(kind(data=data, message_finished=fin))

    return send, connection._proto


def test_what_the_peer_gets_of_fragments_of_different_types() -> None:
    with fastframe.installed("wsproto"):
        connection, peer = Connection(SERVER, deflate()), Connection(CLIENT, deflate())
        peer.receive_data(
            connection.send(BytesMessage(data=memoryview(b"one "), message_finished=False))
        )  # type: ignore[arg-type]
        peer.receive_data(connection.send(BytesMessage(data=b"two", message_finished=True)))
        assert b"".join(event.data for event in peer.events()) == b"one two"  # type: ignore[attr-defined]
