"""Which rule a ParseFailed is about, in the words of `ProtocolError.rule`: wsproto has a sentence
for each, which goes on the wire."""

from __future__ import annotations

from typing import Any

from fastframe._codec.checks import RULES as SENTENCES
from fastframe._types import ProtocolError

RULES = {
    "Reserved bit set": "reserved-bit",
    "Invalid opcode": "opcode",
    "Invalid attempt to fragment": "control-fragmented",
    "Control frame with payload len": "control-length",
    "Payload length used 2 bytes": "length-16",
    "Payload length used 8 bytes": "length-64",
    "8-byte payload length": "length-top-bit",
    "client received unexpected masked": "masked",
    "server received unexpected unmasked": "unmasked",
    "unexpected CONTINUATION": "continuation-unexpected",
    "expected CONTINUATION": "continuation-expected",
    "CLOSE with 1 byte": "close-length",
    "CLOSE with invalid code": "close-code",
    "remote CLOSE with local-only": "close-code",
    "CLOSE with unknown reserved": "close-code",
    "Error decoding CLOSE": "close-utf8",
    "error in extension": "deflate",
    "message larger than": "message-too-big",
    "message with more fragments": "too-many-fragments",
}
"""By how the sentence begins."""

SECTIONS = {rule: ProtocolError(1002, reason).section for reason, rule in SENTENCES.items()}


def fields_of(error: Any, offset: int) -> dict[str, Any]:
    """As `ProtocolError` has them, of a ParseFailed."""
    rule = rule_of(error)
    section = SECTIONS.get(rule, "")
    return {"rule": rule, "section": section, "code": int(error.code), "offset": offset}


def rule_of(error: Exception) -> str:
    sentence = str(error)
    for beginning, rule in RULES.items():
        if sentence.startswith(beginning):
            return rule
    return "text-utf8" if getattr(error, "code", None) == 1007 else "other"
