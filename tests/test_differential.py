"""wsproto is the oracle: the same bytes in the same pieces, and everything that can be seen must be the same."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

wsproto = pytest.importorskip("wsproto")

import wsproto.frame_protocol  # noqa: E402

import fastframe.frame_protocol  # noqa: E402
from fastframe.differential import Session, find_difference, observe_decoder, observe_protocol  # noqa: E402
from tests.strategies import sessions  # noqa: E402


@given(sessions())
def test_frame_decoder(session: Session) -> None:
    assert observe_decoder(fastframe.frame_protocol.FrameDecoder, session) == observe_decoder(
        wsproto.frame_protocol.FrameDecoder, session
    )


@given(sessions())
def test_frame_protocol(session: Session) -> None:
    assert observe_protocol(fastframe.frame_protocol.FrameProtocol, session) == observe_protocol(
        wsproto.frame_protocol.FrameProtocol, session
    )


@given(sessions())
def test_connection(session: Session) -> None:
    assert find_difference(session) is None
