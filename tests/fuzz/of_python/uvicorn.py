"""fastframe's class for uvicorn beside uvicorn's own, on a transport of bytes: what an echoing
application and its peer see, in any reads, and when the peer goes in the middle."""

from __future__ import annotations

import asyncio
import atexit
import logging
import zlib

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from fastframe import Opcode, ProtocolError, parse_header
from fastframe.uvicorn import WSProtocol
from tests.fuzz.mutations import Input, frames_of
from tests.servers.beside_uvicorn import Step, played
from tests.soak.actions import differs_at_a_rule

FRAMES = True
RSV1 = 0x40
LOOP = asyncio.new_event_loop()
atexit.register(LOOP.close)
ENDS: tuple[tuple[Step, ...], ...] = (
    (), (("close", 1000, "bye"),), (("lost", None),), (("lost", ConnectionResetError("reset")),),
    (("end",),), (("send", {"text": "żółć"}),), (("send", {"bytes": b"x" * 200}),),
    (("close", 3000, ""), ("send", {"text": "too late"})),
)  # fmt: skip


def check(data: bytes) -> None:
    logging.disable(logging.CRITICAL)
    given = Input.of(data)
    if given is None:
        return
    pieces = given.pieces()
    at = given.kernel % (len(pieces) + 1)
    steps: list[Step] = [("deliver", piece) for piece in pieces]
    steps[at:at] = ENDS[given.options % len(ENDS)]
    offer = given.options >= 128
    try:
        expected = LOOP.run_until_complete(played(WebSocketsSansIOProtocol, steps, offer=offer))
    except AssertionError as error:
        if str(error) == "connection is closing":  # for a broken text before a Close, in one read
            return
        raise
    found = LOOP.run_until_complete(played(WSProtocol, steps, offer=offer))
    if found != expected and not of_another_opinion(given.wire):
        assert differs_at_a_rule(steps, offer, expected, found), f"{expected}\n{found}"


def of_another_opinion(wire: bytes) -> bool:
    """Is there something that websockets, which uvicorn's class is made of, does not take as RFC
    6455 and 7692 say? It refuses a Close between fragments (5.4), accepts lengths that are not in
    their shortest form (5.2), and loses what comes after a block that ends the stream (7692,
    7.2.3.4)."""
    is_open = False
    frames, rest = frames_of(wire)
    if any(frame.first & RSV1 and ends_its_stream(frame.payload) for frame in frames):
        return True
    for frame in frames:
        if is_open and frame.first & 15 == Opcode.CLOSE:
            return True
        if frame.first & 15 <= Opcode.BINARY:
            is_open = frame.first < 128
    try:
        parse_header(rest[:14])
    except ProtocolError as error:
        return "-bit length" in error.reason
    return False


def ends_its_stream(payload: bytes) -> bool:
    stream = zlib.decompressobj(wbits=-15)
    try:
        stream.decompress(payload)
    except zlib.error:
        return True  # or it refers to what came before: nobody can tell
    return stream.eof
