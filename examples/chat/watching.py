"""What an operator sees: metrics for Prometheus, and logs, a JSON object a line."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

import fastframe
from fastframe.prometheus import Collector


def since(milliseconds: int) -> float:
    """Seconds since the time in an id of Redis."""
    return time.time() - milliseconds / 1000


class Metrics:
    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.connections = Gauge("chat_connections", "Open connections", registry=registry)
        self._messages = Counter(
            "chat_messages",
            "Messages, in from clients and out to them",
            ["direction"],
            registry=registry,
        )
        self._bytes = Counter(
            "chat_bytes", "Bytes of these messages, as UTF-8", ["direction"], registry=registry
        )
        self.refused = Counter(
            "chat_refused",
            "Connections that were refused or closed, by code",
            ["code"],
            registry=registry,
        )
        self.fan_out = Histogram(
            "chat_fan_out_seconds",
            "To hand one message to all members in this process",
            registry=registry,
        )
        self.acknowledged = Histogram(
            "chat_acknowledged_seconds",
            "From the log to the client's ack",
            registry=registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
        )
        registry.register(Collector())  # all that fastframe counts
        codec = Gauge(
            "chat_codec", "1 for the codec that runs the WebSockets", ["codec"], registry=registry
        )
        codec.labels("fastframe").set_function(lambda: float(fastframe.status()["uvicorn"].active))
        codec.labels("other").set_function(lambda: float(not fastframe.status()["uvicorn"].active))
        self._sized = "", 0
        self._in, self._out = self._messages.labels("in"), self._messages.labels("out")
        self._in_size, self._out_size = self._bytes.labels("in"), self._bytes.labels("out")

    def received(self, text: str) -> None:
        self._in.inc()
        self._in_size.inc(self._size_of(text))

    def sent(self, text: str) -> None:
        self._out.inc()
        self._out_size.inc(self._size_of(text))

    def _size_of(self, text: str) -> int:
        if text is not self._sized[0]:  # as it is for all members but the first
            self._sized = text, len(text.encode())
        return self._sized[1]


class Live:
    """What fastframe does in this process: its own counters, for the corner of the page."""

    FRESH_SECONDS = 0.5

    def __init__(self) -> None:
        self._figures: dict[str, Any] = {}
        self._taken = -self.FRESH_SECONDS

    def figures(self) -> dict[str, Any]:
        """Counted at most twice a second, however many pages ask. `active` is false if no WebSocket
        of this server goes through fastframe; then there is no other figure."""
        now = time.monotonic()
        if now - self._taken >= self.FRESH_SECONDS:
            self._taken, self._figures = now, self._counted(now)
        return self._figures

    def _counted(self, now: float) -> dict[str, Any]:
        counters = fastframe.metrics().get("uvicorn", {}).get("server")
        if counters is None or not counters["connections"]["opened"]:
            return {"active": False}
        received, sent = counters["received"], counters["sent"]
        return {
            "active": True,
            "version": fastframe.__version__,
            "kernel": fastframe.active_kernel(),
            "server": os.getpid(),
            "seconds": now,
            "received": sum(received["messages"].values()),
            "sent": sum(sent["messages"].values()),
            "compressed_bytes": received["compressed_bytes"] + sent["compressed_bytes"],
            "inflated_bytes": received["inflated_bytes"] + sent["inflated_bytes"],
            "open": counters["connections"]["open"],
            "round_trip": counters["round_trip"]["last"],
        }


class JsonFormatter(logging.Formatter):
    USUAL = frozenset(vars(logging.makeLogRecord({}))) | {
        "message",
        "asctime",
        "color_message",
        "taskName",
    }

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": round(record.created, 3),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields |= {name: value for name, value in vars(record).items() if name not in self.USUAL}
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json.dumps(fields, default=str)


def log_as_json() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
