"""The kernels by themselves, each instruction set that this CPU can run, beside what else does the
same.

What each contender returns is compared with plain Python or CPython's codec before anything is
timed. A contender that is timed in C does its work `repeats` times for one call; the time that is
kept is that of one.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import fastframe
from benchmarks.contenders import baseline
from fastframe import Encoder, Role, apply_mask, is_utf8
from fastframe._codec import kernels

SIMDUTF = "benchmarks.contenders.simdutf_peer"
KEY = b"\x12\x34\xab\xcd"
SIZES = (1, 4, 16, 20, 64, 125, 256, *(2**n for n in range(10, 25, 2)))
KERNELS = fastframe.available_kernels()

# One kind of character each, or nearly.
CLASSES = {
    "ASCII": "the quick brown fox jumps over a lazy dog ",
    "French": "où êtes-vous déjà allés cet été là-bas ",
    "Latin-1": "äöüßéèñ",
    "Cyrillic": "съешь же ещё этих мягких булок ",
    "CJK": "天地玄黄宇宙洪荒日月盈昃",
    "emoji": "😀🎉👍🚀🙃💯",
    "rare accents": "mostly plain words of English, in a cafe called Café "
    + "and then a good many more words " * 12,
}
# What is sent: kinds that take turns every few characters.
TEXTS = {
    **CLASSES,
    "JSON with CJK": '{"id":12345,"name":"敏捷的棕色狐狸","text":"跳过了懒狗"},',
    "JSON with Cyrillic": '{"id":12345,"name":"Съешь ещё","text":"этих мягких булок"},',
    "English with emoji": "see you at the station at nine 🙃 bring your coat 👍🎉 ",
    "HTML with French": '<li class="item"><a href="/menu/42">Crème brûlée à la vanille</a></li>\n',
}


def sample(text: str, size: int) -> bytes:
    """About `size` bytes of UTF-8, cut at a character; at least one."""
    one = text.encode("utf-8")
    data = (one * (size // len(one) + 1))[:size]
    return data.decode("utf-8", "ignore").encode("utf-8") or text[0].encode("utf-8")


@pytest.fixture
def on_kernel() -> Iterator[Callable[[str], None]]:
    before = fastframe.active_kernel()
    yield kernels._select_kernel
    kernels._select_kernel(before)


def repeats_for(size: int) -> int:
    """So many that the call around them does not count, and no more."""
    return max(1, min(1000, 2**18 // size))


def measure(
    benchmark: Any, group: str, size: int, function: Callable[..., object], *arguments: object
) -> None:
    """`function` takes `repeats` as its last argument if it is one of `baseline`."""
    in_c = (
        getattr(function, "__module__", "") in (baseline.__name__, SIMDUTF)
        and function is not baseline.copy
    )
    repeats = repeats_for(size) if in_c else 1
    benchmark.group = group
    benchmark.extra_info.update(size=size, repeats=repeats)
    benchmark(function, *arguments, *((repeats,) if in_c else ()))


# ---- masking -------------------------------------------------------------------------------------


def plain_mask(data: bytes) -> bytes:
    size = len(data)
    pattern = (KEY * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "big") ^ int.from_bytes(pattern, "big")).to_bytes(size, "big")


def masking_peers() -> dict[str, Callable[[bytes], bytes | bytearray]]:
    """What else masks into a new object, as far as it is installed."""
    found: dict[str, Callable[[bytes], bytes | bytearray]] = {}
    with contextlib.suppress(ImportError):
        from websockets.speedups import apply_mask as websockets_mask

        found["websockets"] = lambda data: websockets_mask(data, KEY)
    with contextlib.suppress(ImportError):
        from tornado.speedups import websocket_mask

        found["tornado"] = lambda data: websocket_mask(KEY, data)
    with contextlib.suppress(ImportError):
        from wsaccel.xormask import createXorMasker

        found["wsaccel"] = lambda data: createXorMasker(KEY).process(data)
    with contextlib.suppress(ImportError):
        from aiohttp._websocket.mask import _websocket_mask_cython

        def aiohttp_mask(data: bytes) -> bytearray:
            copy = bytearray(data)
            _websocket_mask_cython(KEY, copy)
            return copy

        found["aiohttp"] = aiohttp_mask
    return found


MASKING_PEERS = masking_peers()


@pytest.mark.parametrize("contender", [*KERNELS, "memcpy", *MASKING_PEERS])
@pytest.mark.parametrize("size", SIZES)
def test_mask_into_a_new_object(benchmark: Any, on_kernel: Any, size: int, contender: str) -> None:
    data = random.Random(1).randbytes(size)
    group = f"mask into a new object: {size} B"
    if contender in KERNELS:
        on_kernel(contender)
        assert apply_mask(data, KEY) == plain_mask(data)
        measure(benchmark, group, size, apply_mask, data, KEY)
    elif contender == "memcpy":
        assert baseline.copy(data) == data
        measure(benchmark, group, size, baseline.copy, data)
    else:
        peer = MASKING_PEERS[contender]
        assert peer(data) == plain_mask(data)
        measure(benchmark, group, size, peer, data)


@pytest.mark.parametrize("contender", [*KERNELS, "memcpy"])
@pytest.mark.parametrize("size", SIZES)
def test_wire_to_bytes(benchmark: Any, on_kernel: Any, size: int, contender: str) -> None:
    """The same without the call around it: what the Decoder makes of a masked payload, against a
    copy."""
    data = random.Random(1).randbytes(size)
    group = f"wire to bytes: {size} B"
    if contender in KERNELS:
        on_kernel(contender)
        assert baseline.bytes_from_wire(data, KEY, 1) == plain_mask(data)
        measure(benchmark, group, size, baseline.bytes_from_wire, data, KEY)
    else:
        assert baseline.copies(data, 1) == data
        measure(benchmark, group, size, baseline.copies, data)


@pytest.mark.parametrize("contender", [*KERNELS, "memcpy"])
@pytest.mark.parametrize("size", SIZES)
def test_mask_in_place(benchmark: Any, on_kernel: Any, size: int, contender: str) -> None:
    data = random.Random(1).randbytes(size)
    buffer = bytearray(data)
    group = f"mask in place: {size} B"
    if contender in KERNELS:
        on_kernel(contender)
        baseline.mask_in_place(buffer, KEY, 1)
        assert buffer == plain_mask(data)
        measure(benchmark, group, size, baseline.mask_in_place, buffer, KEY)
    else:
        baseline.copy_times(buffer, data, 1)
        assert buffer == data
        measure(benchmark, group, size, baseline.copy_times, buffer, data)


# ---- UTF-8 ---------------------------------------------------------------------------------------


def validating_peers() -> dict[str, Callable[[bytes], bool]]:
    found: dict[str, Callable[[bytes], bool]] = {}
    with contextlib.suppress(ImportError):
        from autobahn.nvx import Utf8Validator as NvxValidator

        def nvx(data: bytes) -> bool:
            validator = NvxValidator()
            result = validator.validate(data)
            return bool(result[0] and result[1])

        found["autobahn NVX"] = nvx
    with contextlib.suppress(ImportError):
        from wsaccel.utf8validator import Utf8Validator as WsaccelValidator

        def wsaccel(data: bytes) -> bool:
            result = WsaccelValidator().validate(data)
            return bool(result[0] and result[1])

        found["wsaccel"] = wsaccel
    return found


VALIDATING_PEERS = validating_peers()


@pytest.mark.parametrize("contender", [*KERNELS, "bytes.decode", *VALIDATING_PEERS])
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("size", SIZES)
def test_is_utf8(benchmark: Any, on_kernel: Any, text: str, size: int, contender: str) -> None:
    data = sample(TEXTS[text], size)
    group = f"is it UTF-8: {size} B {text}"
    if contender == "bytes.decode":
        measure(benchmark, group, size, data.decode)
        return
    function = VALIDATING_PEERS.get(contender, is_utf8)
    if contender in KERNELS:
        on_kernel(contender)
    assert function(data)
    assert not function(data + b"\xff")
    measure(benchmark, group, size, function, data)


@pytest.mark.parametrize("contender", [*KERNELS, "unmask and CPython"])
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("size", SIZES)
def test_wire_to_str(benchmark: Any, on_kernel: Any, text: str, size: int, contender: str) -> None:
    """What the Decoder makes of a masked payload, against the fastest kernel for masking and
    PyUnicode_DecodeUTF8."""
    data = sample(TEXTS[text], size)
    payload = plain_mask(data)
    on_kernel(contender if contender in KERNELS else KERNELS[0])
    function = baseline.text_from_wire if contender in KERNELS else baseline.text_by_cpython
    assert function(payload, KEY, 1) == data.decode()
    measure(benchmark, f"wire to str: {size} B {text}", size, function, payload, KEY)


@pytest.mark.parametrize("contender", [*KERNELS, "encode, then frame"])
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("size", SIZES)
def test_str_to_frame(benchmark: Any, on_kernel: Any, text: str, size: int, contender: str) -> None:
    """A client's masked frame from a str, against CPython's encoder and the frame of the bytes."""
    data = sample(TEXTS[text], size).decode()
    group = f"str to frame: {size} B {text}"
    on_kernel(contender if contender in KERNELS else KERNELS[0])
    encoder = Encoder(Role.CLIENT)
    frame = encoder.text(data)
    key_end = len(frame) - len(data.encode())
    assert apply_mask(frame[key_end:], frame[key_end - 4 : key_end]).decode() == data
    if contender in KERNELS:
        measure(benchmark, group, size, encoder.text, data)
    else:
        measure(benchmark, group, size, lambda: encoder.binary(data.encode()))


# ---- without the calls around them: simdutf, where it is installed -------------------------------


def simdutf() -> dict[str, Any]:
    with contextlib.suppress(ImportError):
        from benchmarks.contenders import simdutf_peer

        return {"simdutf": simdutf_peer}
    return {}


PEERS_IN_C = simdutf()


@pytest.mark.parametrize("contender", [*KERNELS, *PEERS_IN_C])
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("size", SIZES)
def test_is_utf8_in_c(benchmark: Any, on_kernel: Any, text: str, size: int, contender: str) -> None:
    data = sample(TEXTS[text], size)
    function = PEERS_IN_C.get(contender, baseline).is_utf8
    if contender in KERNELS:
        on_kernel(contender)
    assert function(data, 1)
    assert not function(data + b"\xff", 1)
    measure(benchmark, f"UTF-8 validation in C: {size} B {text}", size, function, data)


@pytest.mark.parametrize("contender", [*KERNELS, "CPython", *PEERS_IN_C])
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("size", SIZES)
def test_str_to_utf8(benchmark: Any, on_kernel: Any, text: str, size: int, contender: str) -> None:
    """What an Encoder writes into a frame, in bytes of its own."""
    data = sample(TEXTS[text], size).decode()
    if contender in KERNELS:
        on_kernel(contender)
    function = (
        baseline.encode_by_cpython
        if contender == "CPython"
        else PEERS_IN_C.get(contender, baseline).encode
    )
    assert function(data, 1) == data.encode()
    measure(benchmark, f"str to UTF-8: {size} B {text}", size, function, data)
