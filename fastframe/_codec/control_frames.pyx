# cython: language_level=3
"""Ping, Pong and Close: what a Decoder gives for control frames (RFC 6455, 5.5)."""

from libc.stdint cimport uint32_t

from fastframe._codec.capi cimport FF_CLOSE_NO_STATUS
from fastframe._codec.checks cimport number_from


cdef class PayloadFrame:
    # What Ping and Pong have in common.
    __match_args__ = ("payload",)

    def __init__(self, bytes payload not None = b""):
        self.payload = payload

    def __eq__(self, other):
        return type(other) is type(self) and self.payload == (<PayloadFrame>other).payload

    def __hash__(self):
        return hash((type(self), self.payload))

    def __repr__(self):
        return f"{type(self).__name__}({self.payload!r})"

    def __reduce__(self):
        return type(self), (self.payload,), getattr(self, "__dict__", None)


cdef class Ping(PayloadFrame):
    """Ping(payload=b"")\n--\n\nA Ping frame (RFC 6455, 5.5.2). Answer it with a Pong of the same
    payload.

    payload: bytes, at most 125 if a peer has sent it. TypeError for anything but bytes.

    >>> Ping(b"are you there?").payload
    b'are you there?'
    """


cdef class Pong(PayloadFrame):
    """Pong(payload=b"")\n--\n\nA Pong frame (RFC 6455, 5.5.3).

    payload: bytes, at most 125 if a peer has sent it. TypeError for anything but bytes.

    >>> Pong(b"yes") == Pong(b"yes")
    True
    """


cdef class Close:
    """Close(code=1005, reason="")\n--\n\nA Close frame (RFC 6455, 5.5.1). Answer it with a Close of
    the same code, unless one was sent before.

    code: the status code (7.4), an int from 0 to 65535; 1005 stands for a frame without one
    (7.1.5). reason: a str, at most 123 bytes in UTF-8 if a peer has sent it.

    TypeError or ValueError for anything else.

    >>> Close(1000, "bye")
    Close(1000, 'bye')
    """

    __match_args__ = ("code", "reason")

    def __init__(self, code=FF_CLOSE_NO_STATUS, str reason not None = ""):
        self.code = number_from("code", code, 0, 0xFFFF)
        self.reason = reason

    def __eq__(self, other):
        return (
            type(other) is type(self) and self.code == (<Close>other).code
            and self.reason == (<Close>other).reason
        )

    def __hash__(self):
        return hash((type(self), self.code, self.reason))

    def __repr__(self):
        return f"{type(self).__name__}({self.code}, {self.reason!r})"

    def __reduce__(self):
        return type(self), (self.code, self.reason), getattr(self, "__dict__", None)


cdef Ping new_ping(bytes payload):
    cdef Ping ping = Ping.__new__(Ping)
    ping.payload = payload
    return ping


cdef Pong new_pong(bytes payload):
    cdef Pong pong = Pong.__new__(Pong)
    pong.payload = payload
    return pong


cdef Close new_close(uint32_t code, str reason):
    cdef Close close = Close.__new__(Close)
    close.code = code
    close.reason = reason
    return close
