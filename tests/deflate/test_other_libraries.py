"""Compressed messages between fastframe and other libraries, in both directions."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import socket
import subprocess
from typing import Any

import pytest

import fastframe
from fastframe import Decoder, Encoder, Role
from fastframe.deflate import Deflate
from tests.deflate.agreements import MESSAGES, agreements, wsproto_server
from tests.strategies import frame

PARAMETERS = [
    {
        "server_no_context_takeover": a,
        "client_no_context_takeover": b,
        "server_max_window_bits": c,
        "client_max_window_bits": d,
    }
    for a, b, c, d in itertools.product((False, True), (False, True), (9, 15), (9, 15))
]


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
@pytest.mark.parametrize("our_role", Role)
def test_websockets_understands_us_and_we_it(our_role: Role, parameters: dict[str, Any]) -> None:
    deflate = pytest.importorskip("websockets.extensions.permessage_deflate")
    from websockets.frames import Frame, Opcode
    from websockets.protocol import Protocol, Side

    client, server = agreements(**parameters)
    ours, we_are_client = (client, True) if our_role is Role.CLIENT else (server, False)
    remote, local = ("client", "server") if we_are_client else ("server", "client")
    peer: Any = Protocol(Side.SERVER if we_are_client else Side.CLIENT)
    extension = deflate.PerMessageDeflate(
        remote_no_context_takeover=parameters[f"{remote}_no_context_takeover"],
        local_no_context_takeover=parameters[f"{local}_no_context_takeover"],
        remote_max_window_bits=parameters[f"{remote}_max_window_bits"],
        local_max_window_bits=parameters[f"{local}_max_window_bits"],
    )
    peer.extensions = [extension]
    encoder, decoder = Encoder(our_role, deflate=ours), Decoder(our_role, deflate=ours)
    for message in MESSAGES * 2:
        peer.receive_data(encoder.message(message))
        (received,) = peer.events_received()
        text = received.opcode is Opcode.TEXT
        assert (str(received.data, "utf-8") if text else bytes(received.data)) == message
        data = message.encode() if isinstance(message, str) else message
        sent = Frame(Opcode.TEXT if isinstance(message, str) else Opcode.BINARY, data)
        wire = sent.serialize(mask=not we_are_client, extensions=[extension])
        assert list(decoder.feed(wire)) == [message]


@pytest.mark.parametrize("takeover", [True, False])
@pytest.mark.parametrize("window_bits", [9, 12, 15])
def test_aiohttp_understands_us_and_we_it(window_bits: int, takeover: bool) -> None:
    pytest.importorskip("aiohttp")
    from aiohttp import WSMsgType
    from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader
    from aiohttp._websocket.writer import WebSocketWriter

    _, server = agreements(
        client_no_context_takeover=not takeover, server_no_context_takeover=not takeover,
        client_max_window_bits=window_bits, server_max_window_bits=window_bits,
    )  # fmt: skip

    class Wire:
        """What aiohttp wants of a transport and of a protocol."""

        _reading_paused = _drain_helper = False
        written = b""

        def write(self, data: bytes) -> None:
            self.written += data

        def is_closing(self) -> bool:
            return False

    async def both_ways() -> None:
        wire: Any = Wire()
        queue: Any = WebSocketDataQueue(wire, 2**20, loop=asyncio.get_running_loop())
        reader = WebSocketReader(queue, 2**22, True, True)
        writer = WebSocketWriter(
            wire, wire, use_mask=True, compress=window_bits, notakeover=not takeover
        )
        encoder, decoder = (
            Encoder(Role.SERVER, deflate=server),
            Decoder(Role.SERVER, deflate=server),
        )
        for message in MESSAGES * 2:
            reader.feed_data(encoder.message(message))
            assert (await queue.read()).data == message
            data, kind = (
                (message.encode(), WSMsgType.TEXT)
                if isinstance(message, str)
                else (message, WSMsgType.BINARY)
            )
            await writer.send_frame(data, kind)
            assert list(decoder.feed(wire.written)) == [message]
            wire.written = b""

    asyncio.run(both_ways())


NODE_ECHO = """
const { WebSocketServer } = require("ws");
const options = JSON.parse(process.argv[1]);
const server = new WebSocketServer({
  host: "127.0.0.1", port: 0, perMessageDeflate: options, maxPayload: 1e8,
});
server.on("connection", (socket) => {
  socket.on("message", (data, binary) => socket.send(data, { binary }));
});
server.on("listening", () => console.log(server.address().port));
setTimeout(() => process.exit(1), 60000);
"""


def node_has_ws() -> bool:
    if shutil.which("node") is None:
        return False
    return (
        subprocess.run(["node", "-e", "require('ws')"], capture_output=True, check=False).returncode
        == 0
    )


@pytest.mark.skipif(
    not node_has_ws(), reason="Node or its package ws is not installed (npm install ws; NODE_PATH)"
)
@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_ws_of_node_understands_us_and_we_it(parameters: dict[str, Any]) -> None:
    """Over loopback, with a real opening handshake; ws echoes what it understood, compressed by its
    own zlib."""
    options = {
        "serverNoContextTakeover": parameters["server_no_context_takeover"],
        "clientNoContextTakeover": parameters["client_no_context_takeover"],
        "serverMaxWindowBits": parameters["server_max_window_bits"],
        "clientMaxWindowBits": parameters["client_max_window_bits"],
        "threshold": 0,
    }
    with subprocess.Popen(
        ["node", "-e", NODE_ECHO, json.dumps(options)], stdout=subprocess.PIPE, text=True
    ) as node:
        try:
            assert node.stdout is not None
            port = int(node.stdout.readline())
            settings = Deflate(**parameters)
            with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
                connection.sendall(
                    f"GET / HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: "
                    f"websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                    f"Sec-WebSocket-Extensions: {settings.offer()}\r\n\r\n".encode()
                )
                answer = b""
                while b"\r\n\r\n" not in answer:
                    answer += connection.recv(4096)
                head, _, rest = answer.partition(b"\r\n\r\n")
                (response,) = (
                    line.split(": ", 1)[1]
                    for line in head.decode().split("\r\n")
                    if line.startswith("Sec-WebSocket-Ext")
                )
                agreement = settings.confirm(response)
                assert agreement is not None
                encoder, decoder = (
                    Encoder(Role.CLIENT, deflate=agreement),
                    Decoder(Role.CLIENT, deflate=agreement),
                )
                connection.sendall(b"".join(encoder.message(message) for message in MESSAGES * 2))
                echoed = list(decoder.feed(rest))
                while len(echoed) < 2 * len(MESSAGES):
                    echoed += decoder.feed(connection.recv(65536))
                assert echoed == MESSAGES * 2
        finally:
            node.kill()


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_wsproto_understands_us_and_we_it(parameters: dict[str, Any]) -> None:
    pytest.importorskip("wsproto")
    from wsproto.connection import CLIENT, Connection
    from wsproto.events import BytesMessage, Event, TextMessage
    from wsproto.extensions import PerMessageDeflate

    server = agreements(**parameters)[1]
    extension = PerMessageDeflate()
    extension.finalize(server.response())
    peer = Connection(CLIENT, [extension])
    encoder, decoder = Encoder(Role.SERVER, deflate=server), Decoder(Role.SERVER, deflate=server)
    for message in MESSAGES * 2:
        peer.receive_data(encoder.message(message))
        events: list[Any] = list(peer.events())
        assert events[-1].message_finished
        empty: Any = "" if isinstance(message, str) else b""
        assert empty.join(event.data for event in events) == message
        event: Event = TextMessage(message) if isinstance(message, str) else BytesMessage(message)
        assert list(decoder.feed(peer.send(event))) == [message]


def test_a_decompressor_of_somebody_else_cannot_harm_the_decoder() -> None:
    pytest.importorskip("wsproto")
    with fastframe.installed("wsproto"):
        connection = wsproto_server()
        (extension,) = connection._proto.extensions

        class Meddler:
            eof = False

            def decompress(self, data: bytes) -> None:
                connection._proto.receive_bytes(b"\x82\xfe\xff\xffkey!" + bytes(70_000))

        connection.receive_data(frame(1, b"first", key=b"key!"))
        assert [event.data for event in connection.events()] == ["first"]
        extension._decompressor = Meddler()
        connection.receive_data(frame(2, b"x" * 50, rsv=4, key=b"key!"))
        with pytest.raises(TypeError, match="must return bytes, not NoneType"):
            list(connection.events())
