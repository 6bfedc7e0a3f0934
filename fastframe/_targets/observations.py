"""Fixed traffic for a target's self-check: what its library makes of it alone must be what it makes
of it on fastframe.

A target that is not like any that was tested is only activated if it is asked for, and then only if
nothing differs here. It takes well below a second.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

KEY = b"\x12\x34\xab\xcd"

Observation = list[Any]


def frame(
    opcode: int, payload: bytes = b"", *, key: bytes | None, fin: bool = True, rsv: int = 0
) -> bytes:
    """A frame (RFC 6455, 5.2), also one that breaks rules."""
    mask_bit, size = 0x80 if key else 0, len(payload)
    if size < 126:
        head = bytes([fin << 7 | rsv << 4 | opcode, mask_bit | size])
    elif size < 1 << 16:
        head = bytes([fin << 7 | rsv << 4 | opcode, mask_bit | 126]) + struct.pack("!H", size)
    else:
        head = bytes([fin << 7 | rsv << 4 | opcode, mask_bit | 127]) + struct.pack("!Q", size)
    if key is None:
        return head + payload
    return head + key + bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


def compressed(data: bytes) -> bytes:
    """The payload of a compressed message (RFC 7692, 7.2.1)."""
    compressor = zlib.compressobj(wbits=-15)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


TEXT = "żółć 日本 😀 " * 3


def streams(key: bytes | None, *, deflate: bool) -> Iterator[bytes]:
    """What a peer may send: whole messages, fragments, control frames, and each broken rule after a
    good message."""

    def made(opcode: int, payload: bytes = b"", **more: Any) -> bytes:
        return frame(opcode, payload, key=key, **more)

    good = made(1, b"good")
    yield good + made(2, b"\x00\xff" * 9) + made(1, TEXT.encode()) + made(2, b"")
    yield (
        made(1, TEXT.encode()[:5], fin=False)
        + made(9, b"ping")
        + made(0, TEXT.encode()[5:], fin=False)
        + made(0, b"!")
        + made(10, b"pong")
    )
    yield (
        made(2, bytes(range(256)) * 3)
        + made(8, struct.pack("!H", 1000) + "gute Nacht, żółć".encode())
        + good
    )
    yield good + made(8)
    yield good + made(2, bytes(70_000)) + good
    for broken in (
        made(3), made(1, b"x", rsv=2), made(0, b"nothing to continue"),
        made(1, b"a", fin=False) + made(1, b"b"), made(9, b"x", fin=False),
        made(9, b"x" * 126), made(8, b"\x03"), made(8, struct.pack("!H", 1005)),
        made(1, b"\xff\xfe"), made(1, b"cut \xc3"), made(8, b"\x03\xe8\xff"),
        frame(1, b"x", key=None if key else KEY), made(1, b"x", rsv=4),
        b"\x82" + bytes([(0x80 if key else 0) | 126]) + b"\x00\x05" + (key or b"") + b"short",
    ):  # fmt: skip
        yield good + broken + good
    if deflate:
        whole = compressed(TEXT.encode() * 9)
        yield made(1, whole, rsv=4) + made(2, compressed(bytes(3000)), rsv=4) + good
        yield made(1, whole[:7], rsv=4, fin=False) + made(0, whole[7:]) + good
        yield made(1, b"\xff" * 9, rsv=4)


def cut(stream: bytes) -> Iterator[list[bytes]]:
    """The stream at once, and cut: at each byte where that is not too often; and a short one byte
    by byte."""
    yield [stream]
    for i in range(1, len(stream), 1 + len(stream) // 60):
        yield [stream[:i], stream[i:]]
    if len(stream) < 2000:
        yield [stream[i : i + 1] for i in range(len(stream))]


def validations(make: Callable[[], Any], texts: Iterable[bytes]) -> Observation:
    """What validators with wsaccel's interface answer, up to the first byte that is wrong; `make`
    makes one."""
    found: Observation = []
    for text in texts:
        for pieces in cut(text):
            validator = make()
            for piece in pieces:
                answer = outcome(validator.validate, piece)
                found.append(answer)
                if not answer[1][0]:
                    break
            found += [outcome(validator.reset), outcome(validator.validate, b"anew")]
    return found


def outcome(function: Callable[..., Any], *arguments: Any) -> Any:
    """What it returns or raises, in a form that can be compared."""
    try:
        result = function(*arguments)
    except Exception as error:
        return type(error), str(error)
    return type(result), bytes(result) if isinstance(result, (bytearray, memoryview)) else result
