"""The plain types of the public API: who receives, what went wrong, what a header says."""

from __future__ import annotations

import enum
from typing import NamedTuple


class Role(enum.Enum):
    """Which end of the connection this is. It decides who masks (RFC 6455, 5.1)."""

    CLIENT = "client"
    SERVER = "server"


class Opcode(enum.IntEnum):
    """What a frame carries (RFC 6455, 5.2)."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


class Header(NamedTuple):
    """A frame header (RFC 6455, 5.2)."""

    fin: bool
    """True on the last fragment of a message."""
    rsv: int
    """The three reserved bits: RSV1 is 4, RSV2 is 2, RSV3 is 1."""
    opcode: Opcode
    payload_length: int
    """In bytes, as the header says; nothing has been allocated for it."""
    masking_key: bytes | None
    """Four bytes, or None for a frame that is not masked."""
    size: int
    """Of the header itself in bytes, masking key included: where the payload begins."""


class ProtocolError(ValueError):
    """The peer broke a rule of RFC 6455, or a limit of this endpoint.

    ``code`` is the status code to close the connection with (1002, 1007 or 1009), ``reason`` is one sentence that names
    the rule and its section, short enough for a Close frame.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}"


class Text(bytes):
    """The payload of a text message, valid UTF-8, not decoded: what ``Decoder(decode_text=False)`` yields for text."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Text({super().__repr__()})"
