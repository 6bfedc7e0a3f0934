"""Prepared messages through wsproto's Connection, on fastframe and without it."""

from __future__ import annotations

from typing import Any

import pytest
from wsproto.connection import CLIENT, SERVER, Connection
from wsproto.events import BytesMessage, Ping, TextMessage
from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import FrameProtocol as WsprotoFrameProtocol

import fastframe
from fastframe import prepare
from fastframe.deflate import Deflate
from fastframe.frame_protocol import FrameProtocol

LINE = '{"room": 1, "user": "somebody", "text": "the same words in each, so that windows count"}'
CONTENTS: list[str | bytes] = ["", "hello", "Grüße, 世界 😀", LINE * 100, b"", b"\x00\xff" * 200]


def event(content: Any, **fields: bool) -> Any:
    return (TextMessage if isinstance(content, str) else BytesMessage)(data=content, **fields)


def deflate(**settings: Any) -> PerMessageDeflate:
    extension = PerMessageDeflate(**settings)
    extension._enabled = True
    return extension


def received(connection: Connection, wire: bytes) -> list[str | bytes]:
    found: list[str | bytes] = []
    connection.receive_data(wire)
    for arrived in connection.events():
        assert isinstance(arrived, (TextMessage, BytesMessage))
        assert arrived.message_finished
        found.append(arrived.data)
    return found


@pytest.mark.parametrize(
    "content", CONTENTS, ids=lambda content: f"{type(content).__name__}{len(content)}"
)
def test_the_same_bytes_as_wsproto_without_compression(content: Any) -> None:
    prepared = prepare(content)
    alone = Connection(SERVER).send(event(content))
    assert Connection(SERVER).send(event(prepared)) == alone  # on wsproto by itself
    with fastframe.installed("wsproto"):
        connection = Connection(SERVER)
        assert connection.send(event(prepared)) == alone
        assert connection.send(event(prepared)) is Connection(SERVER).send(
            event(prepared)
        )  # shared
        assert (
            connection.send(event(prepared, message_finished=False))
            == bytes([alone[0] & 0x7F]) + alone[1:]
        )
        assert connection.send(event(content)) == bytes([0x80]) + alone[1:]
        assert received(Connection(SERVER), Connection(CLIENT).send(event(prepared))) == [content]
    frames = [
        protocol(False, []).send_data(prepared)
        for protocol in (FrameProtocol, WsprotoFrameProtocol)
    ]
    assert frames[0] == frames[1] == alone
    assert type(frames[0]) is type(frames[1]) is bytearray


@pytest.mark.parametrize(
    "options",
    [{}, {"deflate": Deflate(threshold=50, level=1, server_max_window_bits=10)}],
    ids=["", "options"],
)
@pytest.mark.parametrize("takeover", [True, False])
@pytest.mark.parametrize("window_bits", [9, 15])
@pytest.mark.parametrize("role", [SERVER, CLIENT], ids=lambda role: role.name.lower())
def test_messages_after_a_prepared_one_are_right(
    role: Any, window_bits: int, takeover: bool, options: Any
) -> None:
    settings = {
        "server_no_context_takeover": not takeover, "client_no_context_takeover": not takeover,
        "server_max_window_bits": window_bits, "client_max_window_bits": window_bits,
    }  # fmt: skip
    peer = Connection(CLIENT if role is SERVER else SERVER, [deflate(**settings)])  # wsproto's own
    prepared = prepare(LINE * 3), prepare(b"\x00\xff" * 300)
    with fastframe.installed("wsproto", **options):
        connection = Connection(role, [deflate(**settings)])
        sent: list[str | bytes] = []
        wire = b""
        for number in range(10):
            for content in (
                f"{LINE}{number}",
                prepared[0],
                prepared[number % 2],
                LINE,
                f"{LINE}{number}",
                "short",
            ):
                sent.append(content)
                wire += connection.send(event(content))
            if number == 5:  # a message of two frames, prepared content in it
                sent.append(LINE + prepared[0])
                wire += connection.send(event(LINE, message_finished=False)) + connection.send(
                    event(prepared[0])
                )
    assert received_whole(peer, wire) == sent


def received_whole(connection: Connection, wire: bytes) -> list[str | bytes]:
    found: list[str | bytes] = []
    parts: list[Any] = []
    connection.receive_data(wire)
    for arrived in connection.events():
        assert isinstance(arrived, (TextMessage, BytesMessage))
        parts.append(arrived.data)
        if arrived.message_finished:
            found.append(parts[0][:0].join(parts))
            parts = []
    return found


def test_the_compressed_frame_is_shared() -> None:
    text = prepare(LINE * 10)
    with fastframe.installed("wsproto"):
        first = Connection(SERVER, [deflate()]).send(event(text))
        assert first is Connection(SERVER, [deflate()]).send(event(text))
        assert first is not Connection(SERVER, [deflate(server_max_window_bits=9)]).send(
            event(text)
        )
    assert len(first) < 200
    alone = Connection(SERVER, [deflate()])
    assert alone.send(event(LINE * 10)) == first  # as any first message


def test_other_extensions_go_wsprotos_way() -> None:
    class Sub(PerMessageDeflate):
        pass

    extension = Sub()
    extension._enabled = True
    alone = Connection(SERVER, [extension]).send(event(LINE))
    extension = Sub()
    extension._enabled = True
    with fastframe.installed("wsproto"):
        connection = Connection(SERVER, [extension])
        assert connection.send(event(prepare(LINE))) == alone
        assert connection.send(Ping(prepare(b"x"))) == b"\x89\x01x"
