"""The rooms of this process. One task reads the logs of all of them, and hands each message,
prepared once, to every member."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from typing import Protocol

import fastframe
from examples.chat.log import Entry, Log, RedisError
from examples.chat.protocol import Id, parsed_id
from examples.chat.settings import Settings
from examples.chat.watching import Metrics

log = logging.getLogger("chat")

READ_SECONDS = 2.0  # less than the time-out of the connection to Redis
PRESENT_SECONDS = 30.0


class Member(Protocol):
    user: str

    async def joined(self, room: str, last: str | None) -> None:
        """last: the id of the room's last message, None if it has none."""

    async def replay(self, message: str) -> None:
        """May wait."""

    def deliver(self, message: str) -> None:
        """Must not wait."""


class Room:
    def __init__(self, name: str, last: str | None) -> None:
        self.name = name
        self.last = last or "0-0"
        """The id of the last message that members have got."""
        self.members: dict[Member, Id] = {}
        """Each with the id that its replay has reached, which may be ahead of `last`."""


class Rooms:
    def __init__(self, settings: Settings, log: Log, metrics: Metrics) -> None:
        self._settings, self._log, self._metrics = settings, log, metrics
        self._rooms: dict[str, Room] = {}
        self._wake = f"chat:wake:{secrets.token_hex(8)}"

    async def join(self, name: str, member: Member, after: str | None) -> None:
        """The member gets the room's last id, then what came after `after`, and from then on every
        message.

        No message is left out between the two, and none comes twice: the replay ends when it is
        where the reader is, or ahead of it, and nothing is awaited between this comparison and the
        addition.
        """
        last = await self._log.last(name)
        room = self._rooms.get(name)
        if room is None:
            room = self._rooms.setdefault(name, Room(name, last))
            await self._log.wake(self._wake)  # the reader waits for the rooms that it knew
        await member.joined(name, last)
        reached = last or "0-0" if after is None else after
        while True:
            async for page in self._log.after(name, reached):
                for entry in page:
                    await member.replay(entry.message())
                    reached = entry.id
            room = self._rooms.setdefault(name, room)  # meanwhile its last member may have left
            if parsed_id(room.last) <= parsed_id(reached):
                break
        room.members[member] = parsed_id(reached)
        await self._log.mark_present(name, {member.user}, time.time(), PRESENT_SECONDS)

    async def leave(self, name: str, member: Member) -> None:
        """Also for a member whose `join` was not completed."""
        room = self._rooms.get(name)
        if room is None:
            return
        was_member = room.members.pop(member, None) is not None
        if not room.members:
            del self._rooms[name]
        if was_member and all(other.user != member.user for other in room.members):
            with contextlib.suppress(RedisError):  # it ends by itself
                await self._log.unmark_present(name, member.user)

    async def read(self) -> None:
        """Until it is cancelled: what arrives in all rooms."""
        woken = "0-0"
        while True:
            try:
                found = await self._log.read(
                    {room.name: room.last for room in self._rooms.values()},
                    (self._wake, woken),
                    READ_SECONDS,
                )
            except RedisError as error:
                log.warning("Redis does not answer", extra={"error": str(error)})
                await asyncio.sleep(0.2)
                continue
            for name, entries in found.items():
                if not name:
                    woken = entries[-1].id
                elif name in self._rooms:
                    for entry in entries:
                        self._hand_out(self._rooms[name], entry)
                    await asyncio.sleep(0)  # so that connections can write

    def _hand_out(self, room: Room, entry: Entry) -> None:
        number = parsed_id(entry.id)
        room.last = entry.id
        with self._metrics.fan_out.time():
            message = entry.message()
            if self._settings.prepared:
                message = fastframe.prepare(message)
            for member, reached in room.members.items():
                if number > reached:
                    member.deliver(message)

    async def stay_present(self) -> None:
        """Until it is cancelled: who is in the rooms of this process is present, and stays so for a
        while if the process is killed."""
        while True:
            await asyncio.sleep(PRESENT_SECONDS / 3)
            for room in tuple(self._rooms.values()):
                users = {member.user for member in room.members}
                with contextlib.suppress(RedisError):
                    if users:
                        await self._log.mark_present(room.name, users, time.time(), PRESENT_SECONDS)

    async def present(self, name: str) -> list[str]:
        return await self._log.present(name, time.time())
