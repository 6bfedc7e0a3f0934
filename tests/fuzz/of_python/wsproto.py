"""The drop-in beside wsproto: what FrameDecoder, FrameProtocol and Connection return, raise and
keep, for any stream in any reads."""

from __future__ import annotations

from fastframe._cli.differential import Session, deflate, find_difference, no_extensions
from tests.fuzz.mutations import Input

FRAMES = True


def check(data: bytes) -> None:
    given = Input.of(data)
    if given is None:
        return
    pieces = given.pieces()
    cuts = []
    for piece in pieces[:-1]:
        cuts.append((cuts[-1] if cuts else 0) + len(piece))
    session = Session(
        kind="fuzzed", client=not given.options & 1, frames=(given.wire,), cuts=tuple(cuts),
        extensions=deflate if given.options & 2 else no_extensions,
    )  # fmt: skip
    difference = find_difference(session)
    assert difference is None, str(difference)
