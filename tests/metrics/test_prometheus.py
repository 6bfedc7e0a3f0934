"""The numbers as Prometheus reads them, from one process and from several."""

from __future__ import annotations

import os
import re
import sys
import threading
from pathlib import Path

import pytest

import fastframe
from fastframe import Decoder, Encoder, ProtocolError, Role
from fastframe._codec.tally import tally
from tests.helpers import run_python

pytest.importorskip("prometheus_client")

from prometheus_client import CollectorRegistry, generate_latest

from fastframe.prometheus import FAMILIES, Collector, Publisher, start


def lines(registry: CollectorRegistry, target: str) -> dict[str, float]:
    """Those of a target: the name and its labels, without target and role."""
    found = {}
    for line in generate_latest(registry).decode().splitlines():
        if not line.startswith("#") and f'target="{target}"' in line:
            name, value = line.rsplit(" ", 1)
            name = re.sub(r'(role="\w+"|target="[^"]*"),?', "", name)
            found[name.replace(",}", "}")] = float(value)
    return found


def traffic(target: str) -> tuple[Decoder, Encoder]:
    shared = tally(target, "server")
    decoder, encoder, peer = Decoder(Role.SERVER), Encoder(Role.SERVER), Encoder(Role.CLIENT)
    decoder._count_for(shared)
    encoder._count_for(shared)
    encoder.ping(b"1")
    encoder.text("hello")
    list(decoder.feed(peer.pong(b"1") + peer.binary(b"123")))
    with pytest.raises(ProtocolError):
        list(decoder.feed(b"\x83\x80"))
    encoder.close(1002)
    return decoder, encoder


EXPECTED = {
    "fastframe_connections_opened_total{}": 1, "fastframe_connections_open{}": 1,
    'fastframe_connections_closed_total{by="here",code="1002"}': 1,
    'fastframe_messages_total{direction="received",kind="binary"}': 1,
    'fastframe_messages_total{direction="sent",kind="text"}': 1,
    'fastframe_frames_total{direction="sent",kind="ping"}': 1,
    'fastframe_wire_bytes_total{direction="received"}': 16,
    'fastframe_payload_bytes_total{direction="sent"}': 8,
    'fastframe_violations_total{rule="opcode"}': 1, "fastframe_round_trips_total{}": 1,
}  # fmt: skip


def test_a_collector_is_asked() -> None:
    registry = CollectorRegistry()
    assert isinstance(start(registry), Collector)
    kept = traffic("collected")
    found = lines(registry, "collected")
    assert {name: found[name] for name in EXPECTED} == EXPECTED
    assert 0 < found['fastframe_round_trip_seconds{quantile="0.99"}'] < 60
    text = generate_latest(registry).decode()
    for name, family in FAMILIES.items():
        assert f"# HELP {name}" in text
        assert family.documentation in text
    assert len(kept) == 2


def test_a_registry_refuses_a_second_collector() -> None:
    registry = CollectorRegistry()
    start(registry)
    with pytest.raises(ValueError, match="Duplicated"):
        start(registry)


def test_a_publisher_goes_on_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    publisher, tries, until = Publisher(CollectorRegistry()), [], threading.Event()

    def publish() -> None:
        tries.append(True)
        if len(tries) == 3:
            until.set()
        raise OSError("the disk is full")

    monkeypatch.setattr(publisher, "publish", publish)
    publisher.run(0.001, until)
    assert len(tries) == 3


def test_the_child_of_a_fork_does_not_publish(monkeypatch: pytest.MonkeyPatch) -> None:
    publisher = Publisher(CollectorRegistry())
    published = []
    monkeypatch.setattr(publisher, "publish", lambda: published.append(True))
    publisher.publish_at_exit()
    monkeypatch.setattr("os.getpid", lambda: -1)
    publisher.publish_at_exit()
    assert published == [True]


def test_a_publisher_adds_what_is_new() -> None:
    registry = CollectorRegistry()
    publisher = Publisher(registry)
    kept = traffic("published")
    publisher.publish()
    publisher.publish()
    found = lines(registry, "published")
    assert {name: found[name] for name in EXPECTED} == EXPECTED
    list(Decoder(Role.SERVER))
    kept[1].ping()
    publisher.publish()
    assert lines(registry, "published")['fastframe_frames_total{direction="sent",kind="ping"}'] == 2


def test_a_publisher_runs_until_it_is_told() -> None:
    registry, until = CollectorRegistry(), threading.Event()
    publisher = Publisher(registry)
    kept = traffic("running")
    thread = threading.Thread(target=publisher.run, args=(0.001, until))
    thread.start()
    while not lines(registry, "running"):
        pass
    until.set()
    thread.join()
    assert len(kept) == 2


WORKER = """
import sys, fastframe, fastframe.prometheus
from fastframe import Decoder, Encoder, Role
decoder = Decoder(Role.SERVER)
fastframe.prometheus.start(seconds=60)
list(decoder.feed(Encoder(Role.CLIENT).text("x") * int(sys.argv[1])))
"""
READ = """
from prometheus_client import CollectorRegistry, generate_latest, multiprocess
registry = CollectorRegistry()
multiprocess.MultiProcessCollector(registry)
print(generate_latest(registry).decode())
"""


def test_several_processes_are_added_up(tmp_path: Path) -> None:
    folder = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for messages in ("3", "4"):
        run_python("-c", WORKER, messages, check=True, **folder)
    text = run_python("-c", READ, check=True, **folder).stdout
    (line,) = re.findall(r"fastframe_messages_total\{.*\}.*", "\n".join(
        line for line in text.splitlines()
        if 'kind="text"' in line and 'received' in line and 'server' in line
    ))  # fmt: skip
    assert line.endswith(" 7.0")


def test_start_publishes_in_a_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    registered = []
    monkeypatch.setattr("atexit.register", registered.append)
    threads = set(threading.enumerate())
    registry = CollectorRegistry()
    publisher = start(registry, seconds=3600)
    assert isinstance(publisher, Publisher)
    (thread,) = set(threading.enumerate()) - threads
    assert thread.daemon
    assert registered == [publisher.publish_at_exit]
    assert fastframe.metrics()
    assert os.environ["PROMETHEUS_MULTIPROC_DIR"] == str(tmp_path)
    assert sys.modules["fastframe.prometheus"].MULTIPROCESS == "PROMETHEUS_MULTIPROC_DIR"
