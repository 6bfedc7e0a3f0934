"""`index_frames` and `parse_header` beside each other, and beside the fields as 5.2 has them."""

from __future__ import annotations

from fastframe import ProtocolError, index_frames, parse_header

FRAMES = True


def check(data: bytes) -> None:
    rows: list[tuple[int, ...]] = []
    at = 0
    broken = ""
    while at < len(data):
        try:
            header = parse_header(data[at : at + 14])
        except ProtocolError as error:
            broken = f"at offset {at}: {error.reason}"
            break
        if header is None:
            break
        first, second = data[at], data[at + 1]
        assert (header.fin, header.rsv, header.opcode) == (first >> 7, first >> 4 & 7, first & 15)
        assert (header.masking_key is not None) == second >> 7
        short = second & 127
        size = {126: 2, 127: 8}.get(short, 0)
        length = int.from_bytes(data[at + 2 : at + 2 + size], "big") if size else short
        assert header.payload_length == length
        assert header.size == 2 + size + (second >> 7) * 4
        rows.append((at, header.size, length, first & 15))
        at += header.size + length
    found = outcome(data)
    assert found == (broken or rows), f"{found}\n{broken or rows}"


def outcome(data: bytes) -> str | list[tuple[int, ...]]:
    names = ["offset", "header_size", "payload_length", "opcode"]
    try:
        return [tuple(map(int, row)) for row in index_frames(data)[names]]
    except ProtocolError as error:
        return error.reason
