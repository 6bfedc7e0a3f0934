"""Frames that break a rule, by the rule's name: of a client, after whatever came before."""

from __future__ import annotations

BROKEN = {
    "reserved-bit": b"\xc1\x80\0\0\0\0", "opcode": b"\x83\x80\0\0\0\0",
    "control-fragmented": b"\x09\x80\0\0\0\0", "control-length": b"\x89\xfe\0\x80\0\0\0\0",
    "length-16": b"\x81\xfe\0\x01\0\0\0\0", "length-64": b"\x81\xff" + bytes(12),
    "length-top-bit": b"\x81\xff\x80" + bytes(11), "unmasked": b"\x81\0",
    "continuation-unexpected": b"\x80\x80\0\0\0\0",
    "continuation-expected": b"\x01\x80\0\0\0\0" * 2, "close-length": b"\x88\x81\0\0\0\0\0",
    "close-code": b"\x88\x82\0\0\0\0\x03\xed", "close-utf8": b"\x88\x83\0\0\0\0\x03\xe8\xff",
    "text-utf8": b"\x81\x81\0\0\0\0\xff", "deflate": b"\xc1\x81\0\0\0\0\xff",
}  # fmt: skip
