"""Both ends of a connection that has agreed on permessage-deflate."""

from __future__ import annotations

import random
from typing import Any

from fastframe import Decoder, Encoder, Role
from fastframe.deflate import Agreement, Deflate

MESSAGES: list[str | bytes] = [
    "hello hello hello", "", b"", "żółć 日本 😀 " * 300, b"\x00" * 200_000,
    random.Random(7).randbytes(100_000), "a", "hello hello hello",
]  # fmt: skip


def agreements(**settings: Any) -> tuple[Agreement, Agreement]:
    """What a client and a server with these settings make of each other."""
    deflate = Deflate(**settings)
    server = deflate.accept(deflate.offer())
    assert server is not None
    client = deflate.confirm(server.response())
    assert client is not None
    return client, server


def codecs(sender: Role, **settings: Any) -> tuple[Encoder, Decoder]:
    client, server = agreements(**settings)
    if sender is Role.CLIENT:
        return Encoder(Role.CLIENT, deflate=client), Decoder(Role.SERVER, deflate=server)
    return Encoder(Role.SERVER, deflate=server), Decoder(Role.CLIENT, deflate=client)


def server_decoder(**limits: Any) -> Decoder:
    return Decoder(Role.CLIENT, deflate=agreements()[0], **limits)


def wsproto_server(**extension: Any) -> Any:
    from wsproto.connection import SERVER, Connection
    from wsproto.extensions import PerMessageDeflate

    permessage_deflate = PerMessageDeflate(**extension)
    permessage_deflate.finalize("permessage-deflate")
    return Connection(SERVER, [permessage_deflate])


def received(connection: Any, wire: bytes, step: int = 10**9) -> list[Any]:
    found = []
    for i in range(0, len(wire), step):
        connection.receive_data(wire[i : i + step])
        found += connection.events()
    return found
