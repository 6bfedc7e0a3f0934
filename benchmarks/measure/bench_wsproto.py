"""wsproto's Connection, alone and on fastframe, side by side: the figures of the README.

Each contender handles the same bytes in the same reads; what it makes of them is compared before anything is timed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from wsproto.connection import CLIENT, SERVER, Connection
from wsproto.events import BytesMessage, Event, TextMessage

import fastframe

CONTENDERS = ("wsproto", "fastframe")
READ_SIZE = 65536

CJK = "天地玄黄宇宙洪荒日月盈昃辰宿列張"  # 16 characters, 48 bytes
MESSAGES: dict[str, Event] = {
    "20 B text": TextMessage("x" * 20),
    "125 B text": TextMessage("x" * 125),
    "1 KiB text": TextMessage("x" * 1024),
    "1 KiB CJK text": TextMessage((CJK * 22)[:341]),
    "16 KiB binary": BytesMessage(b"x" * 16384),
    "64 KiB binary": BytesMessage(b"x" * 65536),
    "1 MiB binary": BytesMessage(b"x" * 2**20),
}


def size(event: Any) -> int:
    return len(event.data.encode() if isinstance(event.data, str) else event.data)


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


def reads_of(event: Event, *, one_frame_each: bool) -> list[bytes]:
    """About a mebibyte of frames as a client sends them, in reads of 64 KiB or one frame each."""
    client = Connection(CLIENT)
    frames = [client.send(event) for _ in range(max(1, min(5000, 2**20 // size(event))))]
    if one_frame_each:
        return frames
    wire = b"".join(frames)
    return [wire[start : start + READ_SIZE] for start in range(0, len(wire), READ_SIZE)]


@pytest.mark.parametrize("contender", CONTENDERS)
@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize("feed", ["64 KiB reads", "a frame a read"])
def test_receive(benchmark: Any, message: str, feed: str, contender: str) -> None:
    if feed == "a frame a read" and size(MESSAGES[message]) > READ_SIZE:
        pytest.skip("a frame of this size does not come in one read")
    reads = reads_of(MESSAGES[message], one_frame_each=feed == "a frame a read")
    with on("wsproto"):
        expected = receive(reads)
    benchmark.group = f"receive, {feed}: {message}"
    with on(contender):
        assert receive(reads) == expected
        benchmark(receive, reads)


def send(connection: Connection, event: Event, times: int) -> None:
    for _ in range(times):
        connection.send(event)


@pytest.mark.parametrize("contender", CONTENDERS)
@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize("role", [SERVER, CLIENT], ids=lambda role: role.name.lower())
def test_send(benchmark: Any, message: str, role: Any, contender: str) -> None:
    event = MESSAGES[message]
    benchmark.group = f"send, {role.name.lower()}: {message}"
    with on(contender):
        peer = Connection(SERVER if role is CLIENT else CLIENT)
        peer.receive_data(Connection(role).send(event))
        assert list(peer.events()) == [event]
        benchmark(send, Connection(role), event, max(1, min(1000, 2**20 // size(event))))
