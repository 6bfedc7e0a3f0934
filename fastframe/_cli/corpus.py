"""Realistic traffic, made from a seed: what `fastframe verify` replays, and what the benchmarks
measure.

Each kind is a generator of sessions. The same seed gives the same sessions on every machine and
every Python.
"""

from __future__ import annotations

import itertools
import json
import random
import struct
import zlib
from collections.abc import Callable, Iterator

from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage

from fastframe._cli.differential import Session, deflate, no_extensions
from fastframe._codec.encoder import Encoder
from fastframe._types import Opcode, Role

# A few words in the scripts that chat is written in; mixed, so that texts are one, two, three and
# four bytes a character.
WORDS = {
    "English": "the quick brown fox jumps over a lazy dog and then some more of it",
    "French": "où êtes-vous déjà allés cet été là-bas près du vieux château",
    "Polish": "zażółć gęślą jaźń czyli wszystkie polskie znaki w jednym",
    "Russian": "съешь же ещё этих мягких французских булок да выпей чаю",
    "Greek": "ξεσκεπάζω την ψυχοφθόρα βδελυγμία και τα λοιπά",
    "Hebrew": "דג סקרן שט בים מאוכזב ולפתע מצא חברה",
    "Arabic": "نص حكيم له سر قاطع وذو شأن عظيم مكتوب على ثوب أخضر",
    "Hindi": "ऋषियों को सताने वाले दुष्ट राक्षसों के राजा रावण",
    "Thai": "เป็นมนุษย์ สุดประเสริฐ เลิศคุณค่า กว่าบรรดา ฝูงสัตว์",
    "Chinese": "我能吞下 玻璃 而不伤 身体 天地 玄黄 宇宙 洪荒",
    "Japanese": "いろは にほへと ちりぬるを 日本語 の テキスト カタカナ",
    "Korean": "다람쥐 헌 쳇바퀴에 타고파 한국어 문장 입니다",
    "emoji": "😀 🎉 👍 🚀 ❤️ 👩‍👩‍👧 🇪🇺 🙃 💯",
}

# Sizes of one read: what a socket gives under load, one Ethernet frame, and what slow links make of
# it.
READS = (65536, 16384, 1448, 100)
MOST_PIECES = 300


def sentence(rng: random.Random, script: str, words: int) -> str:
    return " ".join(rng.choices(WORDS[script].split(), k=words))


def chat(rng: random.Random) -> str:
    return sentence(rng, rng.choice(list(WORDS)), rng.choice((1, 3, 5, 8, 13, 40)))


def document(rng: random.Random, size: int = 0) -> str:
    """JSON as applications send it: mostly ASCII, some names and messages."""
    items = [
        {
            "id": rng.randrange(10**9),
            "user": sentence(rng, rng.choice(("English", "French", "Japanese")), 2),
            "price": round(rng.random() * 1000, 2),
            "tags": rng.choices(WORDS["English"].split(), k=3),
            "read": rng.random() < 0.5,
        }
        for _ in range(size or rng.choice((1, 1, 2, 10, 60)))
    ]
    return json.dumps(items, ensure_ascii=False)


def binary(rng: random.Random) -> bytes:
    return rng.randbytes(rng.choice((2, 16, 60, 125, 126, 500, 1500, 4096, 16384, 65535, 65536)))


class Peer:
    """The other end: makes the frames that the observed endpoint receives, the masking keys from
    the seed."""

    def __init__(self, rng: random.Random, client: bool) -> None:
        self.rng = rng
        role = Role.SERVER if client else Role.CLIENT
        self._encoder = Encoder(role, masking_keys=lambda: rng.randbytes(4))

    def frame(self, opcode: Opcode, payload: bytes, *, fin: bool = True, rsv: int = 0) -> bytes:
        return self._encoder.frame(opcode, payload, fin=fin, rsv=rsv)

    def whole(self, message: str | bytes) -> bytes:
        return self._encoder.message(message)

    def fragments(self, message: str | bytes, *, rsv: int = 0) -> list[bytes]:
        """A message in two to five fragments, cut anywhere, now and then a Ping between."""
        opcode, data = (
            (Opcode.TEXT, message.encode())
            if isinstance(message, str)
            else (Opcode.BINARY, message)
        )
        cuts = sorted(self.rng.randint(0, len(data)) for _ in range(self.rng.randint(1, 4)))
        edges = [0, *cuts, len(data)]
        frames: list[bytes] = []
        for start, end in itertools.pairwise(edges):
            fin = len(frames) == len(edges) - 2
            frames.append(self.frame(opcode, data[start:end], fin=fin, rsv=rsv))
            opcode, rsv = Opcode.CONTINUATION, 0
        return frames


def _text(peer: Peer) -> list[bytes]:
    return [peer.whole(chat(peer.rng))]


def _json(peer: Peer) -> list[bytes]:
    return [peer.whole(document(peer.rng))]


def _binary(peer: Peer) -> list[bytes]:
    return [peer.whole(binary(peer.rng))]


def _fragments(peer: Peer) -> list[bytes]:
    frames = peer.fragments(chat(peer.rng) if peer.rng.random() < 0.7 else binary(peer.rng))
    if peer.rng.random() < 0.3:
        frames.insert(peer.rng.randrange(len(frames)), peer.frame(Opcode.PING, b"between"))
    return frames


def _control(peer: Peer) -> list[bytes]:
    opcode = peer.rng.choice((Opcode.PING, Opcode.PONG))
    return [peer.frame(opcode, peer.rng.randbytes(peer.rng.choice((0, 4, 8, 125))))]


def _close(peer: Peer) -> bytes:
    code = peer.rng.choice((1000, 1001, 1008, 1011, 3000, 4999))
    reason = sentence(peer.rng, "French", 3).encode()[:123]
    return peer.frame(
        Opcode.CLOSE,
        peer.rng.choice((b"", struct.pack("!H", code), struct.pack("!H", code) + reason)),
    )


def hostile_frame(peer: Peer) -> bytes:
    """A frame that breaks a rule, or nearly."""
    rng = peer.rng
    good = peer.frame(
        rng.choice((Opcode.TEXT, Opcode.BINARY, Opcode.PING)),
        sentence(rng, "Polish", 6).encode()[:125],
    )
    at = rng.randrange(min(len(good), 8))
    return rng.choice(
        (
            good[:at] + bytes([rng.randrange(256)]) + good[at + 1 :],
            peer.frame(
                Opcode.TEXT,
                rng.choice(
                    (b"a\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf", b"ok\xff")
                ),
            ),
            peer.frame(
                Opcode.CLOSE,
                rng.choice((b"\x03", b"\x03\xed", b"\x13\x88", b"\x03\xe8\xff", b"\x00\x00")),
            ),
            peer.frame(Opcode.CONTINUATION, b"of nothing"),
            peer.frame(Opcode.TEXT, b"never finished", fin=False)
            + peer.frame(Opcode.TEXT, b"second"),
            peer.frame(Opcode.BINARY, b"", rsv=rng.randrange(1, 8)),
            rng.randbytes(rng.randrange(2, 40)),
        )
    )


def _sends(rng: random.Random) -> tuple[Event, ...]:
    """What the observed endpoint sends meanwhile."""
    events: list[Event] = []
    for _ in range(rng.randrange(6)):
        events.append(
            rng.choice(
                (
                    TextMessage(chat(rng)),
                    BytesMessage(binary(rng)),
                    Ping(rng.randbytes(8)),
                    Pong(b""),
                )
            )
        )
    if rng.random() < 0.2:
        events.append(CloseConnection(1000, sentence(rng, "Greek", 4)))
    return tuple(events)


def cut(rng: random.Random, frames: tuple[bytes, ...]) -> tuple[int, ...]:
    """Where the reads end: at every frame, at a fixed size, or anywhere; short sessions also byte
    by byte."""
    size = sum(map(len, frames))
    how = rng.random()
    if how < 0.25:
        ends = []
        total = 0
        for frame in frames[:-1]:
            total += len(frame)
            ends.append(total)
        return tuple(ends)
    if how < 0.75:
        step = rng.choice([read for read in READS if size / read <= MOST_PIECES] or READS[:1])
        return tuple(range(step, size, step))
    if how < 0.85 and size < 2000:
        return tuple(range(1, size))
    return tuple(sorted({rng.randrange(1, max(2, size)) for _ in range(rng.randrange(1, 12))}))


FRAMES_IN_A_SESSION = 100

Maker = Callable[[Peer], list[bytes]]


def _regular(kind: str, make: Maker) -> Callable[[random.Random], Session]:
    def session(rng: random.Random) -> Session:
        client = rng.random() < 0.3
        peer = Peer(rng, client)
        frames: list[bytes] = []
        while len(frames) < FRAMES_IN_A_SESSION:
            frames += make(peer)
        if rng.random() < 0.5:
            frames.append(_close(peer))
        return Session(
            kind, client, tuple(frames), cut(rng, tuple(frames)), _sends(rng), no_extensions
        )

    return session


def _deflate(rng: random.Random) -> Session:
    client = rng.random() < 0.3
    peer = Peer(rng, client)
    compressor = zlib.compressobj(wbits=-15)
    frames: list[bytes] = []
    while len(frames) < FRAMES_IN_A_SESSION:
        payload = (document(rng) if rng.random() < 0.7 else chat(rng)).encode()
        data = (compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]
        if rng.random() < 0.8:
            frames.append(peer.frame(Opcode.TEXT, data, rsv=4))
        else:
            half = rng.randint(0, len(data))
            frames.append(peer.frame(Opcode.TEXT, data[:half], fin=False, rsv=4))
            frames.append(peer.frame(Opcode.CONTINUATION, data[half:]))
    return Session("deflate", client, tuple(frames), cut(rng, tuple(frames)), _sends(rng), deflate)


def _hostile(rng: random.Random) -> Session:
    client = rng.random() < 0.3
    peer = Peer(rng, client)
    frames = [frame for _ in range(rng.randrange(4)) for frame in _text(peer)]
    frames.append(hostile_frame(peer))
    frames += _control(peer)
    extensions = deflate if rng.random() < 0.3 else no_extensions
    return Session(
        "hostile", client, tuple(frames), cut(rng, tuple(frames)), _sends(rng), extensions
    )


KINDS: dict[str, Callable[[random.Random], Session]] = {
    "chat text": _regular("chat text", _text),
    "JSON text": _regular("JSON text", _json),
    "binary": _regular("binary", _binary),
    "fragments": _regular("fragments", _fragments),
    "pings and pongs": _regular("pings and pongs", _control),
    "deflate": _deflate,
    "hostile": _hostile,
}


def sessions(kind: str, seed: int, frames: int) -> Iterator[Session]:
    """Sessions of one kind until they have `frames` frames together."""
    rng = random.Random(f"{kind} {seed}")
    made = 0
    while made < frames:
        session = KINDS[kind](rng)
        made += len(session.frames)
        yield session
