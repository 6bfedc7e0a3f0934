"""From the transport to ASGI messages, and back.

Strategy: bytes are decoded as soon as they arrive, but never more than the application's queue may
hold: the rest waits in the decoder, and reading is paused. Whatever the peer does ends in
`disconnect`, which the application receives after all earlier messages; a broken rule counts when
the application has answered them. What is written goes straight to the transport; a peer that does
not read stops the application in `send`.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import sys
from collections.abc import Mapping
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.protocols.utils import (
    ClientDisconnected,
    get_client_addr,
    get_path_with_query_string,
    is_ssl,
)
from uvicorn.server import ServerState

from fastframe._codec.control_frames import Close, Ping, Pong
from fastframe._codec.decoder import Decoder
from fastframe._codec.encoder import Encoder
from fastframe._codec.tally import Tally, tally
from fastframe._targets.frame_log import FrameLog
from fastframe._targets.install import disabled
from fastframe._targets.target import count_connection
from fastframe._types import Opcode, ProtocolError, Role
from fastframe.deflate import Agreement, Deflate, NegotiationError
from fastframe.uvicorn.activation import announce, uvicorns_own
from fastframe.uvicorn.application import Application
from fastframe.uvicorn.handshake import BadRequestError, Handshake
from fastframe.uvicorn.idle_window import IdleWindow
from fastframe.uvicorn.keepalive import Keepalive
from fastframe.uvicorn.logged import frame_log, new_decoder, new_encoder
from fastframe.uvicorn.receive_queue import MOST_WAITING, Event, ReceiveQueue
from fastframe.uvicorn.rejection import Rejection
from fastframe.uvicorn.state import State
from fastframe.uvicorn.transport import TransportProtocol

RECEIVE_SIZE = 1 << 16
"""Bytes to be read at once before the handshake is done, and after a broken rule."""

LARGE = 1 << 17
"""Bytes of a binary message from which on it is written after its header without being copied."""

CLOSING = State.CLOSING  # looked up once, as it is compared for each message

MAX_REASON = 123
"""Bytes of a Close frame's reason (RFC 6455, 5.5)."""


COMPRESSED = 0x40
"""RSV1, in the first byte of a frame (RFC 7692, 6)."""

COMMON_OFFER = 100
"""Characters of an offer up to which what it leads to is remembered: browsers make two or three."""


def agreement_on(settings: Deflate, offers: str) -> Agreement | None:
    """NegotiationError as of `Deflate.accept`."""
    if len(offers) > COMMON_OFFER or type(settings) is not Deflate:
        return settings.accept(offers)
    return _agreement_on(settings, offers)


_agreement_on = functools.lru_cache(maxsize=32)(Deflate.accept)


class WSProtocol(TransportProtocol):
    """A WebSocket connection for uvicorn, with the settings and the behaviour of its own
    implementations.

    All of its `--ws-*` settings count. What goes beyond them: `ws_max_size` holds while a message
    is inflated; at most `ws_max_queue` messages, and no more once they are 64 KiB, wait for the
    application; a peer that does not read gets one Pong, not all.

    A subclass may choose what uvicorn has no setting for: `deflate`, `compressor_timeout`,
    `max_fragments`, `max_message_size` and `close_timeout`.
    """

    deflate: Deflate | None = Deflate(
        server_max_window_bits=12, client_max_window_bits=12, memory_level=5
    )
    """How permessage-deflate is used, if at all: little memory for each connection."""

    max_fragments: int = 1 << 17
    """The most frames that one message may have: more than a Decoder's default, as uvicorn's own
    classes accept any number. The Autobahn TestSuite, for one, sends 4 MiB in 65,536 fragments."""

    max_message_size: int | None = None
    """The largest message in bytes, where that is less than uvicorn's `ws_max_size`."""

    compressor_timeout: float | None = 5.0
    """Seconds without a message to the peer, after which the compressor's memory is given back; the
    next message is then compressed without what was sent before. None to keep it."""

    @property
    def last_ping_rtt(self) -> float:
        """Seconds that the last answered Ping took; 0.0 before there is one. The name is
        uvicorn's."""
        return self.keepalive.last_round_trip

    @property
    def ping_interval(self) -> float | None:
        """Seconds between Pings, None for none: uvicorn's setting, which may be set anew before the
        connection is accepted."""
        return self.keepalive.interval

    @ping_interval.setter
    def ping_interval(self, seconds: float | None) -> None:
        self.keepalive.interval = seconds

    @property
    def ping_timeout(self) -> float | None:
        """Seconds that a Pong is awaited; likewise."""
        return self.keepalive.timeout

    @ping_timeout.setter
    def ping_timeout(self, seconds: float | None) -> None:
        self.keepalive.timeout = seconds

    lost_code: int = 1005
    """What an application reads of an open connection that has ended without a Close."""

    in_use: bool = False
    """True once there is a connection in this process."""

    announced: bool = False

    def __new__(cls, *args: Any, **kwargs: Any) -> WSProtocol:
        if disabled():
            # The switch is for incidents: it must work without a change to the command line.
            return cast(WSProtocol, uvicorns_own(WSProtocol)(*args, **kwargs))
        return super().__new__(cls)

    @classmethod
    def announce(cls) -> None:
        """Says in uvicorn's log on what its WebSockets run: once, and as soon as there is a log."""
        WSProtocol.announced = WSProtocol.announced or announce(WSProtocol)

    pre_accept_data: bytes = b""
    other_bytes: bytearray = bytearray()
    agreement: Agreement | None = None
    decoder: Decoder | None = None
    tally: Tally | None = None
    compressed: bool = False
    idle_window: IdleWindow | None = None
    unanswered_ping: Ping | None = None

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(_loop or asyncio.get_event_loop())
        if not config.loaded:
            config.load()
        self.config = config
        self.app: Any = config.loaded_app
        self.app_state = app_state
        self.server_state = server_state
        self.state: State = State.CONNECTING
        self.handshake: Handshake = Handshake()
        self.scope: Event = {}
        self.keepalive: Keepalive = Keepalive(
            self.loop, self, config.ws_ping_interval, config.ws_ping_timeout
        )
        self.encoder: Encoder = Encoder(Role.SERVER)
        self.queue: ReceiveQueue = ReceiveQueue(self.loop, max(1, config.ws_max_queue or 1))

    # ---- the transport ---------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        WSProtocol.in_use = True
        count_connection("uvicorn")
        if not WSProtocol.announced:
            self.announce()
        self.server_state.connections.add(self)  # type: ignore[arg-type]

    def data_received(self, data: bytes) -> None:
        """The request, from uvicorn's HTTP protocol; everything else is received by the two methods
        below."""
        if self.scope:
            self.pre_accept_data += data  # a client should wait for the answer (RFC 6455, 4.1)
            if len(self.pre_accept_data) >= MOST_WAITING:
                self._pause_reading()
            return
        try:
            if self.handshake.receive(data):
                self._agree_on_deflate()
                self._start_application()
        except BadRequestError as error:
            self.state = State.CLOSED
            self.transport.write(error.response)
            self.close_transport()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where to receive. The decoder's buffer is reused, and a large message is received in
        place; asyncio would allocate 256 KiB for each read."""
        decoder = self.decoder
        if decoder is None or decoder.finished:
            self.other_bytes = bytearray(RECEIVE_SIZE)
            return memoryview(self.other_bytes)
        return decoder.get_buffer(sizehint)

    def buffer_updated(self, nbytes: int) -> None:
        decoder = self.decoder
        if decoder is None:
            self.data_received(bytes(self.other_bytes[:nbytes]))
        elif not decoder.finished:
            decoder.buffer_updated(nbytes)
            if not self.reading_paused:
                self._deliver()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.decoder is not None:
            self.logger.info("connection closed")
        self.server_state.connections.discard(self)
        if self.tally is not None:
            self.tally.connection_lost()
        self.keepalive.end()
        if self.idle_window is not None:
            self.idle_window.stop()
        self.state = State.CLOSED
        if self.queue.pending_violation is not None:
            self.fail(self.queue.pending_violation)
        self.queue.wake()

    def resume_writing(self) -> None:
        super().resume_writing()
        ping, self.unanswered_ping = self.unanswered_ping, None  # a write may call this again
        if ping is not None and self.state is State.OPEN:
            self.write(self.encoder.pong(ping.payload))

    def shutdown(self) -> None:
        """The server is about to end."""
        if self.state is State.CONNECTING:
            self.send_500_response()
        elif self.state is State.OPEN:
            self._send_close(1012, "")
            self.queue.end({"type": "websocket.disconnect", "code": 1012})
        self.close_transport()

    # ---- the handshake ---------------------------------------------------------------------------

    def _start_application(self) -> None:
        self.scope_state: dict[str, Any] = self.app_state.copy()
        self.scope = {
            **self.handshake.scope(self.config.root_path),
            "asgi": {"version": self.config.asgi_version, "spec_version": "2.4"},
            "scheme": "wss" if is_ssl(self.transport) else "ws",
            "server": self._server,
            "client": self.client,
            "state": self.scope_state,
        }
        self.queue.events.append({"type": "websocket.connect"})
        task = self.loop.create_task(Application(self).run())
        self.server_state.tasks.add(task)
        task.add_done_callback(self.server_state.tasks.discard)

    def _agree_on_deflate(self) -> None:
        if (
            not self.handshake.extensions
            or self.deflate is None
            or not self.config.ws_per_message_deflate
        ):
            return
        try:
            self.agreement = agreement_on(self.deflate, self.handshake.extensions)
        except NegotiationError as error:
            raise BadRequestError(self.handshake.reject(400)) from error

    def accept(self, message: Mapping[str, Any]) -> None:
        agreement = self.agreement
        log = frame_log(self.logger, self.client)
        counts = tally("uvicorn", "server")
        counts.peer = self.client
        encoder = self.encoder
        if agreement is not None or log is not None:
            encoder = new_encoder(counts, log, agreement)
        decoder = self._new_decoder(agreement, counts, log)
        response = self.handshake.accept(
            message.get("subprotocol") or None,
            [*self.server_state.default_headers, *message.get("headers", ())],
            agreement.response() if agreement is not None else None,
        )
        self._log_request("[accepted]")
        self.state = State.OPEN
        self.tally = counts
        encoder._count_for(counts)
        self.encoder = encoder
        if agreement is not None:
            self.compressed = True
            if self.compressor_timeout is not None and not agreement.server_no_context_takeover:
                self.idle_window = IdleWindow(self.loop, self.encoder, self.compressor_timeout)
        self.decoder = decoder
        self.write(response)
        self.logger.info("connection open")
        self.keepalive.start()
        if self.pre_accept_data:
            decoder.feed(self.pre_accept_data)
            del self.pre_accept_data
        self.deliver_rest()

    def _new_decoder(
        self, agreement: Agreement | None, counts: Tally, log: FrameLog | None
    ) -> Decoder:
        size = min(self.config.ws_max_size, self.max_message_size or sys.maxsize)
        size = max(1, min(size, sys.maxsize // 2))  # what a Decoder takes
        limits = {"max_message_size": size, "max_fragments": self.max_fragments}
        return new_decoder(counts, log, deflate=agreement, **limits)

    @functools.cached_property
    def rejection(self) -> Rejection:
        return Rejection(self.handshake, self.transport.write)

    def reject(self, message: Mapping[str, Any]) -> None:
        self._log_request("403")
        self.rejection.forbid()
        self._rejected()

    def begin_response(self, message: Mapping[str, Any]) -> None:
        self._log_request(self.rejection.begin(message))
        self.state = State.REJECTING

    def continue_response(self, message: Mapping[str, Any]) -> None:
        if self.rejection.go_on(message):
            self._rejected()

    def _rejected(self) -> None:
        self.state = State.CLOSED
        self.queue.end({"type": "websocket.disconnect", "code": 1006})
        self.close_transport()

    def send_500_response(self) -> None:
        if self.state is State.CONNECTING:
            self.state = State.CLOSED
            self.rejection.fail()

    # ---- from the peer to the application --------------------------------------------------------

    def _deliver(self) -> None:
        """Moves messages from the decoder to the application, as many as its queue may hold."""
        queue = self.queue
        events = queue.events
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
                if self.state is CLOSING:
                    continue  # the application is done with this connection
                events.append(event)
                queue.size += len(message)
                if queue.size >= MOST_WAITING or len(events) >= queue.most_events:
                    self._pause_reading()
                    break
        except ProtocolError as error:
            queue.pending_violation = error
            if self.state is not State.OPEN or queue.is_awaited:
                self.fail(error)
        if events:
            if len(events) > 1:
                self.work_begins()
            queue.wake()

    def deliver_rest(self) -> None:
        """The queue is empty: delivers what had to wait, then reads on."""
        self.queue.start_over()
        if self.decoder is not None:
            self._deliver()
        if not self.queue.is_full:
            self._resume_reading()

    def _receive_control(self, message: Ping | Pong | Close) -> None:
        if isinstance(message, Close):
            self._receive_close(message)
        elif isinstance(message, Pong):
            self.keepalive.pong(message.payload)
            if seconds := self.keepalive.last_round_trip:  # else nobody has asked for that Pong
                self.scope_state["fastframe.last_ping_rtt"] = seconds
        elif self.state is State.OPEN and not self._is_closing():
            # A peer that does not read is not worth memory: the last Ping is answered for all (RFC
            # 6455, 5.5.3).
            if self.writing_paused:
                self.unanswered_ping = message
            else:
                self.write(self.encoder.pong(message.payload))

    def _receive_close(self, close: Close) -> None:
        if self.state is State.OPEN:
            self._send_close(close.code, close.reason)
        self.queue.end({"type": "websocket.disconnect", "code": close.code, "reason": close.reason})
        self.close_transport()

    def fail(self, error: ProtocolError) -> None:
        """Tells the peer what it did wrong, and lets it close its end.

        What it goes on sending is discarded: closed over unread bytes, the connection would be
        reset, and the Close lost.
        """
        self.logger.debug("%s - WebSocket failed with %s", get_client_addr(self.scope), error)  # type: ignore[arg-type]
        self.queue.pending_violation = None
        if self.state is State.OPEN:
            self._send_close(error.code, error.reason)
        self.state = State.FAILED
        self.queue.end({"type": "websocket.disconnect", "code": error.code, "reason": error.reason})
        if not self.connection_lost_called:
            self._resume_reading()
            self._half_close()

    # ---- from the application to the peer --------------------------------------------------------

    def send_message(self, message: Mapping[str, Any]) -> None:
        if self._is_closing():  # the peer has gone, and connection_lost is about to say so
            raise ClientDisconnected
        data = message.get("bytes")
        if data is None:
            text = message.get("text")
            if text is None:
                raise RuntimeError("ASGI message 'websocket.send' has neither 'bytes' nor 'text'.")
            frame = self.encoder.text(text)
        elif isinstance(data, bytes) and len(data) >= LARGE and not self.compressed:
            self.write(self.encoder.header(Opcode.BINARY, len(data)))
            self.write(
                memoryview(data)
            )  # asyncio copies what it cannot send at once, of bytes even twice
            return
        else:
            frame = self.encoder.binary(data)
        if self.idle_window is not None and frame[0] & COMPRESSED:
            self.idle_window.sent()
        if self.queue.events:  # a burst has arrived, and the answers to its rest are to follow
            self.write_with_next(frame)
        else:
            self.write(frame)

    def send_ping(self, payload: bytes) -> None:
        self.write(self.encoder.ping(payload))

    def give_up(self) -> None:
        self._trace("WebSocket keepalive ping timeout")
        if self.queue.pending_violation is not None:
            self.fail(self.queue.pending_violation)
            return
        reason = "keepalive ping timeout"
        self._send_close(1011, reason)
        self.queue.end({"type": "websocket.disconnect", "code": 1011, "reason": reason})
        self.close_transport()

    def _send_close(self, code: int, reason: str) -> None:
        frame = self.encoder.close(
            code, reason
        )  # ValueError for a code of the application's that must not be sent
        self.state = State.CLOSED
        self.keepalive.stop()
        self.write(frame)

    def close(self, message: Mapping[str, Any]) -> None:
        """The application's Close; the peer's is awaited."""
        code = message.get("code", 1000)
        reason = message.get("reason") or ""
        if code in (None, 1005):  # no status code, so no reason either (RFC 6455, 7.1.5)
            self._send_close(1005, "")
        else:
            sent = 1000 if code in (1006, 1015) else code
            self._send_close(sent, reason.encode()[:MAX_REASON].decode(errors="ignore"))
        self.state = State.CLOSING
        self.queue.end({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.queue.events.clear()
        self._abort_later()
        if self.queue.pending_violation is not None:
            self.fail(self.queue.pending_violation)
        else:
            self.deliver_rest()

    def close_transport(self) -> None:
        self.keepalive.stop()
        super().close_transport()

    # ---- the log ---------------------------------------------------------------------------------

    def _log_request(self, outcome: object) -> None:
        scope: Any = self.scope
        if self.logger.isEnabledFor(logging.INFO):
            self.logger.info(
                '%s - "WebSocket %s" %s',
                get_client_addr(scope),
                get_path_with_query_string(scope),
                outcome,
            )
