"""The same bytes through wsproto and through fastframe, and every difference that a caller could
see.

Three levels, from the inside out: FrameDecoder, FrameProtocol, Connection. An observation is a list
of plain tuples; two implementations agree if their lists are equal, the types of all values
included.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

import wsproto.frame_protocol
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, Event, TextMessage
from wsproto.extensions import Extension, PerMessageDeflate

import fastframe.frame_protocol
from fastframe._targets.install import installed

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
    """What arrives, frame by frame, as it is on the wire."""
    cuts: tuple[int, ...] = ()
    """Where the joined frames are cut into pieces: ascending offsets."""
    sends: tuple[Event, ...] = ()
    extensions: Callable[[], list[Extension]] = no_extensions

    @property
    def pieces(self) -> list[bytes]:
        wire = b"".join(self.frames)
        return [
            wire[start:end]
            for start, end in itertools.pairwise((0, *self.cuts, len(wire)))
            if start < end
        ]


# ---- what can be seen ----------------------------------------------------------------------------


PLAIN = frozenset({bool, int, str, bytes, bytearray, type(None)})


def signature(value: object) -> Any:
    """`value` with the type of each of its parts, so that 1 and True differ, and bytes and
    bytearray."""
    if type(value) in PLAIN:
        return type(value), value
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
        seen.append(
            (
                frames,
                _decoder_state(protocol._frame_decoder),
                _message_state(protocol._message_decoder),
            )
        )
    return seen


def connect(session: Session) -> Connection:
    role = ConnectionType.CLIENT if session.client else ConnectionType.SERVER
    return Connection(role, session.extensions())


def observe_connection(session: Session) -> Observation:
    """A Connection, as it is patched now: what it sends, its events, and its state after each
    piece."""
    connection = connect(session)
    seen: Observation = []
    with fixed_random_bytes() if all(map(_is_usual, session.sends)) else one_masking_key():
        for event in session.sends:
            seen.append(_drain(connection.send(event) for event in (event,)))
    for piece in session.pieces:
        try:
            connection.receive_data(piece)
        except Exception as error:
            seen.append(signature(error))
        seen.append((_drain(connection.events()), connection.state))
    return seen


@contextlib.contextmanager
def fixed_random_bytes(seed: int = 0) -> Iterator[None]:
    """Within the block os.urandom is a fixed stream: the same bytes, in whatever portions they are
    taken."""
    with mock.patch("os.urandom", random.Random(seed).randbytes):
        yield


@contextlib.contextmanager
def one_masking_key() -> Iterator[None]:
    """Within the block os.urandom repeats four bytes: for sends of which some are left to wsproto's
    own code, which asks for four bytes at a time where fastframe asks for many."""
    with mock.patch("os.urandom", lambda size: (b"\x12\x34\x56\x78" * (size // 4 + 1))[:size]):
        yield


def _is_usual(event: Event) -> bool:
    return (
        all(type(value) in PLAIN for value in vars(event).values())
        and type(getattr(event, "message_finished", True)) is bool
    )


# ---- differences ---------------------------------------------------------------------------------


def observe(session: Session, *, fast: bool) -> dict[str, Observation]:
    """All that can be seen at each level, of wsproto alone or of wsproto on fastframe."""
    module = fastframe.frame_protocol if fast else wsproto.frame_protocol
    with installed("wsproto") if fast else contextlib.nullcontext():
        return {
            "FrameDecoder": observe_decoder(module.FrameDecoder, session),
            "FrameProtocol": observe_protocol(module.FrameProtocol, session),
            "Connection": observe_connection(session),
        }


@dataclass(frozen=True)
class Difference:
    """A session that wsproto and fastframe see differently, and the first step that differs."""

    session: Session
    level: str
    wsproto: Any
    fastframe: Any

    def __str__(self) -> str:
        """A program that shows it."""
        session = self.session
        return f"""\
from wsproto.events import *
from fastframe._cli.differential import *

session = Session(
    kind={session.kind!r},
    client={session.client},
    frames={session.frames!r},
    cuts={session.cuts!r},
    sends={session.sends!r},
    extensions={session.extensions.__name__},
)
print(observe(session, fast=False)[{self.level!r}])
# {self.wsproto!r}
print(observe(session, fast=True)[{self.level!r}])
# {self.fastframe!r}
"""


def find_difference(session: Session) -> Difference | None:
    """The first difference, the innermost level first, or None."""
    expected, found = observe(session, fast=False), observe(session, fast=True)
    for level in expected:
        if expected[level] != found[level]:
            steps = itertools.zip_longest(expected[level], found[level])
            return Difference(session, level, *next(pair for pair in steps if pair[0] != pair[1]))
    return None


def minimize(difference: Difference) -> Difference:
    """A difference with as few frames, pieces and sends as leaving them out one by one gets to."""
    for smaller in _smaller(difference.session):
        found = find_difference(smaller)
        if found is not None:
            return minimize(found)
    return difference


def _smaller(session: Session) -> Iterator[Session]:
    for sends in _with_less(session.sends):
        yield replace(session, sends=sends)
    for cuts in _with_less(session.cuts):
        yield replace(session, cuts=cuts)
    for frames in _with_less(session.frames):
        size = sum(map(len, frames))
        yield replace(session, frames=frames, cuts=tuple(cut for cut in session.cuts if cut < size))


def _with_less(parts: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Without any, without either half, without each one."""
    half = len(parts) // 2
    if half:
        yield from ((), parts[:half], parts[half:])
    for i in range(len(parts)):
        yield (*parts[:i], *parts[i + 1 :])


# ---- speed ---------------------------------------------------------------------------------------

READ_SIZE = 65536  # bytes: what a busy socket gives at once


def seconds_to_echo(session: Session, *, fast: bool) -> float:
    """What a Connection takes to receive the session's bytes in reads of 64 KiB, and to send each
    message back, as a user of wsproto does: with an event built for it."""
    wire = b"".join(session.frames)
    reads = [wire[start : start + READ_SIZE] for start in range(0, len(wire), READ_SIZE)]
    with installed("wsproto") if fast else contextlib.nullcontext():
        connection = connect(session)
        start = time.perf_counter()
        for read in reads:
            connection.receive_data(read)
            for event in connection.events():
                if connection.state is ConnectionState.OPEN and isinstance(
                    event, (TextMessage, BytesMessage)
                ):
                    echo: Any = type(event)
                    connection.send(echo(event.data, message_finished=event.message_finished))
        return time.perf_counter() - start
