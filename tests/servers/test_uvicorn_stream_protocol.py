"""fastframe's class on a stream of HTTP/2, as the coming uvicorn gives it one."""

from __future__ import annotations

import asyncio
import functools
import time
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("wsproto")
pytest.importorskip("h2")

import ast
import inspect
import sys

import fastframe
from fastframe.deflate import Deflate
from fastframe.uvicorn import WSProtocol, streams
from fastframe.uvicorn.stream_protocol import StreamProtocol, StreamQueue, on_a_stream
from tests.servers import on_streams
from tests.servers.in_uvicorn import DEFAULT_HEADERS, OURS, Event, Receive, Recorder, Send, serving
from tests.servers.on_streams import echoed, with_a_client
from tests.servers.over_http_2 import WINDOW, Http2Client, Http2WebSocket
from tests.servers.uvicorn_http_2 import ZttpH2Protocol

CONNECT = {"type": "websocket.connect"}


class Quick(WSProtocol):
    close_timeout = 0.2


@pytest.fixture
def ours(uvicorn_with_streams: None) -> None:
    streams.hand_over_streams(WSProtocol)


pytestmark = pytest.mark.usefixtures("ours")


def on_http_2(app: Any, ws: Any = OURS, **settings: Any) -> Any:
    return serving(app, ws, http=ZttpH2Protocol, **settings)


@pytest.mark.parametrize("deflate", [None, Deflate()], ids=["plain", "deflate"])
@pytest.mark.parametrize("ws", [OURS, Quick, functools.partial(WSProtocol), "auto"])
async def test_exchange(ws: Any, deflate: Deflate | None) -> None:
    if ws == "auto":
        fastframe.install("uvicorn")
    before = fastframe.status()["uvicorn"].connections
    app = Recorder()
    async with on_http_2(app, ws) as server:
        assert await on_streams.on_a_stream(server, echoed, deflate) == "200"
        assert await on_streams.on_a_stream(server, echoed, deflate) == "200"
        await server.idle()
    status = fastframe.status()
    assert (status["uvicorn"].active, status["uvicorn"].connections - before) == (True, 2)
    assert not status["wsproto"].active  # there is no need for it
    assert app.disconnect == {"type": "websocket.disconnect", "code": 4000, "reason": "enough"}


async def test_the_request_and_its_answer() -> None:
    app = Recorder(subprotocol="chat", headers=[(b"x-accepted", b"yes"), (b"connection", b"no")])

    def talk(client: Http2Client) -> dict[str, str]:
        headers = client.websocket(
            **{":path": "/a%20b?c=d", "sec-websocket-protocol": "other, chat", "x-name": "value"}
        ).headers
        assert client.websocket(sec_websocket_extensions="permessage-deflate; =").status == "400"
        return headers

    async with on_http_2(app, root_path="/root") as server:
        headers = await with_a_client(server, talk)
    assert headers == {
        ":status": "200", "sec-websocket-protocol": "chat", "x-accepted": "yes",
        **{str(name, "ascii"): str(value, "ascii") for name, value in DEFAULT_HEADERS},
    }  # fmt: skip
    assert app.scope["http_version"] == "2"
    assert (app.scope["type"], app.scope["scheme"]) == ("websocket", "ws")
    assert (app.scope["path"], app.scope["query_string"]) == ("/root/a b", b"c=d")
    assert app.scope["subprotocols"] == ["other", "chat"]
    assert {(b"host", b"localhost"), (b"x-name", b"value")} <= set(app.scope["headers"])
    assert app.scope["client"][0] == "127.0.0.1"


@pytest.mark.parametrize(
    ("answers", "status", "body"),
    [
        ([{"type": "websocket.close"}], "403", b""),
        ([{"type": "websocket.http.response.start", "status": 401, "headers": [(b"x", b"y")]},
          {"type": "websocket.http.response.body", "body": b"no, ", "more_body": True},
          {"type": "websocket.http.response.body", "body": b"not you"}], "401", b"no, not you"),
        ([], "500", b"Internal Server Error"),
        ([{"type": "websocket.accept", "subprotocol": "not offered"}], "500",
         b"Internal Server Error"),
    ],
)  # fmt: skip
async def test_refusals(answers: list[Event], status: str, body: bytes) -> None:
    received = []

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        received.append(await receive())
        for answer in answers:
            await send(answer)
        if answers:
            received.append((await receive())["code"])

    def talk(websocket: Http2WebSocket) -> tuple[str, bytes, str]:
        ended = websocket.until_ended()
        return websocket.status, websocket.body, ended

    async with on_http_2(app) as server:
        assert await on_streams.on_a_stream(server, talk) == (status, body, "end")
        await server.idle()
    assert received[0] == CONNECT
    assert received[1:] in ([], [1006])


@pytest.mark.parametrize("queued", [0, 3])
async def test_a_broken_rule_ends_its_own_stream(queued: int) -> None:
    app = Recorder()

    def talk(client: Http2Client) -> None:
        websocket, other = client.websocket(), client.websocket()
        frames = b"".join(websocket.encoder.message(str(number)) for number in range(queued))
        websocket.send(frames + b"\x83\x80abcd" + bytes(100))  # an opcode that does not exist
        assert [websocket.message() for _ in range(queued)] == [str(n) for n in range(queued)]
        assert websocket.message().code == 1002
        assert websocket.until_ended() == "end"
        websocket.send(bytes(1000))
        other.send(other.encoder.message("still here"))
        assert other.message() == "still here"

    async with on_http_2(app) as server:
        await with_a_client(server, talk)
        await server.idle()
    assert [event["code"] for event in app.received if "code" in event] == [1002, 1006]


@pytest.mark.parametrize("answers", [True, False])
async def test_the_application_closes(answers: bool) -> None:
    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 4001, "reason": "enough"})

    def talk(websocket: Http2WebSocket) -> None:
        assert websocket.message() == fastframe.Close(4001, "enough")
        if answers:
            websocket.send(websocket.encoder.close(4001))
        begin = time.monotonic()
        assert websocket.until_ended() == "end"
        assert answers or time.monotonic() - begin > 0.1

    async with on_http_2(app, Quick) as server:
        await on_streams.on_a_stream(server, talk)


@pytest.mark.parametrize("end", ["end", "reset", "lost"])
async def test_without_a_close(end: str) -> None:
    app = Recorder()

    def talk(client: Http2Client) -> None:
        websocket = client.websocket()
        websocket.send(websocket.encoder.message("hello"))
        assert websocket.message() == "hello"
        if end == "end":
            websocket.send(b"", last=True)
            assert websocket.until_ended() == "end"
        elif end == "reset":
            client.http.reset_stream(websocket.stream)
            client.flush()

    async with on_http_2(app) as server:
        await with_a_client(server, talk)
        await app.ended.wait()
    assert app.disconnect == {"type": "websocket.disconnect", "code": 1006}


@pytest.mark.parametrize(
    ("early", "status"), [("the end", "400"), ("too much", "400"), ("a message", "200")]
)
async def test_before_it_is_accepted(early: str, status: str) -> None:
    accept = asyncio.Event()
    received = []

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        received.append(await receive())
        if early == "a message":
            await accept.wait()
            await send({"type": "websocket.accept"})
        received.append(await receive())

    def talk(client: Http2Client) -> None:
        loop.call_soon_threadsafe(loop.call_later, 0.2, accept.set)
        websocket = client.request()
        encoder = fastframe.Encoder(fastframe.Role.CLIENT)
        size = {"the end": 0, "too much": WINDOW + 10, "a message": 100}[early]
        websocket.send(encoder.message(bytes(size)), last=early == "the end")
        while not websocket.headers:
            client.receive()
        assert websocket.status == status
        assert websocket.until_ended() == "end"

    loop = asyncio.get_running_loop()
    async with on_http_2(app) as server:
        await with_a_client(server, talk)
        await server.idle()
    assert received[0] == CONNECT
    if early == "a message":
        assert received[1] == {"type": "websocket.receive", "bytes": bytes(100)}
    else:
        assert received[1]["code"] == 1006


async def test_the_server_ends() -> None:
    app = Recorder()

    def talk(client: Http2Client) -> None:
        websocket = client.websocket()
        loop.call_soon_threadsafe(end)
        assert websocket.message() == fastframe.Close(1012)

    def end() -> None:
        for connection in list(server.state.connections):
            connection.shutdown()

    loop = asyncio.get_running_loop()
    async with on_http_2(app) as server:
        await with_a_client(server, talk)
        await app.ended.wait()
    assert app.disconnect["code"] == 1012


class Slow:
    """An application that reads when it is told to."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.received: list[Any] = []

    async def __call__(self, scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await self.go_on.wait()
        while (event := await receive())["type"] == "websocket.receive":
            self.received.append(event["bytes"])
            await asyncio.sleep(0)
        self.received.append(event["code"])


async def test_a_slow_application_gets_all_of_it_in_order() -> None:
    """Also what had to wait when the stream ended."""
    app, loop = Slow(), asyncio.get_running_loop()
    messages = [bytes([number]) * 7000 for number in range(100)]

    def talk(client: Http2Client) -> None:
        websocket = client.websocket()
        for message in messages:
            websocket.send(websocket.encoder.message(message))
        websocket.send(websocket.encoder.close(4000), last=True)
        other = client.websocket()  # not before the server has seen all of it
        assert other.status == "200"
        loop.call_soon_threadsafe(app.go_on.set)
        assert websocket.until_ended() == "end"

    async with on_http_2(app, ws_max_queue=4) as server:
        await with_a_client(server, talk)
        await server.idle()
    codes = [received for received in app.received if isinstance(received, int)]
    assert sorted(codes) == [1006, 4000]  # of the other, and of this one
    assert [received for received in app.received if isinstance(received, bytes)] == messages


async def test_a_peer_that_is_too_far_ahead() -> None:
    app, loop = Slow(), asyncio.get_running_loop()

    def talk(client: Http2Client) -> None:
        websocket = client.websocket()
        for _ in range(30):
            websocket.send(websocket.encoder.message(bytes(10_000)))
            if websocket.ended:
                break
        assert websocket.message() == fastframe.Close(1013, "Receive queue is full")
        assert websocket.until_ended() == "end"
        loop.call_soon_threadsafe(app.go_on.set)

    async with on_http_2(app, ws_max_size=100_000) as server:
        await with_a_client(server, talk)
        await server.idle()
    assert app.received == [1013]


async def test_a_peer_that_does_not_read() -> None:
    sent = []

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        for number in range(10):
            await send({"type": "websocket.send", "bytes": bytes(WINDOW)})
            sent.append(number)
        await receive()

    def talk(client: Http2Client) -> None:
        websocket = client.request()
        websocket.reads = False
        while not websocket.headers:
            client.receive()
        websocket.begin()
        websocket.send(websocket.encoder.ping(b"are you there?"))
        while websocket.uncredited < WINDOW:
            client.receive()
        other = client.websocket()
        other.reads = False
        assert other.status == "200"
        assert len(sent) < 10
        websocket.read_on()
        messages = [websocket.message() for _ in range(11)]
        assert fastframe.Pong(b"are you there?") in messages
        assert messages.count(bytes(WINDOW)) == 10

    async with on_http_2(app) as server:
        await with_a_client(server, talk)


async def test_the_kill_switch_for_what_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fastframe.status()["uvicorn"].connections
    monkeypatch.setenv("FASTFRAME_DISABLE", "1")
    async with on_http_2(Recorder()) as server:
        assert await on_streams.on_a_stream(server, echoed) == "200"
    assert fastframe.status()["uvicorn"].connections == before


async def test_what_uvicorns_transport_calls() -> None:
    queue = StreamQueue(asyncio.get_running_loop(), 1)
    queue.events.append({"type": "websocket.receive"})
    queue.put_nowait({"type": "websocket.disconnect", "code": 1006})
    assert queue.qsize() == 0
    assert not queue.has_ended
    assert on_a_stream(WSProtocol) is StreamProtocol
    assert on_a_stream(Quick) is on_a_stream(Quick)


# ---- which uvicorn gets it -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "known"),
    [
        ("self.protocol = WSProtocol(config)\nself.protocol.queue.empty()", True),
        ("connections[number].protocol.shutdown()\nprotocol.conn = None", True),
        ("if event.protocol == b'websocket': pass", True),
        ("self.protocol.something_new()", False),
        ("self.protocol.queue.join()", False),
        ("class Own(WSProtocol): pass", False),
        ("if chosen is WSProtocol: pass", False),
        (None, False),
    ],
)
def test_a_use_that_is_not_known(
    source: str | None, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def source_of(module: ModuleType) -> str:
        if source is None:
            raise OSError
        return source

    monkeypatch.setattr(inspect, "getsource", source_of)
    there: Any = ModuleType("uvicorn.protocols.websockets.wsproto_h2_impl")
    there.WSProtocol = ast.parse  # as if other code had replaced it
    monkeypatch.setitem(sys.modules, streams.SERVES_STREAMS, there)
    assert not streams._makes_what_is_known()
    from uvicorn.protocols.websockets.wsproto_impl import WSProtocol as WsprotoImpl

    there.WSProtocol = WsprotoImpl
    assert streams._makes_what_is_known() is known
