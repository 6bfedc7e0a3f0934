"""Messages that remember their frames, so that a broadcast is encoded, and compressed, once."""

from __future__ import annotations

from fastframe._codec.prepared import (
    PreparedFrames,
    _binary,
    _binary_message,
    _characters,
    _set_kinds,
)
from fastframe._types import Text

TYPE_CHECKING = False  # as in __init__.py
if TYPE_CHECKING:
    from typing import Any, overload

    from typing_extensions import Buffer, Self


class PreparedText(str):
    """A text message that is sent more than once: a str, which remembers its frames. `prepare`
    makes it.

    text: a str. UnicodeEncodeError for a lone surrogate, which no text message can hold (RFC 6455,
    8.1).

    Equal to the str, with the same hash, JSON and pickle; slices and sums are plain str. Any thread
    may use it.

    >>> from fastframe import Encoder, Role
    >>> Encoder(Role.SERVER).text(PreparedText("hello"))
    b'\\x81\\x05hello'
    """

    __slots__ = ("_frames",)
    _frames: PreparedFrames

    def __new__(cls, text: str) -> Self:
        if not isinstance(text, str):
            raise TypeError(f"text must be a str, not {type(text).__name__}")
        characters = _characters(text)
        prepared = str.__new__(cls, characters)
        prepared._frames = PreparedFrames(characters)
        return prepared

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str.__repr__(self)})"

    def __reduce_ex__(self, protocol: object) -> tuple[Any, ...]:
        return str, (_characters(self),)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


class PreparedBytes(bytes):
    """A binary message that is sent more than once: bytes, which remember their frames. `prepare`
    makes it.

    data: any contiguous bytes-like object, which is copied.

    Equal to the bytes, with the same hash and pickle; slices and sums are plain bytes. Any thread
    may use it.

    >>> from fastframe import Encoder, Role
    >>> Encoder(Role.SERVER).binary(PreparedBytes(b"bytes"))
    b'\\x82\\x05bytes'
    """

    _frames: PreparedFrames

    def __new__(cls, data: Buffer) -> Self:
        prepared = bytes.__new__(cls, _binary(data))
        prepared._frames = PreparedFrames(prepared)
        return prepared

    def __repr__(self) -> str:
        return f"{type(self).__name__}({bytes.__repr__(self)})"

    def __reduce_ex__(self, protocol: object) -> tuple[Any, ...]:
        return bytes, (_binary(self),)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


_set_kinds(PreparedText, PreparedBytes)


if TYPE_CHECKING:

    @overload
    def prepare(data: str) -> PreparedText: ...
    @overload
    def prepare(data: Buffer) -> PreparedText | PreparedBytes: ...


def prepare(data: str | Buffer) -> PreparedText | PreparedBytes:
    """A message that is sent to many connections, encoded once for all: a broadcast, or the same
    answer to everybody.

    data: a str or a `Text` gives a PreparedText, any other contiguous bytes-like object a
    PreparedBytes; either of them is returned as it is. TypeError for anything else, ValueError for
    a `Text` that is not UTF-8, UnicodeEncodeError for a lone surrogate.

    What it returns is a str or bytes, to be sent like any other by any library. `Encoder`,
    fastframe's uvicorn class and wsproto's `Connection.send` on fastframe send it, whole, as the
    frame that it remembers: one as it is, and one for each setting of permessage-deflate that
    connections have agreed on, each made when it is first needed. A client shares the compressed
    payload, and masks it (RFC 6455, 5.3).

    A connection that keeps its window between messages (RFC 7692, 7.1.1) begins with a new one
    after a prepared message, as the compressor that it had knows another past than the peer does.

    >>> text = prepare("hello")
    >>> text, text == "hello", type(text[:4]).__name__
    (PreparedText('hello'), True, 'str')
    """
    if isinstance(data, (PreparedText, PreparedBytes)):
        return data
    if isinstance(data, str):
        return PreparedText(data)
    if isinstance(data, Text):
        return PreparedText(data.decode("utf-8"))
    return PreparedBytes(_binary_message(data))
