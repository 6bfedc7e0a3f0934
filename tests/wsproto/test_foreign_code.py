"""Code of other people that runs in the middle of ours, and changes what we are working on: the
answer is right, or a clear error; never freed memory."""

from __future__ import annotations

import codecs
import dataclasses
import gc
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("wsproto")

from wsproto import events
from wsproto.connection import CLIENT, SERVER, Connection
from wsproto.extensions import PerMessageDeflate

import fastframe
from fastframe.wsproto._events import EventClass
from tests.helpers import run_python
from tests.strategies import frame


@pytest.fixture(autouse=True)
def installed() -> Iterator[None]:
    with fastframe.installed("wsproto"):
        yield


def protocol(*extensions: Any) -> Any:
    from fastframe.frame_protocol import FrameProtocol

    return FrameProtocol(True, list(extensions))


def test_the_truth_of_client_takes_the_next_event() -> None:
    connection = Connection(CLIENT)
    generator = connection.events()

    class Client:
        asked = 0

        def __bool__(self) -> bool:
            self.asked += 1
            list(generator)
            return True

    client = Client()
    connection._proto._frame_decoder.client = client  # type: ignore[assignment]
    connection.receive_data(frame(1, b"hi") * 2)
    assert [event.data for event in connection.events()] == ["hi", "hi"]  # type: ignore[union-attr]
    assert client.asked > 0
    assert connection._proto._frame_decoder.client is client  # type: ignore[comparison-overlap]


@pytest.mark.parametrize("how", ["__del__", "property"])
def test_an_extension_feeds_the_decoder(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    extension = PerMessageDeflate()
    extension._enabled = True
    ours, moved = protocol(extension), []

    def move() -> None:
        if not moved:
            ours.receive_bytes(b"")
            ours.receive_bytes(frame(2, b"z"))
            moved.append([bytes(bytearray(b"SECRET!!" * 250)) for _ in range(100)])

    class Feeding:
        def __del__(self) -> None:
            move()

    if how == "property":
        state: list[Any] = [None]

        def get(self: Any) -> Any:
            if state[0] is not None:
                move()
            return state[0]

        monkeypatch.setattr(
            PerMessageDeflate,
            "_inbound_compressed",
            property(get, lambda self, value: state.__setitem__(0, value)),
            raising=False,
        )
    else:
        extension._inbound_compressed = Feeding()  # type: ignore[assignment]
    ours.receive_bytes(frame(2, b"A" * 2000))
    assert next(ours.received_frames()).payload == b"A" * 2000
    assert moved


def test_an_error_handler_that_changes_what_is_decoded() -> None:
    original = codecs.lookup_error("strict")

    def handle(error: Any) -> tuple[str, int]:
        error.object = b"x" * 300
        return "", 0

    codecs.register_error("strict", handle)
    try:
        ours = protocol()
        ours.receive_bytes(frame(1, b"abc\xffd", fin=False))
        with pytest.raises(RuntimeError, match="error handler"):
            list(ours.received_frames())
    finally:
        codecs.register_error("strict", original)


KINDS: dict[Any, bytes] = {
    events.TextMessage: frame(1, b"text", key=b"key!"),
    events.BytesMessage: frame(2, b"bytes", key=b"key!"),
    events.Ping: frame(9, b"ping", key=b"key!"),
    events.Pong: frame(10, b"pong", key=b"key!"),
}


def changed_init(kind: Any, calls: list[Any]) -> Callable[..., None]:
    original = kind.__init__

    def init(self: Any, *arguments: Any, **named: Any) -> None:
        calls.append((arguments, named))
        original(self, *arguments, **named)

    return init


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cut", [3, 100])
def test_an_init_that_is_replaced_is_called_for_what_arrives(
    kind: Any, cut: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same arguments as by wsproto alone; also if it is replaced between two events; and
    no more when it is back."""

    def play() -> Any:
        calls: list[Any] = []
        connection = Connection(SERVER)
        wire = KINDS[kind]
        connection.receive_data(wire)
        found = [next(connection.events())]
        with monkeypatch.context() as patch:
            patch.setattr(kind, "__init__", changed_init(kind, calls))
            for piece in (wire[:cut], wire[cut:], wire, wire):
                connection.receive_data(piece)
                found += connection.events()
            patch.setattr(kind, "__init__", changed_init(kind, calls))
            connection.receive_data(wire)
            found += connection.events()
        connection.receive_data(wire)
        return [*found, *connection.events()], calls

    fast = play()
    fastframe.uninstall("wsproto")
    alone = play()
    assert fast == alone
    assert len(fast[1]) >= 5


@pytest.mark.parametrize("what", ["code", "defaults"])
def test_an_init_that_is_changed_in_place(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    init: Any = events.TextMessage.__init__
    if what == "code":
        monkeypatch.setattr(init, "__code__", init.__code__.replace(co_firstlineno=77))
    else:
        monkeypatch.setattr(init, "__defaults__", (1, 2))
    connection, called = Connection(SERVER), []
    connection.receive_data(KINDS[events.TextMessage])
    sys.setprofile(
        lambda frame, event, argument: called.append(frame.f_code) if event == "call" else None
    )
    try:
        found = list(connection.events())
    finally:
        sys.setprofile(None)
    assert init.__code__ in called
    assert [event.data for event in found] == ["text"]  # type: ignore[union-attr]


A_NEW = """
import fastframe
from wsproto import events
from wsproto.connection import CLIENT, Connection

fastframe.install("wsproto")
victim = [None] * 1000
connection = Connection(CLIENT)
events.TextMessage.__new__ = staticmethod(lambda cls, *arguments, **named: victim)
connection.receive_data(b"\\x81\\x02hi")
assert list(connection.events()) == [victim]
assert victim == [None] * 1000
"""


def test_a_new_that_is_replaced() -> None:
    """It may return anything. In a process of its own, as the class is never as before again."""
    run_python("-c", A_NEW, check=True)


def test_a_class_is_hooked_twice() -> None:
    @dataclasses.dataclass(frozen=True)
    class Message:
        data: str = "d"

    event_class = EventClass(Message, (("data", "d"),))
    assert event_class.hook() == event_class.hook()
    del event_class
    gc.collect()
    others = [EventClass(type(f"Other{i}", (), {}), (("data", "d"),)) for i in range(50)]
    assert Message("x").data == "x"
    assert len(others) == 50


def test_the_repr_of_a_method_whose_name_is_no_str(monkeypatch: pytest.MonkeyPatch) -> None:
    fastframe.uninstall("wsproto")
    original = Connection.send

    class Method:
        __module__ = "wsproto.connection"

        def __init__(self) -> None:
            self.__qualname__ = 5
            self.__module__ = "wsproto.connection"

        def __call__(self, *arguments: Any) -> Any:
            return original(*arguments)

    monkeypatch.setattr(Connection, "send", Method())
    with fastframe.installed("wsproto"):
        assert repr(Connection.__dict__["send"]).startswith("<fastframe's 5 at ")
