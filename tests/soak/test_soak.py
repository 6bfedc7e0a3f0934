"""The long differentials for a moment: they compare what they say, and see a difference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("wsproto")

import wsproto.frame_protocol
from wsproto.events import TextMessage

import fastframe.frame_protocol
from tests.soak import frames, ledger, traffic
from tests.soak.traffic import sessions

pytestmark = pytest.mark.usefixtures("undisturbed")


def test_frames() -> None:
    counts = frames.compare(seed=1, frames=30_000)
    assert counts["frames"] >= 30_000
    assert counts["sessions"] > 3 * frames.BATCH, "each level had a batch"


def test_traffic_is_of_every_kind_and_the_same_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "SESSIONS_OF_A_POOL", 3)
    made = list(sessions(seed=2, frames=10_000))
    assert [session.pieces for session in sessions(seed=2, frames=10_000)] == [
        session.pieces for session in made
    ]
    assert {session.client for session in made} == {False, True}
    assert len({session.deflate for session in made}) > 1


@pytest.mark.parametrize("level", frames.LEVELS)
def test_a_difference_is_seen_at_each_level(level: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def in_one_place(module: Any, session: Any) -> Any:
        seen = level(module, session)
        if module is fastframe.frame_protocol:
            seen[-1] = (*seen[-1], "more")
        return seen

    monkeypatch.setattr(frames, "LEVELS", (in_one_place,))
    with pytest.raises(frames.DifferenceError, match="seed 3, session 0"):
        frames.compare(seed=3, frames=1000)


def test_a_difference_of_a_type_is_seen() -> None:
    """1 is True, and a bytearray is its bytes: for a program they are not the same."""
    (session,) = (next(sessions(seed=4, frames=100)),)

    class Odd:
        @staticmethod
        def FrameDecoder(*arguments: Any) -> Any:  # noqa: N802
            decoder = wsproto.frame_protocol.FrameDecoder(*arguments)
            process = decoder.process_buffer

            def process_buffer() -> Any:
                frame = process()
                return frame and frame._replace(payload=memoryview(bytes(frame.payload)))

            decoder.process_buffer = process_buffer
            return decoder

    assert frames.at_frame_decoder(Odd, session) != frames.at_frame_decoder(
        wsproto.frame_protocol, session
    )


def test_actions(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("uvicorn.protocols.websockets.websockets_sansio_impl")
    from tests.soak import actions

    monkeypatch.setattr(actions, "SCRIPTS_OF_A_POOL", 20)
    counts = actions.compare(seed=1, actions=1500)
    assert counts["actions"] >= 1500
    assert counts["in a way of their own"] < counts["sessions"] / 10


def test_a_difference_of_actions_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("uvicorn.protocols.websockets.websockets_sansio_impl")
    from tests.soak import actions

    class Other(actions.WSProtocol):
        def send_message(self, message: Any) -> None:
            if message.get("text"):
                message = {**message, "text": message["text"] + "!"}
            super().send_message(message)

    monkeypatch.setattr(actions, "WSProtocol", Other)
    with pytest.raises(frames.DifferenceError, match="seed 5"):
        actions.compare(seed=5, actions=1000)


def test_an_event_is_sent_at_the_level_of_the_protocol() -> None:
    protocol = wsproto.frame_protocol.FrameProtocol(client=False, extensions=[])
    assert frames.sent_by_protocol(protocol, TextMessage("é")) == b"\x81\x02\xc3\xa9"


def test_the_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeds that follow each other are one line, and are not done again."""
    monkeypatch.setattr(ledger, "LEDGER", tmp_path / "ledger.json")
    monkeypatch.setattr(ledger, "SHARDS", tmp_path / "shards.jsonl")
    same = {"what": "frames", "commit": "a", "wsproto": "1", "python": "3", "seconds": 1.4}
    for seed, kernel in ((1, "avx2"), (0, "portable"), (5, "avx2")):
        ledger.add({**same, "seed": seed, "kernel": kernel, "frames": 10, "sessions": 1})
    assert ledger.done("frames") == ({0, 1, 5}, 30)
    ledger.fold()
    assert ledger.done("frames") == ({0, 1, 5}, 30)
    assert [run["seeds"] for run in ledger.kept()] == [[0, 1], [5, 5]]
    assert ledger.kept()[0]["kernels"] == ["avx2", "portable"]
    ledger.add({**same, "seed": 2, "kernel": "avx2", "frames": 10, "sessions": 1, "commit": "b"})
    ledger.fold()
    assert [run["frames"] for run in ledger.kept()] == [20, 10, 10]
    assert ledger.done("actions") == (set(), 0)
