"""What payloads are called."""

from __future__ import annotations

import pytest

from fastframe._inspect.subprotocols import LARGEST_JSON, labeller
from tests.inspect.captures import SERVER, Tcp
from tests.inspect.conftest import Run
from tests.strategies import frame


@pytest.mark.parametrize(
    ("subprotocol", "payload", "label"),
    [
        ("v10.stomp", b"CONNECT\nhost:x\n\n\0", "CONNECT"),
        ("v11.stomp", b"SEND\r\nhost:x\r\n\r\n\0", "SEND"),
        ("v12.stomp", b"\n", "heart-beat"),
        ("v12.stomp", b"\r\n", "heart-beat"),
        ("v12.stomp", b"send\n", ""),
        ("v12.stomp", b"", ""),
        ("mqtt", b"\x10\x0c\x00\x04MQTT", "CONNECT"),
        ("mqtt", b"\xc0\x00", "PINGREQ"),
        ("mqttv3.1", b"\x30\x00", "PUBLISH"),
        ("mqtt", b"\x00", ""),
        ("mqtt", b"", ""),
        ("wamp.2.json", b'[1, "realm1", {}]', "HELLO"),
        ("wamp.2.json", b' [ 36,1,2]', "EVENT"),
        ("wamp.2.json", b"[7, 1]", ""),
        ("wamp.2.json", b"{}", ""),
        ("graphql-transport-ws", b'{"id": "1", "payload": {"type": "x"}, "type": "next"}', "next"),
        ("graphql-ws", b'{"type": "start"}', "start"),
        ("graphql-ws", b'{"type": 1}', ""),
        ("graphql-ws", b"[]", ""),
        ("graphql-ws", b"{", ""),
        ("graphql-ws", b"\xff", ""),
        ("graphql-ws", b"[" * 60_000, ""),
        ("graphql-ws", b" " * LARGEST_JSON + b'{"type": "start"}', ""),
        ("another", b'{"type": "start"}', ""),
        ("", b"", ""),
    ],
)  # fmt: skip
def test_labels(subprotocol: str, payload: bytes, label: str) -> None:
    assert labeller(subprotocol)(payload) == label


def test_a_label_on_the_line(run: Run) -> None:
    made = (
        Tcp().handshake("Sec-WebSocket-Protocol: mqtt").send(SERVER, frame(2, b"\x20\x02\x00\x00"))
    )
    assert "[CONNACK] 20020000" in run(made.pcap()).out
    assert run(made.pcap(), "--json").of("message")[0]["label"] == "CONNACK"
    assert run(made.pcap(), "--json", "--frames").of("frame")[0]["label"] == "CONNACK"
