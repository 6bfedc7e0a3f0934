"""`fastframe.metrics` for prometheus-client: `pip install 'fastframe[metrics]'`.

Call `start()` once in each process that serves WebSockets; docs/howto/metrics.md has the names.
With PROMETHEUS_MULTIPROC_DIR, as gunicorn's workers need it, the numbers go into that folder every
few seconds; without, they are read when Prometheus asks.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector as _Collector

from fastframe._metrics import RoleMetrics, metrics

__all__ = ["Collector", "Publisher", "start"]

_log = logging.getLogger("fastframe")

MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"


class Family(NamedTuple):
    documentation: str
    labels: tuple[str, ...] = ()
    """After `target` and `role`."""
    is_gauge: bool = False
    of_all_processes: str = "livesum"
    """What a gauge is of several processes, as prometheus-client names it."""

    @property
    def all_labels(self) -> tuple[str, ...]:
        return ("target", "role", *self.labels)


FAMILIES = {
    "fastframe_connections_opened": Family("Connections that have begun"),
    "fastframe_connections_open": Family("Connections that are open", is_gauge=True),
    "fastframe_connections_closed": Family(
        "Connections that have ended, by status code and by who began", ("by", "code")
    ),
    "fastframe_messages": Family("Whole messages", ("direction", "kind")),
    "fastframe_frames": Family("Frames", ("direction", "kind")),
    "fastframe_wire_bytes": Family("Bytes of frames with their headers", ("direction",)),
    "fastframe_payload_bytes": Family("Bytes of frames without headers", ("direction",)),
    "fastframe_compressed_bytes": Family("Bytes of compressed messages", ("direction",)),
    "fastframe_inflated_bytes": Family("The same without compression", ("direction",)),
    "fastframe_violations": Family("Rules that peers broke", ("rule",)),
    "fastframe_round_trips": Family("Pings that were answered"),
    "fastframe_round_trip_seconds": Family(
        "From a Ping to its Pong", ("quantile",), is_gauge=True, of_all_processes="livemax"
    ),
}
"""By name; that of a counter is followed by _total on the wire."""

QUANTILES = {"0.5": "p50", "0.99": "p99"}

Sample = tuple[str, tuple[str, ...], float]


def samples() -> Iterator[Sample]:
    """All numbers of now: the family, its labels and the value."""
    for target, roles in metrics().items():
        for role, found in roles.items():
            for name, labels, value in samples_of(found):
                yield name, (target, role, *labels), value


def samples_of(found: RoleMetrics) -> Iterator[Sample]:
    connections: Any = found["connections"]
    yield "fastframe_connections_opened", (), connections["opened"]
    yield "fastframe_connections_open", (), connections["open"]
    for who, codes in connections["closed"].items():
        for code, number in codes.items():
            yield "fastframe_connections_closed", (who, str(code)), number
    for direction in ("received", "sent"):
        traffic: Any = found[direction]
        for name in ("messages", "frames"):
            for kind, number in traffic[name].items():
                yield f"fastframe_{name}", (direction, kind), number
        for name in ("wire_bytes", "payload_bytes", "compressed_bytes", "inflated_bytes"):
            yield f"fastframe_{name}", (direction,), traffic[name]
    for rule, number in found["violations"].items():
        yield "fastframe_violations", (rule,), number
    round_trip: Any = found["round_trip"]
    yield "fastframe_round_trips", (), round_trip["count"]
    for quantile, name in QUANTILES.items():
        if round_trip[name] is not None:
            yield "fastframe_round_trip_seconds", (quantile,), round_trip[name]


class Collector(_Collector):
    """Gives Prometheus the numbers of the moment at which it asks; for a program of one process.

    >>> from prometheus_client import CollectorRegistry, generate_latest
    >>> registry = CollectorRegistry()
    >>> registry.register(Collector())
    >>> b"fastframe_messages_total" in generate_latest(registry)
    True
    """

    def describe(self) -> Iterator[Metric]:
        """The families, so that a registry refuses them a second time."""
        yield from self._families().values()

    def collect(self) -> Iterator[Metric]:
        made = self._families()
        for name, labels, value in samples():
            made[name].add_metric(labels, value)
        yield from made.values()

    def _families(self) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name, family in FAMILIES.items():
            kind = GaugeMetricFamily if family.is_gauge else CounterMetricFamily
            made[name] = kind(name, family.documentation, labels=family.all_labels)
        return made


class Publisher:
    """Keeps metrics of prometheus-client's own in step with the numbers, for programs of several
    processes.

    registry: that the metrics are in; prometheus-client takes what each process has of them from
    PROMETHEUS_MULTIPROC_DIR.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._published: dict[tuple[str, tuple[str, ...]], float] = {}
        self._metrics: dict[str, Any] = {}
        for name, family in FAMILIES.items():
            labels = family.all_labels
            if family.is_gauge:
                self._metrics[name] = Gauge(
                    name, family.documentation, labels, registry=registry,
                    multiprocess_mode=family.of_all_processes,  # type: ignore[arg-type]
                )  # fmt: skip
            else:
                self._metrics[name] = Counter(name, family.documentation, labels, registry=registry)

    def publish(self) -> None:
        """Once: what is new since the last time."""
        with self._lock:
            for name, labels, value in samples():
                metric, key = self._metrics[name].labels(*labels), (name, labels)
                if FAMILIES[name].is_gauge:
                    metric.set(value)
                else:
                    # less than before in a child of the process that has published
                    metric.inc(max(0, value - self._published.get(key, 0)))
                self._published[key] = value

    def publish_at_exit(self) -> None:
        """Not in the child of a fork, which has no thread that publishes either."""
        if os.getpid() == self._process:
            self.publish()

    def run(self, seconds: float, until: threading.Event) -> None:
        """Again and again, until the event is set."""
        while not until.wait(seconds):
            try:
                self.publish()
            except Exception:  # a full disk, for one: the next time it is all published
                _log.exception("the counters could not be published")


def start(registry: CollectorRegistry = REGISTRY, *, seconds: float = 5.0) -> Collector | Publisher:
    """Puts the numbers of this process into `registry`: a Collector, or with
    PROMETHEUS_MULTIPROC_DIR a Publisher, which publishes every so many `seconds` in a thread of its
    own and once at the end. To be called once in a process, after a fork."""
    if MULTIPROCESS not in os.environ:
        collector = Collector()
        registry.register(collector)
        return collector
    publisher = Publisher(registry)
    publisher.publish()
    atexit.register(publisher.publish_at_exit)
    arguments = (seconds, threading.Event())
    threading.Thread(
        target=publisher.run, args=arguments, name="fastframe metrics", daemon=True
    ).start()
    return publisher
