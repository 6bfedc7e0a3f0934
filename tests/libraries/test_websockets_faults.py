"""What websockets' replaced functions do when something goes wrong: the same as its own.

Each fault meets each call on a transport that is made here, alone and on fastframe: the same
exception with the same cause, the same state, the same bytes, and the same afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import inspect
import itertools
import logging
import random
import secrets
import struct
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import pytest

pytest.importorskip("websockets.asyncio.connection", reason="websockets is not installed")

from websockets.asyncio.connection import Connection
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, SERVER, Protocol

import fastframe
from fastframe._targets.target import target
from tests.failing_memory import MOST_ALLOCATIONS, fails_in, needs_failing_memory
from tests.helpers import deflated
from tests.strategies import frame

try:
    target("websockets").check()
except ImportError as error:
    pytest.skip(str(error), allow_module_level=True)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


class Transport(asyncio.Transport):
    """Keeps what is written. `errors` are raised by the next writes."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.errors: list[Exception] = []
        self.calls: list[str] = []
        self.protocol: Any = None
        self.closing = False

    def write(self, data: Any) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closing

    def _end(self, call: str) -> None:
        self.calls.append(call)
        if not self.closing:
            self.closing = True
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    def close(self) -> None:
        self._end("close")

    def abort(self) -> None:
        self._end("abort")

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.calls.append("write_eof")

    def pause_reading(self) -> None:
        self.calls.append("pause_reading")

    def resume_reading(self) -> None:
        self.calls.append("resume_reading")

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass


def open_connection(side: Any, compress: bool) -> tuple[Connection, Transport]:
    protocol = Protocol(side)
    if compress:
        protocol.extensions = [PerMessageDeflate(False, False, 15, 15, {})]
    connection, transport = Connection(protocol, ping_interval=None, close_timeout=0), Transport()
    transport.protocol = connection
    connection.connection_made(transport)
    connection.data_received(b"")
    return connection, transport


def key(side: Any) -> bytes | None:
    return b"key!" if side is SERVER else None


CALLS: dict[str, Callable[[Connection], Awaitable[Any]]] = {
    "send text": lambda connection: connection.send("żółć"),
    "send bytes": lambda connection: connection.send(b"bytes"),
    "send large bytes": lambda connection: connection.send(bytes(200_000)),
    "send text as binary": lambda connection: connection.send("text", text=False),
    "send text with 0": lambda connection: connection.send("text", text=0),
    # type: ignore[arg-type]
    "send bytes with 1": lambda connection: connection.send(b"\xff", text=1),
    # type: ignore[arg-type]
    "send with an argument more": lambda connection: connection.send("text", False),
    # type: ignore[misc]
    "send a surrogate": lambda connection: connection.send("\ud800"),
    "recv": lambda connection: connection.recv(),
    "recv undecoded": lambda connection: connection.recv(decode=False),
}
"""What is awaited when the fault comes. Not every websockets takes `text`, and not every one
without its name."""


KEPT_AFTER_THE_END = "text" in inspect.signature(Connection.send).parameters
"""Whether it matters that a `recv` is under way: websockets 13 leaves the mark, and does not look
at it, once a connection has ended."""


async def called(call: str, connection: Connection) -> Any:
    """It, where also what calling it raises counts as what comes of it."""
    return await CALLS[call](connection)


async def nothing(connection: Connection, transport: Transport, task: asyncio.Task[Any]) -> None:
    pass


async def reset(connection: Connection, transport: Transport, task: asyncio.Task[Any]) -> None:
    transport.closing = True
    connection.connection_lost(ConnectionResetError(104, "reset"))


async def half_close(connection: Connection, transport: Transport, task: asyncio.Task[Any]) -> None:
    connection.eof_received()


async def cancel(connection: Connection, transport: Transport, task: asyncio.Task[Any]) -> None:
    task.cancel()


async def time_out(connection: Connection, transport: Transport, task: asyncio.Task[Any]) -> None:
    with contextlib.suppress(Exception):
        await asyncio.wait_for(task, 0)


async def close_here(connection: Connection, transport: Transport, task: asyncio.Task[Any]) -> None:
    closing = asyncio.ensure_future(
        connection.close(1001)
    )  # which waits as well, for the peer to read
    await asyncio.sleep(0)
    closing.add_done_callback(asyncio.Task.exception)


async def close_there(
    connection: Connection, transport: Transport, task: asyncio.Task[Any]
) -> None:
    connection.data_received(
        frame(8, struct.pack("!H", 4000) + b"bye", key=key(connection.protocol.side))
    )


async def violation(connection: Connection, transport: Transport, task: asyncio.Task[Any]) -> None:
    connection.data_received(frame(3, b"", key=key(connection.protocol.side)))


async def a_message(connection: Connection, transport: Transport, task: asyncio.Task[Any]) -> None:
    connection.data_received(frame(1, b"arrives", key=key(connection.protocol.side)))


async def not_utf8(connection: Connection, transport: Transport, task: asyncio.Task[Any]) -> None:
    connection.data_received(frame(1, b"\xff", key=key(connection.protocol.side)))


async def another_sender(
    connection: Connection, transport: Transport, task: asyncio.Task[Any]
) -> None:
    other = asyncio.create_task(connection.send("other"))
    await asyncio.sleep(0)
    if not transport.closing:
        await reset(connection, transport, task)
    await asyncio.wait([other])
    other.exception()


FAULTS = [
    nothing,
    reset,
    half_close,
    cancel,
    time_out,
    close_here,
    close_there,
    violation,
    a_message,
    not_utf8,
    another_sender,
]


async def told(awaitable: Awaitable[Any]) -> Any:
    """What comes of it, or that it still waits."""
    task = asyncio.ensure_future(awaitable)
    for _ in range(40):
        await asyncio.sleep(0)
    if not task.done():
        task.cancel()
        await asyncio.wait([task])
        return "waits"
    if task.cancelled():
        return "cancelled"
    error = task.exception()
    if error is None:
        return type(task.result()), task.result()
    return type(error), str(error), type(error.__cause__), str(error.__cause__)


async def play(
    call: str, fault: Any, setting: tuple[Any, bool, bool], errors: Sequence[Exception] = ()
) -> Any:
    """setting: the side, whether it compresses, and whether the peer does not read."""
    side, compress, paused = setting
    connection, transport = open_connection(side, compress)
    if paused:
        connection.pause_writing()
    transport.errors = list(errors)
    task = asyncio.ensure_future(called(call, connection))
    await asyncio.sleep(0)
    waited = not task.done()
    late = False
    try:
        await fault(connection, transport, task)
    except EOFError:  # of older websockets, for what arrives after the end
        late = True
    if paused and not transport.closing:
        connection.resume_writing()
    found = [waited, await told(task), late]
    state = (
        connection.protocol.state,
        connection.protocol.close_code,
        repr(connection.protocol.parser_exc),
    )
    found += [
        state,
        vars(connection).get("send_in_progress", vars(connection).get("fragmented_send_waiter")),
        KEPT_AFTER_THE_END and connection.recv_messages.get_in_progress,
        list(connection.drain_waiters),
    ]
    written = b"".join(transport.written)
    found += [written if side is SERVER else len(written), list(transport.calls)]
    found += [await told(connection.send("after")), await told(connection.recv())]
    found += [
        connection.protocol.state,
        list(transport.calls),
        len(b"".join(transport.written)),
        bool(connection.protocol.writes),
    ]
    transport.abort()
    await asyncio.sleep(0)
    return found


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_each_fault_in_each_call(call: str, fault: Any) -> None:
    waited = 0
    for setting in itertools.product((SERVER, CLIENT), (False, True), (False, True)):
        alone = asyncio.run(play(call, fault, setting))
        with fastframe.installed("websockets"):
            assert asyncio.run(play(call, fault, setting)) == alone, setting
        waited += alone[0]
    refused = alone[1][0] is TypeError
    assert waited or refused or call == "send a surrogate", "the fault came while it waited"


@pytest.mark.parametrize("call", [call for call in CALLS if "send" in call])
@pytest.mark.parametrize(
    "error", [OSError(104, "reset"), RuntimeError("closed"), MemoryError(), ValueError("odd")]
)
@pytest.mark.parametrize("times", [1, 5])
def test_a_write_that_raises(call: str, error: Exception, times: int) -> None:
    for side, compress in itertools.product((SERVER, CLIENT), (False, True)):
        alone = asyncio.run(play(call, nothing, (side, compress, False), [error] * times))
        with fastframe.installed("websockets"):
            assert (
                asyncio.run(play(call, nothing, (side, compress, False), [error] * times)) == alone
            )


def test_the_connection_is_reset_while_the_peer_does_not_read() -> None:
    """With sockets: `send` waits, in several tasks, and then says that the connection was
    closed."""
    import socket

    from websockets.asyncio.server import serve

    request = (
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )

    async def once(payload: str | bytes) -> list[str]:
        found: asyncio.Queue[str] = asyncio.Queue()

        async def pour(connection: Any) -> None:
            try:
                while True:
                    await connection.send(payload)
            except BaseException as error:
                found.put_nowait(type(error).__name__)

        connections: list[Any] = []

        async def handler(connection: Any) -> None:
            connections.append(connection)
            await asyncio.gather(pour(connection), pour(connection))

        async with serve(handler, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
            client = socket.create_connection(server.sockets[0].getsockname()[:2])
            client.setblocking(False)
            await asyncio.get_running_loop().sock_sendall(client, request)
            while not any(connection.paused for connection in connections):
                await asyncio.sleep(0.01)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            return [await asyncio.wait_for(found.get(), 10) for _ in range(2)]

    with fastframe.installed("websockets"):
        for payload in ("x" * 60_000, b"x" * 60_000, b"x" * 200_000):
            assert asyncio.run(once(payload)) == ["ConnectionClosedError"] * 2


# ---- other code on the same connection -----------------------------------------------------------


def seen_by(protocol: Protocol) -> Any:
    return [
        (event.opcode, bytes(event.data), event.fin) for event in protocol.events_received()
    ], protocol.state  # type: ignore[union-attr]


def test_the_original_is_called_past_fastframe() -> None:
    """By code that has kept it: what was known of the parser is not true any more."""
    original = Protocol.receive_data
    wire = frame(2, b"second", key=b"key!")
    for cut in range(1, len(wire)):
        protocol = Protocol(SERVER)
        with fastframe.installed("websockets"):
            protocol.receive_data(frame(1, b"a", key=b"key!"))
            original(protocol, wire[:cut])
            protocol.receive_data(wire[cut:])
            protocol.receive_data(frame(1, b"c", key=b"key!"))
        assert [data for _, data, _ in seen_by(protocol)[0]] == [b"a", b"second", b"c"]


@pytest.mark.parametrize("name", ["receive_data", "receive_eof"])
def test_what_other_code_puts_on_the_instance_stays(name: str) -> None:
    """While a large frame is gathered it has methods of its own, which a tracer may wrap."""

    def play() -> Any:
        protocol, calls = Protocol(SERVER), []
        protocol.receive_data(b"")
        wire = frame(2, bytes(200_000), key=b"key!")
        protocol.receive_data(wire[:100_000])
        inner = getattr(protocol, name)

        def traced(*arguments: Any) -> None:
            calls.append(len(arguments))
            inner(*arguments)

        setattr(protocol, name, traced)
        protocol.receive_data(wire[100_000:150_000])
        protocol.receive_data(wire[150_000:] + frame(1, b"b", key=b"key!"))
        protocol.receive_data(frame(1, b"c", key=b"key!"))
        fastframe.uninstall("websockets")
        protocol.receive_data(frame(1, b"d", key=b"key!"))
        protocol.receive_eof()
        assert vars(protocol)[name] is traced
        return calls, [len(event.data) for event in protocol.events_received()], protocol.state  # type: ignore[union-attr]

    alone = play()
    with fastframe.installed("websockets"):
        assert play() == alone


# ---- memory ends ---------------------------------------------------------------------------------

PAYLOAD = random.Random(1).randbytes(200_000)
WIRE = frame(2, PAYLOAD, key=b"key!")
STREAMS = {
    "whole": [frame(1, b"first", key=b"key!") + frame(2, b"second", key=b"key!")],
    "gathered": [WIRE[:70_000], WIRE[70_000:140_000], WIRE[140_000:]],
    "fragments": [frame(2, b"fragm", fin=False, key=b"key!") + frame(0, b"ents", key=b"key!")],
    "compressed": [frame(1, deflated(b"compressed" * 9), rsv=4, key=b"key!")],
    "cut": [frame(1, b"cut", key=b"key!")[:4], frame(1, b"cut", key=b"key!")[4:]],
}


@needs_failing_memory
@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("failing", [0, 1, 2])
def test_no_memory_while_receiving(name: str, failing: int) -> None:
    """Everything arrives; or the library fails the connection, or its caller sees a MemoryError. No
    message is wrong or missing before others."""
    pieces = STREAMS[name]
    if failing >= len(pieces):
        pytest.skip("it has fewer pieces")

    def begin() -> Protocol:
        protocol = Protocol(SERVER)
        protocol.extensions = (
            [PerMessageDeflate(False, False, 15, 15, {})] if name == "compressed" else []
        )
        protocol.receive_data(b"")
        return protocol

    protocol = begin()
    for piece in pieces:
        protocol.receive_data(piece)
    expected = seen_by(protocol)[0]
    failures = 0
    with fastframe.installed("websockets"):
        for number in range(1, MOST_ALLOCATIONS):
            protocol = begin()
            for piece in pieces[:failing]:
                protocol.receive_data(piece)
            raised = fails_in(number, protocol.receive_data, pieces[failing])
            if raised is not None:
                failures += 1
                assert raised is MemoryError, number
                continue  # the connection is lost then: asyncio and the threads abort it
            failures += protocol.parser_exc is not None
            for piece in [*pieces[failing + 1 :], frame(1, b"after", key=b"key!")]:
                protocol.receive_data(piece)
            found, _state = seen_by(protocol)
            if protocol.parser_exc is None:
                assert (found[:-1], found[-1][1]) == (expected, b"after"), number
            else:
                assert found == expected[: len(found)]
                # The library takes zlib's error for it for another one, of the peer.
                assert (type(protocol.parser_exc), protocol.close_sent.code) == (
                    MemoryError,
                    1011,
                ) or name == "compressed"  # type: ignore[union-attr]
    assert failures > 0 or (name, failing) == ("gathered", 1), (
        "to add to what is gathered takes no memory"
    )


@needs_failing_memory
@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("message", ["żółć" * 50, b"bytes" * 50, bytes(200_000)])
def test_no_memory_while_sending(compress: bool, message: str | bytes) -> None:
    """The whole message is written, or nothing of it; and the next one is right, if the connection
    still is open."""

    async def tries() -> int:
        failures = 0
        for number in range(1, MOST_ALLOCATIONS):
            connection, transport = open_connection(SERVER, compress)
            peer = Protocol(CLIENT)
            peer.extensions = [PerMessageDeflate(False, False, 15, 15, {})] if compress else []
            sending = connection.send(message)

            raised = fails_in(number, sending.send, None)
            sending.close()
            outcome = "lost" if transport.closing else "sent" if raised is StopIteration else raised
            failures += raised is not StopIteration
            if not transport.closing:
                await connection.send("next")
            peer.receive_data(b"".join(transport.written))
            found = [bytes(event.data) for event in peer.events_received()]  # type: ignore[union-attr]
            data = message.encode() if isinstance(message, str) else message
            # With MemoryError it may have been written: a coroutine needs memory to say that it has
            # ended.
            allowed: Any = {
                "sent": [[data, b"next"]],
                "lost": [[]],
                MemoryError: [[b"next"], [data, b"next"]],
            }[outcome]
            assert found in allowed, (number, outcome)
            await asyncio.sleep(0)
        return failures

    with fastframe.installed("websockets"):
        assert asyncio.run(tries()) > 0


# ---- code that runs in the middle ----------------------------------------------------------------


@pytest.mark.parametrize("where", ["fin", "token_bytes"])
def test_a_bytearray_is_changed_while_its_frame_is_made(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, kept = bytearray(b"A" * 5000), []

    def clear() -> None:
        data.clear()
        kept.append([bytearray(b"SECRET!!" * 625) for _ in range(50)])

    class Fin:
        def __bool__(self) -> bool:
            clear()
            return True

    def token_bytes(size: int) -> bytes:
        clear()
        return bytes(size)

    with fastframe.installed("websockets"):
        if where == "token_bytes":
            monkeypatch.setattr(secrets, "token_bytes", token_bytes)
        made = Frame(Opcode.BINARY, data, Fin() if where == "fin" else True).serialize(
            mask=where == "token_bytes"
        )  # type: ignore[arg-type]
    assert b"SECRET" not in made
    assert len(made) < 10
    assert kept


def test_a_copy_of_a_protocol_that_gathers() -> None:
    with fastframe.installed("websockets"):
        protocol = Protocol(CLIENT)
        protocol.receive_data(b"")
        wire = frame(2, bytes(1 << 20))
        protocol.receive_data(wire[: 1 << 17])
        copied = copy.copy(protocol)
        protocol.receive_data(wire[1 << 17 :])
        (event,) = protocol.events_received()
        event.data.clear()  # type: ignore[union-attr]
        copied.debug = True
        Protocol.receive_data(copied, b"y")
        copied.receive_eof()


def test_a_program_that_sees_each_frame() -> None:
    """Its Protocol has a send_frame of its own: so the library's own code makes the frames."""

    class Watching(Protocol):
        seen = 0

        def send_frame(self, frame: Frame) -> None:
            self.seen += 1
            super().send_frame(frame)

    async def play() -> Any:
        connection, transport = open_connection(SERVER, False)
        connection.protocol = protocol = Watching(SERVER)  # type: ignore[assignment]
        await connection.send("text")
        await connection.send(b"bytes")
        return protocol.seen, b"".join(transport.written)

    alone = asyncio.run(play())
    with fastframe.installed("websockets"):
        assert asyncio.run(play()) == alone == (2, b"\x81\x04text\x82\x05bytes")
