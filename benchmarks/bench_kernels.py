"""The kernels by themselves, each instruction set that this CPU can run, beside what else does the same.

What each contender returns is compared with plain Python or CPython's decoder before anything is timed.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import fastframe
from fastframe import Decoder, Role, _core, apply_mask, apply_mask_into, is_utf8

KEY = b"\x12\x34\xab\xcd"
SIZES = (20, 125, 1024, 16384, 262144)
KERNELS = fastframe.available_kernels()

TEXTS = {
    "ASCII": "the quick brown fox jumps over a lazy dog ",
    "French": "où êtes-vous déjà allés cet été là-bas ",
    "Cyrillic": "съешь же ещё этих мягких булок ",
    "CJK": "天地玄黄宇宙洪荒日月盈昃",
    "emoji": "😀🎉👍🚀🙃💯",
    "rare accents": "mostly plain words of English, in a cafe called Café " + "and then a good many more words " * 12,
}


def sample(text: str, size: int) -> bytes:
    """About `size` bytes of UTF-8, cut at a character."""
    data = (text.encode("utf-8") * (size // len(text.encode("utf-8")) + 1))[:size]
    return data.decode("utf-8", "ignore").encode("utf-8")


@pytest.fixture
def on_kernel() -> Iterator[Callable[[str], None]]:
    before = fastframe.active_kernel()
    yield _core._select_kernel
    _core._select_kernel(before)


def plain_mask(data: bytes) -> bytes:
    return bytes(byte ^ KEY[i % 4] for i, byte in enumerate(data))


def peers() -> dict[str, Callable[[bytes], bytes]]:
    """What else masks, as far as it is installed."""
    found: dict[str, Callable[[bytes], bytes]] = {"a copy (memcpy)": lambda data: bytes(memoryview(data))}
    with contextlib.suppress(ImportError):
        from websockets.speedups import apply_mask as websockets_mask

        found["websockets"] = lambda data: websockets_mask(data, KEY)
    with contextlib.suppress(ImportError):
        from tornado.speedups import websocket_mask

        found["tornado"] = lambda data: websocket_mask(KEY, data)
    return found


PEERS = peers()
MASKERS = [*KERNELS, *PEERS]


@pytest.mark.parametrize("contender", MASKERS)
@pytest.mark.parametrize("size", SIZES)
def test_mask_into_a_new_object(benchmark: Any, on_kernel: Any, size: int, contender: str) -> None:
    data = random.Random(1).randbytes(size)
    peer = PEERS.get(contender)
    benchmark.group = f"mask, new object: {size} B"
    if peer is None:
        on_kernel(contender)
        assert apply_mask(data, KEY) == plain_mask(data)
        benchmark(apply_mask, data, KEY)
    else:
        assert peer(data) == (data if "copy" in contender else plain_mask(data))
        benchmark(peer, data)


@pytest.mark.parametrize("contender", KERNELS)
@pytest.mark.parametrize("size", SIZES)
def test_mask_in_place(benchmark: Any, on_kernel: Any, size: int, contender: str) -> None:
    data = random.Random(1).randbytes(size)
    buffer = bytearray(data)
    benchmark.group = f"mask, in place: {size} B"
    on_kernel(contender)
    apply_mask_into(buffer, KEY)
    assert buffer == plain_mask(data)
    benchmark(apply_mask_into, buffer, KEY)


@pytest.mark.parametrize("contender", [*KERNELS, "bytes.decode"])
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("size", SIZES)
def test_is_utf8(benchmark: Any, on_kernel: Any, text: str, size: int, contender: str) -> None:
    data = sample(TEXTS[text], size)
    benchmark.group = f"is it UTF-8: {size} B {text}"
    if contender == "bytes.decode":
        benchmark(data.decode)
    else:
        on_kernel(contender)
        assert is_utf8(data)
        assert not is_utf8(data + b"\xff")
        benchmark(is_utf8, data)


@pytest.mark.parametrize("contender", [*KERNELS, "apply_mask and bytes.decode"])
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("size", SIZES)
def test_wire_to_str(benchmark: Any, on_kernel: Any, text: str, size: int, contender: str) -> None:
    """A Decoder that gets one frame at a time, against unmasking and decoding alone, without any parsing."""
    data = sample(TEXTS[text], size)
    benchmark.group = f"wire to str: {size} B {text}"
    if "apply_mask" in contender:
        masked = apply_mask(data, KEY)
        assert apply_mask(masked, KEY).decode() == data.decode()
        benchmark(lambda: apply_mask(masked, KEY).decode())
    else:
        on_kernel(contender)
        decoder = Decoder(Role.SERVER)
        wire = fastframe.Encoder(Role.CLIENT, masking_keys=lambda: KEY).text(data)
        assert list(decoder.feed(wire)) == [data.decode()]
        benchmark(lambda: next(decoder.feed(wire)))
