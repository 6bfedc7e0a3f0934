"""Which messages are wanted."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fastframe._inspect.events import Message


@dataclass(frozen=True, slots=True)
class Filter:
    """A message must pass all that are given."""

    opcodes: frozenset[str] = frozenset()
    """Lower-case names, as in Opcode."""
    min_size: int = 0
    """Of the payload in bytes, inflated."""
    connections: frozenset[int] = frozenset()
    sender: str = ""
    grep: re.Pattern[str] | None = None
    """Is searched for in texts, and in the reasons of Close frames."""

    @property
    def active(self) -> bool:
        """False if every message passes."""
        return self != Filter()

    def passes(self, message: Message) -> bool:
        """Whether it is wanted."""
        size = message.wire_length if message.length is None else message.length
        return (
            (not self.opcodes or message.opcode.name.lower() in self.opcodes)
            and size >= self.min_size
            and (not self.connections or message.connection.number in self.connections)
            and self.sender in ("", message.sender)
            and (self.grep is None or self._contains(self.grep, message))
        )

    @staticmethod
    def _contains(pattern: re.Pattern[str], message: Message) -> bool:
        return (
            message.is_text
            and pattern.search(message.payload.decode("utf-8", "replace")) is not None
        )
