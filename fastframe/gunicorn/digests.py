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
    "asgi.websocket:WebSocketProtocol._read_frames": {
        "b304f67a190b391c": ("24.0.0", "24.1.1", "25.0.3", "25.1.0", "25.2.0", "25.3.0"),
        "996103826fcb9725": ("26.0.0", "26.1.0", "26.2.0"),
        "a6390e719a5cfff7": ("27.0.0", "27.0.1"),
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
    "asgi.websocket:WebSocketProtocol._read_exact": {
        "9b70c507629811f3": ("24.0.0", "24.1.1", "25.0.3", "25.1.0"),
        "026a1e13721f7be2": ("25.2.0", "25.3.0", "26.0.0", "26.1.0", "26.2.0"),
        "c06dfc39b33ffd50": ("27.0.0", "27.0.1"),
    },
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
    "asgi.websocket:WebSocketProtocol._put_message": {
        "not found": (
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
        "bbf7f8686f559ebf": ("27.0.0", "27.0.1"),
    },
    "asgi.websocket:WebSocketProtocol._handle_close": {
        "6d35e5af1d379ba5": ("24.0.0", "24.1.1", "25.0.3", "25.1.0", "25.2.0", "25.3.0"),
        "2442b0c9de1ec691": ("26.0.0", "26.1.0", "26.2.0"),
        "ec3001de0b9eaded": ("27.0.0", "27.0.1"),
    },
    "asgi.websocket:WebSocketProtocol._handle_continuation": {
        "110701a708f56643": (
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
    "asgi.websocket:WebSocketProtocol._send": {
        "58a9efa4d7a38a7d": ("24.0.0", "24.1.1", "25.0.3", "25.1.0", "25.2.0", "25.3.0"),
        "20d7d4aa7aae1115": ("26.0.0", "26.1.0", "26.2.0"),
        "b2aa5e7ec0977b60": ("27.0.0", "27.0.1"),
    },
    "asgi.websocket:WebSocketProtocol._send_frame": {
        "8eda40331bcc64a5": (
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
    "asgi.websocket:WebSocketProtocol._send_close": {
        "2a07cd7db777dbac": ("24.0.0", "24.1.1", "25.0.3", "25.1.0", "25.2.0", "25.3.0"),
        "03276062f9db7f1d": ("26.0.0", "26.1.0", "26.2.0"),
        "bccd93a6afd8c6c2": ("27.0.0", "27.0.1"),
    },
    "asgi.websocket:WebSocketProtocol.feed_data": {
        "not found": ("24.0.0", "24.1.1", "25.0.3", "25.1.0"),
        "698e0e098f9c1bb1": ("25.2.0", "25.3.0", "26.0.0", "26.1.0", "26.2.0"),
        "64e85852247aab21": ("27.0.0", "27.0.1"),
    },
    "asgi.websocket:WebSocketProtocol._resume_reading": {
        "not found": (
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
        "fa973668480f7eba": ("27.0.0", "27.0.1"),
    },
    "asgi.websocket:WebSocketProtocol.__init__": {
        "40e672d1cd18cb24": ("24.0.0", "24.1.1", "25.0.3", "25.1.0"),
        "9a0143f7b4e864c5": ("25.2.0", "25.3.0"),
        "948a41c076610a10": ("26.0.0", "26.1.0", "26.2.0"),
        "1f67081f5b800e0d": ("27.0.0", "27.0.1"),
    },
}
