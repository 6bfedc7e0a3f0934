"""Hypothesis strategies for traffic: frames that follow the rules, frames that do not, and ways to
cut them."""

from __future__ import annotations

import itertools
import struct
import zlib

from hypothesis import strategies as st
from wsproto.events import BytesMessage, Event, Ping, TextMessage

from fastframe._cli.differential import Session, deflate, no_extensions


def frame(
    opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0, key: bytes | None = None
) -> bytes:
    """A frame, whatever the rules say; the length is minimal."""
    first = fin << 7 | rsv << 4 | opcode
    masked = 0x80 if key is not None else 0
    if len(payload) <= 125:
        header = struct.pack("!BB", first, masked | len(payload))
    elif len(payload) <= 0xFFFF:
        header = struct.pack("!BBH", first, masked | 126, len(payload))
    else:
        header = struct.pack("!BBQ", first, masked | 127, len(payload))
    if key is None:
        return header + payload
    pattern = int.from_bytes((key * (len(payload) // 4 + 1))[: len(payload)], "big")
    return header + key + (int.from_bytes(payload, "big") ^ pattern).to_bytes(len(payload), "big")


keys = st.binary(min_size=4, max_size=4)
texts = st.text(max_size=200).map(lambda text: text.encode())
# What UTF-8 decoders get wrong: cut, overlong, surrogates, too large, lone continuations.
broken_texts = st.lists(
    st.sampled_from(
        [b"a", "é".encode(), "€".encode(), "😀".encode(), b"\xc0\xaf", b"\xe0\x80\x80",
        b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
         b"\xf5", b"\x80", b"\xe2\x82", b"\xf0\x9f\x98", b"\xc3", b"\xff"]
    ),
    max_size=12,
).map(b"".join)  # fmt: skip
# Around each of the three forms of the payload length.
long_payloads = st.one_of(st.integers(120, 130), st.integers(65530, 65545)).map(
    lambda size: (b"0123456789" * 6555)[:size]
)
payloads = st.one_of(texts, broken_texts, st.binary(max_size=300), long_payloads)
close_payloads = st.one_of(
    st.just(b""),
    st.binary(max_size=2),
    st.builds(
        lambda code, reason: struct.pack("!H", code) + reason[:123],
        st.one_of(
            st.integers(995, 1016),
            st.sampled_from([1100, 2999, 3000, 3999, 4000, 4999, 5000, 65535]),
        ),
        st.one_of(texts, broken_texts),
    ),
)


@st.composite
def messages(draw: st.DrawFn, key: bytes | None) -> list[bytes]:
    """The frames of one message, or of a control frame; fragments may have control frames between
    them."""
    kind = draw(st.sampled_from(["text", "binary", "fragments", "ping", "pong", "close", "any"]))
    if kind == "text":
        return [frame(1, draw(st.one_of(texts, broken_texts)), key=key)]
    if kind == "binary":
        return [frame(2, draw(payloads), key=key)]
    if kind == "ping":
        return [frame(9, draw(st.binary(max_size=125)), key=key)]
    if kind == "pong":
        return [frame(10, draw(st.binary(max_size=125)), key=key)]
    if kind == "close":
        return [frame(8, draw(close_payloads), key=key)]
    if kind == "any":
        return [
            frame(
                draw(st.integers(0, 15)),
                draw(st.binary(max_size=130)),
                fin=draw(st.booleans()),
                rsv=draw(st.sampled_from([0, 0, 0, 1, 2, 4, 7])),
                key=key,
            )
        ]
    opcode = draw(st.sampled_from([1, 2]))
    payload = draw(st.one_of(texts, broken_texts))
    cuts = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=4)))
    edges = [0, *cuts, len(payload)]
    frames = []
    for i, (start, end) in enumerate(itertools.pairwise(edges)):
        last = i == len(edges) - 2
        frames.append(frame(opcode if i == 0 else 0, payload[start:end], fin=last, key=key))
        if not last and draw(st.booleans()):
            frames.append(frame(9, b"between", key=key))
    return frames


@st.composite
def deflated(draw: st.DrawFn, key: bytes | None) -> list[bytes]:
    """The frames of one compressed message, sometimes damaged, sometimes with a Ping between its
    fragments."""
    compressor = zlib.compressobj(wbits=-15)
    data = compressor.compress(draw(st.one_of(texts, broken_texts, st.binary(max_size=300))))
    data += compressor.flush(zlib.Z_SYNC_FLUSH)
    data = data[:-4]
    if draw(st.integers(0, 9)) == 0 and data:
        at = draw(st.integers(0, len(data) - 1))
        data = data[:at] + bytes([data[at] ^ draw(st.integers(1, 255))]) + data[at + 1 :]
    opcode = draw(st.sampled_from([1, 2]))
    if draw(st.booleans()):
        return [frame(opcode, data, rsv=4, key=key)]
    at = draw(st.integers(0, len(data)))
    between = [frame(9, b"", key=key)] if draw(st.integers(0, 4)) == 0 else []
    return [
        frame(opcode, data[:at], fin=False, rsv=4, key=key),
        *between,
        frame(0, data[at:], rsv=draw(st.sampled_from([0, 0, 0, 4])), key=key),
    ]


@st.composite
def damaged(draw: st.DrawFn, frames: list[bytes]) -> list[bytes]:
    """The same frames, with a byte changed, left out or put in."""
    joined = b"".join(frames)
    at = draw(st.integers(0, max(0, min(len(joined), 40) - 1)))
    byte = bytes([draw(st.integers(0, 255))])
    how = draw(st.sampled_from(["change", "drop", "insert", "append"]))
    if how == "change":
        return [joined[:at] + byte + joined[at + 1 :]]
    if how == "drop":
        return [joined[:at] + joined[at + 1 :]]
    if how == "insert":
        return [joined[:at] + byte + joined[at:]]
    return [joined, draw(st.binary(max_size=20))]


class StrSubclass(str):
    """A str that is not exactly one, so that wsproto's own code sends it."""

    __slots__ = ()


@st.composite
def sends(draw: st.DrawFn) -> tuple[Event, ...]:
    """Whole and fragmented messages, of all types of data and of truth, in any order, and Pings
    between."""
    made: list[Event] = []
    for _ in range(draw(st.integers(0, 6))):
        finished = draw(st.sampled_from([True, True, False, False, 1, 0]))
        text = draw(st.text(max_size=60))
        kind = draw(st.sampled_from([str, StrSubclass, bytes, bytearray, memoryview, None]))
        if kind is None:
            made.append(Ping(text.encode()[:125]))
        elif issubclass(kind, str):
            made.append(TextMessage(data=kind(text), message_finished=finished))  # type: ignore[arg-type]
        else:
            made.append(BytesMessage(data=kind(text.encode()), message_finished=finished))  # type: ignore[arg-type]
    return tuple(made)


@st.composite
def sessions(draw: st.DrawFn, extensions: bool = True) -> Session:
    client = draw(st.booleans())
    # The other role's frames, so masked for a server; and now and then the wrong way round.
    key = (
        draw(st.one_of(st.none(), keys))
        if draw(st.integers(0, 9)) == 0
        else (None if client else draw(keys))
    )
    compressed = extensions and draw(st.booleans())
    kinds = messages(key) if not compressed else st.one_of(messages(key), deflated(key))
    frames = [part for group in draw(st.lists(kinds, max_size=6)) for part in group]
    if draw(st.integers(0, 2)) == 0:
        frames = draw(damaged(frames))
    size = sum(map(len, frames))
    cuts = draw(
        st.one_of(st.just([]), st.lists(st.integers(1, max(1, min(size, 400))), max_size=8))
    )
    if size <= 300 and draw(st.integers(0, 3)) == 0:
        cuts = list(range(1, size))
    used = deflate if compressed else no_extensions
    return Session(
        "hypothesis", client, tuple(frames), tuple(sorted(set(cuts))), draw(sends()), used
    )
