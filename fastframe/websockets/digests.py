"""Digests of what fastframe relies on in websockets, by item and by the tested versions: python -m tests.libraries.digests websockets"""

from __future__ import annotations

VERSIONS = ("16.1", "16.1.1", "17.0", "17.0.1", "17.1", "17.2", "17.3", "17.4")

DIGESTS: dict[str, dict[str, tuple[str, ...]]] = {
    "protocol:Protocol.receive_data": {
        "5ee896983b1d2025": ("16.1", "16.1.1", "17.0", "17.0.1", "17.1", "17.2", "17.3", "17.4"),
    },
    "protocol:Protocol.receive_eof": {
        "d7aa7e46d7911a86": ("16.1", "16.1.1", "17.0", "17.0.1", "17.1", "17.2", "17.3", "17.4"),
    },
    "protocol:Protocol.parse": {
        "0443e30b24b078b1": ("16.1", "16.1.1", "17.0", "17.0.1", "17.1", "17.2", "17.3", "17.4"),
    },
    "protocol:Protocol.recv_frame": {
        "954b42b9b6732070": ("16.1", "16.1.1"),
        "083a32037bae819f": ("17.0", "17.0.1", "17.1", "17.2", "17.3", "17.4"),
    },
    "protocol:Protocol.fail": {
        "b35203d1d3c16b59": ("16.1", "16.1.1"),
        "a9d288df7f4c02b8": ("17.0", "17.0.1", "17.1", "17.2", "17.3", "17.4"),
    },
    "protocol:Protocol.discard": {
        "fbc34640dad990a1": ("16.1", "16.1.1"),
        "0133d4ab11158523": ("17.0", "17.0.1", "17.1", "17.2", "17.3", "17.4"),
    },
    "protocol:Protocol.send_text": {
        "622eef497498deec": ("16.1", "16.1.1"),
        "62d094755d9d3db4": ("17.0", "17.0.1", "17.1", "17.2", "17.3", "17.4"),
    },
    "protocol:Protocol.send_binary": {
        "15dd018ce9edfdfd": ("16.1", "16.1.1"),
        "8a6b3d2a026219c9": ("17.0", "17.0.1", "17.1", "17.2", "17.3", "17.4"),
    },
    "protocol:Protocol.send_frame": {
        "0169b8e1acb43a21": ("16.1", "16.1.1", "17.0", "17.0.1", "17.1", "17.2", "17.3", "17.4"),
    },
    "protocol:Protocol.data_to_send": {
        "55f2edcf6c9d0270": ("16.1", "16.1.1", "17.0", "17.0.1", "17.1", "17.2", "17.3", "17.4"),
    },
    "protocol:Protocol.__init__": {
        "6a533443d8185c72": ("16.1", "16.1.1", "17.0", "17.0.1", "17.1", "17.2", "17.3", "17.4"),
    },
    "frames:Frame": {
        "fa489ede57fd133c": ("16.1", "16.1.1"),
        "95d43735f42bb831": ("17.0", "17.0.1", "17.1"),
        "14043e605ec437b3": ("17.2", "17.3", "17.4"),
    },
    "streams:StreamReader": {
        "d967dc85a1a4eae2": ("16.1", "16.1.1"),
        "a80d5c4e6a2a8da1": ("17.0", "17.0.1", "17.1", "17.2", "17.3", "17.4"),
    },
    "extensions.permessage_deflate:PerMessageDeflate": {
        "3f62df129e42af5e": ("16.1", "16.1.1"),
        "89f4dc4134dea082": ("17.0", "17.0.1", "17.1"),
        "8249af3fe39596bd": ("17.2", "17.3", "17.4"),
    },
    "asyncio.connection:Connection.send": {
        "fb7858b4c5714025": ("16.1", "16.1.1"),
        "0a071afce1f036f1": ("17.0", "17.0.1", "17.1", "17.2", "17.3", "17.4"),
    },
    "asyncio.connection:Connection.recv": {
        "b87411dddb5922ee": ("16.1", "16.1.1", "17.0", "17.0.1", "17.1", "17.2", "17.3"),
        "ce4553a92e783159": ("17.4",),
    },
    "asyncio.connection:Connection.send_context": {
        "2a0d6c08b4dff389": ("16.1", "16.1.1"),
        "09c851c8eab85a01": ("17.0", "17.0.1", "17.1", "17.2", "17.3"),
        "57517e52433913a8": ("17.4",),
    },
    "asyncio.connection:Connection.send_data": {
        "611096409f3cfc48": ("16.1", "16.1.1", "17.0", "17.0.1", "17.1", "17.2", "17.3", "17.4"),
    },
    "asyncio.connection:Connection.drain": {
        "b7a5df218b6a8797": ("16.1", "16.1.1", "17.0", "17.0.1", "17.1", "17.2", "17.3", "17.4"),
    },
    "asyncio.messages:SimpleQueue": {
        "2fae61bb182de456": ("16.1", "16.1.1", "17.0", "17.0.1", "17.1", "17.2"),
        "92c54fb456824279": ("17.3", "17.4"),
    },
    "asyncio.messages:Assembler.get": {
        "a9bb8c758afe3384": ("16.1", "16.1.1"),
        "7db189ef025b20ab": ("17.0", "17.0.1", "17.1", "17.2"),
        "8f79206dd6603f06": ("17.3",),
        "0ac292562337d762": ("17.4",),
    },
    "asyncio.messages:Assembler.maybe_resume": {
        "a42b7d8c50249a81": ("16.1", "16.1.1", "17.0", "17.0.1", "17.1", "17.2", "17.3", "17.4"),
    },
}
