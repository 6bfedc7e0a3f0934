"""What the example chat carries: python -m benchmarks.measure.chat KEPT.json

The load run of examples/chat; and rooms of other sizes, down to one client, for the simulation in
docs/explanation/scaling.md. Needs redis-server and nginx.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from benchmarks.report import results
from examples.chat.load import STEADY_RATE, TEXT, Counter, Receiver, cpu_seconds, measure, unlimited
from examples.chat.protocol import encoded
from examples.chat.up import running


async def read_microseconds(messages: int) -> float:
    """CPU of a server that only reads what a client of another one sends, for each message, with
    its one delivery."""
    async with running(unlimited(2), 2) as system:
        loop, counter = asyncio.get_running_loop(), Counter(2)
        receivers = []
        for user, server in zip(("one", "two"), system.servers):
            receiver = Receiver(counter, user, deflate=False)
            await loop.create_connection(lambda: receiver, "127.0.0.1", server.port)  # noqa: B023 (it is called at once)
            await receiver.joined
            receivers.append(receiver)
        before = cpu_seconds(system.servers[1].pid)
        for number in range(messages):
            counter.send()
            receivers[0].say(encoded("msg", id=f"m{number}", text=TEXT.format(number)))
            while counter.complete < number:
                counter.changed.clear()
                await asyncio.wait_for(counter.changed.wait(), 20)
        found = (cpu_seconds(system.servers[1].pid) - before) / messages * 1e6
        for receiver in receivers:
            receiver.close()
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kept", type=Path)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--messages", type=int, default=300)
    arguments = parser.parse_args()
    usual = "fastframe, prepared"
    figures = asyncio.run(measure(arguments.clients, arguments.messages))
    sizes = {arguments.clients: figures[usual]}
    for clients, messages in (
        (1, 5000),
        (arguments.clients // 4, 400),
        (arguments.clients // 2, 400),
    ):
        sizes[clients] = asyncio.run(measure(clients, messages, names=[usual]))[usual]
    results.keep(
        arguments.kept,
        {},
        rate=STEADY_RATE,
        figures={name: found._asdict() for name, found in figures.items()},
        read_microseconds=asyncio.run(read_microseconds(5000)),
        sizes={str(clients): found._asdict() for clients, found in sorted(sizes.items())},
    )


if __name__ == "__main__":
    main()
