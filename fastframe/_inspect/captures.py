"""What kind of file it is, and the packets of a capture (pcap, pcapng)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from fastframe._inspect.events import InspectError
from fastframe._inspect.source import BLOCK, Source

PCAP = {  # byte order, and nanoseconds for each unit of the fraction of a second
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}
PCAPNG = b"\x0a\x0d\x0d\x0a"
# None of these begins a frame, and neither do the captures above: the opcode is reserved, a
# reserved bit is set, or a control frame is fragmented (RFC 6455, 5.2 and 5.5).
COMPRESSED = {
    b"\x1f\x8b": "gzip: unpack it first, with gunzip",
    b"\x28\xb5\x2f\xfd": "Zstandard: unpack it first, with unzstd",
    b"BZh": "bzip2: unpack it first, with bunzip2",
    b"\xfd7zXZ": "xz: unpack it first, with unxz",
    b"PK\x03\x04": "a ZIP archive: unpack it first",
}
MAX_PACKET = 1 << 18  # bytes; the largest that tcpdump and Wireshark capture
MAX_BLOCK = 1 << 20  # of pcapng: a packet and its options
MAX_INTERFACES = 1 << 12

SECTION, INTERFACE, OLD_PACKET, SIMPLE_PACKET, PACKET = PCAPNG, 1, 2, 3, 6
IF_TSRESOL, IF_TSOFFSET = 9, 14


# A packet, `data[start:end]`, as a tuple: its link type (https://www.tcpdump.org/linktypes.html),
# its time in nanoseconds since the epoch (None if the capture does not say), data, start, end, and
# where data begins in the file.
Packet = tuple[int, int | None, bytes, int, int, int]


def kind_of(magic: bytes) -> str:
    """ "pcap", "pcapng" or "stream", from the first bytes of a file. InspectError for a file that
    must be unpacked first."""
    if magic[:4] in PCAP:
        return "pcap"
    if magic[:4] == PCAPNG:
        return "pcapng"
    for start, text in COMPRESSED.items():
        if magic.startswith(start):
            raise InspectError(f"this is compressed with {text}")
    return "stream"


# ---- pcap ----------------------------------------------------------------------------------------


def pcap_packets(source: Source, magic: bytes) -> Iterator[Packet]:
    """The packets after `magic`, which was read. InspectError where the file is cut or damaged,
    after all packets before."""
    order, scale = PCAP[magic]
    header = source.read_exactly(20)
    if len(header) < 20:
        raise InspectError("the header of the pcap file is cut off")
    link = struct.unpack(f"{order}I", header[16:])[0] & 0xFFFF  # the rest is about a checksum
    record = struct.Struct(f"{order}IIII").unpack_from
    data, position, base = b"", 0, 24
    while True:
        available = len(data)
        while available - position >= 16:
            seconds, fraction, captured, _ = record(data, position)
            if captured > MAX_PACKET:
                raise InspectError(
                    f"the capture is damaged at offset {base + position}: a packet of "
                    f"{captured:,} bytes"
                )
            start = position + 16
            end = start + captured
            if end > available:
                break
            position = end
            time = seconds * 1_000_000_000 + fraction * scale
            yield link, time, data, start, end, base
        more = source.read(BLOCK)
        if not more:
            break
        base += position
        data, position = data[position:] + more, 0
    if position < len(data):
        raise InspectError(f"the capture is cut off inside the packet at offset {base + position}")


# ---- pcapng --------------------------------------------------------------------------------------


class Interface(NamedTuple):
    link: int
    snap_length: int
    units: int
    """Of its clock, for each second."""
    seconds: int
    """To be added to its times."""


def pcapng_packets(source: Source, magic: bytes) -> Iterator[Packet]:
    """As `pcap_packets`; each section may have its own byte order, and each interface its own link
    type and clock."""
    order = "<"
    interfaces: list[Interface] = []
    head = magic + source.read_exactly(4)
    while head:
        at = source.position - len(head)
        if len(head) == 8 and head[:4] == SECTION:
            mark = source.read_exactly(4)
            order = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}.get(mark, "")
            if not order and len(mark) == 4:
                raise InspectError(f"the capture is damaged at offset {at}: no byte order")
            head += mark
            interfaces = []
        if len(head) < 8 or not order:
            raise InspectError(f"the capture is cut off at offset {at}")
        kind, size = struct.unpack(f"{order}II", head[:8])
        if size < len(head) + 4 or size % 4 or size > MAX_BLOCK:
            raise InspectError(f"the capture is damaged at offset {at}: a block of {size:,} bytes")
        body = head[8:] + source.read_exactly(size - len(head))
        if len(body) < size - 8:
            raise InspectError(f"the capture is cut off inside the block at offset {at}")
        if struct.unpack(f"{order}I", body[-4:])[0] != size:
            raise InspectError(f"the capture is damaged at offset {at}: two lengths of one block")
        try:
            if kind == INTERFACE:
                interfaces.append(interface(order, body[:-4]))
                if len(interfaces) > MAX_INTERFACES:
                    raise InspectError("the capture has too many interfaces")
            elif kind in (PACKET, OLD_PACKET, SIMPLE_PACKET):
                yield block_packet(order, kind, body[:-4], interfaces, at + 8)
        except (struct.error, IndexError):
            raise InspectError(f"the capture is damaged at offset {at}: a block of type {kind}") \
                from None  # fmt: skip
        head = source.read_exactly(8)


def interface(order: str, body: bytes) -> Interface:
    """An Interface Description Block. struct.error if it is too short."""
    link, _, snap_length = struct.unpack_from(f"{order}HHI", body)
    units, seconds = 1_000_000, 0
    position = 8
    while position + 4 <= len(body):
        code, size = struct.unpack_from(f"{order}HH", body, position)
        value = body[position + 4 : position + 4 + size]
        if code == IF_TSRESOL and size == 1:
            # A power of two if the top bit is set, of ten otherwise.
            units = 2 ** min(value[0] & 0x7F, 64) if value[0] & 0x80 else 10 ** min(value[0], 19)
        elif code == IF_TSOFFSET and size == 8:
            (seconds,) = struct.unpack(f"{order}q", value)
        position += 4 + (size + 3) // 4 * 4
    return Interface(link, snap_length, units, seconds)


def block_packet(
    order: str, kind: int, body: bytes, interfaces: list[Interface], file_offset: int
) -> Packet:
    """The packet of a block. struct.error or IndexError if it is none."""
    if kind == SIMPLE_PACKET:
        (length,) = struct.unpack_from(f"{order}I", body)
        seen = interfaces[0]
        captured, start, time = min(length, seen.snap_length or length, len(body) - 4), 4, None
    else:
        layout = f"{order}IIIII" if kind == PACKET else f"{order}HxxIIII"
        number, high, low, captured, _ = struct.unpack_from(layout, body)
        seen = interfaces[number]
        start = 20
        units = high << 32 | low
        time = units * 1_000_000_000 // seen.units + seen.seconds * 1_000_000_000
    if start + captured > len(body):
        raise IndexError
    return seen.link, time, body, start, start + captured, file_offset
