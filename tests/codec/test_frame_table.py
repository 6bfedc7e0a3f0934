"""The headers of captured frames, as a table and in pieces, beside a plain loop over
parse_header."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastframe import ProtocolError, parse_header
from fastframe._codec.frame_table import FrameHeaders, count_frames, fill_table
from tests.helpers import KEY
from tests.strategies import frame

Row = tuple[int, int, int, int, bool, int, bool]

frames = st.builds(
    frame,
    st.sampled_from([0, 1, 2, 8, 9, 10]),
    st.one_of(st.binary(max_size=130), st.integers(126, 70_000).map(bytes)),
    fin=st.booleans(),
    rsv=st.integers(0, 7),
    key=st.sampled_from([None, KEY]),
)
streams = st.lists(st.one_of(frames, frames, st.binary(max_size=20)), max_size=8).map(b"".join)


def plain(data: bytes) -> tuple[list[tuple[Any, ...]], str]:
    """The table as the documentation tells it, and the reason why it is refused."""
    rows = []
    offset = 0
    while offset < len(data):
        try:
            header = parse_header(data[offset : offset + 14])
        except ProtocolError as error:
            return rows, f"at offset {offset}: {error.reason}"
        if header is None:
            break
        rows.append(
            (
                offset, header.size, header.payload_length, int(header.opcode), header.fin,
                header.rsv, header.masking_key is not None, header.masking_key or bytes(4),
            )
        )  # fmt: skip
        offset += header.size + header.payload_length
    return rows, ""


@given(streams)
def test_the_table_is_that_of_a_plain_loop(data: bytes) -> None:
    pytest.importorskip("numpy")
    from fastframe.frame_index import index_frames

    rows, reason = plain(data)
    if reason:
        with pytest.raises(ProtocolError) as caught:
            index_frames(data)
        assert caught.value.reason == reason
        return
    found = [(*row[:-1], bytes(row[-1])) for row in index_frames(data).tolist()]
    assert found == rows


@given(streams, st.lists(st.integers(1, 200), min_size=1, max_size=20))
def test_pieces_have_the_same_headers(data: bytes, sizes: list[int]) -> None:
    headers = FrameHeaders()
    rows: list[Row] = []
    position = 0
    while position < len(data):
        step = sizes[position % len(sizes)]
        rows += headers.feed(data[position : position + step])
        position += step
    expected, reason = plain(data)
    whole = [row[:-1] for row in expected if row[0] + row[1] + row[2] <= len(data)]
    assert rows == whole
    assert headers.stopped is bool(reason)
    after = rows[-1][0] + rows[-1][1] + rows[-1][2] if rows else 0
    if not reason:
        assert headers.unfinished == (after if after < len(data) else None)


@given(streams)
def test_what_is_only_counted(data: bytes) -> None:
    headers, counting = FrameHeaders(), FrameHeaders()
    rows = headers.feed(data)
    assert counting.feed(data, True) == [row for row in rows if row[3] >= 8]
    assert counting.frames == headers.frames == len(rows)
    assert counting.data_bytes == sum(row[2] for row in rows if row[3] < 8)


def test_where_messages_begin() -> None:
    headers = FrameHeaders()
    headers.feed(frame(1, b"whole"))
    assert (headers.boundary, headers.compressed, headers.missing) == (7, False, None)
    headers.feed(frame(1, b"a", fin=False, rsv=4) + frame(9, b"ping"))
    assert (headers.boundary, headers.compressed) == (7, True)
    headers.feed(frame(0, b"end")[:3])
    assert (headers.unfinished, headers.missing, headers.boundary) == (16, 2, 7)
    headers.feed(frame(0, b"end")[3:])
    assert (headers.unfinished, headers.boundary, headers.compressed) == (None, 21, False)
    headers.feed(b"\x89")
    assert (headers.unfinished, headers.missing, headers.boundary) == (21, None, 21)


def test_nothing_comes_after_a_header_that_is_refused() -> None:
    headers = FrameHeaders()
    assert headers.feed(b"\x83\x00" + frame(1, b"x")) == []
    assert headers.feed(frame(1, b"x")) == []
    assert (headers.stopped, headers.missing) == (True, None)


def test_arguments() -> None:
    with pytest.raises(TypeError):
        FrameHeaders().feed(bytearray())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="data must be a contiguous bytes-like object, not str"):
        count_frames("text")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="data must be"):
        fill_table(None, bytearray(25))  # type: ignore[arg-type]
    with pytest.raises((TypeError, BufferError)):
        fill_table(b"", b"read-only")


def test_a_table_that_is_too_small() -> None:
    data = frame(1, b"x") * 3
    assert count_frames(data) == 3
    table = bytearray(60)
    assert fill_table(data, table) == 2
    assert table[50:] == bytes(10)
    assert fill_table(b"", table) == 0
    assert count_frames(b"\x82\xff" + b"\x7f" + b"\xff" * 7 + KEY) == 1
