"""The rooms of this process. One task reads the logs of all of them, and hands each message,
prepared once, to every member."""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import Protocol

import fastframe
from examples.chat.log import PRESENCE, Entry, Log, RedisError
from examples.chat.presence import Presence
from examples.chat.protocol import Id, parsed_id
from examples.chat.settings import Settings
from examples.chat.watching import Metrics

log = logging.getLogger("chat")

READ_SECONDS = 2.0  # less than the time-out of the connection to Redis


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
        self.presence = Presence(settings, log)
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
        self.presence.arrive(name, member.user)

    def leave(self, name: str, member: Member) -> None:
        """Also for a member whose `join` was not completed."""
        self.presence.unfollow(name, member)
        room = self._rooms.get(name)
        if room is None:
            return
        if room.members.pop(member, None) is not None:
            self.presence.leave(name, member.user)
        if not room.members:
            del self._rooms[name]

    async def read(self) -> None:
        """Until it is cancelled: what arrives in all rooms."""
        signals = {self._wake: "0-0", PRESENCE: "0-0"}  # with the last ids
        while True:
            rooms = {self._log.key(name): room for name, room in self._rooms.items()}
            last = {key: room.last for key, room in rooms.items()}
            try:
                found = await self._log.read({**signals, **last}, READ_SECONDS)
            except RedisError as error:
                log.warning("Redis does not answer", extra={"error": str(error)})
                await asyncio.sleep(0.2)
                continue
            for key, entries in found.items():
                if key in signals:
                    signals[key] = entries[-1].id
                    for name in {entry.fields["room"] for entry in entries if key == PRESENCE}:
                        self.presence.noticed(name)
                elif self._rooms.get(rooms[key].name) is rooms[key]:
                    for entry in entries:
                        self._hand_out(rooms[key], entry)
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
