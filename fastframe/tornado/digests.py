"""Digests of what fastframe relies on in tornado, by item and by tested version.

Made by: python -m tests.libraries.digests tornado
"""

from __future__ import annotations

VERSIONS = ("6.6.1",)

DIGESTS: dict[str, dict[str, tuple[str, ...]]] = {
    "websocket:WebSocketProtocol13._receive_frame": {
        "1d275082ee11823a": ("6.6.1",),
    },
    "websocket:WebSocketProtocol13._read_bytes": {
        "5876bce6d2309c32": ("6.6.1",),
    },
    "websocket:WebSocketProtocol13._handle_message": {
        "7e875f5cd3adc3dc": ("6.6.1",),
    },
    "websocket:WebSocketProtocol13.write_message": {
        "daa80fbd0fc6efc0": ("6.6.1",),
    },
    "websocket:WebSocketProtocol13._write_frame": {
        "302320c1a2147b5b": ("6.6.1",),
    },
    "websocket:WebSocketProtocol._run_callback": {
        "a67f09f145835671": ("6.6.1",),
    },
    "websocket:WebSocketProtocol13.__init__": {
        "e9be722067d6060f": ("6.6.1",),
    },
    "websocket:WebSocketProtocol13._receive_frame_loop": {
        "fb4285734200117d": ("6.6.1",),
    },
    "iostream:BaseIOStream.read_bytes": {
        "2f7a167e3f62f4de": ("6.6.1",),
    },
    "iostream:BaseIOStream.read_into": {
        "58e7e396f5c69ef9": ("6.6.1",),
    },
    "iostream:BaseIOStream.read_until_regex": {
        "1d2d0dee548fec0a": ("6.6.1",),
    },
    "iostream:BaseIOStream.write": {
        "50018211d45c25cb": ("6.6.1",),
    },
    "iostream:BaseIOStream._start_read": {
        "289058b4a68bc04d": ("6.6.1",),
    },
    "iostream:BaseIOStream._try_inline_read": {
        "4c45226a275ddc3a": ("6.6.1",),
    },
    "iostream:BaseIOStream._find_read_pos": {
        "367f3cf7bcc90518": ("6.6.1",),
    },
    "iostream:BaseIOStream._read_to_buffer_loop": {
        "072bfa67cd442e4b": ("6.6.1",),
    },
    "iostream:BaseIOStream._read_to_buffer": {
        "c336c336c3c55891": ("6.6.1",),
    },
    "iostream:BaseIOStream._read_from_buffer": {
        "e47509829565e7ad": ("6.6.1",),
    },
    "iostream:BaseIOStream._finish_read": {
        "34c108886288b47f": ("6.6.1",),
    },
    "iostream:BaseIOStream._consume": {
        "5a98156e8b603ed6": ("6.6.1",),
    },
    "iostream:BaseIOStream.__init__": {
        "885e7d1f7fc93382": ("6.6.1",),
    },
    "iostream:BaseIOStream._handle_write": {
        "8e79a97afe4a71e4": ("6.6.1",),
    },
    "iostream:BaseIOStream._maybe_add_error_listener": {
        "99d12465a5d9b826": ("6.6.1",),
    },
    "iostream:_StreamBuffer.append": {
        "f3bb9a5fe64db543": ("6.6.1",),
    },
}
