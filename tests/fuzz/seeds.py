"""What fuzzing starts from, beside the corpora: the shapes of the Autobahn TestSuite's groups, and
of faults that there were."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from tests.fuzz.mutations import Frame
from tests.helpers import KEY, deflated
from tests.strategies import frame

FOLDER = Path(__file__).parent / "of_python"
STEPS = (0, 1, 7)
TEXT = "żółć 日本 😀"
REQUEST = (
    b"GET /chat?room=1 HTTP/1.1\r\nhost: example.com\r\n"
    b"connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
    b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n"
)
OFFERS = (
    "permessage-deflate", "permessage-deflate; client_max_window_bits, x-other; a=b",
    "permessage-deflate; server_max_window_bits=10; server_no_context_takeover",
    'permessage-deflate; client_max_window_bits="9"; client_no_context_takeover',
    " , ,permessage-deflate\t;\tserver_max_window_bits=8,permessage-deflate",
)  # fmt: skip


def seeds(target: str) -> Iterator[bytes]:
    path = FOLDER / f"{target}.py"
    if target == "inflater":
        yield from compressed()
    elif target == "negotiation":
        yield from (bytes([i]) + offer.encode() for i in range(3) for offer in OFFERS)
    elif target == "handshake":
        lines = (b"", b"sec-websocket-protocol: a, b\r\n", b"cookie: a=b\r\nx: y \r\n")
        yield from (bytes([i]) + REQUEST % lines[i % 3] for i in range(256))
    elif path.exists() and "FRAMES = True" in path.read_text():
        if target == "decoder":  # a large text in each way in, with its rest behind it
            large = b"\x81\x7f" + (99_000).to_bytes(8, "big")
            yield from (bytes([way << 5, step, 255]) + large for way in range(8) for step in (3, 5))
        for number, key in enumerate((KEY, None)):
            for at, stream in enumerate(streams(key)):
                options = (number ^ 1) | at % 128 << 1
                yield bytes([options, STEPS[at % 3], at * 37 % 256]) + stream


def streams(key: bytes | None) -> Iterator[bytes]:
    def text(data: bytes, **more: bool | int) -> bytes:
        return frame(1, data, key=key, **more)  # type: ignore[arg-type]

    def close(code: int, reason: bytes = b"") -> bytes:
        return frame(8, struct.pack("!H", code) + reason, key=key)

    # 1, 2, 3, 4: sizes, pings, reserved bits and opcodes
    for size in (0, 1, 15, 16, 17, 63, 64, 65, 125, 126, 127, 300):
        yield text(b"*" * size) + frame(2, b"\xfe" * size, key=key)
    yield frame(9, b"", key=key) + frame(10, b"x" * 125, key=key) + frame(9, b"\x00\xff", key=key)
    yield frame(9, b"x" * 126, key=key)
    yield from (text(b"small", rsv=rsv) for rsv in range(1, 8))
    yield from (text(b"a") + frame(opcode, b"b", key=key) for opcode in (*range(3, 8), 11, 15))
    # 5: fragments
    yield text(b"one", fin=False) + frame(0, b"two", key=key)
    yield text(b"one", fin=False) + frame(9, b"?", key=key) + frame(0, b"", key=key)
    yield text(b"one", fin=False) + text(b"another")
    yield frame(0, b"of nothing", key=key) + text(b"text")
    yield frame(9, b"part", fin=False, key=key)
    yield b"".join(frame(0 if i else 2, b"x", fin=i == 9, key=key) for i in range(10))
    # 6: UTF-8
    broken = (b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xce\xba\xe1", b"\xff", b"a\x80")
    for data in (TEXT.encode(), *broken):
        yield text(data)
        yield text(data[:2], fin=False) + frame(0, data[2:], key=key)
    # 7: Close
    yield from (close(code) for code in (999, 1000, 1004, 1005, 1006, 1011, 1015, 2999, 3000, 5000))
    yield close(1000, b"bye") + text(b"after") + frame(8, b"", key=key)
    yield from (
        frame(8, payload, key=key) for payload in (b"", b"\x03", b"\x03\xe8\xff", b"x" * 125)
    )
    # 12, 13: compressed
    for data in (b"hello hello hello", TEXT.encode() * 5, b""):
        yield text(deflated(data), rsv=4) * 2
        yield text(deflated(data)[:4], rsv=4, fin=False) + frame(0, deflated(data)[4:], key=key)
    yield text(final(b"final block"), rsv=4) * 2
    # Lengths that are not minimal, huge, or never followed by as much.
    masked = 128 if key else 0
    for length in (b"\x7e\x00\x05", b"\x7f" + bytes(7) + b"\x05", b"\x7f\x80" + bytes(7)):
        yield bytes([0x82, masked | length[0]]) + length[1:] + (key or b"") + b"hello"
    yield bytes([0x82, masked | 127]) + (1 << 40).to_bytes(8, "big") + (key or b"") + b"hello"
    yield Frame(0x81, key, b"cut off").wire()[:-3]
    # Large ones that are begun; some targets send the rest.
    for opcode in (1, 2, 0x81, 0x82):
        for start in (b"a", TEXT.encode() * 5, b"a" * 200 + b"\xff"):
            yield bytes([opcode, masked | 127]) + (99_000).to_bytes(8, "big") + (key or b"") + start


def final(data: bytes) -> bytes:
    """With a block that ends the stream (RFC 7692, 7.2.3.4)."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return compressor.compress(data) + compressor.flush() + b"\x00"


def compressed() -> Iterator[bytes]:
    messages = (
        deflated(b"hello hello"), deflated(TEXT.encode() * 5), deflated(b"x" * 3000), b"\x00",
        final(b"hello"), final(b"a") + deflated(b"b"), deflated(b"\xff"), b"", b"\xff" * 9,
        deflated(bytes(range(120)), 0),
    )  # fmt: skip
    for options in range(0, 256, 7):
        for message in messages:
            whole = bytes([len(message) & 127]) + message
            half = len(message) // 2
            cut = bytes([128 | half & 127]) + message[:half] + bytes([len(message) - half & 127])
            yield bytes([options, STEPS[options % 3]]) + whole * 2 + cut + message[half:]
