"""Files: pcap and pcapng in all their forms, and what is neither."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest

pytest.importorskip("dpkt")

import dpkt

from fastframe._inspect import captures
from fastframe._inspect.source import Source
from tests.inspect.captures import (
    CLIENT,
    ETHERNET,
    RAW,
    SERVER,
    START,
    Tcp,
    block,
    enhanced,
    interface,
    option,
    pcap,
    pcapng,
    section,
    write,
)
from tests.inspect.conftest import Run
from tests.strategies import frame


def hello(link: int = ETHERNET) -> Tcp:
    return Tcp(link).handshake().send(SERVER, frame(1, b"hello"))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nano", [False, True])
def test_pcap(run: Run, order: str, nano: bool) -> None:
    data = pcap(hello().packets, order=order, nano=nano)
    result = run(data, "--json")
    (message,) = result.of("message")
    assert result.code == 0
    assert message["text"] == "hello"
    assert message["time"] == pytest.approx(START / 1e9 + 0.005)
    assert data[message["file_offset"] :][:7] == frame(1, b"hello")
    assert result.of("summary")[0]["kind"] == "pcap"


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng(run: Run, order: str) -> None:
    data = pcapng(hello().packets, order=order)
    result = run(data, "--json")
    (message,) = result.of("message")
    assert (result.code, message["text"]) == (0, "hello")
    assert message["time"] == pytest.approx(START / 1e9 + 0.005)
    assert data[message["file_offset"] :][:7] == frame(1, b"hello")


def test_packets_are_as_dpkt_reads_them(tmp_path: Path) -> None:
    packets = hello().packets
    for data, reader in ((pcap(packets), dpkt.pcap.Reader), (pcapng(packets), dpkt.pcapng.Reader)):
        theirs = [(round(float(time), 3), bytes(raw)) for time, raw in reader(io.BytesIO(data))]
        with Source(str(write(tmp_path, data))) as source:
            magic = source.read_exactly(4)
            kind = captures.kind_of(magic)
            read = captures.pcap_packets if kind == "pcap" else captures.pcapng_packets
            ours = [
                (round(time / 1e9, 3), raw[start:end])
                for _, time, raw, start, end, _ in read(source, magic)
                if time is not None
            ]
        assert ours == theirs
        assert len(ours) == len(packets)


def test_a_file_that_dpkt_has_written(run: Run) -> None:
    out = io.BytesIO()
    writer = dpkt.pcapng.Writer(out)
    for time, raw in hello().packets:
        writer.writepkt(raw, ts=time / 1e9)
    assert run(out.getvalue(), "--json").texts == ["hello"]


def test_interfaces_have_their_own_link_and_clock(run: Run) -> None:
    packets = hello().packets
    raw = hello(RAW).packets
    nano = (captures.IF_TSRESOL, b"\x09")
    binary = (captures.IF_TSRESOL, b"\x94")  # 2 to the power of 20
    shift = (captures.IF_TSOFFSET, struct.pack("<q", 100))
    body = (
        section()
        + interface(ETHERNET, "<", (2, b"eth0"), nano)
        + interface(RAW, "<", binary, shift)
    )
    for time, data in packets[:-1]:
        body += enhanced(time, data)
    body += block("<", 99, b"of another kind")
    body += enhanced((START // 10**9 - 100) << 20, raw[-1][1], 1)
    (message,) = run(body, "--json").of("message")
    assert (message["text"], message["time"]) == ("hello", START / 1e9)


def test_old_and_simple_packet_blocks(run: Run) -> None:
    packets = hello().packets
    body = section() + interface(ETHERNET)
    for _, data in packets[:-1]:
        body += block("<", 3, struct.pack("<I", len(data)) + data)
    time, data = packets[-1]
    micro = time // 1000
    head = struct.pack("<HHIIII", 0, 0, micro >> 32, micro & 0xFFFFFFFF, len(data), len(data))
    body += block("<", 2, head + data)
    result = run(body, "--json")
    assert result.texts == ["hello"]
    assert result.of("opened")[0]["time"] is None
    assert result.of("message")[0]["time"] == pytest.approx(START / 1e9 + 0.005)


def test_a_section_may_follow(run: Run) -> None:
    packets = hello().packets
    data = pcapng(packets[:4]) + pcapng(packets[4:], order=">")
    assert run(data, "--json").texts == ["hello"]


GOOD = pcapng(hello().packets)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (section()[:10], "cut off at offset 0"),
        (section()[:8] + b"none" + section()[12:], "damaged at offset 0: no byte order"),
        (section() + b"abc", "cut off at offset 28"),
        (section() + struct.pack("<II", 1, 8) + b"1234", "offset 28: a block of 8 bytes"),
        (section() + struct.pack("<II", 1, 1 << 30), "offset 28: a block of 1,073,741,824 bytes"),
        (section() + struct.pack("<II", 1, 20) + bytes(4), "cut off inside the block at offset 28"),
        (section()[:-4] + bytes(4), "offset 0: two lengths of one block"),
        (section() + block("<", 6, bytes(20)), "offset 28: a block of type 6"),
        (section() + block("<", 3, b""), "offset 28: a block of type 3"),
        (section() + block("<", 1, b""), "offset 28: a block of type 1"),
        (
            section() + interface(1) + block("<", 6, struct.pack("<IIIII", 0, 0, 0, 99, 99)),
            "offset 48: a block of type 6",
        ),
        (section() + interface(1) * 4097, "the capture has too many interfaces"),
        (pcap([])[:20], "the header of the pcap file is cut off"),
        (pcap([]) + bytes(8) + b"\xff" * 8, "offset 24: a packet of 4,294,967,295 bytes"),
        (pcap([(0, b"x" * 60)])[:-1], "cut off inside the packet at offset 24"),
    ],
)  # fmt: skip
def test_damaged(run: Run, data: bytes, text: str) -> None:
    result = run(data, "--json")
    assert result.code == 2
    note = result.of("note")[0]
    assert (note["kind"], note["incomplete"]) == ("damaged", True)
    assert text in note["text"]


def test_what_came_before_the_damage_is_shown(run: Run) -> None:
    result = run(hello().pcap() + b"\0" * 15, "--json")
    assert result.texts == ["hello"]
    assert result.code == 2


def test_options_that_lie(run: Run) -> None:
    lying = struct.pack("<HHI", 1, 0, 0) + struct.pack("<HH", 9, 60000) + b"\x06"
    body = section() + block("<", 1, lying + option("<", 9, b"\x06"))
    packets = b"".join(enhanced(time // 1000, data) for time, data in hello().packets)
    assert run(body + packets, "--json").texts == ["hello"]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "the file is empty"),
        (b"\x1f\x8b\x08\x00", "compressed with gzip: unpack it first, with gunzip"),
        (b"\x28\xb5\x2f\xfd", "compressed with Zstandard"),
        (b"hello, world\n", "neither a capture (pcap, pcapng) nor WebSocket frames: a control"),
        (b"\x81", "nor WebSocket frames: its header is cut off"),
        (b"\xb1\x00", "reserved bits are set, if it were a frame (first bytes b1 00)"),
        (b"\x16\x03\x01\x02\x00\x01", "TLS: the frames in it are encrypted."),
    ],
)  # fmt: skip
def test_what_is_no_capture(run: Run, data: bytes, text: str) -> None:
    result = run(data)
    assert (result.code, result.out) == (2, "")
    assert result.err.count("\n") == 1
    assert text in result.err
    assert "Traceback" not in result.err


def test_a_client_of_its_own(run: Run) -> None:
    packets = Tcp().open().send(CLIENT, b"not a WebSocket").packets
    result = run(pcap(packets), "--json")
    assert result.code == 2
    assert result.of("note")[0]["text"].startswith(
        "no WebSocket connection was found (4 packets; 1 TCP connection)"
    )
    assert result.of("summary")[0]["other"] == 1
