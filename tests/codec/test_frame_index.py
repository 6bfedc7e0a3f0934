"""The frames of captured traffic as a table."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

pytest.importorskip("numpy")

import numpy as np

from fastframe import ProtocolError, apply_mask
from fastframe.frame_index import COLUMNS, index_frames
from tests.helpers import KEY
from tests.strategies import frame


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_every_frame_has_a_row(kind: Any) -> None:
    payloads = [bytes(size) for size in (0, 1, 125, 126, 65535, 65536)]
    frames = [
        frame(2, payload, fin=bool(i % 2), rsv=i, key=KEY if i % 2 else None)
        for i, payload in enumerate(payloads)
    ]
    data = b"".join(frames)
    table = index_frames(kind(data))
    assert table.dtype == np.dtype(COLUMNS)
    assert table["offset"].tolist() == np.cumsum([0, *map(len, frames)])[:-1].tolist()
    assert table["payload_length"].tolist() == [len(payload) for payload in payloads]
    assert table["rsv"].tolist() == list(range(6))
    assert table["fin"].tolist() == table["masked"].tolist() == [False, True] * 3
    assert table["masking_key"][1].tobytes() == KEY
    assert table["masking_key"][0].tobytes() == bytes(4)
    assert set(table["opcode"].tolist()) == {2}
    row = table[3]
    start = int(row["offset"] + row["header_size"])
    payload = data[start : start + int(row["payload_length"])]
    assert apply_mask(payload, row["masking_key"].tobytes()) == payloads[3]


def test_what_is_cut_off() -> None:
    assert len(index_frames(b"")) == 0
    assert len(index_frames(frame(2, b"abc")[:3])) == 1
    assert len(index_frames(frame(2, b"abc") + b"\x82\x7e\x01")) == 1
    assert index_frames(b"\x82\x7f" + (2**62).to_bytes(8, "big"))["payload_length"].tolist() == [
        2**62
    ]


def test_bad_input() -> None:
    with pytest.raises(ProtocolError, match="at offset 5: the opcode is reserved"):
        index_frames(frame(2, b"abc") + b"\x83\x00")
    with pytest.raises(TypeError, match="data must be a contiguous bytes-like object, not str"):
        index_frames("text")  # type: ignore[arg-type]


def test_without_numpy() -> None:
    code = "import sys; sys.modules['numpy'] = None; from fastframe import *; index_frames(b'')"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert "ImportError: index_frames needs NumPy: pip install 'fastframe[numpy]'" in result.stderr
