"""The frames of one direction: bytes to messages, with the offsets that Decoder does not keep."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from operator import itemgetter

from fastframe._codec.control_frames import Close
from fastframe._codec.decoder import Decoder
from fastframe._codec.frame_table import FrameHeaders
from fastframe._codec.kernels import apply_mask
from fastframe._inspect.escapes import plural
from fastframe._inspect.events import (
    CLIENT,
    Batch,
    Broken,
    Connection,
    Event,
    Note,
    Piece,
    Places,
    Row,
    Settings,
)
from fastframe._inspect.objects import LocatedFrame, Objects
from fastframe._inspect.source import BLOCK as SOURCE_BLOCK
from fastframe._types import Opcode, ProtocolError, Role, Text
from fastframe.deflate import Agreement

MAX_FRAGMENTS = 1 << 20
BEFORE, AFTER = 16, 32  # bytes shown around a header that breaks a rule
PREVIEW = 256  # bytes of a frame's payload that are kept for --frames
MAX_HEADER = 14
MAX_WAITING_FRAMES = 1 << 12  # that came after a control frame inside a message held back
SLICE = 1 << 16  # bytes that Decoder gets at once of a message that was held back
MESSAGE_TOO_BIG = 1009
RSV_RULE = "reserved-bit"
RSV1_ADVICE = (
    "if the handshake that is missing agreed on permessage-deflate, say so with --deflate "
    "permessage-deflate"
)


class Reader:
    """Reads what one end sends after its handshake.

    A compressed message is held back until it is complete: of many that are open, only one at a
    time is inflated. What is not compressed goes to Decoder as it comes.
    """

    def __init__(
        self, connection: Connection, sender: str, agreement: Agreement | None, settings: Settings
    ) -> None:
        self.connection = connection
        self.sender = sender
        self.after_close = 0
        """Bytes that came after its Close frame."""
        self._totals = connection.sent[sender]
        self._detail = settings.detail
        self._max_held = settings.max_message_size if agreement is not None else 0
        self._headers = FrameHeaders()
        self._decoder = Decoder(
            Role.SERVER if sender == CLIENT else Role.CLIENT,
            decode_text=False,
            max_message_size=settings.max_message_size,
            max_fragments=MAX_FRAGMENTS,
            deflate=agreement,
        )
        self._position = 0
        self._held = bytearray()
        # The frame that is not complete: where it begins, and the bytes around its header.
        self._marked: int | None = None
        self._mark_file_offset = 0
        self._window = b""
        self._before = 0
        self._objects = Objects(connection, sender, frames=settings.detail == "frames")

    @property
    def pending(self) -> int:
        """Bytes in memory: those of the message that is not complete."""
        return self._position - self._headers.boundary

    # ---- bytes in --------------------------------------------------------------------------------

    def feed(self, piece: Piece) -> list[Event]:
        """What the next bytes of the stream complete."""
        if self._decoder.finished:
            self.after_close += len(piece.data) if self._totals.close is not None else 0
            return []
        start = self._position
        self._position += len(piece.data)
        before = self._headers.frames, self._headers.data_bytes
        rows: list[Row] = self._headers.feed(piece.data, self._detail == "none")
        payloads, error = self._decode(self._released(piece.data, rows))
        end = self._position
        if self._decoder.finished:
            end = self._end(rows, error)
            rows = [row for row in rows if row[0] < end]
            self.after_close += self._position - end if error is None else 0
        self._totals.bytes += max(end - start, 0)
        events: list[Event] = []
        new = self._new(before, piece, end - start)
        if new[0] or payloads:
            events.append(self._batch(rows, payloads, piece, start, new))
        if error is not None:
            events.append(self._refused(error, end, piece, start))
            if error.rule == RSV_RULE and not self.connection.status:
                events.append(
                    Note("deflate", RSV1_ADVICE, self.connection, self.sender, piece.time)
                )
        self._remember(piece, start)
        return events

    def _new(self, before: tuple[int, int], piece: Piece, end: int) -> tuple[int, int]:
        """How many frames a piece has completed, and the bytes in their payloads, control frames
        left out. Where the stream ended inside of it, at `end`, what follows does not count."""
        if end < 0:
            return 0, 0
        frames, data_bytes = self._headers.frames - before[0], self._headers.data_bytes - before[1]
        if end < len(piece.data):
            late = FrameHeaders()
            late.feed(piece.data[end:], True)
            return frames - late.frames, data_bytes - late.data_bytes
        return frames, data_bytes

    def _batch(
        self,
        rows: list[Row],
        payloads: list[object],
        piece: Piece,
        start: int,
        new: tuple[int, int],
    ) -> Batch:
        kinds = Counter(map(type, payloads))
        texts, binaries = kinds[Text], kinds[bytes]
        messages = payloads
        control_times: list[int | None] = []
        if texts + binaries < len(payloads):
            messages = [payload for payload in payloads if isinstance(payload, bytes)]
            control_times = self._control_times(rows, piece, start)
            if len(control_times) != len(payloads) - len(messages):  # some were held back
                control_times = [piece.time] * (len(payloads) - len(messages))
        sizes = Counter(map(len, messages))  # type: ignore[arg-type]
        frames, wire_bytes = new
        totals = self._totals
        totals.frames += frames
        totals.wire_bytes += wire_bytes
        totals.messages += texts + binaries
        totals.payload_bytes += sum([size * count for size, count in sizes.items()])
        if kinds[Close]:
            close = payloads[-1]  # nothing comes after it
            assert isinstance(close, Close)
            totals.close = (close.code, close.reason)
            self.connection.closed_by = self.connection.closed_by or self.sender
        objects = []
        if self._detail != "none":
            objects = self._objects.make(self._located(rows, piece, start), payloads, piece.time)
        return Batch(
            self.connection, self.sender, piece.time, start, payloads, texts, binaries,
            sizes, frames, wire_bytes, control_times, objects,
        )  # fmt: skip

    @staticmethod
    def _control_times(rows: list[Row], piece: Piece, start: int) -> list[int | None]:
        ends = [row[0] + row[1] + row[2] for row in rows if row[3] >= Opcode.CLOSE]
        return [_part(piece.places, end - 1 - start)[2] for end in ends]

    def finish(self) -> list[Event]:
        """What is left when no more bytes come."""
        events: list[Event] = []
        if self._held and not self._decoder.finished:
            self._max_held = 0  # what Decoder gets now shows whether it was right so far
            events = self.feed(Piece(b"", [(0, 0, None)], self.connection.last))
        if self._decoder.finished:
            return events
        missing, offset = self._headers.missing, self._headers.boundary
        if offset < self._position:
            text = "inside a header" if self._headers.unfinished is not None else "between frames"
            if missing is not None:
                text = f"{plural(missing, 'byte')} before the end of a frame"
            events.append(
                Note(
                    "unfinished", f"the stream ends {text} of a message", self.connection,
                    self.sender, self.connection.last, offset,
                )
            )  # fmt: skip
        return events

    def _released(self, piece: bytes, rows: list[Row]) -> bytes:
        """What Decoder gets now: all but a compressed message that is not complete."""
        if not self._max_held and not self._held:
            return piece
        self._held += piece
        kept = 0
        if self._headers.compressed and not self._headers.stopped:
            kept = self.pending
            if (
                kept > self._max_held
                or self._objects.waiting > MAX_WAITING_FRAMES
                or any(row[3] == Opcode.CLOSE for row in rows)
            ):
                kept = 0
        size = max(len(self._held) - kept, 0)
        with memoryview(self._held) as view:
            data = bytes(view[:size])
        del self._held[:size]
        return data

    def _decode(self, data: bytes) -> tuple[list[object], ProtocolError | None]:
        payloads: list[object] = []
        decoder = self._decoder
        size = len(data) if len(data) <= SOURCE_BLOCK else SLICE
        try:
            for i in range(0, len(data), size or 1):
                # A list keeps what it had got when its source raises: all before a broken rule.
                payloads.extend(decoder.feed(data if size == len(data) else data[i : i + size]))
                if decoder.finished:
                    break
        except ProtocolError as error:
            return payloads, error
        return payloads, None

    def _end(self, rows: list[Row], error: ProtocolError | None) -> int:
        """Where the stream ends: at a frame that breaks a rule, or after a Close frame."""
        if error is not None:
            assert error.offset is not None
            return error.offset
        close = next(row for row in rows if row[3] == Opcode.CLOSE)
        return close[0] + close[1] + close[2]

    # ---- broken rules ----------------------------------------------------------------------------

    def _refused(self, error: ProtocolError, at: int, piece: Piece, start: int) -> Event:
        data, places, time = piece
        around, before, place = b"", 0, None
        if at >= start:
            place = place_of(places, at - start)
            before = min(BEFORE, at - start)
            around = data[at - start - before : at - start + AFTER]
        elif at == self._marked:
            place, before = self._mark_file_offset, self._before
            around = self._window[: before + AFTER]
        if error.code == MESSAGE_TOO_BIG:
            text = f"{error.reason}: the rest of this direction is not read"
            return Note("limit", text, self.connection, self.sender, time, at, place, True)
        if error.rule == "deflate" and not self.connection.handshake:
            text = (
                "a compressed message refers to what came before the capture: the rest of this "
                "direction is not read"
            )
            return Note("window", text, self.connection, self.sender, time, at, place, True)
        return Broken(
            self.connection, self.sender, time, error.rule, error.section, error.reason,
            error.code, at, place, around, before,
        )  # fmt: skip

    def _remember(self, piece: Piece, start: int) -> None:
        """The place of the frame that is not complete, for when it is."""
        marked = self._headers.unfinished
        if marked is None:
            self._marked = None
        elif marked >= start:
            self._marked = marked
            self._mark_file_offset = place_of(piece.places, marked - start)
            self._before = min(BEFORE, marked - start)
            at = marked - start
            self._window = piece.data[at - self._before : at + MAX_HEADER + PREVIEW]
        else:
            missing = self._before + MAX_HEADER + PREVIEW - len(self._window)
            if missing > 0:
                self._window += piece.data[:missing]

    def _located(self, rows: list[Row], piece: Piece, start: int) -> list[LocatedFrame]:
        found = []
        for row in rows:
            offset = row[0]
            here = offset >= start
            place = place_of(piece.places, offset - start) if here else self._mark_file_offset
            preview = b""
            if self._detail == "frames":
                size = row[1] + min(row[2], PREVIEW)
                at = offset - start if here else self._before
                data = (piece.data if here else self._window + piece.data[:size])[at : at + size]
                preview = data[row[1] :]
                if row[6]:
                    preview = apply_mask(preview, data[row[1] - 4 : row[1]])
            found.append(LocatedFrame(row, place, preview))
        return found


def place_of(places: Places, at: int) -> int:
    """Where the byte `at` of a piece is in the file."""
    first, file_offset, _ = _part(places, at)
    return file_offset + at - first


def _part(places: Places, at: int) -> tuple[int, int, int | None]:
    return places[bisect_right(places, at, key=itemgetter(0)) - 1]
