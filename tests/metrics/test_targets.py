"""What connections of each target count."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from typing import Any

import pytest

import fastframe
from fastframe import Decoder, Encoder, Role
from fastframe._targets.target import target_names, uncounted
from fastframe.wsproto.rules import RULES, rule_of
from tests.helpers import installed_target
from tests.metrics.broken import BROKEN

pytest.importorskip("wsproto")

from wsproto import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Message, Ping, Pong, TextMessage
from wsproto.extensions import PerMessageDeflate


def numbers(name: str, role: str) -> Any:
    return fastframe.metrics().get(name, {}).get(role)


def difference(after: Any, before: Any) -> Any:
    """Of two answers: what is new."""
    if before is None or after is None:
        return after
    if isinstance(after, dict):
        new = {key: difference(value, before.get(key)) for key, value in after.items()}
        # a code or a rule that is not new is not there
        return {key: value for key, value in new.items() if value != 0 or type(key) is not int}
    return after - before


class Since:
    def __init__(self, name: str, role: str) -> None:
        gc.collect()
        self.where = (name, role)
        self.before = numbers(name, role)

    def now(self) -> Any:
        gc.collect()
        return difference(numbers(*self.where), self.before)


@pytest.fixture
def wsproto() -> Iterator[None]:
    with fastframe.installed("wsproto"):
        yield


def pair(*, deflate: bool) -> tuple[Connection, Connection]:
    if not deflate:
        return Connection(ConnectionType.CLIENT), Connection(ConnectionType.SERVER)
    mine, other = PerMessageDeflate(), PerMessageDeflate()
    agreed = other.accept(f"permessage-deflate; {mine.offer()}")
    mine.finalize(f"permessage-deflate; {agreed}")
    return Connection(ConnectionType.CLIENT, [mine]), Connection(ConnectionType.SERVER, [other])


@pytest.mark.usefixtures("wsproto")
@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("cut", [3, 1 << 20])
def test_wsproto_agrees_with_its_peer(deflate: bool, cut: int) -> None:
    """What one end has sent the other has received, and the frames say the same."""
    since = Since("wsproto", "server")
    client, server = pair(deflate=deflate)
    events: list[Any] = [
        TextMessage(data=""), TextMessage(data="x" * 20), TextMessage(data="żółć" * 50),
        BytesMessage(data=b"\xff" * 200), BytesMessage(data=bytes(70_000)), Ping(payload=b"?"),
        Pong(payload=b"!"), Message(data="in ", message_finished=False), TextMessage(data="two"),
        CloseConnection(code=1001, reason="bye"),
    ]  # fmt: skip
    sent = [client.send(event) for event in events]
    stream, received = b"".join(sent), []
    for start in range(0, len(stream), cut):
        server.receive_data(stream[start : start + cut])
        received += list(server.events())
    answer = server.send(received[-1].response())
    client.receive_data(answer)
    assert [event.code for event in client.events()] == [1001]
    found = since.now()
    assert found["received"]["messages"] == {"text": 4, "binary": 2}
    assert found["received"]["frames"] == {
        "continuation": 1, "text": 4, "binary": 2, "close": 1, "ping": 1, "pong": 1,
    }  # fmt: skip
    assert found["received"]["wire_bytes"] == len(stream)
    assert found["sent"]["frames"]["close"] == 1
    assert found["sent"]["wire_bytes"] == len(answer)
    assert found["connections"]["opened"] == found["connections"]["open"] == 1
    assert found["connections"]["closed"]["peer"] == {1001: 1}
    other = numbers("wsproto", "client")["sent"]
    assert other["messages"]["text"] >= 4
    assert bool(found["received"]["inflated_bytes"]) is deflate
    assert found["received"]["compressed_bytes"] <= found["received"]["payload_bytes"]
    del client, server
    assert since.now()["connections"]["open"] == 0


@pytest.mark.usefixtures("wsproto")
def test_what_wsproto_sends_is_counted_as_it_is_received() -> None:
    client, server = pair(deflate=True)
    since = Since("wsproto", "client"), Since("wsproto", "server")
    data = [
        server.send(TextMessage(data=fastframe.prepare("prepared " * 50))),
        server.send(BytesMessage(data=bytearray(b"12"))),
        server.send(TextMessage(data="x" * 1000, message_finished=False)),
        server.send(TextMessage(data="y" * 1000)), server.send(Ping(payload=b"1")),
        server.send(CloseConnection(code=1000)),
    ]  # fmt: skip
    client.receive_data(b"".join(data))
    assert len(list(client.events())) == 6
    received, sent = since[0].now()["received"], since[1].now()["sent"]
    assert sent == received
    assert sent["messages"] == {"text": 2, "binary": 1}
    assert since[0].now()["connections"]["closed"]["peer"] == {1000: 1}
    assert since[1].now()["connections"]["closed"]["here"] == {1000: 1}


@pytest.mark.usefixtures("wsproto")
def test_the_round_trip_of_wsprotos_pings() -> None:
    since = Since("wsproto", "server")
    before = numbers("wsproto", "server")
    client, server = pair(deflate=False)
    client.receive_data(server.send(Ping(payload=b"12")))
    (ping,) = client.events()
    server.receive_data(client.send(ping.response()))
    assert len(list(server.events())) == 1
    count = 0 if before is None else before["round_trip"]["count"]
    assert numbers("wsproto", "server")["round_trip"]["count"] == count + 1
    assert since.where == ("wsproto", "server")


def stream_of(broken: bytes) -> bytes:
    return Encoder(Role.CLIENT).text("good") + broken


UNDER_WSPROTO = {
    **BROKEN,
    "message-too-big": b"\x82\xfe\x01\x00\0\0\0\0" + bytes(256),
    "too-many-fragments": b"\x01\x80\0\0\0\0" + b"\0\x80\0\0\0\0" * 9,
}


@pytest.mark.parametrize("rule", UNDER_WSPROTO)
def test_wsproto_counts_each_rule_as_the_decoder_does(rule: str) -> None:
    with fastframe.installed("wsproto", max_message_size=200, max_fragments=8):
        since = Since("wsproto", "server")
        _, server = pair(deflate=rule == "deflate")
        server.receive_data(stream_of(UNDER_WSPROTO[rule]))
        events = list(server.events())
        assert isinstance(events[-1], CloseConnection)
        new = {name: number for name, number in since.now()["violations"].items() if number}
        assert new == {rule: 1}


def test_the_rules_of_wsproto_are_those_of_the_decoder() -> None:
    from fastframe._codec.checks import RULES as NAMES

    assert set(RULES.values()) < set(NAMES.values())
    assert rule_of(ValueError("something else")) == "other"


@pytest.mark.parametrize("offer", [False, True])
def test_uvicorn(offer: bool) -> None:
    """Against the frames that went over its transport."""
    pytest.importorskip("uvicorn")
    from fastframe.uvicorn import WSProtocol
    from tests.servers.beside_uvicorn import played

    client = Encoder(Role.CLIENT)
    received = [client.text("hello"), client.ping(b"?"), client.binary(b"1", fin=False),
                client.continuation(b"2"), client.close(1001)]  # fmt: skip
    since = Since("uvicorn", "server")
    steps: list[Any] = [
        ("send", {"type": "websocket.send", "text": "żółć" * 100}),
        ("send", {"type": "websocket.send", "bytes": bytes(200_000)}),
        ("send", {"type": "websocket.send", "bytes": b"1"}),
        *(("deliver", frame) for frame in received), ("end",),
    ]  # fmt: skip
    asyncio.run(played(WSProtocol, steps, offer=offer))
    found = since.now()
    assert found["received"]["wire_bytes"] == len(b"".join(received))
    assert found["received"]["messages"] == {"text": 1, "binary": 1}
    assert found["sent"]["messages"] == {"text": 1, "binary": 2}
    frames = found["sent"]["frames"]
    assert (frames["pong"], frames["close"], frames["text"], frames["binary"]) == (1, 1, 1, 2)
    assert bool(found["sent"]["compressed_bytes"]) is offer
    size = found["sent"]["inflated_bytes"] if offer else found["sent"]["payload_bytes"]
    assert size >= 200_600
    assert found["connections"] == {
        "opened": 1, "open": 0, "closed": {"peer": {1001: 1}, "here": {}, "nobody": {}},
    }  # fmt: skip


# ---- the targets whose library keeps the state ---------------------------------------------------


ONLY_RECEIVE = ("websocket-client", "geventwebsocket")
"""Whose self-check only receives; below they send."""


@pytest.mark.parametrize("name", [name for name in target_names() if name not in ("uvicorn",)])
def test_what_a_target_observes_is_counted(name: str) -> None:
    """The fixed traffic of its self-check, which goes through the library's own objects."""
    found = installed_target(name)
    before = fastframe.metrics().get(name, {})
    with fastframe.installed(name):  # type: ignore[arg-type]
        found.observe()
    after = fastframe.metrics()[name]
    new = [difference(after[role], before.get(role)) for role in after]
    assert sum(sum(one["received"]["messages"].values()) for one in new) > 20
    sent = sum(sum(one["sent"]["messages"].values()) for one in new)
    assert (sent > 5) is (name not in ONLY_RECEIVE)


def test_a_self_check_counts_for_nobody() -> None:
    Decoder(Role.SERVER), Encoder(Role.CLIENT)
    gc.collect()
    before = fastframe.metrics()["codec"]
    with uncounted():
        decoder = Decoder(Role.SERVER)
        assert list(decoder.feed(Encoder(Role.CLIENT).text("x"))) == ["x"]
    assert fastframe.metrics()["codec"] == before


class Socket:
    """Takes everything."""

    def __init__(self) -> None:
        self.sent = b""

    def send(self, data: bytes) -> int:
        self.sent += data
        return len(data)

    sendall = send

    def gettimeout(self) -> None:
        return None


def test_what_websocket_client_sends() -> None:
    websocket = pytest.importorskip("websocket")
    with fastframe.installed("websocket-client"):
        before = numbers("websocket-client", "client")
        connection = websocket.WebSocket()
        connection.sock, connection.connected = Socket(), True
        connection.send("text")
        connection.send_binary(b"1")
        found = difference(numbers("websocket-client", "client"), before)
    assert found["sent"]["messages"] == {"text": 1, "binary": 1}
    assert found["sent"]["wire_bytes"] == len(connection.sock.sent) == 6 + 4 + 6 + 1
    assert found["connections"]["opened"] == 1


def test_what_geventwebsocket_sends() -> None:
    module = pytest.importorskip("geventwebsocket.websocket")
    socket = Socket()

    class Stream:
        handler = None
        read = None
        write = staticmethod(socket.send)

    with fastframe.installed("geventwebsocket"):
        before = numbers("geventwebsocket", "server")
        connection = module.WebSocket({}, Stream(), Stream())
        connection.send("text")
        found = difference(numbers("geventwebsocket", "server"), before)
    assert found["sent"]["messages"]["text"] == 1
    assert found["sent"]["wire_bytes"] == len(socket.sent) == 6


# ---- who closes, and where ----------------------------------------------------------------------

CUTS = (1, 3, 1 << 20)


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("first", ["peer", "here"])
def test_who_closes_under_websockets(cut: int, first: str) -> None:
    pytest.importorskip("websockets")
    from websockets.protocol import SERVER, Protocol

    with fastframe.installed("websockets"):
        since = Since("websockets", "server")
        protocol, client = Protocol(SERVER), Encoder(Role.CLIENT)
        protocol.receive_data(client.text("begins"))
        if first == "here":
            protocol.send_close(4001)
        stream = client.close(1000 if first == "here" else 1001)
        for start in range(0, len(stream), cut):
            protocol.receive_data(stream[start : start + cut])
        closed = since.now()["connections"]["closed"]
    assert closed[first] == {4001 if first == "here" else 1001: 1}
    assert not closed["nobody"]


def test_a_handshake_that_fails_is_no_connection() -> None:
    pytest.importorskip("websockets")
    from websockets.server import ServerProtocol

    with fastframe.installed("websockets"):
        before = numbers("websockets", "server")
        server = ServerProtocol()
        server.receive_data(b"GET / HTTP/1.1\r\n\r\n")
        server.receive_eof()
        assert numbers("websockets", "server") == before


@pytest.mark.parametrize("compression", [False, True])
def test_what_websockets_sends_by_its_own_code_is_counted(compression: bool) -> None:
    pytest.importorskip("websockets")
    from websockets.extensions.permessage_deflate import PerMessageDeflate
    from websockets.protocol import SERVER, Protocol

    with fastframe.installed("websockets"):
        since = Since("websockets", "server")
        protocol = Protocol(SERVER)
        if compression:
            protocol.extensions = [PerMessageDeflate(False, False, 15, 15)]
        else:
            protocol.debug = True
        protocol.send_text(b"x" * 100)
        protocol.send_binary(b"y" * 10, fin=False)
        written = b"".join(protocol.data_to_send())
        found = since.now()["sent"]
    assert found["messages"] == {"text": 1, "binary": 0}
    assert found["wire_bytes"] == len(written)
    assert bool(found["compressed_bytes"]) is compression


def test_a_refused_handshake_of_uvicorn_is_no_connection() -> None:
    pytest.importorskip("uvicorn")
    from uvicorn.config import Config
    from uvicorn.server import ServerState

    from fastframe.uvicorn import WSProtocol
    from tests.servers.beside_uvicorn import REQUEST, MemoryTransport

    async def refuse(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.close"})

    async def run() -> None:
        config = Config(refuse, log_config=None, lifespan="off")
        protocol: Any = WSProtocol(config, ServerState(), {})
        transport = MemoryTransport(asyncio.get_running_loop())
        transport.protocol = protocol
        protocol.connection_made(transport)
        transport.deliver(REQUEST % b"")
        while not transport.written:
            await asyncio.sleep(0)
        transport.lose(None)
        await asyncio.gather(*protocol.server_state.tasks)

    before = numbers("uvicorn", "server")
    asyncio.run(run())
    assert numbers("uvicorn", "server") == before


@pytest.mark.usefixtures("wsproto")
@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("rule", ["text-utf8", "close-code", "close-utf8",
                                  "continuation-unexpected", "opcode"])  # fmt: skip
def test_where_a_frame_of_wsproto_begins(
    rule: str, cut: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "fastframe.violations")
    _, server = pair(deflate=False)
    stream = stream_of(BROKEN[rule])
    for start in range(0, len(stream), cut):
        server.receive_data(stream[start : start + cut])
        events = list(server.events())
        if events and isinstance(events[-1], CloseConnection):
            break
    fields = vars(caplog.records[-1])["fastframe"]
    assert (fields["rule"], fields["offset"]) == (rule, 10)
