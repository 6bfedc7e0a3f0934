"""How long an echo takes while a hundred connections wait for theirs, and what it costs.

usage: python -m benchmarks.measure.latency KEPT.json [--quick]

Servers are processes of their own, under uvloop, and take turns. Each connection has one message
of 32 bytes in flight; the time from sending it to its echo is taken, 50th and 99th percentile, and
the CPU time of the server. "ASGI's floor" is contenders/asgi_floor.py. Linux only.
"""

from __future__ import annotations

import contextlib
import os
import select
import statistics
import sys
import time
from pathlib import Path

from benchmarks.measure.connections import Client, opened, running
from benchmarks.measure.end_to_end import OURS, cpu_seconds, free_port, uvicorn
from benchmarks.report import results

CONNECTIONS = 100
MESSAGES = 10_000
"""In a round."""
ROUNDS = 3
GENERATIONS = 3


def servers(port: int) -> dict[str, list[str]]:
    return {
        "uvicorn, fastframe": uvicorn("uvloop", port, OURS),
        "uvicorn, websockets-sansio": uvicorn("uvloop", port, "websockets-sansio"),
        "uvicorn, wsproto": uvicorn("uvloop", port, "wsproto"),
        "ASGI's floor": ["-m", "benchmarks.contenders.asgi_floor", "uvloop", str(port)],
        "picows, no ASGI": ["-m", "benchmarks.contenders.echo_servers", "uvloop", str(port)],
    }


def echoes(clients: list[Client], count: int) -> list[float]:
    """Seconds that each took."""
    poll = select.epoll()
    by_number = {client.connection.fileno(): client for client in clients}
    begun: dict[int, tuple[float, str]] = {}
    found: list[float] = []

    def send(number: int, text: str) -> None:
        frame = by_number[number].encoder.text(text)
        begun[number] = (time.perf_counter(), text)
        by_number[number].connection.sendall(frame)

    for number in by_number:
        poll.register(number, select.EPOLLIN)
        send(number, f"{number:032}")
    while len(found) < count:
        for number, _ in poll.poll(10):
            client = by_number[number]
            data = client.connection.recv(4096)
            now = time.perf_counter()
            sent, text = begun.pop(number)
            (echo,) = client.decoder.feed(data)
            if echo != text:
                raise ValueError(f"a server has echoed {echo!r}")
            found.append(now - sent)
            if len(found) + len(begun) < count:
                send(number, f"{len(found):032}")
    poll.close()
    return found


def main(path: str, *, quick: bool) -> None:
    # One core for all, as in end_to_end.py.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    measured: dict[str, dict[str, list[float]]] = {}
    for _ in range(1 if quick else GENERATIONS):
        with contextlib.ExitStack() as stack:
            started = {}
            for name in servers(0):
                port = free_port()
                process = stack.enter_context(running(servers(port)[name], port))
                clients = [
                    stack.enter_context(opened(port, deflate=False)) for _ in range(CONNECTIONS)
                ]
                started[name] = process, clients
            for _ in range(1 if quick else ROUNDS):
                for name, (process, clients) in started.items():
                    count = CONNECTIONS if quick else MESSAGES
                    before = cpu_seconds(process)
                    times = echoes(clients, count)
                    cuts = statistics.quantiles(times, n=100)
                    for what, value in (
                        ("CPU", (cpu_seconds(process) - before) / count),
                        ("p50", cuts[49]),
                        ("p99", cuts[98]),
                    ):
                        of_all = measured.setdefault(f"100 connections, {what}", {})
                        of_all.setdefault(name, []).append(value)
    medians: results.Medians = {
        group: {name: float(f"{statistics.median(found):.4g}") for name, found in values.items()}
        for group, values in measured.items()
    }
    for group, shown in medians.items():
        print(group, {name: f"{value * 1e6:.1f}" for name, value in shown.items()})
    results.keep(Path(path), medians)


if __name__ == "__main__":
    main(sys.argv[1], quick="--quick" in sys.argv)
