"""The two directions of one TCP connection, or a stream by itself: the handshake, then frames.

A connection begins as HTTP, as TLS, or as something else. After a request and a response that
upgrade it, each direction has a Reader. A connection that was open before the capture began has no
handshake; it counts as a WebSocket once a segment consists of whole frames.
"""

from __future__ import annotations

from fastframe._inspect import handshake
from fastframe._inspect.escapes import plural
from fastframe._inspect.events import (
    CLIENT,
    SERVER,
    Broken,
    Connection,
    Ended,
    Event,
    Note,
    Opened,
    Piece,
)
from fastframe._inspect.handshake import Head
from fastframe._inspect.messages import Reader, place_of
from fastframe._inspect.sides import Context, Side, frames_only
from fastframe.deflate import Agreement, NegotiationError

MAX_EARLY = 1 << 16  # bytes of frames that come before the response, in memory
EARLY_COST = 300  # of a segment, besides its payload
MAX_TRIES = 64  # segments in which frames are looked for, where there is no handshake
TLS_RECORD = b"\x16\x03"  # a handshake record of TLS (RFC 8446, 5.1)
HTTP2_PREFACE = b"PRI * HTTP/2"
TLS_ADVICE = (
    "TLS: the frames in it are encrypted. Have the client write its keys (SSLKEYLOGFILE=keys.txt); "
    "then Wireshark can decrypt the capture and export the data as a stream of one direction"
)


UNKNOWN, HTTP, FRAMES, OTHER = "unknown", "http", "frames", "other"


class Conversation:
    """names: address and port of both sides, of who sent the first packet first. from_start: the
    capture has the beginning of the connection. alone: a stream of one direction, which is side
    0."""

    def __init__(
        self, context: Context, names: tuple[str, str], *, from_start: bool, alone: bool = False
    ) -> None:
        self.context = context
        self.state = UNKNOWN
        self.connection: Connection | None = None
        self.sides = (Side(names[0]), Side(names[1]))
        self._from_start = from_start
        self._alone = alone
        self._request: Head | None = None
        self._time: int | None = None
        self._agreement: Agreement | None = None
        self.tls = False
        self._refused = False

    # ---- bytes in --------------------------------------------------------------------------------

    def feed(self, side: int, piece: Piece) -> list[Event]:
        """The next bytes of a side, in order."""
        this = self.sides[side]
        if this.reader is not None:
            assert self.connection is not None
            self.connection.last = piece.time
            return this.reader.feed(piece)
        if this.lost or self.state == OTHER:
            return []
        self._time = piece.time
        if self.state == UNKNOWN:
            events = self._begin(piece.data)
            if self.state != HTTP:
                return events + self._look_for_frames(this, piece)
        if self.state == FRAMES:
            return self._look_for_frames(this, piece)
        return self._http(this, piece)

    def lose(self, side: int, text: str, missing: int, time: int | None) -> list[Event]:
        """What follows in this direction is not known any more."""
        this = self.sides[side]
        if this.lost or self.state in (OTHER, UNKNOWN):
            this.lost = True
            return []
        this.lost = True
        this.totals.gaps += 1
        offset = this.totals.bytes if this.reader is not None else None
        this.reader = None
        this.early = []
        if self.connection is None and self._request is None:
            self.state = OTHER
            return []
        size = plural(missing, "byte")
        return [
            Note(
                "gap", f"{text} ({size}): the rest of what the {this.sender} sent is not read",
                self.connection, this.sender, time, offset, None, True,
            )
        ]  # fmt: skip

    def may_wait(self, side: int) -> bool:
        """Whether what a side sent may be put together with what it sends next: it is only
        counted."""
        return self.context.settings.detail == "none" and self.sides[side].reader is not None

    @property
    def inflates(self) -> bool:
        """Whether there are windows in memory."""
        return self._agreement is not None

    @property
    def held(self) -> int:
        """Bytes in memory."""
        size = 0
        for side in self.sides:
            if side.reader is not None:
                size += side.reader.pending
            size += len(side.head) + side.early_bytes
        return size

    def end(self) -> list[Event]:
        """No more bytes come."""
        events: list[Event] = []
        if self.connection is None and self._request is not None:
            events = self._open(None, CLIENT)
        for side in self.sides:
            if side.reader is not None:
                events += side.reader.finish()
                if side.reader.after_close:
                    late = plural(side.reader.after_close, "byte")
                    text = f"not read: {late} after the Close frame"
                    events.append(
                        Note("after-close", text, self.connection, side.sender, self._time)
                    )
        if self.connection is not None:
            events.append(Ended(self.connection))
        elif self.tls:
            self.context.summary.tls += 1
        elif not self._refused and (self.state != UNKNOWN or any(s.tries for s in self.sides)):
            self.context.summary.other += 1
        return events

    # ---- what it is ------------------------------------------------------------------------------

    def _begin(self, piece: bytes) -> list[Event]:
        if handshake.may_start_http(piece):
            self.state = HTTP
        elif piece.startswith(TLS_RECORD):
            self.state, self.tls = OTHER, True
            if self.context.summary.tls == 0 and not self._alone:
                names = " and ".join(side.name for side in self.sides)
                return [Note("tls", f"{names}: {TLS_ADVICE}")]
        elif piece.startswith(HTTP2_PREFACE):
            self.state = OTHER
            return [Note("http2", "HTTP/2: WebSockets in its streams (RFC 8441) are not read")]
        elif self._from_start:
            self.state = OTHER
        return []

    def _look_for_frames(self, this: Side, piece: Piece) -> list[Event]:
        """Frames without a handshake begin with the first segment that consists of whole frames."""
        if self.state == OTHER:
            return []
        this.tries += 1
        masked = frames_only(piece.data)
        wanted = {CLIENT: True, SERVER: False}.get(this.sender)
        if masked is None or wanted not in (None, masked):
            if this.tries >= MAX_TRIES:
                this.lost = True
                if all(side.lost for side in self.sides):
                    self.state = OTHER
            return []
        events: list[Event] = []
        if self.connection is None:
            sender = CLIENT if masked else SERVER
            events = self._open_without_handshake(this, sender)
        assert self.connection is not None
        this.reader = Reader(self.connection, this.sender, self._agreement, self.context.settings)
        return events + this.reader.feed(piece)

    def begin_with_frames(self, sender: str) -> list[Event]:
        """A stream without a handshake; side 0 is `sender`."""
        this = self.sides[0]
        events = self._open_without_handshake(this, sender)
        assert self.connection is not None
        this.reader = Reader(self.connection, sender, self._agreement, self.context.settings)
        return events

    def _open_without_handshake(self, this: Side, sender: str) -> list[Event]:
        self.state = FRAMES
        self._name_senders(this, sender)
        connection = self._new_connection()
        connection.deflate = self.context.settings.deflate
        if connection.deflate:
            self._agreement = handshake.agreement(connection.deflate)
        return [Opened(connection)]

    def _name_senders(self, this: Side, sender: str) -> None:
        other = self.sides[0] if this is self.sides[1] else self.sides[1]
        this.sender = sender
        other.sender = SERVER if sender == CLIENT else CLIENT

    def _new_connection(self) -> Connection:
        """The senders are known."""
        names = {side.sender: side.name for side in self.sides}
        self.connection = Connection(
            self.context.number(), names[CLIENT], names[SERVER],
            sent={side.sender: side.totals for side in self.sides},
        )  # fmt: skip
        self.connection.opened = self.connection.last = self._time
        return self.connection

    # ---- the handshake ---------------------------------------------------------------------------

    def _http(self, this: Side, piece: Piece) -> list[Event]:
        data = piece.data
        if this.sender == CLIENT and self._request is not None:
            this.early.append(piece)
            this.early_bytes += len(data) + EARLY_COST
            return self._open(None, CLIENT) if this.early_bytes > MAX_EARLY else []
        if handshake.starts_http(data):
            this.head.clear()
            this.skipping = False
        elif this.skipping:
            return []
        this.head += data
        end = this.head.find(b"\r\n\r\n")
        if end < 0:
            if len(this.head) > handshake.MAX_HEAD:
                this.head.clear()
                this.skipping = True
            return []
        head = handshake.read_head(bytes(this.head[:end]))
        rest = bytes(this.head[end + 4 :])
        after = Piece(
            rest, [(0, place_of(piece.places, len(data) - len(rest)), piece.time)], piece.time
        )
        this.head.clear()
        is_response = head.first_line.startswith("HTTP/")
        this.skipping = True
        if is_response:
            return self._response(this, head, after)
        if head.upgrades:
            self._request = head
            self._name_senders(this, CLIENT)
            this.early = [after]
            this.early_bytes = len(rest) + EARLY_COST
            if self._alone:
                return self._open(None, CLIENT)
        return []

    def _response(self, this: Side, head: Head, rest: Piece) -> list[Event]:
        if head.status == 101 and head.upgrades:
            self._name_senders(this, SERVER)
            this.early = [rest]
            return self._open(head, SERVER)
        if self._request is None or head.status < 200:
            return []
        connection = self._new_connection()
        connection.status = head.status
        self._describe(connection, None)
        self.connection, self._request = None, None
        self._refused = True
        return [Opened(connection), Ended(connection)]

    def _describe(self, connection: Connection, response: Head | None) -> None:
        if self._request is not None:
            connection.path = self._request.path
            connection.host = self._request.headers.get("host", "")
        if response is not None:
            connection.status = response.status
            connection.subprotocol = response.headers.get("sec-websocket-protocol", "")
            connection.deflate = response.headers.get("sec-websocket-extensions", "")

    def _open(self, response: Head | None, sender: str) -> list[Event]:
        """From here on there are frames; `response` is None if only the request is there."""
        self.state = FRAMES
        connection = self._new_connection()
        connection.handshake = True
        self._describe(connection, response)
        events: list[Event] = [Opened(connection)]
        broken = None
        if response is None:
            connection.deflate = self.context.settings.deflate
            events.append(
                Note(
                    "no-response", "the response to the handshake is not there: name what it "
                    "agreed on with --deflate", connection, sender, self._time,
                )
            ) if not connection.deflate else None  # fmt: skip
        elif self._request is not None:
            accept = response.headers.get("sec-websocket-accept", "")
            if accept != self._request.expected_accept():
                broken = ("handshake-accept", "RFC 6455, 4.1",
                          "Sec-WebSocket-Accept does not answer the request's key")  # fmt: skip
        try:
            self._agreement = handshake.agreement(connection.deflate)
        except NegotiationError as error:
            broken = ("handshake-extensions", "RFC 7692, 7.1", str(error))
        if broken is not None:
            rule, section, reason = broken
            events.append(
                Broken(connection, SERVER, self._time, rule, section, reason, 1002, 0, None, b"", 0)
            )
        for side in self.sides:
            if (self._alone and side.sender != sender) or side.lost:
                continue
            side.reader = Reader(connection, side.sender, self._agreement, self.context.settings)
            for piece in side.early:
                events += side.reader.feed(piece)
            side.early, side.early_bytes = [], 0
        return events
