"""A str that the old C API made and nothing has looked at yet: CPython 3.10 and 3.11 have them
(`not ready`)."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from fastframe import Encoder, Role
from tests.strategies import frame

_testcapi: Any = pytest.importorskip("_testcapi")
pytestmark = pytest.mark.skipif(sys.version_info >= (3, 12), reason="there is no such str any more")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("text", ["ascii", "żółć", "日本", "😀", ""])
def test_it_is_sent_as_it_is(text: str) -> None:
    def legacy() -> str:
        made: str = _testcapi.unicode_legacy_string(text)
        return made

    encoder = Encoder(Role.SERVER)
    expected = frame(1, text.encode())
    assert encoder.text(legacy()) == encoder.message(legacy()) == expected
    assert encoder.text(legacy(), fin=False) + encoder.continuation(legacy()) == (
        frame(1, text.encode(), fin=False) + frame(0, text.encode())
    )
    assert encoder.close(1000, legacy()) == frame(8, b"\x03\xe8" + text.encode())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_wsproto_sends_it_as_it_is() -> None:
    pytest.importorskip("wsproto")
    from wsproto.connection import SERVER, Connection
    from wsproto.events import TextMessage

    import fastframe
    from fastframe.frame_protocol import FrameProtocol

    assert FrameProtocol(False, []).send_data(_testcapi.unicode_legacy_string("żółć")) == frame(
        1, "żółć".encode()
    )
    with fastframe.installed("wsproto"):
        sent = Connection(SERVER).send(TextMessage(_testcapi.unicode_legacy_string("日本")))
    assert sent == frame(1, "日本".encode())
