"""Small cases, all of them: every pair of first bytes, every status code, every cut."""

from __future__ import annotations

import itertools
import struct

import pytest

pytest.importorskip("wsproto")

import wsproto.frame_protocol

import fastframe.frame_protocol
from fastframe._cli.differential import (
    Observation,
    Session,
    deflate,
    find_difference,
    no_extensions,
    observe_protocol,
)
from tests.helpers import KEY
from tests.strategies import frame


def both_protocols(session: Session) -> tuple[Observation, Observation]:
    return (
        observe_protocol(fastframe.frame_protocol.FrameProtocol, session),
        observe_protocol(wsproto.frame_protocol.FrameProtocol, session),
    )


@pytest.mark.parametrize("client", [False, True])
@pytest.mark.parametrize("extensions", [no_extensions, deflate])
def test_every_pair_of_first_bytes(client: bool, extensions: object) -> None:
    """All 65,536 of them, before bytes that make a valid 16-bit length, and in two pieces."""
    for first, second in itertools.product(range(256), range(256)):
        data = bytes([first, second]) + b"\x01\x00abcdefgh" + b"z" * 260
        session = Session("header", client, (data,), (2,), (), extensions)  # type: ignore[arg-type]
        found, expected = both_protocols(session)
        assert found == expected, data[:2]


@pytest.mark.parametrize("client", [False, True])
@pytest.mark.parametrize(
    "length", [0, 1, 125, 126, 127, 0xFFFF, 0x10000, 2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1]
)
def test_every_form_of_length(client: bool, length: int) -> None:
    for opcode in (1, 2, 9):
        for form, code in ((126, "!BBH"), (127, "!BBQ")):
            if form == 126 and length > 0xFFFF:
                continue
            data = (
                struct.pack(code, 0x80 | opcode, form | (0 if client else 0x80), length)
                + KEY
                + b"payload"
            )
            for cut in range(1, len(data)):
                session = Session("length", client, (data,), (cut,))
                found, expected = both_protocols(session)
                assert found == expected


@pytest.mark.parametrize("client", [False, True])
def test_every_status_code(client: bool) -> None:
    for code in range(65536):
        if 1020 < code < 2990 or 5010 < code < 65500:
            continue  # far from any edge: every 97th will do
        session = Session(
            "close", client, (frame(8, struct.pack("!H", code), key=None if client else KEY),)
        )
        found, expected = both_protocols(session)
        assert found == expected, code
    for code in range(0, 65536, 97):
        session = Session(
            "close", client, (frame(8, struct.pack("!H", code), key=None if client else KEY),)
        )
        found, expected = both_protocols(session)
        assert found == expected, code


@pytest.mark.parametrize("client", [False, True])
def test_every_short_text(client: bool) -> None:
    """Every text of one byte and every text of two that is not ASCII, in one piece, cut, and in two
    fragments."""
    key = None if client else KEY
    texts = [bytes([a]) for a in range(256)] + [
        bytes([a, b]) for a in range(0x7F, 256) for b in range(0, 256, 5)
    ]
    for text in texts:
        for frames in (
            [frame(1, text, key=key)],
            [frame(1, text[:1], fin=False, key=key), frame(0, text[1:], key=key)],
        ):
            size = sum(map(len, frames))
            for cuts in ((), (size - 1,)):
                found, expected = both_protocols(Session("text", client, tuple(frames), cuts))
                assert found == expected, text


TRAFFIC = {
    "text": [(1, "żółć 日本 😀".encode())],
    "fragments": [
        (1, "aé".encode()[:2], False),
        (9, b"ping"),
        (0, "aé€".encode()[2:4], False),
        (0, "€".encode()[1:]),
    ],
    "broken": [(1, b"good"), (1, b"a\xe2\x82a")],
    "binary": [(2, bytes(range(200))), (10, b""), (2, b"")],
    "close": [(2, b"x"), (8, b"\x03\xe9bye"), (2, b"after")],
    "order": [(1, b"a", False), (2, b"b")],
    "medium": [(2, b"m" * 300), (1, b"n" * 130)],
}


@pytest.mark.parametrize("client", [False, True])
@pytest.mark.parametrize("name", TRAFFIC)
def test_every_cut(name: str, client: bool) -> None:
    """Whole, every cut in two, every cut in three of the shorter ones, and byte by byte; at all
    three levels."""
    key = None if client else KEY
    frames = tuple(
        frame(opcode, payload, fin=fin[0] if fin else True, key=key)
        for opcode, payload, *fin in TRAFFIC[name]
    )
    size = sum(map(len, frames))
    cuts: list[tuple[int, ...]] = [(), tuple(range(1, size)), *((cut,) for cut in range(1, size))]
    if size <= 100:
        cuts += list(itertools.combinations(range(1, size), 2))
    for cut in cuts:
        assert find_difference(Session(name, client, frames, cut)) is None
