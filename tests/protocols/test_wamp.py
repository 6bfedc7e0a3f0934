"""WAMP over WebSocket: autobahn's client and the router crossbar, both on autobahn and both on
fastframe, with each serializer that both have."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip(
    "autobahn.asyncio.wamp", reason="autobahn is not installed: pip install autobahn"
)

from autobahn.asyncio.wamp import ApplicationSession
from autobahn.asyncio.websocket import WampWebSocketClientFactory
from autobahn.wamp.serializer import create_transport_serializer
from autobahn.wamp.types import ComponentConfig, PublishOptions

import fastframe
from tests.servers.programs import ROOT, free_port, running

# It may be in an environment of its own: it needs older releases of what the other clients need.
CROSSBAR = os.environ.get("CROSSBAR") or shutil.which(
    "crossbar", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
)
if CROSSBAR is None:
    pytest.skip(
        "the router is not found: make protocols, or pip install crossbar",
        allow_module_level=True,
    )

pytestmark = [
    pytest.mark.programs,
    pytest.mark.skipif(os.name == "nt", reason="its programs are started as on POSIX"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
]

ALLOWED = dict.fromkeys(("call", "register", "publish", "subscribe"), True)
SERIALIZERS = ["json", "msgpack", "cbor"]
"""Of text messages, and two of binary ones."""
VALUES = ["short", "", "żółć 😀", "世" * 70_000, ["x" * 300_000, {"a": 1}]]


def settings(port: int) -> dict[str, Any]:
    role = {"name": "anonymous", "permissions": [{"uri": "", "match": "prefix", "allow": ALLOWED}]}
    transport = {
        "type": "websocket", "serializers": list(SERIALIZERS),
        "endpoint": {"type": "tcp", "interface": "127.0.0.1", "port": port},
    }  # fmt: skip
    component = {
        "type": "class", "classname": "tests.protocols.router_component.OnFastframe",
        "realm": "test", "role": "anonymous",
    }  # fmt: skip
    router = {
        "type": "router", "transports": [transport], "components": [component],
        "realms": [{"name": "test", "roles": [role]}],
        "options": {"pythonpath": [str(ROOT)]},
    }  # fmt: skip
    return {"version": 2, "controller": {}, "workers": [router]}


class Session(ApplicationSession):  # type: ignore[misc]
    """Calls a procedure and receives an event for each value."""

    def onConnect(self) -> None:  # noqa: N802 (autobahn's name)
        self.answers: list[Any] = []
        self.seen: list[Any] = []
        self.router_connections = 0
        self.done: asyncio.Future[None] = asyncio.Future()
        self.left: asyncio.Future[str] = asyncio.Future()
        self.join("test")

    async def onJoin(self, details: Any) -> None:  # noqa: N802
        try:
            await asyncio.wait_for(self.talk(), 30)
        except Exception as error:
            self.done.set_exception(error)
        else:
            self.done.set_result(None)

    async def talk(self) -> None:
        events: asyncio.Queue[Any] = asyncio.Queue()
        await self.subscribe(events.put_nowait, "test.event")
        await self.register(lambda value: [value, value], "test.twice")
        options = PublishOptions(acknowledge=True, exclude_me=False)
        for value in VALUES:
            self.answers.append(await self.call("test.twice", value))
            await self.publish("test.event", value, options=options)
            self.seen.append(await events.get())
        self.router_connections = await self.call("fastframe.connections")

    def onLeave(self, details: Any) -> None:  # noqa: N802
        self.left.set_result(details.reason)
        self.disconnect()


async def talked(port: int, serializer: str) -> Session:
    session = Session(ComponentConfig("test"))
    factory = WampWebSocketClientFactory(
        lambda: session, url=f"ws://127.0.0.1:{port}/",
        serializers=[create_transport_serializer(serializer)],
    )  # fmt: skip
    _, protocol = await asyncio.get_running_loop().create_connection(factory, "127.0.0.1", port)
    await protocol.is_open
    assert protocol.websocket_protocol_in_use == f"wamp.2.{serializer}"
    await session.done
    session.leave()
    assert await asyncio.wait_for(session.left, 20) == "wamp.close.normal"
    await protocol.is_closed
    assert protocol.wasClean
    assert protocol.remoteCloseCode == protocol.localCloseCode == 1000
    return session


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Its port."""
    folder, port = tmp_path_factory.mktemp("crossbar"), free_port()
    (folder / "config.json").write_text(json.dumps(settings(port)))
    assert CROSSBAR
    become = "import os, sys; os.execv(sys.argv[1], sys.argv[1:])"
    with running("-c", become, CROSSBAR, "start", "--cbdir", str(folder), port=port):
        yield port


async def test_autobahn_and_crossbar(router: int) -> None:
    """Counted in the client's process, and in the router's."""
    with fastframe.installed("autobahn"):
        before = fastframe.status()["autobahn"].connections
        counts = []
        for serializer in SERIALIZERS:
            session = await talked(router, serializer)
            assert session.answers == [[value, value] for value in VALUES]
            assert session.seen == VALUES
            counts.append(session.router_connections)
        assert counts == [counts[0], counts[0] + 1, counts[0] + 2]
        assert fastframe.status()["autobahn"].connections == before + len(SERIALIZERS)
        assert fastframe.status()["autobahn"].left == {}
