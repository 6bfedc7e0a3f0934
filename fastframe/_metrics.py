"""metrics: what has gone through fastframe in this process, counted while it does."""

from __future__ import annotations

from typing import TypedDict

from fastframe._codec.tally import all_sums


class Closed(TypedDict):
    """How many connections have ended, by the status code of the first Close frame (RFC 6455, 7.4),
    and by who has sent that."""

    peer: dict[int, int]
    here: dict[int, int]
    nobody: dict[int, int]
    """Without a Close: the code is 1006."""


class Connections(TypedDict):
    opened: int
    open: int
    """Of these, now: under uvicorn until it is lost, else until nothing refers to it."""
    closed: Closed


class Messages(TypedDict):
    text: int
    binary: int


class Frames(TypedDict):
    continuation: int
    text: int
    binary: int
    close: int
    ping: int
    pong: int


class Traffic(TypedDict):
    messages: Messages
    frames: Frames
    wire_bytes: int
    """Of the frames with their headers."""
    payload_bytes: int
    """Of these, without headers."""
    compressed_bytes: int
    """Of these, in messages that are compressed (RFC 7692)."""
    inflated_bytes: int
    """What those are without compression; 0 where the library inflates them itself."""
    seconds: float | None
    """In the codec; None unless FASTFRAME_TIMES asks for it."""


class RoundTrips(TypedDict):
    """From a Ping to the Pong that answers it (5.5.3), in seconds; None before there is one."""

    count: int
    last: float | None
    min: float | None
    p50: float | None
    """Rounded up to the next of four steps for each power of two; so is p99."""
    p99: float | None


class RoleMetrics(TypedDict):
    """The numbers of one target, where this end is the server, or the client."""

    connections: Connections
    received: Traffic
    sent: Traffic
    round_trip: RoundTrips
    violations: dict[str, int]
    """Of the peer, by `ProtocolError.rule`."""


def metrics() -> dict[str, dict[str, RoleMetrics]]:
    """What has gone through fastframe in this process: numbers that only grow, but for `open`.

    Returns a dict by target and role: `metrics()["uvicorn"]["server"]["received"]["messages"]`. A
    Decoder and an Encoder that a program uses itself are the target "codec". The dicts are new, and
    the caller's. docs/howto/metrics.md says what each number is, and which targets have it.

    Any thread may call it at any time; it takes some microseconds, and one more for each hundred
    connections. Numbers that belong together may be a frame apart. A process that was forked begins
    at zero.

    >>> decoder = Decoder(Role.SERVER)
    >>> messages = list(decoder.feed(Encoder(Role.CLIENT).text("hello")))
    >>> metrics()["codec"]["server"]["received"]["messages"]["text"] >= 1
    True
    """
    found: dict[str, dict[str, RoleMetrics]] = {}
    for (target, role), sums in sorted(all_sums().items()):
        numbers: RoleMetrics = sums.as_dict()  # type: ignore[assignment]
        found.setdefault(target, {})[role] = numbers
    return found
