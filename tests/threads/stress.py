"""Many threads at once, with checked results: python -m tests.threads.stress [--threads N]
[--seconds S] [SCENARIO ...]

Each scenario is a class. One object of it is made, every thread calls its `step` until the time is
over, and then `verdict` looks at what is left. A step raises AssertionError for a wrong result;
InvalidState, the refusal of a second caller, is counted where it is allowed. Ends with 1 if
anything was wrong, and if a scenario did nothing.
"""

from __future__ import annotations

import argparse
import array
import collections
import contextlib
import itertools
import os
import random
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import ClassVar
from unittest import mock

from wsproto import events
from wsproto.connection import CLIENT, SERVER, Connection
from wsproto.extensions import PerMessageDeflate

import fastframe
from fastframe import Decoder, Encoder, InvalidState, ProtocolError, Role
from fastframe.deflate import Deflate
from fastframe.frame_protocol import FrameProtocol
from tests.helpers import gil_enabled

AGREEMENT = Deflate().accept("permessage-deflate")
ALONE = Deflate(server_no_context_takeover=True).accept(
    "permessage-deflate; server_no_context_takeover"
)
LONG = "żółć日本😀 " * 200
# Memory that a decoder has lent is the caller's to guard: writing to it while others feed is a
# race, and ThreadSanitizer says so.
VIEWS = "TSAN_OPTIONS" not in os.environ


class Scenario:
    """What is shared is made in __init__."""

    may_be_refused: ClassVar[bool] = True
    under_wsproto: ClassVar[bool] = False

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def step(self, thread: int, chance: random.Random) -> None:
        raise NotImplementedError

    def verdict(self) -> None:
        """AssertionError if what is left is wrong."""


# ---- one object for each thread ------------------------------------------------------------------


class OwnCodec(Scenario):
    may_be_refused = False

    def step(self, thread: int, chance: random.Random) -> None:
        agreement = chance.choice([None, AGREEMENT])
        encoder, decoder = (
            Encoder(Role.CLIENT, deflate=agreement),
            Decoder(Role.SERVER, deflate=agreement),
        )
        messages: list[str | bytes] = []
        for _ in range(20):
            size = chance.choice([0, 3, 60, 125, 126, 700, 5000])
            text = chance.choice(["a", "é", "日", "😀"]) * size
            messages.append(chance.choice([text, text.encode()]))
        wire = b"".join(map(encoder.message, messages))
        found: list[object] = []
        while wire:
            size = chance.choice([1, 7, 100, 4000, 65536])
            if chance.random() < 0.5:
                found += decoder.feed(wire[:size])
            else:
                view = decoder.get_buffer(size)
                view[: len(wire[:size])] = wire[:size]
                found += decoder.buffer_updated(len(wire[:size]))
            wire = wire[size:]
        assert found == messages


class OwnConnection(Scenario):
    may_be_refused = False
    under_wsproto = True

    def step(self, thread: int, chance: random.Random) -> None:
        client, server = Connection(CLIENT), Connection(SERVER)
        for _ in range(20):
            text = "x€" * chance.randrange(300)
            server.receive_data(client.send(events.TextMessage(data=text)))
            assert [event.data for event in server.events()] == [text]


class Handed(Scenario):
    """A decoder that goes from thread to thread, in the middle of messages."""

    may_be_refused = False

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self.lock = threading.Lock()
        self.decoder = Decoder(Role.CLIENT)
        self.texts = itertools.cycle(["a" * 5000, LONG, "é" * 3000])
        self.expected: collections.deque[str] = collections.deque()
        self.wire = b""

    def step(self, thread: int, chance: random.Random) -> None:
        with self.lock:
            if not self.wire:
                self.expected.append(next(self.texts))
                encoder, half = Encoder(Role.SERVER), len(self.expected[-1]) // 2
                text = self.expected[-1]
                self.wire = encoder.text(text[:half], fin=False) + encoder.continuation(text[half:])
            size = chance.choice([1, 50, 1000, 4000])
            piece, self.wire = self.wire[:size], self.wire[size:]
            for message in self.decoder.feed(piece):
                assert message == self.expected.popleft()


# ---- one object for all: InvalidState, and nothing lost or repeated ------------------------------


class SharedDecoder(Scenario):
    """Every message that was accepted comes out once."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self.decoder = Decoder(Role.SERVER)
        self.numbers = itertools.count()
        self.fed: collections.Counter[object] = collections.Counter()
        self.found: collections.Counter[object] = collections.Counter()
        self.lock = threading.Lock()

    def step(self, thread: int, chance: random.Random) -> None:
        encoder = Encoder(Role.CLIENT)
        messages: list[str | bytes] = [f"{next(self.numbers)} é" * 20, b"%d" % next(self.numbers)]
        wire = b"".join(map(encoder.message, messages))
        found: list[object] = []
        try:
            self.decoder.feed(wire if thread % 2 else bytearray(wire))
        except InvalidState:
            messages = []
            raise
        finally:
            try:
                for message in self.decoder:
                    found.append(message)
            finally:
                with self.lock:
                    self.fed.update(messages)
                    self.found.update(found)

    def verdict(self) -> None:
        self.found.update(self.decoder)
        assert self.fed == self.found


class SharedDecoderInPieces(Scenario):
    """The pieces of all threads get mixed, so the stream is wrong; it must end as a broken one
    does."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self.decoder = Decoder(Role.SERVER, deflate=AGREEMENT)

    def step(self, thread: int, chance: random.Random) -> None:
        encoder = Encoder(Role.CLIENT, deflate=chance.choice([None, AGREEMENT]))
        wire = encoder.message("a" * 500) + encoder.message(LONG) + encoder.message(b"b" * 300_000)
        decoder = self.decoder
        try:
            while wire:
                size = chance.choice([1, 333, 5000, 100_000])
                if thread % 2 or not VIEWS:
                    decoder.feed(wire[:size])
                else:
                    view = decoder.get_buffer(size)
                    size = min(size, len(view))
                    view[: len(wire[:size])] = wire[:size]
                    decoder.buffer_updated(len(wire[:size]))
                wire = wire[size:]
                for _ in decoder:
                    pass
                repr(decoder), decoder.finished, decoder.role
        except (ProtocolError, ValueError):
            self.decoder = Decoder(Role.SERVER, deflate=AGREEMENT)
        except InvalidState:
            if decoder.finished:
                self.decoder = Decoder(Role.SERVER, deflate=AGREEMENT)
            raise


class Keys:
    """The masking keys that each thread has seen. They come from a counter (`unique_random`), so
    that any repetition is one of ours."""

    def __init__(self, threads: int) -> None:
        self.by_thread = [array.array("I") for _ in range(threads)]

    def add(self, thread: int, key: bytes) -> None:
        self.by_thread[thread].append(int.from_bytes(key, "big"))

    def assert_unique(self) -> None:
        seen = bytearray(1 + max(max(keys, default=0) for keys in self.by_thread))
        for key in itertools.chain.from_iterable(self.by_thread):
            assert key != 0, "a masking key of zeros"
            assert not seen[key], "a masking key was used twice"
            seen[key] = 1


class SharedEncoder(Scenario):
    """Every frame is right, and no masking key is used twice."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self.encoder = Encoder(Role.CLIENT)
        self.keys = Keys(threads)

    def step(self, thread: int, chance: random.Random) -> None:
        frame = self.encoder.message(b"b" * 40)
        assert fastframe.apply_mask(frame[6:], frame[2:6]) == b"b" * 40
        self.keys.add(thread, frame[2:6])
        repr(self.encoder), self.encoder.finished

    def verdict(self) -> None:
        self.keys.assert_unique()


class SharedDeflater(Scenario):
    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self.encoder = Encoder(Role.SERVER, deflate=ALONE)

    def step(self, thread: int, chance: random.Random) -> None:
        text = f"{chance.random()} " * 100
        assert list(Decoder(Role.CLIENT, deflate=ALONE).feed(self.encoder.text(text))) == [text]


class SharedValidator(Scenario):
    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self.validator = fastframe.Utf8Validator()

    def step(self, thread: int, chance: random.Random) -> None:
        assert self.validator.feed(LONG.encode())
        if chance.random() < 0.1:
            self.validator.reset()


class Prepared(Scenario):
    """Prepared messages belong to all threads."""

    may_be_refused = False

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self.text = fastframe.prepare(LONG)

    def step(self, thread: int, chance: random.Random) -> None:
        agreement = chance.choice([None, AGREEMENT, ALONE])
        text = self.text
        frame = Encoder(Role.SERVER, deflate=agreement).text(text)
        assert list(Decoder(Role.CLIENT, deflate=agreement).feed(frame)) == [LONG]
        if chance.random() < 0.05:
            self.text = fastframe.prepare(LONG)


# ---- wsproto -------------------------------------------------------------------------------------


class ReaderAndWriters(Scenario):
    """One connection: thread 0 reads and answers Pings, all others send. What every synchronous
    server does."""

    may_be_refused = False
    under_wsproto = True

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self.connection, self.peer = Connection(CLIENT), Connection(SERVER)
        self.keys = Keys(threads)

    def step(self, thread: int, chance: random.Random) -> None:
        if thread == 0:
            wire = self.peer.send(events.TextMessage(data="q€" * 100)) + self.peer.send(
                events.Ping(payload=b"?")
            )
            self.connection.receive_data(wire)
            text, ping = self.connection.events()
            assert (text.data, ping.payload) == ("q€" * 100, b"?")
            pong = self.connection.send(ping.response())
            assert pong[:2] == b"\x8a\x81"
            assert bytes([pong[6] ^ pong[2]]) == b"?"
            self.keys.add(thread, pong[2:6])
        else:
            text = f"{chance.random()} é"
            frame = self.connection.send(events.TextMessage(data=text))
            assert fastframe.apply_mask(frame[6:], frame[2:6]) == text.encode()
            self.keys.add(thread, frame[2:6])

    def verdict(self) -> None:
        self.keys.assert_unique()


class TwoReaders(Scenario):
    """Events come out once, or somebody is refused."""

    under_wsproto = True

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self.connection = Connection(SERVER)
        self.numbers = itertools.count()
        self.fed: collections.Counter[str] = collections.Counter()
        self.found: collections.Counter[str] = collections.Counter()
        self.lock = threading.Lock()
        self.generator = self.connection.events()

    def step(self, thread: int, chance: random.Random) -> None:
        text = f"{next(self.numbers)}"
        wire = Encoder(Role.CLIENT).text(text)
        found: list[str] = []
        accepted = False
        try:
            self.connection.receive_data(wire)
            accepted = True
            if chance.random() < 0.3:
                self.generator = self.connection.events()
            for event in self.generator if thread % 2 else self.connection.events():
                found.append(event.data)
            decoder = self.connection._proto._frame_decoder
            _looked_at = [decoder.buffer, decoder.header, decoder.masker, decoder.payload_consumed]
        finally:
            with self.lock:
                self.fed.update([text] * accepted)
                self.found.update(found)

    def verdict(self) -> None:
        self.found.update(event.data for event in self.connection.events())
        assert self.fed == self.found


class BegunAnew(Scenario):
    """Thread 0 calls __init__ of a protocol again, and changes its list of extensions, while the
    others use it."""

    under_wsproto = True

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self.protocol = FrameProtocol(False, [])
        self.extension = PerMessageDeflate()

    def step(self, thread: int, chance: random.Random) -> None:
        protocol = self.protocol
        if thread == 0:
            with contextlib.suppress(InvalidState):  # always without the GIL
                protocol.__init__(False, [])  # type: ignore[misc]
            protocol.extensions.append(self.extension)
            protocol.extensions.clear()
        elif thread % 2:
            assert protocol.ping(b"x")[:2] == b"\x89\x01"
        else:
            protocol.receive_bytes(b"")
            assert list(protocol.received_frames()) == []
            assert protocol._frame_decoder.payload_consumed == 0


class InstallAndUninstall(Scenario):
    """Thread 0 installs with changing options, and takes it out again; the others make
    connections."""

    may_be_refused = False
    under_wsproto = True

    def step(self, thread: int, chance: random.Random) -> None:
        if thread == 0:
            fastframe.install("wsproto", max_message_size=2**20)
            fastframe.install("wsproto", max_fragments=9, deflate=Deflate(level=1))
            fastframe.uninstall("wsproto")
            fastframe.status()
            return
        client, server = Connection(CLIENT), Connection(SERVER)
        for _ in range(5):
            server.receive_data(client.send(events.TextMessage(data="x€" * 100)))
            assert [event.data for event in server.events()] == ["x€" * 100]


class Kernels(Scenario):
    """Thread 0 changes the kernels, the others use them."""

    may_be_refused = False

    def step(self, thread: int, chance: random.Random) -> None:
        if thread == 0:
            from fastframe._codec.kernels import _select_kernel

            for name in reversed(fastframe.available_kernels()):
                _select_kernel(name)
        text = LONG.encode()
        assert fastframe.apply_mask(fastframe.apply_mask(text, b"abcd"), b"abcd") == text
        assert fastframe.is_utf8(text)
        assert fastframe.active_kernel() in fastframe.available_kernels()
        assert list(Decoder(Role.CLIENT).feed(Encoder(Role.SERVER).text(LONG))) == [LONG]


SCENARIOS: dict[str, type[Scenario]] = {
    kind.__name__: kind
    for kind in (
        OwnCodec, OwnConnection, Handed, SharedDecoder, SharedDecoderInPieces, SharedEncoder,
        SharedDeflater, SharedValidator,
        Prepared, ReaderAndWriters, TwoReaders, BegunAnew, InstallAndUninstall, Kernels,
    )
}  # fmt: skip


class Result:
    def __init__(self) -> None:
        self.done = self.refused = 0
        self.wrong: list[str] = []


def run(name: str, threads: int, seconds: float) -> Result:
    """One scenario."""
    kind = SCENARIOS[name]
    result = Result()
    if kind.under_wsproto:
        fastframe.install("wsproto")
    try:
        with mock.patch.object(os, "urandom", unique_random()):
            _run(kind, threads, seconds, result)
    finally:
        fastframe.uninstall("wsproto")
    return result


def _run(kind: type[Scenario], threads: int, seconds: float, result: Result) -> None:
    lock = threading.Lock()
    scenario = kind(threads)
    stop, together = time.monotonic() + seconds, threading.Barrier(threads)

    def steps(thread: int) -> None:
        chance = random.Random(thread)
        done = refused = 0
        together.wait(60)
        try:
            while time.monotonic() < stop:
                try:
                    scenario.step(thread, chance)
                    done += 1
                except InvalidState:
                    refused += 1
        except BaseException:
            with lock:
                result.wrong.append(traceback.format_exc(limit=4))
        with lock:
            result.done += done
            result.refused += refused

    running = [threading.Thread(target=steps, args=(thread,)) for thread in range(threads)]
    for each in running:
        each.start()
    for each in running:
        each.join()
    try:
        scenario.verdict()
    except AssertionError:
        result.wrong.append(traceback.format_exc(limit=2))
    if result.refused and not kind.may_be_refused:
        result.wrong.append(f"{result.refused} calls were refused")
    if not result.done:
        result.wrong.append("nothing was done")


def unique_random() -> Callable[[int], bytes]:
    """Instead of os.urandom: no four bytes come twice."""
    lock, counter = threading.Lock(), itertools.count(1)

    def urandom(size: int) -> bytes:
        with lock:
            return b"".join(next(counter).to_bytes(4, "big") for _ in range(size // 4))

    return urandom


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=", ".join(SCENARIOS))
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=26, help="in all")
    arguments = parser.parse_args()
    sys.setswitchinterval(1e-5)
    names = arguments.scenarios or list(SCENARIOS)
    print(
        f"{sys.version.split()[0]}, {'with' if gil_enabled() else 'without'} the GIL, "
        f"{arguments.threads} threads"
    )
    failed = False
    for name in names:
        result = run(name, arguments.threads, arguments.seconds / len(names))
        print(
            f"{name:24}{result.done:10,} done{result.refused:10,} refused{len(result.wrong):4} "
            f"wrong",
            flush=True,
        )
        failed = failed or bool(result.wrong)
        for error in result.wrong[:3]:
            print(error, file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
