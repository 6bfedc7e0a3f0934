"""Captures that are damaged on purpose: the command ends with an exit code and lines, whatever the
bytes are."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import pytest

from fastframe._inspect.events import InspectError, Settings, Summary
from fastframe._inspect.reading import events
from fastframe._inspect.source import Source
from tests.helpers import KEY, deflated, run_python
from tests.inspect.captures import CLIENT, SERVER, Tcp, pcap, pcapng, write
from tests.inspect.conftest import Run
from tests.strategies import frame


def small() -> Tcp:
    made = Tcp().handshake("Sec-WebSocket-Extensions: permessage-deflate")
    text = frame(1, deflated(b"hello" * 5), rsv=4, key=KEY)
    made.send(CLIENT, text + frame(9, b"p", key=KEY)[:3], frame(9, b"p", key=KEY)[3:])
    made.send(SERVER, frame(1, b"he", fin=False) + frame(0, b"llo"), frame(8, b"\x03\xe8bye"))
    return made.send(CLIENT, frame(8, b"\x03\xe8", key=KEY)).close()


FILES = {"pcap": small().pcap(), "pcapng": pcapng(small().packets)}
ARGUMENTS = (["--frames"], ["--stats"], [])


def check(run: Run, folder: Path, data: bytes, number: int) -> None:
    """All of it is read; and for some of them, the command as a whole."""
    detail = ("frames", "none", "messages")[number % 3]
    with contextlib.suppress(InspectError), Source(str(write(folder, data))) as source:
        *_, last = events(source, Settings(detail))
        assert isinstance(last, Summary)
    if number % 30:
        return
    result = run(data, *ARGUMENTS[number // 30 % 3])
    assert result.code in (0, 1, 2)
    assert "Traceback" not in result.out + result.err
    assert result.err.count("\n") <= 1
    assert (result.out + result.err).endswith("\n")


@pytest.mark.parametrize("kind", FILES)
def test_cut_at_every_byte(run: Run, tmp_path: Path, kind: str) -> None:
    data = FILES[kind]
    for size in range(len(data)):
        check(run, tmp_path, data[:size], size)


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("flip", [0x01, 0xFF])
def test_every_byte_flipped(run: Run, tmp_path: Path, kind: str, flip: int) -> None:
    data = FILES[kind]
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= flip
        check(run, tmp_path, bytes(changed), at)


def test_a_stream_cut_and_flipped(run: Run, tmp_path: Path) -> None:
    data = frame(1, "grüße".encode()) + frame(2, bytes(126)) + frame(8, b"\x03\xe8")
    for size in range(len(data)):
        check(run, tmp_path, data[:size], size)
        for flip in (0x01, 0x80, 0xFF):
            changed = bytearray(data)
            changed[size] ^= flip
            check(run, tmp_path, bytes(changed), size)


MEASURE = """
import re, sys
from fastframe._cli.main import main
code = main(["inspect", *sys.argv[1:]])
peak = re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())
print(code, peak[1], file=sys.stderr)
"""


def compressed_bomb() -> bytes:
    made = Tcp().handshake("Sec-WebSocket-Extensions: permessage-deflate")
    bomb = frame(2, deflated(bytes(200 << 20)), rsv=4)
    return made.send(SERVER, *(bomb[i : i + 60_000] for i in range(0, len(bomb), 60_000))).pcap()


def many_open_messages() -> bytes:
    packets = []
    head = struct.pack("!BBQ", 0x02, 127, 15 << 20)
    for i in range(100):
        made = Tcp(client=("192.0.2.1", 1000 + i)).handshake()
        packets += made.send(SERVER, head, *[bytes(50_000)] * 20).packets
    return pcap(packets)


def never_ends() -> bytes:
    """Within the limits, until it is too large."""
    return frame(2, bytes(1 << 20), fin=False) + frame(0, bytes(1 << 20), fin=False) * 40


def empty_messages() -> bytes:
    """The most messages for each byte; cut, so that the exit code is as for the others."""
    made = Tcp().handshake().send(SERVER, *[frame(1, b"") * 30_000] * 20)
    return made.pcap()[:-1]


def empty_fragments() -> bytes:
    made = Tcp().handshake("Sec-WebSocket-Extensions: permessage-deflate")
    made.send(SERVER, frame(1, b"x", fin=False, rsv=4) + frame(9, b""))
    return made.send(SERVER, *[frame(0, b"", fin=False) * 30_000] * 40).pcap()


@pytest.mark.parametrize(
    "make", [compressed_bomb, many_open_messages, never_ends, empty_messages, empty_fragments]
)
@pytest.mark.parametrize("arguments", [[], ["--stats"]])
@pytest.mark.programs  # sanitizers have memory of their own
def test_memory_is_bounded(tmp_path: Path, make: object, arguments: list[str]) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("the peak of a process is read as Linux tells it")
    assert callable(make)
    path = write(tmp_path, make())
    result = run_python("-c", MEASURE, str(path), *arguments)
    code, kilobytes = result.stderr.split()[-2:]
    assert code == "2"
    assert int(kilobytes) < 64 << 10, result.stdout[-300:]
