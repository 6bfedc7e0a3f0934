"""A Decoder beside the model of RFC 6455: the same messages and the same code, whatever the role,
the limits, the reads, the way in and the kernel. With permessage-deflate, which the model does not
know, beside itself with the portable kernel and the bytes at once."""

from __future__ import annotations

from typing import Any

from fastframe import Decoder, ProtocolError, Role, Text, available_kernels
from fastframe._codec.kernels import _select_kernel as select_kernel
from fastframe.deflate import Deflate
from tests.fuzz.model import Limits, Model
from tests.fuzz.mutations import Input

FRAMES = True
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
        for piece in given.pieces():
            if decoder.finished:
                break
            feed(decoder, piece, way_in)
            for message in decoder:
                found.append((type(message), message))
    except ProtocolError as error:
        return found, error.code
    return found, None


def feed(decoder: Decoder[Any], piece: bytes, way_in: int) -> None:
    if way_in == 0:
        decoder.feed(piece)
    elif way_in == 1:
        decoder.feed(bytearray(piece))
    else:
        while piece:
            view = decoder.get_buffer(len(piece))
            size = min(len(view), len(piece))
            view[:size] = piece[:size]
            decoder.buffer_updated(size)
            piece = piece[size:]
