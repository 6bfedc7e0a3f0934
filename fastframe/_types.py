"""The plain types of the public API: who receives, what a frame carries, what went wrong."""

from __future__ import annotations

import enum


class Role(enum.Enum):
    """Which end of the connection this is. It decides who masks (RFC 6455, 5.1).

    >>> Role("server") is Role.SERVER
    True
    """

    CLIENT = "client"
    SERVER = "server"


class Opcode(enum.IntEnum):
    """What a frame carries (RFC 6455, 5.2).

    >>> Opcode.PING == 0x9
    True
    """

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


class CloseCode(enum.IntEnum):
    """The status codes of RFC 6455, 7.4.1, and of the IANA registry. Applications also use 3000 to
    4999 (7.4.2).

    >>> CloseCode.MESSAGE_TOO_BIG == 1009
    True
    """

    NORMAL_CLOSURE = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    NO_STATUS_RECEIVED = 1005
    """Stands for a Close frame without a status code; never on the wire."""
    ABNORMAL_CLOSURE = 1006
    """Stands for a connection that ended without a Close frame; never on the wire."""
    INVALID_PAYLOAD = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    MANDATORY_EXTENSION = 1010
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_GATEWAY = 1014
    TLS_HANDSHAKE = 1015
    """Stands for a TLS handshake that failed; never on the wire."""
    UNAUTHORIZED = 3000
    FORBIDDEN = 3003
    TIMEOUT = 3008


class ProtocolError(ValueError):
    """The peer broke a rule of RFC 6455, or a limit of this endpoint.

    code: the status code to close the connection with: 1002, 1007 or 1009. reason: one sentence
    that names the rule and its section, short enough for a Close frame. offset: where the frame
    that broke the rule begins, in bytes from the first one that was fed, if a `Decoder` raised the
    error; else None.

    >>> error = ProtocolError(1002, "the opcode is reserved (RFC 6455, 5.2)")
    >>> error.code, str(error)
    (1002, '1002: the opcode is reserved (RFC 6455, 5.2)')
    """

    offset: int | None = None

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}"

    @property
    def rule(self) -> str:
        """The broken rule in a word, for counters and logs: it stays the same where the sentence
        is put better. "other" for a reason that is none of fastframe's.

        >>> ProtocolError(1007, "a text message is not UTF-8 (RFC 6455, 8.1)").rule
        'text-utf8'
        """
        from fastframe._codec.checks import RULES

        reason = self.reason
        if reason.startswith("at offset "):  # of index_frames
            reason = reason.partition(": ")[2]
        return RULES.get(reason, "other")

    @property
    def section(self) -> str:
        """Where the rule is, "" if the reason does not say it.

        >>> ProtocolError(1007, "a text message is not UTF-8 (RFC 6455, 8.1)").section
        'RFC 6455, 8.1'
        """
        before, _, section = self.reason.rpartition("(")
        return section.removesuffix(")") if before else ""


# asyncio and concurrent.futures name their similar errors so.
class InvalidState(RuntimeError):  # noqa: N818
    """The caller's mistake: a call out of turn, which has changed nothing.

    Feeding a decoder that has finished, sending after a Close frame, a second call in the middle of
    another one, from another thread for instance.

    >>> from fastframe import Encoder
    >>> try:
    ...     Encoder(Role.SERVER).continuation("of nothing")
    ... except InvalidState as error:
    ...     print(error)
    no message is open: begin one with text() or binary() and fin=False (RFC 6455, 5.4)
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(message)


class Text(bytes):
    """The payload of a text message, valid UTF-8, not decoded: what `Decoder(decode_text=False)`
    yields for text.

    >>> Text(b"hello").decode()
    'hello'
    """

    __slots__ = ()

    def __new__(cls, payload: bytes = b"") -> Text:
        return super().__new__(cls, payload)

    def __repr__(self) -> str:
        return f"Text({super().__repr__()})"
