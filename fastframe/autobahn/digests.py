"""Digests of what fastframe relies on in autobahn, by item and by the tested versions: python -m tests.libraries.digests autobahn"""

from __future__ import annotations

VERSIONS = ("24.4.2", "25.12.2", "26.6.2", "26.7.1", "26.10.1", "26.10.2")

DIGESTS: dict[str, dict[str, tuple[str, ...]]] = {
    "websocket.xormasker:create_xor_masker": {
        "87bac3a0229be7a3": ("24.4.2",),
        "0f4fc43673a0f4a6": ("25.12.2", "26.6.2", "26.7.1", "26.10.1", "26.10.2"),
    },
    "websocket.utf8validator:Utf8Validator": {
        "17d04705b8d85504": ("24.4.2",),
        "821c449b1e746ba9": ("25.12.2",),
        "e37bd380f5f9503f": ("26.6.2", "26.7.1", "26.10.1", "26.10.2"),
    },
    "nvx._xormasker:create_xor_masker": {
        "not found": ("24.4.2",),
        "0f4fc43673a0f4a6": ("25.12.2", "26.6.2", "26.7.1", "26.10.1", "26.10.2"),
    },
    "nvx._utf8validator:Utf8Validator": {
        "86d85fe474bccb18": ("24.4.2",),
        "39e3e5892426be05": ("25.12.2", "26.6.2", "26.7.1", "26.10.1", "26.10.2"),
    },
    "websocket.protocol:WebSocketProtocol._connectionMade": {
        "1a57d3b619b4c652": ("24.4.2",),
        "c8eb3ac5f1736e5c": ("25.12.2",),
        "c44af9b914ed2edd": ("26.6.2", "26.7.1", "26.10.1", "26.10.2"),
    },
    "websocket.protocol:WebSocketProtocol.onCloseFrame": {
        "00a5aac13e33edeb": ("24.4.2",),
        "6d0f77d7c0e46563": ("25.12.2",),
        "77b549bb395a86c9": ("26.6.2", "26.7.1", "26.10.1", "26.10.2"),
    },
    "websocket.protocol:WebSocketProtocol.processData": {
        "15aa3805054655fc": ("24.4.2",),
        "b8ba1f7aed5b7b9b": ("25.12.2",),
        "6fc32ddb07e15733": ("26.6.2", "26.7.1", "26.10.1", "26.10.2"),
    },
    "websocket.protocol:WebSocketProtocol.onFrameBegin": {
        "72d22ed5bb08d97e": ("24.4.2",),
        "09e414295184755d": ("25.12.2",),
        "1256f2b38e33080c": ("26.6.2", "26.7.1", "26.10.1", "26.10.2"),
    },
    "websocket.protocol:WebSocketProtocol.onFrameData": {
        "2871637530c6ee32": ("24.4.2",),
        "f447ca3d738f2940": ("25.12.2",),
        "de0a415017f5b6ee": ("26.6.2",),
        "cab433eb28e29bc0": ("26.7.1",),
        "3eb3c24d1064476e": ("26.10.1", "26.10.2"),
    },
    "websocket.protocol:WebSocketProtocol.sendFrame": {
        "de7399ce621363b8": ("24.4.2",),
        "739c9a10b51c342f": ("25.12.2",),
        "45ad6b09eb7529cd": ("26.6.2", "26.7.1", "26.10.1", "26.10.2"),
    },
    "websocket.protocol:WebSocketProtocol.beginMessageFrame": {
        "95558c63512c42b0": ("24.4.2",),
        "71ed70f7bf541766": ("25.12.2",),
        "d547b84fe409b90b": ("26.6.2", "26.7.1", "26.10.1", "26.10.2"),
    },
}
