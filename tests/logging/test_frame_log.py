"""The lines of a FrameLog, of any pieces of a stream."""

from __future__ import annotations

import logging
from array import array
from collections.abc import Iterator
from typing import Any

import pytest

from fastframe import Encoder, Role
from fastframe._targets import frame_log
from fastframe._targets.frame_log import RECEIVED, SENT, FrameLog, is_wanted
from tests.helpers import run_python


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def log(lines: list[str]) -> FrameLog:
    return FrameLog("peer", log=lambda line, fields: lines.append(line))


STREAM = [
    Encoder(Role.SERVER).text("żółć\x1b[31m\n"), Encoder(Role.SERVER).binary(bytes(range(100))),
    Encoder(Role.CLIENT).text("masked"), Encoder(Role.SERVER).text("be", fin=False),
    Encoder(Role.SERVER).ping(), Encoder(Role.SERVER).frame(0, b"gun"),
    Encoder(Role.SERVER).text("日" * 100_000), Encoder(Role.SERVER).frame(1, b"\xff", rsv=4),
    Encoder(Role.SERVER).close(1000, "bye"),
]  # fmt: skip
LINES = [
    r"peer < text, 14 bytes: 'żółć\x1b[31m\n'",
    f"peer < binary, 100 bytes: {bytes(range(64)).hex(' ')}...",
    "peer < text, 6 bytes, masked: 'masked'",
    "peer < text, 2 bytes, not the last: 'be'",
    "peer < ping, 0 bytes",
    "peer < continuation, 3 bytes: 67 75 6e",
    f"peer < text, 300000 bytes: '{'日' * 21}'...",
    "peer < text, 1 bytes, RSV 100: ff",
    "peer < close, 5 bytes: 03 e8 62 79 65",
]


@pytest.mark.parametrize("cut", [1, 5, 63, 10_000, 1 << 20])
def test_a_line_for_each_frame_however_it_is_cut(log: FrameLog, lines: list[str], cut: int) -> None:
    stream = b"".join(STREAM)
    for start in range(0, len(stream), cut):
        log.received(memoryview(stream)[start : start + cut])
    assert lines == LINES


def test_headers_only(log: FrameLog, lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_log, "_switch", "headers")
    log.sent(STREAM[0] + STREAM[8])
    assert lines == ["peer > text, 14 bytes", "peer > close, 5 bytes"]


@pytest.mark.parametrize("cut", [1, 3, 1000])
def test_the_handshake_is_passed_over(lines: list[str], cut: int) -> None:
    log = FrameLog("peer", has_handshake=True, log=lambda line, fields: lines.append(line))
    stream = b"HTTP/1.1 101 Switching Protocols\r\nX: y\r\n\r\n" + STREAM[4] + STREAM[3]
    for start in range(0, len(stream), cut):
        log.received(stream[start : start + cut])
    assert lines == [LINES[4], LINES[3]]


def test_what_is_no_frame_ends_the_lines(log: FrameLog, lines: list[str]) -> None:
    log.received(STREAM[4] + b"\x83\x00")
    log.received(STREAM[4])
    log.sent(STREAM[4])
    assert lines == [
        "peer < ping, 0 bytes",
        "peer < no frame: the opcode is reserved (RFC 6455, 5.2)",
        "peer > ping, 0 bytes",
    ]


def test_the_record_has_fields(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "fastframe.frames")
    log = FrameLog()
    log.received(STREAM[3] + b"\x83\x00")
    frame, broken = caplog.records
    found: dict[str, Any] = vars(frame)["fastframe"]
    assert found["connection"].startswith("connection ")
    assert (found["direction"], found["opcode"], found["fin"]) == (RECEIVED, "text", False)
    assert (found["rsv"], found["length"], found["masked"]) == (0, 2, False)
    assert vars(broken)["fastframe"]["rule"] == "opcode"
    assert FrameLog().name != FrameLog().name
    assert SENT != RECEIVED


@pytest.fixture
def quiet() -> Iterator[None]:
    """The logger as it is where nobody has touched it."""
    logger = frame_log.LOGGER
    level, handlers = logger.level, logger.handlers[:]
    yield
    logger.setLevel(level)
    logger.handlers[:] = handlers


@pytest.mark.usefixtures("quiet")
def test_when_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_wanted()
    frame_log.LOGGER.setLevel(logging.DEBUG)
    assert is_wanted()
    frame_log.LOGGER.setLevel(logging.NOTSET)
    monkeypatch.setattr(frame_log, "_switch", "1")
    assert is_wanted()  # somebody logs already: pytest does
    monkeypatch.setattr(frame_log.LOGGER, "propagate", False)
    assert is_wanted()
    assert is_wanted()
    assert len(frame_log.LOGGER.handlers) == 1


@pytest.mark.usefixtures("quiet")
def test_a_logger_that_was_disabled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_log, "_switch", "1")
    monkeypatch.setattr(frame_log.LOGGER, "disabled", True)
    assert is_wanted()


def test_a_view_that_is_not_of_bytes(log: FrameLog, lines: list[str]) -> None:
    log.received(memoryview(array("H", STREAM[4] + STREAM[3])))
    assert lines == [LINES[4], LINES[3]]


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("says", [True, False])
def test_what_logging_raises_is_not_the_connections(
    says: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(record: logging.LogRecord) -> bool:
        raise ZeroDivisionError

    frame_log.LOGGER.setLevel(logging.DEBUG)
    monkeypatch.setattr(frame_log.LOGGER, "filters", [fail])
    monkeypatch.setattr(logging, "raiseExceptions", says)
    FrameLog().sent(STREAM[0])
    assert ("ZeroDivisionError" in capsys.readouterr().err) is says


def test_the_switch(monkeypatch: pytest.MonkeyPatch) -> None:
    for value, meaning in (("", ""), ("0", ""), ("1", "1"), ("headers", "headers")):
        monkeypatch.setenv("FASTFRAME_TRACE", value)
        assert frame_log.switch() == meaning


PROGRAM = """
import fastframe
from wsproto import Connection, ConnectionType
from wsproto.events import TextMessage
fastframe.install("wsproto")
client = Connection(ConnectionType.CLIENT)
print(len(client.send(TextMessage(data="hello"))))
"""


def test_a_program_that_does_not_log_writes_to_standard_error() -> None:
    pytest.importorskip("wsproto")
    done = run_python("-c", PROGRAM, check=True, FASTFRAME_TRACE="1")
    assert done.stdout == "11\n"
    (line,) = done.stderr.splitlines()
    assert line.endswith("connection 1 > text, 5 bytes, masked: 'hello'")
    assert run_python("-c", PROGRAM, check=True).stderr == ""
