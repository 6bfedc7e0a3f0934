"""A drop-in for `wsproto.frame_protocol`: the same public names, with a fast FrameDecoder and
FrameProtocol.

Everything else is wsproto's own, re-exported: callers compare opcodes and catch ParseFailed by
identity.
"""

from __future__ import annotations

from fastframe.wsproto.drop_in import (
    FrameDecoder,
    FrameProtocol,
)  # first: it says which versions of wsproto will do

# isort: split
from wsproto.frame_protocol import (
    FIN_MASK,
    LOCAL_ONLY_CLOSE_REASONS,
    MASK_MASK,
    MAX_CLOSE_REASON,
    MAX_FRAME_PAYLOAD,
    MAX_LIBRARY_CLOSE_REASON,
    MAX_PAYLOAD_EIGHT_BYTE,
    MAX_PAYLOAD_NORMAL,
    MAX_PAYLOAD_TWO_BYTE,
    MAX_PRIVATE_CLOSE_REASON,
    MAX_PROTOCOL_CLOSE_REASON,
    MIN_CLOSE_REASON,
    MIN_LIBRARY_CLOSE_REASON,
    MIN_PRIVATE_CLOSE_REASON,
    MIN_PROTOCOL_CLOSE_REASON,
    NULL_MASK,
    OPCODE_MASK,
    PAYLOAD_LEN_MASK,
    PAYLOAD_LENGTH_EIGHT_BYTE,
    PAYLOAD_LENGTH_TWO_BYTE,
    RSV1_MASK,
    RSV2_MASK,
    RSV3_MASK,
    Buffer,
    CloseReason,
    Frame,
    Header,
    MessageDecoder,
    Opcode,
    ParseFailed,
    RsvBits,
    XorMaskerNull,
    XorMaskerSimple,
)

__all__ = [
    "FIN_MASK",
    "LOCAL_ONLY_CLOSE_REASONS",
    "MASK_MASK",
    "MAX_CLOSE_REASON",
    "MAX_FRAME_PAYLOAD",
    "MAX_LIBRARY_CLOSE_REASON",
    "MAX_PAYLOAD_EIGHT_BYTE",
    "MAX_PAYLOAD_NORMAL",
    "MAX_PAYLOAD_TWO_BYTE",
    "MAX_PRIVATE_CLOSE_REASON",
    "MAX_PROTOCOL_CLOSE_REASON",
    "MIN_CLOSE_REASON",
    "MIN_LIBRARY_CLOSE_REASON",
    "MIN_PRIVATE_CLOSE_REASON",
    "MIN_PROTOCOL_CLOSE_REASON",
    "NULL_MASK",
    "OPCODE_MASK",
    "PAYLOAD_LENGTH_EIGHT_BYTE",
    "PAYLOAD_LENGTH_TWO_BYTE",
    "PAYLOAD_LEN_MASK",
    "RSV1_MASK",
    "RSV2_MASK",
    "RSV3_MASK",
    "Buffer",
    "CloseReason",
    "Frame",
    "FrameDecoder",
    "FrameProtocol",
    "Header",
    "MessageDecoder",
    "Opcode",
    "ParseFailed",
    "RsvBits",
    "XorMaskerNull",
    "XorMaskerSimple",
]
