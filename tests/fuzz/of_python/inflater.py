"""Compressed messages in any fragments, beside zlib alone: the same messages and the same code,
with limits, in any reads, and never more memory than the limit."""

from __future__ import annotations

import zlib
from typing import Any

from fastframe import Decoder, ProtocolError, Role
from fastframe.deflate import Deflate
from tests.fuzz.model import NOT_UTF8, TOO_BIG, BrokenError, decoded
from tests.strategies import frame

LIMITS = (1 << 24, 1000, 7)
BITS = (15, 12, 9)
TAIL = b"\x00\x00\xff\xff"  # RFC 7692, 7.2.2
FEW_STREAMS = 16
"""That end inside a message, before their number is held against its size."""


class UnknownError(Exception):
    """The stream goes beyond what the model knows."""


def check(data: bytes) -> None:
    if len(data) < 2:
        return
    options, step, messages = data[0], data[1], split(data[2:])
    limit, bits = LIMITS[options % 3], BITS[options // 3 % 3]
    takeover = not options & 64
    opcode = 1 if options & 128 else 2
    agreement = Deflate().confirm(
        f"permessage-deflate; server_max_window_bits={bits}"
        + ("" if takeover else "; server_no_context_takeover")
    )
    wire = b"".join(fragments(message, opcode) for message in messages)
    found = outcome(Decoder(Role.CLIENT, deflate=agreement, max_message_size=limit), wire, step)
    try:
        expected = Model(bits, takeover, limit, opcode == 1).run(messages)
    except UnknownError:
        return
    if bits < 15 and found[1] == NOT_UTF8:
        assert found[0] == expected[0][: len(found[0])]  # zlib may refuse what is beyond its window
        return
    assert found == expected, f"{found!r:.500}\n{expected!r:.500}"


def split(data: bytes) -> list[list[bytes]]:
    """Messages of fragments: before each is a byte with its length, whose highest bit says that
    more of the message follows."""
    messages: list[list[bytes]] = [[]]
    at = 0
    while at < len(data):
        length = data[at] & 127
        messages[-1].append(data[at + 1 : at + 1 + length])
        at += 1 + length
        if not data[at - 1 - length] & 128 and at < len(data):
            messages.append([])
    return [message for message in messages if message]


def fragments(message: list[bytes], opcode: int) -> bytes:
    last = len(message) - 1
    return b"".join(
        frame(0 if i else opcode, part, fin=i == last, rsv=0 if i else 4)
        for i, part in enumerate(message)
    )


def outcome(decoder: Decoder[Any], wire: bytes, step: int) -> tuple[list[Any], int | None]:
    found: list[Any] = []
    step = step or len(wire) or 1
    try:
        for at in range(0, len(wire), step):
            for message in decoder.feed(wire[at : at + step]):
                found.append(message)
    except ProtocolError as error:
        return found, error.code
    return found, None


class Model:
    """RFC 7692, 7.2.2, with zlib."""

    def __init__(self, bits: int, takeover: bool, limit: int, is_text: bool) -> None:
        self.bits, self.takeover, self.limit, self.is_text = bits, takeover, limit, is_text
        self.stream: Any = None

    def run(self, messages: list[list[bytes]]) -> tuple[list[Any], int | None]:
        found: list[Any] = []
        for message in messages:
            if sum(map(len, message)) > self.limit:  # the limit on the wire is another one
                raise UnknownError
            output, code = self.inflated(message)
            if code is None and self.is_text:
                try:
                    found.append(output.decode())
                except UnicodeDecodeError:
                    code = NOT_UTF8
            elif code is None:
                found.append(output)
            if code is not None:
                return found, code
        return found, None

    def inflated(self, message: list[bytes]) -> tuple[bytes, int | None]:
        output = b""
        data = b"".join(message) + TAIL
        if self.stream is None:
            self.stream = zlib.decompressobj(wbits=-self.bits)
        streams = 0
        while data:
            try:
                output += self.stream.decompress(data, self.limit + 1 - len(output))
            except zlib.error as error:
                if self.bits < 15 and "too far back" in str(error):
                    raise UnknownError from None  # and may not refuse it
                return output, self.first_code(output, NOT_UTF8)
            if len(output) > self.limit:
                return output, self.first_code(output[: self.limit], TOO_BIG)
            if not self.stream.eof:
                break
            data = self.stream.unused_data
            streams += 1
            if streams > FEW_STREAMS:
                raise UnknownError
            window = output[-(1 << self.bits) :]
            self.stream = zlib.decompressobj(wbits=-self.bits, zdict=window)
            if data == TAIL:
                break
        if not self.takeover:
            self.stream = None
        return output, None

    def first_code(self, output: bytes, code: int) -> int:
        """A text that was broken before comes first."""
        if self.is_text:
            try:
                decoded(output, final=False)
            except BrokenError:
                return NOT_UTF8
        return code
