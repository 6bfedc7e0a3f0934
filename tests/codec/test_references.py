"""References that are handed over by hand: no path keeps an object, or gives one back too often."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable

import pytest

import fastframe
from fastframe import CloseCode, Decoder, Encoder, Role, Text
from fastframe._cpython.tricks import ONLY_REFERENCE
from fastframe.deflate import Deflate

AGREEMENT = Deflate().accept("permessage-deflate")
TEXTS = ("", "x" * 20, "żółć" * 9, "日本" * 400, "😀" * 90, "é" * 2000)


def decoded(wire: bytes, piece: int = 1 << 20, **options: object) -> Callable[[], None]:
    def run() -> None:
        decoder = Decoder(Role.SERVER, **options)  # type: ignore[arg-type]
        try:
            for start in range(0, len(wire), piece):
                for _ in decoder.feed(wire[start : start + piece]):
                    pass
        except fastframe.ProtocolError:
            pass

    return run


def in_place(wire: bytes) -> Callable[[], None]:
    def run() -> None:
        decoder, at = Decoder(Role.SERVER), 0
        while at < len(wire):
            with memoryview(decoder.get_buffer(1000)) as view:
                size = min(len(view), len(wire) - at)
                view[:size] = wire[at : at + size]
            at += size
            for _ in decoder.buffer_updated(size):
                pass

    return run


def encoded(role: Role, **options: object) -> Callable[[], None]:
    prepared = [fastframe.prepare("text" * 50), fastframe.prepare(b"bytes" * 50)]

    def run() -> None:
        encoder = Encoder(role, **options)  # type: ignore[arg-type]
        for text in TEXTS:
            encoder.text(text)
            encoder.text(text.encode())
            encoder.message(Text(text.encode()))
        for message in prepared:
            encoder.message(message)
        encoder.binary(bytearray(300), fin=False)
        encoder.ping(b"ping")
        encoder.continuation(memoryview(b"last"))
        for wrong in (b"\xff", 5, None):
            with pytest.raises((ValueError, TypeError)):
                encoder.text(wrong)  # type: ignore[arg-type]
        encoder.close(CloseCode.NORMAL_CLOSURE, "reason")
        with pytest.raises(fastframe.InvalidState):
            encoder.text("too late")

    return run


def stream(**options: object) -> bytes:
    encoder = Encoder(Role.CLIENT, **options)  # type: ignore[arg-type]
    wire = b"".join(encoder.text(text) for text in TEXTS)
    wire += encoder.binary(b"a" * 500, fin=False) + encoder.continuation(b"b" * 5000, fin=False)
    wire += encoder.ping(b"p") + encoder.pong(b"") + encoder.continuation(b"c")
    wire += encoder.text("é" * 700, fin=False) + encoder.continuation("x")
    return wire + encoder.close(1000, "reason")


PATHS = {
    "whole": decoded(stream()),
    "in pieces": decoded(stream(), 7),
    "as Text": decoded(stream(), decode_text=False),
    "compressed": decoded(stream(deflate=AGREEMENT), deflate=AGREEMENT),
    "compressed, in pieces": decoded(stream(deflate=AGREEMENT), 7, deflate=AGREEMENT),
    "in place": in_place(stream()),
    "not UTF-8": decoded(Encoder(Role.CLIENT).frame(1, b"text \xff")),
    "not UTF-8, in pieces": decoded(Encoder(Role.CLIENT).frame(1, b"text \xff" * 99), 9),
    "too large": decoded(stream(), max_message_size=2000),
    "a broken rule": decoded(stream()[:-5] + b"\xff" * 9),
    "server": encoded(Role.SERVER),
    "client": encoded(Role.CLIENT),
    "server, compressed": encoded(Role.SERVER, deflate=AGREEMENT),
    "client, compressed": encoded(Role.CLIENT, deflate=AGREEMENT),
}


@pytest.mark.skipif(not hasattr(sys, "getallocatedblocks"), reason="CPython counts no blocks")
@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_kept(path: str) -> None:
    run, times = PATHS[path], 300
    for _ in range(30):
        run()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(times):
        run()
    gc.collect()
    assert sys.getallocatedblocks() - before < times / 3, "blocks: one kept a run would be seen"


@pytest.mark.parametrize("cut", [None, 2000], ids=["a whole message", "a part of one"])
def test_the_bytes_that_were_fed_are_let_go_of_once_they_are_consumed(cut: int | None) -> None:
    wire = Encoder(Role.CLIENT).binary(bytes(3000))[:cut]
    before = sys.getrefcount(wire)
    decoder = Decoder(Role.SERVER)
    assert len(list(decoder.feed(wire))) == (cut is None)
    assert sys.getrefcount(wire) == before


@pytest.mark.skipif(not ONLY_REFERENCE.is_on(), reason="what others might see is copied")
def test_a_message_that_grows_is_moved_and_not_doubled() -> None:
    """Fragments of 8, 1 and 1 MiB, whose object nobody else has: it is resized in place."""
    encoder, mib = Encoder(Role.CLIENT), 1 << 20
    wires = [
        encoder.binary(bytes(8 * mib), fin=False),
        encoder.continuation(bytes(mib), fin=False),
        encoder.continuation(bytes(mib)),
    ]
    decoder = Decoder(Role.SERVER)
    tracemalloc.start()
    try:
        found = [message for wire in wires for message in decoder.feed(wire)]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [len(message) for message in found] == [10 * mib]  # type: ignore[arg-type]
    assert peak < 20 * mib, f"{peak / mib:.1f} MiB"
