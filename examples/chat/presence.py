"""Who is in the rooms of all servers. Changes are told at once; users of a server that was killed
are shown for some seconds more (Settings.present_seconds)."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, defaultdict
from typing import Protocol

import fastframe
from examples.chat.log import Log, RedisError
from examples.chat.protocol import encoded
from examples.chat.settings import Settings

PAUSE_SECONDS = 0.1  # between two lists of the same room
NAMES_PER_SECOND = 1_000_000  # the most that are told, over all followers


class Follower(Protocol):
    def deliver(self, message: str) -> None:
        """Must not wait."""


class Presence:
    """Two tasks. `publish` writes to Redis who is in the rooms of this process, `tell` hands the
    list of all users to the members that follow it. Both take changes together that come together:
    a thousand arrivals are a few lists."""

    def __init__(self, settings: Settings, log: Log) -> None:
        self._settings, self._log = settings, log
        # A user that nobody refreshes is over after three quarters of the time, and that is noticed
        # in the last quarter.
        self._refresh = settings.present_seconds / 4
        self._lasts = settings.present_seconds - self._refresh
        self._here: defaultdict[str, Counter[str]] = defaultdict(Counter)
        """By room: how many members each user has in this process."""
        self._published: dict[str, set[str]] = {}
        self._changed, self._stale = Due(), Due()
        self._followers: defaultdict[str, dict[Follower, list[str] | None]] = defaultdict(dict)
        """By room: each with the list that it was told."""
        self._known: dict[str, list[str]] = {}

    def arrive(self, room: str, user: str) -> None:
        self._here[room][user] += 1
        if self._here[room][user] == 1:
            self._changed.add(room)

    def leave(self, room: str, user: str) -> None:
        here = self._here[room]
        here[user] -= 1
        if not here[user]:
            del here[user]
            self._changed.add(room)
        if not here:
            del self._here[room]

    def follow(self, room: str, follower: Follower) -> None:
        """It is told who is present now, and again after each change."""
        self._followers[room][follower] = None
        self._stale.add(room)

    def unfollow(self, room: str, follower: Follower) -> None:
        if room in self._followers:
            self._followers[room].pop(follower, None)
            if not self._followers[room]:
                del self._followers[room]
                self._known.pop(room, None)

    def noticed(self, room: str) -> None:
        """Some server has published a change."""
        if room in self._followers:
            self._stale.add(room)

    async def users(self, room: str) -> list[str]:
        return await self._log.present(room, time.time())

    async def publish(self) -> None:
        """Until it is cancelled."""
        refreshed = time.monotonic()
        while True:
            rooms = await self._changed.taken(refreshed + self._refresh - time.monotonic())
            refresh = time.monotonic() >= refreshed + self._refresh
            if refresh:
                refreshed = time.monotonic()
                rooms = {*self._here, *self._published}
            for room in rooms:
                with contextlib.suppress(RedisError):  # the next refresh does it
                    await self._publish(room, set(self._here.get(room, ())), refresh)

    async def _publish(self, room: str, here: set[str], refresh: bool) -> None:
        before = self._published.get(room, set())
        if here != before or refresh:
            await self._log.mark_present(
                room, here if refresh else here - before, before - here,
                self._lasts, tell=here != before,
            )  # fmt: skip
            self._published[room] = here
            if not here:
                del self._published[room]

    async def end(self) -> None:
        """Nobody is here any more."""
        with contextlib.suppress(RedisError, asyncio.TimeoutError):
            for room in tuple(self._published):
                await asyncio.wait_for(self._publish(room, set(), False), 1)

    async def tell(self) -> None:
        """Until it is cancelled."""
        checked = time.monotonic()
        while True:
            rooms = await self._stale.taken(checked + self._refresh - time.monotonic())
            if time.monotonic() >= checked + self._refresh:  # nobody tells that a server is gone
                checked = time.monotonic()
                rooms = set(self._followers)
            names = 0
            for room in rooms:
                try:
                    names += await self._tell(room)
                except RedisError:
                    self._stale.add(room)
            await asyncio.sleep(max(PAUSE_SECONDS, names / NAMES_PER_SECOND))

    async def _tell(self, room: str) -> int:
        """How many names that were, all in all."""
        found = await self.users(room)
        followers = self._followers.get(room)
        if not followers:
            return 0
        if found != self._known.get(room):
            self._known[room] = found
        known = self._known[room]
        message = encoded("present", room=room, users=known)
        if self._settings.prepared:
            message = fastframe.prepare(message)
        untold = [follower for follower, told in followers.items() if told is not known]
        for follower in untold:
            followers[follower] = known
            follower.deliver(message)
        return len(untold) * len(known)


class Due:
    """Names of rooms that something must be done for."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._some = asyncio.Event()

    def add(self, room: str) -> None:
        self._names.add(room)
        self._some.set()

    async def taken(self, seconds: float) -> set[str]:
        """All, as soon as there is one; none after so many seconds."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._some.wait(), max(0.0, seconds))
        self._some.clear()
        names, self._names = self._names, set()
        return names
