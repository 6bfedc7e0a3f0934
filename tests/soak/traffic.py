"""Traffic by the thousand million frames: as odd as tests/strategies.py makes it, and a hundred
times as fast, since sessions draw from a pool of parts that is made anew every some 30,000
frames."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage

from fastframe._cli.corpus import Peer, chat, hostile_frame
from tests.strategies import frame

SESSIONS_OF_A_POOL = 200
PARTS_OF_A_POOL = 400
PARTS_OF_A_SESSION = 100
READS = (100, 536, 1448, 4096)
LARGE_READS = (1448, 16384, 65536)
EDGES = (124, 125, 126, 127, 128, 65534, 65535, 65536, 65537)
"""Sizes around each of the three forms of the payload length (RFC 6455, 5.2)."""


class Part(NamedTuple):
    """A message or a control frame, as it is on the wire."""

    wire: bytes
    frames: int


class Traffic(NamedTuple):
    """What one connection receives, and what it sends meanwhile."""

    client: bool
    """The role of the endpoint that is observed."""
    deflate: str | None
    """The parameters that were agreed to."""
    pieces: list[bytes]
    frames: int
    sends: list[Event]


class Pool:
    """Parts for one role, with or without compression."""

    def __init__(self, rng: random.Random, *, client: bool, deflate: str | None) -> None:
        self.rng, self.client, self.deflate = rng, client, deflate
        self.parts = [self.part() for _ in range(PARTS_OF_A_POOL)]
        self.sends = [self.event() for _ in range(PARTS_OF_A_POOL)]

    def key(self) -> bytes | None:
        return None if self.client else self.rng.randbytes(4)

    def payload(self) -> tuple[int, bytes]:
        """With its opcode: small most of the time, as messages are."""
        rng = self.rng
        kind = rng.random()
        if kind < 0.5:
            return 1, chat(rng)[: rng.randrange(60)].encode()
        if kind < 0.98:
            return 2, rng.randbytes(rng.randrange(40))
        size = rng.choice(EDGES[:5] if rng.random() < 0.99 else EDGES[5:])
        return rng.choice((1, 2)), (b"0123456789abcdef" * (size // 16 + 1))[:size]

    def part(self) -> Part:
        rng = self.rng
        kind = rng.random()
        if kind < 0.08:
            opcode = rng.choice((9, 10))
            payload = rng.randbytes(rng.choice((0, 0, 4, 8, 125)))
            return Part(frame(opcode, payload, key=self.key()), 1)
        opcode, payload = self.payload()
        rsv = 0
        if self.deflate is not None and rng.random() < 0.7:
            rsv, payload = 4, self.compressed(payload)
        if kind < 0.8:
            return Part(frame(opcode, payload, rsv=rsv, key=self.key()), 1)
        return self.fragments(opcode, payload, rsv)

    def compressed(self, payload: bytes) -> bytes:
        """A message of its own, so that any order of them can be inflated."""
        compressor = zlib.compressobj(self.rng.choice((1, 9)), wbits=-self.rng.choice((9, 15)))
        return (compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]

    def fragments(self, opcode: int, payload: bytes, rsv: int) -> Part:
        """Cut anywhere; without compression now and then a control frame between (with it, wsproto
        forgets that the message is compressed)."""
        rng = self.rng
        cuts = sorted(rng.randint(0, len(payload)) for _ in range(rng.randint(1, 4)))
        edges = [0, *cuts, len(payload)]
        wire, frames = b"", 0
        for i in range(len(edges) - 1):
            last = i == len(edges) - 2
            piece = payload[edges[i] : edges[i + 1]]
            wire += frame(0 if i else opcode, piece, fin=last, rsv=0 if i else rsv, key=self.key())
            frames += 1
            if not last and rng.random() < 0.3 and (not rsv or rng.random() < 0.1):
                wire += frame(9, b"between", key=self.key())
                frames += 1
        return Part(wire, frames)

    def end(self) -> Part:
        """What a connection ends by: nothing, a Close, or what no connection may go on after."""
        rng = self.rng
        kind = rng.random()
        if kind < 0.3:
            return Part(b"", 0)
        if kind < 0.55:
            code = rng.choice((1000, 1001, 1005, 1006, 1011, 1015, 2999, 3000, 4999, 5000))
            reason = chat(rng).encode()[: rng.randrange(124)]
            close = rng.choice((b"", struct.pack("!H", code), struct.pack("!H", code) + reason))
            return Part(frame(8, close, key=self.key()) + b"\x81", 1)
        after = rng.choice(self.parts)
        return Part(hostile_frame(Peer(rng, self.client)) + after.wire, 1)

    def event(self) -> Event:
        rng = self.rng
        kind = rng.random()
        if kind < 0.1:
            return rng.choice((Ping, Pong))(rng.randbytes(rng.choice((0, 4, 125))))
        opcode, payload = self.payload()
        finished = rng.random() < 0.9
        if opcode == 1:
            return TextMessage(payload.decode(errors="ignore"), message_finished=finished)
        return BytesMessage(payload, message_finished=finished)

    def session(self) -> Traffic:
        rng = self.rng
        parts = rng.choices(self.parts, k=PARTS_OF_A_SESSION)
        parts.append(self.end())
        sends = rng.choices(self.sends, k=rng.randrange(40))
        if rng.random() < 0.1:
            sends.append(CloseConnection(rng.choice((1000, 1001, 4000)), chat(rng)[:30]))
        wire = b"".join([part.wire for part in parts])
        frames = sum([part.frames for part in parts])
        return Traffic(self.client, self.deflate, self.cut(wire), frames, sends)

    def cut(self, wire: bytes) -> list[bytes]:
        rng = self.rng
        how = rng.random()
        if how < 0.4:
            return [wire]
        if how < 0.98:
            size = rng.choice(READS if len(wire) < 20_000 else LARGE_READS)
            first = rng.randrange(size)
            return [wire[:first], *(wire[at : at + size] for at in range(first, len(wire), size))]
        at = rng.randrange(len(wire))  # some fifty bytes one by one
        ones = [wire[i : i + 1] for i in range(at, min(at + 50, len(wire)))]
        return [wire[:at], *ones, wire[at + 50 :]]


DEFLATE = (
    "permessage-deflate",
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
)


def sessions(seed: int, frames: int) -> Iterator[Traffic]:
    """Until they have `frames` frames together; the same for the same seed."""
    rng = random.Random(seed)
    made = 0
    while True:
        deflate = rng.choice(DEFLATE) if rng.random() < 0.15 else None
        pool = Pool(rng, client=rng.random() < 0.5, deflate=deflate)
        for _ in range(SESSIONS_OF_A_POOL):
            session = pool.session()
            yield session
            made += session.frames + len(session.sends)
            if made >= frames:
                return
