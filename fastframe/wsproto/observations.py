"""What a program sees of wsproto's Connection, for the self-check."""

from __future__ import annotations

from typing import Any

from fastframe._targets.observations import KEY, TEXT, Observation, cut, outcome, streams


def observe() -> Observation:
    from wsproto.connection import CLIENT, SERVER, Connection
    from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
    from wsproto.extensions import PerMessageDeflate

    def connection(kind: Any, deflate: bool) -> Any:
        extensions: list[Any] = []
        if deflate:
            extensions.append(PerMessageDeflate())
            extensions[0].finalize("permessage-deflate")
        return Connection(kind, extensions)

    found: Observation = []
    no_str: Any = b"bytes"
    sent: list[Any] = [
        TextMessage(data=TEXT), BytesMessage(data=b"bytes" * 99),
        TextMessage(data="a", message_finished=False), TextMessage(data="b"), Ping(payload=b"?"),
        Pong(), BytesMessage(data=bytearray(b"array")), TextMessage(data=no_str),
        CloseConnection(code=1000, reason="bye"), TextMessage(data="too late"),
    ]  # fmt: skip
    for kind in (SERVER, CLIENT):
        for deflate in (False, True):
            for stream in streams(KEY if kind is SERVER else None, deflate=deflate):
                for pieces in cut(stream):
                    made = connection(kind, deflate)
                    for piece in pieces:
                        found.append(outcome(made.receive_data, piece))
                        found.append(outcome(lambda made=made: list(map(repr, made.events()))))
                    found.append((made.state, outcome(made.receive_data, None)))
            made = connection(kind, deflate)
            for event in sent:
                answer = outcome(made.send, event)
                found.append(
                    answer
                    if kind is SERVER or not isinstance(answer[1], bytes)
                    else (answer[0], len(answer[1]))
                )
    return found
