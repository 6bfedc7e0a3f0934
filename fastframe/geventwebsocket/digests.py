"""Digests of what fastframe relies on in gevent-websocket, by item and by tested version.

Made by: python -m tests.libraries.digests geventwebsocket
"""

from __future__ import annotations

VERSIONS = ("0.10.1",)

DIGESTS: dict[str, dict[str, tuple[str, ...]]] = {
    "websocket:Header.mask_payload": {
        "ca9db05c978ef74a": ("0.10.1",),
    },
    "websocket:Header.unmask_payload": {
        "dbef3bea0fe7dd3c": ("0.10.1",),
    },
    "websocket:Header.decode_header": {
        "dd8775301a84031e": ("0.10.1",),
    },
    "websocket:Header.encode_header": {
        "39c7792a3ecd45de": ("0.10.1",),
    },
    "websocket:WebSocket.read_message": {
        "04f4cf7472f0d6d1": ("0.10.1",),
    },
    "websocket:WebSocket.read_frame": {
        "2a007e5f4cb1fc3a": ("0.10.1",),
    },
    "websocket:WebSocket.validate_utf8": {
        "15f06c5821504e8d": ("0.10.1",),
    },
    "websocket:WebSocket._decode_bytes": {
        "86f8147562687d10": ("0.10.1",),
    },
    "websocket:WebSocket._encode_bytes": {
        "ec886994361186ff": ("0.10.1",),
    },
    "websocket:WebSocket.send_frame": {
        "13542aa3dea0656a": ("0.10.1",),
    },
    "websocket:WebSocket.__init__": {
        "f8adeac0af50b782": ("0.10.1",),
    },
    "websocket:WebSocket.handle_close": {
        "1a8ee6b3f67b76ec": ("0.10.1",),
    },
    "utf8validator:Utf8Validator": {
        "bfc9f3bdb14d269d": ("0.10.1",),
    },
}
