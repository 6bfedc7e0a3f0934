"""What reading a capture yields: connections, their messages, and what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from fastframe._types import Opcode

CLIENT, SERVER = "client", "server"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user says about the file, and the limits."""

    detail: str = "messages"
    """Which objects a Batch has: "messages", "frames" or "none"."""
    sent_by: str = ""
    """Who sent a stream without a handshake, "client" or "server"; "" to guess it."""
    deflate: str = ""
    """What was agreed on, where the capture has no response."""
    max_message_size: int = 16 << 20
    memory: int = 20 << 20
    """In bytes, of all connections together: segments that wait for earlier ones, and messages that
    are not complete."""


class InspectError(Exception):
    """The file cannot be inspected; the text is one line for a person."""


@dataclass(slots=True)
class Totals:
    """What one end has sent so far."""

    bytes: int = 0
    """After the handshake, headers of frames included."""
    frames: int = 0
    messages: int = 0
    """Text and binary."""
    payload_bytes: int = 0
    """Of these messages, inflated."""
    wire_bytes: int = 0
    """Of these messages, as they were sent, without headers."""
    retransmissions: int = 0
    reordered: int = 0
    gaps: int = 0
    close: tuple[int, str] | None = None
    """Status code and reason of its Close frame."""


@dataclass(slots=True)
class Connection:
    """A WebSocket connection. Empty strings for what is not known."""

    number: int
    """From 1, in the order in which they were found."""
    client: str = ""
    """Address and port."""
    server: str = ""
    path: str = ""
    host: str = ""
    subprotocol: str = ""
    deflate: str = ""
    """What was agreed on, as in the response's Sec-WebSocket-Extensions."""
    handshake: bool = False
    """Whether the capture has it."""
    status: int | None = None
    """Of the HTTP response; 101 for a connection that was opened."""
    opened: int | None = None
    """In nanoseconds since the epoch; None for a stream without times."""
    last: int | None = None
    closed_by: str = ""
    """Who sent the first Close, "client" or "server"; "" without one."""
    sent: dict[str, Totals] = field(default_factory=lambda: {CLIENT: Totals(), SERVER: Totals()})


@dataclass(slots=True)
class Opened:
    """A handshake was read, or a stream without one turned out to be frames."""

    connection: Connection


@dataclass(slots=True)
class Message:
    """A message or a control frame; with `--frames` a frame."""

    connection: Connection
    sender: str
    """Who sent it: "client" or "server"."""
    time: int | None
    """When its last byte was captured, in nanoseconds since the epoch."""
    offset: int
    """Of its first header, in bytes from the start of what this end sent."""
    file_offset: int
    """The same in the file."""
    opcode: Opcode
    fin: bool
    rsv: int
    """The RSV bits of the first frame; RSV1 is 4."""
    masked: bool
    frames: int
    """How many frames it has."""
    wire_length: int
    """Of its payloads in bytes, as they were sent."""
    length: int | None
    """Of its payload, inflated; None for a frame inside a compressed message."""
    payload: bytes
    """All of it; of a frame, its first bytes."""
    is_text: bool
    close: tuple[int, str] | None = None
    """Status code and reason of a Close frame."""
    label: str = ""
    """What the payload is for in the connection's subprotocol."""

    @property
    def truncated(self) -> bool:
        """Whether `payload` is only the beginning."""
        size = self.wire_length if self.length is None else self.length
        return self.close is None and len(self.payload) < size

    @property
    def compressed(self) -> bool:
        """RSV1: permessage-deflate (RFC 7692, 6)."""
        return self.rsv & 4 != 0


# Where a piece of a stream comes from, for each segment in it: where it begins in the piece, and in
# the file, and when it was captured.
Places = list[tuple[int, int, int | None]]


class Piece(NamedTuple):
    """Bytes of one direction, in order."""

    data: bytes
    places: Places
    time: int | None
    """When the last of them was captured, in nanoseconds since the epoch."""


# A frame as FrameHeaders.feed yields it: offset, header size, payload length, opcode, FIN, RSV,
# masked.
Row = tuple[int, int, int, int, bool, int, bool]


@dataclass(slots=True)
class Batch:
    """What the last bytes of one end have completed: for statistics, which need no object for each
    message."""

    connection: Connection
    sender: str
    time: int | None
    offset: int
    """How many bytes this end had sent before, after its handshake."""
    payloads: list[object]
    """As Decoder yields them: Text, bytes, Ping, Pong, Close."""
    texts: int
    binaries: int
    sizes: dict[int, int]
    """How many text and binary messages there are of each size, inflated."""
    frames: int
    wire_bytes: int
    """Of the payloads of data frames, as they were sent."""
    control_times: list[int | None]
    """When each control frame among the payloads was captured."""
    messages: list[Message]
    """The same as objects, if Settings.detail asks for them."""


@dataclass(slots=True)
class Note:
    """Something that a reader of the messages must know: a gap, TLS, a guess."""

    kind: str
    text: str
    connection: Connection | None = None
    sender: str = ""
    time: int | None = None
    offset: int | None = None
    file_offset: int | None = None
    incomplete: bool = False
    """Part of the file was not checked."""


@dataclass(slots=True)
class Broken:
    """A rule that one end broke; nothing more of this end is read."""

    connection: Connection
    sender: str
    time: int | None
    rule: str
    section: str
    reason: str
    code: int
    """The status code with which a strict peer would have closed the connection."""
    offset: int
    """Of the header of the frame that broke it, in bytes from the start of what this end sent."""
    file_offset: int | None
    """The same in the file; None for a frame inside a compressed message."""
    around: bytes
    """Bytes of the stream around the header of the frame."""
    before: int
    """How many of them come before the header."""


@dataclass(slots=True)
class Ended:
    """The connection has ended, or the capture has."""

    connection: Connection


@dataclass(slots=True)
class Summary:
    """What there was in the file; the last event."""

    kind: str
    """"pcap", "pcapng" or "stream"."""
    bytes: int = 0
    packets: int = 0
    tcp_connections: int = 0
    websockets: int = 0
    tls: int = 0
    other: int = 0
    """TCP connections with data that is neither WebSocket nor TLS."""
    skipped: dict[str, int] = field(default_factory=dict)
    """Packets that were not read, by reason."""


Event = Opened | Batch | Note | Broken | Ended | Summary
