"""Puts fastframe under libraries that have a codec of their own, and takes it out again.

One module per target, each with the same four functions: `installed_version`, `check`, `activate` and `deactivate`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import NamedTuple

from fastframe._core import active_kernel
from fastframe.patches import wsproto as _wsproto

_TARGETS: dict[str, ModuleType] = {"wsproto": _wsproto}

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


def install(*targets: str) -> None:
    """Makes each of `targets` run on fastframe, except connections that are already open.

    targets: names of libraries; "wsproto" is the only one so far. ValueError for another name.

    Raises InstallError, and patches nothing at all, if a target is missing or has a version that was not tested. With
    FASTFRAME_DISABLE set in the environment (to anything but 0) nothing is patched, and a warning is logged.
    """
    with _lock:
        modules = [_target(name) for name in _named(targets)]
        if _disabled():
            _log.warning("not installed under %s: %s", ", ".join(targets), DISABLED)
            return
        for module in modules:
            _check(module)
        for name, module in zip(targets, modules):
            if name not in _active:
                module.activate()
                _active.add(name)
                _log.info("%s %s runs on fastframe, kernel %s", name, module.installed_version(), active_kernel())


def uninstall(*targets: str) -> None:
    """Puts each of `targets` back as it was, except connections that are already open. ValueError for another name."""
    with _lock:
        for name in _named(targets):
            module = _target(name)
            if name in _active:
                module.deactivate()
                _active.discard(name)
                _log.info("%s runs on its own code again", name)


@contextlib.contextmanager
def installed(*targets: str) -> Iterator[None]:
    """Within the `with` block each of `targets` runs on fastframe; then all is as it was before. For tests."""
    before = [name for name in _named(targets) if name in _active]
    install(*targets)
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
            if _disabled() and name not in _active:
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
    active, ready, reason = name in _active, True, None
    try:
        require(name)
    except InstallError as error:
        ready, reason = False, str(error)
    if ready and not active:
        reason = f'call fastframe.install("{name}")'
    return TargetStatus(version, module.SUPPORTED_VERSIONS, ready, active, active_kernel(), reason)


def _check(module: ModuleType) -> None:
    try:
        module.check()
    except ImportError as error:
        raise InstallError(str(error)) from None


def _disabled() -> bool:
    return os.environ.get("FASTFRAME_DISABLE", "0") not in ("", "0")


def _named(targets: tuple[str, ...]) -> tuple[str, ...]:
    if not targets:
        raise ValueError(f"name at least one target: {', '.join(_TARGETS)}")
    return targets


def _target(name: str) -> ModuleType:
    if not isinstance(name, str):
        raise TypeError(f"a target must be a str, not {type(name).__name__}")
    if name not in _TARGETS:
        raise ValueError(f"unknown target {name!r}; there is: {', '.join(_TARGETS)}")
    return _TARGETS[name]
