"""The frames of captured traffic as a NumPy table, to be counted, filtered and plotted without a
loop in Python."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from fastframe._codec.frame_table import count_frames, fill_table

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    if sys.version_info >= (3, 12):
        from collections.abc import Buffer
    else:
        from typing_extensions import Buffer

# The columns: name, type, and shape where it is not a number. frame_table.pyx writes such rows.
COLUMNS: list[tuple[str, str] | tuple[str, str, tuple[int]]] = [
    ("offset", "u8"),  # of the header, in bytes from the start of the data
    ("header_size", "u1"),
    ("payload_length", "u8"),
    ("opcode", "u1"),
    ("fin", "?"),
    ("rsv", "u1"),  # RSV1 is 4, RSV2 is 2, RSV3 is 1
    ("masked", "?"),
    ("masking_key", "u1", (4,)),  # zeros if not masked
]


def index_frames(data: Buffer) -> npt.NDArray[np.void]:
    """The header of each frame in `data`, one row a frame (RFC 6455, 5.2).

    data: a contiguous bytes-like object, one direction of a connection from the first frame on. It
    is read, not kept.

    Returns a structured array with the columns offset, header_size, payload_length, opcode, fin,
    rsv, masked and masking_key; sizes are in bytes, offsets are of the headers. A last frame whose
    payload is cut off is in it; one whose header is cut off is not. Payloads are not looked at, nor
    is the order of frames judged.

    Raises TypeError for data that is not bytes-like, and ProtocolError, with the offset in its
    reason, for a header that no frame may have. ImportError without NumPy.

    >>> table = index_frames(b"\\x81\\x05hello\\x89\\x00")
    >>> table["offset"].tolist(), table["payload_length"].tolist()
    ([0, 7], [5, 0])
    """
    try:
        import numpy as np
    except ModuleNotFoundError:
        raise ImportError("index_frames needs NumPy: pip install 'fastframe[numpy]'") from None
    try:
        view = memoryview(data).cast("B")
    except TypeError:
        raise TypeError(
            f"data must be a contiguous bytes-like object, not {type(data).__name__}"
        ) from None
    table = np.empty(count_frames(view), np.dtype(COLUMNS))
    return table[: fill_table(view, table.view("u1"))]
