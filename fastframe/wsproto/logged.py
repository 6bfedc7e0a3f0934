"""FrameProtocol for a connection whose frames are to be in the log.

As it is no longer exactly fastframe's class, `wsproto.connection.Connection` calls its methods, as
it does those of any subclass.
"""

from __future__ import annotations

from typing import Any

from fastframe._targets.frame_log import FrameLog
from fastframe.wsproto.drop_in import FrameProtocol


class LoggedFrameProtocol(FrameProtocol):
    _log: FrameLog

    def __new__(cls, *arguments: Any, **options: Any) -> LoggedFrameProtocol:
        made = super().__new__(cls, *arguments, **options)
        assert isinstance(made, LoggedFrameProtocol)
        made._log = FrameLog()
        return made

    def receive_bytes(self, data: bytes) -> None:
        if data:
            self._log.received(data)
        super().receive_bytes(data)

    def send_data(self, *arguments: Any, **options: Any) -> bytearray:
        return self._sent(super().send_data(*arguments, **options))

    def ping(self, *arguments: Any, **options: Any) -> bytearray:
        return self._sent(super().ping(*arguments, **options))

    def pong(self, *arguments: Any, **options: Any) -> bytearray:
        return self._sent(super().pong(*arguments, **options))

    def close(self, *arguments: Any, **options: Any) -> bytearray:
        return self._sent(super().close(*arguments, **options))

    def _sent(self, frame: bytearray) -> bytearray:
        self._log.sent(frame)
        return frame
