"""Digests of what fastframe relies on in gunicorn, by item and by tested version.

Made by: python -m tests.libraries.digests gunicorn
"""

from __future__ import annotations

VERSIONS = (
    "24.0.0",
    "24.1.1",
    "25.0.3",
    "25.1.0",
    "25.2.0",
    "25.3.0",
    "26.0.0",
    "26.1.0",
    "26.2.0",
    "27.0.0",
    "27.0.1",
)

DIGESTS: dict[str, dict[str, tuple[str, ...]]] = {
    "asgi.websocket:WebSocketProtocol._unmask": {
        "f6b64418977a5cee": (
            "24.0.0",
            "24.1.1",
            "25.0.3",
            "25.1.0",
            "25.2.0",
            "25.3.0",
            "26.0.0",
            "26.1.0",
            "26.2.0",
            "27.0.0",
            "27.0.1",
        ),
    },
    "asgi.websocket:WebSocketProtocol._read_frame": {
        "15c8d25098d44c1f": (
            "24.0.0",
            "24.1.1",
            "25.0.3",
            "25.1.0",
            "25.2.0",
            "25.3.0",
            "26.0.0",
            "26.1.0",
            "26.2.0",
        ),
        "3776ec97e3c6d4b7": ("27.0.0", "27.0.1"),
    },
    "asgi.websocket:WebSocketProtocol.__init__": {
        "40e672d1cd18cb24": ("24.0.0", "24.1.1", "25.0.3", "25.1.0"),
        "9a0143f7b4e864c5": ("25.2.0", "25.3.0"),
        "948a41c076610a10": ("26.0.0", "26.1.0", "26.2.0"),
        "1f67081f5b800e0d": ("27.0.0", "27.0.1"),
    },
}
