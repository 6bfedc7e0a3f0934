"""From what one server costs to how many it takes: a simulation of the load run, and the arithmetic
of docs/explanation/scaling.md.

The costs are those of the load run (examples/chat/load.py). Simulated are two queues, one after the
other: a server that writes each message to a room's members one by one, and the program that has
all the clients, which takes its time for each delivery.
"""

from __future__ import annotations

import math
import statistics
from typing import NamedTuple

BUSY = 0.5  # how much of a core a server may use on average, so that a burst does not wait for long
CONNECTED_AT_ONCE = 30.0  # seconds in which the clients of a server that has gone come back
PROCESS_CONNECTIONS = 50_000  # of one server; more is possible, and more is lost with it
APPENDS, READS = (
    20_000.0,
    200_000.0,
)  # a second, that one node of Redis takes, and that it hands to servers; assumed, measure yours
TLS_MICROSECONDS = (
    1000.0  # of nginx's CPU, for a full handshake with an RSA or ECDSA certificate; assumed
)
TLS_KILOBYTES = 40.0  # of nginx's memory, for each connection; assumed


class Costs(NamedTuple):
    delivery: float
    """Microseconds of a server's CPU, for each."""
    append: float
    """The same for each message that a client sends: receive, append, acknowledge."""
    read: float
    """And for each server that reads it."""
    connect: float
    kilobytes: float
    """Of a server's memory, for each connection."""


def simulated(
    members: int, rate: float, server: float, client: float, trip: float
) -> tuple[float, float]:
    """Median and 99th percentile of the milliseconds to a receiver, for so many messages a second
    to one room, at equal intervals.

    server, client: microseconds of CPU for each delivery. trip: milliseconds to the only member of
    a room, most of it Redis and its disk.
    """
    server_free = client_free = now = 0.0
    found = []
    for _ in range(400):
        now += 1 / rate
        server_free = max(server_free, now + trip / 1e3)
        for _ in range(members):
            server_free += server / 1e6
            client_free = max(client_free + client / 1e6, server_free)
            found.append((client_free - now) * 1e3)
    cuts = statistics.quantiles(found, n=100)
    return cuts[49], cuts[98]


class Plan(NamedTuple):
    """What so many connections take."""

    connections: int
    deliveries: float
    """A second."""
    servers: int
    """Processes, each on a core of its own."""
    limited_by: str
    servers_of_room: float
    """How many servers a message of a room goes to."""
    logs: int
    """Nodes of Redis."""
    gigabytes: float
    """Of memory, nginx included."""
    storm_cores: float
    """To take back within CONNECTED_AT_ONCE seconds the clients of a tenth of the servers."""


def plan(costs: Costs, connections: int, members: int, rate: float, *, by_room: bool) -> Plan:
    """members: of each room. rate: messages a second that a client sends. by_room: all members of a
    room are on one server, else anywhere."""
    messages = connections * rate
    deliveries = messages * members
    servers = 1
    while True:
        copies = 1.0 if by_room else servers * (1 - (1 - 1 / servers) ** members)
        cpu = (deliveries * costs.delivery + messages * (costs.append + copies * costs.read)) / 1e6
        needed = max(math.ceil(cpu / BUSY), math.ceil(connections / PROCESS_CONNECTIONS))
        if needed <= servers:
            break
        servers = needed
    limited_by = (
        "CPU" if cpu / BUSY > connections / PROCESS_CONNECTIONS else "connections of a process"
    )
    return Plan(
        connections, deliveries, servers, limited_by, copies,
        math.ceil(max(messages / APPENDS, messages * copies / READS)),
        connections * (costs.kilobytes + TLS_KILOBYTES) / 1024**2,
        connections / 10 * (costs.connect + TLS_MICROSECONDS) / 1e6 / CONNECTED_AT_ONCE,
    )  # fmt: skip
