"""The target "gunicorn": its own ASGI worker, `gunicorn -k asgi`. With a worker of uvicorn it is the target "uvicorn" that counts.

What changes: `gunicorn.asgi.websocket.WebSocketProtocol._unmask`, and its `__init__`, to count connections.
"""

from __future__ import annotations

from fastframe._library import Library, Replacement
from fastframe._target import Target
from fastframe.gunicorn.functions import unmasking

PROTOCOL = "gunicorn.asgi.websocket:WebSocketProtocol"


class GunicornTarget(Library):
    name = distribution = "gunicorn"
    supported_versions: tuple[str, ...] = ("27.0.0", "27.0.1")
    how_to_activate = 'start gunicorn with "fastframe run gunicorn -k asgi", or call fastframe.install("gunicorn") in its configuration file'

    def replacements(self) -> tuple[Replacement, ...]:
        return Replacement(PROTOCOL, "_unmask", unmasking), Replacement(PROTOCOL, "__init__", self.counted)


TARGET: Target = GunicornTarget()
