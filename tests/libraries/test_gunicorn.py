"""gunicorn's own ASGI worker alone and on fastframe: the same for any stream of frames, and as a
server."""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip(
    "gunicorn.asgi.websocket", reason="gunicorn with an ASGI worker of its own is not installed"
)

from gunicorn.asgi.websocket import WebSocketProtocol

import fastframe
from fastframe._targets.observations import streams
from fastframe.gunicorn import functions, observations
from fastframe.gunicorn.observations import echo
from tests.helpers import KEY, Counted, outcome
from tests.servers.programs import exchange, free_port, running
from tests.strategies import frame, sessions

WHOLE_PATH = hasattr(WebSocketProtocol, "_put_message")


def served(pieces: Iterable[bytes], application: Any = echo, **options: Any) -> Any:
    """What an application receives from a client that sends these bytes, and what goes out."""
    return asyncio.run(observations.served(WebSocketProtocol, pieces, application, **options))


def alone_and_on_fastframe(pieces: list[bytes], *arguments: Any, **options: Any) -> Any:
    alone = served(pieces, *arguments, **options)
    with fastframe.installed("gunicorn"):
        return alone, served(pieces, *arguments, **options)


ENTERING = [
    frame(1, "żółć".encode(), key=KEY) + frame(2, b"\x00\xff" * 100, key=KEY),
    frame(1, b"in two ", fin=False, key=KEY) + frame(0, b"fragments", key=KEY),
]
"""What takes each of fastframe's ways, whatever Hypothesis thinks of besides."""


# ---- applications ----


async def lets_them_wait(receive: Any, send: Any, found: list[Any]) -> None:
    """More messages than gunicorn lets wait."""
    for _ in range(40):
        await asyncio.sleep(0)
    await echo(receive, send, found)


async def raises(receive: Any, send: Any, found: list[Any]) -> None:
    found.append(await receive())
    raise ValueError("application")


async def returns(receive: Any, send: Any, found: list[Any]) -> None:
    found.append(await receive())


async def is_cancelled(receive: Any, send: Any, found: list[Any]) -> None:
    found.append(await receive())
    raise asyncio.CancelledError


async def closes(receive: Any, send: Any, found: list[Any]) -> None:
    """And goes on: each error is the same."""
    found.append(await receive())
    await send({"type": "websocket.send", "text": "last"})
    closing = asyncio.ensure_future(send({"type": "websocket.close", "code": 4000}))
    for _ in range(5):
        await asyncio.sleep(0)
        await sends(send, {"type": "websocket.send", "text": "after"}, found)
    await closing
    await sends(send, {"type": "websocket.send", "bytes": b"after"}, found)


async def sends_anything(receive: Any, send: Any, found: list[Any]) -> None:
    found.append(await receive())
    for event in (
        {"type": "websocket.send", "text": "żółć 😀", "bytes": None},
        {"type": "websocket.send", "text": None, "bytes": b"x" * 70_000},
        {"type": "websocket.send", "text": "both", "bytes": b"both"},
        {"type": "websocket.send"},
        {"type": "websocket.send", "bytes": bytearray(b"array")},
        {"type": "websocket.send", "bytes": "a str"},
        {"type": "websocket.send", "bytes": 5},
        {"type": "websocket.send", "text": b"bytes"},
        {"type": "websocket.send", "text": "\ud800"},
        {"type": "websocket.send", "text": ""},
        {"type": "websocket.accept"},
        {"type": "nothing"},
        {},
    ):
        await sends(send, event, found)


async def sends(send: Any, event: Any, found: list[Any]) -> None:
    try:
        await send(event)
    except Exception as error:
        found.append((type(error), str(error)))


APPLICATIONS = [echo, echo, lets_them_wait, raises, returns, is_cancelled, closes, sends_anything]


@given(
    session=sessions(extensions=False), application=st.sampled_from(APPLICATIONS),
    limit=st.sampled_from([None, None, 0, 130]), times=st.sampled_from([1, 1, 60]),
)  # fmt: skip
def check_streams(session: Any, application: Any, limit: int | None, times: int) -> None:
    pieces = session.pieces if sum(map(len, session.pieces)) > 2000 else session.pieces * times
    options = {} if limit is None or not WHOLE_PATH else {"max_message_size": limit}
    alone, fast = alone_and_on_fastframe(pieces, application, **options)
    assert fast == alone


def test_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams that follow the rules and that do not, cut anywhere, under any application."""
    masks = Counted(monkeypatch, functions, "apply_mask")
    taken = Counted(monkeypatch, functions, "take_frame")
    made = Counted(monkeypatch, functions, "message_frame")
    monkeypatch.setattr(asyncio, "wait_for", no_patience)
    alone, fast = alone_and_on_fastframe(ENTERING, echo)
    assert fast == alone
    check_streams()
    assert masks.calls > 0
    assert (taken.calls > 0) is (made.calls > 0) is WHOLE_PATH


async def no_patience(awaitable: Any, timeout: float) -> Any:
    """In place of asyncio.wait_for: gunicorn waits 5 s for the answer to its Close. Turns of the
    loop are the same each time."""
    task = asyncio.ensure_future(awaitable)
    for _ in range(60):
        await asyncio.sleep(0)
        if task.done():
            return task.result()
    task.cancel()
    raise asyncio.TimeoutError


@pytest.mark.parametrize("application", dict.fromkeys(APPLICATIONS))
@pytest.mark.parametrize("times", [1, 12])
def test_each_application(application: Any, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio, "wait_for", no_patience)
    for sent in streams(KEY, deflate=False):
        if len(sent) < 2000:
            for step in (len(sent) * times, 7):
                pieces = [(sent * times)[i : i + step] for i in range(0, len(sent) * times, step)]
                alone, fast = alone_and_on_fastframe(pieces, application)
                assert fast == alone


@pytest.mark.skipif(not WHOLE_PATH, reason="before gunicorn 27 only masks are replaced")
@pytest.mark.parametrize("closes", [False, True])
def test_a_client_that_does_not_read(closes: bool) -> None:
    """gunicorn waits before it sends; meanwhile the connection may end."""

    def play() -> Any:
        drained: list[Any] = []

        async def scenario() -> Any:
            async def drain() -> None:
                drained.append(None)
                await asyncio.sleep(0)
                if closes and len(drained) > 1:
                    connection.closed = True

            async def app(scope: Any, receive: Any, send: Any) -> None:
                await receive()
                await send({"type": "websocket.accept"})
                for text in ("one", "two", "three"):
                    await sends(send, {"type": "websocket.send", "text": text}, found)

            found: list[Any] = []
            transport = observations.Transport()
            scope = {"type": "websocket", "headers": [(b"sec-websocket-key", b"eA==")]}
            connection, reader = observations.connected(
                WebSocketProtocol, transport, scope, app, logging.getLogger("tests"), drain=drain
            )
            task = asyncio.ensure_future(connection.run())
            await asyncio.sleep(0)
            reader.feed_eof()
            return found, await observations.ended(connection, task), bytes(transport.written)

        return asyncio.run(scenario()), len(drained)

    alone = play()
    with fastframe.installed("gunicorn"):
        assert play() == alone


@pytest.mark.parametrize("opcode", [1, 2])
def test_fragments(opcode: int) -> None:
    sent = frame(opcode, b"one", fin=False, key=KEY) + frame(0, b"two", key=KEY)
    alone, fast = alone_and_on_fastframe([sent, sent])
    assert fast == alone
    assert alone.count({"type": "websocket.receive", "bytes": b"onetwo"}) == 2 * (opcode == 2)


@pytest.mark.skipif(not WHOLE_PATH, reason="before gunicorn 27 only masks are replaced")
def test_closed_while_it_waits() -> None:
    """By the application's end, for one: what comes then is not read."""

    def play() -> Any:
        async def scenario() -> Any:
            async def app(scope: Any, receive: Any, send: Any) -> None:
                await receive()
                await send({"type": "websocket.accept"})
                found.extend([await receive(), await receive()])

            found: list[Any] = []
            scope = {"type": "websocket", "headers": [(b"sec-websocket-key", b"eA==")]}
            connection, reader = observations.connected(
                WebSocketProtocol, observations.Transport(), scope, app, logging.getLogger("tests")
            )
            task = asyncio.ensure_future(connection.run())
            for _ in range(9):
                await asyncio.sleep(0)
            connection.closed = True
            reader.feed_data(frame(1, b"late", key=KEY) * 2)
            return await observations.ended(connection, task), found

        return asyncio.run(scenario())

    alone = play()
    with fastframe.installed("gunicorn"):
        assert play() == alone


@pytest.mark.skipif(not WHOLE_PATH, reason="before gunicorn 27 only masks are replaced")
@pytest.mark.parametrize("error", [MemoryError("no more"), ValueError("broken")])
def test_reading_that_fails(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """The application is told that the connection has ended."""

    def fail(*arguments: Any) -> Any:
        raise error

    monkeypatch.setattr(functions, "take_frame", fail)
    with fastframe.installed("gunicorn"):
        found = served([frame(1, b"x", key=KEY)])
    assert {"type": "websocket.disconnect", "code": 1006} in found


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 300_000])
@pytest.mark.parametrize("opcode", [1, 2])
def test_sizes(size: int, opcode: int) -> None:
    """Whole, in pieces of a network, and cut short."""
    payload = b"a" * size if opcode == 1 else random.Random(size).randbytes(size)
    sent = frame(opcode, payload, key=b"key!") + frame(9, b"p", key=b"key!")
    for step in (len(sent), 65_536, 1460):
        pieces = [sent[i : i + step] for i in range(0, len(sent), step)]
        if len(pieces) < 60:
            alone, fast = alone_and_on_fastframe(pieces)
            assert fast == alone
            alone, fast = alone_and_on_fastframe(pieces[:-1])
            assert fast == alone


@pytest.mark.skipif(not WHOLE_PATH, reason="before gunicorn 27 only masks are replaced")
@pytest.mark.parametrize("name", ["_read_frame", "_read_exact", "_put_message", "_send_frame"])
def test_a_class_that_looks_inside(name: str) -> None:
    """Takes gunicorn's own path, and its methods are called; `status` counts it, and says why."""
    calls = []

    async def own(self: Any, *arguments: Any) -> Any:
        calls.append(name)
        return await getattr(WebSocketProtocol, name)(self, *arguments)

    changed = type("Changed", (WebSocketProtocol,), {name: own, "__module__": __name__})
    why = f"{__name__}.Changed has its own {name}"
    pieces = [frame(1, b"x", key=b"key!")]
    alone = asyncio.run(observations.served(changed, pieces))
    with fastframe.installed("gunicorn"):
        before = fastframe.status()["gunicorn"]
        assert asyncio.run(observations.served(changed, pieces)) == alone
        after = fastframe.status()["gunicorn"]
    assert after.connections == before.connections
    assert after.left[why] == before.left.get(why, 0) + 1
    assert len(calls) % 2 == 0 < len(calls)


@given(st.binary(max_size=40), st.binary(max_size=6))
def test_the_method_itself(payload: bytes, key: bytes) -> None:
    """Also for keys that the wire cannot have."""

    for kind in (bytes, bytearray, memoryview):
        alone = outcome(WebSocketProtocol._unmask, None, kind(payload), key)
        with fastframe.installed("gunicorn"):
            assert outcome(WebSocketProtocol._unmask, None, kind(payload), key) == alone


# ---- as a server ----


@pytest.mark.programs
@pytest.mark.skipif(os.name == "nt", reason="gunicorn does not run there")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("run", [["-m", "fastframe", "run", "-v"], []])
def test_a_real_server(run: list[str]) -> None:
    port = free_port()
    command = [
        *run,
        "-m",
        "gunicorn",
        "-k",
        "asgi",
        "-w",
        "2",
        "--graceful-timeout",
        "2",
        "-b",
        f"127.0.0.1:{port}",
        "tests.servers.echo_asgi:app",
    ]
    with running(*command, port=port) as program:
        assert exchange(f"ws://127.0.0.1:{port}/") == ({"gunicorn": True} if run else {})
        assert ("runs on fastframe" in program.output()) is bool(run)
        assert "Traceback" not in program.output()
