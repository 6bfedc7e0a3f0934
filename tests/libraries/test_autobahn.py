"""autobahn alone and on fastframe: the same for any stream of frames, and as a server, with and
without compression."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Iterable
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("autobahn.websocket.protocol", reason="autobahn is not installed")

from autobahn.asyncio import websocket as asyncio_websocket
from autobahn.asyncio.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket import protocol

import fastframe
from fastframe._targets.observations import streams
from fastframe.autobahn import functions
from tests.helpers import KEY, Counted, outcome
from tests.servers.programs import MESSAGES, exchange, free_port, running
from tests.strategies import frame, sessions

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.mark.parametrize("mask", [b"", b"key", b"keys!", bytearray(b"key!"), None])
def test_unusual_masks(mask: Any) -> None:
    def process(mask: Any) -> Any:
        return protocol.create_xor_masker(mask, 3).process(b"abc")

    alone = outcome(process, mask)
    with fastframe.installed("autobahn"):
        assert outcome(process, mask) == alone


def test_a_mask_of_four_bytes_is_ours() -> None:
    with fastframe.installed("autobahn"):
        assert type(protocol.create_xor_masker(b"key!")) is functions.XorMasker
        assert protocol.create_xor_masker(b"key!", 1000).process(bytes(8)) == b"key!key!"
    assert type(protocol.create_xor_masker(b"key!")) is not functions.XorMasker


REQUEST = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class FakeTransport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written = bytearray()
        self.closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed


class Echo(WebSocketServerProtocol):  # type: ignore[misc]
    """Says what it has received, and the counters."""

    def seen(self) -> Any:
        found: Any = self.factory.found
        return found

    def counters(self) -> Any:
        return tuple(self.trafficStats.__json__().values())

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803 (autobahn's names)
        self.seen().append((payload, isBinary, self.inside_message, self.counters()))
        self.sendMessage(payload, isBinary)

    def onPing(self, payload: bytes) -> None:  # noqa: N802
        self.seen().append(("ping", payload))
        super().onPing(payload)

    def onClose(self, wasClean: bool, code: int, reason: str) -> None:  # noqa: N802, N803
        self.seen().append((wasClean, code, reason))


class Raises(Echo):
    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803
        super().onMessage(payload, isBinary)
        raise ValueError("application")


class Closes(Echo):
    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803
        super().onMessage(payload, isBinary)
        self.sendClose(4000, "enough")
        self.seen().append(outcome(self.sendMessage, b"late"))


class Drops(Echo):
    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803
        self.dropConnection(abort=True)
        self.seen().append(outcome(self.sendMessage, b"late"))


class IsAsync(Echo):
    async def onMessage(self, payload: bytes, isBinary: bool) -> None:  # type: ignore[override]  # noqa: N802, N803
        await asyncio.sleep(0)
        super().onMessage(payload, isBinary)


class Listens(Echo):
    def onOpen(self) -> None:  # noqa: N802
        self.on("message", lambda payload, is_binary: self.seen().append(("heard", payload)))


class Fails(Echo):
    """Whoever listens raises."""

    def onOpen(self) -> None:  # noqa: N802
        self.on("message", self.fails)

    def fails(self, payload: bytes, is_binary: bool) -> None:
        raise ValueError("listener")


class SendsAnything(Echo):
    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803
        for arguments in (
            (b"", False), ("a str", False), (bytearray(b"x"), True), (b"x", 1),
            (b"x" * 70, True, 30), (b"x" * 4000, True), (b"x" * 6000, True),
            (b"x", True, None, True), (b"s", False, None),
        ):  # fmt: skip
            self.seen().append(outcome(self.sendMessage, *arguments))
        self.sendMessage(b"x", doNotCompress=True)


class LooksInside(Echo):
    def onMessageFrameData(self, payload: bytes) -> None:  # noqa: N802
        self.seen().append(("frame data", payload))
        super().onMessageFrameData(payload)


APPLICATIONS = [
    Echo, Echo, Raises, Closes, Drops, IsAsync, Listens, SendsAnything, LooksInside,
]  # fmt: skip


def served(
    pieces: Iterable[bytes], drops: bool, application: type[Any] = Echo, **options: Any
) -> list[object]:
    """What a server receives from a client that sends these bytes, and what goes on the wire."""
    found: list[object] = []

    async def serve() -> None:
        factory = WebSocketServerFactory()
        factory.protocol = application
        factory.found = found
        settings = {
            "failByDrop": drops, "maxMessagePayloadSize": 5000, "openHandshakeTimeout": 0,
            "closeHandshakeTimeout": 0, **options,
        }  # fmt: skip
        factory.setProtocolOptions(**settings)
        connection, transport = factory(), FakeTransport()
        connection.connection_made(transport)
        for data in chain([REQUEST], pieces):
            connection.data_received(data)
            for _ in range(4):
                await asyncio.sleep(0)
            while connection.send_queue or connection.triggered:  # by a timer, after `sync`
                await asyncio.sleep(0.0001)
            found.append((connection.state, connection.inside_message
                          if hasattr(connection, "inside_message") else None))  # fmt: skip
        connection.connection_lost(None)
        await asyncio.sleep(0)
        found.append((bytes(transport.written), transport.closed, connection.counters()))
        found.append(getattr(connection, "utf8validateLast", None))

    asyncio.run(serve())
    return found


def alone_and_on_fastframe(*arguments: Any, **options: Any) -> Any:
    alone = served(*arguments, **options)
    with fastframe.installed("autobahn"):
        return alone, served(*arguments, **options)


@given(
    session=sessions(extensions=False), application=st.sampled_from(APPLICATIONS),
    drops=st.booleans(),
    options=st.fixed_dictionaries({}, optional={
        "utf8validateIncoming": st.just(False), "maxFramePayloadSize": st.just(60),
        "maxMessagePayloadSize": st.just(0), "autoFragmentSize": st.just(50),
        "echoCloseCodeReason": st.just(True), "logFrames": st.just(True),
        "logOctets": st.just(True), "requireMaskedClientFrames": st.just(False),
        "applyMask": st.just(False), "trackTimings": st.just(True),
    }),
)  # fmt: skip
def check_streams(
    session: Any, application: type[Any], drops: bool, options: dict[str, Any]
) -> None:
    if application is IsAsync and not hasattr(asyncio_websocket, "yields"):
        application = Echo
    logs = {name: options.pop(name) for name in ("logFrames", "logOctets", "trackTimings")
            if name in options}  # fmt: skip
    chosen = type(application.__name__, (application,), {**logs, "__module__": __name__})
    alone, fast = alone_and_on_fastframe(session.pieces, drops, chosen, **options)
    assert fast == alone


def test_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams that follow the rules and that do not, cut anywhere, under any application; with the
    index of the wrong byte in the reason of the Close."""
    masked: list[int] = []

    class Counting(functions.XorMasker):
        def process(self, data: Any) -> bytes:
            masked.append(len(data))
            return super().process(data)

    monkeypatch.setattr(functions, "XorMasker", Counting)
    taken = Counted(monkeypatch, functions, "receive")
    made = Counted(monkeypatch, functions, "message_frame")
    pieces = [frame(1, "żółć".encode(), key=KEY), frame(2, bytes(500), key=KEY)[:50]]
    alone, fast = alone_and_on_fastframe(pieces, False, Echo)
    assert fast == alone
    check_streams()
    assert masked
    assert taken.calls > 0 < made.calls


ALL = [
    frame(1, b"a", key=KEY) + frame(2, b"", key=KEY) + frame(1, "ż".encode(), key=KEY)
    + frame(1, b"f", fin=False, key=KEY) + frame(0, b"g", key=KEY) + frame(9, b"p", key=KEY),
    *streams(KEY, deflate=False),
]  # fmt: skip


@pytest.mark.parametrize("application", [*dict.fromkeys(APPLICATIONS), Fails])
@pytest.mark.parametrize("drops", [False, True])
def test_each_application(application: type[Any], drops: bool) -> None:
    for sent in ALL:
        for pieces in ([sent], [sent[i : i + 9] for i in range(0, min(len(sent), 400), 9)]):
            alone, fast = alone_and_on_fastframe(pieces, drops, application)
            assert fast == alone


def test_a_peer_of_an_old_draft() -> None:
    class Old(Echo):
        def onOpen(self) -> None:  # noqa: N802
            self.websocket_version = 0

    sent = [frame(1, b"x", key=KEY)]
    alone, fast = alone_and_on_fastframe(sent, True, Old)
    assert fast == alone
    assert fastframe.status()["autobahn"].left["its peer speaks an old draft of the protocol"] > 0


@pytest.mark.parametrize("size", [0, 1, 125, 126, 4000, 65_535, 65_536, 300_000])
def test_sizes(size: int) -> None:
    """Whole, and in pieces of a network."""
    sent = frame(2, bytes(size), key=KEY) + frame(1, b"a" * size, key=KEY)
    for step in (len(sent), 65_536, 1460):
        pieces = [sent[i : i + step] for i in range(0, len(sent), step)]
        if len(pieces) < 60:
            alone, fast = alone_and_on_fastframe(pieces, True, maxMessagePayloadSize=0)
            assert fast == alone


def test_a_class_that_looks_inside() -> None:
    """Takes autobahn's own path; `status` counts it, and says why."""
    before = fastframe.status()["autobahn"]
    alone, fast = alone_and_on_fastframe([frame(1, b"x", key=KEY)], True, LooksInside)
    assert fast == alone
    assert ("frame data", b"x") in fast
    after = fastframe.status()["autobahn"]
    why = f"{__name__}.LooksInside has its own onMessageFrameData"
    assert after.left[why] == before.left.get(why, 0) + 1
    assert after.connections == before.connections


def test_a_hook_of_its_own() -> None:
    class Own(Echo):
        def _onMessageEnd(self) -> None:  # noqa: N802
            self.seen().append("end")
            super()._onMessageEnd()

    alone, fast = alone_and_on_fastframe([frame(1, b"x", key=KEY)], True, Own)
    assert fast == alone
    assert "end" in fast


def test_any_traffic_restarts_the_ping(monkeypatch: pytest.MonkeyPatch) -> None:
    class Pings(Echo):
        def onOpen(self) -> None:  # noqa: N802
            self.autoPingTimeoutCall = type("Call", (), {"cancel": lambda self: None})()

    sent = [frame(1, b"x", key=KEY)]
    options = {"autoPingInterval": 100, "autoPingTimeout": 100}
    calls: list[Any] = []
    if not hasattr(protocol.WebSocketProtocol, "_cancelAutoPingTimeoutCall"):
        pytest.skip("this autobahn does not")
    monkeypatch.setattr(
        Echo, "_cancelAutoPingTimeoutCall", lambda self: calls.append(self.counters()),
        raising=False,
    )  # fmt: skip
    alone, fast = alone_and_on_fastframe(sent, True, Pings, **options)
    assert fast == alone
    assert len(calls) == 2
    assert calls[0] == calls[1]


@pytest.mark.programs
@pytest.mark.parametrize("run", [["-m", "fastframe", "run", "-v"], []])
def test_a_real_server(run: list[str]) -> None:
    port = free_port()
    with running(*run, "-m", "tests.libraries.echo_autobahn", str(port), port=port) as program:
        for compression in (None, "deflate"):
            assert exchange(f"ws://127.0.0.1:{port}/", compression) == (
                {"autobahn": True} if run else {}
            )
        assert ("runs on fastframe" in program.output()) is bool(run)
        assert "Traceback" not in program.output()


@pytest.mark.programs
@pytest.mark.skipif(importlib.util.find_spec("daphne") is None, reason="daphne is not installed")
@pytest.mark.parametrize("run", [["-m", "fastframe", "run", "-v"], []])
def test_daphne(run: list[str]) -> None:
    """It sends no empty messages, and takes none of a mebibyte."""
    port = free_port()
    with running(
        *run, "-m", "daphne", "-p", str(port), "tests.servers.echo_asgi:app", port=port
    ) as program:
        status = exchange(
            f"ws://127.0.0.1:{port}/",
            answer=1000,
            messages=[x for x in MESSAGES if 0 < len(x) < 100_000],
        )
        assert status == ({"autobahn": True} if run else {})
        assert "Traceback" not in program.output()
