"""The tables of shuffles are what their formulas say."""

from __future__ import annotations

import re

from tests.helpers import ROOT

NOTHING = 128


def table(name: str) -> list[list[int]]:
    source = (ROOT / "src_c/shuffle_tables.c").read_text(encoding="utf-8")
    (body,) = re.findall(rf"{name}\[256\]\[16\] = {{\n(.*?)\n}};", source, re.DOTALL)
    return [
        [int(number) for number in row.split(",")] for row in re.findall(r"{([\d, \n]+)}", body)
    ]


def padded(indices: list[int]) -> list[int]:
    return indices + [NOTHING] * (16 - len(indices))


def test_lanes_that_are_kept() -> None:
    assert table("ff_keep_of_8") == [
        padded([byte for lane in range(8) if bits >> lane & 1 for byte in (2 * lane, 2 * lane + 1)])
        for bits in range(256)
    ]


def test_one_or_two_bytes_of_a_lane() -> None:
    assert table("ff_pack_1_2") == [
        padded(
            [
                byte
                for lane in range(8)
                for byte in ([2 * lane + 1] if bits >> lane & 1 else []) + [2 * lane]
            ]
        )
        for bits in range(256)
    ]


def sizes_of_four(bits: int) -> list[int]:
    """How many bytes of each of four lanes count, less one in Gray code: n ^ n >> 1."""
    gray = [n ^ n >> 1 for n in range(4)]
    return [1 + gray.index(bits >> 2 * lane & 3) for lane in range(4)]


def test_one_to_four_bytes_of_a_lane() -> None:
    assert table("ff_pack_1_to_4") == [
        padded(
            [
                4 * lane + byte
                for lane, size in enumerate(sizes_of_four(bits))
                for byte in reversed(range(size))
            ]
        )
        for bits in range(256)
    ]


def test_sizes_of_four_lanes() -> None:
    source = (ROOT / "src_c/shuffle_tables.c").read_text(encoding="utf-8")
    (body,) = re.findall(r"ff_packed_size_of_4\[256\] = {\n(.*?)\n};", source, re.DOTALL)
    found = [int(number) for number in re.findall(r"\d+", body)]
    assert found == [sum(sizes_of_four(bits)) for bits in range(256)]
