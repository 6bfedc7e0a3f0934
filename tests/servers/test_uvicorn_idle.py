"""A connection that waits, and one that has gone: what is given back."""

from __future__ import annotations

import asyncio
import collections
import gc
import weakref
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("wsproto")

from uvicorn.config import Config
from uvicorn.server import ServerState

from fastframe import Decoder, Encoder, InvalidState, Role
from fastframe.deflate import Deflate
from fastframe.uvicorn import WSProtocol, idle_window
from fastframe.uvicorn.idle_window import FreeMemory, IdleWindow
from fastframe.uvicorn.protocol import agreement_on
from tests.servers.in_uvicorn import RawClient, Recorder, Server, raw_client, serving
from tests.servers.test_uvicorn_memory import REQUEST, Transport, deliver, opened, turns
from tests.strategies import frame

DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
TEXT = "what is said again and again, " * 10


class Quick(WSProtocol):
    compressor_timeout = 0.05


class Keeping(WSProtocol):
    compressor_timeout = None


class CountingEncoder(Encoder):
    forgotten = 0

    def forget_window(self) -> None:
        self.forgotten += 1
        super().forget_window()


async def compressed_sizes(server: Server, pauses: list[float]) -> AsyncIterator[int]:
    """Of the same message, echoed after each pause."""
    async with raw_client(server) as client:
        head = await client.handshake(DEFLATE)
        agreed = head.split(b"Sec-WebSocket-Extensions: ")[-1].split(b"\r\n")[0]
        client.decoder = Decoder(Role.CLIENT, deflate=Deflate().confirm(agreed.decode()))
        for pause in pauses:
            await asyncio.sleep(pause)
            client.send(client.encoder.text(TEXT))
            yield await size_of_echo(client)


async def size_of_echo(client: RawClient) -> int:
    data = await client.reader.read(2**16)
    assert list(client.decoder.feed(data)) == [TEXT]
    return len(data)


@pytest.mark.parametrize(
    ("ws", "forgets"),
    [(WSProtocol, False), (Keeping, False), (Quick, True)],
    ids=["5 s", "never", "50 ms"],
)
async def test_the_window_is_forgotten_after_some_quiet(ws: Any, forgets: bool) -> None:
    async with serving(Recorder(), ws) as server:
        sizes = [size async for size in compressed_sizes(server, [0, 0, 0.3, 0])]
    first, again, after_quiet, last = sizes
    assert again < first / 2
    assert after_quiet == (first if forgets else again)
    assert last == again


async def test_the_window_is_kept_while_messages_are_sent() -> None:
    async with serving(Recorder(), Quick) as server:
        sizes = [size async for size in compressed_sizes(server, [0.01] * 20)]
    assert sizes.count(sizes[1]) == len(sizes) - 1


async def test_the_timer_looks_again_where_something_was_sent_meanwhile() -> None:
    encoder = CountingEncoder(Role.SERVER)
    window = IdleWindow(asyncio.get_running_loop(), encoder, 0.05)
    window.sent()
    await asyncio.sleep(0.03)
    window.sent()
    await asyncio.sleep(0.035)
    assert encoder.forgotten == 0
    await asyncio.sleep(0.06)
    assert encoder.forgotten == 1
    window.stop()
    window.sent()
    window.stop()
    await asyncio.sleep(0.1)
    assert encoder.forgotten == 1


async def test_memory_goes_back_once_many_compressors_have_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    returned: list[float] = []
    now = [1000.0]
    later: list[tuple[float, Any]] = []

    class Loop:
        closed = False

        def is_closed(self) -> bool:
            return self.closed

        def call_later(self, delay: float, callback: Any, *arguments: Any) -> None:
            later.append((delay, lambda: callback(*arguments)))

    def run() -> float:
        delay, callback = later.pop(0)
        now[0] += delay
        callback()
        return delay

    def give_back() -> bool:
        now[0] += 0.02
        returned.append(now[0])
        return True

    monkeypatch.setattr(idle_window.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(idle_window, "return_free_memory", give_back)
    loop: Any = Loop()
    memory = FreeMemory()
    for _ in range(idle_window.MANY - 1):
        memory.dropped(loop)
    assert not later
    for _ in range(100):
        memory.dropped(loop)
    assert len(later) == 1
    run()
    assert not returned, "more may follow"
    run()
    assert len(returned) == 1
    assert not later

    # Again, and they keep coming: not before it may take its time again, nor much later.
    for _ in range(idle_window.MANY):
        memory.dropped(loop)
    assert run() == pytest.approx(20, abs=1)
    while later:
        memory.dropped(loop)
        run()
    assert len(returned) == 2
    assert returned[1] - returned[0] == pytest.approx(20 + idle_window.LONGEST_WAIT, abs=2)


async def test_memory_goes_back_once_where_there_are_several_loops(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One closed in the middle, one stopped for good."""
    returned = 0
    now = [1000.0]

    class Loop:
        def __init__(self) -> None:
            self.later: list[tuple[float, Any]] = []
            self.closed = False

        def is_closed(self) -> bool:
            return self.closed

        def call_later(self, delay: float, callback: Any, *arguments: Any) -> None:
            self.later.append((delay, lambda: callback(*arguments)))

    def give_back() -> bool:
        nonlocal returned
        returned += 1
        return True

    monkeypatch.setattr(idle_window.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(idle_window, "return_free_memory", give_back)
    memory = FreeMemory()
    loops: list[Any] = [Loop(), Loop(), Loop()]
    for number in range(10 * idle_window.MANY):
        memory.dropped(loops[number % 2])
    assert [len(loop.later) for loop in loops] == [0, 1, 0]

    loops[1].closed = True
    memory.dropped(loops[0])
    assert len(loops[0].later) == 1
    now[0] += 2 * idle_window.LONGEST_WAIT + 2  # the first one stands still
    memory.dropped(loops[2])
    while loops[2].later:
        delay, callback = loops[2].later.pop()
        now[0] += delay
        callback()
    assert returned == 1

    loops[0].later[0][1]()  # it was only late
    assert returned == 1
    assert len(loops[0].later) == 1


async def test_the_window_is_not_forgotten_in_the_middle_of_a_message() -> None:
    """A subclass may send one in fragments."""
    encoder = Encoder(Role.SERVER, deflate=Deflate().accept("permessage-deflate"))
    window = IdleWindow(asyncio.get_running_loop(), encoder, 0.02)
    begun = encoder.text(TEXT, fin=False)
    window.sent()
    await asyncio.sleep(0.1)
    decoder = Decoder(Role.CLIENT, deflate=Deflate().confirm("permessage-deflate"))
    assert list(decoder.feed(begun + encoder.continuation("end"))) == [TEXT + "end"]
    await asyncio.sleep(0.1)
    window.stop()
    assert list(
        Decoder(Role.CLIENT, deflate=Deflate().confirm("permessage-deflate")).feed(
            encoder.text(TEXT)
        )
    ) == [TEXT]  # from an empty window


async def test_no_timer_where_no_compressor_is_kept() -> None:
    class Forgetting(WSProtocol):
        deflate = Deflate(server_no_context_takeover=True)

    class Large(WSProtocol):
        deflate = Deflate(threshold=1000)

    for ws in (Forgetting, Large):
        async with serving(Recorder(), ws) as server, raw_client(server) as client:
            assert b"permessage-deflate" in await client.handshake(DEFLATE)
            client.send(client.encoder.text("short"))
            assert await client.reader.read(2**16)
            (connection,) = server.state.connections
            window = connection.idle_window  # type: ignore[union-attr]
            assert window is None or window._timer is None


def test_settings_that_decide_for_themselves() -> None:
    class Declining(Deflate):
        def accept(self, offers: str | None) -> None:  # type: ignore[override]
            return None

    class WithoutHash:
        __hash__ = None  # type: ignore[assignment]

        def accept(self, offers: str | None) -> str:
            return "mine"

    settings: Any
    for settings, expected in ((Declining(), None), (WithoutHash(), "mine")):
        for offers in ("permessage-deflate", "permessage-deflate" + ", x" * 60):
            assert agreement_on(settings, offers) == expected
    assert agreement_on(Deflate(), "permessage-deflate") is agreement_on(
        Deflate(), "permessage-deflate"
    )


async def test_the_first_who_asks_is_the_first_who_is_answered() -> None:
    """Of several that receive at once, and one of them has given up."""
    found: list[tuple[int, str]] = []
    ready = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})

        async def one(number: int) -> None:
            found.append((number, (await receive()).get("text")))

        tasks = [asyncio.create_task(one(number)) for number in range(4)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.sleep(0)
        ready.set()
        await asyncio.gather(*tasks, return_exceptions=True)

    async with serving(app) as server, raw_client(server) as client:
        await client.handshake()
        await ready.wait()
        client.send(b"".join(map(client.encoder.text, "abc")))
        await server.idle()
    assert found == [(0, "a"), (2, "b"), (3, "c")]


async def test_a_subclass_that_writes_for_itself() -> None:
    written: list[bytes] = []

    class Mine(WSProtocol):
        def write(self, data: bytes | memoryview) -> None:
            written.append(bytes(data))
            super().write(data)

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            assert self.encoder.ping(b"") == b"\x89\x00"  # there from the beginning

    async with serving(Recorder(), Mine) as server, raw_client(server) as client:  # type: ignore[arg-type]
        await client.handshake()
        client.send(client.encoder.text("echo"))
        assert await client.message() == "echo"
    assert b"\x81\x04echo" in written


async def test_the_applications_calls_can_be_referred_to_weakly() -> None:
    _, _, application = await opened()
    assert weakref.WeakMethod(application.send)() == application.send


async def echo(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        await send({**event, "type": "websocket.send"})


async def come_and_go() -> int:
    """Bytes that were written."""
    transport = Transport()
    config = Config(echo, log_config=None, lifespan="off")
    protocol = WSProtocol(config, ServerState(), {})
    protocol.connection_made(transport)
    protocol.data_received(REQUEST)
    await turns()
    deliver(protocol, frame(1, TEXT.encode(), key=b"key!"))
    await turns()
    deliver(protocol, frame(8, b"\x03\xe8", key=b"key!"))
    await finished(protocol)
    return len(transport.written)


async def test_a_connection_that_has_gone_needs_no_garbage_collector() -> None:
    """None of its objects refers to itself by way of others."""
    await come_and_go()  # imports, caches
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        for _ in range(3):
            assert await come_and_go() > 150
        gc.collect()
        left = collections.Counter(type(found).__module__ for found in gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert not [name for name in left if name.startswith("fastframe")], left


async def finished(protocol: WSProtocol) -> None:
    protocol.connection_lost(None)
    await turns()


async def test_the_ends_of_a_connection_where_no_protocol_of_uvicorns_has_asked_for_them() -> None:
    protocol, _, _ = await opened()
    assert protocol.client == ("127.0.0.1", 1)
    assert protocol.scope["server"] == ("127.0.0.1", 2)
    await finished(protocol)


# ---- what an Encoder does without its window -----------------------------------------------------


class RecordingZlib:
    def __init__(self) -> None:
        self.compressors = 0
        self.windows: list[int] = []

    def compressobj(self, *arguments: Any) -> Any:
        self.compressors += 1
        return zlib.compressobj(*arguments)

    def decompressobj(self, wbits: int) -> Any:
        self.windows.append(wbits)
        return zlib.decompressobj(wbits)

    def __getattr__(self, name: str) -> Any:
        return getattr(zlib, name)


def test_a_peer_reads_on_after_the_window_was_forgotten() -> None:
    agreement = Deflate().accept("permessage-deflate")
    encoder = Encoder(Role.SERVER, deflate=agreement)
    decoder = Decoder(
        Role.CLIENT, deflate=Deflate().confirm(agreement.response()) if agreement else None
    )
    sizes = []
    for number in range(40):
        if number % 4 == 3:
            encoder.forget_window()
        data = encoder.text(TEXT)
        sizes.append(len(data))
        assert list(decoder.feed(data)) == [TEXT]
    assert len(set(sizes)) == 2
    assert sizes.count(max(sizes)) == 11


def test_a_forgotten_compressor_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    zlib_module = RecordingZlib()
    monkeypatch.setattr("fastframe.deflate.backend_module", lambda name: zlib_module)
    agreement = Deflate().accept("permessage-deflate")
    encoder = Encoder(Role.SERVER, deflate=agreement)
    encoder.text(TEXT)
    encoder.forget_window()
    encoder.text(TEXT)
    assert zlib_module.compressors == 2
    encoder.text(TEXT)
    assert zlib_module.compressors == 2


def test_the_window_is_not_forgotten_inside_a_message() -> None:
    encoder = Encoder(Role.SERVER, deflate=Deflate().accept("permessage-deflate"))
    begun = encoder.text(TEXT, fin=False)
    with pytest.raises(InvalidState, match="inside a message"):
        encoder.forget_window()
    decoder = Decoder(Role.CLIENT, deflate=Deflate().confirm("permessage-deflate"))
    assert list(decoder.feed(begun + encoder.continuation("end"))) == [TEXT + "end"]
    Encoder(Role.SERVER).forget_window()


@pytest.mark.parametrize("bits", [9, 10, 12, 15])
def test_an_inflater_has_the_window_that_was_agreed_on(
    bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    zlib_module = RecordingZlib()
    monkeypatch.setattr("fastframe.deflate.backend_module", lambda name: zlib_module)
    settings = Deflate(client_max_window_bits=bits)
    agreement = settings.accept("permessage-deflate; client_max_window_bits")
    client = Encoder(Role.CLIENT, deflate=agreement)
    server = Decoder(Role.SERVER, deflate=agreement)
    assert list(server.feed(client.text(TEXT))) == [TEXT]
    assert zlib_module.windows == [-bits]
