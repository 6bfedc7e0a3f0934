"""How much one server carries: python -m examples.chat load --clients 1000

A room with all clients in it; each message is delivered to all of them. First as fast as the server
can, with four messages under way, then at a steady rate for the latency. Clients are on the same
machine and do as little as they can; the server's CPU time is counted alone. Linux only.
"""

from __future__ import annotations

import asyncio
import base64
import os
import statistics
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from examples.chat.door import token
from examples.chat.protocol import SUBPROTOCOL, encoded
from examples.chat.settings import Settings, kept_secret
from examples.chat.up import running
from fastframe import Decoder, Encoder, Role
from fastframe.deflate import Agreement, Deflate

ROOM = "load"
UNDER_WAY = 4
STEADY_RATE = 4.0
TEXT = (
    "Half a second of somebody's day, written to a room where a thousand others are and nobody "
    "answers. {}"
)

CONTENDERS = {
    "uvicorn's default": {"codec": "default", "prepared": 0},
    "fastframe": {"prepared": 0},
    "fastframe, prepared": {},
    "uvicorn's default, deflate": {"codec": "default", "prepared": 0, "deflate": 1},
    "fastframe, deflate": {"prepared": 0, "deflate": 1},
    "fastframe, prepared, deflate": {"deflate": 1},
}


class Figures(NamedTuple):
    deliveries_per_second: float
    cpu_microseconds: float
    """Of the server, for each delivery."""
    median_milliseconds: float
    p99_milliseconds: float
    """From the sender to a receiver, at the steady rate."""
    kilobytes: float
    """Of the server's memory, for each connection."""
    connect_microseconds: float
    """Of the server's CPU, for a client to connect and join, without TLS."""
    client_microseconds: float
    """Of the CPU of this program, which has all the clients, for each delivery."""
    steady_microseconds: float
    """Of the server's CPU for each delivery at the steady rate: each write then wakes up a client
    that sleeps."""
    steady_client_microseconds: float


class Counter:
    """What has arrived at all clients."""

    def __init__(self, clients: int) -> None:
        self._clients = clients
        self.started: list[float] = []  # when each message was sent
        self.complete = 0  # messages that all have
        self.latencies: list[float] = []
        self._missing: list[int] = []
        self.changed = asyncio.Event()

    def send(self) -> None:
        self.started.append(time.perf_counter())
        self._missing.append(self._clients)

    def arrived(self, number: int) -> None:
        self.latencies.append(time.perf_counter() - self.started[number])
        self._missing[number] -= 1
        if not self._missing[number]:
            self.complete += 1
            self.changed.set()


class Receiver(asyncio.Protocol):
    """A client that counts. It has joined when `joined` is set."""

    def __init__(self, counter: Counter, user: str, *, deflate: bool) -> None:
        self._counter, self._user, self._deflate = counter, user, deflate
        self._head: bytes = b""
        self._decoder: Decoder | None = None
        self._count = 0
        self.joined = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            "GET /chat HTTP/1.1", "Host: 127.0.0.1", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}", f"Sec-WebSocket-Protocol: {SUBPROTOCOL}",
            f"Authorization: Bearer {token(self._user, 3600, kept_secret())}",
        ]  # fmt: skip
        if self._deflate:
            lines.append(f"Sec-WebSocket-Extensions: {Deflate().offer()}")
        transport.write("\r\n".join([*lines, "", ""]).encode())

    def data_received(self, data: bytes) -> None:
        if self._decoder is None:
            self._head += data
            head, end, data = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            agreement = self._agreement(head.decode("latin-1"))
            self._decoder, self._encoder = (
                Decoder(Role.CLIENT, deflate=agreement),
                Encoder(Role.CLIENT, deflate=agreement),
            )
            self.say(encoded("join", room=ROOM, after=None))
        for message in self._decoder.feed(data):
            if isinstance(message, str) and message.startswith('{"t":"msg"'):
                self._counter.arrived(self._count)
                self._count += 1
            elif isinstance(message, str) and message.startswith('{"t":"joined"'):
                self.joined.set_result(None)
            elif not isinstance(message, str):
                raise ValueError(f"the server said {message!r}")

    def _agreement(self, head: str) -> Agreement | None:
        lines = head.split("\r\n")
        if " 101 " not in lines[0]:
            raise ValueError(lines[0])
        answers = [
            line.partition(":")[2]
            for line in lines
            if line.lower().startswith("sec-websocket-extensions:")
        ]
        if bool(answers) != self._deflate:
            raise ValueError("compression is not as it was asked for")
        return Deflate().confirm(answers[0]) if answers else None

    def say(self, text: str) -> None:
        self._transport.write(self._encoder.text(text))

    def close(self) -> None:
        self._transport.abort()


async def measured(
    settings: Settings, clients: int, messages: int, steady_seconds: float
) -> Figures:
    async with running(settings, 1) as system:
        server = system.servers[0]
        counter = Counter(clients)
        before, connecting = resident(server.pid), cpu_seconds(server.pid)
        receivers = []
        for number in range(clients):
            loop = asyncio.get_running_loop()
            _, receiver = await loop.create_connection(
                lambda number=number: Receiver(counter, f"user {number}",
                deflate=bool(settings.deflate)), "127.0.0.1", server.port  # type: ignore[misc]
            )  # fmt: skip
            receivers.append(receiver)
            if number % 50 == 49:
                await asyncio.gather(*(receiver.joined for receiver in receivers))
        await asyncio.gather(*(receiver.joined for receiver in receivers))
        memory = (resident(server.pid) - before) / clients
        connecting = (cpu_seconds(server.pid) - connecting) / clients

        def send() -> None:
            counter.send()
            number = len(counter.started)
            receivers[number % clients].say(
                encoded("msg", id=f"m{number}", text=TEXT.format(number))
            )

        async def as_fast_as_possible(count: int) -> None:
            last = counter.complete + count
            while counter.complete < last:
                while len(counter.started) < min(counter.complete + UNDER_WAY, last):
                    send()
                counter.changed.clear()
                await asyncio.wait_for(counter.changed.wait(), 60)

        await as_fast_as_possible(messages // 10)
        start, cpu, own = time.perf_counter(), cpu_seconds(server.pid), time.process_time()
        await as_fast_as_possible(messages)
        seconds, cpu, own = (
            time.perf_counter() - start,
            cpu_seconds(server.pid) - cpu,
            time.process_time() - own,
        )
        counter.latencies.clear()
        calm, calm_own = cpu_seconds(server.pid), time.process_time()
        for _ in range(int(STEADY_RATE * steady_seconds)):
            send()
            await asyncio.sleep(1 / STEADY_RATE)
        while counter.complete < len(counter.started):
            await asyncio.sleep(0.01)
        calm, calm_own = cpu_seconds(server.pid) - calm, time.process_time() - calm_own
        steady = len(counter.latencies)
        for receiver in receivers:
            receiver.close()
        latencies = statistics.quantiles(counter.latencies, n=100)
        deliveries = messages * clients
        return Figures(
            deliveries / seconds, cpu / deliveries * 1e6, latencies[49] * 1e3, latencies[98] * 1e3,
            memory / 1024, connecting * 1e6,
            own / deliveries * 1e6, calm / steady * 1e6, calm_own / steady * 1e6,
        )  # fmt: skip


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> int:
    """Bytes of memory that a process has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def unlimited(clients: int) -> Settings:
    """No limit that a load run would meet."""
    return Settings(
        secret=kept_secret(), message_rate=1e6, message_burst=10**6, user_message_rate=1e6,
        user_message_burst=10**6,
        max_connections=clients + 100, heartbeat=600.0, heartbeat_timeout=600.0,
    )  # fmt: skip


async def measure(
    clients: int, messages: int, steady_seconds: float = 6.0, names: Iterable[str] = CONTENDERS
) -> dict[str, Figures]:
    """Prints a table while it grows."""
    print(f"{clients} clients, {messages} messages\n")
    print(
        f"{'':30} {'deliveries/s':>13} {'CPU, µs each':>13} {'p50, ms':>9} {'p99, ms':>9} "
        f"{'KiB each':>9} {'connect, µs':>12} {'client, µs':>11}"
    )
    found = {}
    usual = unlimited(clients)
    for name in names:
        settings = replace(usual, **CONTENDERS[name])  # type: ignore[arg-type]
        figures = found[name] = await measured(settings, clients, messages, steady_seconds)
        print(f"{name:30} {figures.deliveries_per_second:13,.0f} {figures.cpu_microseconds:13.1f} "
            f"{figures.median_milliseconds:9.1f} "
              f"{figures.p99_milliseconds:9.1f} {figures.kilobytes:9.0f} "
              f"{figures.connect_microseconds:12.0f} {figures.client_microseconds:11.1f}",
              flush=True)  # fmt: skip
    return found
