"""What the targets have in common whose library looks up what fastframe replaces each time it is
called: a function, a class.

So a replacement holds at once, also for connections that are open, and the library's own code does
everything else.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any, NamedTuple

from fastframe._targets.options import Options
from fastframe._targets.relied_on import Comparison, Digests, note_or_refuse
from fastframe._targets.replaced import Replaced, written_in
from fastframe._targets.target import PLACES, count_connection, refuse_another_import


class Replacement(NamedTuple):
    """`make` gets what the attribute `name` of `owner`, a module or a class, was, and returns what
    takes its place.

    owner: "module" or "module:Class".
    """

    owner: str
    name: str
    make: Callable[[Any], Any]

    def found_owner(self) -> Any:
        module, _, name = self.owner.partition(":")
        found = importlib.import_module(module)
        return getattr(found, name) if name else found


class Library(ABC):
    """A Target that is made of Replacements."""

    name: str
    """As callers of `install` write it."""
    distribution: str
    """As pip knows it."""
    relied_on: tuple[str, ...]
    """As in Target."""
    how_to_activate: str
    options: frozenset[str] = frozenset()
    makes_unneeded: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.description: str = f"{self.distribution} {{}}"
        self._replaced = Replaced(self.distribution)

    @property
    def supported_versions(self) -> tuple[str, ...]:
        return self.tested[0]

    @property
    def tested(self) -> tuple[tuple[str, ...], Digests]:
        """The versions that were tested, oldest first, and the digests of what is relied on."""
        module = importlib.import_module(f"{PLACES[self.name].folder}.digests")
        return module.VERSIONS, module.DIGESTS

    @abstractmethod
    def replacements(self) -> tuple[Replacement, ...]:
        """All of them, in any order."""

    def counted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same, for a function that is called once for each connection."""

        @functools.wraps(function)
        def counted(*args: Any, **kwargs: Any) -> Any:
            count_connection(self.name)
            return function(*args, **kwargs)

        return counted

    def installed_version(self) -> str:
        try:
            return importlib.metadata.version(self.distribution)
        except importlib.metadata.PackageNotFoundError:
            raise ImportError(
                f"{self.distribution} is not installed: pip install {self.distribution}"
            ) from None

    def check(self, *, untested: bool = False) -> str | None:
        version, (versions, digests) = self.installed_version(), self.tested
        package = PLACES[self.name].module.partition(".")[0]
        comparison = Comparison(package, digests, versions, self.distribution)
        note = note_or_refuse(self.name, version, comparison, untested=untested)
        refuse_another_import(self.distribution, self._held())
        if PLACES[self.name].module in sys.modules and not self._replaced:
            changed = [
                name
                for owner, name, original in self._originals()
                if not self.is_own(owner, original)
            ]
            if changed:
                raise ImportError(
                    f"{self.distribution} has been patched by other code already: "
                    f"{', '.join(changed)}"
                )
        return note

    def observe(self) -> list[Any]:
        module = importlib.import_module(f"{PLACES[self.name].folder}.observations")
        found: list[Any] = module.observe()
        return found

    def _held(self) -> Iterable[tuple[str, str, object]]:
        """The classes in which something is replaced now, as `refuse_another_import` takes them;
        every library has one."""
        for owner in self._replaced.owners():
            if not isinstance(owner, ModuleType):
                yield owner.__module__, owner.__qualname__, owner

    def is_own(self, owner: Any, original: Any) -> bool:
        """True if `original`, an attribute of `owner`, is the library's own, or of wsaccel, which
        many libraries use if it is installed."""
        return written_in(original).partition(".")[0] in (
            PLACES[self.name].module.partition(".")[0],
            "wsaccel",
        )

    def _originals(self) -> Iterable[tuple[Any, str, Any]]:
        for replacement in self.replacements():
            owner = replacement.found_owner()
            yield owner, replacement.name, vars(owner)[replacement.name]

    def load(self) -> None:
        importlib.import_module(PLACES[self.name].module)
        for _ in self._originals():
            pass

    def configure(self, options: Options) -> None:  # noqa: B027 (most libraries have no options)
        pass

    def activate(self) -> None:
        for replacement, (owner, name, original) in zip(
            self.replacements(), list(self._originals())
        ):
            self._replaced.replace(owner, name, replacement.make(original))

    def deactivate(self) -> None:
        self._replaced.put_back()

    def in_use(self) -> bool:
        return False
