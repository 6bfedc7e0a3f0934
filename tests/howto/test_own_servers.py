"""examples/servers, with real clients and with hostile ones."""

from __future__ import annotations

import contextlib
import signal
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("aiohttp")
pytest.importorskip("h11")
pytest.importorskip("trio")
pytest.importorskip("websockets")
pytest.importorskip("wsproto")

import aiohttp
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Request, TextMessage

from examples.servers.handshake import Handshake, Refused
from fastframe import Close, Decoder, Encoder, Opcode, Ping, Pong, Role
from fastframe.deflate import Deflate
from tests.helpers import KEY, deflated
from tests.servers.programs import NO_PROXY, Program, free_port, running
from tests.strategies import frame

pytestmark = [
    pytest.mark.programs,
    pytest.mark.skipif(sys.platform == "win32", reason="the servers are stopped by signals"),
]

STARTS = {
    "on_asyncio": "import asyncio; asyncio.run(server.main(port))",
    "on_trio": "import trio; trio.run(server.main, port)",
    "on_threads": "server.main(port)",
}
MESSAGES: list[str | bytes] = [
    "", b"", "Grüße, 世界, 😀", bytes(range(256)), "x" * 70_000, b"y" * 2**20
]  # fmt: skip
REQUEST = {
    "Host": "localhost", "Upgrade": "websocket", "Connection": "keep-alive, Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13",
}  # fmt: skip


class Server:
    def __init__(self, program: Program, port: int) -> None:
        self.program, self.port = program, port
        self.url = f"ws://127.0.0.1:{port}/"

    def connect(self, **options: Any) -> Any:
        return connect(self.url, **NO_PROXY, **options)


@contextlib.contextmanager
def serving(name: str, *changes: str) -> Iterator[Server]:
    """The example as it is, but for changes of its settings."""
    port = free_port()
    lines = [f"from examples.servers import {name} as server", f"port = {port}"]
    lines += [f"server.{change}" for change in changes]
    with running("-c", "\n".join([*lines, STARTS[name]]), port=port) as program:
        yield Server(program, port)


@pytest.fixture(params=STARTS, scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with serving(request.param) as started:
        yield started
        assert "Traceback" not in started.program.output()


class Raw:
    """A client that sends whatever bytes it is told to."""

    def __init__(self, server: Server, timeout: float = 20) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=timeout)
        self.decoder = Decoder(Role.CLIENT, max_message_size=2**26)

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    @staticmethod
    def request(*, method: str = "GET", **changes: str | None) -> bytes:
        fields = REQUEST | {name.replace("_", "-"): value for name, value in changes.items()}
        lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
        return "\r\n".join([f"{method} /room HTTP/1.1", *lines, "", ""]).encode()

    def status(self, request: bytes) -> int:
        self.socket.sendall(request)
        head = b""
        while b"\r\n\r\n" not in head:
            data = self.socket.recv(4096)
            assert data, head
            head += data
        head, self.head = head.split(b"\r\n\r\n")[0], head
        return int(head.split()[1])

    def opened(self, **changes: str | None) -> Raw:
        assert self.status(self.request(**changes)) == 101
        self.decoder.feed(self.head.split(b"\r\n\r\n", 1)[1])
        return self

    def message(self) -> Any:
        while True:
            for message in self.decoder:
                return message
            data = self.socket.recv(2**16)
            if not data:
                raise EOFError
            self.decoder.feed(data)

    def hung_up(self) -> bool:
        with contextlib.suppress(ConnectionResetError):
            return self.socket.recv(1) == b""
        return True


# ---- clients ----


@pytest.mark.parametrize("compression", [None, "deflate"])
def test_websockets(server: Server, compression: str | None) -> None:
    with server.connect(compression=compression) as client:
        assert ("Sec-WebSocket-Extensions" in client.response.headers) is bool(compression)
        for message in MESSAGES:
            client.send(message)
            assert client.recv(20) == message
        client.send(["fragments ", "of ", "text"])
        assert client.recv(20) == "fragments of text"
        assert client.ping(b"payload").wait(10)
        client.close(4000, "enough")
        assert client.protocol.close_code == 4000


async def test_aiohttp(server: Server) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(server.url, compress=15) as client,
    ):
        for message in MESSAGES:
            await (client.send_str if isinstance(message, str) else client.send_bytes)(message)  # type: ignore[arg-type]
            assert (await client.receive(20)).data == message
        assert client.compress
        await client.close(code=4000)
        assert client.close_code == 4000


def test_wsproto(server: Server) -> None:
    client = WSConnection(ConnectionType.CLIENT)
    with Raw(server) as raw:
        raw.socket.sendall(client.send(Request(host="localhost", target="/")))
        client.receive_data(raw.socket.recv(4096))
        assert isinstance(next(client.events()), AcceptConnection)
        raw.socket.sendall(client.send(TextMessage("hello")))
        client.receive_data(raw.socket.recv(4096))
        assert next(client.events()).data == "hello"
        raw.socket.sendall(client.send(CloseConnection(4000, "enough")))
        client.receive_data(raw.socket.recv(4096))
        closed = next(client.events())
        assert isinstance(closed, CloseConnection)
        assert closed.code == 4000
        assert raw.hung_up()


# ---- the handshake ----


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"method": "POST"}, 400),
        ({"Upgrade": None}, 426),
        ({"Upgrade": "h2c"}, 426),
        ({"Connection": "close"}, 426),
        ({"Sec_WebSocket_Version": "8"}, 426),
        ({"Sec_WebSocket_Version": None}, 426),
        ({"Sec_WebSocket_Key": None}, 400),
        ({"Sec_WebSocket_Key": "c2hvcnQ="}, 400),
        ({"Sec_WebSocket_Key": "not base64"}, 400),
        ({"Sec_WebSocket_Key": "é" * 12}, 400),
        ({"Sec_WebSocket_Extensions": "permessage-deflate; x="}, 400),
        ({"Host": None}, 400),
        ({"Content_Length": "5"}, 400),
        ({"X_Long": "x" * 200_000}, 431),
    ],
)
def test_requests_that_are_refused(server: Server, changes: Any, status: int) -> None:
    with Raw(server) as client:
        assert client.status(client.request(**changes)) == status
        if "version" in str(changes).lower():
            assert b"sec-websocket-version: 13" in client.head.lower()
        client.socket.shutdown(socket.SHUT_WR)
        while client.socket.recv(4096):
            pass


def test_a_request_byte_by_byte_with_frames_in_the_same_packet(server: Server) -> None:
    with Raw(server) as client:
        request = client.request()
        for byte in request[:-1]:
            client.socket.sendall(bytes([byte]))
        assert client.status(request[-1:] + frame(Opcode.TEXT, b"early", key=KEY)) == 101
        client.decoder.feed(client.head.split(b"\r\n\r\n", 1)[1])
        assert client.message() == "early"


@pytest.mark.parametrize("sent", [b"", b"GET", b"\x16\x03\x01\x02\x00\x01", b"\r\n" * 5, b"\0" * 9])
def test_what_is_no_request(server: Server, sent: bytes) -> None:
    with Raw(server) as client:
        client.socket.sendall(sent)
        client.socket.shutdown(socket.SHUT_WR)
        answer = b""
        while data := client.socket.recv(4096):
            answer += data
        assert not answer or answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("origin", "status"),
    [(None, b"101"), ("https://example.com", b"101"), ("https://example.org", b"403")],
)
def test_origins(origin: str | None, status: bytes) -> None:
    handshake = Handshake(Deflate(), origins=["https://example.com"])
    try:
        accepted = handshake.feed(Raw.request(Origin=origin))
        assert accepted
        assert accepted.path == "/room"
        response = accepted.response
    except Refused as refused:
        response = refused.response
    assert response.split()[1] == status


# ---- hostile frames ----

BOMB = deflated(bytes(2**21))


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(Opcode.TEXT, b"not masked"), 1002),
        (frame(Opcode.TEXT, b"\xff", key=KEY), 1007),
        (frame(3, b"", key=KEY), 1002),
        (frame(Opcode.CONTINUATION, b"of nothing", key=KEY), 1002),
        (frame(Opcode.CLOSE, b"\x03\xed", key=KEY), 1002),
        (b"\x82\xff" + (2**20 + 1).to_bytes(8, "big"), 1009),
        (b"\x82\xff" + (2**63).to_bytes(8, "big"), 1002),
        (frame(Opcode.BINARY, BOMB, rsv=4, key=KEY), 1009),
        (frame(Opcode.BINARY, b"", fin=False, key=KEY)
         + frame(Opcode.CONTINUATION, b"", fin=False, key=KEY) * 8200, 1009),
        (b"GET / HTTP/1.1\r\n", 1002),
    ],
)  # fmt: skip
def test_broken_rules(server: Server, sent: bytes, code: int) -> None:
    """The answer to the message before, and a Close that can be read, however much follows it."""
    with Raw(server) as client:
        client.opened(Sec_WebSocket_Extensions="permessage-deflate")
        client.socket.sendall(frame(Opcode.TEXT, b"before", key=KEY) + sent)
        with contextlib.suppress(ConnectionError):
            client.socket.sendall(frame(Opcode.BINARY, bytes(10_000), key=KEY) * 50)
        assert client.message() == "before"
        assert client.message().code == code
        client.socket.shutdown(socket.SHUT_WR)
        assert client.hung_up()


def test_answers_go_out_before_the_close_that_came_with_the_messages(server: Server) -> None:
    with Raw(server) as client:
        client.opened()
        encoder = Encoder(Role.CLIENT)
        pieces = [encoder.text("one"), encoder.ping(b"?"), encoder.text("two"), encoder.close(4001)]
        client.socket.sendall(b"".join(pieces))
        received = [client.message() for _ in range(4)]
        assert received == ["one", Pong(b"?"), "two", Close(4001)]
        client.socket.shutdown(socket.SHUT_WR)
        assert client.hung_up()


def test_a_close_without_a_code(server: Server) -> None:
    with Raw(server) as client:
        client.opened().socket.sendall(frame(Opcode.CLOSE, b"", key=KEY))
        assert client.message() == Close()


def test_a_client_that_vanishes(server: Server) -> None:
    for _ in range(20):
        with Raw(server) as client:
            client.opened().socket.sendall(frame(Opcode.TEXT, b"never read", key=KEY)[:-2])
    with server.connect() as client:
        client.send("still here")
        assert client.recv(20) == "still here"


# ---- time ----


@pytest.mark.parametrize("name", STARTS)
def test_silence(name: str) -> None:
    with (
        serving(name, "SILENCE = 0.5") as server,
        server.connect(ping_interval=None) as alive,
        Raw(server) as silent,
    ):
        silent.opened()
        assert silent.message() == Ping()
        assert silent.message() == Close(1011, "keepalive ping timeout")
        alive.send("answers Pings")
        assert alive.recv(20) == "answers Pings"


@pytest.mark.parametrize("name", STARTS)
def test_a_client_that_does_not_read(name: str) -> None:
    """It stops being read, so it cannot fill the server's memory, and is then aborted."""
    limit = "SILENCE = 1" if name == "on_threads" else "WRITE = 1"
    with serving(name, limit) as server, Raw(server, timeout=30) as client:
        client.opened()
        messages = frame(Opcode.BINARY, bytes(2**20), key=KEY) * 200
        with pytest.raises(ConnectionError):
            client.socket.sendall(messages)
        with server.connect() as other:
            other.send("still here")
            assert other.recv(20) == "still here"


@pytest.mark.parametrize("name", STARTS)
def test_a_handshake_that_takes_too_long(name: str) -> None:
    with serving(name, "HANDSHAKE = 0.5") as server, Raw(server) as client:
        with contextlib.suppress(ConnectionError):
            for byte in client.request():  # a byte at a time, for longer than it may take
                client.socket.sendall(bytes([byte]))
                time.sleep(0.02)
        assert client.hung_up()


@pytest.mark.parametrize("name", STARTS)
def test_too_many_connections(name: str) -> None:
    allowed = 2 if name == "on_threads" else 1  # one of the threads is the main one
    with serving(name, f"MAX_CONNECTIONS = {allowed}") as server:
        with (
            connected(server),
            pytest.raises(InvalidStatus, match="HTTP 503"),
            server.connect(),
        ):
            pass
        with connected(server):
            pass


@contextlib.contextmanager
def connected(server: Server) -> Iterator[Any]:
    """As soon as the connection before is gone."""
    deadline = time.monotonic() + 20
    with contextlib.ExitStack() as stack:
        while True:
            try:
                client = stack.enter_context(server.connect())
                break
            except InvalidStatus:
                assert time.monotonic() < deadline
                time.sleep(0.02)
        yield client


@pytest.mark.parametrize("name", STARTS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_stopped(name: str, number: int) -> None:
    with serving(name, "CLOSE = 1") as server:
        with server.connect() as client, Raw(server) as silent:
            silent.opened()  # and never answers the Close
            client.send("before")
            assert client.recv(20) == "before"
            server.program.process.send_signal(number)
            with pytest.raises(ConnectionClosed):
                client.recv(20)
            assert client.protocol.close_code == 1012
            assert silent.message() == Close(1012)
            assert server.program.process.wait(20) == 0
        assert "Traceback" not in server.program.output()


@pytest.mark.parametrize("name", STARTS)
def test_an_application_that_fails(name: str) -> None:
    with serving(name, "echo = lambda websocket: 1 / 0") as server:
        with server.connect() as client, pytest.raises(ConnectionClosed):
            client.recv(20)
        assert client.protocol.close_code == 1011
        assert "ZeroDivisionError" in server.program.output()
