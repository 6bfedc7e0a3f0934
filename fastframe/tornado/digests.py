"""Digests of what fastframe relies on in tornado, by item and by tested version.

Made by: python -m tests.libraries.digests tornado
"""

from __future__ import annotations

VERSIONS = ("6.1", "6.2", "6.3.3", "6.4.2", "6.5", "6.5.10", "6.6", "6.6.1")

DIGESTS: dict[str, dict[str, tuple[str, ...]]] = {
    "websocket:WebSocketProtocol13._receive_frame": {
        "a5cf42f6f021e597": ("6.1", "6.2"),
        "1d275082ee11823a": ("6.3.3", "6.4.2", "6.5", "6.5.10", "6.6", "6.6.1"),
    },
    "websocket:WebSocketProtocol13._read_bytes": {
        "5876bce6d2309c32": ("6.1", "6.2", "6.3.3", "6.4.2", "6.5", "6.5.10", "6.6", "6.6.1"),
    },
    "websocket:WebSocketProtocol13._handle_message": {
        "91784e3081de4219": ("6.1", "6.2", "6.3.3", "6.4.2"),
        "280c9d57c0e1497d": ("6.5", "6.5.10"),
        "7e875f5cd3adc3dc": ("6.6", "6.6.1"),
    },
    "websocket:WebSocketProtocol13.write_message": {
        "34e37847cd397e99": ("6.1",),
        "fea5cba7482e22e2": ("6.2", "6.3.3", "6.4.2", "6.5", "6.5.10"),
        "daa80fbd0fc6efc0": ("6.6", "6.6.1"),
    },
    "websocket:WebSocketProtocol13._write_frame": {
        "302320c1a2147b5b": ("6.1", "6.2", "6.3.3", "6.4.2", "6.5", "6.5.10", "6.6", "6.6.1"),
    },
    "websocket:WebSocketProtocol._run_callback": {
        "faa63f95acd56486": ("6.1", "6.2", "6.3.3", "6.4.2", "6.5", "6.5.10"),
        "a67f09f145835671": ("6.6", "6.6.1"),
    },
    "websocket:WebSocketProtocol13.__init__": {
        "3ef51bb0fbeb184d": ("6.1", "6.2", "6.3.3", "6.4.2"),
        "7c2b47422a26b033": ("6.5", "6.5.10"),
        "e9be722067d6060f": ("6.6", "6.6.1"),
    },
    "websocket:WebSocketProtocol13._receive_frame_loop": {
        "59d2e391c964916e": ("6.1", "6.2", "6.3.3", "6.4.2", "6.5", "6.5.10"),
        "fb4285734200117d": ("6.6", "6.6.1"),
    },
    "iostream:BaseIOStream.read_bytes": {
        "2f7a167e3f62f4de": ("6.1", "6.2", "6.3.3", "6.4.2", "6.5", "6.5.10", "6.6", "6.6.1"),
    },
    "iostream:BaseIOStream.read_into": {
        "c183d9c3bf212e26": ("6.1", "6.2"),
        "e177110313186c59": ("6.3.3", "6.4.2", "6.5", "6.5.10"),
        "58e7e396f5c69ef9": ("6.6", "6.6.1"),
    },
    "iostream:BaseIOStream.read_until_regex": {
        "ca91fff56f898dbd": ("6.1", "6.2", "6.3.3", "6.4.2", "6.5", "6.5.10"),
        "1d2d0dee548fec0a": ("6.6", "6.6.1"),
    },
    "iostream:BaseIOStream.write": {
        "e390c6b91d4e9f7d": ("6.1",),
        "54c3c5dfe143a8bb": ("6.2", "6.3.3", "6.4.2", "6.5", "6.5.10"),
        "50018211d45c25cb": ("6.6", "6.6.1"),
    },
    "iostream:BaseIOStream._start_read": {
        "289058b4a68bc04d": ("6.1", "6.2", "6.3.3", "6.4.2", "6.5", "6.5.10", "6.6", "6.6.1"),
    },
    "iostream:BaseIOStream._try_inline_read": {
        "4c45226a275ddc3a": ("6.1", "6.2", "6.3.3", "6.4.2", "6.5", "6.5.10", "6.6", "6.6.1"),
    },
    "iostream:BaseIOStream._find_read_pos": {
        "c073900a952fcc11": ("6.1", "6.2"),
        "f57df142ad0733fc": ("6.3.3", "6.4.2", "6.5", "6.5.10"),
        "367f3cf7bcc90518": ("6.6", "6.6.1"),
    },
    "iostream:BaseIOStream._read_to_buffer_loop": {
        "2b6918e71854f4de": ("6.1", "6.2", "6.3.3", "6.4.2", "6.5", "6.5.10"),
        "072bfa67cd442e4b": ("6.6", "6.6.1"),
    },
    "iostream:BaseIOStream._read_to_buffer": {
        "db2d09479ae06fc6": ("6.1", "6.2", "6.3.3", "6.4.2"),
        "09e13b1668fbf9ff": ("6.5",),
        "c93c7645ad4562e8": ("6.5.10",),
        "c336c336c3c55891": ("6.6", "6.6.1"),
    },
    "iostream:BaseIOStream._read_from_buffer": {
        "540b41aed77790df": ("6.1",),
        "e47509829565e7ad": ("6.2", "6.3.3", "6.4.2", "6.5", "6.5.10", "6.6", "6.6.1"),
    },
    "iostream:BaseIOStream._finish_read": {
        "c3379c96937358c1": ("6.1",),
        "353965ee08c70c7c": ("6.2",),
        "ae3709d11957da72": ("6.3.3", "6.4.2", "6.5", "6.5.10"),
        "34c108886288b47f": ("6.6", "6.6.1"),
    },
    "iostream:BaseIOStream._consume": {
        "b46a722f37746b3b": ("6.1", "6.2"),
        "8e44202f74dc6ea4": ("6.3.3", "6.4.2", "6.5", "6.5.10"),
        "5a98156e8b603ed6": ("6.6", "6.6.1"),
    },
    "iostream:BaseIOStream.__init__": {
        "cb8ad7fb3b2288bf": ("6.1", "6.2"),
        "3512dc39ae69dd15": ("6.3.3", "6.4.2", "6.5", "6.5.10"),
        "885e7d1f7fc93382": ("6.6", "6.6.1"),
    },
    "iostream:BaseIOStream._handle_write": {
        "3dadff436da5ee1e": ("6.1", "6.2", "6.3.3", "6.4.2"),
        "b249b639ebb0d7d7": ("6.5", "6.5.10"),
        "8e79a97afe4a71e4": ("6.6", "6.6.1"),
    },
    "iostream:BaseIOStream._maybe_add_error_listener": {
        "99d12465a5d9b826": ("6.1", "6.2", "6.3.3", "6.4.2", "6.5", "6.5.10", "6.6", "6.6.1"),
    },
    "iostream:_StreamBuffer.append": {
        "af55f419450ee2a4": ("6.1", "6.2", "6.3.3", "6.4.2", "6.5", "6.5.10"),
        "f3bb9a5fe64db543": ("6.6", "6.6.1"),
    },
}
