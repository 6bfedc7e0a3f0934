"""The native codec beside the codecs of other libraries, and beside the floor: what CPython charges
for the objects alone.

Inbound as a server, outbound as either side. What each contender makes of the bytes is compared
before anything is timed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.contenders import baseline
from benchmarks.contenders.peers import Message, Receive, counters, receivers, senders
from fastframe import Decoder, Encoder, Role

READ_SIZE = 65536
CJK = "天地玄黄宇宙洪荒日月盈昃辰宿列張"

MESSAGES: dict[str, Message] = {
    "20 B text": "x" * 20,
    "125 B text": "x" * 125,
    "1 KiB text": "x" * 1024,
    "1 KiB CJK text": (CJK * 22)[:341],
    "16 KiB binary": b"x" * 16384,
    "1 MiB binary": b"x" * 2**20,
    "1 MiB text": "x" * 2**20,
}

FLOOR = "floor: the objects alone"
RECEIVERS = receivers()
SENDERS = {role: senders(role) for role in Role}


def size(message: Message) -> int:
    return len(message.encode() if isinstance(message, str) else message)


def repeat(message: Message) -> int:
    """How many messages make about a mebibyte, 5,000 at most."""
    return max(1, min(5000, 2**20 // size(message)))


def joined(messages: list[Message]) -> Message:
    return "".join(messages) if isinstance(messages[0], str) else b"".join(messages)  # type: ignore[arg-type]


def receive_all(receive: Receive, reads: list[bytes]) -> list[Message]:
    found = []
    for read in reads:
        found += receive(read)
    return found


@pytest.mark.parametrize("contender", [*RECEIVERS, FLOOR])
@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize("feed", ["64 KiB reads", "1 KiB reads", "a frame a read"])
def test_receive(benchmark: Any, message: str, feed: str, contender: str) -> None:
    content, times = MESSAGES[message], repeat(MESSAGES[message])
    if (feed == "1 KiB reads" and size(content) < 2**20) or (
        feed == "a frame a read" and size(content) > READ_SIZE
    ):
        pytest.skip("not a case of its own")
    if contender == FLOOR and (
        feed != "64 KiB reads" or size(content) > READ_SIZE or "CJK" in message
    ):
        pytest.skip("the floor is for whole messages, of ASCII or binary")
    frame = Encoder(Role.CLIENT).message(content)
    wire = frame * times
    step = {"64 KiB reads": READ_SIZE, "1 KiB reads": 1024, "a frame a read": len(frame)}[feed]
    if contender == FLOOR:
        step = len(wire)
    reads = [wire[start : start + step] for start in range(0, len(wire), step)]
    receive = baseline.messages if contender == FLOOR else RECEIVERS[contender]
    assert joined(receive_all(receive, reads)) == joined([content] * times)
    benchmark.group = f"receive, {feed}: {message}"
    benchmark.extra_info["repeats"] = times
    benchmark(receive_all, receive, reads)


COUNTERS = counters()


@pytest.mark.parametrize("contender", COUNTERS)
@pytest.mark.parametrize("length", [20, 125, 1024])
def test_consume_in_c(benchmark: Any, length: int, contender: str) -> None:
    """A compiled consumer: fastframe's C functions, and a compiled listener of picows."""
    wire, count = Encoder(Role.CLIENT).text("x" * length) * 2000, COUNTERS[contender]
    assert count(wire) == 2000 * length
    benchmark.group = f"consume in C, {length} B text"
    benchmark.extra_info["repeats"] = 2000
    benchmark(count, wire)


def send_all(send: Callable[[Message], object], message: Message, times: int) -> None:
    for _ in range(times):
        send(message)


@pytest.mark.parametrize("contender", SENDERS[Role.SERVER])
@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize("role", Role, ids=lambda role: role.name.lower())
def test_send(benchmark: Any, message: str, role: Role, contender: str) -> None:
    content, times = MESSAGES[message], min(1000, repeat(MESSAGES[message]))
    sender = SENDERS[role][contender]
    decoder = Decoder(Role.SERVER if role is Role.CLIENT else Role.CLIENT)
    assert list(decoder.feed(sender.frame(content))) == [content]
    benchmark.group = f"send, {role.name.lower()}: {message}"
    benchmark.extra_info["repeats"] = times
    benchmark(send_all, sender.send, content, times)
