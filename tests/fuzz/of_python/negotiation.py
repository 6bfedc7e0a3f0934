"""Sec-WebSocket-Extensions of any content: `Deflate.accept` and `Deflate.confirm` answer, decline
or raise what they say; and what a server answers, a client understands as the server does."""

from __future__ import annotations

import contextlib

from fastframe import Decoder, Encoder, Role
from fastframe.deflate import Deflate, NegotiationError

DICTIONARY = (
    "permessage-deflate", "server_no_context_takeover", "client_no_context_takeover",
    "server_max_window_bits", "client_max_window_bits", "=15", '="9"', "; ", ", ", "=8", "x-other",
)  # fmt: skip
SETTINGS = (
    Deflate(),
    Deflate(server_max_window_bits=9, client_max_window_bits=10),
    Deflate(server_no_context_takeover=True, client_no_context_takeover=True),
)
TEXT = "żółć żółć żółć " * 20


def check(data: bytes) -> None:
    if not data:
        return
    settings = SETTINGS[data[0] % len(SETTINGS)]
    header = data[1:].decode("latin-1")
    with contextlib.suppress(NegotiationError):
        settings.confirm(header)
    try:
        server = settings.accept(header)
    except NegotiationError:
        return
    if server is None:
        return
    assert "permessage-deflate" in header.lower()
    response = server.response()
    assert response.isascii()
    assert response.isprintable()
    if "client_max_window_bits=8" in response:
        return  # which this client would not have offered, as zlib cannot compress with it
    client = Deflate().confirm(response)
    assert client is not None
    for name in (
        "server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits",
        "client_max_window_bits",
    ):  # fmt: skip
        assert getattr(client, name) == getattr(server, name), name
    for sender, receiver, end in ((server, client, Role.SERVER), (client, server, Role.CLIENT)):
        encoder = Encoder(end, deflate=sender)
        decoder = Decoder(Role.SERVER if end is Role.CLIENT else Role.CLIENT, deflate=receiver)
        assert list(decoder.feed(encoder.text(TEXT) + encoder.text(TEXT))) == [TEXT, TEXT]
