"""Decoder and Encoder of a connection whose frames are to be in the log."""

from __future__ import annotations

import logging
from typing import Any

from uvicorn.logging import TRACE_LOG_LEVEL

from fastframe._codec.decoder import Decoder
from fastframe._codec.encoder import Encoder
from fastframe._codec.tally import Tally
from fastframe._logs import log_quietly
from fastframe._targets.frame_log import SENT, FrameLog, is_wanted
from fastframe._types import Role
from fastframe.deflate import Agreement


def frame_log(logger: logging.Logger, client: tuple[str, int] | None) -> FrameLog | None:
    """For a connection that begins now; None unless its frames are wanted, here or by uvicorn's
    logger, which is wanted at its level TRACE."""
    name = f"{client[0]}:{client[1]}" if client else ""
    if is_wanted():
        return FrameLog(name)
    if logger.isEnabledFor(TRACE_LOG_LEVEL):

        def to_uvicorn(line: str, fields: dict[str, Any]) -> None:
            log_quietly(logger, TRACE_LOG_LEVEL, line, fields)

        return FrameLog(name, log=to_uvicorn)
    return None


def new_decoder(tally: Tally, log: FrameLog | None, **settings: Any) -> Decoder:
    """Which has no part in it if there is no log."""
    decoder = Decoder.__new__(Decoder if log is None else LoggedDecoder)
    decoder._count_for(tally)
    if isinstance(decoder, LoggedDecoder):
        decoder._log, decoder._view = log, memoryview(b"")
    decoder.__init__(Role.SERVER, **settings)  # type: ignore[misc]
    return decoder


def new_encoder(tally: Tally, log: FrameLog | None, agreement: Agreement | None) -> Encoder:
    encoder = Encoder.__new__(Encoder if log is None else LoggedEncoder)
    encoder._count_for(tally)
    if isinstance(encoder, LoggedEncoder):
        encoder._log = log
    encoder.__init__(Role.SERVER, deflate=agreement)  # type: ignore[misc]
    return encoder


class LoggedDecoder(Decoder):
    _log: Any
    _view: memoryview

    def feed(self, data: Any) -> LoggedDecoder:
        self._log.received(data)
        super().feed(data)
        return self

    def get_buffer(self, sizehint: int = -1) -> memoryview:
        view = super().get_buffer(sizehint)
        self._view = memoryview(view)  # which is there if that one is released
        return view

    def buffer_updated(self, nbytes: int) -> LoggedDecoder:
        with self._view:
            self._log.received(bytes(self._view[:nbytes]))
        super().buffer_updated(nbytes)
        return self


class LoggedEncoder(Encoder):
    """Of a payload that is written apart from its header, the log has the header only."""

    _log: Any

    def header(self, opcode: int, payload_length: int, **options: Any) -> bytes:
        made = super().header(opcode, payload_length, **options)
        self._log.frame(SENT, opcode, payload_length)
        return made

    def text(self, data: Any, **options: Any) -> bytes:
        return self._sent(super().text(data, **options))

    def binary(self, data: Any, **options: Any) -> bytes:
        return self._sent(super().binary(data, **options))

    def ping(self, payload: Any = b"") -> bytes:
        return self._sent(super().ping(payload))

    def pong(self, payload: Any = b"") -> bytes:
        return self._sent(super().pong(payload))

    def close(self, code: int = 1000, reason: str = "") -> bytes:
        return self._sent(super().close(code, reason))

    def _sent(self, frame: bytes) -> bytes:
        self._log.sent(frame)
        return frame
