"""What relies on CPython's inside: each trick has a check and a plain twin, and says when it is
off."""

from __future__ import annotations

import logging
import sys

import pytest

from fastframe._cli import doctor
from fastframe._cpython import tricks
from fastframe._cpython.tricks import TRICKS, Trick
from tests.helpers import run_python

LOAD_ALL = """
import logging; logging.basicConfig(format="%(message)s")
import fastframe, fastframe.frame_protocol
from fastframe._cpython.tricks import TRICKS
try:
    import fastframe.websockets._frames as f
    import websockets.protocol as p, websockets.frames as fr, websockets.streams as s
    from websockets.extensions import permessage_deflate as d
    f.Frames(p, fr, s, d)
except ImportError:
    pass
fastframe.install("wsproto")
"""

USE = """
from wsproto.connection import CLIENT, SERVER, Connection
from wsproto.events import BytesMessage, Ping, TextMessage
client, server = Connection(CLIENT), Connection(SERVER)
sent = [TextMessage("text"), BytesMessage(b"bytes", message_finished=False), Ping(b"p")]
sent.append(BytesMessage(data=b""))
for event in sent:
    server.receive_data(client.send(event))
assert list(server.events()) == sent
frames = fastframe.frame_protocol.FrameProtocol(False, [])
frames.receive_bytes(fastframe.Encoder(fastframe.Role.CLIENT).text("x") * 2)
assert [tuple(frame)[1:] for frame in frames.received_frames()] == [("x", True, True)] * 2
decoder = fastframe.Decoder(fastframe.Role.SERVER)
encoder = fastframe.Encoder(fastframe.Role.CLIENT)
wire = encoder.binary(b"a" * 70, fin=False) + encoder.continuation(b"b" * 700, fin=False)
wire += encoder.continuation(b"c")
received = [m for i in range(len(wire)) for m in decoder.feed(wire[i : i + 1])]
assert received == [b"a" * 70 + b"b" * 700 + b"c"]
"""

WITHOUT_GIL = "t" in getattr(sys, "abiflags", "")
IMPOSSIBLE = ["inline-values"] * (WITHOUT_GIL or sys.version_info < (3, 11)) + [
    "event-slots"
] * WITHOUT_GIL
OFF = "print(*[trick.name for trick in TRICKS if not trick.is_on()])"


@pytest.mark.skipif(
    sys.version_info[:2] > tricks.READ_UP_TO, reason="a newer CPython than those that were read"
)
def test_all_are_in_use_that_are_possible() -> None:
    assert (
        run_python("-c", LOAD_ALL + USE + OFF, check=True, FASTFRAME_PLAIN="").stdout.split()
        == IMPOSSIBLE
    )


@pytest.mark.parametrize("name", [trick.name for trick in TRICKS])
def test_each_can_be_switched_off(name: str) -> None:
    result = run_python("-c", LOAD_ALL + USE + OFF, check=True, FASTFRAME_PLAIN=name)
    assert set(result.stdout.split()) == {name, *IMPOSSIBLE}


def test_all_can_be_switched_off() -> None:
    result = run_python("-c", LOAD_ALL + USE + OFF, check=True, FASTFRAME_PLAIN="1")
    assert result.stdout.split() == [trick.name for trick in TRICKS]


def test_the_log_names_what_is_off() -> None:
    code = LOAD_ALL.replace('message)s")', 'message)s", level=logging.INFO)')
    heard = run_python("-c", code, check=True, FASTFRAME_PLAIN="event-slots,named-tuple").stderr
    assert "kernel" in heard
    off = [
        trick.name for trick in TRICKS if trick.name in ("event-slots", "named-tuple", *IMPOSSIBLE)
    ]
    assert f", without {', '.join(off)} (docs/explanation/cpython.md)" in heard


def test_a_name_that_there_is_not() -> None:
    result = run_python("-c", "import fastframe", FASTFRAME_PLAIN="event-slots,inline")
    assert result.returncode == 1
    assert (
        "ImportError: FASTFRAME_PLAIN is 1, or names of: inline-values, event-slots"
        in result.stderr
    )
    assert result.stderr.rstrip().endswith("; not inline")


# The self-check of each that has one in Python, made to fail.
CHECKS = {
    "type-version": "import fastframe.wsproto._events as e; e._versions_follow_changes = lambda: "
    "False",
    "generator-state": "import fastframe.websockets._frames as f; f._generators_tell = lambda: "
    "False",
}


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_that_fails_turns_it_off_and_says_so(name: str) -> None:
    if name == "generator-state":
        pytest.importorskip("websockets.protocol")
    result = run_python("-c", CHECKS[name] + LOAD_ALL + USE + OFF, check=True, FASTFRAME_PLAIN="")
    assert set(result.stdout.split()) == {name, *IMPOSSIBLE}
    assert (
        f"{name} is off, as its self-check failed on CPython {sys.version.split()[0]}: "
        in result.stderr
    )


@pytest.mark.skipif(WITHOUT_GIL, reason="no class is hooked")
def test_a_class_whose_calls_are_not_taken_as_they_should(caplog: pytest.LogCaptureFixture) -> None:
    """Of a class that looks as wsproto made it, and keeps something else."""
    code = """
import dataclasses
from fastframe.wsproto._events import EventClass
from fastframe._cpython.tricks import EVENT_SLOTS

class Lost:
    def __get__(self, instance, owner): return "lost"
    def __set__(self, instance, value): pass

kind = dataclasses.make_dataclass("Kind", [("payload", object)], frozen=True)
kind.payload = Lost()
hooked = EventClass(kind, (("payload", dataclasses.MISSING),)).hook()
print(hooked, EVENT_SLOTS.off, kind(1).payload)
"""
    assert (
        run_python("-c", code, check=True, FASTFRAME_PLAIN="").stdout
        == "False its self-check failed lost\n"
    )


def test_what_this_cpython_is_too_old_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(tricks.SWITCH, raising=False)
    assert Trick("any", "much", since=(3, 99)).off == "it is possible from CPython 3.99 on"
    monkeypatch.setattr(sys, "abiflags", "t", raising=False)
    assert Trick("any", "much", needs_gil=True).off == "this CPython can run without the GIL"


def test_a_newer_cpython_has_the_twins(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv(tricks.SWITCH, raising=False)
    assert Trick("any", "much").is_on()
    monkeypatch.setattr(tricks, "READ_UP_TO", (3, 9))
    trick = Trick("any", "much")
    assert not trick.check(True)
    assert not trick.check(False)
    assert trick.off == "CPython {}.{} is newer than those it was read in".format(*sys.version_info)
    assert caplog.records == []
    monkeypatch.setattr(doctor, "TRICKS", (trick,))
    assert ("any", f"off: {trick.off}; much") in doctor.lines(doctor.examine())


def test_a_check_that_failed_is_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv(tricks.SWITCH, raising=False)
    trick = Trick("any", "much")
    with caplog.at_level(logging.WARNING, logger="fastframe"):
        assert [trick.check(True), trick.check(False), trick.check(False), trick.check(True)] == [
            True,
            *[False] * 3,
        ]
    (record,) = caplog.records
    assert record.getMessage().endswith(": much")
