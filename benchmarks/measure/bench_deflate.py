"""permessage-deflate: fastframe, and wsproto and websockets alone and on fastframe, beside the
compression library by itself.

JSON-like text. Each contender's result is compared before anything is timed; "raw" makes no frames
and no str.
"""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import websockets.extensions.permessage_deflate
import websockets.protocol
from wsproto.connection import CLIENT, SERVER, Connection
from wsproto.events import TextMessage
from wsproto.extensions import PerMessageDeflate

import fastframe
from fastframe import Decoder, Encoder, Role
from fastframe.deflate import BACKENDS, Agreement, Deflate, backend_module

SIZES = {"1 KiB": 1024, "64 KiB": 65536}
COUNT = 20  # messages, of one conversation


def installed(name: str) -> bool:
    try:
        backend_module(name)
    except ImportError:
        return False
    return True


INSTALLED = [name for name in BACKENDS if installed(name)]


def json_like(size: int, seed: int) -> str:
    rng = random.Random(seed)
    rows = [
        {
            "id": rng.randrange(10**6),
            "name": rng.choice(["alpha", "beta", "gamma", "delta"]),
            "value": round(rng.random(), 3),
            "tags": rng.sample(["red", "green", "blue", "black", "white"], 2),
            "active": rng.random() < 0.5,
        }
        for _ in range(size // 60 + 1)
    ]
    return json.dumps(rows)[:size]


TEXTS = {name: [json_like(size, seed) for seed in range(COUNT)] for name, size in SIZES.items()}


def agreement(**settings: Any) -> Agreement:
    found = Deflate(**settings).accept("permessage-deflate")
    assert found is not None
    return found


def connection(role: Any) -> Connection:
    extension = PerMessageDeflate()
    extension.finalize("permessage-deflate")
    return Connection(role, [extension])


@contextlib.contextmanager
def on(contender: str, **options: Any) -> Iterator[None]:
    with (
        fastframe.installed("wsproto", **options)
        if "on fastframe" in contender
        else contextlib.nullcontext()
    ):
        yield


RECEIVERS = [
    "wsproto",
    "wsproto on fastframe",
    *(f"{kind} {name}" for name in INSTALLED for kind in ("fastframe", "raw")),
]


def receiver(contender: str, wire: list[bytes], streams: list[bytes]) -> Callable[[], list[str]]:
    kind, _, backend = contender.partition(" ")
    if kind == "wsproto":

        def by_wsproto() -> list[str]:
            server = connection(SERVER)
            found = []
            for frame in wire:
                server.receive_data(frame)
                found.append("".join(event.data for event in server.events()))  # type: ignore[attr-defined]
            return found

        return by_wsproto
    if kind == "fastframe":
        settled = agreement(backend=backend)

        def by_fastframe() -> list[str]:
            decoder: Any = Decoder(Role.SERVER, deflate=settled)
            return [message for frame in wire for message in decoder.feed(frame)]

        return by_fastframe
    module = backend_module(backend)

    def raw() -> list[str]:
        stream = module.decompressobj(-15)
        return [stream.decompress(data) for data in streams]

    return raw


@pytest.mark.parametrize("contender", RECEIVERS)
@pytest.mark.parametrize("size", SIZES)
def test_receive(benchmark: Any, size: str, contender: str) -> None:
    texts = TEXTS[size]
    encoder = Encoder(Role.CLIENT, deflate=agreement())
    wire = [encoder.text(text) for text in texts]
    compressor = backend_module("zlib").compressobj(-1, 8, -15)
    streams = [compressor.compress(text.encode()) + compressor.flush(2) for text in texts]
    benchmark.group = f"receive: {size}"
    benchmark.extra_info["repeats"] = COUNT
    with on(contender):
        receive = receiver(contender, wire, streams)
        assert [
            text if isinstance(text, str) else bytes(text).decode() for text in receive()
        ] == texts
        benchmark(receive)


LEVELS = {"zlib": (6, 1), "zlib-ng": (6, 1), "isal": (1, 0)}
SENDERS = [
    "wsproto",
    "wsproto on fastframe",
    *(
        f"{kind} {name} level {level}"
        for name in INSTALLED
        for level in LEVELS[name]
        for kind in ("fastframe", "raw")
    ),
]


def sender(contender: str, texts: list[str]) -> Callable[[], list[bytes]]:
    kind, *rest = contender.split()
    if kind == "wsproto":

        def by_wsproto() -> list[bytes]:
            client = connection(CLIENT)
            return [client.send(TextMessage(text)) for text in texts]

        return by_wsproto
    backend, level = rest[0], int(rest[2])
    if kind == "fastframe":
        settled = agreement(backend=backend, level=level)

        def by_fastframe() -> list[bytes]:
            encoder = Encoder(Role.CLIENT, deflate=settled)
            return [encoder.text(text) for text in texts]

        return by_fastframe
    module = backend_module(backend)

    def raw() -> list[bytes]:
        stream = module.compressobj(level, module.DEFLATED, -15)
        return [
            stream.compress(text.encode()) + stream.flush(module.Z_SYNC_FLUSH) for text in texts
        ]

    return raw


@pytest.mark.parametrize("contender", SENDERS)
@pytest.mark.parametrize("size", SIZES)
def test_send(benchmark: Any, size: str, contender: str) -> None:
    texts = TEXTS[size]
    benchmark.group = f"send: {size}"
    benchmark.extra_info["repeats"] = COUNT
    with on(contender):
        send = sender(contender, texts)
        sent = send()
        if not contender.startswith("raw"):
            decoder: Any = Decoder(Role.SERVER, deflate=agreement())
            assert [message for frame in sent for message in decoder.feed(frame)] == texts
        benchmark.extra_info["bytes"] = sum(map(len, sent))
        benchmark(send)


# ---- under websockets ----------------------------------------------------------------------------

LIBRARY = {
    "websockets": None,
    **{f"websockets on fastframe, {name}": Deflate(backend=name) for name in INSTALLED},
}


def messages_echoed(texts: list[str]) -> Callable[[], list[bytes]]:
    """A server's Protocol that gets each of them compressed and sends it back."""

    def protocol(side: websockets.protocol.Side) -> websockets.protocol.Protocol:
        found = websockets.protocol.Protocol(side, max_size=None)
        found.extensions = [
            websockets.extensions.permessage_deflate.PerMessageDeflate(
                False, False, 12, 12, {"memLevel": 5}
            )
        ]
        found.receive_data(b"")
        return found

    client = protocol(websockets.protocol.CLIENT)
    wire = []
    for text in texts:
        client.send_text(text.encode())
        wire += client.data_to_send()

    def echo() -> list[bytes]:
        server = protocol(websockets.protocol.SERVER)
        for data in wire:
            server.receive_data(data)
            for frame in server.events_received():
                server.send_text(frame.data)  # type: ignore[union-attr]
        return server.data_to_send()

    return echo


@pytest.mark.parametrize("contender", LIBRARY)
@pytest.mark.parametrize("size", [*SIZES, "1 MiB"])
def test_websockets(benchmark: Any, size: str, contender: str) -> None:
    texts = TEXTS[size] if size in TEXTS else [json_like(2**20, seed) for seed in range(4)]
    benchmark.group = f"websockets echoes: {size}"
    benchmark.extra_info["repeats"] = len(texts)
    deflate = LIBRARY[contender]
    with (
        fastframe.installed("websockets", deflate=deflate) if deflate else contextlib.nullcontext()
    ):
        echo = messages_echoed(texts)
        decoder: Any = Decoder(Role.CLIENT, deflate=agreement(server_max_window_bits=12))
        assert [message for frame in echo() for message in decoder.feed(frame)] == texts
        benchmark(echo)
