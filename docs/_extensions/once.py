"""What must be on one page of the site: each name of a kind is noted where it is, and one that is
on no page, or on two, is a warning."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

log = logging.getLogger(__name__)


class Once:
    """kind: where Sphinx's environment keeps what was noted. names: all that there are. message:
    the warning, of a name and the number of its pages."""

    def __init__(self, kind: str, names: Callable[[], Iterable[str]], message: str) -> None:
        self._kind, self._names, self._message = kind, names, message

    def connect(self, app: Sphinx) -> None:
        app.connect("env-purge-doc", self._forget)
        app.connect("env-merge-info", self._merge)
        app.connect("env-check-consistency", self._check)

    def note(self, env: BuildEnvironment, name: str) -> None:
        self._pages(env).setdefault(env.docname, []).append(name)

    def _pages(self, env: BuildEnvironment) -> dict[str, list[str]]:
        pages: dict[str, list[str]] = env.__dict__.setdefault(self._kind, {})
        return pages

    def _forget(self, app: Sphinx, env: BuildEnvironment, page: str) -> None:
        self._pages(env).pop(page, None)

    def _merge(
        self, app: Sphinx, env: BuildEnvironment, pages: list[str], other: BuildEnvironment
    ) -> None:
        read = self._pages(other)
        self._pages(env).update({page: names for page, names in read.items() if page in pages})

    def _check(self, app: Sphinx, env: BuildEnvironment) -> None:
        noted = [name for names in self._pages(env).values() for name in names]
        for name in self._names():
            if noted.count(name) != 1:
                log.warning(self._message, name, noted.count(name))
