"""wsproto's Connection, alone and on fastframe, side by side: the figures of the README.

Each contender handles the same bytes in the same reads, and sends the same messages; what it makes
of them is compared before anything is timed. No two messages in a row are the same, and what is
sent is an event built for it, as every user of wsproto writes it.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from wsproto.connection import CLIENT, SERVER, Connection
from wsproto.events import BytesMessage, Event, TextMessage

import fastframe

CONTENDERS = ("wsproto", "fastframe")
READ_SIZE = 65536

ENGLISH = "the quick brown fox jumps over a lazy dog and then some more of it "
CJK = "天地玄黄宇宙洪荒日月盈昃辰宿列張"


def rotated(text: str, length: int) -> list[str]:
    """Sixteen texts of this many characters."""
    return [(text[i:] + text * (length // len(text) + 1))[:length] for i in range(16)]


def binary(size: int) -> list[bytes]:
    return [bytes([i]) * size for i in range(16)]


MESSAGES: dict[str, list[Any]] = {
    "20 B text": rotated(ENGLISH, 20),
    "125 B text": rotated(ENGLISH, 125),
    "1 KiB text": rotated(ENGLISH, 1024),
    "1 KiB CJK text": rotated(CJK, 341),
    "16 KiB binary": binary(16384),
    "64 KiB binary": binary(65536),
    "1 MiB binary": binary(2**20),
}


def event(data: Any) -> Event:
    return TextMessage(data=data) if isinstance(data, str) else BytesMessage(data=data)


def size(message: str) -> int:
    data = MESSAGES[message][0]
    return len(data.encode() if isinstance(data, str) else data)


def some(message: str, most: int) -> list[Any]:
    """About a mebibyte of messages."""
    number = max(1, min(most, 2**20 // size(message)))
    return list(itertools.islice(itertools.cycle(MESSAGES[message]), number))


@contextlib.contextmanager
def on(contender: str) -> Iterator[None]:
    with fastframe.installed("wsproto") if contender == "fastframe" else contextlib.nullcontext():
        yield


def receive(reads: list[bytes]) -> list[Event]:
    connection = Connection(SERVER)
    events: list[Event] = []
    for read in reads:
        connection.receive_data(read)
        events.extend(connection.events())
    return events


def drain(reads: list[bytes]) -> None:
    """The same, with each event done with before the next one, as in a server."""
    connection = Connection(SERVER)
    for read in reads:
        connection.receive_data(read)
        for _ in connection.events():
            pass


def reads_of(message: str, *, one_frame_each: bool) -> list[bytes]:
    """Frames as a client sends them, in reads of 64 KiB or one frame each."""
    client = Connection(CLIENT)
    frames = [client.send(event(data)) for data in some(message, 5000)]
    if one_frame_each:
        return frames
    wire = b"".join(frames)
    return [wire[start : start + READ_SIZE] for start in range(0, len(wire), READ_SIZE)]


@pytest.mark.parametrize("contender", CONTENDERS)
@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize("feed", ["64 KiB reads", "a frame a read"])
def test_receive(benchmark: Any, message: str, feed: str, contender: str) -> None:
    if feed == "a frame a read" and size(message) > READ_SIZE:
        pytest.skip("a frame of this size does not come in one read")
    reads = reads_of(message, one_frame_each=feed == "a frame a read")
    with on("wsproto"):
        expected = receive(reads)
    benchmark.group = f"receive, {feed}: {message}"
    with on(contender):
        assert receive(reads) == expected
        benchmark(drain, reads)


def send(connection: Connection, messages: list[Any]) -> None:
    kind = TextMessage if isinstance(messages[0], str) else BytesMessage
    for data in messages:
        connection.send(kind(data=data))


@pytest.mark.parametrize("contender", CONTENDERS)
@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize("role", [SERVER, CLIENT], ids=lambda role: role.name.lower())
def test_send(benchmark: Any, message: str, role: Any, contender: str) -> None:
    messages = some(message, 1000)
    benchmark.group = f"send, {role.name.lower()}: {message}"
    with on(contender):
        peer = Connection(SERVER if role is CLIENT else CLIENT)
        sender = Connection(role)
        for data in messages[:16]:
            peer.receive_data(sender.send(event(data)))
            assert list(peer.events()) == [event(data)]
        benchmark(send, Connection(role), messages)
