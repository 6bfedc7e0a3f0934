"""RFC 6455 as plainly as Python can say it: what a Decoder must make of a stream.

A header is looked at from its second byte on, a control frame once it is whole, and a text byte by
byte, so the rule that is named is the first that the bytes so far prove to be broken.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import NamedTuple

from fastframe import Close, Ping, Pong, Role

Message = str | bytes | Ping | Pong | Close
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
LARGEST_LENGTH = 2**63 - 1  # 5.2
LARGEST_CONTROL = 125  # 5.5
CODES = {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}  # 7.4.1, 7.4.2 and IANA
PROTOCOL_ERROR, NOT_UTF8, TOO_BIG = 1002, 1007, 1009


class BrokenError(Exception):
    """With the code of 7.4.1."""


class EndError(Exception):
    """Of the bytes that there are."""


class Limits(NamedTuple):
    message: int = 1 << 24
    frame: int = 1 << 24
    fragments: int = 8192


class Model:
    def __init__(self, wire: bytes, role: Role, limits: Limits) -> None:
        self.wire, self.at = wire, 0
        self.from_client = role is Role.SERVER
        self.limits = limits
        self.opcode = CONTINUATION
        self.parts = b""
        self.fragments = 0

    def run(self) -> tuple[list[Message], int | None]:
        """The messages, and the code of the rule that is broken after them."""
        found: list[Message] = []
        try:
            for message in self.messages():
                found.append(message)
        except BrokenError as error:
            return found, error.args[0]
        except EndError:
            pass
        return found, None

    def take(self, size: int) -> bytes:
        if len(self.wire) - self.at < size:
            raise EndError
        self.at += size
        return self.wire[self.at - size : self.at]

    def messages(self) -> Iterator[Message]:
        while True:
            message = self.frame()
            if message is not None:
                yield message
            if isinstance(message, Close):
                return

    def frame(self) -> Message | None:
        first, second = self.take(2)
        opcode, fin = first & 15, first >= 128
        is_control = opcode >= 8
        must(first & 0x70 == 0)
        must(opcode in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG))
        must(fin or not is_control)
        if not is_control:
            must((opcode == CONTINUATION) == (self.opcode != CONTINUATION))
        must((second >= 128) == self.from_client)
        length = self.length(second & 127, is_control)
        if not is_control:
            self.check_size(length)
            self.opcode = opcode or self.opcode
        key = self.take(4) if self.from_client else bytes(4)
        payload = masked(self.wire[self.at : self.at + length], key)
        if not is_control:
            return self.data(payload, fin and len(payload) == length, length)
        self.take(length)
        if opcode == CLOSE:
            return closed(payload)
        return (Ping if opcode == PING else Pong)(payload)

    def length(self, short: int, is_control: bool) -> int:
        must(not is_control or short <= LARGEST_CONTROL)
        if short < 126:
            return short
        length = int.from_bytes(self.take(2 if short == 126 else 8), "big")
        must(length > (125 if short == 126 else 0xFFFF))
        must(length <= LARGEST_LENGTH)
        return length

    def check_size(self, length: int) -> None:
        self.fragments += 1
        if (
            length > self.limits.frame
            or length > self.limits.message - len(self.parts)
            or self.fragments > self.limits.fragments
        ):
            raise BrokenError(TOO_BIG)

    def data(self, payload: bytes, last: bool, length: int) -> Message | None:
        self.parts += payload
        text = decoded(self.parts, last) if self.opcode == TEXT else None
        self.take(length)
        if not last:
            return None
        message = self.parts if text is None else text
        self.opcode, self.parts, self.fragments = CONTINUATION, b"", 0
        return message


def masked(data: bytes, key: bytes) -> bytes:
    """5.3, in one number."""
    pattern = (key * (len(data) // 4 + 1))[: len(data)]
    number = int.from_bytes(data, "big") ^ int.from_bytes(pattern, "big")
    return number.to_bytes(len(data), "big")


def must(holds: bool) -> None:
    if not holds:
        raise BrokenError(PROTOCOL_ERROR)


def decoded(data: bytes, final: bool) -> str:
    """By CPython, which waits for a third byte of a surrogate although two prove it."""
    try:
        text, consumed = codecs.utf_8_decode(data, "strict", final)
    except UnicodeDecodeError:
        raise BrokenError(NOT_UTF8) from None
    if data[consumed : consumed + 1] == b"\xed" and data[consumed + 1 : consumed + 2] >= b"\xa0":
        raise BrokenError(NOT_UTF8)
    return text


def closed(payload: bytes) -> Close:
    if not payload:
        return Close(1005, "")
    must(len(payload) > 1)
    code = int.from_bytes(payload[:2], "big")
    must(code in CODES)
    return Close(code, decoded(payload[2:], True))
