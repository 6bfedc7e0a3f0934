"""websockets alone and on fastframe: the same for any stream of frames, and with real servers and
clients."""

from __future__ import annotations

import asyncio
import inspect
import random
import secrets
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("websockets.asyncio.connection", reason="websockets is not installed")

import websockets.asyncio.client
import websockets.asyncio.server
import websockets.frames
import websockets.protocol
import websockets.sync.client
from websockets.exceptions import ConnectionClosed
from websockets.extensions import permessage_deflate
from websockets.extensions.permessage_deflate import (
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)
from websockets.frames import Frame
from websockets.protocol import CLIENT, SERVER, Protocol

import fastframe
from fastframe._cpython.tricks import GENERATOR_STATE
from fastframe._targets.target import target
from fastframe.deflate import Deflate
from tests.helpers import deflated, run_python
from tests.servers.programs import MESSAGES, NO_PROXY, exchange, free_port, running
from tests.strategies import frame, sessions

try:
    target("websockets").check()
except ImportError as error:
    pytest.skip(str(error), allow_module_level=True)

NEW_NAMES = hasattr(Protocol(SERVER), "max_message_size")
"""Before websockets 16 a Protocol has `max_size` and `cur_size`, and no limit for a fragment."""
TAKES_TEXT = "text" in inspect.signature(websockets.asyncio.client.ClientConnection.send).parameters
"""websockets 13 does not; and what is not UTF-8 it tells to the caller of `recv` alone, not to the
peer."""
TAKES_FRAMES = GENERATOR_STATE.is_on()
"""Past the library's parser."""


def needs(backend: str) -> None:
    """Skips the test where the back-end is not installed: there are no wheels of it for every
    Python."""
    pytest.importorskip(backend.replace("-", "_"))


@pytest.fixture(params=["alone", "on fastframe", "with isal"])
def websockets_(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "with isal":
        needs("isal")
    if request.param == "alone":
        yield request.param
        return
    with fastframe.installed(
        "websockets", deflate=Deflate(backend="isal") if request.param == "with isal" else None
    ):
        yield request.param


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often websockets' own parser began a frame."""
    calls: list[int] = []
    original = Frame.parse.__func__

    def parse(*arguments: Any, **more: Any) -> Any:
        calls.append(1)
        return original(*arguments, **more)

    with fastframe.installed("websockets"):
        pass  # so that its source was compared already
    monkeypatch.setattr(Frame, "parse", classmethod(parse))
    return calls


def frames_of_the_target() -> Any:
    from fastframe.websockets.target import TARGET

    with fastframe.installed("websockets"):
        return TARGET._frames  # type: ignore[attr-defined]


# ---- Protocol, without input and output ----------------------------------------------------------


class Step:
    """What can be seen after one call."""

    def __init__(self, protocol: Protocol, call: Callable[..., object], *arguments: object) -> None:
        error: object = None
        try:
            call(*arguments)
        except Exception as raised:
            error = type(raised), str(raised)
        events = [
            (type(event), event.opcode, type(event.opcode), bytes(event.data), type(event.data),
            event.fin, event.rsv1, event.rsv2, event.rsv3)
            for event in protocol.events_received()
            if isinstance(event, Frame)
        ]  # fmt: skip
        written = protocol.data_to_send()
        self.seen = (
            error, events, written if protocol.side is SERVER else list(map(len, written)),
            protocol.state, protocol.current_size if NEW_NAMES else protocol.cur_size,
            repr(protocol.close_rcvd), repr(protocol.close_sent), protocol.close_rcvd_then_sent,
            repr(protocol.parser_exc),
            protocol.close_expected(), protocol.expect_continuation_frame, protocol.eof_sent,
        )  # fmt: skip


def steps(
    session: Any, limit: Any, extensions: list[Any], sends: list[tuple[str, Any, bool]]
) -> list[Any]:
    protocol = Protocol(CLIENT if session.client else SERVER, max_size=limit)
    protocol.extensions = extensions
    waiting = list(sends)
    found = [Step(protocol, protocol.receive_data, b"")]
    for piece in session.pieces:
        found.append(Step(protocol, protocol.receive_data, piece))
        if waiting:
            method, data, fin = waiting.pop()
            found.append(Step(protocol, getattr(protocol, method), data, fin))
    found.append(Step(protocol, protocol.receive_eof))
    return [step.seen for step in found]


limits = st.sampled_from(
    [2**20, None, 1000, 126, *([(1000, 300), (None, 200), (5000, None)] if NEW_NAMES else [])]
)
kinds = st.sampled_from([bytes, bytes, bytearray, memoryview])
sends = st.lists(
    st.tuples(st.sampled_from(["send_text", "send_binary", "send_continuation"]),
    st.builds(lambda kind, data: kind(data), kinds, st.binary(max_size=300)), st.booleans()),
    max_size=4,
)  # fmt: skip


@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("gathered_size", [2**16, 1])
def test_streams(
    deflate: bool, gathered_size: int, parsed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streams that follow the rules and that do not, cut anywhere, with messages sent between."""
    monkeypatch.setattr(frames_of_the_target(), "gathered_size", gathered_size)

    @given(sessions(extensions=deflate), limits, st.booleans(), st.booleans(), sends)
    def check(session: Any, limit: Any, forgets: bool, remote_forgets: bool, sent: Any) -> None:
        def extensions() -> list[Any]:
            return [PerMessageDeflate(remote_forgets, forgets, 15, 15, {})] if deflate else []

        alone = steps(session, limit, extensions(), sent)
        with fastframe.installed("websockets"):
            assert steps(session, limit, extensions(), sent) == alone

    check()


def test_the_streams_enter_the_fast_path(parsed: list[int]) -> None:
    """By the same function as above, with a stream that is always the same."""

    class Session:
        client = False
        pieces = (
            frame(1, b"one", key=b"key!") + frame(2, b"two", key=b"key!") * 2,
            frame(2, b"three", key=b"key!")[:4],
        )

    alone = steps(Session, None, [], [])
    assert len(parsed) == 4
    parsed.clear()
    with fastframe.installed("websockets"):
        assert steps(Session, None, [], []) == alone
    assert len(parsed) == (1 if TAKES_FRAMES else 4), "only the one that is cut"


@pytest.mark.parametrize("backend", ["isal", "zlib-ng"])
def test_what_other_backends_inflate(backend: str) -> None:
    """The same messages, also where there are limits. What no compressor makes they may refuse at
    another place."""
    needs(backend)
    same = 0

    @given(sessions(extensions=True), limits, st.booleans())
    def check(session: Any, limit: Any, forgets: bool) -> None:
        nonlocal same

        def seen() -> tuple[list[Any], list[str]]:
            found = steps(session, limit, [PerMessageDeflate(forgets, forgets, 15, 15, {})], [])
            return [event for step in found for event in step[1]], [step[6] for step in found]

        alone, closes = seen()
        with fastframe.installed("websockets", deflate=Deflate(backend=backend)):
            fast, fast_closes = seen()
        if (fast, fast_closes) == (alone, closes):
            same += bool(alone)
            return
        assert "decompression failed" in closes[-1] + fast_closes[-1]
        shorter = min(len(fast), len(alone))
        assert fast[:shorter] == alone[:shorter]

    check()
    assert same > 0


@pytest.mark.parametrize("backend", ["isal", "zlib-ng"])
@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 200, 1000, 100_000])
def test_limits_of_other_backends(backend: str, size: int) -> None:
    """A message that is larger than the limit is refused, however little of it was on the wire."""
    needs(backend)

    def received(wire: bytes) -> Any:
        protocol = Protocol(SERVER, max_size=126)
        protocol.extensions = [PerMessageDeflate(False, False, 15, 15, {})]
        protocol.receive_data(b"")
        protocol.receive_data(wire)
        found = [
            bytes(event.data) for event in protocol.events_received() if isinstance(event, Frame)
        ]
        return b"".join(found), protocol.close_sent and protocol.close_sent.code

    for data in (b"\xf5" * size, random.Random(size).randbytes(size)):
        compressed = deflated(data)
        half = len(compressed) // 2
        fragments = frame(2, compressed[:half], rsv=4, fin=False, key=b"key!") + frame(
            0, compressed[half:], key=b"key!"
        )
        for wire in (frame(2, compressed, rsv=4, key=b"key!"), fragments):
            alone = received(wire)
            with fastframe.installed("websockets", deflate=Deflate(backend=backend)):
                fast = received(wire)
            assert fast[1] == alone[1]
            assert alone == (data, None) or alone[1] == 1009
            if alone[1] is None:
                assert fast == alone


def receives(connection: Protocol, data: bytes) -> list[Any]:
    connection.receive_data(b"")
    connection.receive_data(data)
    return connection.events_received()


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 300_000])
@pytest.mark.parametrize("side", [SERVER, CLIENT])
def test_sizes(size: int, side: Any, parsed: list[int]) -> None:
    payload = random.Random(size).randbytes(size)
    data = b"".join(
        frame(opcode, payload, key=b"key!" if side is SERVER else None) for opcode in (1, 2)
    )
    alone = receives(Protocol(side), data)
    assert len(parsed) >= 2
    parsed.clear()
    with fastframe.installed("websockets"):
        assert receives(Protocol(side), data) == alone
    assert bool(parsed) != TAKES_FRAMES, "both were taken past the library's parser"
    assert [type(event.data) for event in alone] == [bytes if side is SERVER else bytearray] * 2


class Watching(Protocol):
    """Another one's, which sees what arrives."""

    seen = 0

    def receive_data(self, data: bytes) -> None:
        self.seen += len(data)
        super().receive_data(data)


@pytest.mark.parametrize("kind", [Protocol, Watching])
@pytest.mark.parametrize("limit", [None, 300_000, 299_999])
@pytest.mark.parametrize("side", [SERVER, CLIENT])
@pytest.mark.parametrize(
    "end", ["whole", "eof", "fail", "debug", "bytearray", "uninstall", "limit", "protocol error"]
)
def test_a_large_frame_in_pieces(
    end: str, side: Any, limit: int | None, kind: type[Protocol], parsed: list[int]
) -> None:
    data = frame(2, random.Random(1).randbytes(300_000), key=b"key!" if side is SERVER else None)
    if end == "protocol error":
        data = frame(
            0, b"x" * 300_000, key=b"key!" if side is SERVER else None
        )  # continues nothing
    after = frame(1, b"after", key=b"key!" if side is SERVER else None)
    pieces = [data[:100_000], data[100_000:200_001], data[200_001:] + after[:3], after[3:]]

    def seen() -> list[Any]:
        protocol = kind(side, max_size=limit)
        found = [
            Step(protocol, protocol.receive_data, b""),
            *(Step(protocol, protocol.receive_data, piece) for piece in pieces[:2]),
        ]
        if end == "eof":
            found.append(Step(protocol, protocol.receive_eof))
            return [step.seen for step in found]
        if end == "fail":
            found.append(Step(protocol, protocol.fail, 1011))
        if end == "debug":
            protocol.debug = True
        if end == "uninstall":
            fastframe.uninstall("websockets")
        if end == "limit":
            setattr(protocol, "max_message_size" if NEW_NAMES else "max_size", 5)
        rest = [bytearray(piece) for piece in pieces[2:]] if end == "bytearray" else pieces[2:]
        found += [Step(protocol, protocol.receive_data, piece) for piece in rest]
        assert not {"receive_data", "receive_eof"} & vars(protocol).keys()
        found.append(Step(protocol, protocol.receive_eof))
        return [step.seen for step in found] + [getattr(protocol, "seen", None)]

    alone = seen()
    parsed.clear()
    with fastframe.installed("websockets"):
        assert seen() == alone
    if end == "whole" and limit != 299_999 and kind is Protocol:
        assert (parsed == [1]) == TAKES_FRAMES, (
            "only the cut header of the last frame went to its parser"
        )


def test_memory_only_for_what_has_arrived() -> None:
    """Of a peer that says it will send 2 GiB."""
    data = (
        frame(2, b"", key=b"key!")[:1]
        + bytes([0x80 | 127])
        + (2**31).to_bytes(8, "big")
        + b"key!"
        + b"x" * 100_000
    )
    with fastframe.installed("websockets"):
        protocol = Protocol(SERVER, max_size=None)
        protocol.receive_data(b"")
        protocol.receive_data(data)
        assert "receive_data" not in vars(protocol)
        assert len(protocol.reader.buffer) == 100_000


def test_what_is_sent_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte for byte, where the masking keys are."""
    monkeypatch.setattr(secrets, "token_bytes", lambda size: b"mask"[:size])
    for side in (SERVER, CLIENT):
        for data in (
            b"",
            b"x" * 125,
            b"x" * 126,
            b"x" * 70_000,
            b"x" * 200_000,
            bytearray(b"abc"),
            memoryview(b"abc"),
            memoryview(b"abcdef")[::2],
        ):
            for opcode in (1, 2, 8, 9, 10, 0):
                made = Frame(websockets.frames.Opcode(opcode), data)

                def serialized(made: Frame = made, side: Any = side) -> Any:
                    try:
                        return made.serialize(mask=side is CLIENT, extensions=[])
                    except Exception as error:
                        return type(error), str(error)

                alone = serialized()
                with fastframe.installed("websockets"):
                    assert serialized() == alone


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("extensions", ()),
        *(("max_message_size" if NEW_NAMES else "max_size", limit) for limit in (3.5, -1, 2**70)),
        *([("max_fragment_size", 3.5)] if NEW_NAMES else []),
    ],
)
def test_attributes_of_unusual_types(name: str, value: Any) -> None:
    def seen() -> Any:
        protocol = Protocol(SERVER)
        setattr(protocol, name, value)
        return [
            Step(protocol, protocol.receive_data, data).seen
            for data in (
                b"",
                frame(1, b"abc", key=b"key!") * 2,
                frame(2, b"", key=b"key!"),
                frame(2, b"1234", key=b"key!"),
            )
        ]

    alone = seen()
    with fastframe.installed("websockets"):
        assert seen() == alone


def test_an_opcode_that_is_a_number() -> None:
    alone = Frame(3, b"abc").serialize(mask=False)  # type: ignore[arg-type]
    with fastframe.installed("websockets"):
        assert Frame(3, b"abc").serialize(mask=False) == alone  # type: ignore[arg-type]


def test_masking_keys_differ() -> None:
    with fastframe.installed("websockets"):
        protocol = Protocol(CLIENT)
        for _ in range(300):
            protocol.send_binary(b"")
        assert len(set(protocol.data_to_send())) == 300


class Counting(Protocol):
    """Another one's, which sees each frame."""

    seen = 0

    def recv_frame(self, frame: Frame) -> None:
        self.seen += 1
        super().recv_frame(frame)


def test_recv_frame_of_a_subclass_is_called() -> None:
    with fastframe.installed("websockets"):
        protocol = Counting(SERVER)
        assert len(receives(protocol, frame(1, b"x", key=b"key!") * 3)) == 3
        assert protocol.seen == 3


# ---- with connections ----------------------------------------------------------------------------


async def echo(connection: Any) -> None:
    async for message in connection:
        await connection.send(message)


@pytest.mark.parametrize("compression", [None, "deflate"])
def test_asyncio(websockets_: str, compression: str | None) -> None:
    async def talk() -> None:
        async with (
            websockets.asyncio.server.serve(echo, "127.0.0.1", 0, compression=compression,
            max_size=None) as server,  # type: ignore[arg-type]
            websockets.asyncio.client.connect(
                f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", compression=compression,
                max_size=None, **NO_PROXY  # type: ignore[arg-type]
            ) as client,
        ):  # fmt: skip
            for message in MESSAGES:
                await client.send(message)
                assert await client.recv() == message
            for message in MESSAGES[:5]:
                await client.send(message)
            assert [await client.recv() for _ in range(5)] == MESSAGES[:5]
            await client.send(["frag", "ments"])
            assert await client.recv() == "fragments"
            if not TAKES_TEXT:
                with pytest.raises(TypeError, match="text"):
                    await client.send("żółć", text=False)
                return
            await client.send("żółć", text=False)
            assert await client.recv() == "żółć".encode()
            await client.send(b"text", text=True)
            assert await client.recv(decode=False) == b"text"
            await client.send(b"\xff", text=True)
            with pytest.raises(ConnectionClosed):
                await client.recv()
            with pytest.raises(ConnectionClosed):
                await client.send("too late")

    asyncio.run(asyncio.wait_for(talk(), 50))


@pytest.mark.parametrize("settings", [{}, {"level": 9, "memLevel": 9}])
@pytest.mark.parametrize(
    ("backend", "level"), [("isal", None), ("isal", 0), ("zlib-ng", None), ("zlib", 9)]
)
def test_another_backend(backend: str, level: int | None, settings: dict[str, int]) -> None:
    """Messages to and from websockets alone."""
    needs(backend)
    deflate = Deflate(backend=backend) if level is None else Deflate(backend=backend, level=level)
    with fastframe.installed("websockets", deflate=deflate):
        _, fast = ServerPerMessageDeflateFactory(compress_settings=settings).process_request_params(
            [], []
        )
    alone = PerMessageDeflate(False, False, 15, 15, {})
    assert type(fast.encoder) is not type(alone.encoder) or deflate.backend == "zlib"
    for message in MESSAGES:
        data = message.encode() if isinstance(message, str) else message
        made = Frame(websockets.frames.Opcode.BINARY, data)
        assert bytes(alone.decode(fast.encode(made)).data) == data
        assert bytes(fast.decode(alone.encode(made)).data) == data


@pytest.mark.parametrize(
    ("deflate", "message"),
    [
        (False, "compression=None"),
        (Deflate(threshold=5), "threshold is for serve"),
        (Deflate(server_max_window_bits=9), "server_max_window_bits is"),
    ],
)
def test_options_of_deflate_that_websockets_has_itself(deflate: Any, message: str) -> None:
    needs("isal")
    with fastframe.installed("websockets", deflate=Deflate(backend="isal")):
        before = permessage_deflate.zlib
        with pytest.raises(fastframe.InstallError, match=message):
            fastframe.install("websockets", deflate=deflate)
        assert permessage_deflate.zlib is not zlib
        assert type(permessage_deflate.zlib) is type(before)
    assert permessage_deflate.zlib is zlib


def test_asyncio_errors(websockets_: str) -> None:
    async def misbehave(connection: Any) -> None:
        await connection.recv()
        connection.transport.write(frame(1, b"good") + frame(1, b"\xff"))
        await connection.wait_closed()

    async def talk() -> None:
        async with websockets.asyncio.server.serve(misbehave, "127.0.0.1", 0) as server:
            url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            async with websockets.asyncio.client.connect(url, **NO_PROXY) as client:
                with pytest.raises(TypeError, match="dict-like"):
                    await client.send({})
                receiving = asyncio.create_task(client.recv())
                await asyncio.sleep(0)
                with pytest.raises(
                    getattr(websockets.exceptions, "ConcurrencyError", RuntimeError)
                ):
                    await client.recv()
                receiving.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await receiving
                await client.send("go")
                assert await client.recv() == "good"
                with pytest.raises(
                    ConnectionClosed if TAKES_TEXT else UnicodeDecodeError, match=r"1007|0xff"
                ):
                    await client.recv()
            async with websockets.asyncio.client.connect(url, **NO_PROXY) as client:
                with pytest.raises(ConnectionClosed):
                    await client.send("\ud800")

    asyncio.run(asyncio.wait_for(talk(), 50))


def test_more_than_the_other_side_reads(websockets_: str) -> None:
    """Both sides pause: one sends more than the kernel takes, the other has more than it may keep.
    Then all of it arrives."""
    count, text = 60, "many " * 20_000

    async def talk() -> None:
        sent: list[int] = []

        async def pour(connection: Any) -> None:
            for i in range(count):
                await connection.send(f"{i} {text}")
                sent.append(i)

        async with (
            websockets.asyncio.server.serve(pour, "127.0.0.1", 0, compression=None) as server,
            websockets.asyncio.client.connect(
                f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}",
                compression=None,
                max_queue=4,
                **NO_PROXY,
            ) as client,
        ):
            while not client.recv_messages.paused:
                await asyncio.sleep(0)
            assert len(sent) < count
            assert [await client.recv() for _ in range(count)] == [
                f"{i} {text}" for i in range(count)
            ]
            for _ in range(2):
                with pytest.raises(ConnectionClosed):
                    await client.recv()

    asyncio.run(asyncio.wait_for(talk(), 50))


def test_a_transport_that_fails(websockets_: str) -> None:
    async def talk() -> None:
        async with websockets.asyncio.server.serve(echo, "127.0.0.1", 0) as server:
            url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            async with websockets.asyncio.client.connect(url, **NO_PROXY) as client:
                original = client.transport

                class Failing:
                    def __getattr__(self, name: str) -> Any:
                        return getattr(original, name)

                    def write(self, data: bytes) -> None:
                        raise OSError("no more")

                client.transport = Failing()  # type: ignore[assignment]
                with pytest.raises(ConnectionClosed):
                    await client.send("text")

    asyncio.run(asyncio.wait_for(talk(), 50))


def test_threads(websockets_: str) -> None:
    from websockets.sync.server import serve

    def sync_echo(connection: Any) -> None:
        for message in connection:
            connection.send(message)

    with serve(sync_echo, "127.0.0.1", 0, max_size=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with websockets.sync.client.connect(
            f"ws://127.0.0.1:{server.socket.getsockname()[1]}", max_size=None, **NO_PROXY
        ) as client:
            for message in MESSAGES:
                client.send(message)
                assert client.recv(20) == message
        server.shutdown()
        thread.join()


def test_installed_and_uninstalled_while_a_connection_is_open(parsed: list[int]) -> None:
    protocol = Protocol(SERVER)
    data = frame(1, b"text", key=b"key!")
    receives(protocol, data)
    for cut in (len(data), 1, 5):
        with fastframe.installed("websockets"):
            before = len(parsed)
            assert len(receives(protocol, data)) == 1
            assert len(receives(protocol, data)) == 1
            assert len(parsed) <= before + (1 if TAKES_FRAMES else 2), (
                "from the second read on it is known where the parser stands"
            )
            protocol.receive_data(data[:cut])
        protocol.receive_data(data[cut:])
        assert len(protocol.events_received()) == 1


@pytest.mark.programs
@pytest.mark.parametrize(
    "module",
    [
        "websockets.server",
        "websockets.asyncio.server",
        "websockets.sync.client",
        "websockets.protocol",
        "websockets",
    ],
)
def test_run_finds_each_way_to_it(module: str) -> None:
    """sanic uses `websockets.server` alone; `websockets` itself imports the rest later."""
    code = (
        f"import {module}, websockets, fastframe; websockets.ClientProtocol; "
        "print(fastframe.status()['websockets'].active)"
    )
    result = run_python(
        "-m", "fastframe", "run", "--target", "websockets", sys.executable, "-c", code
    )
    assert result.stdout.strip() == "True", result.stderr


@pytest.mark.programs
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("run", "used"), [(["--target", "websockets"], True), ([], False)])
def test_a_real_server(run: list[str], used: bool) -> None:
    port = free_port()
    command = [
        "-m",
        "fastframe",
        "run",
        "-v",
        *run,
        "-m",
        "tests.libraries.echo_websockets",
        str(port),
    ]
    with running(*command, port=port) as program:
        for compression in (None, "deflate"):
            assert exchange(f"ws://127.0.0.1:{port}/", compression) == (
                {"websockets": True} if used else {}
            )
        assert (
            f"websockets {websockets.__version__} runs on fastframe" in program.output()
        ) is used
        assert "connection handler failed" not in program.output()
