import sys
from collections.abc import Callable

from typing_extensions import disjoint_base

from fastframe._codec.tally import Tally
from fastframe._types import Role
from fastframe.deflate import Agreement

if sys.version_info >= (3, 12):
    from collections.abc import Buffer
else:
    from typing_extensions import Buffer

@disjoint_base
class Encoder:
    """Turns messages into frames for the
    peer (RFC 6455, 5).

    role: Role.SERVER or Role.CLIENT, this end of the connection; a client's frames are masked.
    ValueError otherwise. masking_keys: a callable that returns a fresh masking key of four bytes,
    for tests; by default the keys come from the operating system's cryptographic random numbers.

    deflate: a `fastframe.deflate.Agreement` for permessage-deflate (RFC 7692), or None. Messages
    from its threshold on are compressed, and fragmented ones always.

    Every method returns bytes, one frame, to be written as they are and in order. A server's frame
    may be written to any number of connections. Data may be str or any contiguous bytes-like
    object, which is read and not kept. Of a message from `fastframe.prepare` a server returns the
    frame that the message remembers: the same object each time.

    TypeError for data of another type. InvalidState for a frame that must not be sent now (a new
    message inside an open one, a continuation of none, data after a Close, a second Close) and for
    a call in the middle of another one; the state is then unchanged. MemoryError leaves it
    unchanged too, except inside a compressed message in fragments, which then cannot be continued.

    >>> from fastframe import Encoder, Role
    >>> encoder = Encoder(Role.SERVER)
    >>> encoder.message("hello"), encoder.message(b"bytes"), encoder.close(1000)
    (b'\\x81\\x05hello', b'\\x82\\x05bytes', b'\\x88\\x02\\x03\\xe8')
    """

    def __init__(
        self,
        role: Role,
        *,
        masking_keys: Callable[[], bytes] | None = None,
        deflate: Agreement | None = None,
    ) -> None: ...
    @property
    def role(self) -> Role:
        """Role.SERVER or Role.CLIENT, as given.

        >>> Encoder(Role.CLIENT).role
        <Role.CLIENT: 'client'>
        """

    @property
    def finished(self) -> bool:
        """True once a Close was made; then only Ping, Pong and `frame` are left (5.5.1).

        >>> encoder = Encoder(Role.SERVER)
        >>> frame = encoder.close()
        >>> encoder.finished
        True
        """

    def _count_for(self, tally: Tally) -> None: ...
    def message(self, data: str | Buffer) -> bytes:
        """A whole message: text for a str or a `Text`, binary for any other bytes-like object.

        data: read and not kept. TypeError for anything else, ValueError for a `Text` that is not
        UTF-8.

        >>> Encoder(Role.SERVER).message("hello")
        b'\\x81\\x05hello'
        """

    def text(self, data: str | Buffer, *, fin: bool = True) -> bytes:
        """A text message, or with fin=False its first fragment.

        data: a str, or UTF-8 in a bytes-like object. ValueError if it is not UTF-8; a fragment may
        end inside a character. fin: True or False.

        >>> encoder = Encoder(Role.SERVER)
        >>> encoder.text("hel", fin=False) + encoder.continuation("lo")
        b'\\x01\\x03hel\\x80\\x02lo'
        """

    def binary(self, data: Buffer, *, fin: bool = True) -> bytes:
        """A binary message, or with fin=False its first fragment.

        data: a bytes-like object. fin: True or False.

        >>> Encoder(Role.SERVER).binary(b"bytes")
        b'\\x82\\x05bytes'
        """

    def continuation(self, data: str | Buffer, *, fin: bool = True) -> bytes:
        """The next fragment of the open message, the last one unless fin=False.

        data: as for the first fragment. fin: True or False. InvalidState if no message is open.

        >>> encoder = Encoder(Role.SERVER)
        >>> encoder.binary(b"12", fin=False) + encoder.continuation(b"34")
        b'\\x02\\x0212\\x80\\x0234'
        """

    def ping(self, payload: Buffer = b"") -> bytes:
        """A Ping.

        payload: a bytes-like object of at most 125 bytes; ValueError for more.

        >>> Encoder(Role.SERVER).ping(b"?")
        b'\\x89\\x01?'
        """

    def pong(self, payload: Buffer = b"") -> bytes:
        """A Pong.

        payload: that of the Ping it answers, a bytes-like object of at most 125 bytes; ValueError
        for more.

        >>> Encoder(Role.SERVER).pong(b"!")
        b'\\x8a\\x01!'
        """

    def forget_window(self) -> None:
        """Gives the compressor's memory back: the next message begins with an empty window, and a
        compressor is made for it.

        The peer need not know (RFC 7692, 7.1.1.1). For a connection that is quiet: what is sent
        next is compressed less well, as it cannot refer to what was sent before. Does nothing
        without compression. InvalidState in the middle of a message in fragments.

        >>> Encoder(Role.SERVER).forget_window()
        """

    def close(self, code: int = 1000, reason: str = "") -> bytes:
        """A Close. Only Ping and Pong may be sent after it.

        code: the status code (7.4), an int; 1005 stands for none, so that a received Close can be
        answered with its own code. ValueError for a code that must not be sent. reason: a str of at
        most 123 bytes in UTF-8; ValueError for more.

        >>> Encoder(Role.SERVER).close(1000, "bye")
        b'\\x88\\x05\\x03\\xe8bye'
        """

    def frame(self, opcode: int, payload: Buffer = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
        """Any frame that 5.2 and 5.5 allow; the caller is responsible for the order of frames, and
        for what text and Close frames carry.

        opcode: an int or Opcode. payload: a bytes-like object. fin: True or False. rsv: 4 for RSV1,
        2 for RSV2, 1 for RSV3, or a sum of them. ValueError for a reserved opcode, and for a
        control frame that is fragmented or has more than 125 bytes.

        >>> from fastframe import Opcode
        >>> Encoder(Role.SERVER).frame(Opcode.BINARY, b"part", fin=False)
        b'\\x02\\x04part'
        """

    def header(self, opcode: int, payload_length: int, *, fin: bool = True, rsv: int = 0) -> bytes:
        """The header alone, so that a large payload can be written after it uncopied, with
        `writelines` for instance.

        payload_length: in bytes, from 0 to 2**63 - 1. Other parameters and errors: as for `frame`.
        The last four bytes of a client's header are a fresh masking key: mask the payload with it
        (`apply_mask_into`).

        >>> Encoder(Role.SERVER).header(2, 100_000)
        b'\\x82\\x7f\\x00\\x00\\x00\\x00\\x00\\x01\\x86\\xa0'
        """
