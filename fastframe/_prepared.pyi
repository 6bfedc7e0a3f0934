import sys
from typing import overload

from typing_extensions import Self

if sys.version_info >= (3, 12):
    from collections.abc import Buffer
else:
    from typing_extensions import Buffer

class PreparedText(str):
    """A text message that is sent more than once: a str, which remembers its frames. `prepare` makes it.

    text: a str. UnicodeEncodeError for a lone surrogate, which no text message can hold (RFC 6455, 8.1).

    Equal to the str, with the same hash, JSON and pickle; slices and sums are plain str. Any thread may use it.

    >>> from fastframe import Encoder, Role
    >>> Encoder(Role.SERVER).text(PreparedText("hello"))
    b'\\x81\\x05hello'
    """

    def __new__(cls, text: str) -> PreparedText: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: object) -> Self: ...

class PreparedBytes(bytes):
    """A binary message that is sent more than once: bytes, which remember their frames. `prepare` makes it.

    data: any contiguous bytes-like object, which is copied.

    Equal to the bytes, with the same hash and pickle; slices and sums are plain bytes. Any thread may use it.

    >>> from fastframe import Encoder, Role
    >>> Encoder(Role.SERVER).binary(PreparedBytes(b"bytes"))
    b'\\x82\\x05bytes'
    """

    def __new__(cls, data: Buffer) -> PreparedBytes: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: object) -> Self: ...

@overload
def prepare(data: str) -> PreparedText:
    """A message that is sent to many connections, encoded once for all: a broadcast, or the same answer to everybody.

    data: a str or a `Text` gives a PreparedText, any other contiguous bytes-like object a PreparedBytes; either of them is returned as
    it is. TypeError for anything else, ValueError for a `Text` that is not UTF-8, UnicodeEncodeError for a lone surrogate.

    What it returns is a str or bytes, to be sent like any other by any library. `Encoder`, fastframe's uvicorn class and wsproto's
    `Connection.send` on fastframe send it, whole, as the frame that it remembers: one as it is, and one for each setting of
    permessage-deflate that connections have agreed on, each made when it is first needed. A client shares the compressed
    payload, and masks it (RFC 6455, 5.3).

    A connection that keeps its window between messages (RFC 7692, 7.1.1) begins with a new one after a prepared message, as
    the compressor that it had knows another past than the peer does.

    >>> text = prepare("hello")
    >>> text, text == "hello", type(text[:4]).__name__
    ('hello', True, 'str')
    """

@overload
def prepare(data: Buffer) -> PreparedText | PreparedBytes:
    """A message that is sent to many connections, encoded once for all: a broadcast, or the same answer to everybody.

    data: a str or a `Text` gives a PreparedText, any other contiguous bytes-like object a PreparedBytes; either of them is returned as
    it is. TypeError for anything else, ValueError for a `Text` that is not UTF-8, UnicodeEncodeError for a lone surrogate.

    What it returns is a str or bytes, to be sent like any other by any library. `Encoder`, fastframe's uvicorn class and wsproto's
    `Connection.send` on fastframe send it, whole, as the frame that it remembers: one as it is, and one for each setting of
    permessage-deflate that connections have agreed on, each made when it is first needed. A client shares the compressed
    payload, and masks it (RFC 6455, 5.3).

    A connection that keeps its window between messages (RFC 7692, 7.1.1) begins with a new one after a prepared message, as
    the compressor that it had knows another past than the peer does.

    >>> text = prepare("hello")
    >>> text, text == "hello", type(text[:4]).__name__
    ('hello', True, 'str')
    """
