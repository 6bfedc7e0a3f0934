"""geventwebsocket alone and on fastframe: the same at its own interface, and as a server."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("geventwebsocket.websocket", reason="gevent-websocket is not installed")

from geventwebsocket import websocket

import fastframe
from fastframe.geventwebsocket import functions
from tests.helpers import Counted, outcome
from tests.servers.programs import exchange, free_port, running
from tests.strategies import frame


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


def received(data: bytes) -> list[object]:
    """What a server receives from a client that sends these bytes."""

    class Stream:
        rest = data
        handler: Any = type(
            "Handler", (), {"logger": None, "server": type("Server", (), {"application": None})}
        )
        sent: list[bytes] = []  # noqa: RUF012

        def read(self, size: int) -> bytes:
            first, self.rest = self.rest[:size], self.rest[size:]
            return first

        def write(self, written: bytes) -> None:
            found.append(bytes(written))

        def close(self) -> None:
            pass

    found: list[object] = []
    connection = websocket.WebSocket({}, Stream(), Stream.handler)
    connection.handler.logger = type(
        "Logger", (), {name: lambda *arguments: None for name in ("debug", "info", "error")}
    )
    for _ in range(30):
        kind, result = outcome(connection.receive)
        found.append((kind, result))
        if result is None or issubclass(kind, Exception) or kind is type:
            break
    return found


def test_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(monkeypatch, functions, "apply_mask_into")
    frames = st.lists(
        st.tuples(st.sampled_from([1, 1, 2, 0, 8, 9]), st.binary(max_size=140), st.booleans()),
        max_size=5,
    )

    @given(frames, st.binary(max_size=3))
    def check(frames: list[tuple[int, bytes, bool]], rest: bytes) -> None:
        data = (
            b"".join(
                frame(opcode, payload, fin=fin, key=b"key!") for opcode, payload, fin in frames
            )
            + rest
        )
        alone = received(data)
        with fastframe.installed("geventwebsocket"):
            assert received(data) == alone

    check()
    assert counted.calls > 0, "fastframe was entered"
