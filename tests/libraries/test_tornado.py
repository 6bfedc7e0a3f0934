"""tornado alone and on fastframe: the same for any stream of frames, application and fault, and as
a server and a client."""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import os
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("tornado.websocket", reason="tornado is not installed")

from tornado import websocket
from tornado.iostream import StreamBufferFullError
from tornado.websocket import WebSocketClosedError, WebSocketProtocol13

import fastframe
from fastframe._targets.observations import streams
from fastframe.tornado import functions
from fastframe.tornado.observations import Connection
from tests.helpers import Counted
from tests.servers.programs import exchange, free_port, running
from tests.strategies import frame, sessions

KEY = b"key!"
RESET = ConnectionResetError(errno.ECONNRESET, "reset")
BROKEN = OSError(errno.EIO, "broken")


@pytest.fixture(autouse=True)
def quiet() -> Any:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


# ---- applications ----


async def awaits(connection: Connection, message: Any) -> None:
    connection.futures.append(
        future := connection.protocol.write_message(message, isinstance(message, bytes))
    )
    try:
        await future
    except WebSocketClosedError as error:
        connection.found.append((repr(error), repr(error.__context__)))
    await asyncio.sleep(0)
    connection.found.append("awaited")


def raises(connection: Connection, message: Any) -> None:
    raise ValueError("application")


def is_cancelled(connection: Connection, message: Any) -> None:
    raise asyncio.CancelledError


async def raises_later(connection: Connection, message: Any) -> None:
    await asyncio.sleep(0)
    raises(connection, message)


async def is_cancelled_later(connection: Connection, message: Any) -> None:
    await asyncio.sleep(0)
    is_cancelled(connection, message)


def closes(connection: Connection, message: Any) -> None:
    connection.echo(message)
    connection.protocol.close(4000, "enough")
    try:
        connection.echo(message)
    except WebSocketClosedError as error:
        connection.found.append((repr(error), repr(error.__context__)))


def closes_stream(connection: Connection, message: Any) -> None:
    connection.stream.close()
    closes(connection, message)


def cancels(connection: Connection, message: Any) -> None:
    connection.echo(message)
    connection.futures[-1].cancel()


def sends_much(connection: Connection, message: Any) -> None:
    for more in ("żółć", {"a": [1, "ż"]}, b"x" * 300, "é" * 70, bytearray(b"refused"), 5, "\ud800"):
        for binary in (False, True):
            try:
                connection.futures.append(connection.protocol.write_message(more, binary))
            except (TypeError, UnicodeEncodeError, AssertionError, WebSocketClosedError) as error:
                connection.found.append((type(error), str(error)))


APPLICATIONS: list[Callable[[Connection, Any], Any]] = [
    Connection.echo, Connection.echo, awaits, raises, is_cancelled, raises_later,
    is_cancelled_later, closes, closes_stream, cancels, sends_much,
]  # fmt: skip


def happens(pieces: Any, **options: Any) -> Any:
    async def connect() -> Any:
        return await Connection(**options).served(pieces)

    return asyncio.run(connect())


def alone_and_on_fastframe(pieces: Any, **options: Any) -> tuple[Any, Any]:
    alone = happens(pieces, **options)
    with fastframe.installed("tornado"):
        return alone, happens(pieces, **options)


# ---- in ----


@st.composite
def options(draw: st.DrawFn) -> dict[str, Any]:
    takes = st.lists(st.sampled_from([1, 2, 7, 0, 1000, RESET, BROKEN]), max_size=4)
    return {
        "application": draw(st.sampled_from(APPLICATIONS)),
        "deflate": draw(st.booleans()),
        "limit": draw(st.sampled_from([1 << 20, 1 << 20, 130, 0])),
        "takes": draw(takes),
        "max_write_buffer_size": draw(st.sampled_from([None, 1 << 16])),
    }


@given(
    session=sessions(extensions=False), options=options(),
    end=st.sampled_from([b"", RESET, BROKEN, None]), gathered=st.sampled_from([1, 1 << 14]),
    step=st.sampled_from([None, 5, 40]),
)  # fmt: skip
def check_streams(
    session: Any, options: dict[str, Any], end: Any, gathered: int, step: int | None
) -> None:
    sent = b"".join(session.pieces)
    pieces = session.pieces
    if step is not None and len(sent) < 20 * step:
        pieces = [sent[i : i + step] for i in range(0, len(sent), step)]
    pieces = [*pieces, *([] if end is None else [end])]
    before = functions.GATHERED_SIZE
    functions.GATHERED_SIZE = gathered
    try:
        alone, fast = alone_and_on_fastframe(pieces, client=session.client, **options)
    finally:
        functions.GATHERED_SIZE = before
    assert fast == alone


def test_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """That follow the rules and that do not, cut anywhere, under applications that do anything,
    with any fault of the system."""
    taken = Counted(monkeypatch, functions, "take_frame")
    made = Counted(monkeypatch, functions, "message_frame")
    gathered = Counted(monkeypatch, functions, "gather_and_handle")
    large = frame(2, bytes(70_000), key=KEY)
    cut = [large[i : i + 9000] for i in range(0, len(large), 9000)]
    pieces = [frame(1, "żółć".encode(), key=KEY), *cut]
    alone, fast = alone_and_on_fastframe(pieces)
    assert fast == alone
    check_streams()
    assert taken.calls > 0 < made.calls
    assert gathered.calls > 0


@pytest.mark.parametrize("client", [False, True])
@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536, 70_001, 140_000, 1_000_000])
@pytest.mark.parametrize("text", ["x", "ż", "é", "😀", None, b"\xff"])
def test_sizes(
    client: bool, size: int, text: str | bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole and in pieces of a network, gathered ones too; bytes that are no text at the end."""
    if isinstance(text, str):
        payload = (text * size).encode()
    else:
        payload = bytes(size) if text is None else b"a" * size + text
    key = None if client else KEY
    sent = frame(2 if text is None else 1, payload, key=key) + frame(1, b"next", key=key)
    gathered = Counted(monkeypatch, functions, "gather_and_handle")
    for step in (1 << 22, 1 << 16, 1460):
        pieces = [sent[i : i + step] for i in range(0, len(sent), step)]
        if len(pieces) < 60:
            alone, fast = alone_and_on_fastframe(pieces, client=client, limit=1 << 22)
            assert fast == alone
    assert gathered.calls > 0 or len(payload) < 65_000


@pytest.mark.parametrize("end", [b"", RESET, BROKEN, None])
@pytest.mark.parametrize("deflate", [False, True])
def test_the_end_in_each_place(end: Any, deflate: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a stream, at each byte of three frames and in a frame that is gathered."""
    monkeypatch.setattr(functions, "GATHERED_SIZE", 5)
    sent = frame(1, b"one", key=KEY) + frame(9, b"p", key=KEY) + frame(2, bytes(40), key=KEY)
    for at in range(len(sent) + 1):
        pieces = [sent[:at], *([] if end is None else [end])]
        alone, fast = alone_and_on_fastframe([p for p in pieces if p != b"" or p is end],
            deflate=deflate)  # fmt: skip
        assert fast == alone


def test_a_peer_that_only_says_how_much_it_will_send() -> None:
    """Gets four times the memory of what it has sent."""
    announced = frame(2, b"", key=KEY)[:1] + b"\xff" + (1 << 30).to_bytes(8, "big") + KEY
    with fastframe.installed("tornado"):

        async def scenario() -> int:
            connection = Connection(limit=1 << 30, max_buffer_size=1 << 31)
            task = asyncio.ensure_future(connection.protocol._receive_frame_loop())
            connection.stream.arrived.append(announced + bytes(5000))
            connection.stream.wake()
            for _ in range(20):
                await asyncio.sleep(0)
            size = len(connection.stream._read_buffer)
            assert connection.protocol._wire_bytes_in == len(announced)
            connection.stream.close()
            await task
            return size

        assert asyncio.run(scenario()) == 4 * 5000


@pytest.mark.parametrize("application", dict.fromkeys(APPLICATIONS))
@pytest.mark.parametrize("deflate", [False, True])
def test_each_application(application: Any, deflate: bool) -> None:
    for sent in streams(KEY, deflate=deflate):
        for step in (len(sent), 9):
            if len(sent) < 40 * step:
                pieces = [sent[i : i + step] for i in range(0, len(sent), step)]
                alone, fast = alone_and_on_fastframe(
                    pieces, application=application, deflate=deflate
                )
                assert fast == alone


def test_a_flood_lets_others_run() -> None:
    """As often as tornado does: after some work, whatever is in the buffer."""

    async def turns() -> int:
        connection = Connection(application=lambda connection, message: None)
        connection.stream._read_buffer += frame(1, b"x" * 100, key=KEY) * 5000
        connection.stream._read_buffer_size = len(connection.stream._read_buffer)
        task = asyncio.ensure_future(connection.protocol._receive_frame_loop())
        count = 0
        while len(connection.found) < 5000:
            await asyncio.sleep(0)
            count += 1
        connection.stream.close()
        await task
        return count

    alone = asyncio.run(turns())
    with fastframe.installed("tornado"):
        assert asyncio.run(turns()) == alone > (15 if hasattr(websocket, "_YIELD_THRESHOLD") else 0)


def test_a_release_that_does_not_let_others_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """And does not tell the handler of the end by an exception: those before 6.6."""
    monkeypatch.delattr(websocket, "_YIELD_THRESHOLD", raising=False)
    frames = [frame(1, b"x" * 100, key=KEY) * 5000, frame(8, b"\x03\xe8\xff", key=KEY)]
    with fastframe.installed("tornado"):
        *found, end, _ = happens([b"".join(frames)], application=lambda connection, message: None)
    assert [each[0] for each in found] == ["message"] * 5000 + ["state"] * 2
    assert "UnicodeDecodeError" in end


def test_a_buffer_that_begins_with_what_has_been_read() -> None:
    """As in the releases until 6.2."""
    sent = b"read" + frame(1, b"one", key=KEY) + frame(2, bytes(70_000), key=KEY)

    async def scenario() -> Any:
        connection = Connection()
        connection.stream._read_buffer += sent[:100]
        connection.stream._read_buffer_pos, connection.stream._read_buffer_size = 4, 96
        return await connection.served([sent[100:]])

    with fastframe.installed("tornado"):
        found = asyncio.run(scenario())
    assert [each[1] for each in found if each[0] == "message"] == ["one", bytes(70_000)]


def test_cancelled() -> None:
    """While it waits for a frame, for the rest of one that is gathered, and for the application."""

    async def scenario(piece: bytes, application: Any) -> Any:
        connection = Connection(application=application)
        task = asyncio.ensure_future(connection.protocol._receive_frame_loop())
        if piece:
            connection.stream.arrived.append(piece)
            connection.stream.wake()
        for _ in range(20):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        found = [task.cancelled(), connection.found, connection.state()]
        connection.stream.close()
        return found

    async def forever(connection: Connection, message: Any) -> None:
        await asyncio.sleep(3600)

    message = frame(2, bytes(50_000), key=KEY)
    for piece, application in ((b"", None), (message[:20_000], None), (message, forever)):
        alone = asyncio.run(scenario(piece, application))
        with fastframe.installed("tornado"):
            assert asyncio.run(scenario(piece, application)) == alone
        assert alone[0] is True


# ---- out ----


@pytest.mark.parametrize(
    "takes", [[], [0], [3], [3, 0], [RESET], [BROKEN], [2, RESET], [0, BROKEN]]
)
@pytest.mark.parametrize("size", [5, 3000, 200_000])
@pytest.mark.parametrize("kind", [str, bytes, dict])
def test_writes(takes: Any, size: int, kind: type) -> None:
    """That the socket takes, takes in part, refuses; large ones, whose header is written apart."""
    message: Any = {str: "x" * size, bytes: bytes(size), dict: {"x": "ż" * size}}[kind]

    def sends(connection: Connection, _: Any) -> None:
        for _ in range(2):
            try:
                connection.futures.append(connection.protocol.write_message(message, kind is bytes))
            except WebSocketClosedError as error:
                connection.found.append((repr(error), repr(error.__context__)))

    alone, fast = alone_and_on_fastframe([frame(1, b"go", key=KEY)], takes=takes, application=sends)
    assert fast == alone


def test_a_write_buffer_that_is_full() -> None:
    def sends(connection: Connection, _: Any) -> None:
        for message in ("x" * 80, "x" * 80, "x" * 300_000):
            try:
                connection.futures.append(connection.protocol.write_message(message))
            except StreamBufferFullError as error:
                connection.found.append(str(error))

    alone, fast = alone_and_on_fastframe(
        [frame(1, b"go", key=KEY)], takes=[0] * 9, application=sends, max_write_buffer_size=100
    )
    assert fast == alone
    assert alone.count("Reached maximum write buffer size") == 2


def test_a_large_text_is_not_copied_and_not_kept() -> None:
    class Text(bytes):
        pass

    message = Text(200_000)
    with fastframe.installed("tornado"):

        async def scenario() -> None:
            connection = Connection()
            plain = bytes(message)
            before = sys.getrefcount(plain)
            await connection.protocol.write_message(plain, True)
            assert sys.getrefcount(plain) == before
            assert bytes(connection.stream.written).endswith(plain)

        asyncio.run(scenario())


def test_one_who_awaits_lets_others_run() -> None:
    async def scenario() -> list[str]:
        connection, order = Connection(), []

        async def other() -> None:
            order.append("other")

        task = asyncio.ensure_future(other())
        await connection.protocol.write_message("x")
        order.append("written")
        await task
        return order

    alone = asyncio.run(scenario())
    with fastframe.installed("tornado"):
        assert asyncio.run(scenario()) == alone == ["other", "written"]


def test_a_thread_without_a_loop() -> None:
    """Is told so, as by tornado, and the message goes out with the next one."""

    def play() -> Any:
        async def scenario() -> Any:
            connection = Connection()
            found: list[Any] = []

            def write() -> None:
                try:
                    connection.protocol.write_message("from a thread")
                except RuntimeError as error:
                    found.append(str(error).partition(" in thread")[0])

            thread = threading.Thread(target=write)
            thread.start()
            thread.join()
            await connection.protocol.write_message("next")
            return found, bytes(connection.stream.written), connection.protocol._wire_bytes_out

        return asyncio.run(scenario())

    alone = play()
    with fastframe.installed("tornado"):
        assert play() == alone
    assert alone[1] == b"\x81\x0dfrom a thread\x81\x04next"


# ---- whose path ----


def decided(protocol_class: type[Any], **instance: Any) -> tuple[int, dict[str, int]]:
    before = fastframe.status()["tornado"]

    async def scenario() -> Any:
        connection = Connection(protocol_class=protocol_class)
        vars(connection.protocol).update(instance)
        return await connection.served([frame(1, b"x", key=KEY), frame(8, b"", key=KEY)])

    alone = asyncio.run(scenario())
    with fastframe.installed("tornado"):
        assert asyncio.run(scenario()) == alone
        after = fastframe.status()["tornado"]
    new = {
        why: count - before.left.get(why, 0)
        for why, count in after.left.items()
        if count != before.left.get(why, 0)
    }
    return after.connections - before.connections, new


@pytest.mark.parametrize(
    "name", ["_receive_frame", "_handle_message", "_run_callback", "_write_frame", "_read_bytes"]
)
def test_a_class_that_looks_inside(name: str) -> None:
    """Takes tornado's own path, and its methods are called; `status` counts it, and says why."""
    calls = []

    def own(self: Any, *arguments: Any, **more: Any) -> Any:
        calls.append(name)
        return getattr(WebSocketProtocol13, name)(self, *arguments, **more)

    changed = type("Changed", (WebSocketProtocol13,), {name: own, "__module__": __name__})
    why = f"{__name__}.Changed has its own {name}"
    assert decided(changed) == (0, {why: 1})
    assert len(calls) % 2 == 0 < len(calls)


def test_an_object_that_looks_inside() -> None:
    calls: list[Any] = []
    assert decided(WebSocketProtocol13, _write_frame=lambda *a, **k: calls.append(a)) == (
        0,
        {"tornado.websocket.WebSocketProtocol13 has its own _write_frame": 1},
    )
    assert calls


def test_a_class_that_does_not() -> None:
    class Own(WebSocketProtocol13):
        def ping_interval(self) -> float:  # type: ignore[override]
            return 0

    assert decided(Own) == (1, {})


def test_a_patch(monkeypatch: pytest.MonkeyPatch) -> None:
    def _handle_message(self: Any, opcode: int, data: bytes) -> Any:
        return None

    monkeypatch.setattr(WebSocketProtocol13, "_handle_message", _handle_message)
    assert decided(WebSocketProtocol13) == (
        0,
        {f"WebSocketProtocol13._handle_message was replaced by {__name__}": 1},
    )


def test_nothing_is_kept_of_a_connection() -> None:
    with fastframe.installed("tornado"):

        async def scenario() -> Any:
            connection = Connection()
            await connection.served([frame(1, b"x", key=KEY), b""])
            return weakref.ref(connection.protocol)

        gone = asyncio.run(scenario())
        gc.collect()
        assert gone() is None


# ---- as a server and a client ----


@pytest.mark.programs
@pytest.mark.skipif(os.name == "nt", reason="its programs are started as on POSIX")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("run", [["-m", "fastframe", "run", "-v"], []])
def test_a_real_server(run: list[str]) -> None:
    port = free_port()
    with running(*run, "-m", "tests.libraries.echo_tornado", str(port), port=port) as program:
        assert exchange(f"ws://127.0.0.1:{port}/") == ({"tornado": True} if run else {})
        assert ("runs on fastframe" in program.output()) is bool(run)
        assert "Traceback" not in program.output()


@pytest.mark.parametrize("compression", [None, {}])
def test_a_real_client(compression: dict[str, Any] | None) -> None:
    """tornado's, against tornado's own server, both on fastframe, over sockets."""
    from tornado.web import Application
    from tornado.websocket import WebSocketHandler, websocket_connect

    class Echo(WebSocketHandler):
        def get_compression_options(self) -> Any:
            return compression

        async def on_message(self, message: str | bytes) -> None:
            await self.write_message(message, isinstance(message, bytes))

    async def scenario() -> None:
        port = free_port()
        server = Application([("/", Echo)]).listen(port, "127.0.0.1")
        client = await websocket_connect(f"ws://127.0.0.1:{port}/", compression_options=compression)
        for message in ("x", "żółć 😀" * 9, bytes(300), "é" * 100_000, bytes(2_000_000), ""):
            await client.write_message(message, isinstance(message, bytes))
            assert await client.read_message() == message
        client.close(1000, "done")
        assert await client.read_message() is None
        server.stop()

    before = fastframe.status()["tornado"].connections
    with fastframe.installed("tornado"):
        asyncio.run(scenario())
    assert fastframe.status()["tornado"].connections == before + 2
