"""From UTF-8 on the wire to `str`, with every kernel: equal, and of the same make as CPython's
own."""

from __future__ import annotations

import itertools
import random
import sys
from collections.abc import Iterator

import pytest

from fastframe import Decoder, Encoder, ProtocolError, Role, Utf8Validator
from tests.helpers import KEY
from tests.strategies import frame

# Characters of one, two, three and four bytes, and the first and last of each kind of string.
PALETTES = [
    "a~ ",
    "aé\x80ÿ",
    "éÿ",
    "aéĀя",
    "яж",
    "a中文€",
    "中文字한글\uffff\ud7ff\ue000",
    "a😀",
    "😀🎉\U00010000\U0010ffff",
    "aé中😀",
]
# Texts as they are sent, which switch between kinds of characters every few of them.
MIXED = [
    '{"id":12345,"name":"敏捷的棕色狐狸","text":"跳过了懒狗"},',
    '{"id":12345,"name":"Съешь ещё","text":"этих мягких булок"},',
    "see you at the station at nine 🙃 bring your coat 👍🎉 ",
    '<li class="item"><a href="/menu/42">Crème brûlée à la vanille</a></li>\n',
]
SIZES = [
    *range(70),
    100,
    127,
    128,
    129,
    255,
    256,
    257,
    340,
    341,
    1023,
    1024,
    1025,
    4095,
    4096,
    4097,
    9000,
    70_000,
]


def same(found: object, expected: str) -> bool:
    """Equal, and as small: a string wider than it must be would be equal but break CPython's own
    shortcuts.

    CPython keeps strings of one character ready-made, with more about them than a new one has.
    """
    as_small = len(expected) < 2 or sys.getsizeof(found) == sys.getsizeof(expected)
    return found == expected and as_small and hash(found) == hash(expected)


def decodes(data: bytes | bytearray) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize("palette", PALETTES)
@pytest.mark.usefixtures("kernel")
def test_whole_texts(palette: str) -> None:
    rng = random.Random(palette)
    for role, key in ((Role.SERVER, KEY), (Role.CLIENT, None)):
        decoder = Decoder(role)
        for size in SIZES:
            text = "".join(rng.choices(palette, k=size))
            (found,) = decoder.feed(frame(1, text.encode("utf-8"), key=key))
            assert same(found, text), size


@pytest.mark.parametrize("palette", PALETTES)
@pytest.mark.usefixtures("kernel")
def test_texts_that_come_in_fragments_and_pieces(palette: str) -> None:
    """Cut inside a character as well; with room to spare and without, as the last fragment
    decides."""
    rng = random.Random(palette)
    for role, key in ((Role.SERVER, KEY), (Role.CLIENT, None)):
        decoder = Decoder(role)
        for size in (0, 1, 2, 7, 40, 64, 65, 300, 5000):
            text = "".join(rng.choices(palette, k=size))
            data = text.encode("utf-8")
            first, second = sorted(rng.randrange(len(data) + 1) for _ in range(2))
            wire = (
                frame(1, data[:first], fin=False, key=key)
                + frame(0, data[first:second], fin=False, key=key)
                + frame(0, data[second:], key=key)
            )
            step = rng.choice((1, 5, 64, 1000)) if size < 1000 else 1000
            found = [
                message
                for i in range(0, len(wire), step)
                for message in decoder.feed(wire[i : i + step])
            ]
            assert len(found) == 1
            assert same(found[0], text), size


@pytest.mark.parametrize("palette", [*PALETTES, "".join(PALETTES)])
@pytest.mark.usefixtures("kernel")
def test_texts_that_are_sent(palette: str) -> None:
    rng = random.Random(palette)
    for role, key in ((Role.CLIENT, KEY), (Role.SERVER, None)):
        encoder = Encoder(role, masking_keys=lambda: KEY)
        for size in SIZES:
            for text in (
                "".join(rng.choices(palette, k=size)),
                "x" * (size // 2) + rng.choice(palette) + "y" * (size // 2),
                "я" * (size // 3) + rng.choice(palette) + "中" * (size // 3),
            ):
                assert encoder.text(text) == frame(1, text.encode("utf-8"), key=key), size


def mixtures() -> Iterator[str]:
    """The same for every kernel: texts of MIXED, and runs of two palettes by turns."""
    rng = random.Random(1)
    for pattern in MIXED:
        for size in (*range(1, 70), 100, 130, 260, 500, 1100):
            yield (pattern * (size // len(pattern) + 1))[rng.randrange(len(pattern)) :][:size]
    for first, second in itertools.combinations(PALETTES, 2):
        for run in (1, 3, 8, 20, 64):
            palettes = itertools.islice(itertools.cycle((first, second)), 2 + 300 // run)
            yield "".join("".join(rng.choices(p, k=rng.randint(1, run))) for p in palettes)


@pytest.mark.usefixtures("kernel")
def test_mixtures_there_and_back() -> None:
    decoder, encoder = Decoder(Role.SERVER), Encoder(Role.CLIENT, masking_keys=lambda: KEY)
    for text in mixtures():
        wire = frame(1, text.encode("utf-8"), key=KEY)
        assert encoder.text(text) == wire
        (found,) = decoder.feed(wire)
        assert same(found, text)


@pytest.mark.usefixtures("kernel")
def test_mixtures_cut_anywhere() -> None:
    """The two pieces are UTF-8 as far as they go, and together; and a wrong byte is one, wherever
    the cut is."""
    rng = random.Random(2)
    validator = Utf8Validator()
    for text in mixtures():
        data = text.encode("utf-8")
        wrong = bytearray(data)
        at = rng.randrange(len(data))
        wrong[at] = rng.choice((0x80, 0xC1, 0xE0, 0xED, 0xF4, 0xFF))
        expected = decodes(wrong)
        for cut in range(len(data) + 1) if len(data) < 300 else rng.choices(range(len(data)), k=40):
            assert validator.feed(data[:cut])
            assert validator.feed(data[cut:])
            assert validator.finish()
            assert validator.feed(wrong[:cut]) or cut > at
            assert (validator.feed(wrong[cut:]) and validator.finish()) == expected, (wrong, cut)
            validator.reset()


@pytest.mark.usefixtures("kernel")
def test_no_surrogate_is_sent() -> None:
    encoder = Encoder(Role.SERVER)
    for size in (1, 8, 16, 40, 5000):
        for at in {0, size // 2, size - 1}:
            for others in ("x", "я", "中", "😀"):
                text = others * at + "\udfff" + others * (size - at - 1)
                with pytest.raises(UnicodeEncodeError) as found:
                    encoder.text(text)
                assert (found.value.object, found.value.start, found.value.end) == (
                    text,
                    at,
                    at + 1,
                )


@pytest.mark.parametrize("palette", PALETTES)
@pytest.mark.usefixtures("kernel")
def test_one_rare_character_anywhere(palette: str) -> None:
    decoder = Decoder(Role.SERVER)
    for size in (20, 64, 65, 130, 300, 5000):
        for at in {0, 1, size // 2, 62, 63, 64, size - 2, size - 1} & set(range(size)):
            text = "x" * at + palette[-1] + "y" * (size - at - 1)
            (found,) = decoder.feed(frame(1, text.encode("utf-8"), key=KEY))
            assert same(found, text), (size, at)


@pytest.mark.parametrize("palette", PALETTES)
@pytest.mark.usefixtures("kernel")
def test_texts_as_wsproto_gives_them_out(palette: str) -> None:
    """In pieces, each of them a str, cut inside a character as well."""
    wsproto = pytest.importorskip("wsproto")
    from codecs import getincrementaldecoder

    from fastframe import frame_protocol

    assert wsproto
    rng = random.Random(palette)
    for size in (1, 5, 40, 200, 3000, 5000):
        data = "".join(rng.choices(palette, k=size)).encode("utf-8")
        wire = frame(1, data, key=KEY)
        start = len(wire) - len(data)
        for _ in range(12):
            cuts = sorted(rng.randrange(start, len(wire)) for _ in range(rng.randrange(1, 5)))
            protocol = frame_protocol.FrameProtocol(False, [])
            oracle = getincrementaldecoder("utf-8")()
            for a, b in zip([0, *cuts], [*cuts, len(wire)], strict=True):
                protocol.receive_bytes(wire[a:b])
                for got in protocol.received_frames():
                    expected = oracle.decode(data[max(0, a - start) : b - start], b == len(wire))
                    assert same(got.payload, expected)


@pytest.mark.usefixtures("kernel")
def test_a_wrong_byte_is_found_wherever_it_is() -> None:
    for size in (1, 30, 64, 65, 200, 1100, 5000):
        for at in {0, 1, size // 2, size - 1} & set(range(size)):
            for text in ("x" * size, ("é" * size)[:size], ("中" * size)[:size]):
                data = bytearray(text.encode("utf-8"))
                data[at] = 0xFF
                with pytest.raises(ProtocolError, match="not UTF-8"):
                    list(Decoder(Role.SERVER).feed(frame(1, bytes(data), key=KEY)))
            with pytest.raises(ProtocolError, match="not UTF-8"):
                list(Decoder(Role.SERVER).feed(frame(1, ("中" * size).encode()[:-1], key=KEY)))
