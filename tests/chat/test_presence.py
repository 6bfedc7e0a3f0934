"""Who is in a room: arrivals and departures are told at once, across servers.

The users of a killed server are shown for so long here that nothing is told because that time is
over, except where a test says so.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

pytest.importorskip("examples.chat.server", reason="the extra chat is not installed")

from websockets.asyncio.client import ClientConnection

from examples.chat.log import RedisError
from examples.chat.presence import Presence
from examples.chat.settings import Settings
from tests.chat.conftest import UNLIMITED, Chat
from tests.chat.test_protocol import connected, hear, run, say

FOR_LONG = "--present-seconds", "3000"


@pytest.fixture(scope="module")
def lasting(start: Callable[..., Chat]) -> Chat:
    return start("--servers", "2", *UNLIMITED, *FOR_LONG)


async def join(connection: ClientConnection, room: str) -> None:
    await say(connection, t="join", room=room, after=None)
    assert (await hear(connection))["t"] == "joined"


async def until(connection: ClientConnection, users: list[str]) -> None:
    while (await hear(connection))["users"] != users:
        pass


def test_arrivals_and_departures(lasting: Chat, room: str) -> None:
    async def talk() -> None:
        async with connected(lasting, "ada", lasting.server(0)) as ada:
            await join(ada, room)
            await say(ada, t="present", follow=True)
            await until(ada, ["ada"])
            for leave in "close", "lose", "other room":
                async with connected(lasting, "bob", lasting.server(1)) as bob:
                    await join(bob, room)
                    await until(ada, ["ada", "bob"])
                    if leave == "lose":
                        bob.transport.abort()
                    elif leave == "other room":
                        await join(bob, f"{room}!"[-64:])
                    else:
                        await bob.close()
                    await until(ada, ["ada"])

    run(talk)


@pytest.mark.parametrize("number", [0, 1])
def test_a_person_with_two_tabs_leaves_with_the_last(lasting: Chat, room: str, number: int) -> None:
    """number: the server of the tab that closes first; the other one is on server 1."""

    async def talk() -> None:
        async with (
            connected(lasting, "eve", lasting.server(0)) as eve,
            connected(lasting, "ada", lasting.server(1)) as stays,
        ):
            await join(eve, room)
            await say(eve, t="present", follow=True)
            await join(stays, room)
            await until(eve, ["ada", "eve"])
            async with connected(lasting, "ada", lasting.server(number)) as goes:
                await join(goes, room)
                await asyncio.sleep(0.2)  # until it is in Redis, or never will be
            while (
                json.loads(await asyncio.to_thread(lasting.get, number, "/healthz"))["connections"]
                != 1
            ):
                pass
            async with connected(lasting, "bob", lasting.server(number)) as bob:
                await join(bob, room)
                users = ["ada", "eve"]
                while "bob" not in users:
                    assert "ada" in users
                    users = (await hear(eve))["users"]
                assert "ada" in users
            await until(eve, ["ada", "eve"])
            await stays.close()
            await until(eve, ["eve"])

    run(talk)


def test_who_does_not_follow_hears_nothing(lasting: Chat, room: str) -> None:
    async def talk() -> None:
        async with connected(lasting, "ada") as ada, connected(lasting, "bob") as bob:
            await join(ada, room)
            await say(bob, t="join", room=room, after=None)
            await hear(bob)
            await say(bob, t="present", follow=True)
            await until(bob, ["ada", "bob"])
            await say(ada, t="msg", id="1", text="first")
            assert {(await hear(ada))["t"], (await hear(ada))["t"]} == {"msg", "sent"}

    run(talk)


def test_users_of_a_killed_server_go_after_a_while(start: Callable[..., Chat], room: str) -> None:
    chat = start("--servers", "2", "--present-seconds", "2")

    async def talk() -> None:
        async with (
            connected(chat, "ada", chat.server(0)) as ada,
            connected(chat, "bob", chat.server(1)) as bob,
        ):
            await join(ada, room)
            await say(ada, t="present", follow=True)
            await join(bob, room)
            await until(ada, ["ada", "bob"])
            os.kill(chat.pid(1), signal.SIGKILL)
            await until(ada, ["ada"])

    run(talk)


class SharedLog:
    """What several servers have in common, without Redis."""

    def __init__(self) -> None:
        self.users: set[str] = set()
        self.told: list[Presence] = []
        self.fails = False
        self.asked = 0

    async def mark_present(
        self, room: str, users: set[str], gone: set[str], seconds: float, *, tell: bool
    ) -> None:
        await asyncio.sleep(0)
        if self.fails:
            raise RedisError
        self.users = (self.users | users) - gone
        for presence in self.told if tell else ():
            presence.noticed(room)

    async def present(self, room: str, now: float) -> list[str]:
        await asyncio.sleep(0)
        self.asked += 1
        if self.fails:
            raise RedisError
        return sorted(self.users)


class Follower:
    def __init__(self) -> None:
        self.lists: list[list[str]] = []

    def deliver(self, message: str) -> None:
        self.lists.append(json.loads(message)["users"])

    async def until(self, users: list[str]) -> None:
        while not self.lists or self.lists[-1] != users:
            await asyncio.sleep(0.01)


@asynccontextmanager
async def presence(seconds: float = 3000.0) -> AsyncIterator[tuple[Presence, SharedLog]]:
    log = SharedLog()
    presence = Presence(Settings(present_seconds=seconds), log)  # type: ignore[arg-type]
    log.told.append(presence)
    tasks = [asyncio.create_task(part()) for part in (presence.publish, presence.tell)]
    yield presence, log
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def alone(talk: Callable[[], Awaitable[Any]]) -> None:
    asyncio.run(asyncio.wait_for(talk(), 30))


def test_a_thousand_arrivals_are_a_few_lists() -> None:
    async def talk() -> None:
        async with presence() as (there, log):
            follower = Follower()
            there.follow("room", follower)
            for number in range(1000):
                there.arrive("room", f"{number:03}")
            await follower.until([f"{number:03}" for number in range(1000)])
            assert len(follower.lists) < 4
            assert log.asked < 6

    alone(talk)


def test_nothing_is_kept_of_those_who_have_left() -> None:
    async def talk() -> None:
        async with presence() as (there, log):
            follower = Follower()
            there.arrive("room", "ada")
            there.follow("room", follower)
            await follower.until(["ada"])
            there.unfollow("room", follower)
            there.leave("room", "ada")
            while log.users:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            kept = there._here, there._published, there._followers, there._known
            assert not any(kept)

    alone(talk)


def test_it_is_told_once_redis_answers_again() -> None:
    async def talk() -> None:
        async with presence(0.3) as (there, log):
            follower = Follower()
            there.follow("room", follower)
            await follower.until([])
            log.fails = True
            there.arrive("room", "ada")
            await asyncio.sleep(0.3)
            log.fails = False
            await follower.until(["ada"])

    alone(talk)


def test_nobody_is_present_on_a_server_that_has_ended() -> None:
    async def talk() -> None:
        async with presence() as (there, log):
            there.arrive("room", "ada")
            while not log.users:
                await asyncio.sleep(0.01)
            await there.end()
            assert not log.users

    alone(talk)
