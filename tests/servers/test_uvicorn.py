"""What uvicorn's own implementations agree on, fastframe's class does as well; what it does beyond
that is in the other files."""

from __future__ import annotations

import asyncio
import logging
import random
import re
from typing import Any

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("wsproto")

import wsproto
from uvicorn.protocols.utils import ClientDisconnected
from websockets.exceptions import ConnectionClosed, InvalidStatus

from fastframe import Ping
from tests.servers.in_uvicorn import ALL, OURS, Event, Receive, Recorder, Send, raw_client, serving

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

MESSAGES: list[str | bytes] = [
    "hello", "", b"", b"\x00\xff", "Grüße, 世界 😀", "x" * 70_000,
    random.Random(6).randbytes(300_000),
    "ü" * 500_000,
]  # fmt: skip


@pytest.fixture(params=ALL)
def ws(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def skip_what_needs_wsproto_1_2(ws: str) -> None:
    if ws == "wsproto" and wsproto.__version__ == "1.1.0":
        pytest.skip(
            "uvicorn's own class takes it for granted that wsproto 1.2 refuses what it does"
        )


async def closed(client: Any) -> tuple[int | None, str]:
    """Code and reason of the server's Close."""
    with pytest.raises(ConnectionClosed) as caught:
        await client.recv()
    close = caught.value.rcvd
    return (None, "") if close is None else (close.code, close.reason)


# ---- messages ------------------------------------------------------------------------------------


async def test_echo(ws: str) -> None:
    async with serving(Recorder(), ws) as server, server.connect() as client:
        for message in MESSAGES:
            await client.send(message)
            assert await client.recv() == message
        await client.send(["fragments ", "of ", "text"])
        assert await client.recv() == "fragments of text"
        await client.send([b"and ", b"bytes"])
        assert await client.recv() == b"and bytes"
        await (await client.ping(b"payload"))


async def test_many_messages_at_once(ws: str) -> None:
    async with serving(Recorder(), ws) as server, server.connect(max_queue=None) as client:
        for number in range(2000):
            await client.send(str(number))
        assert [await client.recv() for _ in range(2000)] == [str(number) for number in range(2000)]


@pytest.mark.parametrize("wanted", [True, False])
async def test_compression(ws: str, wanted: bool) -> None:
    async with (
        serving(Recorder(), ws, ws_per_message_deflate=wanted) as server,
        server.connect(compression="deflate") as client,
    ):
        extensions = client.response.headers.get("Sec-WebSocket-Extensions", "")
        assert ("permessage-deflate" in extensions) is wanted
        for message in MESSAGES:
            await client.send(message)
            assert await client.recv() == message
        await client.send(["fragments ", "of ", "text"])
        assert await client.recv() == "fragments of text"


# ---- the handshake -------------------------------------------------------------------------------


async def test_scope(ws: str) -> None:
    app = Recorder()
    async with serving(app, ws, root_path="/root") as server:
        async with server.connect(
            "/a%20b/%C3%BC?q=%20", additional_headers={"X-Name": "Value"}
        ) as client:
            await client.send("")
            await client.recv()
            port = client.local_address[1]
        scope = app.scope
        assert scope["type"] == "websocket"
        assert scope["asgi"] == {"version": "3.0", "spec_version": "2.4"}
        assert scope["http_version"] == "1.1"
        assert scope["scheme"] == "ws"
        assert scope["path"] == "/root/a b/ü"
        assert scope["raw_path"] == b"/root/a%20b/%C3%BC"
        assert scope["query_string"] == b"q=%20"
        assert scope["root_path"] == "/root"
        assert scope["client"] == ("127.0.0.1", port)
        assert scope["server"] == ("127.0.0.1", server.port)
        assert scope["state"] == {"name": "value"}
        assert scope["extensions"] == {"websocket.http.response": {}}
        headers = {name.lower(): value for name, value in scope["headers"]}
        assert headers[b"x-name"] == b"Value"
        assert headers[b"host"] == b"127.0.0.1:%d" % server.port
        assert app.received[0] == {"type": "websocket.connect"}


async def test_subprotocol_and_headers(ws: str) -> None:
    app = Recorder(subprotocol="second", headers=[(b"x-app", b"header")])
    async with (
        serving(app, ws) as server,
        server.connect(subprotocols=["first", "second"]) as client,
    ):
        assert app.scope["subprotocols"] == ["first", "second"]
        assert client.subprotocol == "second"
        assert client.response.headers["X-App"] == "header"
        assert client.response.headers["Server"] == "uvicorn"
        assert client.response.headers["Date"] == "today"


async def test_rejected_by_close(ws: str, caplog: pytest.LogCaptureFixture) -> None:
    received = []

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        received.append(await receive())
        await send({"type": "websocket.close"})
        received.append(await receive())
        with pytest.raises((RuntimeError, ClientDisconnected)):
            await send({"type": "websocket.accept"})

    with caplog.at_level(logging.INFO, "uvicorn.error"):
        async with serving(app, ws) as server:
            with pytest.raises(InvalidStatus) as caught:
                await server.connect("/path?query").__aenter__()
            assert caught.value.response.status_code == 403
            await server.idle()
    assert received == [
        {"type": "websocket.connect"},
        {"type": "websocket.disconnect", "code": 1006},
    ]
    assert re.search(r'127.0.0.1:\d+ - "WebSocket /path\?query" 403', caplog.text)


async def test_rejected_with_a_response(ws: str, caplog: pytest.LogCaptureFixture) -> None:
    received = []

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        start = {"type": "websocket.http.response.start", "status": 418}
        with pytest.raises(RuntimeError, match="Invalid HTTP status code '999'"):
            await send({**start, "status": 999, "headers": []})
        await send({**start, "headers": [(b"x-tea", b"pot"), (b"content-length", b"9")]})
        with pytest.raises(RuntimeError, match=r"websocket\.http\.response\.body"):
            await send({"type": "websocket.accept"})
        await send({"type": "websocket.http.response.body", "body": b"no ", "more_body": True})
        await send({"type": "websocket.http.response.body", "body": b"coffee"})
        received.append(await receive())

    with caplog.at_level(logging.INFO, "uvicorn.error"):
        async with serving(app, ws) as server:
            with pytest.raises(InvalidStatus) as caught:
                await server.connect().__aenter__()
            await server.idle()
    response = caught.value.response
    assert (response.status_code, response.headers["X-Tea"], response.body) == (
        418,
        "pot",
        b"no coffee",
    )
    assert received == [{"type": "websocket.disconnect", "code": 1006}]
    assert '"WebSocket /" 418' in caplog.text


@pytest.mark.parametrize("ending", ["raise", "return"])
async def test_application_that_ends_before_it_accepts(
    ws: str, ending: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Event, receive: Receive, send: Send) -> None:
        if ending == "raise":
            raise ZeroDivisionError

    async with serving(app, ws) as server:
        with pytest.raises(InvalidStatus) as caught:
            await server.connect().__aenter__()
        await server.idle()
    assert caught.value.response.status_code == 500
    assert caught.value.response.body == b"Internal Server Error"
    assert (
        "ZeroDivisionError" if ending == "raise" else "without completing handshake"
    ) in caplog.text


async def test_application_that_returns_something(
    ws: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        return "something"  # type: ignore[return-value]

    async with serving(app, ws) as server, server.connect() as client:
        assert (await closed(client))[0] is None
        await server.idle()
    assert "should return None, but returned 'something'" in caplog.text


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: "
        b"Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n", (400,)),
        (b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 12\r\n\r\n",
         (400, 426)),
    ],
)  # fmt: skip
async def test_bad_handshake(
    ws: str, request_head: bytes, status: tuple[int, ...], caplog: pytest.LogCaptureFixture
) -> None:
    app = Recorder()
    async with serving(app, ws) as server, raw_client(server) as client:
        client.send(request_head)
        response = await client.reader.read()
        assert int(response.split()[1]) in status
        await server.idle()
    assert app.received == []
    assert "Traceback" not in caplog.text


async def test_access_log(ws: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(5, "uvicorn.error"):
        async with serving(Recorder(), ws) as server:
            async with server.connect("/ü"):
                pass
            await server.idle()
    assert re.search(r'127.0.0.1:\d+ - "WebSocket /%C3%BC" \[accepted\]', caplog.text)
    assert re.search(r"127.0.0.1:\d+ - WebSocket connection made", caplog.text)
    assert re.search(r"127.0.0.1:\d+ - WebSocket connection lost", caplog.text)


# ---- closing -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1001, "going"), (4321, "müde")])
async def test_closed_by_the_client(ws: str, code: int, reason: str) -> None:
    app = Recorder()
    async with serving(app, ws) as server:
        client = await server.connect()
        await client.send("last")
        await client.recv()
        await client.close(code, reason)
        assert (client.close_code, client.close_reason) == (code, reason), "it is echoed"
        await server.idle()
    assert app.disconnect == {"type": "websocket.disconnect", "code": code, "reason": reason}


async def test_closed_by_the_client_without_a_status(ws: str) -> None:
    skip_what_needs_wsproto_1_2(ws)
    app = Recorder()
    async with serving(app, ws) as server, raw_client(server) as client:
        await client.handshake()
        client.send(client.encoder.close(1005))
        assert (await client.message()).code == 1005
        await server.idle()
    assert app.disconnect["code"] == 1005


async def test_closed_by_the_application(ws: str) -> None:
    received = []

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 4000, "reason": "enough"})
        with pytest.raises(RuntimeError, match=r"after sending 'websocket\.close'"):
            await send({"type": "websocket.send", "text": ""})
        received.append(await receive())

    async with serving(app, ws) as server, server.connect() as client:
        assert await closed(client) == (4000, "enough")
        await server.idle()
    assert received == [{"type": "websocket.disconnect", "code": 4000, "reason": "enough"}]


async def test_closed_by_the_application_while_the_client_talks(ws: str) -> None:
    """The Close of the client comes after messages that are not wanted any more."""

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        await send({"type": "websocket.close"})

    async with serving(app, ws) as server, raw_client(server) as client:
        await client.handshake()
        client.send(client.encoder.message("one") + client.encoder.message("two"))
        client.send(client.encoder.message(bytes(100_000)))
        assert (await client.message()).code == 1000
        client.send(client.encoder.message(bytes(100_000)) + client.encoder.close())
        assert await client.hung_up()
        await server.idle()


async def test_client_that_vanishes(ws: str, caplog: pytest.LogCaptureFixture) -> None:
    app = Recorder()
    async with serving(app, ws) as server:
        async with raw_client(server) as client:
            await client.handshake()
            client.send(client.encoder.message("whole") + client.encoder.message("cut")[:-1])
            await client.message()
        await server.idle()
    assert [event.get("text") for event in app.received] == [None, "whole", None]
    assert app.disconnect == {"type": "websocket.disconnect", "code": 1005}
    assert "Traceback" not in caplog.text


async def test_sending_to_a_client_that_has_gone(ws: str, caplog: pytest.LogCaptureFixture) -> None:
    skip_what_needs_wsproto_1_2(ws)
    raised = asyncio.Event()

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            pass
        try:
            await send({"type": "websocket.send", "text": "too late"})
        except OSError:
            raised.set()
            raise

    async with serving(app, ws) as server:
        async with server.connect():
            pass
        await server.idle()
    assert raised.is_set()
    assert "Traceback" not in caplog.text


async def test_sending_to_a_client_that_has_hung_up(
    ws: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while True:
            await send({"type": "websocket.send", "text": "more"})
            await asyncio.sleep(0)

    async with serving(app, ws) as server:
        async with raw_client(server) as client:
            await client.handshake()
        await server.idle()
    assert "Traceback" not in caplog.text


async def test_messages_out_of_order(ws: str) -> None:
    async def app(scope: Event, receive: Receive, send: Send) -> None:
        with pytest.raises(RuntimeError, match=r"websocket\.accept.*got 'websocket\.send'"):
            await send({"type": "websocket.send", "text": ""})
        await send({"type": "websocket.accept"})
        with pytest.raises(
            RuntimeError,
            match=r"'websocket\.send' or 'websocket\.close',? but got 'websocket\.accept'",
        ):
            await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "in order"})
        await send({"type": "websocket.close"})

    async with serving(app, ws) as server, server.connect() as client:
        assert await client.recv() == "in order"
        assert await closed(client) == (1000, "")


# ---- settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", [None, "deflate"])
async def test_max_size(ws: str, compression: str | None, caplog: pytest.LogCaptureFixture) -> None:
    app = Recorder()
    async with (
        serving(app, ws, ws_max_size=1000) as server,
        server.connect(compression=compression) as client,
    ):
        for message in ("x" * 1000, b"x" * 1000, "ü" * 500):
            await client.send(message)
            assert await client.recv() == message
        await client.send("ü" * 501)
        code, reason = await closed(client)
        assert code == 1009
        assert reason
        await server.idle()
    assert app.disconnect["code"] == 1009
    assert "Traceback" not in caplog.text


async def test_max_size_of_fragments_together(ws: str) -> None:
    async with serving(Recorder(), ws, ws_max_size=1000) as server, raw_client(server) as client:
        await client.handshake()
        client.send(
            client.encoder.text("x" * 600, fin=False)
            + client.encoder.continuation("x" * 401, fin=False)
        )
        assert (await client.message()).code == 1009


async def test_keepalive(ws: str) -> None:
    async with (
        serving(Recorder(), ws, ws_ping_interval=0.01, ws_ping_timeout=0.2) as server,
        raw_client(server) as client,
    ):
        await client.handshake()
        payloads = []
        for _ in range(3):
            ping = await client.message()
            payloads.append(ping.payload)
            client.send(client.encoder.pong(b"of no Ping") + client.encoder.pong(ping.payload))
        assert len(set(payloads)) == 3
        await client.message()  # a fourth Ping, which is not answered
        close = await client.message()
        assert (close.code, close.reason) == (1011, "keepalive ping timeout")
        await server.idle()


async def test_keepalive_with_wrong_answers(ws: str) -> None:
    async with (
        serving(Recorder(), ws, ws_ping_interval=0.01, ws_ping_timeout=0.1) as server,
        raw_client(server) as client,
    ):
        await client.handshake()
        assert isinstance(await client.message(), Ping)
        client.send(client.encoder.pong(b"wrong"))
        assert (await client.message()).code == 1011


async def test_keepalive_without_a_timeout(ws: str) -> None:
    async with (
        serving(Recorder(), ws, ws_ping_interval=0.01, ws_ping_timeout=None) as server,
        raw_client(server) as client,
    ):
        await client.handshake()
        for _ in range(4):
            assert (await client.message()).payload


async def test_no_keepalive(ws: str) -> None:
    async with (
        serving(Recorder(), ws, ws_ping_interval=None) as server,
        raw_client(server) as client,
    ):
        await client.handshake()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.message(), 0.1)


# ---- the end of the server -----------------------------------------------------------------------


async def test_shutdown(ws: str) -> None:
    app = Recorder()
    async with serving(app, ws) as server, server.connect() as client:
        await client.send("")
        await client.recv()
        for connection in list(server.state.connections):
            connection.shutdown()
        assert (await closed(client))[0] == 1012
        await server.idle()
    assert app.disconnect["code"] == 1012


async def test_shutdown_before_the_application_accepts(ws: str) -> None:
    called = asyncio.Event()

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        called.set()
        await receive()
        await receive()

    async with serving(app, ws) as server, raw_client(server) as client:
        handshake = asyncio.create_task(client.handshake())
        await called.wait()
        for connection in list(server.state.connections):
            connection.shutdown()
        assert (await handshake).startswith(b"HTTP/1.1 500")
        await server.idle()


async def test_shutdown_while_a_close_is_awaited(ws: str) -> None:
    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close"})
        await receive()

    async with serving(app, ws) as server, raw_client(server) as client:
        await client.handshake()
        assert (await client.message()).code == 1000
        for connection in list(server.state.connections):
            connection.shutdown()
        assert await client.hung_up()
        await server.idle()


# ---- the log, and the words of errors ------------------------------------------------------------


def of_the_connection(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [
        (record.levelname, record.getMessage())
        for record in caplog.records
        if record.getMessage().startswith("connection ")
    ]


@pytest.mark.parametrize("ws", ["websockets-sansio", OURS])
async def test_the_log_of_a_connection(ws: str, caplog: pytest.LogCaptureFixture) -> None:
    """As uvicorn's classes log it, so that nobody misses lines after a change; the end is logged by
    `--ws websockets` only."""
    with caplog.at_level(logging.INFO, "uvicorn.error"):
        async with serving(Recorder(), ws) as server:
            async with server.connect() as client:
                await client.send("x")
                await client.recv()
                assert of_the_connection(caplog) == [("INFO", "connection open")]
            await server.idle()
        end = [("INFO", "connection closed")] if ws == OURS else []
        assert of_the_connection(caplog) == [("INFO", "connection open"), *end]


@pytest.mark.parametrize("ws", ["websockets-sansio", OURS])
@pytest.mark.parametrize(
    ("answer", "line"),
    [
        ("close", "connection rejected (403 Forbidden)"),
        ("401", "connection rejected (401 Unauthorized)"),
        ("299", "connection rejected (299 )"),
        ("error", "connection rejected (500 Internal Server Error)"),
    ],
)
async def test_the_log_of_a_rejection(
    ws: str, answer: str, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        if answer == "error":
            raise ValueError("of the application")
        if answer == "close":
            await send({"type": "websocket.close"})
        else:
            await send(
                {"type": "websocket.http.response.start", "status": int(answer), "headers": []}
            )
            await send({"type": "websocket.http.response.body", "body": b"no"})

    with caplog.at_level(logging.INFO, "uvicorn.error"):
        async with serving(app, ws) as server:
            with pytest.raises(InvalidStatus):
                await server.connect()
            await server.idle()
    assert of_the_connection(caplog)[0] == ("INFO", line)


async def test_the_words_of_runtime_errors() -> None:
    """The same for all of uvicorn's classes and fastframe's, to the letter."""
    texts: dict[str, list[str]] = {}
    for ws in ALL:
        found = texts[ws] = []

        async def app(scope: Event, receive: Receive, send: Send, found: list[str] = found) -> None:
            async def wrong(kind: str, **values: object) -> None:
                try:
                    await send({"type": kind, **values})
                except RuntimeError as error:
                    found.append(str(error))

            await receive()
            await wrong("websocket.send", text="early")
            await wrong("websocket.http.response.start", status=999)
            await send({"type": "websocket.accept"})
            await wrong("websocket.accept")
            await send({"type": "websocket.close"})
            await wrong("websocket.send", text="late")
            await wrong("websocket.close")

        async with serving(app, ws) as server:
            async with server.connect() as client:
                await closed(client)
            await server.idle()
    assert len(texts[OURS]) == 5
    for ws in ALL:
        assert texts[ws] == texts[OURS]
