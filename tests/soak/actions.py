"""Applications over uvicorn's own class and over fastframe's: what they receive and are told, and
what their peers receive.

The two differ in words beside a broken rule, and in when they see it: fastframe at the first byte
that proves it, uvicorn's class when the frame or the message is whole, and then it leaves out the
messages that came with it. How often that was the case is counted; everything else must be equal.
"""

from __future__ import annotations

import asyncio
import logging
import random
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, TextMessage
from wsproto.extensions import PerMessageDeflate

from fastframe import Pong, Role
from fastframe.uvicorn import WSProtocol
from tests.fuzz.model import Limits, Model
from tests.servers.beside_uvicorn import RULES, Step, played
from tests.soak.frames import DifferenceError
from tests.soak.traffic import DEFLATE, Pool

SCRIPTS_OF_A_POOL = 200
LARGEST_HEADER = 14


def script(pool: Pool) -> list[Step]:
    rng = pool.rng
    return [step for _ in range(rng.randrange(2, 40)) for step in steps(pool)]


def steps(pool: Pool) -> list[Step]:
    rng = pool.rng
    kind = rng.random()
    if kind < 0.45:
        parts = rng.choices(pool.parts, k=rng.choice((1, 1, 1, 2, 5)))
        wire = b"".join([part.wire for part in parts])
        if rng.random() < 0.1:
            at = rng.randrange(len(wire))
            return [("deliver", wire[:at]), ("deliver", wire[at:])]
        return [("deliver", wire)]
    if kind < 0.94:
        return [("send", message(rng.choice(pool.sends)))]
    if kind < 0.96:
        reason = rng.choice(("", "bye", "żółć"))
        return [("close", rng.choice((1000, 1001, 3000, 1008)), reason)]
    if kind < 0.97:
        return [("lost", rng.choice((None, ConnectionResetError("reset"))))]
    if kind < 0.975:
        return [("end",)]
    return [("deliver", pool.end().wire)]


def message(event: Event) -> dict[str, Any]:
    if isinstance(event, TextMessage):
        return {"text": event.data}
    if isinstance(event, BytesMessage):
        return {"bytes": event.data}
    return {"bytes": b"", "text": None}


def compare(seed: int, actions: int) -> dict[str, int]:
    """What was compared, and how often the two saw a broken rule in a way of their own."""
    logging.disable(logging.CRITICAL)
    return asyncio.run(comparing(seed, actions))


async def comparing(seed: int, actions: int) -> dict[str, int]:
    counts = {"sessions": 0, "actions": 0, "in a way of their own": 0}
    rng = random.Random(seed)
    while counts["actions"] < actions:
        deflate = rng.random() < 0.3
        pool = Pool(rng, client=False, deflate=DEFLATE[0] if deflate else None)
        for _ in range(SCRIPTS_OF_A_POOL):
            taken = script(pool)
            expected, found = [
                await played(kind, taken, offer=deflate)
                for kind in (WebSocketsSansIOProtocol, WSProtocol)
            ]
            if found != expected:
                if not differs_at_a_rule(taken, deflate, expected, found):
                    raise DifferenceError(
                        f"seed {seed}, script {counts['sessions']}: {taken!r:.4000}\n"
                        f"uvicorn's own: {expected!r:.2000}\nfastframe: {found!r:.2000}"
                    )
                counts["in a way of their own"] += 1
            counts["sessions"] += 1
            counts["actions"] += len(taken)
    return counts


def differs_at_a_rule(
    taken: list[Step], deflate: bool, expected: list[Any], found: list[Any]
) -> bool:
    """Both ended the connection for a broken rule, or fastframe before the other could see it; up
    to there all was equal. One broken after the application's Close shows in what it is told."""
    (*messages, end), told, peer = expected
    (*our_messages, our_end), our_told, our_peer = found
    if (messages, end, peer) == (our_messages, our_end, our_peer):
        return told.count("sent") == our_told.count("sent")
    before, ours_before = until_close(peer), until_close(our_peer)
    return (
        our_messages[: len(messages)] == messages
        and our_end[1] in RULES
        and (end[1] in RULES or breaks_a_rule(taken, deflate))
        and our_told.count("sent") <= told.count("sent")
        and before[: len(ours_before)] == ours_before
    )


def breaks_a_rule(taken: list[Step], deflate: bool) -> bool:
    """As a model sees it that waits for no payload; or with compression, wsproto, which waits for
    the whole header at least."""
    wire = b"".join(step[1] for step in taken if step[0] == "deliver")
    if not deflate:
        return Model(wire, Role.SERVER, Limits()).run()[1] is not None
    extension = PerMessageDeflate()
    extension.accept("permessage-deflate; client_max_window_bits")
    connection = Connection(ConnectionType.SERVER, [extension])
    connection.receive_data(wire + bytes(LARGEST_HEADER))
    events = list(connection.events())
    return bool(events) and isinstance(events[-1], CloseConnection) and events[-1].code in RULES


def until_close(peer: list[Any]) -> list[Any]:
    """What a peer received before a Close, but for Pongs: one between two fragments comes before
    or after a broken text is seen."""
    return [item for item in peer if item[0] not in ("close", Pong)]
