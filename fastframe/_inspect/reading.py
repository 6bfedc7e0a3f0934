"""From a file to events: all steps together."""

from __future__ import annotations

from collections.abc import Iterator

from fastframe._codec.kernels import parse_header
from fastframe._inspect import handshake
from fastframe._inspect.captures import kind_of, pcap_packets, pcapng_packets
from fastframe._inspect.connections import TLS_ADVICE, TLS_RECORD, Conversation
from fastframe._inspect.escapes import plural
from fastframe._inspect.events import (
    CLIENT,
    SERVER,
    Event,
    InspectError,
    Note,
    Piece,
    Settings,
    Summary,
)
from fastframe._inspect.flows import Flows
from fastframe._inspect.sides import Context
from fastframe._inspect.source import Source
from fastframe._types import ProtocolError

# Bytes of a stream that are read at once: what is made of them stays in the cache, and an object
# for each message does not need much memory if they are all empty.
STREAM_BLOCK, STREAM_BLOCK_OF_OBJECTS = 1 << 17, 1 << 15


def events(source: Source, settings: Settings) -> Iterator[Event]:
    """All that is in a file; the last one is a Summary.

    InspectError if it is neither a capture nor a stream of frames. One that is damaged later on, or
    cut off, is a Note.
    """
    magic = source.read_exactly(4)
    if not magic:
        raise InspectError("the file is empty")
    summary = Summary(kind_of(magic))
    context = Context(settings, summary)
    if summary.kind == "stream":
        yield from stream_events(source, magic, context)
    else:
        yield from capture_events(source, magic, context)
    summary.bytes = source.position
    yield summary


def capture_events(source: Source, magic: bytes, context: Context) -> Iterator[Event]:
    flows = Flows(context, source)
    summary = context.summary
    packets = (pcap_packets if summary.kind == "pcap" else pcapng_packets)(source, magic)
    try:
        for packet in packets:
            summary.packets += 1
            found: list[Event] | None = flows.packet(packet)
            while found is not None:
                yield from found
                found = flows.rest()
    except InspectError as error:
        if not source.interrupted:  # while it is followed, a capture may well end inside a packet
            yield Note("damaged", str(error), file_offset=source.position, incomplete=True)
    yield from flows.end()
    if not summary.websockets:
        yield Note("nothing", nothing_found(summary), incomplete=True)


def nothing_found(summary: Summary) -> str:
    parts = [plural(summary.packets, "packet"), plural(summary.tcp_connections, "TCP connection")]
    if summary.tls:
        parts.append(f"{summary.tls:,} of them TLS, which hides what is in it")
    parts += [
        f"{plural(count, 'packet')} skipped: {reason}" for reason, count in summary.skipped.items()
    ]
    return f"no WebSocket connection was found ({'; '.join(parts)})"


def stream_events(source: Source, magic: bytes, context: Context) -> Iterator[Event]:
    """A raw stream: what one end has sent, from its handshake or its first frame on."""
    settings = context.settings
    conversation = Conversation(context, ("", ""), from_start=True, alone=True)
    block = STREAM_BLOCK if settings.detail == "none" else STREAM_BLOCK_OF_OBJECTS
    piece = magic + source.read(block)
    if not handshake.starts_http(piece):
        if piece.startswith(TLS_RECORD):
            raise InspectError(TLS_ADVICE)
        sender = settings.sent_by or guessed_sender(piece)
        yield from conversation.begin_with_frames(sender)
        if not settings.sent_by:
            why = "masked" if sender == CLIENT else "not masked"
            text = f"taken as sent by the {sender}, as its first frame is {why}; --sent-by says so"
            yield Note("guess", text, conversation.connection, sender)
    position = 0
    while piece:
        yield from conversation.feed(0, Piece(piece, [(0, position, None)], None))
        position += len(piece)
        piece = source.read(block)
    yield from conversation.end()
    if conversation.connection is None and not context.summary.websockets:
        yield Note("nothing", "this is HTTP, and no WebSocket is opened in it", incomplete=True)


def guessed_sender(piece: bytes) -> str:
    """Who masks is a client (RFC 6455, 5.1). InspectError if no frame begins so."""
    try:
        header = parse_header(piece)
    except ProtocolError as error:
        reason = error.reason.split(" (")[0]
    else:
        if header is not None and header.rsv in (0, 4):
            return CLIENT if header.masking_key is not None else SERVER
        reason = "its header is cut off" if header is None else "reserved bits are set"
    raise InspectError(
        f"neither a capture (pcap, pcapng) nor WebSocket frames: {reason}, if it were a frame "
        f"(first bytes {piece[:8].hex(' ')}); if it is a stream that begins so, say --sent-by"
    )
