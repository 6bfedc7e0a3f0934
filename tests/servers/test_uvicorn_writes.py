"""fastframe's class writes the answers to a burst together; none of them waits for anything but the
others."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("wsproto")

from fastframe import Close, Encoder, Pong, Role, prepare
from fastframe.uvicorn import WSProtocol, transport
from fastframe.uvicorn.receive_queue import ReceiveQueue
from fastframe.uvicorn.transport import MOST_UNWRITTEN
from tests.servers.in_uvicorn import Event, RawClient, Receive, Recorder, Send, raw_client, serving
from tests.servers.test_uvicorn_limits import connection_of, receive_bytes


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow this machine is, no work in these tests is."""
    monkeypatch.setattr(transport, "LONGEST_UNWRITTEN", 60.0)


def count_writes(connection: WSProtocol) -> list[bytes]:
    written: list[bytes] = []
    write = connection.transport.write

    def counted(data: Any) -> None:
        written.append(bytes(data))
        write(data)

    connection.transport.write = counted  # type: ignore[method-assign]
    return written


async def messages(client: RawClient, number: int) -> list[Any]:
    return [await client.message() for _ in range(number)]


async def test_the_answers_to_a_burst_are_one_write() -> None:
    async with serving(Recorder()) as server, raw_client(server) as client:
        await client.handshake()
        written = count_writes(connection_of(server))
        burst = [str(number) for number in range(20)]
        receive_bytes(connection_of(server), b"".join(map(client.encoder.text, burst)))
        assert await messages(client, 20) == burst
        assert written == [b"".join(map(Encoder(Role.SERVER).text, burst))]
        client.send(client.encoder.text("alone"))
        assert await client.message() == "alone"
        assert len(written) == 2


async def test_an_answer_does_not_wait_for_the_application() -> None:
    """It awaits something else between the first message and the second."""
    go_on = asyncio.Event()

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (event := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": event["text"]})
            await go_on.wait()

    async with serving(app) as server, raw_client(server) as client:
        await client.handshake()
        receive_bytes(
            connection_of(server), client.encoder.text("first") + client.encoder.text("second")
        )
        assert await client.message() == "first"
        go_on.set()
        assert await client.message() == "second"


async def test_a_peer_that_has_sent_all_it_wants_to_send() -> None:
    """Its end of the connection is closed while the application answers."""

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        text = (await receive())["text"]
        await send({"type": "websocket.send", "text": text})
        await asyncio.sleep(0.01)

    async with serving(app) as server:
        for _ in range(5):
            async with raw_client(server) as client:
                await client.handshake()
                client.send(client.encoder.text("a") + client.encoder.text("b"))
                client.writer.write_eof()
                assert await client.message() == "a"


async def test_an_answer_does_not_wait_for_slow_work_on_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The application never gives the event loop a turn."""
    monkeypatch.setattr(transport, "LONGEST_UNWRITTEN", 0.001)

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        for _ in range(10):
            text = (await receive())["text"]
            time.sleep(0.0015)
            await send({"type": "websocket.send", "text": text})

    async with serving(app) as server, raw_client(server) as client:
        await client.handshake()
        written = count_writes(connection_of(server))
        receive_bytes(connection_of(server), client.encoder.text("x") * 10)
        assert await messages(client, 10) == ["x"] * 10
        assert len(written) == 10


async def test_control_frames_keep_their_place() -> None:
    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        for _ in range(2):
            await send({"type": "websocket.send", "text": (await receive())["text"]})
        await send({"type": "websocket.close", "code": 4000})

    async with serving(app) as server, raw_client(server) as client:
        await client.handshake()
        connection = connection_of(server)
        receive_bytes(connection, b"".join(map(client.encoder.text, "abc")))
        assert await messages(client, 3) == ["a", "b", Close(4000, "")]

    async with serving(Recorder()) as server, raw_client(server) as client:
        await client.handshake()
        connection = connection_of(server)
        connection.work_begins()
        connection.write_with_next(Encoder(Role.SERVER).text("kept back"))
        receive_bytes(connection, client.encoder.ping(b"?"))
        assert await messages(client, 2) == ["kept back", Pong(b"?")]
        connection.work_begins()
        connection.write_with_next(Encoder(Role.SERVER).text("kept back"))
        receive_bytes(connection, b"\xff\x80")
        found = await messages(client, 2)
        assert found[0] == "kept back"
        assert found[1].code == 1002


async def test_a_large_message_after_one_that_is_kept_back() -> None:
    large = b"x" * 300_000
    async with serving(Recorder(), ws_max_queue=5) as server, raw_client(server) as client:
        await client.handshake()
        connection = connection_of(server)
        connection.queue.events.append({"type": "websocket.receive", "text": "more"})
        connection.send_message({"text": "small"})
        connection.send_message({"bytes": large})
        assert await messages(client, 2) == ["small", large]
        connection.queue.events.clear()


async def test_what_is_kept_back_is_bounded() -> None:
    async with serving(Recorder()) as server, raw_client(server) as client:
        await client.handshake()
        connection = connection_of(server)
        written = count_writes(connection)
        frame = Encoder(Role.SERVER).binary(b"x" * 1020)
        connection.work_begins()
        for _ in range(MOST_UNWRITTEN // len(frame)):
            assert not written
            connection.write_with_next(frame)
        assert [len(data) for data in written] == [MOST_UNWRITTEN]


async def test_nothing_is_written_to_a_peer_that_has_gone() -> None:
    async with serving(Recorder()) as server, raw_client(server) as client:
        await client.handshake()
        connection = connection_of(server)
        written = count_writes(connection)
        connection.work_begins()
        connection.write_with_next(b"kept back")
        connection.transport.abort()
        connection.flush()
        connection.work_begins()
        connection.write_with_next(b"kept back")
        await server.idle()
        assert not written


async def test_closing_writes_what_is_kept_back() -> None:
    async with serving(Recorder()) as server, raw_client(server) as client:
        await client.handshake()
        connection = connection_of(server)
        connection.work_begins()
        connection.write_with_next(Encoder(Role.SERVER).text("last"))
        connection.close_transport()
        assert await client.message() == "last"
        assert await client.hung_up()


async def test_an_application_that_waits_with_a_timeout() -> None:
    """Its cancelled calls of receive are forgotten."""

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        for _ in range(50):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(receive(), 0.0001)
        waited.set()
        await send({"type": "websocket.send", "text": (await receive())["text"]})

    waited = asyncio.Event()
    async with serving(app) as server, raw_client(server) as client:
        await client.handshake()
        queue = connection_of(server).queue
        await waited.wait()
        assert len(queue._receivers) <= 1
        client.send(client.encoder.text("at last"))
        assert await client.message() == "at last"


async def test_an_application_that_has_stopped_waiting() -> None:
    queue = ReceiveQueue(asyncio.get_running_loop(), 1)
    receiver = queue.until_woken()
    assert queue.is_awaited
    receiver.cancel()
    assert not queue.is_awaited
    other = queue.until_woken()
    other.cancel()
    queue.wake()
    assert not queue._receivers


@pytest.mark.parametrize("compressed", [False, True])
async def test_a_prepared_message_is_encoded_once_for_all(compressed: bool) -> None:
    text = prepare('{"text": "the same words for everybody"}' * 20)
    connections: list[Send] = []

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        connections.append(send)
        while (event := await receive())["type"] == "websocket.receive":
            for send_to in connections:
                await send_to({"type": "websocket.send", "text": event["text"]})
                await send_to({"type": "websocket.send", "text": text})
                await send_to({"type": "websocket.send", "text": event["text"]})

    around = "before and after, before and after"
    options: dict[str, Any] = {"compression": "deflate"} if compressed else {}
    async with serving(app) as server:
        async with server.connect(**options) as first, server.connect(**options) as second:
            written = [count_writes(connection) for connection in server.state.connections]  # type: ignore[arg-type]
            await first.send(around)
            for client in (first, second):
                assert [await client.recv() for _ in range(3)] == [around, text, around]
        shared = [data for data in written[0] if data in written[1]]
        assert any(len(data) > 20 for data in shared)
        assert compressed == all(len(data) < len(text) for data in shared)


async def test_ping_frames_are_answered_while_a_burst_waits() -> None:
    async with serving(Recorder()) as server, raw_client(server) as client:
        await client.handshake()
        receive_bytes(
            connection_of(server),
            client.encoder.text("a") + client.encoder.ping(b"?") + client.encoder.text("b"),
        )
        assert sorted(map(repr, await messages(client, 3))) == ["'a'", "'b'", repr(Pong(b"?"))]
