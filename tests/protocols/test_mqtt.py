"""MQTT over WebSocket. paho-mqtt has a WebSocket of its own, amqtt runs on websockets at both ends,
mosquitto is in C: each is a peer of fastframe under websockets or under uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

pytest.importorskip("paho.mqtt.client", reason="paho-mqtt is not installed: pip install paho-mqtt")

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

import fastframe
from tests.protocols.gateway import Gateway
from tests.servers.in_uvicorn import serving
from tests.servers.programs import free_port, is_listening

PAYLOADS = [b"short", b"", bytes(range(256)), "żółć 😀".encode(), bytes(70_000), b"\xff" * 300_000]

# mosquitto is not always on the path of those who may run it.
MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
needs_mosquitto = pytest.mark.skipif(
    MOSQUITTO is None, reason="mosquitto is not installed: apt-get install mosquitto"
)


@contextlib.contextmanager
def mosquitto(folder: Path) -> Iterator[tuple[int, int]]:
    """Its ports for MQTT and for WebSocket. It stores nothing."""
    assert MOSQUITTO
    tcp, ws = free_port(), free_port()
    settings = folder / "mosquitto.conf"
    settings.write_text(
        f"listener {tcp} 127.0.0.1\nlistener {ws} 127.0.0.1\nprotocol websockets\n"
        "allow_anonymous true\npersistence false\n"
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([MOSQUITTO, "-c", str(settings)], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 20
        while not (is_listening(tcp) and is_listening(ws)):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield tcp, ws
    finally:
        process.terminate()
        process.wait(20)


@contextlib.asynccontextmanager
async def amqtt_broker() -> AsyncIterator[int]:
    """Its port for WebSocket."""
    amqtt_broker = pytest.importorskip(
        "amqtt.broker", reason="amqtt is not installed: pip install amqtt"
    )
    port = free_port()
    broker = amqtt_broker.Broker(
        {
            "listeners": {"default": {"type": "ws", "bind": f"127.0.0.1:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {}},
        }
    )
    await broker.start()
    try:
        yield port
    finally:
        await broker.shutdown()


def talk(port: int, version: MQTTProtocolVersion) -> None:
    """paho-mqtt subscribes, and receives what it publishes; in a thread of its own."""
    received: Queue[bytes] = Queue()
    subscribed, ended = threading.Event(), threading.Event()
    client = paho.Client(CallbackAPIVersion.VERSION2, transport="websockets", protocol=version)
    client.on_connect = lambda *_: client.subscribe("test/#", qos=1)
    client.on_subscribe = lambda *_: subscribed.set()
    client.on_message = lambda _client, _userdata, message: received.put(message.payload)
    client.on_disconnect = lambda *_: ended.set()
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        assert subscribed.wait(20)
        for payload in PAYLOADS:
            client.publish("test/topic", payload, qos=1).wait_for_publish(20)
            assert received.get(timeout=20) == payload
        client.disconnect()
        assert ended.wait(20)
    finally:
        client.loop_stop()


VERSIONS = [MQTTProtocolVersion.MQTTv311, MQTTProtocolVersion.MQTTv5]


@pytest.mark.programs
@needs_mosquitto
@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
async def test_paho_by_way_of_uvicorn_to_mosquitto(
    version: MQTTProtocolVersion, tmp_path: Path
) -> None:
    pytest.importorskip("uvicorn", reason="uvicorn is not installed: pip install uvicorn")
    before = fastframe.status()["uvicorn"].connections
    with mosquitto(tmp_path) as (tcp, _):
        gateway = Gateway(tcp, "mqtt")
        async with serving(gateway) as server:
            await asyncio.to_thread(talk, server.port, version)
            await server.idle()
    assert fastframe.status()["uvicorn"].connections == before + 1
    assert gateway.agreed == ["mqtt"]
    assert gateway.kinds == {"bytes"}
    assert gateway.largest > 2**16
    # paho-mqtt sends no Close. After its DISCONNECT the broker ends, and the gateway may be first.
    assert gateway.ends in ([1005], [1000])


async def test_paho_to_a_broker_on_websockets() -> None:
    with fastframe.installed("websockets"):
        before = fastframe.status()["websockets"].connections
        async with amqtt_broker() as port:
            await asyncio.to_thread(talk, port, MQTTProtocolVersion.MQTTv311)
        assert fastframe.status()["websockets"].connections == before + 1


async def talk_by_amqtt(port: int, payloads: list[bytes]) -> Any:
    """Its connection, closed."""
    module = pytest.importorskip("amqtt.client", reason="amqtt is not installed: pip install amqtt")
    client = module.MQTTClient(config={"auto_reconnect": False})
    await client.connect(f"ws://127.0.0.1:{port}/")
    connection = client._handler.reader._protocol
    await client.subscribe([("test/#", 1)])
    for payload in payloads:
        # Not qos=1: amqtt begins to wait for the PUBACK once all is written, and may miss it.
        await client.publish("test/topic", payload, qos=0)
        message = await client.deliver_message(timeout_duration=20)
        assert bytes(message.publish_packet.data or b"") == payload
    await client.disconnect()
    return connection


@pytest.mark.programs
@needs_mosquitto
async def test_a_client_on_websockets_to_mosquitto(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as (_, port), fastframe.installed("websockets"):
        before = fastframe.status()["websockets"].connections
        # mosquitto 2.0 takes 0.1 seconds for each 4 KiB here, with any client.
        connection = await talk_by_amqtt(port, PAYLOADS[:-1])
        assert fastframe.status()["websockets"].connections == before + 1
    assert connection.subprotocol == "mqtt"
    # mosquitto ends the connection after DISCONNECT, at times before there is a Close.
    assert connection.close_code in (1000, 1006)


async def test_websockets_at_both_ends() -> None:
    with fastframe.installed("websockets"):
        before = fastframe.status()["websockets"].connections
        async with amqtt_broker() as port:
            connection = await talk_by_amqtt(port, PAYLOADS)
        assert fastframe.status()["websockets"].connections == before + 2
    assert connection.subprotocol == "mqtt"
    assert connection.close_code == 1000
