"""From the transport to ASGI messages, and back.

Strategy: bytes are decoded as soon as they come, but never more than the application's queue may hold: the rest waits in the
decoder, and reading is paused. Whatever the peer does ends in `disconnect`, which the application receives after all
messages that came before it; a broken rule counts when it has answered them. What is written goes straight to the transport; a peer that does not read stops the
application in `send`.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import sys
from collections import deque
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import unquote

from uvicorn.config import Config
from uvicorn.logging import TRACE_LOG_LEVEL
from uvicorn.protocols.utils import (
    ClientDisconnected,
    get_client_addr,
    get_local_addr,
    get_path_with_query_string,
    get_remote_addr,
    is_ssl,
)
from uvicorn.server import ServerState

from fastframe._control_frames import Close, Ping, Pong
from fastframe._decoder import Decoder
from fastframe._encoder import Encoder
from fastframe._install import DISABLED, disabled
from fastframe._kernels import active_kernel
from fastframe._types import Opcode, ProtocolError, Role
from fastframe._version import __version__
from fastframe.deflate import Deflate
from fastframe.uvicorn.handshake import BadRequestError, Handshake
from fastframe.uvicorn.keepalive import Keepalive

Event = dict[str, Any]

CLOSE_TIMEOUT = 10.0
"""Seconds that a peer has to answer a Close, to read what was sent before it, and to hang up."""

CLOSE_TIMEOUT_TLS = 1.0
"""The same after a broken rule where TLS keeps this end from hanging up by halves."""

QUEUE_SIZE = 1 << 16
"""Characters and bytes in the application's queue from which on reading is paused, however few the messages."""

RECEIVE_SIZE = 1 << 16
"""Bytes to be read at once before the handshake is done, and after a broken rule."""

LARGE = 1 << 17
"""Bytes of a binary message from which on it is written behind its header without being copied."""

PHRASES = {int(status): status.phrase for status in HTTPStatus}

MAX_REASON = 123
"""Bytes of a Close frame's reason (RFC 6455, 5.5)."""


class State(enum.Enum):
    CONNECTING = 1
    REJECTING = 2
    OPEN = 3
    CLOSING = 4
    """The application has closed the connection; the peer's Close is awaited."""
    FAILED = 5
    """A Close has said what the peer did wrong; what else it sends is thrown away, so that it can read that Close."""
    CLOSED = 6


def uvicorns_own() -> Any:
    """What uvicorn would take by itself."""
    from uvicorn.protocols.websockets import auto

    protocol: Any = auto.AutoWebSocketsProtocol
    if protocol is None or protocol is WSProtocol:
        from uvicorn.protocols.websockets.wsproto_impl import WSProtocol as protocol  # noqa: N813
    return protocol


class WSProtocol(asyncio.BufferedProtocol):
    """A WebSocket connection for uvicorn, with the settings and the behaviour of its own implementations.

    All of its `--ws-*` settings count. What goes beyond them: `ws_max_size` holds while a message is inflated; at most `ws_max_queue`
    messages, and no more once they are 64 KiB, wait for the application; a peer that does not read gets one Pong, not all.

    A subclass may choose otherwise what uvicorn has no setting for: `deflate`, `max_fragments` and `max_message_size`.
    """

    deflate: Deflate | None = Deflate(server_max_window_bits=12, client_max_window_bits=12, memory_level=5)
    """How permessage-deflate is used, if at all: little memory for each connection."""

    max_fragments = 1 << 17
    """The most frames that one message may have: more than a Decoder's default, as uvicorn's own classes accept any number. The
    Autobahn TestSuite, for one, sends 4 MiB in 65,536 fragments."""

    max_message_size: int | None = None
    """The largest message in bytes, where that shall be less than uvicorn's `ws_max_size`."""

    in_use = False
    """True once there is a connection in this process."""

    announced = False

    def __new__(
        cls,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> WSProtocol:
        if disabled():
            # The switch is for incidents: it must work without a change to the command line.
            return cast(WSProtocol, uvicorns_own()(config, server_state, app_state, _loop))
        return super().__new__(cls)

    @classmethod
    def announce(cls) -> None:
        """Says in uvicorn's log, once and as soon as there is one, on what its WebSockets run."""
        log = logging.getLogger("uvicorn.error")
        if WSProtocol.announced or not log.hasHandlers():
            return
        WSProtocol.announced = True
        if disabled():
            log.warning("WebSockets run on uvicorn's %s, not on fastframe: %s", uvicorns_own().__name__, DISABLED)
        else:
            log.info("WebSockets run on fastframe %s, kernel %s", __version__, active_kernel())

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        if not config.loaded:
            config.load()
        self.config = config
        self.app = config.loaded_app
        self.app_state = app_state
        self.server_state = server_state
        self.loop = _loop or asyncio.get_event_loop()
        self.logger = logging.getLogger("uvicorn.error")

        self.transport: asyncio.Transport = None  # type: ignore[assignment]
        self.client: tuple[str, int] | None = None
        self.state = State.CONNECTING
        self.handshake = Handshake()
        self.scope: Event = {}
        self.early_data = b""
        self.other_bytes = bytearray()
        self.close_timer: asyncio.TimerHandle | None = None
        self.keepalive = Keepalive(
            self.loop, config.ws_ping_interval, config.ws_ping_timeout, self._send_ping, self._give_up
        )

        # From the peer to the application.
        self.decoder: Decoder | None = None
        self.events: deque[Event] = deque()
        self.max_queue = max(1, config.ws_max_queue or 1)
        self.queued = 0  # characters and bytes, since the queue was empty
        self.reading_paused = False
        self.receivers: set[asyncio.Future[None]] = set()
        self.broken: ProtocolError | None = None  # a rule, behind messages that the application is still to answer
        self.disconnect: Event | None = None
        self.farewells = 0  # how often the application has received it

        # From the application to the peer.
        self.encoder = Encoder(Role.SERVER)
        self.compressed = False
        self.writable = asyncio.Event()
        self.writable.set()
        self.unanswered: Ping | None = None
        self.lost = False

    # ---- the transport ---------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by type
        self.client = get_remote_addr(self.transport)
        WSProtocol.in_use = True
        self.announce()
        self.server_state.connections.add(self)  # type: ignore[arg-type]
        self._trace("WebSocket connection made")

    def data_received(self, data: bytes) -> None:
        """The request, from uvicorn's HTTP protocol; all else is received by the two methods below."""
        if self.scope:
            self.early_data += data  # a client should wait for the answer (RFC 6455, 4.1)
            if len(self.early_data) >= QUEUE_SIZE:
                self._pause_reading()
            return
        try:
            if not self.handshake.receive(data):
                return
        except BadRequestError as error:
            self.state = State.CLOSED
            self.transport.write(error.response)
            self._close_transport()
            return
        self._start_application()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where to receive. The decoder's buffer serves again and again, and a large message is received in place; asyncio
        would take 256 KiB of new memory for each read."""
        if self.decoder is None or self.decoder.finished:
            self.other_bytes = bytearray(RECEIVE_SIZE)
            return memoryview(self.other_bytes)
        return self.decoder.get_buffer(sizehint)

    def buffer_updated(self, nbytes: int) -> None:
        if self.decoder is None:
            self.data_received(bytes(self.other_bytes[:nbytes]))
        elif not self.decoder.finished:
            self.decoder.buffer_updated(nbytes)
            if not self.reading_paused:
                self._deliver()

    def connection_lost(self, exc: Exception | None) -> None:
        self._trace("WebSocket connection lost")
        if self.decoder is not None:
            self.logger.info("connection closed")
        self.server_state.connections.discard(self)
        self.keepalive.stop()
        if self.close_timer is not None:
            self.close_timer.cancel()
        self.state = State.CLOSED
        self.lost = True
        if self.broken is not None:
            self._fail(self.broken)
        self._wake_receivers()
        self.writable.set()  # asyncio does not call resume_writing any more
        self.transport.close()  # without which Python 3.10 takes a TLS transport for forgotten

    def eof_received(self) -> None:
        pass

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()
        if self.unanswered is not None and self.state is State.OPEN:
            self.transport.write(self.encoder.pong(self.unanswered.payload))
        self.unanswered = None

    def shutdown(self) -> None:
        """The server is about to end."""
        if self.state is State.CONNECTING:
            self._send_500_response()
        elif self.state is State.OPEN:
            self._send_close(1012, "")
            self._end({"type": "websocket.disconnect", "code": 1012})
        self._close_transport()

    # ---- the handshake ---------------------------------------------------------------------------------------------

    def _start_application(self) -> None:
        raw_path, _, query_string = self.handshake.target.partition("?")
        root_path = self.config.root_path
        self.scope = {
            "type": "websocket",
            "asgi": {"version": self.config.asgi_version, "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "wss" if is_ssl(self.transport) else "ws",
            "server": get_local_addr(self.transport),
            "client": self.client,
            "root_path": root_path,
            "path": root_path + unquote(raw_path),
            "raw_path": (root_path + raw_path).encode("ascii"),
            "query_string": query_string.encode("ascii"),
            "headers": self.handshake.headers,
            "subprotocols": self.handshake.subprotocols,
            "state": self.app_state.copy(),
            "extensions": {"websocket.http.response": {}},
        }
        self.events.append({"type": "websocket.connect"})
        task = self.loop.create_task(self._run_application())
        self.server_state.tasks.add(task)
        task.add_done_callback(self.server_state.tasks.discard)

    def _accept(self, message: Mapping[str, Any]) -> None:
        agreement = None
        if self.deflate is not None and self.config.ws_per_message_deflate:
            agreement = self.deflate.accept(self.handshake.extensions)
        max_size = min(self.config.ws_max_size, self.max_message_size or sys.maxsize)
        max_size = max(1, min(max_size, sys.maxsize // 2))  # what a Decoder takes
        decoder = Decoder(
            Role.SERVER,
            max_message_size=max_size,
            max_frame_size=max_size,
            max_fragments=self.max_fragments,
            deflate=agreement,
        )
        response = self.handshake.accept(
            message.get("subprotocol") or None,
            [*self.server_state.default_headers, *message.get("headers", ())],
            agreement.response() if agreement is not None else None,
        )
        self._log_request("[accepted]")
        self.state = State.OPEN
        self.encoder = Encoder(Role.SERVER, deflate=agreement)
        self.compressed = agreement is not None
        self.decoder = decoder
        self.transport.write(response)
        self.logger.info("connection open")
        self.keepalive.start()
        self.decoder.feed(self.early_data)
        self._deliver_rest()

    def _reject(self, message: Mapping[str, Any]) -> None:
        self._log_request("403")
        self._log_rejection(403)
        self.state = State.CLOSED
        self.transport.write(self.handshake.reject(403))
        self._end({"type": "websocket.disconnect", "code": 1006})
        self._close_transport()

    def _begin_response(self, message: Mapping[str, Any]) -> None:
        status = message["status"]
        if not 100 <= status < 600:
            raise RuntimeError(f"Invalid HTTP status code '{status}' in response.")
        response = self.handshake.reject(status, message.get("headers", ()), has_body=True)
        self._log_request(status)
        self._log_rejection(status)
        self.state = State.REJECTING
        self.transport.write(response)

    def _continue_response(self, message: Mapping[str, Any]) -> None:
        last = not message.get("more_body", False)
        self.transport.write(self.handshake.body(message.get("body", b""), last=last))
        if last:
            self.state = State.CLOSED
            self._end({"type": "websocket.disconnect", "code": 1006})
            self._close_transport()

    def _send_500_response(self) -> None:
        if self.state is State.CONNECTING:
            body = b"Internal Server Error"
            headers = [
                (b"content-type", b"text/plain; charset=utf-8"),
                (b"content-length", b"%d" % len(body)),
                (b"connection", b"close"),
            ]
            self.state = State.CLOSED
            self._log_rejection(500)
            self.transport.write(self.handshake.reject(500, headers, has_body=True) + self.handshake.body(body))

    # ---- from the peer to the application --------------------------------------------------------------------------

    def _deliver(self) -> None:
        """Moves messages from the decoder to the application, as many as its queue may hold."""
        assert self.decoder is not None
        try:
            for message in self.decoder:
                if isinstance(message, str):
                    event: Event = {"type": "websocket.receive", "text": message}
                elif isinstance(message, bytes):
                    event = {"type": "websocket.receive", "bytes": message}
                else:
                    self._receive_control(message)
                    continue
                if self.state is State.CLOSING:
                    continue  # the application is done with this connection
                self.events.append(event)
                self.queued += len(message)
                if self._queue_is_full():
                    self._pause_reading()
                    break
        except ProtocolError as error:
            self.broken = error
            if self.state is not State.OPEN or (self.receivers and not self.events):
                self._fail(error)
        if self.receivers:
            self._wake_receivers()

    def _deliver_rest(self) -> None:
        """The queue is empty: delivers what had to wait, then reads on."""
        self.queued = 0
        if self.decoder is not None:
            self._deliver()
        if not self._queue_is_full():
            self._resume_reading()

    def _queue_is_full(self) -> bool:
        return len(self.events) >= self.max_queue or self.queued >= QUEUE_SIZE

    def _receive_control(self, message: Ping | Pong | Close) -> None:
        if isinstance(message, Close):
            self._receive_close(message)
        elif isinstance(message, Pong):
            self.keepalive.pong(message.payload)
        elif self.state is State.OPEN and not self._is_closing():
            # A peer that does not read is not worth memory: the last Ping is answered for all (RFC 6455, 5.5.3).
            if self.writable.is_set():
                self.transport.write(self.encoder.pong(message.payload))
            else:
                self.unanswered = message

    def _receive_close(self, close: Close) -> None:
        if self.state is State.OPEN:
            self._send_close(close.code, close.reason)
        self._end({"type": "websocket.disconnect", "code": close.code, "reason": close.reason})
        self._close_transport()

    def _fail(self, error: ProtocolError) -> None:
        """Tells the peer what it did wrong, and lets it hang up.

        What it goes on sending is thrown away: closed over unread bytes, the connection would be reset, and the Close lost.
        """
        self.logger.debug("%s - WebSocket failed with %s", get_client_addr(self.scope), error)  # type: ignore[arg-type]
        self.broken = None
        if self.state is State.OPEN:
            self._send_close(error.code, error.reason)
        self.state = State.FAILED
        self._end({"type": "websocket.disconnect", "code": error.code, "reason": error.reason})
        if not self.lost:
            self._resume_reading()
            if self.transport.can_write_eof():
                self._close_transport_later(CLOSE_TIMEOUT)
                try:
                    self.transport.write_eof()
                except OSError:  # the peer has gone, and asyncio does not know it yet
                    self.transport.abort()
            else:
                self._close_transport_later(CLOSE_TIMEOUT_TLS)

    def _end(self, disconnect: Event) -> None:
        """The application receives `disconnect` once it has received all else; the first word on that counts."""
        if self.disconnect is None:
            self.disconnect = disconnect
        self._wake_receivers()

    def _wake_receivers(self) -> None:
        for receiver in self.receivers:
            if not receiver.done():
                receiver.set_result(None)

    def _pause_reading(self) -> None:
        if not self.reading_paused:
            self.reading_paused = True
            self.transport.pause_reading()

    def _resume_reading(self) -> None:
        if self.reading_paused:
            self.reading_paused = False
            if not self.lost:
                self.transport.resume_reading()

    # ---- from the application to the peer --------------------------------------------------------------------------

    def _send_message(self, message: Mapping[str, Any]) -> None:
        if self._is_closing():  # the peer has gone, and connection_lost is about to say so
            raise ClientDisconnected
        data = message.get("bytes")
        if data is None:
            text = message.get("text")
            if text is None:
                raise RuntimeError("ASGI message 'websocket.send' has neither 'bytes' nor 'text'.")
            self.transport.write(self.encoder.text(text))
        elif isinstance(data, bytes) and len(data) >= LARGE and not self.compressed:
            self.transport.write(self.encoder.header(Opcode.BINARY, len(data)))
            self.transport.write(memoryview(data))  # asyncio copies what it cannot send at once, of bytes even twice
        else:
            self.transport.write(self.encoder.binary(data))

    def _send_ping(self, payload: bytes) -> None:
        self.transport.write(self.encoder.ping(payload))

    def _give_up(self) -> None:
        self._trace("WebSocket keepalive ping timeout")
        if self.broken is not None:
            self._fail(self.broken)
        else:
            reason = "keepalive ping timeout"
            self._send_close(1011, reason)
            self._end({"type": "websocket.disconnect", "code": 1011, "reason": reason})
            self._close_transport()

    def _send_close(self, code: int, reason: str) -> None:
        frame = self.encoder.close(code, reason)  # ValueError for a code of the application's that must not be sent
        self.state = State.CLOSED
        self.keepalive.stop()
        self.transport.write(frame)

    def _close(self, message: Mapping[str, Any]) -> None:
        """The application's Close; the peer's is awaited."""
        code = message.get("code", 1000)
        reason = message.get("reason") or ""
        if code in (None, 1005):  # no status code, so no reason either (RFC 6455, 7.1.5)
            self._send_close(1005, "")
        else:
            sent = 1000 if code in (1006, 1015) else code
            self._send_close(sent, reason.encode()[:MAX_REASON].decode(errors="ignore"))
        self.state = State.CLOSING
        self._end({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.events.clear()
        self._close_transport_later(CLOSE_TIMEOUT)
        if self.broken is not None:
            self._fail(self.broken)
        else:
            self._deliver_rest()

    def _close_transport(self) -> None:
        """Hangs up as soon as all is written; a peer that does not read is not waited for."""
        self.keepalive.stop()
        if not self._is_closing():  # asyncio's TLS transport is good for nothing after a second close
            self.transport.close()
        self._close_transport_later(CLOSE_TIMEOUT)

    def _close_transport_later(self, seconds: float) -> None:
        if self.close_timer is None and not self.lost:
            self.close_timer = self.loop.call_later(seconds, self.transport.abort)

    def _is_closing(self) -> bool:
        """True as well where nobody has told us yet that the connection is lost."""
        try:
            return self.lost or self.transport.is_closing()
        except AttributeError:  # so Python 3.10's TLS transport says it
            return True

    # ---- the application (ASGI) ------------------------------------------------------------------------------------

    async def _run_application(self) -> None:
        try:
            result = await self.app(self.scope, self._receive, self._send)
        except ClientDisconnected:
            pass
        except BaseException:
            self.logger.exception("Exception in ASGI application\n")
            self._send_500_response()
        else:
            if self.state is State.CONNECTING:
                self.logger.error("ASGI callable returned without completing handshake.")
                self._send_500_response()
            elif result is not None:
                self.logger.error("ASGI callable should return None, but returned '%s'.", result)
        if self.state not in (State.CLOSING, State.FAILED):
            self._close_transport()

    async def _receive(self) -> Event:
        while not self.events:
            if self.broken is not None:
                self._fail(self.broken)
            if self.disconnect is None and self.lost:  # without a Close
                self._end({"type": "websocket.disconnect", "code": 1006 if self.decoder is None else 1005})
            if self.disconnect is not None:
                return self._last_event()
            receiver = self.loop.create_future()
            self.receivers.add(receiver)
            try:
                await receiver
            finally:
                self.receivers.discard(receiver)
        event = self.events.popleft()
        if self.reading_paused and not self.events:
            self._deliver_rest()
        return event

    def _last_event(self) -> Event:
        """The disconnect, twice as in uvicorn's own classes; an application that goes on asking would ask for ever."""
        assert self.disconnect is not None
        self.farewells += 1
        if self.farewells > 2:
            raise ClientDisconnected
        return self.disconnect

    async def _send(self, message: Mapping[str, Any]) -> None:
        kind = message["type"]
        if not self.writable.is_set() and kind != "websocket.close":  # who does not read may be left
            await self.writable.wait()
        if self.lost:
            raise ClientDisconnected
        if self.state is State.OPEN and kind == "websocket.send":  # the usual case
            self._send_message(message)
        elif self.state is State.CLOSING:
            raise RuntimeError(f"Unexpected ASGI message '{kind}', after sending 'websocket.close'.")
        elif self.state not in ACTIONS:
            raise ClientDisconnected
        elif kind not in ACTIONS[self.state]:
            raise RuntimeError(f"Expected ASGI message {EXPECTED[self.state]} but got '{kind}'.")
        else:
            ACTIONS[self.state][kind](self, message)

    # ---- the log ---------------------------------------------------------------------------------------------------

    def _log_request(self, outcome: object) -> None:
        scope: Any = self.scope
        self.logger.info('%s - "WebSocket %s" %s', get_client_addr(scope), get_path_with_query_string(scope), outcome)

    def _log_rejection(self, status: int) -> None:
        phrase = PHRASES.get(status, "")
        self.logger.info("connection rejected (%d %s)", status, phrase)

    def _trace(self, text: str) -> None:
        if self.logger.level <= TRACE_LOG_LEVEL:
            prefix = f"{self.client[0]}:{self.client[1]} - " if self.client else ""
            self.logger.log(TRACE_LOG_LEVEL, "%s%s", prefix, text)


# What an application may send, and what is then done.
ACTIONS: dict[State, dict[str, Callable[[WSProtocol, Mapping[str, Any]], None]]] = {
    State.CONNECTING: {
        "websocket.accept": WSProtocol._accept,
        "websocket.close": WSProtocol._reject,
        "websocket.http.response.start": WSProtocol._begin_response,
    },
    State.REJECTING: {"websocket.http.response.body": WSProtocol._continue_response},
    State.OPEN: {"websocket.send": WSProtocol._send_message, "websocket.close": WSProtocol._close},
}

# In uvicorn's words and punctuation.
EXPECTED = {
    State.CONNECTING: "'websocket.accept', 'websocket.close' or 'websocket.http.response.start'",
    State.REJECTING: "'websocket.http.response.body'",
    State.OPEN: "'websocket.send' or 'websocket.close',",
}
