"""Frames in the log: a line for each frame of a connection, in and out.

Whether a connection is logged is decided once, when it begins: if it is not, nothing is asked
again. What is logged is read from the bytes that come and go, beside the codec and not by it; so
the lines are there also where a frame is broken, or where a library's own code deals with it.
"""

from __future__ import annotations

import codecs
import itertools
import logging
import os
import sys
from collections.abc import Callable
from typing import Any

from fastframe._codec.kernels import apply_mask, parse_header
from fastframe._logs import log_quietly
from fastframe._types import Opcode, ProtocolError

VARIABLE = "FASTFRAME_TRACE"
LOGGER = logging.getLogger("fastframe.frames")
SHOWN = 64
"""Bytes of a payload that are shown at most."""
RECEIVED, SENT = "<", ">"
END_OF_HANDSHAKE = b"\r\n\r\n"
Decoder = codecs.getincrementaldecoder("utf-8")

_numbers = itertools.count(1)
Log = Callable[[str, dict[str, Any]], None]


def switch() -> str:
    """What FASTFRAME_TRACE says: "" for nothing, "headers" for frames without their payload."""
    value = os.environ.get(VARIABLE, "")
    return "" if value == "0" else value


_switch = switch()


def log_to_standard_error() -> None:
    """Who sets FASTFRAME_TRACE wants to see something, also of a program that does not log."""
    LOGGER.setLevel(logging.DEBUG)
    LOGGER.disabled = False  # by a configuration that does not know it
    if not LOGGER.hasHandlers():
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        LOGGER.addHandler(handler)


def is_wanted() -> bool:
    """For a connection that begins now."""
    if _switch:
        log_to_standard_error()
    return LOGGER.isEnabledFor(logging.DEBUG)


def to_logger(line: str, fields: dict[str, Any]) -> None:
    log_quietly(LOGGER, logging.DEBUG, line, fields)


class FrameLog:
    """The log of one connection.

    name: what its lines begin with; by default a number. has_handshake: what is received and sent
    begins with the handshake, which is passed over.
    """

    def __init__(
        self, name: str = "", *, has_handshake: bool = False, log: Log = to_logger
    ) -> None:
        self.name: str = name or f"connection {next(_numbers)}"
        self._log = log
        self._received = FrameReader(self, RECEIVED, has_handshake=has_handshake)
        self._sent = FrameReader(self, SENT, has_handshake=has_handshake)

    def received(self, data: Any) -> None:
        """Bytes that have come, in any pieces."""
        self._received.feed(data)

    def sent(self, data: Any) -> None:
        self._sent.feed(data)

    def frame(  # noqa: PLR0913 (as many as a frame has)
        self,
        direction: str,
        opcode: int,
        length: int,
        start: bytes = b"",
        *,
        fin: bool = True,
        rsv: int = 0,
        masked: bool = False,
    ) -> None:
        """start: of the payload, as much as is to be shown."""
        name = Opcode(opcode).name.lower()
        words = [name, f"{length} bytes"]
        words += [word for word, there in (("masked", masked), ("not the last", not fin)) if there]
        words += [f"RSV {rsv:03b}"] if rsv else []
        line = f"{self.name} {direction} {', '.join(words)}"
        if _switch != "headers" and start:
            line += f": {shown(opcode, rsv, start, whole=len(start) == length)}"
        self._log(
            line,
            {
                "connection": self.name, "direction": direction, "opcode": name, "fin": fin,
                "rsv": rsv, "length": length, "masked": masked,
            },
        )  # fmt: skip

    def broken(self, direction: str, error: ProtocolError) -> None:
        fields = {"connection": self.name, "direction": direction, "rule": error.rule}
        self._log(f"{self.name} {direction} no frame: {error.reason}", fields)


def shown(opcode: int, rsv: int, start: bytes, *, whole: bool) -> str:
    """Text as a literal of Python, so that no control character reaches a terminal; else hex."""
    if opcode == Opcode.TEXT and not rsv:
        found = repr(Decoder("backslashreplace").decode(start, final=whole))
    else:
        found = start.hex(" ")
    return found if whole else f"{found}..."


class FrameReader:
    """Finds the frames in one direction. Keeps a header and what is shown of its payload, and
    nothing else."""

    def __init__(self, log: FrameLog, direction: str, *, has_handshake: bool) -> None:
        self._log = log
        self._direction = direction
        self._in_handshake = has_handshake
        self._pending = b""
        self._skip = 0
        self._broken = False

    def feed(self, data: Any) -> None:
        if self._broken:
            return
        data = memoryview(data).cast("B")
        if self._skip >= len(data):
            self._skip -= len(data)
            return
        pending = self._pending + bytes(data[self._skip :])
        self._pending, self._skip = b"", 0
        if self._in_handshake:
            _, end, rest = pending.partition(END_OF_HANDSHAKE)
            if not end:
                self._pending = pending[1 - len(END_OF_HANDSHAKE) :]
                return
            self._in_handshake, pending = False, rest
        try:
            self._pending = pending[self._take_frames(pending) :]
        except ProtocolError as error:
            self._broken = True
            self._log.broken(self._direction, error)

    def _take_frames(self, pending: bytes) -> int:
        """Where the frame begins that is not there yet, or the end of what is pending."""
        offset = 0
        while header := parse_header(pending[offset : offset + 14]):
            start, length = offset + header.size, header.payload_length
            payload = pending[start : start + min(length, SHOWN)]
            if len(payload) < min(length, SHOWN):
                break
            if header.masking_key is not None:
                payload = apply_mask(payload, header.masking_key)
            self._log.frame(
                self._direction, header.opcode, length, payload,
                fin=header.fin, rsv=header.rsv, masked=header.masking_key is not None,
            )  # fmt: skip
            offset = min(start + length, len(pending))
            self._skip = start + length - offset
        return offset
