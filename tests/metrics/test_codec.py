"""What a Decoder and an Encoder count, against a model that knows nothing but the frames."""

from __future__ import annotations

import copy
import gc
import itertools
import os
import pickle
import sys
import threading
from array import array
from collections import Counter
from typing import Any

import pytest

import fastframe
from fastframe import Close, Decoder, Encoder, Pong, ProtocolError, Role, prepare
from fastframe._codec.tally import Tally, all_sums, tally
from fastframe.deflate import Deflate
from tests.helpers import run_python
from tests.metrics.broken import BROKEN

NAMES = ("continuation", "text", "binary", "close", "ping", "pong")
OPCODES = dict(zip((0, 1, 2, 8, 9, 10), NAMES))


NUMBERS = itertools.count()


class Model:
    """Of one direction: the frames, by their bytes alone."""

    def __init__(self) -> None:
        self.frames: Counter[str] = Counter()
        self.wire_bytes = self.payload_bytes = self.compressed_bytes = 0
        self.compressed = False

    def frame(self, data: bytes) -> None:
        header = fastframe.parse_header(data)
        assert header is not None
        assert len(data) == header.size + header.payload_length
        self.frames[OPCODES[header.opcode]] += 1
        self.wire_bytes += len(data)
        self.payload_bytes += header.payload_length
        if header.opcode in (1, 2):
            self.compressed = header.rsv == 4
        if header.opcode < 8 and self.compressed:
            self.compressed_bytes += header.payload_length

    def agrees_with(self, found: Any) -> None:
        assert found["frames"] == {name: self.frames[name] for name in NAMES}
        assert found["wire_bytes"] == self.wire_bytes
        assert found["payload_bytes"] == self.payload_bytes
        assert found["compressed_bytes"] == self.compressed_bytes


class Counts:
    """What has been counted since this was made: of one Decoder or Encoder."""

    def __init__(self, codec: Decoder | Encoder, role: str = "server") -> None:
        self.target, self.role = f"test {next(NUMBERS)}", role
        codec._count_for(tally(self.target, role))

    def now(self) -> Any:
        return fastframe.metrics()[self.target][self.role]


@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("cut", [1, 7, 1 << 20])
@pytest.mark.parametrize("decode_text", [False, True])
def test_both_directions_agree_with_the_frames(cut: int, deflate: bool, decode_text: bool) -> None:
    agreement = None
    if deflate:
        agreement = Deflate(threshold=30).accept("permessage-deflate")
    encoder = Encoder(Role.CLIENT, deflate=agreement)
    decoder = Decoder(Role.SERVER, deflate=agreement, decode_text=decode_text)
    sent, received, model = Counts(encoder), Counts(decoder), Model()
    texts = ["", "x" * 20, "żółć 😀" * 90, "y" * 70_000, prepare("prepared" * 9), prepare("ą")]
    frames = [encoder.text(text) for text in texts]
    frames += [encoder.binary(data) for data in (b"", b"\xff" * 200, bytes(70_000))]
    frames += [
        encoder.text("be" * 30, fin=False), encoder.ping(b"in between"),
        encoder.continuation("ż", fin=False), encoder.continuation("gun"),
        encoder.binary(b"in two", fin=False), encoder.continuation(b""),
        encoder.pong(b"?"), encoder.ping(), encoder.close(4321, "bye"),
    ]  # fmt: skip
    for frame in frames:
        model.frame(frame)
    stream = b"".join(frames)
    found = []
    for start in range(0, len(stream), cut):
        found += list(decoder.feed(stream[start : start + cut]))
    assert len(found) == 15
    for numbers in (sent.now()["sent"], received.now()["received"]):
        model.agrees_with(numbers)
        assert numbers["messages"] == {"text": 7, "binary": 4}
        assert (numbers["inflated_bytes"] > numbers["compressed_bytes"]) is deflate
    assert sent.now()["sent"]["inflated_bytes"] == received.now()["received"]["inflated_bytes"]
    assert received.now()["connections"]["closed"]["peer"] == {4321: 1}
    assert received.now()["violations"] == {}


def test_payload_without_an_object_is_counted_too() -> None:
    """In place, for BufferedProtocol, and by the low level of Encoder."""
    encoder, decoder = Encoder(Role.SERVER), Decoder(Role.CLIENT)
    sent, received = Counts(encoder), Counts(decoder)
    payload = bytes(300_000)
    stream = encoder.header(2, len(payload)) + payload
    stream += encoder.frame(1, b"text") + encoder.frame(9, b"ping") + encoder.frame(2, fin=False)
    start = 0
    while start < len(stream):
        view = decoder.get_buffer()
        size = min(len(view), len(stream) - start, 65_536)
        view[:size] = stream[start : start + size]
        list(decoder.buffer_updated(size))
        start += size
    for numbers in (sent.now()["sent"], received.now()["received"]):
        assert numbers["messages"] == {"text": 1, "binary": 1}
        assert numbers["frames"]["binary"] == 2
        assert numbers["wire_bytes"] == len(stream)


OF_A_DECODER = {
    **BROKEN,
    "frame-too-big": b"\x82\xfe\x01\x00\0\0\0\0",
    "message-too-big": b"\x02\xe4\0\0\0\0" + bytes(100) + b"\x80\xe4\0\0\0\0",
    "handshake": b"GET / HTTP/1.1\r\n",
    "too-many-fragments": b"\x01\x80\0\0\0\0",
}


@pytest.mark.parametrize("cut", [1, 1000])
@pytest.mark.parametrize("rule", [*OF_A_DECODER, "masked"])
def test_each_rule_is_counted_by_its_name_and_has_an_offset(rule: str, cut: int) -> None:
    settings: dict[str, Any] = {"max_message_size": 180, "max_frame_size": 128}
    good, role = b"\x81\x84\0\0\0\0good", Role.SERVER
    broken = OF_A_DECODER.get(rule, b"\x81\x80\0\0\0\0")
    if rule == "deflate":
        settings = {"deflate": Deflate().accept("permessage-deflate")}
    elif rule == "masked":
        good, role = b"\x81\x04good", Role.CLIENT
    elif rule == "too-many-fragments":
        settings["max_fragments"] = 2
        broken += b"\0\x80\0\0\0\0" * 2
    decoder = Decoder(role, **settings)
    received = Counts(decoder, role.value)
    stream, found = good + broken, []

    def deliver() -> None:
        for start in range(0, len(stream), cut):
            found.extend(decoder.feed(stream[start : start + cut]))

    with pytest.raises(ProtocolError) as raised:
        deliver()
    assert found == ["good"]
    error = raised.value
    assert (error.rule, received.now()["violations"]) == (rule, {rule: 1})
    assert error.section.startswith("RFC ")
    assert error.section in error.reason
    offsets = {"continuation-expected": 6, "message-too-big": 106, "too-many-fragments": 12}
    assert error.offset == len(good) + offsets.get(rule, 0)


def test_an_error_of_somebody_else_has_no_rule() -> None:
    error = ProtocolError(1008, "too often")
    assert (error.rule, error.section, error.offset) == ("other", "", None)
    assert ProtocolError(1002, "at offset 9: the opcode is reserved (RFC 6455, 5.2)").rule == (
        "opcode"
    )
    error.offset = 7
    assert pickle.loads(pickle.dumps(error)).offset == 7


def test_who_began_to_close() -> None:
    """The first Close counts; and a connection that ends without one is 1006."""
    counts = []
    for first in ("peer", "here", "nobody"):
        decoder, encoder = Decoder(Role.SERVER), Encoder(Role.SERVER)
        counted = Counts(decoder)
        encoder._count_for(decoder_tally := tally(f"{counted.target} {first}", "server"))
        decoder._count_for(decoder_tally)
        if first == "here":
            encoder.close(1011)
        if first != "nobody":
            assert list(decoder.feed(Encoder(Role.CLIENT).close(1001))) == [Close(1001)]
        if first == "peer":
            encoder.close(1000)
        find = fastframe.metrics()[f"{counted.target} {first}"]["server"]
        assert (find["connections"]["open"], find["connections"]["opened"]) == (1, 1)
        del decoder, encoder, decoder_tally
        gc.collect()
        counts.append(fastframe.metrics()[f"{counted.target} {first}"]["server"]["connections"])
    assert [found["open"] for found in counts] == [0, 0, 0]
    assert [found["closed"] for found in counts] == [
        {"peer": {1001: 1}, "here": {}, "nobody": {}},
        {"peer": {}, "here": {1011: 1}, "nobody": {}},
        {"peer": {}, "here": {}, "nobody": {1006: 1}},
    ]


def test_round_trips(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, decoder, peer = Encoder(Role.SERVER), Decoder(Role.SERVER), Encoder(Role.CLIENT)
    counted = Counts(decoder)
    shared = tally(counted.target, "client")
    encoder._count_for(shared)
    decoder._count_for(shared)
    counted.role = "client"
    assert counted.now()["round_trip"] == {
        "count": 0, "last": None, "min": None, "p50": None, "p99": None,
    }  # fmt: skip
    encoder.ping(b"a")
    encoder.ping(bytearray(b"b"))
    encoder.ping(b"c")
    list(decoder.feed(peer.pong(b"never asked") + peer.pong(b"b") + peer.pong(b"a")))
    first = counted.now()["round_trip"]
    assert first["count"] == 1  # that of b; a was answered by it, too (RFC 6455, 5.5.3)
    list(decoder.feed(peer.pong(b"c")))
    found = counted.now()["round_trip"]
    assert found["count"] == 2
    assert 0 < found["min"] <= found["last"] < 60
    assert found["min"] <= found["p50"] <= found["p99"]
    assert found["last"] <= found["p99"] * 1.01
    for number in range(40):  # a peer that answers nothing
        encoder.ping(b"%d" % number)
    list(decoder.feed(peer.pong(b"0")))
    assert counted.now()["round_trip"]["count"] == 2
    list(decoder.feed(peer.pong(b"39")))
    assert counted.now()["round_trip"]["count"] == 3


class Odd(bytes):
    def __bytes__(self) -> bytes:
        raise AssertionError("the buffer was enough")


def test_a_ping_of_an_odd_type_is_known_by_its_buffer() -> None:
    encoder, decoder = Encoder(Role.SERVER), Decoder(Role.SERVER)
    counted = Counts(decoder)
    shared = tally(counted.target, "server")
    encoder._count_for(shared)
    decoder._count_for(shared)
    for payload in (Odd(b"odd"), array("I", [1, 2]), memoryview(array("I", [3]))):
        encoder.ping(payload)
        list(decoder.feed(Encoder(Role.CLIENT).pong(memoryview(payload).tobytes())))
    assert counted.now()["round_trip"]["count"] == 3


def test_codes_that_a_peer_chooses_are_bounded() -> None:
    target = f"test {next(NUMBERS)}"
    for code in (*range(3000, 3200), 7, 65_535):
        tally(target, "server").closed(code, False)
    found = fastframe.metrics()[target]["server"]["connections"]["closed"]["peer"]
    assert len(found) == 101
    assert found[0] == 102
    assert sum(found.values()) == 202


def test_a_new_thing_counts_for_the_codec() -> None:
    before = fastframe.metrics()["codec"]["server"]["connections"]
    decoder, encoder = Decoder(Role.SERVER), Encoder(Role.SERVER)
    after = fastframe.metrics()["codec"]["server"]["connections"]
    assert after["opened"] - before["opened"] == 1  # an Encoder is not another connection
    assert after["open"] - before["open"] == 1
    ping, text = fastframe.metrics()["codec"]["server"]["sent"], encoder.text("x")
    assert fastframe.metrics()["codec"]["server"]["sent"]["wire_bytes"] - ping["wire_bytes"] == 3
    assert list(decoder.feed(Encoder(Role.CLIENT).pong(text))) == [Pong(text)]
    lost = after["closed"]["nobody"]
    del decoder, encoder
    ended = fastframe.metrics()["codec"]["server"]["connections"]
    assert ended["open"] == before["open"]
    assert ended["closed"]["nobody"] == lost  # its Encoder may have sent one


def test_one_that_counts_for_another_target_counts_once() -> None:
    other = tally("elsewhere", "server")
    opened = fastframe.metrics()["codec"]["server"]["connections"]["opened"]
    decoder, encoder = Decoder.__new__(Decoder), Encoder.__new__(Encoder)
    for made in (decoder, encoder):
        made._count_for(other)
        made.__init__(Role.SERVER)  # type: ignore[misc]
    assert list(decoder.feed(Encoder(Role.CLIENT).text("x"))) == ["x"]
    encoder.text("y")
    found = fastframe.metrics()
    assert found["codec"]["server"]["connections"]["opened"] == opened
    assert found["elsewhere"]["server"]["received"]["messages"]["text"] == 1
    assert found["elsewhere"]["server"]["sent"]["messages"]["text"] == 1


def test_a_tally_of_nothing() -> None:
    """One that nobody has asked for counts for nobody, and a copy is the same."""
    alone = Tally()
    decoder, encoder = Decoder(Role.SERVER), Encoder(Role.SERVER)
    decoder._count_for(alone)
    encoder._count_for(alone)
    encoder.ping(b"x")
    list(decoder.feed(Encoder(Role.CLIENT).pong(b"x")))
    with pytest.raises(ProtocolError):
        list(decoder.feed(b"\x83\x80"))
    encoder.close()
    assert copy.copy(alone) is copy.deepcopy(alone) is alone
    alone.received(1, 126, True)
    with pytest.raises(ValueError, match="text or binary"):
        alone.received(9, 1, False)


def test_sizes_of_headers() -> None:
    for length, masked, size in (
        (0, False, 2),
        (125, True, 6),
        (126, False, 4),
        (65_536, True, 14),
    ):
        one = tally(f"sizes {length}", "client")
        one.received(2, length, masked)
        found = fastframe.metrics()[f"sizes {length}"]["client"]["received"]
        assert (found["wire_bytes"], found["payload_bytes"]) == (size + length, length)


def test_threads_lose_nothing() -> None:
    """Each connection has a thread, and somebody asks all the time."""
    before = fastframe.metrics()["codec"]["server"]
    frame, ready, done = Encoder(Role.CLIENT).text("x" * 20), threading.Barrier(5), []

    def work() -> None:
        ready.wait()
        for _ in range(50):
            decoder = Decoder(Role.SERVER)
            for _ in range(20):
                list(decoder.feed(frame))
        done.append(True)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    ready.wait()
    last, asked = 0, 0
    while len(done) < 4:
        now = fastframe.metrics()["codec"]["server"]["received"]["messages"]["text"]
        assert now >= last
        last, asked = now, asked + 1
    for thread in threads:
        thread.join()
    after = fastframe.metrics()["codec"]["server"]
    assert asked
    received, earlier = after["received"], before["received"]
    assert received["messages"]["text"] - earlier["messages"]["text"] == 4000
    assert received["wire_bytes"] - earlier["wire_bytes"] == 4000 * len(frame)
    assert after["connections"]["opened"] - before["connections"]["opened"] == 200


FORK = """
import os, sys, fastframe
from fastframe import Decoder, Encoder, Role
decoder, frame = Decoder(Role.SERVER), Encoder(Role.CLIENT).text("x")
list(decoder.feed(frame))
child = os.fork()
if child:
    _, status = os.waitpid(child, 0)
    numbers = fastframe.metrics()["codec"]["server"]
    assert numbers["received"]["messages"]["text"] == 1, numbers
    sys.exit(os.waitstatus_to_exitcode(status))
numbers = fastframe.metrics()["codec"]["server"]
assert numbers["received"]["messages"]["text"] == 0, numbers
assert numbers["connections"]["open"] == 0, numbers
list(decoder.feed(frame))  # of the parent's connection
del decoder
mine = Decoder(Role.SERVER)
list(mine.feed(frame))
numbers = fastframe.metrics()["codec"]["server"]
assert numbers["received"]["messages"]["text"] == 1, numbers
assert numbers["connections"] == {
    "opened": 1, "open": 1, "closed": {"peer": {}, "here": {}, "nobody": {}}}, numbers
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_begins_at_zero() -> None:
    if sys.version_info < (3, 12):
        code = FORK
    else:
        code = "import warnings; warnings.simplefilter('ignore')\n" + FORK
    done = run_python("-c", code)
    assert done.returncode == 0, done.stderr


CYCLES = """
import gc, os, sys
from fastframe import Decoder, Role
kept = []
for _ in range(50):
    decoder = type("Cyclic", (Decoder,), {})(Role.SERVER)
    decoder.itself = decoder
del decoder
child = os.fork()
if child:
    _, status = os.waitpid(child, 0)
    sys.exit(os.waitstatus_to_exitcode(status))
gc.collect()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("threshold", [1, 2, 3, 5])
def test_connections_that_end_in_a_child(threshold: int) -> None:
    code = f"import gc, warnings; warnings.simplefilter('ignore')\n{CYCLES}"
    code = code.replace("child = os.fork()", f"gc.set_threshold({threshold})\nchild = os.fork()")
    assert run_python("-c", code, PYTHONMALLOC="debug").returncode == 0


def test_what_is_counted_is_in_the_dicts_that_are_documented() -> None:
    from fastframe import _metrics

    Decoder(Role.SERVER)
    numbers: Any = fastframe.metrics()["codec"]["server"]
    assert set(numbers) == set(_metrics.RoleMetrics.__annotations__)
    assert set(numbers["connections"]) == set(_metrics.Connections.__annotations__)
    assert set(numbers["connections"]["closed"]) == set(_metrics.Closed.__annotations__)
    assert set(numbers["received"]) == set(_metrics.Traffic.__annotations__)
    assert set(numbers["received"]["frames"]) == set(_metrics.Frames.__annotations__)
    assert set(numbers["received"]["messages"]) == set(_metrics.Messages.__annotations__)
    assert set(numbers["round_trip"]) == set(_metrics.RoundTrips.__annotations__)
    sums = all_sums()[("codec", "server")]
    assert (sums.target, sums.role) == ("codec", "server")
