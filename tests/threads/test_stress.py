"""A short run of each scenario of stress.py, with and without the GIL; `make stress` runs them for
ten minutes."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

import fastframe
from tests.helpers import ROOT, gil_enabled
from tests.threads.stress import SCENARIOS, run


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name: str) -> None:
    result = run(name, threads=4, seconds=0.4)
    assert result.wrong == []
    assert result.done > 0


@pytest.mark.skipif(gil_enabled(), reason="threads of this interpreter take turns")
def test_without_the_gil_a_second_caller_is_refused() -> None:
    """The scenarios above must have something to look at: threads that do meet."""
    assert run("SharedEncoder", threads=4, seconds=2).refused > 0


@pytest.mark.skipif(
    not hasattr(sys, "_is_gil_enabled"), reason="CPython 3.12 and older have a GIL always"
)
def test_an_import_does_not_enable_the_gil() -> None:
    code = """if True:
        import sys
        before = sys._is_gil_enabled()
        import fastframe, fastframe.frame_protocol, fastframe.deflate
        fastframe.install("wsproto")
        assert sys._is_gil_enabled() == before
    """
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, cwd=ROOT)


def test_a_decoder_may_be_handed_to_another_thread_inside_a_message() -> None:
    """Memory that one thread took is not resized by another: without the GIL CPython refuses."""
    encoder = fastframe.Encoder(fastframe.Role.SERVER)
    for text in ("a" * 9000, "é" * 9000):
        decoder = fastframe.Decoder(fastframe.Role.CLIENT)
        pieces = [
            encoder.text(text[:3000], fin=False),
            encoder.continuation(text[3000:6000], fin=False),
        ]
        pieces.append(encoder.continuation(text[6000:]))
        assert [message for piece in pieces for message in in_another_thread(decoder, piece)] == [
            text
        ]


def in_another_thread(decoder: fastframe.Decoder, piece: bytes) -> list[object]:
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.extend(decoder.feed(piece)))
    thread.start()
    thread.join()
    return found
