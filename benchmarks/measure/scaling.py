"""Messages a second on several threads, and in several interpreters: python -m
benchmarks.measure.scaling

Each thread has objects and messages of its own. Contenders take turns in each round, and the best
of the rounds counts. On a Python with the GIL the threads show what the GIL costs; run it with both
for the whole picture. The interpreters need CPython 3.14.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Callable

from fastframe import Decoder, Encoder, Role

TEXT = "twenty bytes of tex"
MESSAGES = 2500  # in each read

Work = Callable[[int], int]
"""What one thread does: so many rounds. How many messages that were."""


def decode(rounds: int) -> int:
    encoder, decoder, found = Encoder(Role.CLIENT), Decoder(Role.SERVER), 0
    read = b"".join(encoder.text(f"{TEXT}{number % 10}") for number in range(MESSAGES))
    for _ in range(rounds):
        for _message in decoder.feed(read):
            found += 1
    return found


def encode(rounds: int) -> int:
    encoder = Encoder(Role.SERVER)
    texts = [f"{TEXT}{number % 10}" for number in range(MESSAGES)]
    for _ in range(rounds):
        for text in texts:
            encoder.text(text)
    return rounds * MESSAGES


def decode_websockets(rounds: int) -> int:
    from benchmarks.contenders.peers import websockets_receiver

    encoder, receive, found = Encoder(Role.CLIENT), websockets_receiver(), 0
    read = b"".join(encoder.text(f"{TEXT}{number % 10}") for number in range(MESSAGES))
    for _ in range(max(1, rounds // 50)):
        found += len(receive(read))
    return found


WORK: dict[str, Work] = {
    "decode": decode,
    "encode": encode,
    "decode, websockets": decode_websockets,
}


def together(work: Work, threads: int, rounds: int) -> float:
    """Messages a second."""
    done: list[int] = []
    ready = threading.Barrier(threads + 1)

    def run() -> None:
        ready.wait()
        done.append(work(rounds))

    running = [threading.Thread(target=run) for _ in range(threads)]
    for thread in running:
        thread.start()
    ready.wait()
    started = time.perf_counter()
    for thread in running:
        thread.join()
    assert len(done) == threads
    return sum(done) / (time.perf_counter() - started)


def in_interpreters(work: Work, interpreters: int, rounds: int) -> float:
    """Messages a second."""
    from concurrent.futures import InterpreterPoolExecutor  # type: ignore[attr-defined,unused-ignore]

    with InterpreterPoolExecutor(max_workers=interpreters) as pool:
        list(pool.map(work, [1] * interpreters))  # they exist now, and have imported what they need
        started = time.perf_counter()
        done: int = sum(pool.map(work, [rounds] * interpreters))
        return done / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=400, help="reads for each thread")
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    print(
        f"{sys.version.split()[0]}, {'with' if gil else 'without'} the GIL, {os.cpu_count()} "
        f"cores; millions of messages a second"
    )
    counts = [count for count in (1, 2, 4, 8) if count <= (os.cpu_count() or 1)]
    best = {(name, count): 0.0 for name in WORK for count in counts}
    for _ in range(arguments.repeat):
        for (name, count), before in best.items():
            best[name, count] = max(before, together(WORK[name], count, arguments.rounds))
    for (name, count), found in best.items():
        print(f"{name:20} {count} threads      {found / 1e6:8.3f}  {found / best[name, 1]:5.2f} x")
    if sys.version_info < (3, 14):
        return
    for name, work in WORK.items():
        one = 0.0
        for count in counts:
            found = max(
                in_interpreters(work, count, arguments.rounds) for _ in range(arguments.repeat)
            )
            one = one or found
            print(f"{name:20} {count} interpreters {found / 1e6:8.3f}  {found / one:5.2f} x")


if __name__ == "__main__":
    main()
