"""Digests of what fastframe relies on in gunicorn, by item and by tested version.

Made by: python -m tests.libraries.digests gunicorn
"""

from __future__ import annotations

VERSIONS = ("27.0.0", "27.0.1")

DIGESTS: dict[str, dict[str, tuple[str, ...]]] = {
    "asgi.websocket:WebSocketProtocol._unmask": {
        "f6b64418977a5cee": ("27.0.0", "27.0.1"),
    },
    "asgi.websocket:WebSocketProtocol._read_frame": {
        "3776ec97e3c6d4b7": ("27.0.0", "27.0.1"),
    },
    "asgi.websocket:WebSocketProtocol.__init__": {
        "1f67081f5b800e0d": ("27.0.0", "27.0.1"),
    },
}
