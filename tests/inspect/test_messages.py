"""Frames to messages: what is found is what other codecs find, and where it is is right."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import pytest

pytest.importorskip("wsproto")

from wsproto.connection import CLIENT as READS_AS_CLIENT
from wsproto.connection import SERVER as READS_AS_SERVER
from wsproto.connection import Connection
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from fastframe._inspect import messages
from tests.helpers import KEY, deflated
from tests.inspect.captures import CLIENT, SERVER, Tcp, pcap, request, response
from tests.inspect.conftest import Run
from tests.strategies import frame

DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate"
TRAFFIC = [
    (1, "grüße 你好 🎉".encode()),
    (2, bytes(range(256)) * 10),
    (9, b"ping"),
    (1, b""),
    (1, b"x" * 126),
    (2, b"y" * 65536),
    (10, b""),
]


def fragmented(key: bytes | None) -> bytes:
    return (
        frame(1, "grü".encode()[:3], fin=False, key=key)
        + frame(9, b"between", key=key)
        + frame(0, b"", fin=False, key=key)
        + frame(0, "grü".encode()[3:], key=key)
    )


def stream(key: bytes | None) -> bytes:
    frames = [frame(opcode, payload, key=key) for opcode, payload in TRAFFIC]
    return b"".join(frames) + fragmented(key) + frame(8, b"\x03\xe8bye", key=key)


def of_wsproto(data: bytes, masked: bool) -> list[tuple[str, Any]]:
    """The messages that wsproto finds, as `--json` names them."""
    connection = Connection(READS_AS_SERVER if masked else READS_AS_CLIENT)
    connection.receive_data(data)
    found: list[tuple[str, Any]] = []
    parts: list[Any] = []
    for event in connection.events():
        if isinstance(event, (TextMessage, BytesMessage)):
            parts.append(event.data)
            if event.message_finished:
                text = isinstance(event, TextMessage)
                whole: Any = "".join(parts) if text else b"".join(parts).hex()
                found.append(("text" if text else "binary", whole))
                parts = []
        elif isinstance(event, (Ping, Pong)):
            found.append((type(event).__name__.lower(), bytes(event.payload).hex()))
        else:
            assert isinstance(event, CloseConnection)
            found.append(("close", event.reason or ""))
    return found


@pytest.mark.parametrize("sender", [CLIENT, SERVER])
def test_messages_are_those_of_wsproto(run: Run, sender: str) -> None:
    data = stream(KEY if sender == CLIENT else None)
    expected = of_wsproto(data, sender == CLIENT)
    made = Tcp().handshake().send(sender, *(data[i : i + 1000] for i in range(0, len(data), 1000)))
    for what in (data, made.pcap()):
        result = run(what, "--json", "--preview", "200000")
        found = [
            (item["opcode"], item.get("text", item.get("hex"))) for item in result.of("message")
        ]
        assert found == expected
        assert all(item["sender"] == sender for item in result.of("message"))
        assert (result.code, result.of("ended")[0]["closed_by"]) == (0, sender)


@pytest.mark.parametrize("key", [None, KEY])
@pytest.mark.parametrize("size", [1, 7, 100, 1 << 20])
def test_offsets(run: Run, key: bytes | None, size: int) -> None:
    """Each frame is where `--frames` says, in the stream and in the file."""
    data = stream(key)
    data = (
        data[: len(frame(1, TRAFFIC[0][1], key=key))]
        + fragmented(key)
        + frame(2, b"z" * 300, key=key)
    )
    sender = SERVER if key is None else CLIENT
    cut = min(size, 60_000)
    made = Tcp().handshake().send(sender, *(data[i : i + cut] for i in range(0, len(data), cut)))
    capture = made.pcap()
    for what in (data, capture):
        frames = run(what, "--json", "--frames").of("frame")
        assert [item["opcode"] for item in frames] == [
            "text", "text", "ping", "continuation", "continuation", "binary"
        ]  # fmt: skip
        assert [item["fin"] for item in frames] == [True, False, True, False, True, True]
        position = 0
        for item in frames:
            assert item["offset"] == position
            header = data[position : position + 1]
            assert what[item["file_offset"] :][:1] == header
            short = item["wire_length"] <= 125
            position += (2 if short else 4) + (4 if key else 0) + item["wire_length"]
        assert [item.get("text", item.get("hex")) for item in frames][1:4:2] == [
            "grü"[:2] + "\ufffd",
            "",
        ]
        assert frames[-1]["hex"] == "7a" * 256
        assert (frames[-1]["length"], frames[-1]["cut"], frames[0]["cut"]) == (300, True, False)


def test_messages_have_the_offset_of_their_first_frame(run: Run) -> None:
    data = frame(1, b"first") + fragmented(None) + frame(2, b"")
    found = run(data, "--json").of("message")
    assert [(item["opcode"], item["offset"], item["frames"]) for item in found] == [
        ("text", 0, 1), ("ping", 12, 1), ("text", 7, 3), ("binary", len(data) - 2, 1),
    ]  # fmt: skip
    assert found[2]["wire_length"] == found[2]["length"] == 4
    assert "[3 frames] grü" in run(data).out


# ---- permessage-deflate --------------------------------------------------------------------------


def compressor() -> Any:
    shared = zlib.compressobj(9, zlib.DEFLATED, -15)

    def compress(data: bytes) -> bytes:
        return (shared.compress(data) + shared.flush(zlib.Z_SYNC_FLUSH))[:-4]

    return compress


def test_compressed_messages_share_a_window(run: Run) -> None:
    compress = compressor()
    made = Tcp().handshake(DEFLATE)
    text = b"the same text in every message, " * 4
    made.send(SERVER, *(frame(1, compress(text), rsv=4) for _ in range(3)))
    made.send(SERVER, frame(1, b"plain"))
    result = run(made.pcap(), "--json")
    assert result.texts == [text.decode()] * 3 + ["plain"]
    found = result.of("message")
    assert [item["compressed"] for item in found] == [True] * 3 + [False]
    assert [item["length"] for item in found] == [128] * 3 + [5]
    assert found[2]["wire_length"] < 12
    assert result.of("opened")[0]["extensions"] == "permessage-deflate"
    assert "on the wire (" in run(made.pcap()).out


@pytest.mark.parametrize("size", [1, 10, 1000])
def test_a_compressed_message_in_frames(run: Run, size: int) -> None:
    payload = deflated(b"one two three " * 30 + bytes(range(65, 90)))
    third = len(payload) // 3
    data = (
        frame(1, payload[:third], fin=False, rsv=4)
        + frame(9, b"between")
        + frame(0, payload[third : 2 * third], fin=False)
        + frame(0, payload[2 * third :])
        + frame(2, b"after")
    )
    made = Tcp().handshake(DEFLATE)
    made.send(SERVER, *(data[i : i + size] for i in range(0, len(data), size)))
    result = run(made.pcap(), "--json")
    assert [item["opcode"] for item in result.of("message")] == ["ping", "text", "binary"]
    assert result.texts[0].startswith("one two three one")
    frames = run(made.pcap(), "--json", "--frames").of("frame")
    assert [item["opcode"] for item in frames] == [
        "text", "ping", "continuation", "continuation", "binary"
    ]  # fmt: skip
    assert [item["length"] for item in frames] == [None, 7, None, 445, 5]
    assert frames[3]["text"].startswith("one two")
    assert frames[0]["hex"] == payload[:third].hex()
    lines = run(made.pcap(), "--frames").out
    assert f" {third} B  {payload[:third].hex()}"[:60] in lines
    assert run(made.pcap(), "--stats", "--json").of("stats")[0]["server"]["messages"] == 2


def test_a_close_frame_inside_a_compressed_message(run: Run) -> None:
    made = Tcp().handshake(DEFLATE)
    made.send(SERVER, frame(1, deflated(b"never ends")[:4], fin=False, rsv=4))
    made.send(SERVER, frame(8, b"\x03\xe9")).close()
    result = run(made.pcap(), "--json")
    assert [item["code"] for item in result.of("message")] == [1001]
    assert (result.code, result.of("ended")[0]["closed_by"]) == (0, "server")


def test_what_is_held_back_is_checked_at_the_end(run: Run) -> None:
    made = Tcp().handshake(DEFLATE)
    made.send(SERVER, frame(1, b"\xff\xff not DEFLATE", fin=False, rsv=4)).close()
    result = run(made.pcap(), "--json")
    assert (result.code, result.of("broken")[0]["rule"]) == (1, "deflate")
    good = Tcp().handshake(DEFLATE)
    good.send(SERVER, frame(1, deflated(b"fine so far"), fin=False, rsv=4)).close()
    result = run(good.pcap(), "--json")
    assert result.code == 0
    assert result.of("note")[0]["text"] == "the stream ends between frames of a message"


@pytest.mark.parametrize(
    "answer", ["client_max_window_bits=8", "server_max_window_bits=9", "server_no_context_takeover"]
)
def test_parameters(run: Run, answer: str) -> None:
    made = Tcp().handshake(f"{DEFLATE}; {answer}")
    made.send(
        SERVER, frame(1, deflated(b"hello" * 9), rsv=4), frame(1, deflated(b"hello" * 9), rsv=4)
    )
    result = run(made.pcap(), "--json")
    assert result.texts == ["hello" * 9] * 2
    assert result.code == 0


def test_rsv1_without_an_agreement(run: Run) -> None:
    data = frame(1, deflated(b"hello"), rsv=4)
    result = run(data, "--json")
    assert (result.code, result.of("broken")[0]["rule"]) == (1, "reserved-bit")
    assert "--deflate permessage-deflate" in result.of("note")[1]["text"]
    result = run(data, "--json", "--deflate", "permessage-deflate")
    assert (result.code, result.texts) == (0, ["hello"])


def test_a_window_from_before_the_capture(run: Run) -> None:
    compress = compressor()
    compress(b"something that came before, and that is long enough to refer to")
    data = frame(1, compress(b"something that came before, and"), rsv=4)
    result = run(data, "--json", "--deflate", "permessage-deflate")
    (note,) = [note for note in result.of("note") if note["kind"] == "window"]
    assert (result.code, result.of("broken")) == (2, [])
    assert note["file_offset"] == 0


# ---- broken rules --------------------------------------------------------------------------------

HEAD = frame(1, b"fine")


@pytest.mark.parametrize(
    ("data", "rule", "code", "at"),
    [
        (frame(3, b""), "opcode", 1002, 0),
        (frame(1, b"x", rsv=2), "reserved-bit", 1002, 0),
        (frame(0, b"x"), "continuation-unexpected", 1002, 0),
        (frame(1, b"x", fin=False) + frame(2, b"y"), "continuation-expected", 1002, 3),
        (frame(9, b"x", fin=False), "control-fragmented", 1002, 0),
        (b"\x89\x7e\x00\x7e" + bytes(126), "control-length", 1002, 0),
        (b"\x82\x7e\x00\x05hello", "length-16", 1002, 0),
        (frame(1, b"x", key=KEY), "masked", 1002, 0),
        (frame(1, b"\xff"), "text-utf8", 1007, 0),
        (frame(1, b"x", fin=False) + frame(0, b"\xff"), "text-utf8", 1007, 3),
        (frame(8, b"\x03"), "close-length", 1002, 0),
        (frame(8, b"\x03\xed"), "close-code", 1002, 0),
        (frame(8, b"\x03\xe8\xff"), "close-utf8", 1007, 0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_broken_rules(  # noqa: PLR0913, PLR0917
    run: Run, data: bytes, rule: str, code: int, at: int, size: int
) -> None:
    whole = HEAD + data + b"\x81\x02ok"
    offset = len(HEAD) + at
    made = Tcp().handshake()
    made.send(SERVER, *(whole[i : i + size] for i in range(0, len(whole), size)))
    for what in (whole, made.pcap()):
        result = run(what, "--json", "--sent-by", "server")
        (broken,) = result.of("broken")
        assert result.code == 1
        assert result.texts == ["fine"]
        assert (broken["rule"], broken["code"], broken["offset"]) == (rule, code, offset)
        assert what[broken["file_offset"]] == whole[offset]
        around, before = bytes.fromhex(broken["around"]), broken["before"]
        assert around[before:] == whole[offset : offset + len(around) - before]
        assert around[:before] == whole[offset - before : offset]
        assert len(around) > before
        lines = run(what, "--sent-by", "server")
        assert lines.code == 1
        assert f"a strict peer closes with {code}" in lines.out
        assert (
            f"at offset {offset} of what the server sent, offset {broken['file_offset']}"
            in lines.out
        )
        assert "(RFC 6455, " in lines.out


def test_a_server_must_get_masked_frames(run: Run) -> None:
    made = Tcp().handshake().send(CLIENT, frame(1, b"x"))
    assert run(made.pcap(), "--json").of("broken")[0]["rule"] == "unmasked"


def test_frames_before_a_broken_rule(run: Run) -> None:
    data = HEAD + frame(1, b"cut", fin=False) + frame(2, b"y")
    assert [item["text"] for item in run(data, "--json", "--frames").of("frame")] == ["fine", "cut"]


def test_a_broken_rule_in_a_later_frame_of_a_compressed_message(run: Run) -> None:
    made = Tcp().handshake(DEFLATE)
    payload = deflated(b"some text \xff and more")
    made.send(SERVER, frame(1, payload[:4], fin=False, rsv=4))
    made.send(SERVER, frame(0, payload[4:], fin=False), frame(0, b""))
    (broken,) = run(made.pcap(), "--json").of("broken")
    assert (broken["rule"], broken["offset"]) == ("text-utf8", 6)
    assert (broken["file_offset"], broken["around"]) == (None, "")
    assert "what the server sent; a strict peer" in run(made.pcap()).out


def test_what_follows_the_end_is_not_read(run: Run) -> None:
    data = frame(8, b"") + HEAD
    result = run(data, "--json")
    assert (result.code, result.texts) == (0, [""])
    assert [note["text"] for note in result.of("note") if note["kind"] == "after-close"] == [
        "not read: 6 bytes after the Close frame"
    ]
    assert result.of("ended")[0]["server"]["close_code"] == 1005
    made = Tcp().handshake().send(SERVER, frame(8, b""), HEAD, HEAD)
    assert run(made.pcap(), "--json").of("note")[0]["text"].startswith("not read: 12 bytes")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (HEAD[:-1], "1 byte before the end of a frame"),
        (HEAD + b"\x81", "inside a header"),
        (HEAD + b"\x01\x00", "between frames"),
    ],
)
def test_unfinished(run: Run, data: bytes, text: str) -> None:
    result = run(data, "--json")
    (note,) = [note for note in result.of("note") if note["kind"] == "unfinished"]
    assert result.code == 0
    assert text in note["text"]


# ---- limits --------------------------------------------------------------------------------------


def test_a_message_that_is_too_large(run: Run) -> None:
    data = HEAD + frame(2, bytes(2000)) + HEAD
    result = run(data, "--json", "--max-message-size", "1K")
    (note,) = [note for note in result.of("note") if note["kind"] == "limit"]
    assert (result.code, result.texts, note["offset"]) == (2, ["fine"], len(HEAD))
    assert run(data, "--json", "--max-message-size", "2K").code == 0


def test_a_bomb(run: Run) -> None:
    bomb = deflated(bytes(5 << 20))
    made = Tcp().handshake(DEFLATE).send(SERVER, frame(2, bomb, rsv=4))
    result = run(made.pcap(), "--json", "--max-message-size", "1M")
    assert (result.code, result.of("message")) == (2, [])
    assert [note["kind"] for note in result.of("note")] == ["limit"]


def test_a_compressed_message_that_never_ends(run: Run) -> None:
    made = Tcp().handshake(DEFLATE)
    head = struct.pack("!BBQ", 0x42, 127, 1 << 40)
    made.send(SERVER, head, *[bytes(1000)] * 5)
    result = run(made.pcap(), "--json", "--max-message-size", "2K")
    assert (result.code, [note["kind"] for note in result.of("note")]) == (2, ["limit"])


def test_a_message_of_too_many_frames(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "MAX_FRAGMENTS", 5)
    data = frame(2, b"", fin=False) + frame(0, b"", fin=False) * 9
    result = run(data, "--json")
    assert (result.code, result.of("note")[1]["kind"]) == (2, "limit")


def test_frames_that_wait_for_a_compressed_message_are_few(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "MAX_WAITING_FRAMES", 5)
    payload = deflated(b"hello")
    made = Tcp().handshake(DEFLATE)
    made.send(SERVER, frame(1, payload[:1], fin=False, rsv=4), frame(9, b"ping"))
    made.send(SERVER, *[frame(0, b"", fin=False)] * 20, frame(0, payload[1:]))
    result = run(made.pcap(), "--json")
    assert [item["opcode"] for item in result.of("message")] == ["ping", "text"]
    ping, text = result.of("message")
    assert ping["time"] < text["time"] - 0.01
    assert (text["text"], text["frames"]) == ("hello", 22)


def test_a_large_compressed_message(run: Run) -> None:
    import random

    data = random.Random(1).randbytes(200_000)
    payload = frame(2, deflated(data, 1), rsv=4)
    made = Tcp().handshake(DEFLATE)
    made.send(SERVER, *(payload[i : i + 50_000] for i in range(0, len(payload), 50_000)))
    (message,) = run(made.pcap(), "--json", "--preview", "1000000").of("message")
    assert bytes.fromhex(message["hex"]) == data


def test_the_handshake_and_frames_share_a_segment(run: Run) -> None:
    made = Tcp().open().send(CLIENT, request() + frame(1, b"early", key=KEY))
    made.send(SERVER, response() + HEAD[:3]).send(SERVER, HEAD[3:])
    data = pcap(made.packets)
    result = run(data, "--json")
    assert result.texts == ["early", "fine"]
    for item in result.of("message"):
        assert data[item["file_offset"]] == 0x81
        assert item["offset"] == 0
