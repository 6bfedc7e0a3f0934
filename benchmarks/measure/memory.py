"""Peak memory while a large message comes in: how much more than the message itself.

usage: python -m benchmarks.measure.memory
Each case runs in a process of its own, as a process never gives its peak back.
"""

from __future__ import annotations

import subprocess
import sys

SIZE = 64 * 2**20
READ_SIZES = (65536, 1024)

CASE = """
import resource, struct, sys
from fastframe import Decoder, Role, apply_mask

consumer, kind, full, step = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
masked = apply_mask((b"x" if kind == "text" else bytes([200])) * step, b"key!")

def reads(size):
    yield bytes([0x81 if kind == "text" else 0x82, 0xFF]) + struct.pack("!Q", size) + b"key!"
    for _ in range(size // step):
        yield bytes(bytearray(masked))  # as a socket gives it: a new object each time

def native(size):
    decoder = Decoder(Role.SERVER, max_message_size=2 * full)
    return [message for data in reads(size) for message in decoder.feed(data)][0]

def connection(size):
    from wsproto.connection import SERVER, Connection
    server, parts = Connection(SERVER), []
    for data in reads(size):
        server.receive_data(data)
        parts += [event.data for event in server.events()]
    return ("" if kind == "text" else b"").join(parts)

if consumer == "drop-in":
    import fastframe
    fastframe.install("wsproto")
run = native if consumer == "native" else connection
run(2**20)  # imports and pools
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
message = run(full)
assert len(message) == full
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def peak_over_payload(consumer: str, kind: str, step: int) -> int:
    """In KiB."""
    command = [sys.executable, "-c", CASE, consumer, kind, str(SIZE), str(step)]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(result.stdout) - SIZE // 1024


if __name__ == "__main__":
    print(f"{SIZE // 2**20} MiB message: peak above the payload")
    for kind in ("binary", "text"):
        for step in READ_SIZES:
            for consumer in ("native", "drop-in", "wsproto"):
                over = peak_over_payload(consumer, kind, step)
                print(
                    f"  {kind:<7} {step // 1024:>3} KiB reads  {consumer:<8} {over / 1024:8.1f} MiB"
                )
