"""The target "gunicorn": its own ASGI worker, `gunicorn -k asgi`. With a worker of uvicorn it is
the target "uvicorn" that counts.

What changes: `_read_frames`, `_send` and `_unmask` of `gunicorn.asgi.websocket.WebSocketProtocol`.
Before gunicorn 27 it is `_unmask` only, and `__init__`, to count connections.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from fastframe._targets.frame_log import FrameLog
from fastframe._targets.library import Library, Replacement
from fastframe._targets.overheard import before, overhear_writes
from fastframe._targets.paths import changed_method, deciding
from fastframe._targets.target import Target
from fastframe.gunicorn.functions import receiving, sending, unmasking

PROTOCOL = "gunicorn.asgi.websocket:WebSocketProtocol"
METHODS = (
    "_read_frames", "_read_frame", "_read_exact", "_unmask", "_put_message", "_handle_close",
    "_handle_continuation", "_send", "_send_frame", "_send_close", "feed_data", "_resume_reading",
)  # fmt: skip
"""That are replaced or gone past, or that must be as they are."""


def why_not(connection: Any) -> str | None:
    """Why a connection takes gunicorn's own path; None if it need not."""
    from gunicorn.asgi.websocket import WebSocketProtocol  # type: ignore[import-untyped]

    return changed_method(connection, WebSocketProtocol, METHODS)


def listen(connection: Any, log: FrameLog) -> None:
    log.received(bytes(connection._buffer))
    connection.feed_data = before(connection.feed_data, log.received)
    overhear_writes(connection, log.sent)


class GunicornTarget(Library):
    name = distribution = "gunicorn"
    relied_on: tuple[str, ...] = (
        *(f"asgi.websocket:WebSocketProtocol.{name}" for name in METHODS),
        "asgi.websocket:WebSocketProtocol.__init__",
    )
    how_to_activate = (
        'start gunicorn with "fastframe run gunicorn -k asgi", or '
        'call fastframe.install("gunicorn") in its configuration file'
    )

    def replacements(self) -> tuple[Replacement, ...]:
        from gunicorn.asgi.websocket import WebSocketProtocol

        masks = Replacement(PROTOCOL, "_unmask", unmasking)
        if not hasattr(WebSocketProtocol, "_put_message"):  # pragma: no cover (before 27)
            return masks, Replacement(PROTOCOL, "__init__", self.counted)
        follows = deciding(self.name, why_not, lambda _: "server", listen=listen)
        return (
            masks,
            Replacement(PROTOCOL, "_read_frames", partial(receiving, follows)),
            Replacement(PROTOCOL, "_send", partial(sending, follows)),
        )


TARGET: Target = GunicornTarget()
