"""What callers of wsproto rely on besides the bytes: laziness, identity, subclasses, threads."""

from __future__ import annotations

import contextlib
import itertools
import sys
import threading
import warnings
import weakref
from collections.abc import Generator
from typing import Any

import pytest

pytest.importorskip("wsproto")

import wsproto.connection
import wsproto.events
import wsproto.frame_protocol as original
from wsproto.connection import CLIENT, SERVER, Connection, ConnectionState
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

import fastframe
import fastframe.frame_protocol as drop_in
from tests.strategies import frame

KEY = b"abcd"


@pytest.fixture(params=["wsproto", "fastframe"])
def codec(request: pytest.FixtureRequest) -> Any:
    """Every test runs on wsproto too, so that it states what wsproto does and not what we think it
    does."""
    if request.param == "fastframe":
        with fastframe.installed("wsproto"):
            yield drop_in
    else:
        yield original


def test_every_public_name_is_there() -> None:
    own = {
        name
        for name, value in vars(original).items()
        if not name.startswith("_")
        and (name.isupper() or getattr(value, "__module__", None) == original.__name__)
        and name != "TYPE_CHECKING"
    }
    assert own == set(drop_in.__all__)
    for name in own - {"FrameDecoder", "FrameProtocol"}:
        assert getattr(drop_in, name) is getattr(original, name)
    assert issubclass(drop_in.FrameProtocol, original.FrameProtocol)
    assert issubclass(drop_in.FrameDecoder, original.FrameDecoder)


def test_fast_path_is_used() -> None:
    with fastframe.installed("wsproto"):
        assert type(Connection(SERVER)._proto) is drop_in.FrameProtocol
        assert type(wsproto.WSConnection(SERVER)) is wsproto.WSConnection
    assert type(Connection(SERVER)._proto) is original.FrameProtocol


def test_fast_path_gives_the_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """wsproto's own events would ask for frames."""
    monkeypatch.setattr(drop_in.FrameProtocol, "received_frames", None)
    with fastframe.installed("wsproto"):
        connection = Connection(CLIENT)
        for wire in (frame(1, b"a"), frame(1, b"b", fin=False), frame(0, b"c"), frame(9, b"d")) * 2:
            connection.receive_data(wire)
            assert len(list(connection.events())) == 1


def test_opcodes_are_wsprotos_own(codec: Any) -> None:
    protocol = codec.FrameProtocol(True, [])
    protocol.receive_bytes(
        frame(1, b"t") + frame(2, b"b") + frame(9, b"") + frame(10, b"") + frame(8, b"\x03\xe8")
    )
    frames = list(protocol.received_frames())
    assert [got.opcode for got in frames] == [1, 2, 9, 10, 8]
    assert all(got.opcode is original.Opcode(int(got.opcode)) for got in frames)
    assert frames[-1].payload[0] is original.CloseReason.NORMAL_CLOSURE


def test_a_stopped_generator_can_be_taken_up(codec: Any) -> None:
    connection = Connection(CLIENT)
    connection.receive_data(b"".join(frame(1, b"%d" % i) for i in range(5)))
    assert next(connection.events()) == TextMessage("0")
    for event in connection.events():
        assert event == TextMessage("1")
        break
    events = connection.events()
    assert next(events) == TextMessage("2")
    connection.receive_data(frame(1, b"5") + frame(1, b"6")[:1])
    assert [event.data for event in events] == ["3", "4", "5"]
    connection.receive_data(frame(1, b"6")[1:])
    assert list(events) == [], "a generator that has ended stays so"
    assert list(connection.events()) == [TextMessage("6")]


def test_nothing_is_parsed_before_it_is_asked_for(codec: Any) -> None:
    connection = Connection(CLIENT)
    events = connection.events()
    connection.receive_data(frame(9, b"late") + b"\x7f\x00")
    frames = connection._proto.received_frames()
    assert next(events) == Ping(b"late")
    with pytest.raises(original.ParseFailed):
        next(frames)
    assert list(events) == []


def test_a_closed_generator_has_ended(codec: Any) -> None:
    connection = Connection(CLIENT)
    connection.receive_data(frame(1, b"a") + frame(1, b"b") + frame(1, b"c"))
    events = connection.events()
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert list(events) == []
    frames = connection._proto.received_frames()
    assert next(frames).payload == "b"
    frames.close()
    assert list(frames) == []
    assert [event.data for event in connection.events()] == ["c"]


def test_events_put_in_the_queue_come_first(codec: Any) -> None:
    class Injecting(Connection):
        """As mitmproxy does."""

    connection = Injecting(SERVER)
    connection.note = "has a __dict__"  # type: ignore[attr-defined]
    connection.receive_data(frame(1, b"received", key=KEY))
    connection._events.extend([Ping(b"1"), Ping(b"2")])
    events = connection.events()
    assert next(events) == Ping(b"1")
    connection._events.append(Ping(b"3"))
    assert list(events) == [Ping(b"2"), Ping(b"3"), TextMessage("received")]
    assert connection.send(TextMessage("out")) == b"\x81\x03out"


def test_a_subclass_may_have_its_own_state_and_methods(codec: Any) -> None:
    class Careful(Connection):
        asked = 0

        @property
        def state(self) -> ConnectionState:
            self.asked += 1
            return super().state

        def receive_data(self, data: bytes | None) -> None:
            super().receive_data(data)

    connection = Careful(CLIENT)
    connection.receive_data(frame(8, b""))
    assert list(connection.events()) == [CloseConnection(1005, "")]
    assert connection.asked > 0
    assert connection.state is ConnectionState.REMOTE_CLOSING


def test_states(codec: Any) -> None:
    connection = Connection(CLIENT)
    connection.send(CloseConnection(1000))
    assert connection.state is ConnectionState.LOCAL_CLOSING
    connection.receive_data(frame(8, b"\x03\xe8"))
    assert list(connection.events()) == [CloseConnection(1000, "")]
    assert connection.state is ConnectionState.CLOSED
    with pytest.raises(wsproto.utilities.LocalProtocolError, match="already closed"):
        connection.receive_data(b"more")
    if wsproto.__version__ == "1.1.0":  # which makes frames in every state
        assert connection.send(TextMessage("x"))[:2] == b"\x81\x81"
    else:
        with pytest.raises(wsproto.utilities.LocalProtocolError, match="cannot be sent"):
            connection.send(TextMessage("x"))
    with pytest.raises(wsproto.utilities.LocalProtocolError, match="cannot be"):
        connection.send(CloseConnection(1000))


def test_the_end_of_the_transport(codec: Any) -> None:
    connection = Connection(CLIENT)
    connection.receive_data(None)
    assert list(connection.events()) == [CloseConnection(1006, None)]
    assert connection.state is ConnectionState.CLOSED


@pytest.mark.parametrize(
    "kind", [bytes, bytearray, memoryview, lambda data: memoryview(bytearray(data))]
)
def test_bytes_like_objects_are_taken_in(codec: Any, kind: Any) -> None:
    connection = Connection(CLIENT)
    data = frame(2, b"payload") + frame(1, "aé".encode())
    for cut in range(len(data)):
        connection.receive_data(kind(data[:cut]))
        connection.receive_data(kind(data[cut:]))
        assert (
            b"".join(event.data for event in connection.events() if isinstance(event, BytesMessage))
            == b"payload"
        )


def test_a_buffer_may_be_reused_at_once(codec: Any) -> None:
    connection = Connection(CLIENT)
    data = bytearray(frame(2, b"payload"))
    connection.receive_data(data)
    data[:] = bytes(len(data))
    data.clear()
    assert list(connection.events()) == [BytesMessage(b"payload")]


@pytest.mark.parametrize("data", ["text", 5, [1], object(), memoryview(b"strided")[::2]])
def test_what_is_not_bytes_is_refused(codec: Any, data: Any) -> None:
    try:
        buffer = bytearray()
        buffer += data
    except TypeError as error:
        text = str(error)
    for receive in (Connection(CLIENT).receive_data, codec.FrameProtocol(True, []).receive_bytes):
        with pytest.raises(TypeError) as caught:
            receive(data)
        assert str(caught.value) == text


def test_parse_more_is_one_generator(codec: Any) -> None:
    protocol = codec.FrameProtocol(True, [])
    assert next(protocol._parse_more) is None
    protocol.receive_bytes(frame(1, b"a") + frame(8, b""))
    assert next(protocol._parse_more).payload == "a"
    assert [frame.opcode for frame in protocol._parse_more] == [8]
    with pytest.raises(StopIteration):
        next(protocol._parse_more)


def test_parsing_inside_parsing_is_refused_as_a_generator_does(codec: Any) -> None:
    class Reentrant(wsproto.extensions.Extension):
        def enabled(self) -> bool:
            return True

        def offer(self) -> bool:
            return True

        def frame_inbound_payload_data(self, proto: Any, data: bytes) -> bytes:
            next(protocol.received_frames())
            return data

    protocol = codec.FrameProtocol(True, [Reentrant()])
    protocol.receive_bytes(frame(1, b"a"))
    with pytest.raises(ValueError, match="generator already executing"):
        next(protocol.received_frames())
    assert list(protocol.received_frames()) == []


def test_a_connection_outlives_the_change_of_codec() -> None:
    """Connections that were open before `install`, or are after `uninstall`, go on with the
    FrameProtocol they have."""
    before = Connection(CLIENT)
    before.receive_data(frame(1, b"split")[:3])
    with fastframe.installed("wsproto"):
        within = Connection(CLIENT)
        within.receive_data(frame(1, b"split")[:3])
        before.receive_data(frame(1, b"split")[3:])
        assert "".join(event.data for event in before.events()) == "split"
        assert before.send(TextMessage("x"))[:2] == b"\x81\x81"
    within.receive_data(frame(1, b"split")[3:])
    assert "".join(event.data for event in within.events()) == "split"
    assert within.send(TextMessage("x"))[:2] == b"\x81\x81"


def test_a_subclass_of_the_protocol_is_respected() -> None:
    class Loud(drop_in.FrameProtocol):
        def received_frames(self) -> Any:
            for got in super().received_frames():
                yield got._replace(payload=got.payload.upper())

    with fastframe.installed("wsproto"):
        connection = Connection(CLIENT)
        connection._proto = Loud(True, [])
        connection.receive_data(frame(1, b"quiet"))
        events = connection.events()
        assert next(events) == TextMessage("QUIET")
        assert list(events) == []


def test_reading_and_sending_in_two_threads(codec: Any) -> None:
    """As simple-websocket and httpx-ws do: one thread reads, another sends, on one connection."""
    connection = Connection(CLIENT)
    peer = Connection(SERVER)
    sent: list[bytes] = []

    def send() -> None:
        for i in range(2000):
            sent.append(connection.send(TextMessage(f"message {i}")))

    sender = threading.Thread(target=send)
    sender.start()
    received = []
    for i in range(2000):
        connection.receive_data(frame(1, b"%d" % i))
        received += [event.data for event in connection.events()]
    sender.join(timeout=30)
    assert received == [str(i) for i in range(2000)]
    for data in sent:
        peer.receive_data(data)
    assert [event.data for event in peer.events()] == [f"message {i}" for i in range(2000)]


def test_events_have_all_that_their_own_init_sets() -> None:
    with fastframe.installed("wsproto"):
        connection = Connection(CLIENT)
        connection.receive_data(frame(1, b"t") + frame(2, b"b") + frame(9, b"p") + frame(10, b"q"))
        found = list(connection.events())
    connection = Connection(CLIENT)
    connection.receive_data(frame(1, b"t") + frame(2, b"b") + frame(9, b"p") + frame(10, b"q"))
    expected = list(connection.events())
    assert found == expected
    assert [vars(event) for event in found] == [vars(event) for event in expected]
    assert hash(found[0]) == hash(expected[0])
    assert [repr(event) for event in found] == [repr(event) for event in expected]


def test_attributes_of_the_decoder_are_copies() -> None:
    decoder = drop_in.FrameDecoder(False)
    decoder.receive_bytes(frame(2, b"payload", key=KEY)[:8])
    assert decoder.process_buffer().payload == b"pa"
    assert decoder.parse_header() is False
    decoder.buffer.feed(b"not taken in")
    assert bytes(decoder.buffer.buffer) == b""
    assert bytes(decoder.masker.process(bytearray(b"\x13\x0f"))) == b"pk"
    with pytest.raises(AttributeError):
        decoder.header = None


def test_the_generators_are_generators(codec: Any) -> None:
    connection = Connection(CLIENT)
    connection.receive_data(frame(1, b"a") + frame(1, b"b") + frame(1, b"c"))
    events = connection.events()
    assert isinstance(events, Generator)
    assert isinstance(connection._proto.received_frames(), Generator)
    assert weakref.ref(events)() is events
    assert next(events) == TextMessage("a")
    assert events.send(None) == TextMessage("b")
    for error in (KeyError("thrown"), KeyError):
        with pytest.raises(KeyError):
            events.throw(error)
    assert list(events) == []
    assert list(connection.events()) == [TextMessage("c")]
    frames = connection._proto.received_frames()
    with pytest.raises(KeyError, match="thrown"):
        frames.throw(KeyError("thrown"))
    connection._proto._parse_more.close()
    connection.receive_data(frame(1, b"d"))
    assert list(connection._proto._parse_more) == list(connection.events()) == []


def test_frames_have_the_hash_of_their_kind(codec: Any) -> None:
    protocol = codec.FrameProtocol(True, [])
    protocol.receive_bytes(frame(1, b"a"))
    (got,) = protocol.received_frames()
    assert hash(got) == hash(original.Frame(*got))
    assert got in {original.Frame(*got)}


def test_an_extension_cannot_parse_inside_parsing() -> None:
    """wsproto lets it and then loses its place; here it is an error, and memory stays sound."""

    class Meddler(wsproto.extensions.Extension):
        def __init__(self, hook: str, call: str) -> None:
            self.hook, self.call = hook, call

        def enabled(self) -> bool:
            return True

        def offer(self) -> bool:
            return True

        def meddle(self, hook: str, proto: Any) -> None:
            if hook == self.hook:
                getattr(proto, self.call)()

        def frame_inbound_header(
            self, proto: Any, opcode: Any, rsv: Any, payload_length: int
        ) -> Any:
            self.meddle("header", proto)
            return super().frame_inbound_header(proto, opcode, rsv, payload_length)

        def frame_inbound_payload_data(self, proto: Any, data: bytes) -> Any:
            self.meddle("payload", proto)
            return data

    for hook, call in itertools.product(("header", "payload"), ("process_buffer", "parse_header")):
        connection = Connection(CLIENT)
        connection._proto = drop_in.FrameProtocol(True, [Meddler(hook, call)])
        connection.receive_data(b"\x82\x00\x82\x00")
        with pytest.raises(RuntimeError, match="an extension must not call it"):
            list(connection.events())


def test_a_bytearray_may_be_resized_while_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """As another thread could do while the masking key is fetched."""
    payload = bytearray(b"x" * 100_000)

    def urandom(size: int) -> bytes:
        payload.clear()
        return bytes(size)

    monkeypatch.setattr("os.urandom", urandom)
    sent = drop_in.FrameProtocol(True, []).send_data(payload)
    assert sent.endswith(b"x" * 100_000)


def test_a_decoder_class_must_make_decoders() -> None:
    class Broken(drop_in.FrameProtocol):
        _decoder_class = staticmethod(lambda client, extensions: None)  # type: ignore[assignment]

    with pytest.raises(TypeError, match="_decoder_class must make a FrameDecoder"):
        Broken(True, [])


def test_a_backlog_costs_nothing_more() -> None:
    """What is fed while thousands of frames wait is not copied over and over: time that grows with
    the backlog would show as some 60 gigabytes moved here, half a minute."""
    protocol = drop_in.FrameProtocol(True, [])
    protocol.receive_bytes(frame(2, bytes(123)) * 50_000)
    frames = protocol.received_frames()
    for _ in range(10_000):
        protocol.receive_bytes(frame(2, b"more"))
        next(frames)
    assert len(list(frames)) == 50_000


@pytest.mark.parametrize("cut", [None, 300], ids=["a whole message", "a part of one"])
@pytest.mark.parametrize("level", ["Connection", "FrameProtocol"])
def test_the_bytes_that_were_fed_are_let_go_of_once_they_are_consumed(
    cut: int | None, level: str
) -> None:
    wire = frame(2, bytes(500), key=KEY)[:cut]
    before = sys.getrefcount(wire)
    with fastframe.installed("wsproto"):
        connection = Connection(SERVER)
    connection.receive_data(wire)
    assert sys.getrefcount(wire) == before + 1
    if level == "Connection":
        assert len(list(connection.events())) == 1
    else:
        assert len(list(connection._proto.received_frames())) == 1
    assert sys.getrefcount(wire) == before


def test_a_generator_of_events_made_by_hand_has_none() -> None:
    """It belongs to no connection."""
    with fastframe.installed("wsproto"):
        kind: Any = type(Connection(SERVER).events())
    assert list(kind()) == []


@pytest.mark.filterwarnings("ignore:the .type, exc, tb. signature:DeprecationWarning")
@pytest.mark.parametrize(
    "arguments",
    [
        (KeyError,), (KeyError("thrown"),), (KeyError, "value"), (KeyError, ("a", "b")),
        (KeyError, KeyError("own")),
        (KeyError, None, None), (KeyError("thrown"), "separate"), (5,), ("KeyError",),
        (KeyError, None, 5), (int,),
        (UnicodeDecodeError, ("utf-8", b"x", 0, 1, "bad")), (StopIteration,), (GeneratorExit,),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("after", ["nothing", "an event", "a ParseFailed", "the end"])
@pytest.mark.parametrize("level", ["events", "frames"])
def test_throw_is_that_of_a_generator(arguments: Any, after: str, level: str) -> None:
    def thrown(module: Any) -> Any:
        connection = Connection(CLIENT)
        connection._proto = module.FrameProtocol(True, [])
        connection.receive_data(frame(1, b"a") + b"\xff\x00")
        generator = (
            connection.events() if level == "events" else connection._proto.received_frames()
        )
        for _ in range({"nothing": 0, "an event": 1, "a ParseFailed": 2, "the end": 3}[after]):
            with contextlib.suppress(StopIteration, original.ParseFailed):
                next(generator)
        try:
            generator.throw(*arguments)
        except BaseException as error:
            context = error.__context__
            found = [type(error), str(error), type(context), getattr(context, "code", None)]
        else:
            found = ["nothing was raised"]
        try:
            found += list(generator)
        except original.ParseFailed as error:
            found.append(str(error))
        return found

    expected = thrown(original)
    with fastframe.installed("wsproto"):
        assert thrown(drop_in) == expected


@pytest.mark.parametrize("traceback", [True, False])
def test_throw_takes_a_traceback(codec: Any, traceback: bool) -> None:
    try:
        raise KeyError("original")
    except KeyError as error:
        original_traceback = error.__traceback__
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with pytest.raises(KeyError) as caught:
            Connection(CLIENT).events().throw(KeyError, None, original_traceback)  # type: ignore[attr-defined]
    last = caught.value.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    assert last is not None
    assert last.tb_lineno == original_traceback.tb_lineno  # type: ignore[union-attr]
    assert [warning.category for warning in seen] == [DeprecationWarning] * (
        sys.version_info >= (3, 12)
    )


def test_the_type_error_of_receive_has_no_context(codec: Any) -> None:
    for receive in (Connection(CLIENT).receive_data, codec.FrameProtocol(True, []).receive_bytes):
        with pytest.raises(TypeError) as caught:
            receive("text")
        assert caught.value.__context__ is None
        assert caught.value.__cause__ is None
