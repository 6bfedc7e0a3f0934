"""Digests of what fastframe relies on in wsproto, by item and by tested version.

Made by: python -m tests.libraries.digests wsproto
"""

from __future__ import annotations

VERSIONS = ("1.1.0", "1.2.0", "1.3.0", "1.3.1", "1.3.2")

DIGESTS: dict[str, dict[str, tuple[str, ...]]] = {
    "connection:Connection": {
        "d3a786b0909f9a56": ("1.1.0",),
        "b4eda9ca607c9bf5": ("1.2.0",),
        "436bae7386a51874": ("1.3.0", "1.3.1"),
        "cd86c1f0db4563d9": ("1.3.2",),
    },
    "connection:ConnectionState": {
        "7b08069cf0001cc2": ("1.1.0", "1.2.0", "1.3.0", "1.3.1", "1.3.2"),
    },
    "connection:ConnectionType": {
        "3a2199c328a1241e": ("1.1.0", "1.2.0", "1.3.0", "1.3.1", "1.3.2"),
    },
    "events:Event": {
        "9201778c6864216e": ("1.1.0", "1.2.0", "1.3.0", "1.3.1", "1.3.2"),
    },
    "events:Message": {
        "c6a9cb151af51c0d": ("1.1.0", "1.2.0", "1.3.0", "1.3.1", "1.3.2"),
    },
    "events:TextMessage": {
        "341bd563da9780a0": ("1.1.0", "1.2.0", "1.3.0", "1.3.1"),
        "8d29558283b097b4": ("1.3.2",),
    },
    "events:BytesMessage": {
        "eb4ffcb1404cf09b": ("1.1.0", "1.2.0"),
        "146e70008cc4ae2d": ("1.3.0", "1.3.1"),
        "8f49b68d0a124a20": ("1.3.2",),
    },
    "events:Ping": {
        "1664cb282d99671e": ("1.1.0", "1.2.0"),
        "037abbad9354b9e3": ("1.3.0", "1.3.1", "1.3.2"),
    },
    "events:Pong": {
        "3524ecdceefc5817": ("1.1.0", "1.2.0", "1.3.0", "1.3.1", "1.3.2"),
    },
    "events:CloseConnection": {
        "1a021821acb71505": ("1.1.0", "1.2.0"),
        "e741f5615b74bff0": ("1.3.0", "1.3.1", "1.3.2"),
    },
    "extensions:Extension": {
        "751bf181804c6964": ("1.1.0", "1.2.0"),
        "86aa813a69c24641": ("1.3.0", "1.3.1", "1.3.2"),
    },
    "extensions:PerMessageDeflate": {
        "7ca455b517f8b97c": ("1.1.0", "1.2.0"),
        "f3c4b6273663b2e2": ("1.3.0", "1.3.1", "1.3.2"),
    },
    "frame_protocol:Buffer": {
        "a64928d3d2a1032a": ("1.1.0", "1.2.0"),
        "f1026c2932ae4e97": ("1.3.0", "1.3.1", "1.3.2"),
    },
    "frame_protocol:MessageDecoder": {
        "ce20cbbbf93fcc19": ("1.1.0", "1.2.0"),
        "d44b81856ae21a8e": ("1.3.0", "1.3.1", "1.3.2"),
    },
    "frame_protocol:FrameDecoder": {
        "a21f8d6f634e1796": ("1.1.0", "1.2.0"),
        "67bbfce3c09ea307": ("1.3.0", "1.3.1", "1.3.2"),
    },
    "frame_protocol:FrameProtocol": {
        "2ced09d98c74fb79": ("1.1.0",),
        "cd2a20568556b857": ("1.2.0",),
        "54e024e2fb39a0e8": ("1.3.0", "1.3.1", "1.3.2"),
    },
    "frame_protocol:XorMaskerSimple": {
        "44d5dd5fa240b662": ("1.1.0", "1.2.0"),
        "ec985613bc5abb27": ("1.3.0", "1.3.1", "1.3.2"),
    },
    "frame_protocol:XorMaskerNull": {
        "4c232a3b8bcc8e50": ("1.1.0", "1.2.0"),
        "2c82876e9b685807": ("1.3.0", "1.3.1", "1.3.2"),
    },
    "frame_protocol:Frame": {
        "cada19516a72d6ae": ("1.1.0", "1.2.0"),
        "a2a78d1734c522af": ("1.3.0", "1.3.1", "1.3.2"),
    },
    "frame_protocol:Header": {
        "4452f34ac8f6945e": ("1.1.0", "1.2.0"),
        "d589a9ec934dc985": ("1.3.0", "1.3.1", "1.3.2"),
    },
    "frame_protocol:RsvBits": {
        "ae9cc4b14d5bdfb4": ("1.1.0", "1.2.0", "1.3.0", "1.3.1", "1.3.2"),
    },
    "frame_protocol:Opcode": {
        "6f4e8858f20a9b7e": ("1.1.0", "1.2.0", "1.3.0", "1.3.1", "1.3.2"),
    },
    "frame_protocol:CloseReason": {
        "a95d8a85b8ca30a9": ("1.1.0", "1.2.0", "1.3.0", "1.3.1", "1.3.2"),
    },
    "frame_protocol:ParseFailed": {
        "8b32d6dade687684": ("1.1.0", "1.2.0"),
        "dd9cb832c1cfe236": ("1.3.0", "1.3.1", "1.3.2"),
    },
}
