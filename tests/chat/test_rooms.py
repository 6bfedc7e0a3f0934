"""Rooms by themselves, with a log that is not Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

pytest.importorskip("examples.chat.server", reason="the extra chat is not installed")

from examples.chat.log import Entry
from examples.chat.rooms import Rooms
from examples.chat.settings import Settings
from examples.chat.watching import Metrics


class EmptyLog:
    async def last(self, room: str) -> str | None:
        return None

    async def after(self, room: str, reached: str) -> AsyncIterator[list[Entry]]:
        yield []

    async def wake(self, *arguments: Any) -> None:
        pass


class Member:
    user = "ada"

    def __init__(self, fails: bool = False) -> None:
        self.fails = fails

    async def joined(self, room: str, last: str | None) -> None:
        if self.fails:
            raise ConnectionError("it has gone")

    async def replay(self, message: str) -> None:
        pass

    def deliver(self, message: str) -> None:
        pass


def test_a_room_that_nobody_is_in_is_not_kept() -> None:
    async def main() -> None:
        rooms = Rooms(Settings(), EmptyLog(), Metrics())  # type: ignore[arg-type]
        stays, goes, fails = Member(), Member(), Member(fails=True)
        with pytest.raises(ConnectionError):
            await rooms.join("one", fails, None)
        rooms.leave("one", fails)
        assert not rooms._rooms
        await rooms.join("two", stays, None)
        await rooms.join("two", goes, None)
        rooms.leave("two", goes)
        assert set(rooms._rooms["two"].members) == {stays}
        rooms.leave("two", stays)
        assert not rooms._rooms

    asyncio.run(main())
