"""Changes to an input that know what a frame is: libFuzzer's own would break the length of nearly
every one."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

from fastframe import ProtocolError, apply_mask, parse_header
from tests.strategies import frame

OPTIONS = 3
"""Bytes at the start of an input that are no frames: see `Input`."""


class Input(NamedTuple):
    """How the fuzzer's bytes are read by each target that decodes frames."""

    options: int
    step: int
    """Of the reads, in bytes; 0 for all at once."""
    kernel: int
    wire: bytes

    @classmethod
    def of(cls, data: bytes) -> Input | None:
        return cls(*data[:OPTIONS], data[OPTIONS:]) if len(data) >= OPTIONS else None  # type: ignore[arg-type]

    def pieces(self) -> list[bytes]:
        step = self.step or max(1, len(self.wire))
        return [self.wire[at : at + step] for at in range(0, len(self.wire), step)]


class Frame(NamedTuple):
    first: int
    """FIN, the reserved bits and the opcode."""
    key: bytes | None
    payload: bytes

    def wire(self) -> bytes:
        first = self.first
        return frame(first & 15, self.payload, fin=first >= 128, rsv=first >> 4 & 7, key=self.key)


def frames_of(wire: bytes) -> tuple[list[Frame], bytes]:
    """As many as there are whole, and the rest."""
    found: list[Frame] = []
    at = 0
    while at < len(wire):
        try:
            header = parse_header(wire[at : at + 14])
        except ProtocolError:
            break
        if header is None or at + header.size + header.payload_length > len(wire):
            break
        payload = wire[at + header.size : at + header.size + header.payload_length]
        key = header.masking_key
        found.append(Frame(wire[at], key, apply_mask(payload, key) if key else payload))
        at += header.size + header.payload_length
    return found, wire[at:]


def mutated(
    data: bytes, size: int, seed: int, by_libfuzzer: Callable[[bytes, int], bytes]
) -> bytes:
    """One change, to the frames as they are: or in one of three, to their bytes."""
    rng = random.Random(seed)
    frames, rest = frames_of(data[OPTIONS:])
    if not frames or rng.random() < 1 / 3:
        return bytes(by_libfuzzer(data, size))
    at = rng.randrange(len(frames))
    change = rng.choice(CHANGES)
    changed = change(rng, frames, at, by_libfuzzer)
    wire = b"".join(each.wire() for each in changed) + (rest if rng.random() < 0.9 else b"")
    return (data[:OPTIONS] + wire)[:size]


Mutate = Callable[[bytes, int], bytes]


def _payload(rng: random.Random, frames: list[Frame], at: int, mutate: Mutate) -> list[Frame]:
    payload = frames[at].payload
    frames[at] = frames[at]._replace(payload=bytes(mutate(payload, len(payload) + 100)))
    return frames


def _first(rng: random.Random, frames: list[Frame], at: int, mutate: Mutate) -> list[Frame]:
    first = rng.choice((0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x88, 0x89, 0x8A, 0xC1, 0xC2, 0x41))
    frames[at] = frames[at]._replace(first=first)
    return frames


def _bit(rng: random.Random, frames: list[Frame], at: int, mutate: Mutate) -> list[Frame]:
    frames[at] = frames[at]._replace(first=frames[at].first ^ 1 << rng.randrange(8))
    return frames


def _split(rng: random.Random, frames: list[Frame], at: int, mutate: Mutate) -> list[Frame]:
    first, key, payload = frames[at]
    cut = rng.randint(0, len(payload))
    two = [Frame(first & 0x7F, key, payload[:cut]), Frame(first & 0x80, key, payload[cut:])]
    return [*frames[:at], *two, *frames[at + 1 :]]


def _insert(rng: random.Random, frames: list[Frame], at: int, mutate: Mutate) -> list[Frame]:
    first = rng.choice((0x89, 0x8A, 0x88, 0x81, 0x82, 0x00, 0x80))
    payload = rng.choice((b"", b"\x03\xe8", b"\xc3\xa9", b"\xf0\x9f", b"\x98\x80", b"between"))
    return [*frames[:at], Frame(first, frames[at].key, payload), *frames[at:]]


def _again(rng: random.Random, frames: list[Frame], at: int, mutate: Mutate) -> list[Frame]:
    return [*frames[: at + 1], *frames[at:]]


def _without(rng: random.Random, frames: list[Frame], at: int, mutate: Mutate) -> list[Frame]:
    return [*frames[:at], *frames[at + 1 :]]


def _exchanged(rng: random.Random, frames: list[Frame], at: int, mutate: Mutate) -> list[Frame]:
    other = rng.randrange(len(frames))
    frames[at], frames[other] = frames[other], frames[at]
    return frames


def _longer(rng: random.Random, frames: list[Frame], at: int, mutate: Mutate) -> list[Frame]:
    """Around the sizes at which the header changes its form, and vectors their number."""
    size = rng.choice((0, 1, 15, 16, 17, 31, 33, 63, 64, 65, 124, 125, 126, 127, 300))
    frames[at] = frames[at]._replace(payload=(frames[at].payload * (size + 1))[:size])
    return frames


def _masked(rng: random.Random, frames: list[Frame], at: int, mutate: Mutate) -> list[Frame]:
    key = None if frames[at].key and rng.random() < 0.2 else rng.randbytes(4)
    frames[at] = frames[at]._replace(key=key)
    return frames


CHANGES = (
    _payload, _payload, _payload, _first, _bit, _split, _insert, _again, _without, _exchanged,
    _longer, _masked,
)  # fmt: skip
