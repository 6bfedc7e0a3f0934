"""Answers of a server that open no WebSocket connection: plain HTTP responses."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from fastframe.uvicorn.handshake import Handshake

PHRASES = {int(status): status.phrase for status in HTTPStatus}

INTERNAL_SERVER_ERROR = b"Internal Server Error"


class Rejection:
    """The response to one request. Each method writes the next part of it."""

    def __init__(self, handshake: Handshake, write: Callable[[bytes], None]) -> None:
        self._handshake = handshake
        self._write = write

    def forbid(self) -> None:
        """403, without a body."""
        self._log(403)
        self._write(self._handshake.reject(403))

    def fail(self) -> None:
        """500: the application has failed."""
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"%d" % len(INTERNAL_SERVER_ERROR)),
            (b"connection", b"close"),
        ]
        self._log(500)
        response = self._handshake.reject(500, headers, has_body=True)
        self._write(response + self._handshake.body(INTERNAL_SERVER_ERROR))

    def begin(self, message: Mapping[str, Any]) -> int:
        """What the application has chosen, by "websocket.http.response.start". RuntimeError for an
        invalid status."""
        status: int = message["status"]
        if not 100 <= status < 600:
            raise RuntimeError(f"Invalid HTTP status code '{status}' in response.")
        response = self._handshake.reject(status, message.get("headers", ()), has_body=True)
        self._log(status)
        self._write(response)
        return status

    def go_on(self, message: Mapping[str, Any]) -> bool:
        """A part of its body, by "websocket.http.response.body". True if it was the last one."""
        last = not message.get("more_body", False)
        self._write(self._handshake.body(message.get("body", b""), last=last))
        return last

    def _log(self, status: int) -> None:
        log = logging.getLogger("uvicorn.error")
        log.info("connection rejected (%d %s)", status, PHRASES.get(status, ""))
