"""What a peer can do to `fastframe.uvicorn:WSProtocol`, and what it costs."""

from __future__ import annotations

import asyncio
import importlib
import ssl
import sys
import tracemalloc
from typing import Any

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("wsproto")

from uvicorn.config import Config
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.server import ServerState

from fastframe import Close, Ping, Pong
from fastframe.deflate import Deflate
from fastframe.uvicorn import WSProtocol, transport
from tests import strategies
from tests.helpers import deflated
from tests.servers.in_uvicorn import (
    OURS,
    Event,
    RawClient,
    Receive,
    Recorder,
    Send,
    raw_client,
    serving,
)
from tests.servers.programs import self_signed

MIB = 2**20
DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate"


def frame(opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0) -> bytes:
    """As a client would have to send it."""
    return strategies.frame(opcode, payload, fin=fin, rsv=rsv, key=b"mask")


def connection_of(server: Any) -> WSProtocol:
    (connection,) = server.state.connections
    assert isinstance(connection, WSProtocol)
    return connection


def receive_bytes(connection: WSProtocol, data: bytes) -> None:
    """As a transport would, whatever the connection thinks of it."""
    connection.get_buffer(len(data))[: len(data)] = data
    connection.buffer_updated(len(data))


async def accept_and_close(scope: Event, receive: Receive, send: Send) -> None:
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close"})


# ---- broken rules --------------------------------------------------------------------------------

HOSTILE = {
    "a reserved opcode": (frame(3, b""), 1002),
    "a reserved bit": (frame(1, b"", rsv=4), 1002),
    "no mask": (strategies.frame(1, b"text"), 1002),
    "a long control frame": (frame(9, bytes(126)), 1002),
    "a control frame in fragments": (frame(9, b"", fin=False), 1002),
    "a continuation of nothing": (frame(0, b""), 1002),
    "a message inside a message": (frame(1, b"", fin=False) + frame(2, b""), 1002),
    "a length above 2**63 - 1": (b"\x82\xff" + b"\xff" * 8 + bytes(4), 1002),
    "a length that is not minimal": (b"\x82\xfe" + b"\x00\x7d" + bytes(4), 1002),
    "text that is not UTF-8": (frame(1, b"\xff"), 1007),
    "a reason that is not UTF-8": (frame(8, b"\x03\xe8\xff"), 1007),
    "a Close of one byte": (frame(8, b"\x03"), 1002),
    "a status code that must not be sent": (frame(8, b"\x03\xee"), 1002),
    "a message that is too large": (frame(2, bytes(1001)), 1009),
    "the header of such a message": (b"\x82\xff\x7f" + b"\xff" * 7 + bytes(4), 1009),
    "too many fragments": (frame(2, b"", fin=False) + 2**17 * frame(0, b"", fin=False), 1009),
}


@pytest.mark.parametrize(("hostile", "code"), HOSTILE.values(), ids=HOSTILE)
async def test_hostile_frames(hostile: bytes, code: int, caplog: pytest.LogCaptureFixture) -> None:
    app = Recorder()
    async with serving(app, ws_max_size=1000) as server, raw_client(server) as client:
        await client.handshake()
        client.send(client.encoder.message("before") + hostile + bytes(300_000))
        assert await client.message() == "before"
        close = await client.message()
        assert isinstance(close, Close)
        assert close.code == code
        assert await client.hung_up()
        client.writer.close()
        await server.idle()
    assert app.received[1:] == [
        {"type": "websocket.receive", "text": "before"},
        {"type": "websocket.disconnect", "code": code, "reason": close.reason},
    ]
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("ending", ["close", "keepalive", "lost", "return"])
async def test_application_that_does_not_ask_what_comes_behind_a_broken_rule(ending: str) -> None:
    received = []
    settings = {"ws_ping_interval": 0.02, "ws_ping_timeout": 0.02} if ending == "keepalive" else {}
    go_on = asyncio.Event()

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        received.append(await receive())
        if ending == "close":
            await send({"type": "websocket.close", "code": 4000})
        elif ending != "return":
            await go_on.wait()
        if ending != "return":
            received.append(await receive())

    async with serving(app, **settings) as server, raw_client(server) as client:
        await client.handshake()
        connection = connection_of(server)
        client.send(client.encoder.message("before") + frame(3, b""))
        if ending == "lost":
            while connection.queue.pending_violation is None:
                await asyncio.sleep(0.005)
            client.writer.transport.abort()
            while server.state.connections:
                await asyncio.sleep(0.005)
        elif ending == "return":
            assert await client.hung_up()
        else:
            close = await client.message()
            while isinstance(close, Ping):
                close = await client.message()
            assert close.code == (4000 if ending == "close" else 1002)
            assert await client.hung_up()
            client.writer.close()
        go_on.set()
        await server.idle()
    assert [event.get("code") for event in received] == [None, 4000 if ending == "close" else 1002][
        : len(received)
    ]
    assert received[0]["text"] == "before"


async def test_the_close_arrives_although_the_client_goes_on_sending() -> None:
    """Hanging up over unread bytes would reset the connection, and the client might never read
    why."""
    async with serving(Recorder(), ws_max_size=1000) as server, raw_client(server) as client:
        await client.handshake()
        client.send(frame(2, bytes(1001)))
        for _ in range(50):
            client.send(bytes(100_000))
            await client.writer.drain()
        assert (await client.message()).code == 1009


async def test_sending_after_a_broken_rule(caplog: pytest.LogCaptureFixture) -> None:
    failed = asyncio.Event()

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        assert (await receive())["type"] == "websocket.disconnect"
        assert (await receive())["type"] == "websocket.disconnect", (
            "and again, for whoever asks once more"
        )
        with pytest.raises(ClientDisconnected):
            await receive()  # else it might ask for ever
        with pytest.raises(ClientDisconnected):
            await send({"type": "websocket.send", "text": "too late"})
        failed.set()

    async with serving(app) as server, raw_client(server) as client:
        await client.handshake()
        client.send(frame(3, b""))
        await failed.wait()
    assert "Traceback" not in caplog.text


async def test_client_that_does_not_hang_up_after_a_broken_rule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(WSProtocol, "close_timeout", 0.05)
    async with serving(Recorder()) as server, raw_client(server) as client:
        await client.handshake()
        client.send(frame(3, b""))
        assert (await client.message()).code == 1002
        await server.idle()


async def test_messages_after_our_close_are_thrown_away() -> None:
    received = []
    go_on = asyncio.Event()

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 4000})
        await go_on.wait()
        received.append(await receive())

    async with serving(app) as server, raw_client(server) as client:
        await client.handshake()
        assert (await client.message()).code == 4000
        client.send(client.encoder.message("nobody wants it") + client.encoder.close())
        assert await client.hung_up()
        go_on.set()
        await server.idle()
    assert received == [{"type": "websocket.disconnect", "code": 4000, "reason": ""}]


async def test_ping_after_our_close() -> None:
    async with serving(accept_and_close) as server, raw_client(server) as client:
        await client.handshake()
        assert (await client.message()).code == 1000
        client.send(client.encoder.ping() + client.encoder.close())
        assert await client.hung_up()


async def test_request_in_pieces() -> None:
    """uvicorn's HTTP protocols pass it on as a whole, but need not."""
    async with serving(Recorder()) as server:
        config = Config(app=Recorder(), ws=OURS, log_config=None)
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(
            lambda: WSProtocol(config, server.state, {}), "127.0.0.1", 0
        )
        async with raw_client(server._replace(port=listener.sockets[0].getsockname()[1])) as client:
            client.writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n")
            await asyncio.sleep(0.02)
            client.writer.write(
                b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
                b"c2FtcGxlIG5vbmNlMTIzNA==\r\n\r\n"
            )
            assert (await client.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
            client.send(client.encoder.message("text"))
            assert await client.message() == "text"
        listener.close()


async def test_broken_rule_after_our_close() -> None:
    async with serving(accept_and_close) as server, raw_client(server) as client:
        await client.handshake()
        assert (await client.message()).code == 1000
        client.send(frame(3, b""))
        assert await client.hung_up()


@pytest.mark.parametrize(
    "header",
    [
        b"Host: \xff",
        b"Sec-WebSocket-Protocol: \xff",
        DEFLATE + b"; \xff",
        b"Sec-WebSocket-Version: 99",
    ],
)
async def test_hostile_request(header: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with serving(Recorder()) as server, raw_client(server) as client:
        head = await client.handshake(header)
        assert head.startswith(b"HTTP/1.1 4")  # of ours or of the HTTP protocol before it
        await client.reader.read()
        await server.idle()
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    "header",
    [
        b"permessage-deflate;",
        b"permessage-deflate; client_max_window_bits=",
        b"=x, permessage-deflate",
        b'permessage-deflate; a="',
    ],
)
async def test_malformed_extensions(header: bytes) -> None:
    """As with uvicorn's default; where compression is turned off nobody looks at them."""
    for ws in ("websockets-sansio", OURS):
        async with serving(Recorder(), ws) as server, raw_client(server) as client:
            assert (await client.handshake(b"Sec-WebSocket-Extensions: " + header)).startswith(
                b"HTTP/1.1 400"
            ), ws
            await client.reader.read()
            await server.idle()
    async with (
        serving(Recorder(), ws_per_message_deflate=False) as server,
        raw_client(server) as client,
    ):
        assert (await client.handshake(b"Sec-WebSocket-Extensions: " + header)).startswith(
            b"HTTP/1.1 101"
        )


HOSTS = [
    b"localhost:8000", b"[::1]:8000", b"[fe80::1%25eth0]", b"my_service_1:80", b"xn--mnchen-3ya.de",
    b"a" * 63 + b".example", b"a" * 60 + b":8080",
    b"k" * 64 + b":8080",
    b"a-service-with-a-very-long-name-in-a-kubernetes-namespace-of-its-own-1234567890:8080",
    b"example.com.", b"..", b"-x-", b"",
    b"xn--999999999", b"10.0.0.1", b"xn--a", b"." * 300, b"xn--a" * 40 + b":1",
]  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
async def test_hosts_reach_the_application_as_they_came(host: bytes) -> None:
    found = []
    for ws in ("websockets-sansio", OURS):
        app = Recorder()
        async with serving(app, ws) as server, raw_client(server) as client:
            head = await client.handshake(b"X-After: \tvalue  with spaces ", host=host)
            found.append(
                (
                    head[:12],
                    [
                        (name, value)
                        for name, value in app.scope.get("headers", ())
                        if name in (b"host", b"x-after")
                    ],
                )
            )
    assert found[1] == found[0]
    assert (b"host", host) in found[1][1]


@pytest.mark.parametrize(
    "name",
    [b"Origin", b"Cookie", b"User-Agent", b"Authorization", b"X-Own", b"Sec-WebSocket-Protocol"],
)
@pytest.mark.parametrize(
    "value", [b"caf\xc3\xa9", b"\xff\xfe", b"a, b ,c", b'"quoted"', b"x" * 5000]
)
async def test_header_values_reach_the_application_as_they_came(name: bytes, value: bytes) -> None:
    """Wherever uvicorn's default takes them."""
    if name == b"Sec-WebSocket-Protocol" and not value.isascii():
        pytest.skip("uvicorn's default with websockets 16 never ends such a connection")
    found = []
    for ws in ("websockets-sansio", OURS):
        app = Recorder()
        async with serving(app, ws) as server, raw_client(server) as client:
            head = await client.handshake(name + b": " + value)
            found.append((head[:12], dict(app.scope.get("headers", ())).get(name.lower())))
    assert found[1] == found[0] or not found[0][0].endswith(b"101")


async def test_what_a_subclass_may_rely_on() -> None:
    """Attributes with the names and meanings of uvicorn's own classes, on the connection."""
    connections = []

    class Own(WSProtocol):
        close_timeout = 0.05

        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            connections.append(self)
            assert (self.ping_interval, self.ping_timeout, self.last_ping_rtt) == (20.0, 30.0, 0.0)
            self.ping_interval, self.ping_timeout = 0.01, 5.0

    closed, round_trips = asyncio.Event(), []

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        await receive()
        while (await receive())["type"] == "websocket.receive":
            round_trips.append(scope["state"]["fastframe.last_ping_rtt"])
            await send({"type": "websocket.close"})
            closed.set()

    async with (
        serving(app, Own, ws_ping_interval=20.0, ws_ping_timeout=30.0) as server,
        raw_client(server) as client,
    ):  # type: ignore[arg-type]
        await client.handshake()
        ping = await client.message()
        (connection,) = connections
        client.send(client.encoder.pong(b"that nobody has asked for"))
        await asyncio.sleep(0)
        assert connection.last_ping_rtt == 0.0
        assert "fastframe.last_ping_rtt" not in connection.scope["state"]
        await asyncio.sleep(0.02)
        client.send(client.encoder.pong(ping.payload))
        assert isinstance(await client.message(), Ping), "the next one"
        assert 0.015 < connection.last_ping_rtt < 5
        assert connection.close_timer is None
        client.send(client.encoder.text("close, please"))
        await closed.wait()
        assert round_trips == [connection.last_ping_rtt]
        assert connection.close_timer is not None
        await server.idle()  # after close_timeout, as the peer does not answer


async def test_close_behind_a_full_queue_of_a_connection_that_is_lost() -> None:
    """What the peer said counts for more than how the connection ended."""
    received = []
    go_on = asyncio.Event()

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await go_on.wait()
        while (event := await receive())["type"] != "websocket.disconnect":
            received.append(event["text"])
        received.append(event["code"])

    async with serving(app, ws_max_queue=3) as server, raw_client(server) as client:
        await client.handshake()
        client.send(
            b"".join(client.encoder.message(str(number)) for number in range(100))
            + client.encoder.close(4000)
        )
        connection = connection_of(server)
        while not connection.reading_paused:
            await asyncio.sleep(0.005)
        connection.transport.abort()
        while server.state.connections:
            await asyncio.sleep(0.005)
        go_on.set()
        await server.idle()
    assert received == [*map(str, range(100)), 4000]


async def test_broken_rule_of_a_client_that_is_gone_already(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """asyncio does not know yet that the connection cannot be shut down by halves."""

    def write_eof() -> None:
        raise OSError("Transport endpoint is not connected")

    app = Recorder()
    async with serving(app) as server, raw_client(server) as client:
        await client.handshake()
        connection_of(server).transport.write_eof = write_eof  # type: ignore[method-assign]
        client.send(frame(3, b""))
        await server.idle()
    assert app.disconnect["code"] == 1002
    assert "Traceback" not in caplog.text


async def test_pings_of_a_client_that_is_gone_already(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(Recorder()) as server, raw_client(server) as client:
        await client.handshake()
        connection = connection_of(server)
        connection.transport.abort()
        receive_bytes(connection, 100 * client.encoder.ping())
        await server.idle()
    assert "socket.send() raised exception" not in caplog.text


async def test_transport_that_is_half_gone() -> None:
    """For one turn of the event loop, TLS on Python 3.10 has no transport any more, and has not
    said so."""

    def is_closing() -> bool:
        raise AttributeError("'NoneType' object has no attribute 'is_closing'")

    app = Recorder()
    async with serving(app) as server, raw_client(server) as client:
        await client.handshake()
        connection = connection_of(server)
        connection.transport.is_closing = is_closing  # type: ignore[method-assign]
        client.send(client.encoder.message("text"))
        await app.ended.wait()
        connection.transport.abort()
        await server.idle()
    assert [event["type"] for event in app.received] == ["websocket.connect", "websocket.receive"]


async def test_sending_to_a_client_that_is_gone_already(caplog: pytest.LogCaptureFixture) -> None:
    ended = asyncio.Event()

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        connection_of(server).transport.abort()
        with pytest.raises(ClientDisconnected):
            await send({"type": "websocket.send", "text": ""})
        ended.set()

    async with serving(app) as server, raw_client(server) as client:
        await client.handshake()
        client.send(client.encoder.message(""))
        await ended.wait()


# ---- memory --------------------------------------------------------------------------------------


async def test_bomb(caplog: pytest.LogCaptureFixture) -> None:
    bomb = frame(2, deflated(bytes(64 * MIB)), rsv=4)
    assert len(bomb) < 70_000
    app = Recorder()
    async with serving(app, ws_max_size=MIB) as server, raw_client(server) as client:
        assert b"permessage-deflate" in await client.handshake(DEFLATE)
        tracemalloc.start()
        client.send(bomb)
        close = await client.message()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert close.code == 1009
    assert peak < 3 * MIB
    assert app.disconnect["code"] == 1009
    assert "Traceback" not in caplog.text


async def send_for_ever(client: RawClient, data: bytes) -> None:
    while True:
        client.send(data)
        await client.writer.drain()


async def test_client_that_never_reads() -> None:
    """The application waits in `send`, then the client waits in its own; in between lie some
    buffers."""
    async with serving(Recorder(), ws_ping_interval=None) as server, raw_client(server) as client:
        await client.handshake()
        client.reader._transport.pause_reading()  # type: ignore[attr-defined]
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(
                send_for_ever(client, client.encoder.message(bytes(50_000))), 0.5
            )
        connection = connection_of(server)
        assert connection.reading_paused
        assert connection.transport.get_write_buffer_size() < 2**18
        assert sum(len(event.get("bytes", b"")) for event in connection.queue.events) < 2**18


async def test_client_that_never_reads_and_vanishes() -> None:
    """The application does not wait for it any longer."""
    app = Recorder()
    async with serving(app, ws_ping_interval=None) as server:
        async with raw_client(server) as client:
            await client.handshake()
            client.reader._transport.pause_reading()  # type: ignore[attr-defined]
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(
                    send_for_ever(client, client.encoder.message(bytes(50_000))), 0.3
                )
        await asyncio.wait_for(app.ended.wait(), 5)
        await server.idle()


async def test_client_that_pings_and_never_reads() -> None:
    async with serving(Recorder(), ws_ping_interval=None) as server, raw_client(server) as client:
        await client.handshake()
        client.reader._transport.pause_reading()  # type: ignore[attr-defined]
        pings = b"".join(frame(9, bytes(121) + number.to_bytes(4, "big")) for number in range(1000))
        for _ in range(200):
            client.send(pings)
            await client.writer.drain()
        client.send(client.encoder.ping(b"last"))
        await client.writer.drain()
        connection = connection_of(server)
        while connection.unanswered_ping != Ping(b"last"):
            await asyncio.sleep(0.005)
        assert connection.transport.get_write_buffer_size() < 2**17
        client.reader._transport.resume_reading()  # type: ignore[attr-defined]
        pong = await client.message()
        while pong.payload != b"last":
            pong = await client.message()
            assert isinstance(pong, Pong)


async def test_client_that_pings_and_never_reads_and_is_gone() -> None:
    """The answer that was put off is not sent once the connection is closing."""
    async with serving(Recorder(), ws_ping_interval=None) as server, raw_client(server) as client:
        await client.handshake()
        connection = connection_of(server)
        connection.pause_writing()
        client.send(client.encoder.ping(b"put off"))
        while connection.unanswered_ping is None:
            await asyncio.sleep(0.005)
        connection.shutdown()
        connection.resume_writing()
        assert connection.unanswered_ping is None
        assert (await client.message()).code == 1012


@pytest.mark.parametrize(("messages", "queued"), [(["x"] * 1000, 7), ([b"x" * 40_000] * 1000, 2)])
async def test_max_queue(messages: list[str | bytes], queued: int) -> None:
    received = []
    go_on = asyncio.Event()

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await go_on.wait()
        while (event := await receive())["type"] != "websocket.disconnect":
            received.append(event.get("text") or event.get("bytes"))
        received.append(event["code"])

    async with serving(app, ws_max_queue=7) as server, raw_client(server) as client:
        await client.handshake()
        for message in messages:
            client.send(client.encoder.message(message))
        client.send(client.encoder.close(4000))
        connection = connection_of(server)
        while not connection.reading_paused:
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.05)
        assert len(connection.queue.events) == queued
        go_on.set()
        assert (await client.message()).code == 4000
        await server.idle()
    assert received == [*messages, 4000]


async def test_bytes_that_come_although_reading_is_paused() -> None:
    """TLS may still hold some."""
    async with serving(Recorder(), ws_max_queue=1) as server, raw_client(server) as client:
        await client.handshake()
        client.send(client.encoder.message("one"))
        assert await client.message() == "one"
        connection = connection_of(server)
        receive_bytes(connection, client.encoder.message("two"))
        assert connection.reading_paused
        receive_bytes(connection, client.encoder.message("three"))
        assert len(connection.queue.events) == 1
        assert [await client.message(), await client.message()] == ["two", "three"]


# ---- the application -----------------------------------------------------------------------------


async def test_receivers_that_are_cancelled_and_many_at_once() -> None:
    received = []

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        for _ in range(10):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(receive(), 0.001)
        receivers = [asyncio.ensure_future(receive()) for _ in range(3)]
        await send({"type": "websocket.send", "text": "go"})
        received.extend(await asyncio.gather(*receivers))
        await send({"type": "websocket.close"})

    async with serving(app) as server, raw_client(server) as client:
        await client.handshake()
        assert await client.message() == "go"
        for text in "abc":
            client.send(client.encoder.message(text))
        assert (await client.message()).code == 1000
    assert sorted(event["text"] for event in received) == ["a", "b", "c"]


async def test_application_that_sends_nonsense(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        with pytest.raises(RuntimeError, match="neither 'bytes' nor 'text'"):
            await send({"type": "websocket.send"})
        with pytest.raises(UnicodeEncodeError):
            await send({"type": "websocket.send", "text": "\ud800"})
        with pytest.raises(ValueError, match="code"):
            await send({"type": "websocket.close", "code": 999})
        await send({"type": "websocket.send", "bytes": bytearray(b"still open")})
        raise ZeroDivisionError

    async with serving(app) as server, raw_client(server) as client:
        await client.handshake()
        assert await client.message() == b"still open"
        assert await client.hung_up()
        await server.idle()
    assert "ZeroDivisionError" in caplog.text


async def test_response_that_cannot_be_sent(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.http.response.start", "status": 100, "headers": []})

    async with serving(app) as server, raw_client(server) as client:
        assert (await client.handshake()).startswith(b"HTTP/1.1 500")
        await server.idle()


@pytest.mark.parametrize(
    "settings",
    [{"ws_max_size": 0}, {"ws_max_size": 2**70}, {"ws_max_queue": 0}, {"ws_max_queue": None}],
)
async def test_odd_settings(settings: dict[str, Any]) -> None:
    async with serving(Recorder(), **settings) as server, raw_client(server) as client:
        assert (await client.handshake()).startswith(b"HTTP/1.1 101")
        for message in ("", "x", b"y"):
            client.send(client.encoder.message(message))
            assert await client.message() == message


async def test_subprotocol_that_was_not_offered(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(Recorder(subprotocol="other")) as server, raw_client(server) as client:
        assert (await client.handshake()).startswith(b"HTTP/1.1 500")
        await server.idle()
    assert "unexpected subprotocol other" in caplog.text


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"code": 1005}, Close(1005)),
        ({"code": None}, Close(1005)),
        ({"code": 1005, "reason": "none"}, Close(1005)),
        ({"code": 1006}, Close(1000)),
        ({"code": 1015, "reason": None}, Close(1000)),
        ({"code": 3000, "reason": "ü" * 100}, Close(3000, "ü" * 61)),
    ],
)
async def test_close_codes(given: Event, sent: Close) -> None:
    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", **given})

    async with serving(app) as server, raw_client(server) as client:
        await client.handshake()
        assert await client.message() == sent


async def test_client_that_does_not_answer_a_close(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WSProtocol, "close_timeout", 0.05)

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "bytes": bytes(30 * MIB)})
        await send({"type": "websocket.close"})

    async with serving(app) as server, raw_client(server) as client:
        await client.handshake()
        client.reader._transport.pause_reading()  # type: ignore[attr-defined]
        await server.idle()


async def test_data_before_the_application_accepts() -> None:
    """A client must not (RFC 6455, 4.1), but nothing of it is lost."""
    go_on = asyncio.Event()

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await go_on.wait()
        await Recorder()(scope, receive, send)

    async with serving(app) as server, raw_client(server) as client:
        handshake = asyncio.create_task(client.handshake())
        await asyncio.sleep(0.02)
        early = [client.encoder.message(bytes([number]) * 50_000) for number in range(10)]
        client.send(early[0])
        while not server.state.connections or not connection_of(server).pre_accept_data:
            await asyncio.sleep(0.005)
        assert not connection_of(server).reading_paused
        client.send(b"".join(early[1:]))
        while not connection_of(server).reading_paused:
            await asyncio.sleep(0.005)
        go_on.set()
        await handshake
        for number in range(10):
            assert await client.message() == bytes([number]) * 50_000
        client.send(client.encoder.message("in time"))
        assert await client.message() == "in time"


async def test_client_that_sends_early_and_goes() -> None:
    received = []

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        received.extend([await receive(), await receive()])

    async with serving(app) as server:
        async with raw_client(server) as client:
            handshake = asyncio.create_task(client.handshake())
            await asyncio.sleep(0.02)
            client.send(b"early")
            while not server.state.connections or not connection_of(server).pre_accept_data:
                await asyncio.sleep(0.005)
            handshake.cancel()
        await server.idle()
    assert received[1] == {"type": "websocket.disconnect", "code": 1006}


async def test_rejection_of_a_client_that_has_gone(caplog: pytest.LogCaptureFixture) -> None:
    go_on = asyncio.Event()

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await go_on.wait()
        await receive()
        assert (await receive()) == {"type": "websocket.disconnect", "code": 1006}
        await send({"type": "websocket.accept"})

    async with serving(app) as server:
        async with raw_client(server) as client:
            client.send(b"")
            handshake = asyncio.create_task(client.handshake())
            await asyncio.sleep(0.02)
            handshake.cancel()
        while server.state.connections:
            await asyncio.sleep(0.005)
        go_on.set()
        await server.idle()
    assert "Traceback" not in caplog.text


# ---- settings ------------------------------------------------------------------------------------


async def test_other_settings_for_compression() -> None:
    class Frugal(WSProtocol):
        deflate = Deflate(server_max_window_bits=9, server_no_context_takeover=True)

    async with serving(Recorder(), Frugal) as server, raw_client(server) as client:  # type: ignore[arg-type]
        head = await client.handshake(DEFLATE)
        assert (
            b"permessage-deflate; server_no_context_takeover; server_max_window_bits=9\r\n" in head
        )


def test_settings_that_are_not_loaded_yet() -> None:
    async def main() -> WSProtocol:
        config = Config(app=Recorder(), ws=OURS, log_config=None)
        assert not config.loaded
        return WSProtocol(config, ServerState(), {})

    assert asyncio.run(main()).app is not None


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """For the server, and for a client that trusts it."""
    certificate, key = self_signed(tmp_path_factory.mktemp("tls"))
    for_server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for_server.load_cert_chain(certificate, key)
    return for_server, ssl.create_default_context(cafile=certificate)


async def test_tls_and_a_slow_application(
    tls: tuple[ssl.SSLContext, ssl.SSLContext], caplog: pytest.LogCaptureFixture
) -> None:
    """The client has closed the connection long before; after that asyncio's TLS transport raises
    whatever it is asked."""
    received = []

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (event := await receive())["type"] != "websocket.disconnect":
            await asyncio.sleep(0.05)
            received.append(len(event["bytes"]))
        received.append(event["code"])

    with caplog.at_level(5, "uvicorn.error"):
        async with serving(app, tls=tls[0], ws_max_queue=1) as server:
            async with raw_client(server, ssl=tls[1], server_hostname="localhost") as client:
                await client.handshake()
                client.send(4 * client.encoder.message(bytes(70_000)) + client.encoder.close(4000))
                assert (await client.message()).code == 4000
            await server.idle()
    assert received == [70_000, 70_000, 70_000, 70_000, 4000]
    assert "WebSocket connection lost" in caplog.text
    assert "Traceback" not in caplog.text


async def test_tls(
    tls: tuple[ssl.SSLContext, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "CLOSE_TIMEOUT_TLS", 0.2)
    app = Recorder()
    async with serving(app, tls=tls[0], ws_max_size=10 * MIB) as server:
        async with raw_client(server, ssl=tls[1], server_hostname="localhost") as client:
            await client.handshake()
            for message in ("text", bytes(3 * MIB)):
                client.send(client.encoder.message(message))
                assert await client.message() == message
            client.send(frame(2, bytes(11 * MIB)))
            assert (await client.message()).code == 1009
        await server.idle()
    assert app.scope["scheme"] == "wss"


def test_without_uvicorn(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("uvicorn", "fastframe.uvicorn"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [NoUvicorn, *sys.meta_path])
    with pytest.raises(ImportError, match=r"pip install 'fastframe\[uvicorn\]'"):
        importlib.import_module("fastframe.uvicorn").WSProtocol  # noqa: B018


class NoUvicorn:
    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        if name == "uvicorn":
            raise ModuleNotFoundError("No module named 'uvicorn'", name=name)
