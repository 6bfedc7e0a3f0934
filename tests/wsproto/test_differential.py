"""wsproto is the oracle: the same bytes in the same pieces, and everything that can be seen must be
the same."""

from __future__ import annotations

import pytest
from hypothesis import given

pytest.importorskip("wsproto")

from fastframe._cli.differential import Session, find_difference
from tests.strategies import sessions


@given(sessions())
def test_frame_decoder_frame_protocol_and_connection(session: Session) -> None:
    difference = find_difference(session)
    assert difference is None, str(difference)
