"""With its frames in the log, a connection of each target does what it does without."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import pytest

import fastframe
from fastframe import Decoder, Encoder, ProtocolError, Role
from fastframe._codec.tally import tally
from fastframe._targets.frame_log import LOGGER
from fastframe._targets.observations import KEY, streams
from fastframe._targets.target import target_names
from fastframe.deflate import Deflate
from tests.helpers import installed_target

pytest.importorskip("wsproto")


@pytest.mark.parametrize("name", [name for name in target_names() if name != "uvicorn"])
def test_nothing_changes(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """The fixed traffic of a self-check: what the library makes of it alone, and logged."""
    chosen = installed_target(name)

    def observe() -> list[Any]:
        if name != "autobahn":
            return list(chosen.observe())
        from tests.libraries.test_autobahn import served  # whose connections begin as real ones do

        return [served([stream], True) for stream in streams(KEY, deflate=False)]

    alone = observe()
    with fastframe.installed(name):  # type: ignore[arg-type]
        caplog.set_level(logging.DEBUG, LOGGER.name)
        logged = observe()
        caplog.set_level(logging.WARNING, LOGGER.name)
        quiet = observe()
    lines = [record.getMessage() for record in caplog.records if record.name == LOGGER.name]
    assert logged == alone
    assert quiet == alone
    assert sum(" < text, 4 bytes" in line for line in lines) > 10
    assert any(" < ping, " in line for line in lines)
    if name not in ("websocket-client", "geventwebsocket"):  # which only receive there
        assert any(" > " in line for line in lines)


def test_wsproto_logs_all_that_it_sends(caplog: pytest.LogCaptureFixture) -> None:
    from wsproto import Connection, ConnectionType
    from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

    caplog.set_level(logging.DEBUG, LOGGER.name)
    with fastframe.installed("wsproto"):
        server = Connection(ConnectionType.SERVER)
        for event in (
            TextMessage(data="a", message_finished=False), TextMessage(data="b"),
            BytesMessage(data=b"c"), Ping(payload=b"d"), Pong(payload=b"e"),
            CloseConnection(code=1000),
        ):  # fmt: skip
            server.send(event)
        server.receive_data(None)
    words = [record.getMessage().partition(" > ")[2] for record in caplog.records]
    assert [line for line in words if line] == [
        "text, 1 bytes, not the last: 'a'", "continuation, 1 bytes: 62", "binary, 1 bytes: 63",
        "ping, 1 bytes: 64", "pong, 1 bytes: 65", "close, 2 bytes: 03 e8",
    ]  # fmt: skip


def test_websockets_with_and_without_a_handshake(caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("websockets")
    from websockets.client import ClientProtocol
    from websockets.protocol import SERVER, Protocol, State
    from websockets.server import ServerProtocol
    from websockets.uri import parse_uri

    with fastframe.installed("websockets"):
        caplog.set_level(logging.DEBUG, LOGGER.name)
        opened = Protocol(SERVER)
        opened.receive_data(Encoder(Role.CLIENT).text("opened"))
        client = ClientProtocol(parse_uri("ws://localhost/"))
        server = ServerProtocol()
        client.send_request(client.connect())
        server.receive_data(b"".join(client.data_to_send()))
        (request,) = server.events_received()
        server.send_response(server.accept(request))  # type: ignore[arg-type]
        assert server.state is State.OPEN
        server.send_text(b"at once")
        client.receive_data(b"".join(server.data_to_send()))
        assert [event.__class__.__name__ for event in client.events_received()] == [
            "Response", "Frame",
        ]  # fmt: skip
    words = [record.getMessage().split(" ", 2)[2] for record in caplog.records
             if record.name == LOGGER.name]  # fmt: skip
    assert words == [
        "< text, 6 bytes, masked: 'opened'", "> text, 7 bytes: 'at once'",
        "< text, 7 bytes: 'at once'",
    ]  # fmt: skip


STEPS: list[Any] = [
    ("deliver", Encoder(Role.CLIENT).text("hello") + Encoder(Role.CLIENT).ping(b"?")),
    ("send", {"type": "websocket.send", "text": "żółć"}),
    ("send", {"type": "websocket.send", "bytes": b"\xff" * 200_000}),
    ("deliver", Encoder(Role.CLIENT).frame(1, b"\xff")),
    ("end",),
]


@pytest.mark.parametrize("offer", [False, True])
@pytest.mark.parametrize("way", ["fastframe", "uvicorn", "not"])
def test_uvicorn(way: str, offer: bool, caplog: pytest.LogCaptureFixture) -> None:
    """At its level TRACE, or where fastframe's logger wants it; and the application sees no
    difference."""
    pytest.importorskip("uvicorn", reason="needs uvicorn")
    from fastframe.uvicorn import WSProtocol
    from tests.servers.beside_uvicorn import played

    class Plain(WSProtocol):
        logger = logging.getLogger("tests.uvicorn")
        deflate = Deflate(threshold=100)

    plain = asyncio.run(played(Plain, STEPS, offer=offer))
    assert not [record for record in caplog.records if " < text" in record.getMessage()]
    caplog.set_level(
        *{"fastframe": (logging.DEBUG, LOGGER.name), "uvicorn": (5, "tests.uvicorn"),
          "not": (logging.INFO, LOGGER.name)}[way]
    )  # fmt: skip
    assert asyncio.run(played(Plain, STEPS, offer=offer)) == plain
    lines = [
        record.getMessage().partition("127.0.0.1:1 ")[2]
        for record in caplog.records
        if " bytes" in record.getMessage()
    ]
    size = next(line for line in lines if "binary" in line) if way != "not" else ""
    assert lines == ([] if way == "not" else [
        "< text, 5 bytes, masked: 'hello'", "< ping, 1 bytes, masked: 3f",
        "> pong, 1 bytes: 3f", "> text, 8 bytes: 'żółć'", size,
        "< text, 1 bytes, masked: '\\\\xff'", lines[-1],
    ])  # fmt: skip
    if way != "not":
        assert size.startswith("> binary, ")
        assert ("RSV 100" in size) is offer
        assert lines[-1].startswith("> close, ")


def test_a_broken_rule_is_an_event_with_fields(caplog: pytest.LogCaptureFixture) -> None:
    from fastframe.uvicorn import WSProtocol
    from tests.servers.beside_uvicorn import played

    caplog.set_level(logging.INFO, "fastframe.violations")
    asyncio.run(played(WSProtocol, STEPS))
    (record,) = [record for record in caplog.records if record.name == "fastframe.violations"]
    fields: Any = SimpleNamespace(**vars(record)["fastframe"])
    assert record.getMessage() == (
        "uvicorn: a peer broke a rule: a text message is not UTF-8 (RFC 6455, 8.1)"
    )
    assert (fields.rule, fields.section, fields.code) == ("text-utf8", "RFC 6455, 8.1", 1007)
    assert (fields.target, fields.role, fields.peer) == ("uvicorn", "server", ("127.0.0.1", 1))
    assert fields.offset == len(STEPS[0][1])


def test_a_broken_rule_under_wsproto(caplog: pytest.LogCaptureFixture) -> None:
    from wsproto import Connection, ConnectionType

    caplog.set_level(logging.INFO, "fastframe.violations")
    with fastframe.installed("wsproto"):
        server = Connection(ConnectionType.SERVER)
        server.receive_data(Encoder(Role.CLIENT).text("good") + b"\x83\x80")
        assert len(list(server.events())) == 2
    fields: Any = SimpleNamespace(**vars(caplog.records[-1])["fastframe"])
    assert (fields.rule, fields.section, fields.code) == ("opcode", "RFC 6455, 5.2", 1002)
    assert (fields.offset, fields.target) == (10, "wsproto")


def test_frames_before_the_answer_and_pings_of_the_server(
    caplog: pytest.LogCaptureFixture,
) -> None:
    pytest.importorskip("uvicorn")
    from fastframe._targets.frame_log import FrameLog
    from fastframe.uvicorn.logged import new_decoder, new_encoder

    caplog.set_level(logging.DEBUG, LOGGER.name)
    log, counts = FrameLog("peer"), tally("test", "server")
    decoder, encoder = new_decoder(counts, log), new_encoder(counts, log, None)
    assert list(decoder.feed(Encoder(Role.CLIENT).text("early"))) == ["early"]
    encoder.ping(b"1")
    assert [record.getMessage() for record in caplog.records] == [
        "peer < text, 5 bytes, masked: 'early'", "peer > ping, 1 bytes: 31",
    ]  # fmt: skip


def test_a_violation_is_raised_whatever_the_log_does(monkeypatch: pytest.MonkeyPatch) -> None:
    violations, decoder = logging.getLogger("fastframe.violations"), Decoder(Role.SERVER)

    def feeds_it_again(record: logging.LogRecord) -> bool:
        return bool(list(decoder.feed(b"more")))

    monkeypatch.setattr(violations, "filters", [feeds_it_again])
    monkeypatch.setattr(violations, "level", logging.INFO)
    monkeypatch.setattr(logging, "raiseExceptions", False)
    violations.manager._clear_cache()  # type: ignore[attr-defined]
    with pytest.raises(ProtocolError, match="the opcode is reserved"):
        list(decoder.feed(b"\x83\x80\0\0\0\0"))
    violations.manager._clear_cache()  # type: ignore[attr-defined]


def test_uvloops_transports_have_no_room_for_a_method() -> None:
    from fastframe._targets.overheard import overhear_writes

    class Slotted:
        __slots__ = ("written",)

        def write(self, data: bytes) -> None:
            self.written = data

    class Owner:
        transport: Any = Slotted()

    heard: list[bytes] = []
    whole, owner = Owner.transport, Owner()
    overhear_writes(owner, heard.append)
    owner.transport.write(b"x")
    assert (whole.written, heard, owner.transport.written) == (b"x", [b"x"], b"x")
