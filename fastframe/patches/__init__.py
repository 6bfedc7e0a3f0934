"""Puts fastframe under libraries that have a codec of their own, and takes it out again.

One module per target, each with the same functions: `installed_version`, `check`, `configure`, `activate`, `deactivate`, and `in_use`,
which says whether the target runs on fastframe without having been installed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Literal, NamedTuple

from fastframe._core import active_kernel
from fastframe.deflate import Deflate
from fastframe.patches import uvicorn as _uvicorn
from fastframe.patches import wsproto as _wsproto
from fastframe.patches.options import Options

_TARGETS: dict[str, ModuleType] = {"wsproto": _wsproto, "uvicorn": _uvicorn}

DISABLED = "FASTFRAME_DISABLE is set in the environment"

_log = logging.getLogger("fastframe")
_lock = threading.RLock()
_active: set[str] = set()


class InstallError(RuntimeError):
    """A target cannot be accelerated here; the message says why and what to do. Nothing was patched."""


class TargetStatus(NamedTuple):
    """What is known of one target."""

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


def install(
    *targets: str,
    max_message_size: int | None = None,
    max_fragments: int | None = None,
    deflate: Deflate | Literal[False] | None = None,
    fix_interleaved_control: bool = False,
) -> None:
    """Makes each of `targets` run on fastframe, except connections that are already open.

    targets: names of libraries, "wsproto" and "uvicorn"; ValueError for another name. "wsproto" is for all that stands on it,
    "uvicorn" for uvicorn's default, `--ws auto`, in servers that load their settings from now on.

    Without options everything is as in the target, its defects included. The options, for connections from now on:

    max_message_size: the largest message in bytes, all its fragments together, and while it is inflated. A larger one ends
    the connection with 1009.
    max_fragments: the most frames that one message may have; more end the connection with 1009.
    deflate: False to turn permessage-deflate off, or a `fastframe.deflate.Deflate` with back-end, level, windows and threshold.
    fix_interleaved_control: with True a Ping between the fragments of a compressed message does no harm.

    TypeError or ValueError for an option that cannot be. Calling it again sets the options anew.

    Raises InstallError, and patches nothing at all, if a target is missing or has a version that was not tested. With
    FASTFRAME_DISABLE set in the environment (to anything but 0) nothing is patched, and a warning is logged.
    """
    with _lock:
        options = Options.checked(max_message_size, max_fragments, deflate, fix_interleaved_control)
        modules = [_target(name) for name in _named(targets)]
        if disabled():
            _log.warning("not installed under %s: %s", ", ".join(targets), DISABLED)
            return
        for module in modules:
            _check(module)
        for name, module in zip(targets, modules):
            module.configure(options)
            if name not in _active:
                module.activate()
                _active.add(name)
                _log.info("%s runs on fastframe, kernel %s", described(name), active_kernel())


def uninstall(*targets: str) -> None:
    """Puts each of `targets` back as it was, except connections that are already open. ValueError for another name."""
    with _lock:
        for name in _named(targets):
            module = _target(name)
            if name in _active:
                module.deactivate()
                module.configure(Options())
                _active.discard(name)
                _log.info("%s runs on its own code again", name)


@contextlib.contextmanager
def installed(
    *targets: str,
    max_message_size: int | None = None,
    max_fragments: int | None = None,
    deflate: Deflate | Literal[False] | None = None,
    fix_interleaved_control: bool = False,
) -> Iterator[None]:
    """Within the `with` block each of `targets` runs on fastframe; then all is as it was before. For tests.

    The options are those of `install`; those of a target that was active before are not kept.
    """
    before = [name for name in _named(targets) if name in _active]
    install(
        *targets,
        max_message_size=max_message_size,
        max_fragments=max_fragments,
        deflate=deflate,
        fix_interleaved_control=fix_interleaved_control,
    )
    try:
        yield
    finally:
        for name in targets:
            if name not in before:
                uninstall(name)


def require(*targets: str) -> None:
    """InstallError unless each of `targets` could be installed now, or is."""
    with _lock:
        for name in _named(targets):
            module = _target(name)
            if disabled() and name not in _active:
                raise InstallError(f"{name} cannot run on fastframe: {DISABLED}")
            _check(module)


def status() -> dict[str, TargetStatus]:
    """For each target: which version is installed, whether it runs on fastframe, and why not. Changes nothing."""
    with _lock:
        return {name: _status(name, module) for name, module in _TARGETS.items()}


def _status(name: str, module: ModuleType) -> TargetStatus:
    try:
        version = module.installed_version()
    except ImportError:
        version = None
    active, ready, reason = name in _active or module.in_use(), True, None
    if not active:
        reason = module.HOW_TO_ACTIVATE
        try:
            require(name)
        except InstallError as error:
            ready, reason = False, str(error)
    return TargetStatus(version, module.SUPPORTED_VERSIONS, ready, active, active_kernel(), reason)


def _check(module: ModuleType) -> None:
    try:
        module.check()
    except ImportError as error:
        raise InstallError(str(error)) from None


def disabled() -> bool:
    """True if FASTFRAME_DISABLE says so."""
    return os.environ.get("FASTFRAME_DISABLE", "0") not in ("", "0")


def _named(targets: tuple[str, ...]) -> tuple[str, ...]:
    if not targets:
        raise ValueError(f"name at least one target: {', '.join(_TARGETS)}")
    return targets


def described(name: str) -> str:
    """A target for the log: what of it, and which version is installed."""
    module = _target(name)
    text: str = module.WHAT.format(module.installed_version())
    return text


def target_names() -> tuple[str, ...]:
    """What can be installed."""
    return tuple(_TARGETS)


def _target(name: str) -> ModuleType:
    if not isinstance(name, str):
        raise TypeError(f"a target must be a str, not {type(name).__name__}")
    if name not in _TARGETS:
        raise ValueError(f"unknown target {name!r}; there are: {', '.join(_TARGETS)}")
    return _TARGETS[name]
