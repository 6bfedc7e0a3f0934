"""A server's connection after the handshake: bytes in, messages out, and back; no sockets here."""

from __future__ import annotations

from collections.abc import Iterator

from fastframe import Close, Decoder, Encoder, Ping, ProtocolError, Role
from fastframe.deflate import Agreement


class Closed(Exception):  # noqa: N818
    """A message cannot be sent, because this end has sent a Close."""


class Connection:
    """Write what `outgoing` returns after each other call, in this order."""

    def __init__(self, deflate: Agreement | None, max_message_size: int) -> None:
        self._decoder = Decoder(Role.SERVER, deflate=deflate, max_message_size=max_message_size)
        self._encoder = Encoder(Role.SERVER, deflate=deflate)
        self._outgoing: list[bytes] = []

    @property
    def closed(self) -> bool:
        """True once this end has sent a Close: no message may follow, and none is of interest."""
        return self._encoder.finished

    def receive(self, data: bytes) -> Iterator[str | bytes]:
        """Take each message before the next: its answer must go out before that to a Close."""
        try:
            for message in self._decoder.feed(data):
                match message:
                    case Ping(payload):
                        self._outgoing.append(self._encoder.pong(payload))
                    case Close(code):
                        self.close(code)
                    case str() | bytes() if not self.closed:
                        yield message
        except ProtocolError as error:
            self.close(error.code, error.reason)

    def send(self, message: str | bytes) -> None:
        if self.closed:
            raise Closed
        self._outgoing.append(self._encoder.message(message))

    def ping(self) -> None:
        self._outgoing.append(self._encoder.ping())

    def close(self, code: int = 1000, reason: str = "") -> None:
        if not self.closed:
            self._outgoing.append(self._encoder.close(code, reason))

    def outgoing(self) -> bytes:
        data = b"".join(self._outgoing)
        self._outgoing.clear()
        return data
