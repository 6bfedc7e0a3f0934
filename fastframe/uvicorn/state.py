"""The states of a connection."""

from __future__ import annotations

import enum


class State(enum.Enum):
    CONNECTING = 1
    REJECTING = 2
    OPEN = 3
    CLOSING = 4
    """The application has closed the connection; the peer's Close is awaited."""
    FAILED = 5
    """A Close has said what the peer did wrong; what else it sends is discarded, so that it can
    read that Close."""
    CLOSED = 6
