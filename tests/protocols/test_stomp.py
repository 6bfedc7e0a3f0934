"""STOMP over WebSocket: stomp.py, whose client runs on websocket-client, and the broker coilmq
behind uvicorn, with fastframe at both ends."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from queue import Queue
from typing import Any

import pytest

pytest.importorskip("stomp", reason="stomp.py is not installed: pip install stomp.py")
pytest.importorskip("coilmq", reason="the broker is not installed: pip install coilmq")
pytest.importorskip("uvicorn", reason="uvicorn is not installed: pip install uvicorn")

import stomp
from coilmq.queue import QueueManager
from coilmq.scheduler import FavorReliableSubscriberScheduler, RandomQueueScheduler
from coilmq.server.socket_server import ThreadedStompServer
from coilmq.store.memory import MemoryQueue
from coilmq.topic import TopicManager
from stomp.adapter.ws import WSStompConnection

import fastframe
from tests.protocols.gateway import Gateway
from tests.servers.in_uvicorn import serving

HOST = "broker.test"
BODIES = ["short", "", "żółć 😀", "世" * 70_000, "x" * 300_000]


@contextlib.contextmanager
def broker() -> Iterator[ThreadedStompServer]:
    server = ThreadedStompServer(
        ("127.0.0.1", 0), timeout=0.2,
        queue_manager=QueueManager(
            store=MemoryQueue(),
            subscriber_scheduler=FavorReliableSubscriberScheduler(),
            queue_scheduler=RandomQueueScheduler(),
        ),
        topic_manager=TopicManager(),
    )  # fmt: skip
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Listener(stomp.ConnectionListener):  # type: ignore[misc, name-defined]
    def __init__(self) -> None:
        self.messages: Queue[Any] = Queue()
        self.receipts: Queue[str] = Queue()
        self.errors: list[Any] = []
        self.ended = threading.Event()

    def on_message(self, frame: Any) -> None:
        self.messages.put(frame)

    def on_receipt(self, frame: Any) -> None:
        self.receipts.put(frame.headers["receipt-id"])

    def on_disconnected(self) -> None:
        self.ended.set()

    def on_error(self, frame: Any) -> None:
        self.errors.append(frame)


def connected(port: int, binary: bool = False) -> tuple[Any, Listener]:
    connection = WSStompConnection(
        [("127.0.0.1", port)], vhost=HOST, binary_mode=binary, timeout=20,
        header={"Sec-WebSocket-Protocol": "v12.stomp, v11.stomp"},
    )  # fmt: skip
    listener = Listener()
    connection.set_listener("", listener)
    connection.connect(wait=True)
    return connection, listener


def talk(port: int, binary: bool) -> dict[str, Any]:
    """What a client does, in a thread of its own. Returns the headers of the response."""
    connection, listener = connected(port, binary)
    headers = dict(connection.transport.socket.getheaders())
    connection.subscribe("/queue/test", id="1", ack="auto", receipt="subscribed")
    assert listener.receipts.get(timeout=20) == "subscribed"
    for body in BODIES:
        connection.send("/queue/test", body, content_type="text/plain")
        assert listener.messages.get(timeout=20).body == body
    connection.disconnect(receipt="bye")
    assert listener.receipts.get(timeout=20) == "bye"
    assert listener.errors == []
    return headers


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
async def test_stomp_py(binary: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getfqdn", lambda: HOST)  # the only host that the broker serves
    counted = ("uvicorn", "websocket-client")
    with broker() as stomp_server, fastframe.installed("websocket-client"):
        before = {name: fastframe.status()[name].connections for name in counted}
        gateway = Gateway(stomp_server.server_address[1], "v12.stomp", text=not binary)
        async with serving(gateway) as server:
            headers = await asyncio.to_thread(talk, server.port, binary)
            await server.idle()
        for name in counted:
            assert fastframe.status()[name].connections == before[name] + 1
    assert headers["sec-websocket-protocol"] == "v12.stomp"
    assert gateway.agreed == ["v12.stomp"]
    assert gateway.kinds == {"bytes" if binary else "text"}
    assert gateway.largest > 2**16
    assert gateway.ends == [1005]  # stomp.py sends no Close: its DISCONNECT and RECEIPT are the end


async def test_the_broker_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway then closes with 1000, and stomp.py tells its listener."""
    monkeypatch.setattr(socket, "getfqdn", lambda: HOST)
    with broker() as stomp_server, fastframe.installed("websocket-client"):
        before = fastframe.status()["websocket-client"].connections
        gateway = Gateway(stomp_server.server_address[1], "v12.stomp", text=True)
        async with serving(gateway) as server:
            _, listener = await asyncio.to_thread(connected, server.port)
            stomp_server.shutdown_requested.set()
            assert await asyncio.to_thread(listener.ended.wait, 20)
            await server.idle()
        assert fastframe.status()["websocket-client"].connections == before + 1
    assert gateway.ends == [1000]
