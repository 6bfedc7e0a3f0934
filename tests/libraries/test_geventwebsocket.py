"""geventwebsocket alone and on fastframe: the same at its own interface, and as a server."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("geventwebsocket.websocket", reason="gevent-websocket is not installed")

from geventwebsocket import websocket

import fastframe
from fastframe._targets.observations import streams
from fastframe.geventwebsocket import functions
from fastframe.geventwebsocket.observations import Stream, connected, received
from tests.helpers import KEY, Counted, outcome
from tests.servers.programs import exchange, free_port, running
from tests.strategies import frame, sessions


def header(mask: Any, length: int) -> Any:
    made = websocket.Header(length=length)
    made.mask = mask
    return made


def test_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of other sizes than the header says, and of other types."""
    counted = Counted(monkeypatch, functions, "apply_mask_into")
    kinds = st.sampled_from([bytes, bytes, bytes, bytearray, memoryview])

    @given(
        st.binary(min_size=4, max_size=4),
        st.binary(max_size=200),
        kinds,
        st.sampled_from([0, 0, 0, -1, 1]),
    )
    def check(mask: bytes, payload: bytes, kind: Any, more: int) -> None:
        for method in ("mask_payload", "unmask_payload"):
            made = header(mask, max(0, len(payload) + more))
            alone = outcome(getattr(made, method), kind(payload))
            with fastframe.installed("geventwebsocket"):
                assert outcome(getattr(made, method), kind(payload)) == alone

    check()
    assert counted.calls > 0, "fastframe was entered"


@pytest.mark.parametrize("mask", ["", b"", b"key", b"keys!", None, bytearray(b"key!")])
def test_unusual_masks(mask: Any) -> None:
    alone = outcome(header(mask, 3).mask_payload, b"abc")
    with fastframe.installed("geventwebsocket"):
        assert outcome(header(mask, 3).mask_payload, b"abc") == alone


@pytest.mark.programs
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("run", [["-m", "fastframe", "run", "-v"], []])
def test_a_real_server(run: list[str]) -> None:
    port = free_port()
    with running(
        *run, "-m", "tests.libraries.echo_geventwebsocket", str(port), port=port
    ) as program:
        assert exchange(f"ws://127.0.0.1:{port}/", answer=1006) == (
            {"geventwebsocket": True} if run else {}
        )
        assert ("gevent-websocket 0.10.1 runs on fastframe" in program.output()) is bool(run)
        assert "Traceback" not in program.output()


FAULTS = [OSError("reset"), TimeoutError("timed out"), ValueError("no file")]


def both(function: Any, *arguments: Any) -> tuple[Any, Any]:
    alone = function(*arguments)
    with fastframe.installed("geventwebsocket"):
        return alone, function(*arguments)


ENTERING: list[list[Any]] = [
    [frame(1, "żółć".encode(), key=KEY), frame(2, b"\x00\xff" * 100, key=KEY)],
    [frame(1, b"in two ", fin=False, key=KEY), frame(0, b"fragments", key=KEY)],
    [frame(9, b"?", key=KEY), frame(1, b"cut", key=KEY)[:7]],
]
"""What takes each of fastframe's ways, whatever Hypothesis thinks of besides."""


def test_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """That follow the rules and that do not, cut off anywhere, with any fault of the socket."""
    masks = Counted(monkeypatch, functions, "apply_mask_into")
    made = Counted(monkeypatch, functions, "message")
    given_back = Counted(monkeypatch, functions, "GivenBack")

    @given(
        sessions(extensions=False),
        st.lists(st.tuples(st.integers(0, 9), st.sampled_from(FAULTS)), max_size=2),
    )
    def check(session: Any, faults: Any) -> None:
        parts: list[Any] = list(session.pieces)
        for at, fault in faults:
            parts.insert(at % (len(parts) + 1), fault)
        alone, fast = both(received, parts)
        assert fast == alone

    for parts in ENTERING:
        alone, fast = both(received, parts)
        assert fast == alone
    check()
    assert masks.calls > 0 < made.calls
    assert given_back.calls > 0


def test_each_broken_rule() -> None:
    """And bytes that are no text, and what a reader raises in header and payload."""
    for sent in streams(b"key!", deflate=False):
        alone, fast = both(received, [sent])
        assert fast == alone
    sent = frame(1, b"payload", key=b"key!")
    for fault in FAULTS:
        for at in range(len(sent)):
            alone, fast = both(received, [sent[:at], fault, sent[at:]])
            assert fast == alone


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 200_000])
@pytest.mark.parametrize("opcode", [1, 2])
@pytest.mark.parametrize("key", [b"key!", None])
def test_sizes(size: int, opcode: int, key: bytes | None) -> None:
    """Whole, and cut off in header, key and payload."""
    sent = frame(opcode, b"a" * size, key=key)
    for end in {1, 2, 3, 4, 5, 9, 10, 13, 14, 15, len(sent) - 1, len(sent)}:
        alone, fast = both(received, [sent[:end]])
        assert fast == alone


@pytest.mark.parametrize("fault", [None, *FAULTS])
def test_sending(fault: Exception | None) -> None:
    def sends() -> Any:
        stream = Stream([], [] if fault is None else [fault] * 20)
        connection = connected(stream)
        found = [
            outcome(connection.send, *arguments)
            for arguments in (
                ("żółć",), (b"bytes",), ("text", True), (b"bytes", False), (bytearray(b"x"),),
                ("",), (b"",), (None,), (5,), ("\ud800",), ("é" * 70_000,), (b"x" * 70_000,),
            )
        ]  # fmt: skip
        found += [outcome(connection.close), outcome(connection.send, "late")]
        return found, stream.sent

    alone, fast = both(sends)
    assert fast == alone


@pytest.mark.parametrize("name", ["read_frame", "validate_utf8", "_encode_bytes"])
def test_a_class_that_looks_inside(name: str) -> None:
    """Takes geventwebsocket's own path, and its methods are called; `status` counts it."""
    asked = []

    def own(self: Any, *arguments: Any) -> Any:
        asked.append(name)
        return getattr(websocket.WebSocket, name)(self, *arguments)

    changed = type("Changed", (websocket.WebSocket,), {name: own, "__module__": __name__})

    def play() -> Any:
        connected(Stream([]), changed).send("sent")
        return received([frame(1, b"x", key=b"key!")], changed)

    before = fastframe.status()["geventwebsocket"]
    alone, fast = both(play)
    assert fast == alone
    after = fastframe.status()["geventwebsocket"]
    why = f"{__name__}.Changed has its own {name}"
    assert after.left[why] == before.left.get(why, 0) + 2
    assert after.connections == before.connections
    assert len(asked) % 2 == 0 < len(asked)
