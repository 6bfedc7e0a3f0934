"""Each allocation fails once: the result is a MemoryError or the right answer, and never the peer's fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import fastframe
from fastframe import Decoder, Encoder, ProtocolError, Role
from fastframe.deflate import Deflate
from tests.helpers import deflated
from tests.strategies import frame

_testcapi: Any = pytest.importorskip("_testcapi")

MOST_ALLOCATIONS = 400


def each_allocation_fails(prepare: Callable[[], Callable[[], Any]], expected: Any) -> int:
    """Runs what `prepare` returns with its first allocation failing, its second, and so on, until none does. How many did."""
    failed = 0
    for number in range(1, MOST_ALLOCATIONS):
        call = prepare()
        out_of_memory, other, found = False, None, None
        _testcapi.set_nomemory(number, number + 1)
        try:
            found = call()
        except MemoryError:
            out_of_memory = True
        except Exception as error:
            other = error
        finally:
            _testcapi.remove_mem_hooks()
        # Cython loses an exception if there is no memory for a line of its traceback; CPython then says SystemError.
        if out_of_memory or (type(other), str(other)) == (SystemError, "error return without exception set"):
            failed += 1
            continue
        assert (found if other is None else (type(other), str(other))) == expected, number
    return failed


AGREEMENT = Deflate().accept("permessage-deflate")
GOOD = "żółć 日本 " * 20
STREAMS = {
    "text": ([frame(1, GOOD.encode())], GOOD),
    "pieces": ([frame(1, GOOD.encode())[:50], frame(1, GOOD.encode())[50:]], GOOD),
    "fragments": ([frame(1, b"a" * 9, fin=False) + frame(0, b"\xc3", fin=False), frame(0, b"\xa9")], "a" * 9 + "é"),
    "compressed": ([frame(1, deflated(GOOD.encode()), rsv=4)], GOOD),
    "broken text": ([frame(1, b"ok\xff")], None),
    "broken text in pieces": ([frame(1, b"ok\xff...")[:4], frame(1, b"ok\xff...")[4:]], None),
    "broken compression": ([frame(1, b"\xff" * 30, rsv=4)], None),
    "broken text inside": ([frame(1, deflated(b"ok\xff"), rsv=4)], None),
}


@pytest.mark.parametrize("name", STREAMS)
def test_decoder(name: str) -> None:
    pieces, good = STREAMS[name]

    def prepare() -> Callable[[], Any]:
        decoder = Decoder(Role.CLIENT, deflate=AGREEMENT)

        def run() -> Any:
            return [message for piece in pieces for message in decoder.feed(piece)]

        return run

    if good is not None:
        expected: Any = [good]
    else:
        with pytest.raises(ProtocolError) as caught:
            prepare()()
        expected = ProtocolError, str(caught.value)
    assert each_allocation_fails(prepare, expected) > 0


@pytest.mark.parametrize("compress", [False, True])
def test_encoder(compress: bool) -> None:
    def prepare() -> Callable[[], bytes]:
        encoder = Encoder(Role.CLIENT, masking_keys=lambda: b"key!", deflate=AGREEMENT if compress else None)
        return lambda: encoder.text("first ") + encoder.message(GOOD) + encoder.close(1000, "bye")

    assert each_allocation_fails(prepare, prepare()()) > 0


@pytest.mark.parametrize(
    "wire", [frame(1, GOOD.encode()), frame(1, b"ok\xff"), frame(3, b""), frame(1, b"a", fin=False) + frame(1, b"b")]
)
def test_connection(wire: bytes) -> None:
    pytest.importorskip("wsproto")
    from wsproto.connection import CLIENT, Connection

    def prepare() -> Callable[[], Any]:
        connection = Connection(CLIENT)

        def run() -> Any:
            connection.receive_data(wire)
            return list(connection.events())

        return run

    expected = prepare()()
    with fastframe.installed("wsproto"):
        assert each_allocation_fails(prepare, expected) > 0
