"""How a server ends."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import pytest

pytest.importorskip("examples.chat.server", reason="the extra chat is not installed")

from examples.chat.server import stop_if_failed
from tests.chat.conftest import Chat
from tests.chat.test_protocol import code_of, connected, hear, run, say


def test_clients_are_told_to_go_elsewhere(mortal_chat: Chat, room: str) -> None:
    async def talk() -> None:
        async with connected(mortal_chat, "ada", mortal_chat.server(0)) as ada:
            await say(ada, t="join", room=room, after=None)
            await hear(ada)
            old = mortal_chat.pid(0)
            os.kill(old, signal.SIGTERM)
            assert await code_of(ada) == 1012
        async with connected(mortal_chat, "ada") as ada:
            await say(ada, t="join", room=room, after=None)
            assert (await hear(ada))["t"] == "joined"
        deadline = time.monotonic() + 20
        while True:  # until it has been started again
            try:
                assert mortal_chat.pid(0) != old
                return
            except OSError:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.1)

    run(talk)


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_task_that_ends_ends_the_server(cancelled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: killed.append((pid, number)))

    async def main() -> None:
        async def fail() -> None:
            raise ValueError("what nobody expected")

        task = asyncio.create_task(fail())
        task.add_done_callback(stop_if_failed)
        if cancelled:
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0)

    asyncio.run(main())
    assert killed == ([] if cancelled else [(os.getpid(), signal.SIGTERM)])
