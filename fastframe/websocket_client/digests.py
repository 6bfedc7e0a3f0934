"""Digests of what fastframe relies on in websocket-client, by item and by the tested versions: python -m tests.libraries.digests websocket-client"""

from __future__ import annotations

VERSIONS = ("1.7.0", "1.8.0", "1.9.0", "1.9.1", "1.9.2")

DIGESTS: dict[str, dict[str, tuple[str, ...]]] = {
    "_utils:_validate_utf8": {
        "64cdf9aa40106e92": ("1.7.0", "1.8.0", "1.9.0", "1.9.1", "1.9.2"),
    },
    "_utils:validate_utf8": {
        "a6c219400dd481a4": ("1.7.0", "1.8.0", "1.9.0"),
        "2f75628d08291733": ("1.9.1", "1.9.2"),
    },
    "_abnf:_mask": {
        "2f236679a285fe1c": ("1.7.0", "1.8.0", "1.9.0", "1.9.1", "1.9.2"),
    },
    "_abnf:ABNF.mask": {
        "f8ceab091de0d9e9": ("1.7.0", "1.8.0", "1.9.0", "1.9.1", "1.9.2"),
    },
    "_abnf:ABNF._get_masked": {
        "6bba2df1fbc55856": ("1.7.0", "1.8.0", "1.9.0", "1.9.1", "1.9.2"),
    },
    "_abnf:frame_buffer.recv_frame": {
        "870ed1229b7c4b50": ("1.7.0", "1.8.0"),
        "1214cf820a3ea04c": ("1.9.0",),
        "53300a7292d96188": ("1.9.1", "1.9.2"),
    },
    "_handshake:handshake": {
        "8e1de128a1ce3f4a": ("1.7.0", "1.8.0", "1.9.0"),
        "28b5af85fbec53c7": ("1.9.1", "1.9.2"),
    },
    "_core:WebSocket.connect": {
        "df35a7358a4c05d3": ("1.7.0",),
        "07695baf39c2d0ce": ("1.8.0", "1.9.0"),
        "46fe177ccd9d4b72": ("1.9.1", "1.9.2"),
    },
}
