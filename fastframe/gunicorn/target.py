"""The target "gunicorn": its own ASGI worker, `gunicorn -k asgi`. With a worker of uvicorn it is
the target "uvicorn" that counts.

What changes: `gunicorn.asgi.websocket.WebSocketProtocol._unmask`, and its `__init__`, to count
connections.
"""

from __future__ import annotations

from fastframe._targets.library import Library, Replacement
from fastframe._targets.target import Target
from fastframe.gunicorn.functions import unmasking

PROTOCOL = "gunicorn.asgi.websocket:WebSocketProtocol"


class GunicornTarget(Library):
    name = distribution = "gunicorn"
    relied_on: tuple[str, ...] = (
        "asgi.websocket:WebSocketProtocol._unmask", "asgi.websocket:WebSocketProtocol._read_frame",
        "asgi.websocket:WebSocketProtocol.__init__",
    )  # fmt: skip
    how_to_activate = (
        'start gunicorn with "fastframe run gunicorn -k asgi", or '
        'call fastframe.install("gunicorn") in its configuration file'
    )

    def replacements(self) -> tuple[Replacement, ...]:
        return Replacement(PROTOCOL, "_unmask", unmasking), Replacement(
            PROTOCOL, "__init__", self.counted
        )


TARGET: Target = GunicornTarget()
