"""Servers, connections, nginx and Redis fail while 200 clients write: then all have the same log,
with each message that was acknowledged, once.

CHAT_CHAOS_SECONDS=60 makes it last longer.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import urllib.error
from collections import Counter

import pytest

pytest.importorskip("examples.chat.server", reason="the extra chat is not installed")

from examples.chat.client import Client
from tests.chat.conftest import Chat

CLIENTS = 200
SECONDS = float(os.environ.get("CHAT_CHAOS_SECONDS", "12"))


def kill(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


async def fail_something(chat: Chat, clients: list[Client], done: Counter[str], seed: int) -> None:
    chance = random.Random(seed)
    servers = range(len(chat.description["servers"]))
    await asyncio.sleep(1)
    for what in [
        "server",
        "connections",
        "redis",
        "nginx",
        *(chance.choice(["server", "connections", "nginx"]) for _ in range(1000)),
    ]:
        if what == "server":
            with contextlib.suppress(urllib.error.URLError, OSError):
                number = chance.choice(servers)
                kill(
                    await asyncio.to_thread(chat.pid, number),
                    chance.choice([signal.SIGKILL, signal.SIGTERM]),
                )
        elif what == "connections":
            for client in chance.sample(clients, 20):
                client.abort()
        elif what == "redis":
            kill(chat.description["redis"]["pid"], signal.SIGKILL)
        else:
            kill(chat.description["nginx"]["pid"], signal.SIGHUP)
        done[what] += 1
        await asyncio.sleep(chance.uniform(0.2, 1.5))


def test_chaos(mortal_chat: Chat, room: str) -> None:
    acknowledged: dict[str, str] = {}
    failures: Counter[str] = Counter()
    chat = mortal_chat

    async def talk() -> None:
        clients = [
            Client(chat.url, chat.token(f"user {i}"), room, after="0-0", tls=chat.tls)
            for i in range(CLIENTS)
        ]
        running = [asyncio.create_task(client.run()) for client in clients]
        end = asyncio.get_running_loop().time() + SECONDS

        async def write(number: int) -> None:
            chance = random.Random(number)
            count = 0
            while asyncio.get_running_loop().time() < end:
                text = f"{number} {count}"
                sent = await clients[number].send(text)
                assert text not in acknowledged
                acknowledged[text] = sent
                count += 1
                await asyncio.sleep(chance.uniform(1, 6))

        failing = asyncio.create_task(fail_something(chat, clients, failures, seed=16))
        await asyncio.gather(*(write(number) for number in range(CLIENTS)))
        failing.cancel()
        last = max(
            acknowledged.values(), key=lambda found: [int(part) for part in found.split("-")]
        )

        async def read(client: Client) -> list[tuple[str, str]]:
            log: list[tuple[str, str]] = []
            while not log or log[-1][0] != last:
                message = await client.messages.get()
                log.append((message["id"], message["text"]))
            return log

        late = Client(
            chat.url, chat.token("late"), room, after="0-0", tls=chat.tls
        )  # has all of it from the log
        running.append(asyncio.create_task(late.run()))
        logs = await asyncio.gather(*(read(client) for client in (*clients, late)))
        assert all(log == logs[0] for log in logs)
        assert sorted(logs[0]) == sorted((sent, text) for text, sent in acknowledged.items())
        assert sum(client.connections for client in clients) > 1.5 * CLIENTS, (
            "hardly anything failed"
        )
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    asyncio.run(asyncio.wait_for(talk(), SECONDS + 120))
    assert len(acknowledged) > CLIENTS
    assert min(failures[what] for what in ("server", "connections", "redis", "nginx")) >= 1
    print(f"{len(acknowledged)} messages to {CLIENTS} clients; failures: {dict(failures)}")
