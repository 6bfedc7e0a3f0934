"""What `install` may be asked to do otherwise than its target does."""

from __future__ import annotations

from typing import Literal, NamedTuple

from fastframe.deflate import Deflate


class Options(NamedTuple):
    """The options of `install`; as they are here, nothing is done otherwise."""

    max_message_size: int | None = None
    max_fragments: int | None = None
    deflate: Deflate | Literal[False] | None = None
    fix_interleaved_control: bool = False

    @classmethod
    def checked(
        cls, max_message_size: object, max_fragments: object, deflate: object, fix_interleaved_control: object
    ) -> Options:
        """The same; TypeError or ValueError names the option that cannot be."""
        if deflate is not None and deflate is not False and not isinstance(deflate, Deflate):
            raise TypeError(f"deflate must be a Deflate, False or None, not {type(deflate).__name__}")
        return cls(
            _limit("max_message_size", max_message_size),
            _limit("max_fragments", max_fragments),
            deflate,
            bool(fix_interleaved_control),
        )


def _limit(name: str, value: object) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an int or None, not {type(value).__name__}")
    if not 1 <= value < 2**62:
        raise ValueError(f"{name} must be from 1 to {2**62 - 1}, not {value}")
    return value
