"""websocket-client alone and on fastframe: the same at its own interfaces, and with a real
server."""

from __future__ import annotations

import atexit
import errno
import random
import socket
import ssl
import threading
from array import array
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("websocket", reason="websocket-client is not installed")

import websocket
from websocket import _abnf, _utils

import fastframe
from fastframe.websocket_client import functions, messages
from fastframe.websocket_client.observations import Socket, connected, in_the_middle
from tests.helpers import KEY, Counted, outcome
from tests.strategies import broken_texts, frame, sessions, texts

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(params=["alone", "on fastframe"])
def client(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "alone":
        yield request.param
        return
    with fastframe.installed("websocket-client"):
        yield request.param


def both(function: Callable[[], Any]) -> tuple[Any, Any]:
    alone = function()
    with fastframe.installed("websocket-client"):
        return alone, function()


# ---- masking and UTF-8, at websocket-client's own functions --------------------------------------


def test_text_of_all_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(monkeypatch, functions, "is_utf8")

    @given(st.one_of(texts, broken_texts, st.binary(max_size=80)))
    def check(data: bytes) -> None:
        alone, fast = both(lambda: outcome(_utils.validate_utf8, data))
        assert alone == fast

    check()
    assert counted.calls > 0, "fastframe was entered"


@pytest.mark.parametrize(
    "value", [b"", b"\xe2\x82", bytearray(b"\xc3"), memoryview(b"\xff"), "text", "\ud800", "",
    [0x41, 0xC3], (256,), None, 1]
)  # fmt: skip
def test_unusual_texts(value: object) -> None:
    alone, fast = both(lambda: outcome(_utils.validate_utf8, value))
    assert alone == fast


def test_masks_of_all_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(monkeypatch, functions, "apply_mask")

    @given(st.binary(min_size=4, max_size=4), st.binary(max_size=300))
    def check(key: bytes, data: bytes) -> None:
        alone, fast = both(
            lambda: [
                outcome(_abnf.ABNF.mask, key, data),
                outcome(_abnf._mask, array("B", key), array("B", data)),
            ]
        )
        assert alone == fast

    check()
    assert counted.calls > 0, "fastframe was entered"


@pytest.mark.parametrize(
    "key", [b"key!", "key!", b"", b"key", b"keys!", bytearray(b"key!"), array("B", b"key!"), None]
)
@pytest.mark.parametrize(
    "data",
    [b"data!", "data!", "żółć", b"", None, bytearray(b"data"), memoryview(b"data"), [1, 2], 7],
)
def test_unusual_masks(key: Any, data: Any) -> None:
    alone, fast = both(lambda: outcome(_abnf.ABNF.mask, key, data))
    assert alone == fast


@pytest.mark.parametrize(
    "key", [array("B", b"key!"), array("H", [1, 2, 3, 4]), array("B", b"k"), array("B"), b"key!"]
)
@pytest.mark.parametrize(
    "data", [array("B", b"data!"), array("H", [1, 2, 3]), array("B"), b"data!"]
)
def test_unusual_arrays(key: Any, data: Any) -> None:
    alone, fast = both(lambda: outcome(_abnf._mask, key, data))
    assert alone == fast


# ---- a connection, from the bytes of the server to what recv returns -----------------------------


def received(pieces: list[bytes], skip_validation: bool) -> list[Any]:
    """What a client receives from a server that sends these bytes: each frame or error, and what is
    sent back."""
    connection = websocket.WebSocket(skip_utf8_validation=skip_validation)
    connection.sock = server = FakeSocket(pieces)
    connection.connected = True
    connection.set_mask_key(lambda size: b"mask"[:size])
    found: list[Any] = []
    while True:
        kind, result = outcome(connection.recv_data_frame, True)
        is_frame = kind in (tuple, list)  # a list before 1.7
        found.append((kind, str(result[1]) if is_frame else result))
        if not is_frame:
            return [*found, bytes(server.sent)]


class FakeSocket:
    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces
        self.sent = bytearray()

    def recv(self, size: int) -> bytes:
        while self.pieces and not self.pieces[0]:
            self.pieces = self.pieces[1:]
        if not self.pieces:
            return b""
        first, self.pieces = self.pieces[0], self.pieces[1:]
        if first[size:]:
            self.pieces = [first[size:], *self.pieces]
        return first[:size]

    def send(self, data: bytes) -> int:
        self.sent += data
        return len(data)

    def gettimeout(self) -> None:
        return None

    def fileno(self) -> int:
        return -1

    def close(self) -> None:
        pass

    def shutdown(self, how: int) -> None:
        pass


def test_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams that follow the rules and that do not, cut anywhere."""
    counted = Counted(monkeypatch, functions, "is_utf8", "apply_mask")
    taken = Counted(monkeypatch, messages, "take")

    @given(sessions(extensions=False), st.booleans())
    def check(session: Any, skip_validation: bool) -> None:
        alone, fast = both(lambda: received(session.pieces, skip_validation))
        assert alone == fast

    pieces = [frame(1, "żółć".encode()), frame(1, b"\xff", key=KEY), frame(2, b"\x00\xff")]
    alone, fast = both(lambda: received(pieces, False))
    assert alone == fast
    check()
    assert counted.calls > 0 < taken.calls, "fastframe was entered"


# ---- under faults --------------------------------------------------------------------------------

READABLE, OTHER_END = socket.socketpair()  # for the selector that websocket-client waits with
OTHER_END.send(b"x")
atexit.register(READABLE.close)
atexit.register(OTHER_END.close)
FAULTS: list[Callable[[], BaseException]] = [
    lambda: TimeoutError("timed out"),
    ssl.SSLWantReadError,
    lambda: BlockingIOError(errno.EAGAIN, "again"),
    lambda: ConnectionResetError(errno.ECONNRESET, "reset"),
    lambda: ssl.SSLError("The read operation timed out"),
    lambda: ssl.SSLError("bad record"),
    lambda: OSError("no number"),
    KeyboardInterrupt,
    MemoryError,
]


class FaultySocket(Socket):
    """That a selector finds ready at once."""

    timeout: float | None = None

    def gettimeout(self) -> float | None:
        return self.timeout

    def fileno(self) -> int:
        return READABLE.fileno()


def outcome_of_anything(function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        kind, result = outcome(function, *arguments)
    except BaseException as error:
        return type(error), str(error)
    if kind in (tuple, list):
        opcode, frame = result
        return kind, opcode, frame if isinstance(frame, bytes) else vars(frame)["data"]
    return kind, vars(result)["data"] if isinstance(result, _abnf.ABNF) else result


def calls_under_faults(
    session: Any, faults: list[Any], calls: list[str], timeout: float | None, **options: Any
) -> list[Any]:
    """What each call returns or raises, what is left of a frame, and what the socket was asked
    for."""
    pieces: list[Any] = list(session.pieces)
    for at, fault in faults:
        pieces.insert(at % (len(pieces) + 1), fault())
    server = FaultySocket(pieces)
    server.timeout = timeout
    connection = connected(server, **options)
    found: list[Any] = []
    for name in calls:
        found.append((name, outcome_of_anything(getattr(connection, name))))
        found.append(in_the_middle(connection))
    return [*found, [call for call in server.calls if not isinstance(call, bytes)]]


@given(
    session=sessions(extensions=False),
    faults=st.lists(st.tuples(st.integers(0, 9), st.sampled_from(FAULTS)), max_size=3),
    calls=st.lists(
        st.sampled_from(["recv", "recv", "recv_data", "recv_data_frame", "recv_frame"]),
        min_size=1, max_size=8,
    ),
    timeout=st.sampled_from([None, 0, 5.0]),
    options=st.fixed_dictionaries({}, optional={
        "fire_cont_frame": st.just(True), "skip_utf8_validation": st.just(True),
        "enable_multithread": st.just(False),
    }),
)  # fmt: skip
def check_faults(
    session: Any, faults: list[Any], calls: list[str], timeout: float | None, options: Any
) -> None:
    alone, fast = both(lambda: calls_under_faults(session, faults, calls, timeout, **options))
    assert fast == alone


def test_reading_under_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    """Timeouts, resets and interrupts at any place; the next call goes on where it stopped, and the
    socket was asked for the same: nothing is read ahead."""
    taken = Counted(monkeypatch, messages, "take")
    tried = Counted(monkeypatch, messages, "Tried")
    large = frame(2, bytes(300))
    for pieces in ([frame(1, b"text"), large], [large[:3], large[3:]], [large[:50], large[50:]]):
        for faults in ([], *([(1, fault)] for fault in FAULTS)):
            session = SimpleNamespace(pieces=pieces)
            alone, fast = both(
                lambda: calls_under_faults(session, faults, ["recv", "recv", "recv"], 5.0)  # noqa: B023
            )
            assert fast == alone
    check_faults()
    assert taken.calls > 0 < tried.calls


@pytest.mark.parametrize("timeout", [None, 0, 5.0])
@pytest.mark.parametrize("fault", [*FAULTS, lambda: ssl.SSLEOFError("eof"),
    ssl.SSLWantWriteError])  # fmt: skip
@pytest.mark.parametrize("before", [(), (1,), (0, 3)])
def test_writing_under_faults(timeout: float | None, fault: Any, before: Any) -> None:
    def sends() -> Any:
        server = FaultySocket([], [*before, fault()])
        server.timeout = timeout
        connection = connected(server)
        found = [
            outcome_of_anything(connection.send, *arguments)
            for arguments in (
                ("żółć" * 40, 1), (b"bytes" * 30, 1), (b"x", 2), ("str", 2), ("é", 9), (b"p", 10),
                ("\ud800", 1), (bytearray(b"x"), 2), (5, 1), (None, 2), (b"", 3), (b"c", 0),
            )
        ]  # fmt: skip
        return found, [len(call) for call in server.calls], connection.connected

    alone, fast = both(sends)
    assert fast == alone


@pytest.mark.parametrize("name", ["recv", "recv_data_frame"])
@pytest.mark.parametrize("size", [0, 3, 126, 20_000])
def test_byte_by_byte(name: str, size: int) -> None:
    """At first."""
    sent = frame(1, b"a" * size) + frame(2, b"b" * size)
    cut = [sent[i : i + 1] for i in range(12)] + [sent[12:]]

    def play() -> Any:
        connection = connected(Socket(cut))
        found = [outcome_of_anything(getattr(connection, name)) for _ in range(3)]
        return found, in_the_middle(connection)

    alone, fast = both(play)
    assert fast == alone


def test_a_socket_that_is_not_there() -> None:
    from websocket import _core

    def play() -> Any:
        connection = connected(None)
        return [
            outcome(connection.recv), outcome(connection.send, "x"), outcome(_core.recv, None, 2),
            outcome(_core.send, None, b"x"), outcome(_core.send, FaultySocket([]), "text"),
        ]  # fmt: skip

    alone, fast = both(play)
    assert fast == alone


def test_what_is_written() -> None:
    """The same but for the masking key, and that one is a new one each time."""
    with fastframe.installed("websocket-client"):
        server = FaultySocket([])
        connection = connected(server)
        for message in ("żółć", b"x" * 70_000, ""):
            connection.send(message)
    decoder = fastframe.Decoder(fastframe.Role.SERVER)
    assert list(decoder.feed(b"".join(server.calls))) == ["żółć", "x" * 70_000, ""]
    assert len({call[2:6] for call in server.calls if len(call) < 126}) == 2


@pytest.mark.parametrize("name", ["recv_frame", "_recv", "send_frame", "_send"])
def test_a_class_that_looks_inside(name: str) -> None:
    """Takes websocket-client's own path, and its methods are called; `status` counts it."""
    asked = []

    def own(self: Any, *arguments: Any) -> Any:
        asked.append(name)
        return getattr(websocket.WebSocket, name)(self, *arguments)

    changed = type("Changed", (websocket.WebSocket,), {name: own, "__module__": __name__})

    def play() -> Any:
        connection = changed()
        connection.sock, connection.connected = Socket([frame(1, b"x"), frame(2, b"y")]), True
        connection.send("sent")
        return [connection.recv(), connection.recv_data()]

    before = fastframe.status()["websocket-client"]
    alone, fast = both(play)
    assert fast == alone
    after = fastframe.status()["websocket-client"]
    why = f"{__name__}.Changed has its own {name}"
    assert after.left[why] == before.left.get(why, 0) + 1
    assert after.connections == before.connections
    assert len(asked) % 2 == 0 < len(asked)


def test_a_program_that_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    from websocket import _core

    traced: list[str] = []
    monkeypatch.setattr(_core, "isEnabledForTrace", lambda: True)
    monkeypatch.setattr(_core, "trace", traced.append)
    with fastframe.installed("websocket-client"):
        connection = connected(Socket([frame(1, b"x"), frame(2, b"y")]))
        connection.send("sent")
        assert connection.recv() == "x"
        assert connection.recv_data() == (2, b"y")
    assert len(traced) == 6


# ---- with a real server --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    sync_server = pytest.importorskip("websockets.sync.server")

    def echo(connection: Any) -> None:
        for message in connection:
            connection.send(message)

    with sync_server.serve(echo, "127.0.0.1", 0, compression=None, max_size=None) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{running.socket.getsockname()[1]}"
        running.shutdown()
        thread.join()


MESSAGES: list[str | bytes] = [
    "text", "", b"", bytes(range(256)), "Grüße, мир, 世界, 😀", "x" * 65_536, "世" * 100_000,
    random.Random(6).randbytes(1 << 20),
]  # fmt: skip


def exchange(connection: Any) -> None:
    for message in MESSAGES:
        (connection.send if isinstance(message, str) else connection.send_binary)(message)
        assert connection.recv() == message


def test_a_real_server(client: str, server: str) -> None:
    before = fastframe.status()["websocket-client"].connections
    connection = websocket.create_connection(server, timeout=20)
    exchange(connection)
    connection.ping(b"payload")
    assert connection.recv_data(control_frame=True) == (_abnf.ABNF.OPCODE_PONG, b"payload")
    connection.close(status=4000, reason=b"enough")
    assert fastframe.status()["websocket-client"].connections - before == (client == "on fastframe")


def test_an_app(client: str, server: str) -> None:
    """WebSocketApp, which most programs use."""
    found: list[object] = []

    def opened(app: Any) -> None:
        app.send("żółć" * 1000)

    def message(app: Any, text: object) -> None:
        found.append(text)
        app.close()

    websocket.WebSocketApp(
        server, on_open=opened, on_message=message, on_error=lambda app, error: found.append(error)
    ).run_forever()
    assert found == ["żółć" * 1000]


def test_installed_and_uninstalled_while_a_connection_is_open(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Counted(monkeypatch, messages, "take", "message_frame")
    connection = websocket.create_connection(server, timeout=20)
    exchange(connection)
    assert counted.calls == 0
    with fastframe.installed("websocket-client"):
        exchange(connection)
    assert counted.calls >= len(MESSAGES)
    before = counted.calls
    exchange(connection)
    assert counted.calls == before
    connection.close()


def test_a_text_that_is_not_utf_8(client: str) -> None:
    sync_server = pytest.importorskip("websockets.sync.server")

    def misbehave(connection: Any) -> None:
        connection.recv()
        connection.socket.sendall(frame(1, b"x" * 70_000 + b"\xff"))
        connection.socket.recv(1)

    with sync_server.serve(misbehave, "127.0.0.1", 0, compression=None) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        connection = websocket.create_connection(
            f"ws://127.0.0.1:{running.socket.getsockname()[1]}", timeout=20
        )
        connection.send("?")
        with pytest.raises(websocket.WebSocketPayloadException, match="cannot decode"):
            connection.recv()
        connection.shutdown()
        running.shutdown()
        thread.join()
