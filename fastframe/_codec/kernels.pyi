import sys
from typing import Final

from typing_extensions import disjoint_base

from fastframe._codec.header import Header

if sys.version_info >= (3, 12):
    from collections.abc import Buffer
else:
    from typing_extensions import Buffer
MODULE_STATE: Final[bool]
"Is there a state for each interpreter? If not, fastframe can be imported in the main one only."

def name_as_public(value: object) -> None:
    """Lets a class or a function say that it is from `fastframe`."""

def active_kernel() -> str:
    """The name of the kernels in use: "portable", "sse41", "avx2", "avx512" or "neon".

    >>> active_kernel() in available_kernels()
    True
    """

def available_kernels() -> tuple[str, ...]:
    """The names of the kernels that this build has and this CPU can run, best first.

    >>> available_kernels()[-1]
    'portable'
    """

def apply_mask(data: Buffer, masking_key: Buffer, offset: int = 0) -> bytes:
    """Masks or unmasks `data` (RFC 6455, 5.3: the same operation) into a new object.

    data: any contiguous bytes-like object; it is not changed. TypeError if not.
    masking_key: bytes-like, 4 bytes. ValueError if not.
    offset: how many bytes of the same payload came before `data`, so that a payload may be masked
    in pieces.

    Returns new bytes of the same length.

    >>> apply_mask(apply_mask(b'payload', b'key!'), b'key!')
    b'payload'
    """

def apply_mask_into(buffer: Buffer, masking_key: Buffer, offset: int = 0) -> None:
    """Masks or unmasks the bytes of `buffer` in place (RFC 6455, 5.3).

    buffer: a writable, contiguous bytes-like object; it stays the caller's. TypeError if not.
    masking_key, offset: as for `apply_mask`.

    >>> buffer = bytearray(b'payload')
    >>> apply_mask_into(buffer, b'key!')
    >>> apply_mask_into(buffer, b'key!')
    >>> buffer
    bytearray(b'payload')
    """

def is_utf8(data: Buffer, /) -> bool:
    """True if `data`, any contiguous bytes-like object, is well-formed UTF-8 from its first to its
    last byte (RFC 3629). TypeError for anything else.

    >>> is_utf8(b'\\xc3\\xa9'), is_utf8(b'\\xc3')
    (True, False)
    """

def parse_header(data: Buffer) -> Header | None:
    """The frame header at the start of `data`, or None if it is not complete yet.

    data: any contiguous bytes-like object, of which at most 14 bytes are read.

    Raises ProtocolError for a header that neither end may send: reserved opcode, fragmented or long
    control frame, payload length not minimal or above 2**63 - 1. Reserved bits and masking are
    reported, not judged. TypeError for data that is not bytes-like.

    >>> header = parse_header(bytes.fromhex("81 05 48 65 6c 6c 6f"))
    >>> header.opcode.name, header.payload_length, header.size
    ('TEXT', 5, 2)
    >>> parse_header(b"\\x81") is None
    True
    """

def _select_kernel(name: str) -> None: ...

@disjoint_base
class Utf8Validator:
    """Validates a text that comes in chunks, cut anywhere. InvalidState for
    a call in the middle of another one.

    `feed` each chunk, then `finish`; both answer False from the first byte on that proves the text
    is not UTF-8 (RFC 3629).

    >>> validator = Utf8Validator()
    >>> euro = "€".encode()
    >>> validator.feed(euro[:2]), validator.feed(euro[2:]), validator.finish()
    (True, True, True)
    """

    def feed(self, data: Buffer) -> bool:
        """True if the text is well-formed so far; its last character may still be incomplete.

        data: any contiguous bytes-like object, which is read and not kept. TypeError for anything
        else.

        >>> Utf8Validator().feed(b"\\xe2\\x82")
        True
        """

    def finish(self) -> bool:
        """True if the text was well-formed and its last character is complete. The validator is
        ready for a new one.

        >>> validator = Utf8Validator()
        >>> validator.feed(b"\\xe2\\x82"), validator.finish()
        (True, False)
        """

    def reset(self) -> None:
        """Starts a new text.

        >>> validator = Utf8Validator()
        >>> validator.feed(b"\\xff")
        False
        >>> validator.reset()
        >>> validator.finish()
        True
        """
