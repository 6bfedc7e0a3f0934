"""`fastframe inspect --stats` on a gigabyte: a stream of one direction, and a pcap of 1,500-byte
packets.

usage: python -m benchmarks.measure.inspect [--megabytes 1024] [--runs 3]
The files are made in a temporary folder, of messages of 1 KiB with their headers. Counts are
checked before anything is timed. The time is that of the whole command, start-up included, with the
file in the page cache; the peak is that of the process, as Linux and macOS tell it.
"""

from __future__ import annotations

import argparse
import json
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from fastframe import Encoder, Role

FRAME = 1024  # bytes, header included
SEGMENT = 1448  # payload of a 1,500-byte packet with TCP timestamps
KEY, ACCEPT = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # of RFC 6455, 1.3
CLIENT, SERVER = (bytes([192, 0, 2, 1]), 50000), (bytes([192, 0, 2, 2]), 80)
SYN, ACK = 2, 16

RUN = """
import resource, sys
from fastframe._cli.main import main
code = main(["inspect", "--stats", "--json", sys.argv[1]])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""


def frame(kind: str) -> bytes:
    encoder = Encoder(Role.SERVER)
    text = "0123456789abcdef" * 64
    made = encoder.text(text[:1020]) if kind == "text" else encoder.binary(text[:1020].encode())
    assert len(made) == FRAME
    return made


def write_stream(path: Path, kind: str, size: int) -> int:
    """Returns how many messages are in it."""
    block = frame(kind) * 1024
    with path.open("wb") as file:
        for _ in range(size // len(block)):
            file.write(block)
    return size // len(block) * 1024


def packet(number: int, from_client: bool, seq: int, flags: int, payload: bytes) -> bytes:
    """The record of a packet, with its Ethernet, IPv4 and TCP headers."""
    source, target = (CLIENT, SERVER) if from_client else (SERVER, CLIENT)
    tcp = struct.pack("!HHIIBBHHH", source[1], target[1], seq, 0, 0x80, flags, 65535, 0, 0)
    size = 20 + len(tcp) + 12 + len(payload)
    ip = struct.pack("!BBHHHBBH", 0x45, 0, size, 0, 0x4000, 64, 6, 0) + source[0] + target[0]
    data = bytes(12) + b"\x08\x00" + ip + tcp + bytes(12) + payload
    seconds, micro = divmod(number * 10, 10**6)
    return struct.pack("<IIII", seconds, micro, len(data), len(data)) + data


def packets(kind: str, size: int) -> Iterator[bytes]:
    """A connection whose server sends; as many packets as `size` bytes hold."""
    asked = (
        f"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    ).encode()
    answered = (
        f"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {ACCEPT}\r\n\r\n"
    ).encode()
    yield packet(0, True, 0, SYN, b"")
    yield packet(1, False, 0, SYN | ACK, b"")
    yield packet(2, True, 1, ACK, asked)
    yield packet(3, False, 1, ACK, answered)
    sequence, number, body = 1 + len(answered), 4, frame(kind) * SEGMENT
    while size > 0:
        for at in range(0, len(body), SEGMENT):
            made = packet(number, False, sequence % 2**32, ACK, body[at : at + SEGMENT])
            yield made
            sequence, number, size = sequence + SEGMENT, number + 1, size - len(made)


def write_pcap(path: Path, kind: str, size: int) -> int:
    """Returns how many messages are in it."""
    count = 0
    with path.open("wb") as file:
        file.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for made in packets(kind, size):
            file.write(made)
            count += 1
    return (count - 4) * SEGMENT // FRAME


def inspect(path: Path) -> tuple[float, int, int]:
    """Seconds, peak memory in KiB, messages."""
    start = time.perf_counter()
    result = subprocess.run(
        [sys.executable, "-c", RUN, str(path)], capture_output=True, text=True, check=True
    )
    seconds = time.perf_counter() - start
    stats = json.loads(result.stdout.splitlines()[-1])
    return seconds, int(result.stderr.split()[-1]), stats["server"]["messages"]


def measure(runs: int, megabytes: int) -> None:
    """Prints a line for each file."""
    print(f"{'file':<8} {'messages':>10} {'MB':>7} {'seconds':>8} {'MB/s':>7} {'peak MiB':>9}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "capture")
        for name, write in (("stream", write_stream), ("pcap", write_pcap)):
            for kind in ("text", "binary"):
                expected = write(path, kind, megabytes << 20)
                if inspect(path)[2] != expected:
                    raise SystemExit(f"{name}, {kind}: not {expected:,} messages")
                seconds, peak, _ = min(inspect(path) for _ in range(runs))
                size = path.stat().st_size / 1e6
                print(
                    f"{name:<8} {expected:>10,} {size:>7,.0f} {seconds:>8.2f} "
                    f"{size / seconds:>7,.0f} {peak / 1024:>9.1f}  {kind}"
                )


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--megabytes", type=int, default=1024)
    arguments.add_argument("--runs", type=int, default=3)
    options = arguments.parse_args()
    measure(options.runs, options.megabytes)
