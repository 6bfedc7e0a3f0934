"""wsproto alone and fastframe's drop-in beside each other: everything that three levels return,
raise and keep."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import wsproto.frame_protocol
from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection, Event, Message, Ping
from wsproto.extensions import PerMessageDeflate

import fastframe.frame_protocol
from fastframe._cli.differential import _decoder_state as decoder_state
from fastframe._cli.differential import _message_state as message_state
from fastframe._cli.differential import signature
from fastframe._targets.install import installed
from tests.soak.traffic import Traffic, sessions

BATCH = 50
"""Sessions between two changes of what wsproto's Connection runs on."""


def extensions(session: Traffic) -> list[Any]:
    if session.deflate is None:
        return []
    extension = PerMessageDeflate()
    if session.client:
        extension.finalize(session.deflate)
    else:
        extension.accept(session.deflate)
    return [extension]


def collected(take: Callable[[], Any], seen: list[Any]) -> list[Any]:
    """All items until None or an exception, whose signature goes to `seen`."""
    items: list[Any] = []
    try:
        items.extend(take())
    except Exception as error:
        seen.append(signature(error))
    return items


def at_frame_decoder(module: Any, session: Traffic) -> list[Any]:
    decoder = module.FrameDecoder(session.client, extensions(session))
    seen: list[Any] = []

    def take() -> Iterator[Any]:
        return iter(decoder.process_buffer, None)

    for piece in session.pieces:
        decoder.receive_bytes(piece)
        frames = collected(take, seen)
        seen.append((frames, [type(frame.payload) for frame in frames], decoder_state(decoder)))
    return seen


def at_frame_protocol(module: Any, session: Traffic) -> list[Any]:
    protocol = module.FrameProtocol(session.client, extensions(session))
    seen: list[Any] = []
    for event in session.sends:
        seen.append(sent_by_protocol(protocol, event))
    for piece in session.pieces:
        protocol.receive_bytes(piece)
        frames = collected(protocol.received_frames, seen)
        seen.append((frames, [type(frame.payload) for frame in frames]))
    seen.append((decoder_state(protocol._frame_decoder), message_state(protocol._message_decoder)))
    return seen


def sent_by_protocol(protocol: Any, event: Event) -> Any:
    try:
        if isinstance(event, Message):
            return protocol.send_data(event.data, event.message_finished)
        if isinstance(event, CloseConnection):
            return protocol.close(event.code, event.reason)
        return (protocol.ping if isinstance(event, Ping) else protocol.pong)(event.payload)
    except Exception as error:
        return signature(error)


def at_connection(_module: Any, session: Traffic) -> list[Any]:
    """Of wsproto as it is at the moment."""
    role = ConnectionType.CLIENT if session.client else ConnectionType.SERVER
    connection = Connection(role, extensions(session))
    seen: list[Any] = []
    for event in session.sends:
        try:
            seen.append(connection.send(event))
        except Exception as error:
            seen.append(signature(error))
    for piece in session.pieces:
        try:
            connection.receive_data(piece)
        except Exception as error:
            seen.append(signature(error))
        events = collected(connection.events, seen)
        values = list(map(vars, events))
        types = [tuple(map(type, one.values())) for one in values]
        seen.append((list(map(type, events)), values, types, connection.state))
    return seen


LEVELS: tuple[Callable[[Any, Traffic], list[Any]], ...] = (
    at_frame_decoder, at_frame_protocol, at_connection,
)  # fmt: skip


class DifferenceError(Exception):
    """wsproto and fastframe do not agree."""


def compare(seed: int, frames: int) -> dict[str, int]:
    """What was compared."""
    counts = {"sessions": 0, "frames": 0, "bytes": 0}
    traffic = sessions(seed, frames)
    masking_keys = random.Random()
    batches = iter(lambda: list(itertools.islice(traffic, BATCH)), [])
    with mock.patch("os.urandom", masking_keys.randbytes):
        for number, batch in enumerate(batches):
            level = LEVELS[number % len(LEVELS)]
            with installed("wsproto"):
                found = observed(level, fastframe.frame_protocol, batch, masking_keys)
            expected = observed(level, wsproto.frame_protocol, batch, masking_keys)
            if found != expected:
                where = f"seed {seed}, session {{}}, {level.__name__}"
                raise DifferenceError(described(where, number * BATCH, batch, expected, found))
            counts["sessions"] += len(batch)
            counts["frames"] += sum(session.frames + len(session.sends) for session in batch)
            counts["bytes"] += sum(len(piece) for session in batch for piece in session.pieces)
    return counts


def observed(
    level: Callable[[Any, Traffic], list[Any]],
    module: Any,
    batch: list[Traffic],
    masking_keys: random.Random,
) -> list[Any]:
    seen = []
    for number, session in enumerate(batch):
        masking_keys.seed(number)  # in whatever portions a connection takes them
        seen.append(level(module, session))
    return seen


def described(
    where: str, first: int, batch: list[Traffic], expected: list[Any], found: list[Any]
) -> str:
    at = next(i for i in range(len(batch)) if expected[i] != found[i])
    step = next(
        pair for pair in itertools.zip_longest(expected[at], found[at]) if pair[0] != pair[1]
    )
    return (
        f"{where.format(first + at)}:\n"
        f"wsproto:   {step[0]!r:.2000}\nfastframe: {step[1]!r:.2000}\nof {batch[at]!r:.4000}"
    )
