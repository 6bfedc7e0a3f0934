from typing import Any

from typing_extensions import disjoint_base

@disjoint_base
class PayloadFrame:
    __match_args__ = ("payload",)

    def __init__(self, payload: bytes = b"") -> None: ...
    @property
    def payload(self) -> bytes: ...
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

class Ping(PayloadFrame):
    """A Ping frame (RFC 6455, 5.5.2). Answer it with a Pong of the same
    payload.

    payload: bytes, at most 125 if a peer has sent it. TypeError for anything but bytes.

    >>> Ping(b"are you there?").payload
    b'are you there?'
    """

class Pong(PayloadFrame):
    """A Pong frame (RFC 6455, 5.5.3).

    payload: bytes, at most 125 if a peer has sent it. TypeError for anything but bytes.

    >>> Pong(b"yes") == Pong(b"yes")
    True
    """

@disjoint_base
class Close:
    """A Close frame (RFC 6455, 5.5.1). Answer it with a Close of
    the same code, unless one was sent before.

    code: the status code (7.4), an int from 0 to 65535; 1005 stands for a frame without one
    (7.1.5). reason: a str, at most 123 bytes in UTF-8 if a peer has sent it.

    TypeError or ValueError for anything else.

    >>> Close(1000, "bye")
    Close(1000, 'bye')
    """

    __match_args__ = ("code", "reason")

    def __init__(self, code: int = 1005, reason: str = "") -> None: ...
    @property
    def code(self) -> int: ...
    @property
    def reason(self) -> str: ...
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __reduce__(self) -> tuple[Any, ...]: ...
