"""install and uninstall between any two bytes, with a connection open: what arrives is the same,
for every target."""

from __future__ import annotations

import asyncio
import importlib
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import fastframe
from fastframe._targets.target import target, target_names
from tests.strategies import frame

STREAM = (
    frame(1, b"one", key=b"key!")
    + frame(2, b"f", fin=False, key=b"abcd")
    + frame(9, b"p", key=b"key!")
    + frame(0, b"g", key=b"efgh")
    + frame(2, bytes(range(9)), key=b"key!")
    + frame(1, "ż".encode(), key=b"key!")
)
"""What a client sends."""
FROM_SERVER = (
    frame(1, b"one")
    + frame(2, b"f", fin=False)
    + frame(9, b"p")
    + frame(0, b"g")
    + frame(1, "ż".encode())
)


def of_tests(name: str) -> Any:
    return importlib.import_module(f"tests.libraries.test_{name}")


def under_websockets(pieces: Iterator[bytes]) -> Any:
    from websockets.protocol import SERVER, Protocol

    protocol, found = Protocol(SERVER), []
    for piece in pieces:
        protocol.receive_data(piece)
        found += [
            (event.opcode, bytes(event.data), event.fin) for event in protocol.events_received()
        ]  # type: ignore[union-attr]
    return found, protocol.state, protocol.data_to_send()


def gathering(pieces: Iterator[bytes]) -> Any:
    frames = target("websockets")._frames  # type: ignore[attr-defined]
    frames.gathered_size = 1
    try:
        return under_websockets(pieces)
    finally:
        frames.gathered_size = 2**16


def under_wsproto(pieces: Iterator[bytes]) -> Any:
    from wsproto.connection import SERVER, Connection

    connection, found = Connection(SERVER), []
    for piece in pieces:
        connection.receive_data(piece)
        for event in connection.events():
            found.append(event)
            if hasattr(event, "payload"):
                found.append(connection.send(event.response()))
    return found, connection.state


def under_gunicorn(pieces: Iterator[bytes]) -> Any:
    return of_tests("gunicorn").served(pieces)


def under_autobahn(pieces: Iterator[bytes]) -> Any:
    return of_tests("autobahn").served(pieces, False)


def under_tornado(pieces: Iterator[bytes]) -> Any:
    from fastframe.tornado.observations import Connection

    async def connect() -> Any:
        return await Connection().served(pieces)

    return asyncio.run(connect())


def under_websocket_client(pieces: Iterator[bytes]) -> Any:
    module = of_tests("websocket_client")

    class Socket(module.FakeSocket):  # type: ignore[misc, name-defined]
        kept = b""

        def recv(self, size: int) -> bytes:
            while not self.kept:
                piece = next(pieces, None)
                if piece is None:
                    return b""
                self.kept = piece
            first, self.kept = self.kept[:size], self.kept[size:]
            return first

    original, module.FakeSocket = module.FakeSocket, Socket
    try:
        return module.received([], False)
    finally:
        module.FakeSocket = original


PLAYED: dict[str, tuple[str, bytes, Callable[[Iterator[bytes]], Any]]] = {
    "websockets": ("websockets.protocol", STREAM, under_websockets),
    "websockets, gathering": ("websockets.protocol", STREAM, gathering),
    "wsproto": ("wsproto", STREAM, under_wsproto),
    "gunicorn": ("gunicorn.asgi.websocket", STREAM, under_gunicorn),
    "autobahn": ("autobahn.websocket.protocol", STREAM, under_autobahn),
    "tornado": ("tornado.websocket", STREAM, under_tornado),
    "websocket-client": ("websocket", FROM_SERVER, under_websocket_client),
}


def test_all_targets_are_here() -> None:
    """uvicorn's class is chosen for a whole connection; geventwebsocket's method keeps nothing
    between two calls."""
    assert {name.partition(",")[0] for name in PLAYED} | {"uvicorn", "geventwebsocket"} == set(
        target_names()
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", PLAYED)
def test_switched_between_any_two_bytes(name: str) -> None:
    module, stream, play = PLAYED[name]
    pytest.importorskip(module)
    name = name.partition(",")[0]
    try:
        target(name).check()
    except ImportError as error:
        pytest.skip(str(error))
    with fastframe.installed(name):
        pass

    def pieces(cuts: tuple[int, int]) -> list[bytes]:
        return [stream[start:end] for start, end in itertools.pairwise([0, *cuts, len(stream)])]

    def switched(cuts: tuple[int, int], *, on: bool) -> Iterator[bytes]:
        for piece in pieces(cuts):
            (fastframe.install if on else fastframe.uninstall)(name)
            yield piece
            on = not on

    try:
        for cuts in itertools.combinations_with_replacement(range(len(stream) + 1), 2):
            fastframe.uninstall(name)
            alone = play(iter(pieces(cuts)))
            for on in (True, False):
                assert play(switched(cuts, on=on)) == alone, (cuts, on)
    finally:
        fastframe.uninstall(name)
