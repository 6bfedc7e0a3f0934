"""What parse_header returns; in a module of its own, so that `import fastframe` does not load
dataclasses."""

from __future__ import annotations

from dataclasses import dataclass

from fastframe._types import Opcode


@dataclass(frozen=True, slots=True)
class Header:
    """A frame header (RFC 6455, 5.2).

    >>> Header(True, 0, Opcode.TEXT, 5, None, 2).payload_length
    5
    """

    fin: bool
    """True on the last fragment of a message."""
    rsv: int
    """The three reserved bits: RSV1 is 4, RSV2 is 2, RSV3 is 1."""
    opcode: Opcode
    """What the frame carries."""
    payload_length: int
    """In bytes, as the header says; nothing has been allocated for it."""
    masking_key: bytes | None
    """Four bytes, or None for a frame that is not masked."""
    size: int
    """Of the header itself in bytes, masking key included: where the payload begins."""
