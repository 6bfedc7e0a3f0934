"""What a program sees of websockets' Protocol and of its asyncio connections, for the
self-check."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

from fastframe._targets.observations import KEY, TEXT, Observation, cut, frame, outcome, streams

QUIET = logging.Logger("quiet", logging.CRITICAL + 1)


def observe() -> Observation:
    found = of_protocols()
    thread = threading.Thread(
        target=lambda: asyncio.run(observe_connections(found))
    )  # this one may have a loop that runs
    thread.start()
    thread.join()
    return found


async def observe_connections(found: Observation) -> None:
    try:
        found += await asyncio.wait_for(of_connections(), 1)
    except Exception as error:
        found.append((type(error), str(error)))


def of_protocols() -> Observation:
    from websockets.extensions.permessage_deflate import PerMessageDeflate
    from websockets.frames import Frame
    from websockets.protocol import CLIENT, SERVER, Protocol

    found: Observation = []
    for side in (SERVER, CLIENT):
        for deflate in (False, True):
            for stream in streams(KEY if side is SERVER else None, deflate=deflate):
                for pieces in cut(stream):
                    protocol = Protocol(side, max_size=2**16, logger=QUIET)
                    if deflate:
                        protocol.extensions = [PerMessageDeflate(False, False, 15, 15, {})]
                    for piece in (b"", *pieces):
                        found.append(outcome(protocol.receive_data, piece))
                        found += [
                            (
                                type(event),
                                event.opcode,
                                bytes(event.data),
                                type(event.data),
                                event.fin,
                                event.rsv1,
                            )
                            for event in protocol.events_received()
                            if isinstance(event, Frame)
                        ]
                        found.append(written(protocol, side is SERVER))
                    found.append(
                        (
                            protocol.state,
                            repr(protocol.close_rcvd),
                            repr(protocol.close_sent),
                            repr(protocol.parser_exc),
                        )
                    )
                    found.append((outcome(protocol.receive_eof), protocol.state))
            protocol = Protocol(side, logger=QUIET)
            for send, *arguments in (
                (protocol.send_text, TEXT.encode()), (protocol.send_binary, b"bytes" * 99),
                (protocol.send_text, b"a", False),
                (protocol.send_continuation, b"b", True), (protocol.send_ping, b"?"),
                (protocol.send_close, 1000, "bye"), (protocol.send_text, b"late"),
            ):  # fmt: skip
                found += [outcome(send, *arguments), written(protocol, side is SERVER)]
    return found


def written(protocol: Any, is_server: bool) -> Any:
    data = b"".join(protocol.data_to_send())
    return data if is_server else len(data)


class Transport(asyncio.Transport):
    """In memory."""

    def __init__(self) -> None:
        super().__init__()
        self.written: bytearray = bytearray()
        self.closing: bool = False

    def write(self, data: Any) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.closing

    def abort(self) -> None:
        self.closing = True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing to do; nor is there for what asyncio.Transport does not implement, as nothing
        here makes it necessary."""


async def of_connections() -> Observation:
    from websockets.asyncio.connection import Connection
    from websockets.protocol import SERVER, Protocol

    connection, transport = (
        Connection(Protocol(SERVER, logger=QUIET), ping_interval=None),
        Transport(),
    )
    connection.connection_made(transport)
    connection.data_received(b"")
    found: Observation = []
    for message, text in (
        (TEXT, None),
        (b"bytes", None),
        ("text", False),
        (b"text", True),
        (bytes(200_000), None),
    ):
        await connection.send(message, text=text)
    await connection.send(["frag", "ments"])
    found.append(bytes(transport.written))
    for opcode, data, decode in (
        (1, TEXT.encode(), None),
        (2, b"bytes", None),
        (1, b"text", False),
        (2, b"text", True),
    ):
        connection.data_received(frame(opcode, data, key=KEY))
        found.append(await connection.recv(decode))
    connection.data_received(frame(1, b"frag", key=KEY, fin=False) + frame(0, b"ments", key=KEY))
    found.append(await connection.recv())
    waiting = asyncio.ensure_future(connection.recv())
    await asyncio.sleep(0)
    connection.data_received(frame(1, b"late", key=KEY))
    found.append(await waiting)
    connection.connection_lost(None)
    for call in (connection.recv(), connection.send("lost")):
        try:
            await call
        except Exception as error:
            found.append((type(error), str(error)))
    return found
