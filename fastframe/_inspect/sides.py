"""One direction of a connection before its frames, and what all connections of a file share."""

from __future__ import annotations

from dataclasses import dataclass, field

from fastframe._codec.frame_table import FrameHeaders
from fastframe._inspect.events import Piece, Settings, Summary, Totals
from fastframe._inspect.messages import Reader


@dataclass
class Context:
    """What all connections of a file share."""

    settings: Settings
    summary: Summary

    def number(self) -> int:
        self.summary.websockets += 1
        return self.summary.websockets


@dataclass
class Side:
    """One direction, before its frames."""

    name: str
    """Address and port of who sends."""
    head: bytearray = field(default_factory=bytearray)
    """Of a request or a response, as far as it has come."""
    skipping: bool = False
    """Inside a body, or after a request that is answered."""
    sender: str = ""
    """"client" or "server", once that is known."""
    early: list[Piece] = field(default_factory=list)
    early_bytes: int = 0
    tries: int = 0
    reader: Reader | None = None
    lost: bool = False
    totals: Totals = field(default_factory=Totals)


def frames_only(piece: bytes) -> bool | None:
    """Whether the frames are masked, if a segment consists of whole frames that one end may send;
    None otherwise."""
    headers = FrameHeaders()
    rows = headers.feed(piece)
    if not rows or headers.stopped or headers.unfinished is not None:
        return None
    masked = rows[0][6]
    for _, _, _, opcode, _, rsv, row_masked in rows:
        if row_masked != masked or rsv not in (0, 4) or (rsv and opcode not in (1, 2)):
            return None
    return masked
