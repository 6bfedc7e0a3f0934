"""The ASGI application of one connection: what it awaits, and what it sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from uvicorn.protocols.utils import ClientDisconnected

from fastframe._types import ProtocolError
from fastframe.uvicorn.receive_queue import Event, ReceiveQueue
from fastframe.uvicorn.state import State

if TYPE_CHECKING:
    import logging

# What an application may send, and the method of the protocol that does it.
ACTIONS = {
    State.CONNECTING: {
        "websocket.accept": "accept",
        "websocket.close": "reject",
        "websocket.http.response.start": "begin_response",
    },
    State.REJECTING: {"websocket.http.response.body": "continue_response"},
    State.OPEN: {"websocket.send": "send_message", "websocket.close": "close"},
}

OPEN = State.OPEN  # looked up once, as each message is compared with it

# In uvicorn's words and punctuation.
EXPECTED = {
    State.CONNECTING: "'websocket.accept', 'websocket.close' or 'websocket.http.response.start'",
    State.REJECTING: "'websocket.http.response.body'",
    State.OPEN: "'websocket.send' or 'websocket.close',",
}


class Connection(Protocol):
    """What an application needs of its connection, besides the methods in ACTIONS."""

    app: Any
    scope: Event
    logger: logging.Logger
    state: State
    queue: ReceiveQueue
    connection_lost_called: bool
    lost_code: int
    reading_paused: bool
    writing_paused: bool

    @property
    def decoder(self) -> object: ...
    def send_message(self, message: Mapping[str, Any]) -> None: ...
    def deliver_rest(self) -> None: ...
    def fail(self, error: ProtocolError) -> None: ...
    def send_500_response(self) -> None: ...
    def close_transport(self) -> None: ...
    async def until_writable(self) -> None: ...


class Application:
    __slots__ = ("__weakref__", "_protocol")

    def __init__(self, protocol: Connection) -> None:
        self._protocol = protocol

    async def run(self) -> None:
        protocol = self._protocol
        try:
            result = await protocol.app(protocol.scope, self.receive, self.send)
        except ClientDisconnected:
            pass
        except BaseException:
            protocol.logger.exception("Exception in ASGI application\n")
            protocol.send_500_response()
        else:
            if protocol.state is State.CONNECTING:
                protocol.logger.error("ASGI callable returned without completing handshake.")
                protocol.send_500_response()
            elif result is not None:
                protocol.logger.error(
                    "ASGI callable should return None, but returned '%s'.", result
                )
        finally:
            if protocol.state not in (State.CLOSING, State.FAILED):
                protocol.close_transport()

    async def receive(self) -> Event:
        protocol, queue = self._protocol, self._protocol.queue
        events = queue.events
        while not events:
            if queue.pending_violation is not None:
                protocol.fail(queue.pending_violation)
            if not queue.has_ended and protocol.connection_lost_called:  # without a Close
                queue.end(
                    {
                        "type": "websocket.disconnect",
                        "code": 1006 if protocol.decoder is None else protocol.lost_code,
                    }
                )
            if queue.has_ended:
                return queue.take_disconnect()
            await queue.until_woken()
        event = events.pop(0)
        if protocol.reading_paused and not events:
            protocol.deliver_rest()
        return event

    async def send(self, message: Mapping[str, Any]) -> None:
        protocol, kind = self._protocol, message["type"]
        if (
            protocol.writing_paused and kind != "websocket.close"
        ):  # closing must not wait for a slow reader
            await protocol.until_writable()
        state = protocol.state
        if protocol.connection_lost_called:
            raise ClientDisconnected
        if state is OPEN and kind == "websocket.send":  # the usual case
            protocol.send_message(message)
        elif state is State.CLOSING:
            raise RuntimeError(
                f"Unexpected ASGI message '{kind}', after sending 'websocket.close'."
            )
        elif state not in ACTIONS:
            raise ClientDisconnected
        elif kind not in ACTIONS[state]:
            raise RuntimeError(f"Expected ASGI message {EXPECTED[state]} but got '{kind}'.")
        else:
            getattr(protocol, ACTIONS[state][kind])(message)
