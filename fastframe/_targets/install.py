"""install, uninstall, installed and status: fastframe under libraries that have a codec of their
own, and out again."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NoReturn, ParamSpec, TypeAlias, TypeVar

from fastframe._codec.checks import _flag_from
from fastframe._codec.kernels import active_kernel
from fastframe._cpython.tricks import TRICKS
from fastframe._targets.options import Options
from fastframe._targets.target import Target, connections, left, target, target_names, uncounted

if TYPE_CHECKING:
    from fastframe.deflate import Deflate

DISABLED = "FASTFRAME_DISABLE is set in the environment"
UNTESTED = "FASTFRAME_UNTESTED"

TargetName: TypeAlias = Literal[
    "wsproto",
    "uvicorn",
    "websocket-client",
    "gunicorn",
    "geventwebsocket",
    "websockets",
    "autobahn",
    "tornado",
]
"""The names of the targets, for editors and type checkers."""

_T = TypeVar("_T")

_log = logging.getLogger("fastframe")
_lock = threading.RLock()
_active: dict[str, Options] = {}
_notes: dict[str, str | None] = {}  # of what `check` has found


class InstallError(RuntimeError):
    """A target cannot be accelerated here; the message says why and what to do. Nothing was
    changed.

    >>> raise InstallError("wsproto is not installed")
    Traceback (most recent call last):
    fastframe.InstallError: wsproto is not installed
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """What is known of one target.

    >>> import fastframe
    >>> fastframe.status()["wsproto"].kernel == fastframe.active_kernel()
    True
    """

    version: str | None
    """The version that is installed, or None."""
    supported: tuple[str, ...]
    """The versions that fastframe was tested with."""
    ready: bool
    """True if the target runs on fastframe, or would after `install`."""
    active: bool
    """True while the target runs on fastframe."""
    kernel: str
    """The kernel in use, as `active_kernel()` says it."""
    reason: str | None
    """Why it is not active, in one sentence; None if it is."""
    connections: int
    """How many connections have run on fastframe in this process, those that are closed
    included."""
    note: str | None = None
    """What is good to know of a version that was not tested: which one it is like, or what has
    changed; else None."""
    left: dict[str, int] = field(default_factory=dict, hash=False)
    """How many connections have taken the library's own path in this process although the target
    runs on fastframe, by the reason: a class that has its own method, for one."""


def install(
    *targets: TargetName,
    max_message_size: int | None = None,
    max_fragments: int | None = None,
    deflate: Deflate | Literal[False] | None = None,
    fix_interleaved_control: bool = False,
    untested: bool = False,
) -> None:
    """Makes each of `targets` run on fastframe, except connections that are already open.

    targets: names of libraries; ValueError for another name. "wsproto" is for everything that is
    built on it, "uvicorn" for uvicorn's default, `--ws auto`, in servers that load their settings
    from now on, "gunicorn" for its own ASGI worker; "websocket-client", "geventwebsocket",
    "websockets", "autobahn" (daphne too) and "tornado" (Jupyter too) are those libraries.

    Without options a target behaves as it does by itself, defects included. Options hold for
    connections from now on.

    max_message_size: the largest message in bytes, all its fragments together, and while it is
    inflated. A larger one ends the connection with 1009. max_fragments: the most frames that one
    message may have; more end the connection with 1009. deflate: False to turn permessage-deflate
    off, or a `fastframe.deflate.Deflate` with back-end, level, windows and threshold; for
    "websockets" a Deflate with back-end and level only. fix_interleaved_control: with True, for
    "wsproto", a Ping between the fragments of a compressed message does no harm.

    untested: with True, also a version in which something has changed that fastframe relies on, if
    a self-check finds no difference between the library's own code and fastframe. The variable
    FASTFRAME_UNTESTED in the environment does the same for the targets that it names, with commas.

    TypeError or ValueError for an invalid option, and for one that none of the targets has. Calling
    it again sets the options anew.

    Raises InstallError, and changes nothing at all, if a target is missing, or if a function or
    class that fastframe relies on is not as in any version that was tested: it is known by its
    source, so a new version in which nothing of that has changed is as good as those. With
    FASTFRAME_DISABLE set in the environment (to anything but 0) nothing is changed, and a warning
    is logged.

    >>> import fastframe
    >>> fastframe.install("wsproto", max_message_size=2**20)
    >>> fastframe.status()["wsproto"].active
    True
    >>> fastframe.uninstall("wsproto")
    """
    given = {
        "max_message_size": max_message_size, "max_fragments": max_fragments, "deflate": deflate,
        "fix_interleaved_control": fix_interleaved_control,
    }  # fmt: skip
    with _lock:
        options = Options.checked(given)
        chosen = _chosen(targets)
        _refuse_options_without_target(options, chosen)
        asked_for = {
            name
            for name in chosen
            if _flag_from("untested", untested)
            or name in untested_by_environment()
            or name in _active
        }
        if disabled():
            _log.warning("not installed under %s: %s", ", ".join(targets), DISABLED)
            return
        for name, found in chosen.items():
            _notes[name] = _try(functools.partial(found.check, untested=name in asked_for))
        for found in chosen.values():
            _try(found.load)
        for name, found in chosen.items():
            if name in asked_for and _notes[name] is not None and name not in _active:
                _try(functools.partial(_check_itself, found))
        _change(chosen, options)


def _check_itself(found: Target) -> None:
    """ImportError if the library makes anything else of fixed traffic on fastframe than alone.
    Other threads must not use it meanwhile."""
    try:
        with uncounted():
            alone = found.observe()
    except Exception as error:
        raise ImportError(
            f"{found.distribution} {found.installed_version()} was not tested, and the self-check "
            f"cannot use it: {type(error).__name__}: {error}"
        ) from error
    found.configure(Options())
    try:
        found.activate()
        with uncounted():
            accelerated = found.observe()
    except Exception as error:
        accelerated = [(type(error), str(error))]
    finally:
        found.deactivate()
    if accelerated != alone:
        pairs = [pair for pair in zip(alone, accelerated) if pair[0] != pair[1]]
        first = (
            f"alone {pairs[0][0]!r:.200}, on fastframe {pairs[0][1]!r:.200}"
            if pairs
            else "not as many results"
        )
        raise ImportError(
            f"{found.distribution} {found.installed_version()} was not tested, and the self-check "
            f"found {len(pairs) or 1} differences, so it is left alone. "
            f"The first: {first}. Install a newer fastframe, or "
            f"{found.distribution}=={found.supported_versions[-1]}"
        )


def untested_by_environment() -> tuple[str, ...]:
    """The targets that FASTFRAME_UNTESTED names."""
    return tuple(name.strip() for name in os.environ.get(UNTESTED, "").split(","))


def _change(chosen: dict[str, Target], options: Options) -> None:
    """All of them or none."""
    before = dict(_active)
    try:
        for name, found in chosen.items():
            found.configure(options.only(found.options))
            newly, _active[name] = name not in _active, options
            if newly:
                found.activate()
        for name in chosen:
            if name not in before:
                _log.info(
                    "%s runs on fastframe, kernel %s%s",
                    described(name),
                    active_kernel(),
                    without_tricks(),
                )
            if _notes.get(name) is not None and name not in before:
                _log.warning("%s: %s", described(name), _notes[name])
    except BaseException as error:  # an interrupt must not leave half of it either
        with contextlib.ExitStack() as each:  # also if one of them fails
            for name, found in chosen.items():
                each.callback(_put_back, name, found, before.get(name))
        if not isinstance(error, Exception):
            raise
        raise InstallError(
            f"nothing was changed, as this failed: {type(error).__name__}: {error}"
        ) from error


def _put_back(name: str, found: Target, options: Options | None) -> None:
    """The target as it was: active with these options, or with None not active."""
    was_active = name in _active
    if options is None and was_active:
        found.deactivate()
    found.configure((options or Options()).only(found.options))
    if options is not None:
        _active[name] = options
    elif was_active:
        del _active[name]
        _log.info("%s runs on its own code again", name)


def uninstall(*targets: TargetName) -> None:
    """Puts each of `targets` back as it was, except connections that are already open. ValueError
    for another name.

    >>> import fastframe
    >>> fastframe.uninstall("wsproto")  # also if it was not installed
    """
    with _lock:
        for name, found in _chosen(targets).items():
            if name in _active:
                _put_back(name, found, None)


_P = ParamSpec("_P")


def _with_parameters_of(
    function: Callable[_P, None],
) -> Callable[[Callable[..., _Installed]], Callable[_P, _Installed]]:
    def decorate(decorated: Callable[..., _Installed]) -> Callable[_P, _Installed]:
        decorated.__wrapped__ = function  # type: ignore[attr-defined]
        return decorated

    return decorate


class _Installed(contextlib.ContextDecorator):
    def __init__(self, targets: tuple[TargetName, ...], options: dict[str, Any]) -> None:
        self._targets = targets
        self._options = options
        self._before: list[dict[str, Options | None]] = []

    def __enter__(self) -> None:
        with _lock:
            before = {name: _active.get(name) for name in _chosen(self._targets)}
            install(*self._targets, **self._options)
            self._before.append(before)

    def __exit__(self, *exception: object) -> None:
        with _lock, contextlib.ExitStack() as each:  # also if one of them fails
            for name, options in self._before.pop().items():
                if options is not None:
                    each.callback(_change, {name: target(name)}, options)
                elif name in _active:
                    each.callback(_put_back, name, target(name), None)

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "installed() is a context manager: to see whether a target is active, use status()"
        )


@_with_parameters_of(install)
def installed(*targets: TargetName, **options: Any) -> _Installed:
    """Within the `with` block each of `targets` runs on fastframe; then everything is as it was
    before. For tests.

    Parameters and errors are those of `install`. It also decorates functions. To see whether a
    target is active, use `status`.

    >>> import fastframe
    >>> with fastframe.installed("wsproto"):
    ...     fastframe.status()["wsproto"].active
    True
    >>> fastframe.status()["wsproto"].active
    False
    """
    return _Installed(targets, options)


def require(*targets: str) -> None:
    """InstallError unless each of `targets` is installed or can be installed now."""
    with _lock:
        for name, found in _chosen(targets).items():
            if disabled() and name not in _active:
                raise InstallError(f"{name} cannot run on fastframe: {DISABLED}")
            _notes[name] = _try(
                functools.partial(found.check, untested=name in untested_by_environment())
            )


def status() -> dict[str, TargetStatus]:
    """For each target: which version is installed, whether it runs on fastframe, and why not.
    Changes nothing.

    >>> import fastframe
    >>> fastframe.status()["wsproto"].active
    False
    """
    with _lock:
        return {name: _status(name, target(name)) for name in target_names()}


def _status(name: str, found: Target) -> TargetStatus:
    try:
        version = found.installed_version()
    except ImportError:
        version = None
    active, ready, reason = is_active(name), True, None
    if active and version is not None:
        try:
            _notes[name] = found.check(untested=True)
        except ImportError as error:  # the library has been imported again, for one
            return TargetStatus(
                version,
                found.supported_versions,
                False,
                False,
                active_kernel(),
                str(error),
                connections(name),
            )
    if not active:
        instead = [
            other
            for other in target_names()
            if name in target(other).makes_unneeded and is_active(other)
        ]
        reason = found.how_to_activate
        if instead:
            reason = (
                f"not needed, as {instead[0]} runs on fastframe without it; for anything else on "
                f"{name}: {reason}"
            )
        try:
            require(name)
        except InstallError as error:
            ready, reason = False, str(error)
    note = None if version is None else _notes.get(name)
    return TargetStatus(
        version,
        found.supported_versions,
        ready,
        active,
        active_kernel(),
        reason,
        connections(name),
        note,
        left(name),
    )


def is_active(name: str) -> bool:
    """True while the target runs on fastframe."""
    return name in _active or target(name).in_use()


def _try(step: Callable[[], _T]) -> _T:
    try:
        return step()
    except Exception as error:  # of the library, while it is imported
        reason = (
            str(error) if isinstance(error, ImportError) else f"{type(error).__name__}: {error}"
        )
        raise InstallError(reason) from error


def _refuse_options_without_target(options: Options, chosen: dict[str, Target]) -> None:
    for option in options.given():
        if not any(option in found.options for found in chosen.values()):
            having = [name for name in target_names() if option in target(name).options]
            raise ValueError(
                f"{', '.join(chosen)} has no option {option}; it is for {', '.join(having)}"
            )


def without_tricks() -> str:
    off = [trick.name for trick in TRICKS if not trick.is_on()]
    return f", without {', '.join(off)} (docs/explanation/cpython.md)" if off else ""


def disabled() -> bool:
    """True if FASTFRAME_DISABLE says so."""
    return os.environ.get("FASTFRAME_DISABLE", "0") not in ("", "0")


def described(name: str) -> str:
    """A target for the log: what of it, and which version is installed."""
    found = target(name)
    return found.description.format(found.installed_version())


def _chosen(targets: tuple[str, ...]) -> dict[str, Target]:
    if not targets:
        raise ValueError(f"name at least one target: {', '.join(target_names())}")
    return {name: target(name) for name in targets}
