"""What a payload is for, in subprotocols that many programs speak: one short label."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

LARGEST_JSON = 1 << 16  # bytes; what is larger gets no label

MQTT_PACKETS = (  # MQTT 5.0, 2.1.2
    "", "CONNECT", "CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBSCRIBE",
    "SUBACK", "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH",
)  # fmt: skip
WAMP_MESSAGES = {  # the WAMP protocol, "Message Codes and Direction"
    1: "HELLO", 2: "WELCOME", 3: "ABORT", 4: "CHALLENGE", 5: "AUTHENTICATE", 6: "GOODBYE",
    8: "ERROR", 16: "PUBLISH", 17: "PUBLISHED", 32: "SUBSCRIBE", 33: "SUBSCRIBED",
    34: "UNSUBSCRIBE", 35: "UNSUBSCRIBED", 36: "EVENT", 48: "CALL", 49: "CANCEL", 50: "RESULT",
    64: "REGISTER", 65: "REGISTERED", 66: "UNREGISTER", 67: "UNREGISTERED", 68: "INVOCATION",
    69: "INTERRUPT", 70: "YIELD",
}  # fmt: skip
_WAMP_CODE = re.compile(rb"\s*\[\s*(\d{1,3})\s*[,\]]")
_STOMP_COMMAND = re.compile(rb"[A-Z]{1,20}(?=\r?\n)")


def stomp(payload: bytes) -> str:
    """The command: the first line (STOMP 1.2). A lone end of line is a heart-beat."""
    if payload in (b"\n", b"\r\n"):
        return "heart-beat"
    command = _STOMP_COMMAND.match(payload)
    return command[0].decode("ascii") if command else ""


def mqtt(payload: bytes) -> str:
    """The type of the first packet: the upper half of its first byte (MQTT 5.0, 2.1.2)."""
    return MQTT_PACKETS[payload[0] >> 4] if payload else ""


def wamp(payload: bytes) -> str:
    """The name of the code that the array begins with."""
    code = _WAMP_CODE.match(payload)
    return WAMP_MESSAGES.get(int(code[1]), "") if code else ""


def graphql(payload: bytes) -> str:
    """The member "type" of the object."""
    if len(payload) > LARGEST_JSON:
        return ""
    try:
        message = json.loads(payload)
    except (ValueError, RecursionError):
        return ""
    kind = message.get("type") if isinstance(message, dict) else None
    return kind[:40] if isinstance(kind, str) else ""


SUBPROTOCOLS: dict[str, Callable[[bytes], str]] = {
    "v10.stomp": stomp,
    "v11.stomp": stomp,
    "v12.stomp": stomp,
    "mqtt": mqtt,
    "mqttv3.1": mqtt,
    "wamp.2.json": wamp,
    "graphql-transport-ws": graphql,
    "graphql-ws": graphql,
}


def no_label(payload: bytes) -> str:
    """For a subprotocol that is not known."""
    return ""


def labeller(subprotocol: str) -> Callable[[bytes], str]:
    """What names the payloads of a subprotocol; "" is no name."""
    return SUBPROTOCOLS.get(subprotocol, no_label)
