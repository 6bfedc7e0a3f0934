"""What permessage-deflate costs in memory for each connection, while nothing is sent.

usage: python -m benchmarks.measure.deflate_memory
"""

from __future__ import annotations

import subprocess
import sys

CONNECTIONS = 200

CASE = """
import os, sys
from fastframe import Decoder, Encoder, Role
from fastframe.deflate import Deflate

bits, memory_level, forgets = map(int, sys.argv[1:4])
settings = Deflate(
    server_max_window_bits=bits, client_max_window_bits=bits, memory_level=memory_level,
    server_no_context_takeover=bool(forgets), client_no_context_takeover=bool(forgets),
)
agreement = settings.accept("permessage-deflate; client_max_window_bits")
text = "some words of a message, " * 200
sender = Encoder(Role.CLIENT, deflate=settings.confirm(agreement.response()))
first = sender.text(text)

def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def connect():
    encoder = Encoder(Role.SERVER, deflate=agreement)
    decoder = Decoder(Role.SERVER, deflate=agreement)
    encoder.text(text)
    assert list(decoder.feed(first)) == [text]
    return encoder, decoder

kept = [connect()]
before = resident()
kept += [connect() for _ in range(%d)]
print((resident() - before) // %d)
""" % (CONNECTIONS, CONNECTIONS)  # noqa: UP031


if __name__ == "__main__":
    print(
        "window bits, memory level: KiB for a connection that remembers, and for one that forgets "
        "after each message"
    )
    for bits, memory_level in ((15, 8), (13, 6), (12, 5), (11, 4), (9, 1)):
        costs = []
        for forgets in (0, 1):
            command = [sys.executable, "-c", CASE, str(bits), str(memory_level), str(forgets)]
            costs.append(
                int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            )
        print(f"  {bits:>2}, {memory_level}: {costs[0] / 1024:8.1f} {costs[1] / 1024:8.1f}")
