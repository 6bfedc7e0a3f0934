"""Decoder and Encoder of a connection whose frames are to be in the log."""

from __future__ import annotations

import logging
from typing import Any

from uvicorn.logging import TRACE_LOG_LEVEL

from fastframe._codec.decoder import Decoder
from fastframe._codec.encoder import Encoder
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
            logger.log(TRACE_LOG_LEVEL, line, extra=fields)

        return FrameLog(name, log=to_uvicorn)
    return None


def new_decoder(log: FrameLog | None, **settings: Any) -> Decoder:
    """Which has no part in it if there is no log."""
    if log is None:
        return Decoder(Role.SERVER, **settings)
    decoder = LoggedDecoder(Role.SERVER, **settings)
    decoder.log_to(log)
    return decoder


def new_encoder(log: FrameLog | None, agreement: Agreement | None) -> Encoder:
    if log is None:
        return Encoder(Role.SERVER, deflate=agreement)
    encoder = LoggedEncoder(Role.SERVER, deflate=agreement)
    encoder.log_to(log)
    return encoder


class LoggedDecoder(Decoder):
    def log_to(self, log: FrameLog) -> None:
        self._log = log
        self._view = memoryview(b"")

    def feed(self, data: Any) -> LoggedDecoder:
        self._log.received(data)
        super().feed(data)
        return self

    def get_buffer(self, sizehint: int = -1) -> memoryview:
        self._view = super().get_buffer(sizehint)
        return self._view

    def buffer_updated(self, nbytes: int) -> LoggedDecoder:
        self._log.received(bytes(self._view[:nbytes]))
        super().buffer_updated(nbytes)
        return self


class LoggedEncoder(Encoder):
    """Of a payload that is written apart from its header, the log has the header only."""

    def log_to(self, log: FrameLog) -> None:
        self._log = log

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
