"""fastframe's class on a stream of HTTP/2 (RFC 8441), as uvicorn gives it one: with a transport of
its own, and with a connection that sends the answer to a request that is parsed already.

What is another than on a socket: the answer is 200, without key and accept; reading cannot be
paused, so that a peer that is too far ahead is closed with 1013; and `data_received(None)` is the
end.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Any

from wsproto.events import AcceptConnection, RejectConnection, RejectData, Request

from fastframe.uvicorn.handshake import BadRequestError, Handshake
from fastframe.uvicorn.protocol import WSProtocol
from fastframe.uvicorn.receive_queue import MOST_WAITING, Event, ReceiveQueue
from fastframe.uvicorn.state import State
from fastframe.uvicorn.usual_handshake import Headers

USED = frozenset(
    {
        "conn", "http_version", "connection_made", "handle_connect", "data_received",
        "response_started", "close_sent", "connection_lost", "shutdown", "pause_writing",
        "resume_writing", "queue", "queue.qsize", "queue.empty", "queue.get_nowait",
        "queue.put_nowait",
    }
)  # fmt: skip
"""What uvicorn's transport may use of its protocol. One that uses anything else gets uvicorn's own
class."""


class StreamHandshake(Handshake):
    """The request as uvicorn has parsed it, and the answers through its connection. What a method
    returns is to be written, as the headers are not."""

    def __init__(self, connection: Any, http_version: str) -> None:
        self._connection = connection
        self._http_version = http_version

    def take(self, request: Request) -> None:
        self.target: str = request.target
        host = [(b"host", request.host.encode("ascii"))]
        self.headers: Headers = host + [
            (bytes(name), bytes(value)) for name, value in request.extra_headers
        ]
        self.subprotocols: list[str] = request.subprotocols
        self.extensions: str = ", ".join(map(str, request.extensions))

    def scope(self, root_path: str) -> dict[str, Any]:
        return {**super().scope(root_path), "http_version": self._http_version}

    def accept(
        self,
        subprotocol: str | None,
        headers: Iterable[tuple[bytes, bytes]],
        extensions: str | None,
    ) -> bytes:
        all_headers = list(headers)
        if extensions is not None:
            all_headers.append((b"sec-websocket-extensions", extensions.encode("ascii")))
        return self._send(AcceptConnection(subprotocol=subprotocol, extra_headers=all_headers))

    def reject(
        self, status: int, headers: Iterable[tuple[bytes, bytes]] = (), *, has_body: bool = False
    ) -> bytes:
        return self._send(
            RejectConnection(status_code=status, headers=list(headers), has_body=has_body)
        )

    def body(self, data: bytes, *, last: bool = True) -> bytes:
        return self._send(RejectData(data=data, body_finished=last))

    def _send(self, event: Any) -> bytes:
        data: bytes = self._connection.send(event)
        return data


class StreamQueue(ReceiveQueue):
    """With the methods of a queue of asyncio that uvicorn's transport calls."""

    def qsize(self) -> int:
        return 0  # the class bounds by itself what waits

    def put_nowait(self, disconnect: Event) -> None:
        """connection_lost follows, and says it after what the peer has sent before."""


class StreamProtocol(WSProtocol):
    conn: Any
    """uvicorn's, which is set before connection_made."""

    http_version: str = "2"
    lost_code: int = 1006

    close_sent: bool = True
    """So uvicorn's transport leaves the queue alone."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.queue: StreamQueue = StreamQueue(self.loop, max(1, self.config.ws_max_queue or 1))
        self._ahead: deque[bytes] = deque()
        self._ahead_size = 0

    @property
    def response_started(self) -> bool:
        return self.state is State.REJECTING

    def connection_made(self, transport: Any) -> None:
        self.handshake: StreamHandshake = StreamHandshake(self.conn, self.http_version)
        super().connection_made(transport)

    def handle_connect(self, request: Request) -> None:
        self.handshake.take(request)
        try:
            self._agree_on_deflate()
        except BadRequestError:  # the answer is sent
            self._refused()
        else:
            self._start_application()

    def data_received(self, data: bytes | None) -> None:
        if data is None:
            self._ended()
        elif self.decoder is None:
            self.pre_accept_data: bytes = self.pre_accept_data + data
            if len(self.pre_accept_data) > MOST_WAITING and self.state is State.CONNECTING:
                self.handshake.reject(400)
                self._refused()
        elif self.reading_paused:
            self._ahead.append(data)
            self._ahead_size += len(data)
            if self._ahead_size > max(self.config.ws_max_size, MOST_WAITING):
                self._close_for_being_ahead()
        else:
            self._take_in(data)

    def _take_in(self, data: bytes) -> None:
        assert self.decoder is not None
        if data and not self.decoder.finished:
            self.decoder.feed(data)
            self._deliver()

    def deliver_rest(self) -> None:
        super().deliver_rest()
        while self._ahead and not self.reading_paused:
            data = self._ahead.popleft()
            self._ahead_size -= len(data)
            self._take_in(data)

    def _ended(self) -> None:
        if self.state is State.CONNECTING:
            self.handshake.reject(400)
        self.close_transport()

    def _refused(self) -> None:
        self.state = State.CLOSED
        self.queue.end({"type": "websocket.disconnect", "code": 1006})
        self.close_transport()

    def _close_for_being_ahead(self) -> None:
        reason = "Receive queue is full"
        self._send_close(1013, reason)
        self.queue.events.clear()
        self._ahead.clear()
        self.reading_paused = False  # nothing is to be delivered any more
        self.queue.end({"type": "websocket.disconnect", "code": 1013, "reason": reason})
        self.close_transport()

    def _half_close(self) -> None:
        """The end of a stream takes nothing from the peer that was sent before."""
        self.close_transport()

    def _abort_later(self, seconds: float | None = None) -> None:
        if self.close_timer is None and not self.connection_lost_called:
            self.close_timer: asyncio.TimerHandle | None = self.loop.call_later(
                self.close_timeout, self.transport.close
            )


_made: dict[type[WSProtocol], type[StreamProtocol]] = {WSProtocol: StreamProtocol}


def on_a_stream(ours: type[WSProtocol]) -> type[StreamProtocol]:
    """The same for a class that is made from fastframe's."""
    if ours not in _made:
        _made[ours] = type(ours.__name__, (StreamProtocol, ours), {})
    return _made[ours]
