"""Whatever is agreed on: a peer that uses all of it is understood, and it understands what is sent.

The peer is made here of zlib alone. It reads the agreement off the header, compresses with the
largest window that it may use, and refers back as far as that goes; and it inflates with the
smallest window that it may have.
"""

from __future__ import annotations

import itertools
import random
import zlib
from collections.abc import Callable
from typing import Any

import pytest

import fastframe
from fastframe import Decoder, Encoder, Role
from fastframe.deflate import Deflate
from tests.helpers import installed_backends
from tests.strategies import frame

BITS = (8, 9, 12, 15)
OFFERS = [
    "; ".join(["permessage-deflate", *filter(None, parameters)])
    for parameters in itertools.product(
        ["", "client_max_window_bits", *(f"client_max_window_bits={bits}" for bits in BITS)],
        ["", *(f"server_max_window_bits={bits}" for bits in BITS)],
        ["", "client_no_context_takeover"],
        ["", "server_no_context_takeover"],
    )
]
SEVERAL = [
    "permessage-deflate; client_max_window_bits=9, permessage-deflate",
    "permessage-deflate, permessage-deflate; client_max_window_bits=9; server_max_window_bits=9",
    "permessage-deflate; server_max_window_bits=8, permessage-deflate; server_max_window_bits=9; "
    "client_no_context_takeover",
    "permessage-deflate; client_max_window_bits=9; client_max_window_bits=15, permessage-deflate",
    "x-other, permessage-deflate; server_no_context_takeover; unknown, permessage-deflate",
]
SETTINGS: list[dict[str, Any]] = [
    {"server_max_window_bits": server, "client_max_window_bits": client, **more}
    for server, client in ((15, 15), (12, 12), (9, 15), (15, 9), (9, 9))
    for more in ({}, {"server_no_context_takeover": True}, {"client_no_context_takeover": True})
]


class Peer:
    """What was agreed on, as the other end reads it. header: the server's answer, or None."""

    def __init__(self, header: str, *, is_client: bool) -> None:
        extension, *parameters = [part.strip() for part in header.split(";")]
        assert extension == "permessage-deflate"
        values = dict(parameter.partition("=")[::2] for parameter in parameters)
        mine, theirs = ("client", "server") if is_client else ("server", "client")
        self.bits = int(values.get(f"{mine}_max_window_bits") or 15)
        self.others_bits = int(values.get(f"{theirs}_max_window_bits") or 15)
        self.forgets = f"{mine}_no_context_takeover" in values
        self.other_forgets = f"{theirs}_no_context_takeover" in values
        self.key = b"key!" if is_client else None
        self.compressor: Any = None
        self.inflater: Any = None

    def messages(self) -> list[bytes]:
        """Noise, whose repetition lies a whole window back: in the same message, and where the
        window goes on, in the next one."""
        window = 1 << self.bits
        noise = random.Random(self.bits).randbytes(
            max(window - 263, 200)
        )  # zlib itself looks back no further
        return [noise + noise[:500], noise[500:] + noise[:500], b"", noise]

    def frame(self, message: bytes) -> bytes:
        # zlib has no compressor for 8, so then it is as careful as one for 8 would be: it refers
        # back by 256 at most.
        if self.compressor is None:
            self.compressor = (
                zlib.compressobj(9, zlib.DEFLATED, -max(9, self.bits), 9)
                if self.bits > 8
                else zlib.compressobj(0, zlib.DEFLATED, -9)
            )
        compressor = self.compressor
        compressed = (compressor.compress(message) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]
        if self.forgets:
            self.compressor = None
        return frame(2, compressed, rsv=4, key=self.key)


def payload_of(wire: bytes) -> tuple[bool, bytes]:
    """Of one frame: is it compressed, and its payload, unmasked."""
    length, start = wire[1] & 0x7F, 2
    if length >= 126:
        size = 2 if length == 126 else 8
        length, start = int.from_bytes(wire[2 : 2 + size], "big"), 2 + size
    payload = wire[start:]
    if wire[1] & 0x80:
        payload = fastframe.apply_mask(wire[start + 4 :], wire[start : start + 4])
    assert len(payload) == length
    return bool(wire[0] & 0x40), payload


def check(peer: Peer, receive: Callable[[bytes], bytes], send: Callable[[bytes], bytes]) -> None:
    for message in peer.messages():
        assert receive(peer.frame(message)) == message, "what the peer has sent"
    theirs = Peer.messages(peer)
    window = 1 << peer.others_bits
    noise = random.Random(window).randbytes(window + 5000)
    for message in (noise + noise[:4000], noise, noise[-300:], theirs[0]):
        compressed, payload = payload_of(send(message))
        if compressed:
            if peer.inflater is None:
                peer.inflater = zlib.decompressobj(-peer.others_bits)
            # In small pieces: what is inflated in the same call could be referred to, too.
            payload += b"\x00\x00\xff\xff"
            payload = b"".join(
                peer.inflater.decompress(payload[i : i + 32]) for i in range(0, len(payload), 32)
            )
            if peer.other_forgets:
                peer.inflater = None
        assert payload == message, "what the peer gets"


def decoding(decoder: Decoder) -> Callable[[bytes], bytes]:
    def receive(wire: bytes) -> bytes:
        (message,) = decoder.feed(wire)
        assert isinstance(message, bytes)
        return message

    return receive


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("backend", installed_backends())
def test_a_server(backend: str, settings: dict[str, Any]) -> None:
    """The native codec, which is also what uvicorn's class has."""
    agreed, checked = 0, set()
    for offers in OFFERS + SEVERAL:
        agreement = Deflate(backend=backend, **settings).accept(offers)
        if agreement is None:
            assert "server_max_window_bits=8" in offers
            continue
        agreed += 1
        if agreement in checked:
            continue
        checked.add(agreement)
        decoder, encoder = (
            Decoder(Role.SERVER, deflate=agreement),
            Encoder(Role.SERVER, deflate=agreement),
        )
        check(Peer(agreement.response(), is_client=True), decoding(decoder), encoder.binary)
    assert agreed >= 70


def answers(offer: str) -> list[str]:
    """That a server may give."""
    values = dict(parameter.strip().partition("=")[::2] for parameter in offer.split(";")[1:])
    most_server = int(values.get("server_max_window_bits") or 15)
    most_client = int(values.get("client_max_window_bits") or 15)
    found = []
    for server, client, server_forgets, client_forgets in itertools.product(
        BITS, (None, *BITS), (False, True), (False, True)
    ):
        if (
            server > most_server
            or (client or 0) > most_client
            or client == 8
            or ("server_no_context_takeover" in values and not server_forgets)
        ):
            continue
        parameters = ["permessage-deflate", f"server_max_window_bits={server}"]
        parameters += [f"client_max_window_bits={client}"] if client else []
        parameters += ["server_no_context_takeover"] * server_forgets + [
            "client_no_context_takeover"
        ] * client_forgets
        found.append("; ".join(parameters))
    return found


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("backend", installed_backends())
def test_a_client(backend: str, settings: dict[str, Any]) -> None:
    deflate = Deflate(backend=backend, **settings)
    for answer in answers(deflate.offer()):
        agreement = deflate.confirm(answer)
        assert agreement is not None
        decoder, encoder = (
            Decoder(Role.CLIENT, deflate=agreement),
            Encoder(Role.CLIENT, deflate=agreement),
        )
        check(Peer(answer, is_client=False), decoding(decoder), encoder.binary)


def wsproto_functions(connection: Any) -> tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]:
    from wsproto.events import BytesMessage

    def receive(wire: bytes) -> bytes:
        connection.receive_data(wire)
        return b"".join(event.data for event in connection.events())

    return receive, lambda message: connection.send(BytesMessage(data=message))


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("backend", installed_backends())
def test_a_server_on_wsproto(backend: str, settings: dict[str, Any]) -> None:
    pytest.importorskip("wsproto")
    from wsproto.connection import SERVER, Connection
    from wsproto.extensions import PerMessageDeflate
    from wsproto.handshake import server_extensions_handshake

    agreed, checked = 0, set()
    with fastframe.installed("wsproto", deflate=Deflate(backend=backend, **settings)):
        for offers in OFFERS + SEVERAL:
            extension = PerMessageDeflate()
            header = server_extensions_handshake(
                [offer.strip() for offer in offers.split(",")], [extension]
            )
            if header is None:
                assert "server_max_window_bits=8" in offers
                continue
            agreed += 1
            if (key := (header, repr(extension))) in checked:
                continue
            checked.add(key)
            check(
                Peer(header.decode(), is_client=True),
                *wsproto_functions(Connection(SERVER, [extension])),
            )
    assert agreed >= 70


@pytest.mark.parametrize("settings", SETTINGS)
def test_a_client_on_wsproto(settings: dict[str, Any]) -> None:
    """Also of servers that do not say what they have been asked to say."""
    pytest.importorskip("wsproto")
    from wsproto.connection import CLIENT, Connection
    from wsproto.extensions import PerMessageDeflate

    with fastframe.installed("wsproto", deflate=Deflate(**settings)):
        offer = f"permessage-deflate; {PerMessageDeflate().offer()}"
        for answer in [
            *answers(offer),
            "permessage-deflate",
            "permessage-deflate; client_max_window_bits=9",
        ]:
            if "max_window_bits=8" in answer:
                continue  # wsproto refuses it
            extension = PerMessageDeflate()
            extension.finalize(answer)
            check(
                Peer(answer, is_client=False), *wsproto_functions(Connection(CLIENT, [extension]))
            )


@pytest.mark.parametrize("backend", installed_backends())
def test_a_server_on_websockets(backend: str) -> None:
    """It negotiates by itself."""
    pytest.importorskip("websockets.extensions.permessage_deflate")
    from websockets.exceptions import NegotiationError
    from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
    from websockets.headers import build_extension, parse_extension
    from websockets.protocol import SERVER, Protocol

    agreed, checked = 0, set()
    try:
        manager = fastframe.installed("websockets", deflate=Deflate(backend=backend))
        manager.__enter__()
    except fastframe.InstallError as error:
        pytest.skip(str(error))
    try:
        for settings, offer in itertools.product(SETTINGS, OFFERS):
            if "server_max_window_bits=8" in offer:
                continue  # websockets 16 accepts it, though zlib has no compressor for that
            factory = ServerPerMessageDeflateFactory(**settings)
            ((_, parameters),) = parse_extension(offer)
            try:
                response, extension = factory.process_request_params(parameters, [])
            except NegotiationError:
                continue
            agreed += 1
            if (key := (str(response), repr(extension))) in checked:
                continue
            checked.add(key)
            protocol = Protocol(SERVER)
            protocol.extensions = [extension]
            protocol.receive_data(b"")

            def receive(wire: bytes, protocol: Any = protocol) -> bytes:
                protocol.receive_data(wire)
                return b"".join(bytes(event.data) for event in protocol.events_received())

            def send(message: bytes, protocol: Any = protocol) -> bytes:
                protocol.send_binary(message)
                return b"".join(protocol.data_to_send())

            check(
                Peer(build_extension([("permessage-deflate", response)]), is_client=True),
                receive,
                send,
            )
    finally:
        manager.__exit__(None, None, None)
    assert agreed >= 300
