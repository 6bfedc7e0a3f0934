"""The time in the codec, which is measured where it was asked for."""

from __future__ import annotations

import json

import pytest

from tests.helpers import run_python

PROGRAM = """
import json, fastframe
from fastframe import Decoder, Encoder, ProtocolError, Role
decoder, encoder = Decoder(Role.SERVER), Encoder(Role.SERVER)
frame = Encoder(Role.CLIENT).text("x" * 100_000)
for _ in range(20):
    assert list(decoder.feed(frame))
    encoder.text("y" * 100_000)
try:
    encoder.text("no \\ud800")
except UnicodeEncodeError:
    pass
try:
    list(decoder.feed(b"\\x83\\x80"))
except ProtocolError:
    pass
"""
UNDER_WSPROTO = """
from wsproto import Connection, ConnectionType
from wsproto.events import TextMessage
fastframe.install("wsproto")
server = Connection(ConnectionType.SERVER)
for _ in range(20):
    server.receive_data(frame)
    (event,) = server.events()
    server.send(TextMessage(data=event.data))
"""
PRINT = """
print(json.dumps({
    f"{target} {way}": roles["server"][way]["seconds"]
    for target, roles in fastframe.metrics().items() for way in ("received", "sent")
}))
"""


@pytest.mark.parametrize("asked", ["0", "1"])
def test_times(asked: str) -> None:
    pytest.importorskip("wsproto")
    program = PROGRAM + UNDER_WSPROTO + PRINT
    found = json.loads(run_python("-c", program, check=True, FASTFRAME_TIMES=asked).stdout)
    assert set(found) == {"codec received", "codec sent", "wsproto received", "wsproto sent"}
    for seconds in found.values():
        assert seconds is None if asked == "0" else 0 < seconds < 60
