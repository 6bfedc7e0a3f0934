"""Names that people choose on the page, and the files of the page."""

from __future__ import annotations

import asyncio
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("examples.chat.server", reason="the extra chat is not installed")

from websockets.typing import Subprotocol

from tests.chat.conftest import UNLIMITED, Chat
from tests.chat.test_protocol import code_of, connected, hear, run, say


@pytest.fixture(scope="module")
def open_chat(start: Callable[..., Chat]) -> Chat:
    return start(
        "--servers", "1", "--guests", "1", "--deflate", "1", "--heartbeat", "0.2", *UNLIMITED
    )


def sign_in(chat: Chat, body: Any, origin: str | None = None) -> tuple[int, dict[str, Any]]:
    """The status, and the answer."""
    request = urllib.request.Request(
        chat.server(0).replace("ws:", "http:").replace("/chat", "/sign-in"),
        body if isinstance(body, bytes) else json.dumps(body).encode(),
        {"Origin": origin or chat.page[:-1]},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


def test_a_chosen_name_lets_one_person_in(open_chat: Chat, room: str) -> None:
    name = f"Zoë O'Neill {os.urandom(2).hex()}"
    status, answer = sign_in(open_chat, {"name": f"  {name.replace(' ', '   ')} "})
    assert (status, answer["name"]) == (200, name)

    async def talk() -> None:
        subprotocols = [Subprotocol("chat.v1"), Subprotocol(f"token.{answer['token']}")]
        options: dict[str, Any] = {"subprotocols": subprotocols, "additional_headers": {}}
        async with connected(open_chat, name, **options) as connection:
            await say(connection, t="join", room=room, after=None)
            assert (await hear(connection))["user"] == name

    run(talk)
    for again in name, name.upper():
        status, answer = sign_in(open_chat, {"name": again})
        assert (status, answer.keys()) == (409, {"reason"})


@pytest.mark.parametrize(
    "body",
    [{"name": ""}, {"name": " "}, {"name": "x" * 33}, {"name": "a\nb\u202e"}, {"name": 5}, {}, [],
     b"\xff", b"[" * 900, {"name": "<b>"}, {"name": "-"}, {"name": "ok", "more": "x" * 1000}],
)  # fmt: skip
def test_what_is_not_a_name(open_chat: Chat, body: Any) -> None:
    status, answer = sign_in(open_chat, body)
    assert (status, answer.keys()) == (400, {"reason"})


def test_another_page_cannot_sign_anybody_in(open_chat: Chat) -> None:
    assert sign_in(open_chat, {"name": "mallory"}, "https://example.com")[0] == 403


def test_names_are_a_choice_of_the_operator(chat: Chat, open_chat: Chat) -> None:
    assert json.loads(chat.get(0, "/sign-in")) == {"names": False}
    assert json.loads(open_chat.get(0, "/sign-in")) == {"names": True}
    assert sign_in(chat, {"name": "mallory"})[0] == 403


def test_many_names_at_once(start: Callable[..., Chat]) -> None:
    chat = start("--servers", "1", "--guests", "1")
    found = [sign_in(chat, {"name": f"crowd {number}"})[0] for number in range(120)]
    assert set(found) == {200, 429}


def test_the_page_runs_nothing_from_elsewhere(chat: Chat) -> None:
    for path in "/", "/page.js", "/style.css":
        url = chat.server(0).replace("ws:", "http:").removesuffix("/chat") + path
        with urllib.request.urlopen(url, timeout=10) as answer:
            policy = answer.headers["Content-Security-Policy"].split("; ")
            assert "default-src 'none'" in policy
            assert "script-src 'self'" in policy
            assert "frame-ancestors 'none'" in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_live_figures_are_those_of_fastframe(open_chat: Chat, room: str) -> None:
    async def talk() -> None:
        async with connected(open_chat, "ada") as ada:

            async def live() -> dict[str, Any]:
                await asyncio.sleep(0.6)  # then they are counted again
                await say(ada, t="live")
                while (message := await hear(ada))["t"] != "live":
                    pass
                return dict(message)

            await say(ada, t="join", room=room, after=None)
            before = await live()
            assert before["active"] is True
            assert before["open"] == 1
            for number in range(100):
                await say(ada, t="msg", id=str(number), text="a text that is said again " * 20)
            for _ in range(200):
                assert (await hear(ada))["t"] in {"msg", "sent"}
            after = await live()
            assert after["received"] - before["received"] == 101
            assert after["sent"] - before["sent"] == 201
            assert after["seconds"] > before["seconds"]
            assert 0 < after["compressed_bytes"] < after["inflated_bytes"] / 2
            while after["round_trip"] is None:
                after = await live()
            assert 0 < after["round_trip"] < 60

    run(talk)


def test_no_figures_without_fastframe(start: Callable[..., Chat], room: str) -> None:
    chat = start("--servers", "1", "--codec", "default")

    async def talk() -> None:
        async with connected(chat, "ada") as ada:
            await say(ada, t="live")
            assert await code_of(ada) == 4400  # before it has joined
        async with connected(chat, "ada") as ada:
            await say(ada, t="join", room=room, after=None)
            await hear(ada)
            await say(ada, t="live")
            assert await hear(ada) == {"t": "live", "active": False}

    run(talk)
