"""GraphQL over WebSocket under both subprotocols: the client of gql on websockets, strawberry
behind uvicorn, and fastframe at both ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

pytest.importorskip(
    "strawberry", reason="strawberry is not installed: pip install strawberry-graphql"
)
pytest.importorskip("gql", reason="gql is not installed: pip install 'gql[websockets]'")
pytest.importorskip("starlette", reason="starlette is not installed: pip install starlette")
pytest.importorskip("uvicorn", reason="uvicorn is not installed: pip install uvicorn")

import strawberry
from gql import Client, gql
from gql.transport.websockets import WebsocketsTransport
from strawberry.asgi import GraphQL

import fastframe
from tests.servers.in_uvicorn import Event, Receive, Send, serving

TEXTS = ["short", "", "żółć 😀", "世" * 70_000, "x" * 300_000]


@strawberry.type
class Query:
    @strawberry.field
    def echo(self, text: str) -> str:
        return text


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def twice(self, text: str) -> AsyncIterator[str]:
        yield text
        yield text.upper()


ECHO = gql("query ($text: String!) { echo(text: $text) }")
TWICE = gql("subscription ($text: String!) { twice(text: $text) }")


class Watched:
    """strawberry's application, and what it sees and says."""

    def __init__(self) -> None:
        self.app = GraphQL(strawberry.Schema(query=Query, subscription=Subscription))
        self.events: list[Event] = []

    async def __call__(self, scope: Event, receive: Receive, send: Send) -> None:
        async def watched_receive() -> Event:
            self.events.append(event := await receive())
            return event

        async def watched_send(event: Event) -> None:
            self.events.append(event)
            await send(event)

        await self.app(scope, watched_receive, watched_send)


def variables(document: Any, text: str) -> Any:
    document.variable_values = {"text": text}
    return document


@pytest.mark.parametrize("subprotocol", ["graphql-transport-ws", "graphql-ws"])
async def test_gql_and_strawberry(subprotocol: str) -> None:
    counted = ("uvicorn", "websockets")
    app = Watched()
    with fastframe.installed("websockets"):
        before = {name: fastframe.status()[name].connections for name in counted}
        async with serving(app) as server:
            transport = WebsocketsTransport(
                f"ws://127.0.0.1:{server.port}/", subprotocols=[subprotocol],
                connect_args={"proxy": None},
            )  # fmt: skip
            async with Client(transport=transport) as session:
                connection = transport.adapter.websocket
                for text in TEXTS:
                    if subprotocol == "graphql-transport-ws":  # the other has no queries here
                        assert await session.execute(variables(ECHO, text)) == {"echo": text}
                    events = session.subscribe(variables(TWICE, text))
                    assert [each["twice"] async for each in events] == [text, text.upper()]
            await server.idle()
        for name in counted:
            assert fastframe.status()[name].connections == before[name] + 1
    accepted = [each for each in app.events if each["type"] == "websocket.accept"]
    assert [each["subprotocol"] for each in accepted] == [subprotocol]
    sizes = {
        kind: max(len(each.get("text") or "") for each in app.events if each["type"] == kind)
        for kind in ("websocket.receive", "websocket.send")
    }
    assert min(sizes.values()) > 2**16
    assert connection.subprotocol == subprotocol
    assert [each.name for each in connection.protocol.extensions] == ["permessage-deflate"]
    assert connection.close_code == 1000
