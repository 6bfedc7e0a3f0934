"""Any wsproto extension, not only permessage-deflate: the same hooks, in the same order, with the
same arguments."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given

pytest.importorskip("wsproto")

import wsproto.frame_protocol as original
from wsproto.extensions import Extension
from wsproto.frame_protocol import CloseReason, RsvBits

import fastframe.frame_protocol as drop_in
from fastframe._cli.differential import (
    Session,
    fixed_random_bytes,
    observe_decoder,
    observe_protocol,
    signature,
)
from tests.helpers import KEY
from tests.strategies import frame, sessions

Log = list[Any]


class Recorder(Extension):
    """Writes every call into a log, and answers as it is told to."""

    name = "recorder"

    def __init__(
        self, log: Log, answers: dict[str, Any] | None = None, enabled: Any = True
    ) -> None:
        self.log = log
        self.answers = answers or {}
        self._enabled = enabled

    def offer(self) -> bool:
        return True

    def enabled(self) -> bool:
        self.log.append("enabled")
        return next(self._enabled) if hasattr(self._enabled, "__next__") else self._enabled

    def _call(self, hook: str, proto: Any, default: Any, *arguments: Any) -> Any:
        self.log.append((hook, type(proto).__name__, proto.client, *map(signature, arguments)))
        answer = self.answers.get(hook, default)
        if isinstance(answer, Exception):
            raise answer
        return answer(default) if callable(answer) else answer

    def frame_inbound_header(self, proto: Any, opcode: Any, rsv: Any, payload_length: int) -> Any:
        return self._call(
            "header", proto, RsvBits(False, False, False), opcode, rsv, payload_length
        )

    def frame_inbound_payload_data(self, proto: Any, data: Any) -> Any:
        return self._call("payload", proto, data, data)

    def frame_inbound_complete(self, proto: Any, fin: bool) -> Any:
        return self._call("complete", proto, None, fin)

    def frame_outbound(self, proto: Any, opcode: Any, rsv: Any, data: Any, fin: bool) -> Any:
        return self._call("outbound", proto, (rsv, data), opcode, rsv, data, fin)


def both(session: Session, make: Any) -> tuple[Any, Any]:
    results = []
    for module in (drop_in, original):
        log: Log = []
        with_log = Session(
            session.kind,
            session.client,
            session.frames,
            session.cuts,
            (),
            lambda log=log: make(log),
        )
        seen = [
            observe_decoder(module.FrameDecoder, with_log),
            observe_protocol(module.FrameProtocol, with_log),
        ]
        results.append((seen, log))
    return results[0], results[1]


ANSWERS: list[dict[str, Any]] = [
    {},
    {"header": RsvBits(True, False, False)},
    {"header": (True, True, True)},
    {"header": (0, 1)},
    {"header": (True, True, True, True)},
    {"header": CloseReason.POLICY_VIOLATION},
    {"header": 5},
    {"header": RuntimeError("header")},
    {"payload": b"replaced"},
    {"payload": bytearray(b"replaced")},
    {"payload": lambda data: data[::-1]},
    {"payload": lambda data: memoryview(bytes(data))},
    {"payload": b"\xff"},
    {"payload": 3},
    {"payload": None},
    {"payload": "text"},
    {"payload": CloseReason.MESSAGE_TOO_BIG},
    {"payload": KeyError("payload")},
    {"complete": b"tail"},
    {"complete": bytearray(b"tail")},
    {"complete": b"\xe2\x82"},
    {"complete": "tail"},
    {"complete": CloseReason.INVALID_FRAME_PAYLOAD_DATA},
    {"complete": ValueError("complete")},
]


@pytest.mark.parametrize(
    "answers", ANSWERS, ids=lambda answers: f"{ANSWERS.index(answers)}-{'-'.join(answers)}"
)
@pytest.mark.parametrize("client", [False, True])
def test_inbound_hooks(client: bool, answers: dict[str, Any]) -> None:
    key = None if client else KEY
    frames = (
        frame(1, b"text", rsv=4, key=key), frame(2, b"", key=key),
        frame(1, "aé".encode()[:2], fin=False, key=key),
        frame(9, b"ping", key=key), frame(0, "é".encode()[1:], key=key),
        frame(2, b"rsv", rsv=3, key=key), frame(8, b"", key=key),
    )  # fmt: skip
    size = sum(map(len, frames))
    for cuts in [(), tuple(range(1, size)), *((cut,) for cut in range(1, size))]:
        session = Session("hooks", client, frames, cuts)
        found, expected = both(session, lambda log: [Recorder(log, answers)])
        assert found == expected, cuts
        found, expected = both(session, lambda log: [Recorder(log), Recorder(log, answers)])
        assert found == expected, cuts


@given(sessions())
def test_hooks_of_any_traffic(session: Session) -> None:
    found, expected = both(
        session, lambda log: [Recorder(log, {"header": RsvBits(True, True, True)})]
    )
    assert found == expected


def test_extensions_are_filtered_twice_as_wsproto_does() -> None:
    session = Session("enabled", True, (frame(1, b"text"), frame(2, b"more")))
    for enabled in itertools.product([True, False], repeat=2):
        found, expected = both(
            session, lambda log, enabled=enabled: [Recorder(log, {}, itertools.cycle(enabled))]
        )
        assert found == expected


@pytest.mark.parametrize("client", [False, True])
@pytest.mark.parametrize(
    "outbound",
    [
        None,
        (RsvBits(True, False, True), b"replaced"),
        (RsvBits(False, False, False), bytearray(200)),
        (RsvBits(False, False, False), "text"),
        (RsvBits(2, False, False), b""),  # type: ignore[arg-type]
        RuntimeError("outbound"),
    ],
    ids=str,
)
def test_outbound_hooks(client: bool, outbound: Any) -> None:
    results = []
    for module in (drop_in, original):
        log: Log = []
        answers = {} if outbound is None else {"outbound": outbound}
        protocol = module.FrameProtocol(client, [Recorder(log, answers), Recorder(log)])
        outcomes = []
        with fixed_random_bytes():
            for call in (
                lambda protocol=protocol: protocol.send_data("é", False),
                lambda protocol=protocol: protocol.send_data("rest"),
                lambda protocol=protocol: protocol.ping(b"p"),
                lambda protocol=protocol: protocol.pong(),
                lambda protocol=protocol: protocol.close(1000, "bye"),
            ):
                try:
                    outcomes.append(signature(call()))
                except Exception as error:
                    outcomes.append(signature(error))
        results.append((outcomes, log))
    assert results[0] == results[1]
