"""chat.v1: JSON in text messages. `t` says what a message is.

client: {"t":"join","room":R,"after":ID|null}     ID: the last message that it has seen; what came
                                                  later is replayed. null: only what comes from now
                                                  on
        {"t":"msg","id":CLIENT_ID,"text":T}       to the room it has joined; sent again with the
                                                  same id, it appears once
        {"t":"ack","id":ID}                       it has kept all messages up to this one
        {"t":"present","follow":true}             who is in the room? With follow it is told again
                                                  after each change
        {"t":"live"}                              what does fastframe do?
server: {"t":"joined","room":R,"last":ID,"user":U}    ID: of the room's last message, null if there
                                                  is none. U: whom the token names
        {"t":"msg","id":ID,"from":U,"text":T,"client_id":CLIENT_ID}      in the order of their ids,
                                                                         which is the same for
                                                                         everyone
        {"t":"sent","client_id":CLIENT_ID,"id":ID}                       it is kept
        {"t":"present","room":R,"users":[U,...]}
        {"t":"live","active":B,...}               figures of this server: watching.Live
        {"t":"error","code":C,"reason":S}         and a Close with this code, but for UNAVAILABLE:
                                                  the client sends it again
"""

from __future__ import annotations

import json
from enum import IntEnum
from typing import Any

SUBPROTOCOL = "chat.v1"


class Code(IntEnum):
    """Why a server closes. A client may come back after the last five; the others say that it would
    be refused again."""

    MESSAGE_TOO_BIG = 1009  # RFC 6455, 7.4.1
    BAD_MESSAGE = 4400
    UNAUTHORIZED = 4401  # the token is missing, wrong or expired
    WRONG_ORIGIN = 4403
    TOO_SLOW = 4408  # more messages wait for the client than the server keeps
    RESTART = 1012
    TOO_MANY_MESSAGES = 4429
    TOO_MANY_CONNECTIONS = 1013
    UNAVAILABLE = 4503  # Redis does not answer


FINAL = frozenset({Code.MESSAGE_TOO_BIG, Code.BAD_MESSAGE, Code.UNAUTHORIZED, Code.WRONG_ORIGIN})


class Refused(Exception):  # noqa: N818 (it is not an error of this program)
    """What a client did is against a rule."""

    def __init__(self, code: Code, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


def encoded(kind: str, **fields: Any) -> str:
    return json.dumps({"t": kind, **fields}, ensure_ascii=False, separators=(",", ":"))


# The fields of what a client sends, each with its types and the most characters it may have.
FIELDS: dict[str, dict[str, tuple[tuple[type, ...], int]]] = {
    "join": {"room": ((str,), 64), "after": ((str, type(None)), 41)},
    "msg": {"id": ((str,), 64), "text": ((str,), 1 << 20)},
    "ack": {"id": ((str,), 41)},
    "present": {"follow": ((bool, type(None)), 0)},
    "live": {},
}


def decoded(text: str) -> dict[str, Any]:
    """A client's message. Refused if it is not as described above; other fields are left alone."""
    try:
        message = json.loads(text)
        fields = FIELDS[message["t"]]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Refused(Code.BAD_MESSAGE, 'a message is a JSON object with "t"') from None
    for name, (types, most) in fields.items():
        value = message.get(name)
        if not isinstance(value, types) or (isinstance(value, str) and not 0 < len(value) <= most):
            raise Refused(
                Code.BAD_MESSAGE, f"{message['t']}: {name} is missing, or not what it must be"
            )
        if isinstance(value, str) and not is_utf8(value):
            raise Refused(Code.BAD_MESSAGE, f"{message['t']}: {name} has half of a surrogate pair")
    return dict(message)


def is_utf8(text: str) -> bool:
    """False if it has half of a surrogate pair, which JSON can write."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


Id = tuple[int, int]


def parsed_id(text: str | None) -> Id:
    """An id of Redis, as it is ordered. None: before all."""
    if text is None:
        return (0, 0)
    milliseconds, _, number = text.partition("-")
    if not (milliseconds.isdecimal() and (number or "0").isdecimal() and text.isascii()):
        raise Refused(Code.BAD_MESSAGE, "an id is that of a message")
    return int(milliseconds), int(number or 0)
