"""The same bytes through wsproto and through fastframe, and every difference that a caller could see.

Three levels, from the inside out: FrameDecoder, FrameProtocol, Connection. An observation is a list of plain tuples; two
implementations agree if their lists are equal, the types of all values included.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

from wsproto.connection import Connection, ConnectionType
from wsproto.events import Event
from wsproto.extensions import Extension, PerMessageDeflate

from fastframe.patches import installed

Observation = list[Any]


def no_extensions() -> list[Extension]:
    return []


def deflate() -> list[Extension]:
    """permessage-deflate as it is after a handshake with default parameters."""
    extension = PerMessageDeflate()
    extension.accept("permessage-deflate; client_max_window_bits")
    return [extension]


@dataclass(frozen=True)
class Session:
    """The traffic of one connection: what arrives, in which pieces, and what is sent."""

    kind: str
    client: bool
    """The role of the endpoint that is observed."""
    frames: tuple[bytes, ...] = ()
    """What arrives, frame by frame, as it stands on the wire."""
    cuts: tuple[int, ...] = ()
    """Where the joined frames are cut into pieces: ascending offsets."""
    sends: tuple[Event, ...] = ()
    extensions: Callable[[], list[Extension]] = no_extensions

    @property
    def pieces(self) -> list[bytes]:
        wire = b"".join(self.frames)
        return [wire[start:end] for start, end in itertools.pairwise((0, *self.cuts, len(wire))) if start < end]


# ---- what can be seen ----------------------------------------------------------------------------------------------


def signature(value: object) -> Any:
    """`value` with the type of each of its parts, so that 1 and True differ, and bytes and bytearray."""
    if isinstance(value, tuple):
        return (type(value), *map(signature, value))
    if isinstance(value, Event):
        return (type(value), *((name, signature(part)) for name, part in vars(value).items()))
    if isinstance(value, Exception):
        return (type(value), str(value), signature(getattr(value, "code", None)))
    return type(value), value


def _drain(items: Iterable[object]) -> Observation:
    """The signatures of all items, and of the exception that ended them, if one did."""
    seen = []
    try:
        for item in items:
            seen.append(signature(item))
    except Exception as error:
        seen.append(signature(error))
    return seen


def _decoder_state(decoder: Any) -> Any:
    return (
        bytes(decoder.buffer.buffer),
        decoder.buffer.bytes_used,
        signature(decoder.header),
        signature(decoder.effective_opcode),
        decoder.payload_required if decoder.header else None,  # stale in between
        decoder.payload_consumed,
        type(decoder.masker),
        bytes(getattr(decoder.masker, "_masking_key", b"")),
    )


def _message_state(decoder: Any) -> Any:
    return signature(decoder.opcode), decoder.decoder and decoder.decoder.getstate()


def observe_decoder(decoder_class: Callable[..., Any], session: Session) -> Observation:
    """A FrameDecoder: its frames, its state after each piece, and how it goes on after an error."""
    decoder = decoder_class(session.client, session.extensions())
    seen: Observation = []
    for piece in session.pieces:
        decoder.receive_bytes(piece)
        seen.append((_drain(iter(decoder.process_buffer, None)), _decoder_state(decoder)))
    return seen


def observe_protocol(protocol_class: Callable[..., Any], session: Session) -> Observation:
    """A FrameProtocol: its frames, and the state of both its decoders after each piece."""
    protocol = protocol_class(session.client, session.extensions())
    seen: Observation = []
    for piece in session.pieces:
        protocol.receive_bytes(piece)
        frames = _drain(protocol.received_frames())
        seen.append((frames, _decoder_state(protocol._frame_decoder), _message_state(protocol._message_decoder)))
    return seen


def connect(session: Session) -> Connection:
    role = ConnectionType.CLIENT if session.client else ConnectionType.SERVER
    return Connection(role, session.extensions())


def observe_connection(session: Session) -> Observation:
    """A Connection, as it is patched now: what it sends, its events, and its state after each piece."""
    connection = connect(session)
    seen: Observation = []
    with fixed_random_bytes():
        seen.append(_drain(connection.send(event) for event in session.sends))
    for piece in session.pieces:
        try:
            connection.receive_data(piece)
        except Exception as error:
            seen.append(signature(error))
        seen.append((_drain(connection.events()), connection.state))
    return seen


@contextlib.contextmanager
def fixed_random_bytes(seed: int = 0) -> Iterator[None]:
    """Within the block os.urandom is a fixed stream: the same bytes, in whatever portions they are taken."""
    with mock.patch("os.urandom", random.Random(seed).randbytes):
        yield


# ---- differences ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """The smallest session found in which fastframe and wsproto differ."""

    session: Session
    wsproto: Any
    fastframe: Any

    def __str__(self) -> str:
        """Python that shows the difference."""
        lines = [
            "import fastframe",
            "from fastframe.differential import *",
            "from wsproto.events import *",
            "",
            f"session = Session(kind={self.session.kind!r}, client={self.session.client},",
            f"    frames={self.session.frames!r},",
            f"    cuts={self.session.cuts!r},",
            f"    sends={self.session.sends!r},",
            f"    extensions={self.session.extensions.__name__})",
            "print(observe_connection(session))",
            f"# wsproto:   {self.wsproto!r}",
            'with fastframe.installed("wsproto"):',
            "    print(observe_connection(session))",
            f"# fastframe: {self.fastframe!r}",
        ]
        return "\n".join(lines)


def find_difference(session: Session) -> Difference | None:
    """The first difference at the level of Connection, or None."""
    expected = observe_connection(session)
    with installed("wsproto"):
        found = observe_connection(session)
    if expected == found:
        return None
    first = next(
        ((one, other) for one, other in zip(expected, found) if one != other), (len(expected), len(found))
    )
    return Difference(session, *first)


def minimize(difference: Difference) -> Difference:
    """A difference with as few frames, pieces and sends as leaving them out one by one gets to."""
    shrunk = True
    while shrunk:
        shrunk = False
        for smaller in _smaller(difference.session):
            found = find_difference(smaller)
            if found is not None:
                difference, shrunk = found, True
                break
    return difference


def _smaller(session: Session) -> Iterator[Session]:
    for field in ("sends", "cuts"):
        for parts in _without_one(getattr(session, field)):
            yield replace(session, **{field: parts})
    for frames in _without_one(session.frames):
        size = sum(map(len, frames))
        yield replace(session, frames=frames, cuts=tuple(cut for cut in session.cuts if cut < size))


def _without_one(parts: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    if len(parts) > 1:
        yield ()
    for i in range(len(parts)):
        yield (*parts[:i], *parts[i + 1 :])


# ---- speed ---------------------------------------------------------------------------------------------------------


def seconds_to_receive(session: Session) -> float:
    """What a Connection, as it is patched now, takes for the session's pieces; every event is taken."""
    pieces = session.pieces
    connection = connect(session)
    start = time.perf_counter()
    for piece in pieces:
        connection.receive_data(piece)
        for _ in connection.events():
            pass
    return time.perf_counter() - start
