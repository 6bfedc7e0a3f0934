"""What goes over the wire, message by message."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import urllib.parse
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

pytest.importorskip("examples.chat.server", reason="the extra chat is not installed")

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from tests.chat.conftest import Chat

TEXTS = [
    "Grüße",
    "мир",
    "世界",
    "مرحبا",
    "שלום",
    "नमस्ते",
    "👩‍👩‍👧‍👦 😀",
    "a\u0000b",
    "\u2028",
    '"\\',
    " ",
    "x" * 4000,
]


def run(talk: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(talk(), 60))


def connected(chat: Chat, user: str, url: str | None = None, **options: Any) -> connect:
    url = url or chat.url
    options = {
        "subprotocols": [Subprotocol("chat.v1")],
        "additional_headers": {"Authorization": f"Bearer {chat.token(user)}"},
        **options,
    }
    return connect(url, ssl=chat.tls if url.startswith("wss") else None, proxy=None, **options)


async def say(connection: ClientConnection, **message: Any) -> None:
    await connection.send(json.dumps(message))


def joined(room: str, last: str | None, user: str) -> dict[str, Any]:
    return {"t": "joined", "room": room, "last": last, "user": user}


async def hear(connection: ClientConnection) -> Any:
    return json.loads(await asyncio.wait_for(connection.recv(), 20))


async def code_of(connection: ClientConnection) -> int:
    """Of the Close, after whatever comes before it."""
    with contextlib.suppress(ConnectionClosed):
        async for _ in connection:
            pass
    assert connection.close_code is not None
    return connection.close_code


def test_two_members_on_two_servers(chat: Chat, room: str) -> None:
    async def talk() -> None:
        async with (
            connected(chat, "ada", chat.server(0)) as ada,
            connected(chat, "bob", chat.server(1)) as bob,
        ):
            assert ada.subprotocol == "chat.v1"
            for member in (ada, bob):
                await say(member, t="join", room=room, after=None)
                user = "ada" if member is ada else "bob"
                assert await hear(member) == joined(room, None, user)
            for number, text in enumerate(TEXTS):
                await say(ada, t="msg", id=f"m{number}", text=text)
                two = [await hear(ada), await hear(ada)]
                (sent,) = (message for message in two if message["t"] == "sent")
                message = {
                    "t": "msg",
                    "id": sent["id"],
                    "from": "ada",
                    "text": text,
                    "client_id": f"m{number}",
                }
                assert message in two
                assert sent == {"t": "sent", "client_id": f"m{number}", "id": message["id"]}
                assert await hear(bob) == message
            await say(bob, t="ack", id=message["id"])
            await say(bob, t="present", follow=True)
            while (heard := await hear(bob))["users"] != ["ada", "bob"]:
                pass  # they are written to Redis a moment after they have joined
            assert heard == {"t": "present", "room": room, "users": ["ada", "bob"]}
            await say(ada, t="present")
            assert await hear(ada) == heard
        assert "chat_acknowledged_seconds_count 0.0" not in chat.get(1, "/metrics")

    run(talk)


def test_replay_and_messages_sent_twice(chat: Chat, room: str) -> None:
    async def talk() -> None:
        ids = []
        async with connected(chat, "ada") as ada:
            await say(ada, t="join", room=room, after=None)
            await hear(ada)
            for number in range(1200):  # more than two pages of the log
                await say(ada, t="msg", id=f"m{number}", text=str(number))
            while len(ids) < 1200:
                message = await hear(ada)
                if message["t"] == "sent":
                    ids.append(message["id"])
            assert ids == sorted(ids, key=lambda id_: [int(part) for part in id_.split("-")])
        async with connected(chat, "ada") as ada, connected(chat, "bob") as bob:
            await say(ada, t="join", room=room, after=ids[99])
            assert await hear(ada) == joined(room, ids[-1], "ada")
            assert [(await hear(ada))["id"] for _ in range(1100)] == ids[100:]
            await say(ada, t="msg", id="m5", text="again, after a lost answer")
            assert await hear(ada) == {"t": "sent", "client_id": "m5", "id": ids[5]}
            await say(bob, t="join", room=room, after="0-0")
            await hear(bob)
            assert [(await hear(bob))["text"] for _ in range(1200)] == [
                str(number) for number in range(1200)
            ]
            await say(bob, t="msg", id="m5", text="the same id of another user")
            assert (await hear(ada))["text"] == "the same id of another user"

    run(talk)


def test_join_while_others_write(chat: Chat, room: str) -> None:
    """Nothing is left out, and nothing comes twice, between the replay and what comes live."""

    async def talk() -> None:
        async with connected(chat, "ada", chat.server(0)) as ada:
            await say(ada, t="join", room=room, after=None)
            await hear(ada)
            sent = []

            async def write() -> None:
                for number in range(1500):
                    await say(ada, t="msg", id=str(number), text=str(number))
                    if number % 20 == 0:
                        await asyncio.sleep(0.002)

            async def read() -> None:
                while len(sent) < 1500:
                    message = await hear(ada)
                    if message["t"] == "sent":
                        sent.append(message["id"])

            async def join(number: int) -> list[str]:
                await asyncio.sleep(0.03 * number)
                async with connected(chat, "bob", chat.server(number % 2)) as bob:
                    await say(bob, t="join", room=room, after="0-0")
                    assert (await hear(bob))["t"] == "joined"
                    return [(await hear(bob))["id"] for _ in range(1500)]

            _, _, *found = await asyncio.gather(
                write(), read(), *(join(number) for number in range(8))
            )
            assert all(ids == sent for ids in found)

    run(talk)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"additional_headers": {}}, 4401),
        ({"additional_headers": {"Authorization": "Bearer no.such.token"}}, 4401),
        ({"origin": Origin("https://example.com")}, 4403),
        ({"subprotocols": None}, 4400),
    ],
)
def test_the_door(chat: Chat, options: dict[str, Any], code: int) -> None:
    async def talk() -> None:
        async with connected(chat, "ada", **options) as connection:
            assert await code_of(connection) == code

    run(talk)


def test_tokens(chat: Chat, room: str) -> None:
    async def talk() -> None:
        async with connected(
            chat, "ada", additional_headers={"Authorization": f"Bearer {chat.token('ada', -1)}"}
        ) as connection:
            assert await code_of(connection) == 4401
        subprotocols = [Subprotocol("chat.v1"), Subprotocol(f"token.{chat.token('ada')}")]
        async with connected(
            chat,
            "ada",
            subprotocols=subprotocols,
            additional_headers={},
            origin=Origin(chat.page[:-1]),
        ) as connection:
            await say(connection, t="join", room=room, after=None)
            assert (await hear(connection))["t"] == "joined"

    run(talk)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("no JSON", 4400), ("[]", 4400), ("{}", 4400), ('{"t":[]}', 4400),
        ('{"t":"join","room":5}', 4400), ('{"t":"join","room":""}', 4400),
        ('{"t":"msg","id":"1","text":"before join"}', 4400),
        ('{"t":"join","room":"r","after":"no id"}', 4400), (b"binary", 4400),
        ('{"t":"join","room":"\\ud800"}', 4400), ("[" * 9000, 4400), ("x" * 20_000, 1009),
    ],
)  # fmt: skip
def test_wrong_messages(chat: Chat, data: Any, code: int) -> None:
    async def talk() -> None:
        async with connected(chat, "ada") as connection:
            await connection.send(data)
            assert await code_of(connection) == code

    run(talk)


def test_limits(start: Callable[..., Chat], room: str) -> None:
    """A flood, too many connections, and one that does not read: each gets its code, and the others
    notice nothing."""
    chat = start(
        "--servers", "1", "--message-rate", "5", "--message-burst", "30", "--user-message-rate",
        "10000", "--user-message-burst", "10000",
        "--max-user-connections", "3", "--max-queue", "50",
    )  # fmt: skip

    async def talk() -> None:
        async with connected(chat, "flood") as flood:
            await say(flood, t="join", room=room, after=None)
            for number in range(40):
                await say(flood, t="msg", id=str(number), text="flood")
            assert await code_of(flood) == 4429
        async with (
            connected(chat, "many"),
            connected(chat, "many"),
            connected(chat, "many"),
            connected(chat, "many") as fourth,
        ):
            assert await code_of(fourth) == 1013
        # Without nginx and with a small buffer, as the kernel would keep many megabytes for it.
        reader = socket.socket()
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.connect(("127.0.0.1", urllib.parse.urlsplit(chat.server(0)).port))
        reader.setblocking(False)
        async with (
            connected(chat, "slow", chat.server(0), sock=reader, max_queue=1) as slow,
            connected(chat, "quick") as quick,
        ):
            await say(slow, t="join", room=f"{room}!", after=None)
            await say(quick, t="join", room=f"{room}!", after=None)
            assert (await hear(quick))["t"] == "joined"
            heard = 0

            async def write(user: str) -> None:
                async with connected(chat, user) as writer:
                    await say(writer, t="join", room=f"{room}!", after=None)
                    for number in range(29):
                        await say(writer, t="msg", id=str(number), text="x" * 15_000)
                        await asyncio.sleep(0.01)
                    while (await hear(writer)).get("client_id") != "28":
                        pass

            async def read() -> None:
                nonlocal heard
                while heard < 20 * 29:
                    heard += (await hear(quick))["t"] == "msg"

            reading = asyncio.create_task(read())
            for number in range(20):
                await write(f"writer {number}")
            await reading
            assert await code_of(slow) == 4408
        assert 'chat_refused_total{code="TOO_SLOW"} 1.0' in chat.get(0, "/metrics")

    run(talk)


def test_watching(chat: Chat) -> None:
    metrics = chat.get(0, "/metrics")
    assert 'chat_codec{codec="fastframe"} 1.0' in metrics or "chat_connections 0.0" in metrics
    assert "chat_fan_out_seconds_bucket" in metrics
    assert json.loads(chat.get(0, "/healthz"))["ok"] is True
