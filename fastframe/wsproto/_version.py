"""Which wsproto is installed, and which of the tested ones it is like."""

from __future__ import annotations

from fastframe._targets.relied_on import Comparison, note_or_refuse
from fastframe.wsproto.digests import DIGESTS, VERSIONS

_allowed: list[str] = []  # a version that was asked for untested


def installed_version() -> str:
    """The version of the wsproto that an import finds. ImportError if there is none."""
    try:
        import wsproto
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"wsproto is not installed; tested versions: {', '.join(VERSIONS)}. Install it with: "
            f"pip install 'fastframe[wsproto]'"
        ) from error
    return wsproto.__version__


def note_on_version(*, untested: bool = False) -> str | None:
    """What is good to know of it. ImportError if what this package relies on has changed, unless
    `untested`: then it may be used from now on."""
    version, comparison = installed_version(), compared()
    note = note_or_refuse("wsproto", version, comparison, untested=untested or version in _allowed)
    if untested and comparison.changed:
        _allowed.append(version)
    return note


def like_version() -> str:
    """The tested version that the installed one is like. ImportError as above."""
    note_on_version()
    return compared().like


def compared() -> Comparison:
    return Comparison("wsproto", DIGESTS, VERSIONS)
