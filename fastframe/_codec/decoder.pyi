import sys
from collections.abc import Iterator
from types import GenericAlias
from typing import Any, Literal, overload

from typing_extensions import TypeVar

from fastframe._codec.control_frames import Close, Ping, Pong
from fastframe._codec.tally import Tally
from fastframe._types import Role, Text
from fastframe.deflate import Agreement

if sys.version_info >= (3, 12):
    from collections.abc import Buffer
else:
    from typing_extensions import Buffer
_Message_co = TypeVar("_Message_co", covariant=True, default=str | bytes | Ping | Pong | Close)

class Decoder(Iterator[_Message_co]):
    """Turns bytes from the peer into messages (RFC 6455, 5).

    role: Role.SERVER or Role.CLIENT, this end of the connection. ValueError otherwise.
    max_message_size: the largest message in bytes, all its fragments together; 16 MiB unless given.
    max_frame_size: the largest payload of one data frame in bytes; max_message_size unless given.
    max_fragments: the most frames that one message may have; 8,192 unless given. deflate: a
    `fastframe.deflate.Agreement` for permessage-deflate (RFC 7692), or None. max_message_size then
    holds while a message is inflated, piece by piece; on the wire it and its frames may be longer
    by the little that DEFLATE adds to what it cannot make smaller. decode_text: with False a text
    message comes as `Text`: validated bytes, not decoded.

    A limit that is not an int raises TypeError, one that is not from 1 to sys.maxsize // 2
    ValueError. TypeError for a `deflate` or `decode_text` of another type.

    Memory for a payload of up to 1 MiB is taken when its header has been accepted; for a larger one
    1 MiB or twice what has arrived, whichever is more, and at most max_message_size for a
    connection. A str of up to four times that is made of a text.

    `feed` bytes and iterate: a text message is a str, a binary one bytes, and `Ping`, `Pong` and
    `Close` are control frames. All of them are new objects that belong to the caller. One decoder
    serves one connection, and one thread at a time: InvalidState for a call in the middle of
    another one.

    >>> from fastframe import Decoder, Encoder, Role
    >>> client = Encoder(Role.CLIENT)
    >>> decoder = Decoder(Role.SERVER, max_message_size=2**20)
    >>> list(decoder.feed(client.text("hello") + client.ping(b"?")))
    ['hello', Ping(b'?')]
    """

    @overload
    def __init__(
        self: Decoder[str | bytes | Ping | Pong | Close],
        role: Role,
        *,
        max_message_size: int = 16777216,
        max_frame_size: int | None = None,
        max_fragments: int = 8192,
        deflate: Agreement | None = None,
        decode_text: Literal[True] = True,
    ) -> None: ...
    @overload
    def __init__(
        self: Decoder[Text | bytes | Ping | Pong | Close],
        role: Role,
        *,
        max_message_size: int = 16777216,
        max_frame_size: int | None = None,
        max_fragments: int = 8192,
        deflate: Agreement | None = None,
        decode_text: Literal[False],
    ) -> None: ...
    @overload
    def __init__(
        self: Decoder[str | Text | bytes | Ping | Pong | Close],
        role: Role,
        *,
        max_message_size: int = 16777216,
        max_frame_size: int | None = None,
        max_fragments: int = 8192,
        deflate: Agreement | None = None,
        decode_text: bool,
    ) -> None: ...
    def __class_getitem__(cls, item: Any) -> GenericAlias: ...
    @property
    def role(self) -> Role:
        """Role.SERVER or Role.CLIENT, as given.

        >>> Decoder(Role.SERVER).role
        <Role.SERVER: 'server'>
        """

    @property
    def finished(self) -> bool:
        """True once a Close frame or a broken rule has ended the stream; then nothing more can be
        fed.

        >>> decoder = Decoder(Role.CLIENT)
        >>> list(decoder.feed(b"\\x88\\x00"))
        [Close(1005, '')]
        >>> decoder.finished
        True
        """

    def _count_for(self, tally: Tally) -> None: ...
    def feed(self, data: Buffer) -> Decoder[_Message_co]:
        """Takes in bytes from the peer, and returns the decoder itself, to be iterated.

        data: any contiguous bytes-like object; TypeError otherwise. `bytes` are not copied but kept
        until they are parsed; anything else is copied and may be used again at once.

        Nothing is parsed before the iteration asks for it, and what is not taken stays for the next
        one. The iteration raises ProtocolError at the first broken rule, after everything that came
        before it. InvalidState once a Close frame or a broken rule has ended the stream.

        >>> decoder = Decoder(Role.CLIENT)
        >>> list(decoder.feed(b"\\x81\\x05he")), list(decoder.feed(b"llo"))
        ([], ['hello'])
        """

    def get_buffer(self, sizehint: int = -1) -> memoryview:
        """A writable memoryview to receive bytes into, for asyncio.BufferedProtocol; then call
        `buffer_updated`.

        sizehint: how many bytes are wanted, an int. The view has 65,536 bytes or more, at most 64
        MiB; but where the rest of a large payload is awaited, it is the next part of the message
        itself, so that the payload is not copied.

        The view is good for one `buffer_updated`: writing to it later may change bytes that are
        already parsed. InvalidState once the stream has ended; TypeError if sizehint is not an int.
        MemoryError, which ends the stream, if a message cannot grow.

        >>> decoder = Decoder(Role.CLIENT)
        >>> view = decoder.get_buffer(4096)
        >>> view[:7] = b"\\x81\\x05hello"
        >>> list(decoder.buffer_updated(7))
        ['hello']
        """

    def buffer_updated(self, nbytes: int) -> Decoder[_Message_co]:
        """Takes in the first `nbytes` bytes of the last `get_buffer`; returns the decoder itself,
        like `feed`.

        TypeError if nbytes is not an int; ValueError if it is negative or more than was offered;
        InvalidState without an offer: one `buffer_updated` uses it up, `feed` withdraws it, and so
        does an iteration that moves the message.

        >>> Decoder(Role.CLIENT).buffer_updated(5)
        Traceback (most recent call last):
        fastframe.InvalidState: call get_buffer first: ...
        """

    def __iter__(self) -> Decoder[_Message_co]: ...
    def __next__(self) -> _Message_co: ...
