"""A room's messages in Redis: a Stream is the log, and its ids are the order.

The keys of a room have its name in braces, so that they are on the same node of a Redis Cluster.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import RedisError

from examples.chat.protocol import encoded
from examples.chat.settings import Settings

__all__ = ["PRESENCE", "Entry", "Log", "RedisError"]

# Appends a message unless one with this client id is there: both keys at once, or neither.
APPEND = """
local known = redis.call('GET', KEYS[2])
if known then return known end
local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[4], '*',
    'from', ARGV[1], 'text', ARGV[2], 'client_id', ARGV[3])
redis.call('SET', KEYS[2], id, 'EX', ARGV[5])
return id
"""
PAGE = 500
PRESENCE = "chat:presence"  # the stream of rooms that somebody has come into or gone from


class Entry(NamedTuple):
    id: str
    fields: dict[str, str]

    def message(self) -> str:
        """As it is sent to members."""
        return encoded("msg", id=self.id, **self.fields)


class Log:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._server = secrets.token_hex(8)
        # Each call is repeated for about ten seconds while Redis is away: no call here does more
        # when it is repeated.
        retry = Retry(ExponentialBackoff(cap=1, base=0.05), 14)
        self.redis: Any = Redis.from_url(
            settings.redis,
            decode_responses=True,
            retry=retry,
            retry_on_error=[exceptions.ConnectionError, exceptions.TimeoutError],
        )
        self._append = self.redis.register_script(APPEND)

    @staticmethod
    def key(room: str) -> str:
        return f"chat:{{{room}}}:log"

    async def append(self, room: str, user: str, client_id: str, text: str) -> str:
        """Its id, also if it is there already."""
        keys = [self.key(room), f"chat:{{{room}}}:sent:{len(user)}:{user}:{client_id}"]
        arguments: list[Any] = [
            user,
            text,
            client_id,
            self._settings.room_length,
            self._settings.remembered,
        ]
        return str(await self._append(keys=keys, args=arguments))

    async def last(self, room: str) -> str | None:
        found = await self.redis.xrevrange(self.key(room), count=1)
        return found[0][0] if found else None

    async def after(self, room: str, reached: str) -> AsyncIterator[list[Entry]]:
        """What came later, a page at a time. Ends with a page that is not full; go on from its last
        id."""
        while True:
            page = [
                Entry(*found)
                for found in await self.redis.xrange(self.key(room), f"({reached}", count=PAGE)
            ]
            yield page
            if len(page) < PAGE:
                return
            reached = page[-1].id

    async def read(self, streams: dict[str, str], seconds: float) -> dict[str, list[Entry]]:
        """What came after these ids in these streams, by key; waits for it."""
        found = await self.redis.xread(streams, count=PAGE, block=int(seconds * 1000))
        pairs = found.items() if isinstance(found, dict) else found or []
        return {key: [Entry(*entry) for entry in _flat(entries)] for key, entries in pairs}

    async def wake(self, key: str) -> None:
        await self.redis.xadd(key, {"w": ""}, maxlen=1)
        await self.redis.expire(key, 60)

    async def claim(self, name: str, seconds: int) -> bool:
        """False if the name is taken, in upper or lower case."""
        key = f"chat:name:{name.casefold()}"
        return bool(await self.redis.set(key, "", nx=True, ex=seconds))

    async def mark_present(
        self, room: str, users: set[str], gone: set[str], seconds: float, *, tell: bool
    ) -> None:
        """A user is present for so many seconds more on this server; `tell`: all servers read it in
        the stream `PRESENCE`. A user may be on several servers, and gone from one of them."""
        key = f"chat:{{{room}}}:present"
        async with self.redis.pipeline(transaction=True) as changes:
            if users:
                until = time.time() + seconds
                changes.zadd(key, {f"{self._server}:{user}": until for user in users})
            if gone:
                changes.zrem(key, *(f"{self._server}:{user}" for user in gone))
            changes.zremrangebyscore(key, "-inf", time.time() - seconds)
            changes.expire(key, int(2 * seconds))
            if tell:
                changes.xadd(PRESENCE, {"room": room}, maxlen=1000)
            await changes.execute()

    async def present(self, room: str, now: float) -> list[str]:
        found = await self.redis.zrangebyscore(f"chat:{{{room}}}:present", now, "+inf")
        return sorted({name.partition(":")[2] for name in found})


def _flat(entries: Any) -> Any:
    # RESP3, the default of newer clients, has a list around them.
    return entries[0] if entries and isinstance(entries[0], list) else entries
