"""Text for people. What a peer sent is made fit for a terminal: no control character reaches it,
and none of those that change the direction of writing."""

from __future__ import annotations


def shown(text: str) -> str:
    """`text` on one line, with everything that does not print escaped as in Python's strings."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def beginning(payload: bytes, *, is_text: bool, characters: int) -> tuple[str, bool]:
    """The first characters of a text, or the first bytes as hex, two characters for each; and
    whether that is not all of it."""
    if not is_text:
        size = characters // 2
        return payload[:size].hex(), len(payload) > size
    # A character has 4 bytes at most; a frame may begin or end inside of one.
    text = payload[: 4 * characters].decode("utf-8", "replace")
    return text[:characters], len(text) > characters or len(payload) > 4 * characters


def plural(number: int, word: str) -> str:
    """A number of things."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"
