"""Objects that two threads share by mistake: InvalidState for the second caller, never a crash."""

from __future__ import annotations

import contextlib
import threading
import zlib
from collections.abc import Callable
from typing import Any

import pytest

import fastframe
from fastframe import Decoder, Encoder, InvalidState, ProtocolError, Role
from fastframe.deflate import Deflate
from tests.helpers import deflated
from tests.strategies import frame

AGREEMENT = Deflate().accept("permessage-deflate")


class SlowZlib:
    """zlib, with something else to do in the middle of a call, as where it gives the GIL away."""

    error = zlib.error
    DEFLATED, Z_DEFAULT_COMPRESSION, Z_SYNC_FLUSH = (
        zlib.DEFLATED,
        zlib.Z_DEFAULT_COMPRESSION,
        zlib.Z_SYNC_FLUSH,
    )

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        self.meanwhile = meanwhile

    def decompressobj(self, **arguments: Any) -> Any:
        return self.Slow(zlib.decompressobj(**arguments), self.meanwhile)

    def compressobj(self, *arguments: Any) -> Any:
        return self.Slow(zlib.compressobj(*arguments), self.meanwhile)

    class Slow:
        def __init__(self, stream: Any, meanwhile: Callable[[], None]) -> None:
            self.stream, self.meanwhile = stream, meanwhile

        def __getattr__(self, name: str) -> Any:
            return getattr(self.stream, name)

        def decompress(self, data: bytes, room: int) -> bytes:
            self.meanwhile()
            found: bytes = self.stream.decompress(data, room)
            return found

        def compress(self, data: bytes) -> bytes:
            self.meanwhile()
            found: bytes = self.stream.compress(data)
            return found


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], object]]:
    """Calls to make in the middle of the next call of the back-end; each must be refused."""
    calls: list[Callable[[], object]] = []

    def refused() -> None:
        while calls:
            with pytest.raises(
                InvalidState, match="another call on this object has not returned yet"
            ):
                calls.pop()()

    monkeypatch.setattr("fastframe.deflate.backend_module", lambda name: SlowZlib(refused))
    return calls


def test_every_method_of_a_decoder_refuses_a_second_caller(
    meanwhile: list[Callable[[], object]],
) -> None:
    decoder = Decoder(Role.CLIENT, deflate=AGREEMENT)
    view = decoder.get_buffer()
    meanwhile += [
        lambda: decoder.feed(b"x"), lambda: decoder.feed(bytearray(b"x")), decoder.get_buffer,
        lambda: decoder.buffer_updated(1),
        lambda: next(decoder), lambda: list(decoder), lambda: decoder.__init__(Role.CLIENT),
        # type: ignore[misc]
    ]  # fmt: skip
    wire = frame(1, deflated(b"hello"), rsv=4)
    view[: len(wire)] = wire
    assert list(decoder.buffer_updated(len(wire))) == ["hello"]
    assert meanwhile == []
    assert list(decoder.feed(frame(1, b"plain"))) == ["plain"]


def test_every_method_of_an_encoder_refuses_a_second_caller(
    meanwhile: list[Callable[[], object]],
) -> None:
    encoder = Encoder(Role.SERVER, deflate=AGREEMENT)
    meanwhile += [
        lambda: encoder.message("x"), lambda: encoder.text("x"), lambda: encoder.binary(b"x"),
        encoder.ping, encoder.pong,
        encoder.close, lambda: encoder.frame(2), lambda: encoder.header(2, 1),
        lambda: encoder.__init__(Role.SERVER),  # type: ignore[misc]
    ]  # fmt: skip
    wire = encoder.text("hello")
    assert meanwhile == []
    assert not encoder.finished
    assert list(Decoder(Role.CLIENT, deflate=AGREEMENT).feed(wire)) == ["hello"]


def test_masking_keys_may_not_use_the_encoder_they_are_for() -> None:
    encoder = Encoder(Role.CLIENT, masking_keys=lambda: encoder.ping()[:4])
    with pytest.raises(InvalidState, match="another call on this object"):
        encoder.ping()
    encoder.__init__(Role.CLIENT, masking_keys=lambda: b"key!")  # type: ignore[misc]
    assert encoder.ping() == b"\x89\x80key!"


def together(*calls: Callable[[], None]) -> None:
    """All of them at the same time, each until it has done its share; what is refused does not
    count."""
    wrong: list[BaseException] = []

    def run(call: Callable[[], None]) -> None:
        try:
            for _ in range(300):
                with contextlib.suppress(InvalidState, ProtocolError):
                    call()
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert wrong == []


WIRE = frame(1, deflated(b"a text to inflate, " * 20_000), rsv=4) * 2


def test_a_decoder_that_is_begun_anew_while_it_inflates() -> None:
    """Without the check this ends in a crash every time."""
    decoder = Decoder(Role.CLIENT, deflate=AGREEMENT)
    together(
        lambda: list(decoder.feed(WIRE)) and None,
        lambda: decoder.__init__(Role.CLIENT, deflate=AGREEMENT),  # type: ignore[misc]
    )


@pytest.mark.parametrize("cut", [1, 100, len(WIRE) // 2])
def test_four_threads_on_one_decoder(cut: int) -> None:
    decoder = Decoder(Role.CLIENT, deflate=AGREEMENT)

    def feed_and_iterate() -> None:
        if decoder.finished:
            decoder.__init__(Role.CLIENT, deflate=AGREEMENT)  # type: ignore[misc]
        for start in range(0, len(WIRE), cut if cut > 50 else 997):
            for _ in decoder.feed(WIRE[start : start + cut]):
                pass

    together(*[feed_and_iterate] * 4)


def test_four_threads_on_one_encoder() -> None:
    encoder = Encoder(Role.CLIENT, deflate=AGREEMENT)
    sent: list[bytes] = []
    together(*[lambda: sent.append(encoder.text("a text to deflate, " * 2000))] * 4)
    assert sent
    keys = {data[4:8] for data in sent}
    assert len(keys) == len(sent), "a masking key was used twice"


def test_a_validator_is_one_step_at_a_time() -> None:
    validator = fastframe.Utf8Validator()
    together(*[lambda: validator.feed("żółć".encode()) and None] * 4)
    assert validator.finish()
