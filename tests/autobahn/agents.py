"""Who talks to the Autobahn TestSuite: two echo servers and two echo clients, each on loopback.

python -m tests.autobahn.agents server native PORT      uvicorn with fastframe.uvicorn:WSProtocol
python -m tests.autobahn.agents server wsproto PORT     wsproto's WSConnection, with fastframe
                                                        installed under it
python -m tests.autobahn.agents client native PORT      Decoder and Encoder
python -m tests.autobahn.agents client wsproto PORT     WSConnection, with fastframe installed under
                                                        it
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import wsproto
from wsproto.connection import ConnectionState, ConnectionType
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Message,
    Ping,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.handshake import H11Handshake

import fastframe
from fastframe import Close, Decoder, Encoder, ProtocolError, Role
from fastframe.deflate import Agreement, Deflate
from tests.servers.echo_asgi import app

READ_SIZE = 2**16
Receiver = Callable[[str | bytes], None] | None

LIMIT = 2**24 + 2**10  # the largest messages of the suite have 16 MiB


# ---- servers -------------------------------------------------------------------------------------


def serve_native(port: int) -> None:
    import uvicorn

    uvicorn.run(
        app, port=port, ws="fastframe.uvicorn:WSProtocol", lifespan="off", log_level="warning"
    )


async def serve_wsproto(port: int) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            connection = wsproto.WSConnection(ConnectionType.SERVER)
            is_open = True
            while is_open and (data := await reader.read(READ_SIZE)):
                connection.receive_data(data)
                is_open = answer_events(connection, writer)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(connected, "127.0.0.1", port) as server:
        await server.serve_forever()


def answer_events(connection: wsproto.WSConnection, writer: asyncio.StreamWriter) -> bool:
    """False after the peer's Close, and after a broken rule."""
    for event in connection.events():
        if isinstance(event, Request):
            writer.write(connection.send(AcceptConnection(extensions=[PerMessageDeflate()])))
        elif isinstance(event, (TextMessage, BytesMessage)):
            writer.write(
                connection.send(Message(event.data, message_finished=event.message_finished))
            )
        elif isinstance(event, Ping):
            writer.write(connection.send(event.response()))
        elif isinstance(event, CloseConnection):
            writer.write(connection.send(event.response()))
            return False
    return True


# ---- clients -------------------------------------------------------------------------------------


async def run_cases(kind: str, port: int) -> None:
    agent = f"fastframe, {kind} client"
    client = CLIENTS[kind]
    counts: list[str | bytes] = []
    await client(port, "/getCaseCount", counts.append)
    count = int(counts[0])
    for case in range(1, count + 1):
        await client(port, f"/runCase?case={case}&agent={agent}".replace(" ", "%20"), None)
        if case % 50 == 0 or case == count:
            print(f"{agent}: {case} of {count} cases", file=sys.stderr, flush=True)
    await client(port, f"/updateReports?agent={agent}".replace(" ", "%20"), None)


class Negotiation(Extension):
    """Offers permessage-deflate in wsproto's handshake, and keeps what was agreed on."""

    name = "permessage-deflate"
    agreement: Agreement | None = None

    def offer(self) -> str:
        return Deflate().offer().partition("; ")[2]

    def finalize(self, offer: str) -> None:
        self.agreement = Deflate().confirm(offer)


async def native_client(port: int, target: str, receive: Receiver) -> None:
    """Gives each message to `receive`, or echoes it if there is none."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        handshake, negotiation = H11Handshake(ConnectionType.CLIENT), Negotiation()
        writer.write(
            handshake.send(
                Request(host=f"127.0.0.1:{port}", target=target, extensions=[negotiation])
            )
        )
        head = await reader.readuntil(b"\r\n\r\n")
        handshake.receive_data(head)
        decoder = Decoder(
            Role.CLIENT,
            max_message_size=LIMIT,
            max_frame_size=LIMIT,
            max_fragments=2**17,
            deflate=negotiation.agreement,
        )
        encoder = Encoder(Role.CLIENT, deflate=negotiation.agreement)
        while not decoder.finished and (data := await reader.read(READ_SIZE)):
            decoder.feed(data)
            try:
                for message in decoder:
                    if isinstance(message, (str, bytes)):
                        if receive is not None:
                            receive(message)
                        else:
                            writer.write(encoder.message(message))
                    elif isinstance(message, fastframe.Ping):
                        writer.write(encoder.pong(message.payload))
                    elif isinstance(message, Close):
                        writer.write(encoder.close(message.code, message.reason))
            except ProtocolError as error:
                writer.write(encoder.close(error.code, error.reason))
            await writer.drain()
        await reader.read()  # the server hangs up first (RFC 6455, 7.1.1)
    except OSError:
        pass
    finally:
        writer.close()


async def wsproto_client(port: int, target: str, receive: Receiver) -> None:
    """Gives each message to `receive`, or echoes it if there is none."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        connection = wsproto.WSConnection(ConnectionType.CLIENT)
        writer.write(
            connection.send(
                Request(host=f"127.0.0.1:{port}", target=target, extensions=[PerMessageDeflate()])
            )
        )
        parts: list[Any] = []
        is_open = True
        while is_open and (data := await reader.read(READ_SIZE)):
            connection.receive_data(data)
            for event in connection.events():
                if isinstance(event, (TextMessage, BytesMessage)):
                    parts.append(event.data)
                    if event.message_finished:
                        message = parts[0][:0].join(parts)
                        parts.clear()
                        if receive is not None:
                            receive(message)
                        else:
                            writer.write(connection.send(Message(message)))
                elif isinstance(event, Ping):
                    writer.write(connection.send(event.response()))
                elif isinstance(event, CloseConnection):
                    is_open = False
                    if connection.state is not ConnectionState.CLOSED:
                        writer.write(connection.send(event.response()))
                elif isinstance(event, RejectConnection):
                    raise ConnectionError(f"the handshake was answered with {event.status_code}")
            await writer.drain()
        await reader.read()
    except OSError:
        pass
    finally:
        writer.close()


CLIENTS = {"native": native_client, "wsproto": wsproto_client}


def main(role: str, kind: str, port: str) -> None:
    if kind == "wsproto":
        fastframe.install("wsproto")
        assert fastframe.status()["wsproto"].active
    if role == "client":
        asyncio.run(run_cases(kind, int(port)))
    elif kind == "native":
        serve_native(int(port))
    else:
        asyncio.run(serve_wsproto(int(port)))


if __name__ == "__main__":
    main(*sys.argv[1:])
