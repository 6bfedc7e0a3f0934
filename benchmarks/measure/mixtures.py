"""Texts that switch between two kinds of characters: what the switch costs each kernel.

usage: python -m benchmarks.measure.mixtures [KERNEL...] [--size BYTES]

For each kernel and function the worst mixtures are printed, with their time divided by that of
the slower of the two kinds alone. A text of 16 KiB is measured for each pair of kinds and each
length of the runs between switches. If a function makes characters or takes them, a mixture may
have more of them than bytes of the slower kind, so the slower kind is asked for both, by byte and
by character, and the longer time counts.
"""

from __future__ import annotations

import argparse
import itertools
import random
import time
from collections.abc import Callable, Iterator

import fastframe
from benchmarks.contenders import baseline
from benchmarks.measure.bench_kernels import CLASSES, KEY, plain_mask, sample
from fastframe._codec import kernels

RUNS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)  # characters at most
LIMIT = 1.6
ROUNDS = 7

Function = Callable[[int], object]


def mixture(first: str, second: str, run: int, size: int) -> str:
    """Runs of half to all of `run` characters, by turns; about `size` bytes."""
    rng = random.Random(f"{first}, {second}, {run}")
    sources = [itertools.cycle(CLASSES[name]) for name in (first, second)]
    parts: list[str] = []
    have = 0
    for source in itertools.cycle(sources):
        part = "".join(itertools.islice(source, rng.randint((run + 1) // 2, run)))
        have += len(part.encode())
        if have > size:
            return "".join(parts)
        parts.append(part)
    raise AssertionError


def functions(text: str) -> Iterator[tuple[str, Function]]:
    """By name, each of them timed in C: called with how often it does its work."""
    data = text.encode()
    payload = plain_mask(data)
    assert baseline.is_utf8(data, 1)
    assert baseline.text_from_wire(payload, KEY, 1) == text
    assert baseline.encode(text, 1) == data
    yield "validate", lambda times: baseline.is_utf8(data, times)
    yield "wire to str", lambda times: baseline.text_from_wire(payload, KEY, times)
    yield "str to UTF-8", lambda times: baseline.encode(text, times)


def seconds(function: Function, times: int) -> float:
    """The least of some rounds: what disturbs a round only adds to it."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        function(times)
        best = min(best, time.perf_counter() - start)
    return best / times


def measure(kernel: str, size: int) -> dict[str, list[tuple[float, str]]]:
    """Ratios and what they are of, worst first, by function."""
    kernels._select_kernel(kernel)
    times = max(1, 2**18 // size if kernel == "portable" else 2**20 // size)
    by_byte: dict[tuple[str, str], float] = {}
    by_character: dict[tuple[str, str], float] = {}
    for name in CLASSES:
        text = sample(CLASSES[name], size).decode()
        for function, call in functions(text):
            took = min(seconds(call, times) for _ in range(3))
            by_byte[function, name] = took / len(text.encode())
            by_character[function, name] = took / len(text)
    found: dict[str, list[tuple[float, str]]] = {}
    for (first, second), run in itertools.product(itertools.combinations(CLASSES, 2), RUNS):
        text = mixture(first, second, run, size)
        for function, call in functions(text):
            alone = max(by_byte[function, name] for name in (first, second)) * len(text.encode())
            if function != "validate":
                characters = max(by_character[function, name] for name in (first, second))
                alone = max(alone, characters * len(text))
            ratio = seconds(call, times) / alone
            if ratio > LIMIT:  # once more: it may have been disturbed in all rounds
                ratio = min(ratio, seconds(call, times) / alone)
            what = f"{first} and {second}, up to {run}"
            found.setdefault(function, []).append((ratio, what))
    return {function: sorted(ratios, reverse=True) for function, ratios in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kernel", nargs="*", help="default: all that this CPU can run")
    parser.add_argument("--size", type=int, default=2**14, help="bytes of a text")
    arguments = parser.parse_args()
    for kernel in arguments.kernel or fastframe.available_kernels():
        for function, ratios in measure(kernel, arguments.size).items():
            above = sum(ratio > LIMIT for ratio, _ in ratios)
            print(f"{kernel}, {function}: {above} of {len(ratios)} mixtures above {LIMIT}")
            for ratio, what in ratios[:3]:
                print(f"    {ratio:5.2f}  {what}")


if __name__ == "__main__":
    main()
