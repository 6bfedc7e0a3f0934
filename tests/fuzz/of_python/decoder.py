"""A Decoder beside the model of RFC 6455: the same messages and the same code, whatever the role,
the limits, the reads, the way in and the kernel. With permessage-deflate, which the model does not
know, beside itself with the portable kernel and the bytes at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastframe import Decoder, InvalidState, ProtocolError, Role, Text, available_kernels
from fastframe._codec.kernels import _select_kernel as select_kernel
from fastframe.deflate import Deflate
from tests.fuzz.model import Limits, Model
from tests.fuzz.mutations import Input

FRAMES = True
FILLED = 192
REST = ("z" * 4998 + "ż").encode() * 20
"""After the input, for one in four: so that a large message that was begun is received in place,
and ends. Then it breaks a rule."""

LARGE = 999
"""By which reads are larger then."""

LIMITS = (Limits(), Limits(message=100, frame=70, fragments=4))
AGREEMENTS = [
    Deflate().confirm(f"permessage-deflate{parameters}")
    for parameters in ("", "; server_no_context_takeover; client_no_context_takeover",
                       "; server_max_window_bits=9")
]  # fmt: skip


def check(data: bytes) -> None:
    given = Input.of(data)
    if given is None:
        return
    if given.kernel >= FILLED:
        given = given._replace(wire=given.wire + REST, step=given.step * LARGE)
    role = Role.SERVER if given.options & 1 else Role.CLIENT
    limits = LIMITS[given.options >> 1 & 1]
    deflate = given.options >> 2 & 3
    decode_text = not given.options & 16
    options: dict[str, Any] = {
        "max_message_size": limits.message, "max_frame_size": limits.frame,
        "max_fragments": limits.fragments, "decode_text": decode_text,
        "deflate": AGREEMENTS[deflate - 1] if deflate else None,
    }  # fmt: skip
    kernels = available_kernels()
    select_kernel(kernels[given.kernel % len(kernels)])
    found = outcome(Decoder(role, **options), given, given.options >> 5)
    select_kernel("portable")
    at_once = outcome(Decoder(role, **options), given._replace(step=0), 0)
    assert found == at_once, f"{found}\n{at_once}"
    if not deflate:
        messages, code = Model(given.wire, role, limits).run()
        if not decode_text:
            messages = [
                Text(message.encode()) if isinstance(message, str) else message
                for message in messages
            ]
        expected = [(type(message), message) for message in messages]
        assert found == (expected, code), f"{found}\n{expected}, {code}"


def outcome(decoder: Decoder[Any], given: Input, way_in: int) -> tuple[list[Any], int | None]:
    found: list[Any] = []
    try:
        for _ in fed(decoder, given.pieces(), way_in):
            for message in decoder:
                found.append((type(message), message))
    except ProtocolError as error:
        return found, error.code
    return found, None


def fed(decoder: Decoder[Any], pieces: list[bytes], way_in: int) -> Iterator[None]:
    """Stops where the decoder may be iterated."""
    for number, piece in enumerate(pieces):
        if decoder.finished:
            return
        if way_in == 0:
            decoder.feed(piece)
        elif way_in == 1:
            decoder.feed(bytearray(piece))
        else:
            yield from received(decoder, piece, iterate=way_in > 4)
        if way_in <= 4 or number % 3 == 0:
            yield
    yield


def received(decoder: Decoder[Any], piece: bytes, *, iterate: bool) -> Iterator[None]:
    """By get_buffer; with an iteration before buffer_updated, which may withdraw the view."""
    while piece and not decoder.finished:
        view = decoder.get_buffer(len(piece))
        size = min(len(view), len(piece))
        view[:size] = piece[:size]
        if iterate:
            yield
        try:
            decoder.buffer_updated(size)
        except InvalidState:
            assert iterate
            if not decoder.finished:
                decoder.feed(piece[:size])
        piece = piece[size:]
