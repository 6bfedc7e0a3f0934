"""What a target relies on in its library, known by its source and not by the library's version.

A target lists functions and classes, `"module:Class.method"`: what it replaces, and what is around
that and must work as it did. For each of them digests.py in the target's folder has the digest of
its source in each version that was tested. A release in which all of them are known is as good as
those, whatever its number. A comment, a docstring or an empty line makes no difference.

The source is read from the installed files: nothing is imported for it, and what other code has
replaced in memory does not count here.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import io
import sys
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

Digests: TypeAlias = Mapping[str, Mapping[str, tuple[str, ...]]]
"""By item and digest, the versions that were tested with it, oldest first."""

NOT_FOUND = "not found"
"""In place of a digest."""


class Source:
    """The files of an installed package."""

    def __init__(self, package: str, folder: Path | None = None) -> None:
        self._package = package
        self._folder = folder  # where it is; else where an import would find it
        self._modules: dict[str, tuple[list[str], ast.Module] | None] = {}

    def digest(self, item: str) -> str:
        """Of the item's source."""
        texts = self.texts(item)
        return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16] if texts else NOT_FOUND

    def texts(self, item: str) -> list[str]:
        """The source of all that has the item's name in its module: some is defined in one way or
        another, depending on what is installed."""
        module, _, name = item.partition(":")
        if module not in self._modules:
            self._modules[module] = self._read(module)
        found = self._modules[module]
        if found is None:
            return []
        lines, tree = found
        return [text_of(lines, node) for node in named(tree, name.split("."))]

    def _folders(self) -> Iterable[str | Path]:
        return folders_of(self._package) if self._folder is None else [self._folder]

    def _read(self, module: str) -> tuple[list[str], ast.Module] | None:
        for folder in self._folders():
            path = Path(folder, *module.split("."))
            for file in (path.with_suffix(".py"), path / "__init__.py"):
                if file.is_file():
                    text = file.read_text(encoding="utf-8")
                    return text.splitlines(keepends=True), ast.parse(text)
        return None


def named(tree: ast.AST, names: list[str]) -> Iterator[ast.stmt]:
    """The definitions of a name in a module or class, also inside `if` and `try`, and inside that
    of the next one."""
    for node in statements(tree):
        if isinstance(node, ast.Assign):
            found = any(
                isinstance(target, ast.Name) and target.id == names[0] for target in node.targets
            )
        else:
            found = (
                isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
                and node.name == names[0]
            )
        if found and names[1:]:
            yield from named(node, names[1:])
        elif found:
            yield node


def statements(tree: ast.AST) -> Iterator[ast.stmt]:
    for block in ("body", "orelse", "handlers", "finalbody"):
        for node in getattr(tree, block, ()):
            if isinstance(node, (ast.If, ast.Try, ast.ExceptHandler)):
                yield from statements(node)
            else:
                yield node


def text_of(lines: list[str], node: ast.stmt) -> str:
    """The source of a definition, decorators included, without what does not count."""
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    docstrings = {
        number
        for inner in ast.walk(node)
        if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        and ast.get_docstring(inner, clean=False) is not None
        for number in range(inner.body[0].lineno, (inner.body[0].end_lineno or 0) + 1)
    }
    kept = [
        lines[number - 1]
        for number in range(first, (node.end_lineno or 0) + 1)
        if number not in docstrings
    ]
    indentation = len(kept[0]) - len(kept[0].lstrip())
    text = "".join(line[indentation:] if line[:indentation].isspace() else line for line in kept)
    return "\n".join(line.rstrip() for line in without_comments(text).splitlines() if line.strip())


def without_comments(text: str) -> str:
    lines = text.splitlines(keepends=True)
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    comments = [token.start for token in tokens if token.type == tokenize.COMMENT]
    for row, column in comments:
        lines[row - 1] = lines[row - 1][:column] + "\n"
    return "".join(lines)


_known: dict[tuple[str, tuple[str, ...]], dict[str, str]] = {}


def digests_of(package: str, folders: tuple[str, ...], items: tuple[str, ...]) -> dict[str, str]:
    """Read once in a process: what it has imported of a package does not change."""
    if (package, folders) not in _known:
        source = Source(package)
        _known[package, folders] = {item: source.digest(item) for item in items}
    return _known[package, folders]


def folders_of(package: str) -> tuple[str, ...]:
    """Where an import would find it."""
    module = sys.modules.get(package)
    spec = importlib.util.find_spec(package) if module is None else module.__spec__
    return () if spec is None else tuple(spec.submodule_search_locations or ())


class Comparison:
    """The package that is installed, beside the versions that were tested: oldest first."""

    def __init__(
        self, package: str, digests: Digests, versions: tuple[str, ...], distribution: str = ""
    ) -> None:
        self.versions, self.distribution = versions, distribution or package
        found = digests_of(package, folders_of(package), tuple(digests))
        self.changed = tuple(item for item, digest in found.items() if digest not in digests[item])
        """The items whose source is unknown."""
        having = [
            version for item, digest in found.items() for version in digests[item].get(digest, ())
        ]
        self.like = max(reversed(versions), key=having.count)
        """The tested version that has most of the items as they are here, and of several the
        newest."""


def note_or_refuse(
    name: str, version: str, comparison: Comparison, *, untested: bool
) -> str | None:
    """What a user should know of a version that was not tested; None for one that was. ImportError
    if something has changed, unless `untested`.

    name: of the target.
    """
    versions, distribution = comparison.versions, comparison.distribution
    if not comparison.changed:
        return (
            None
            if version in versions
            else f"not tested; what fastframe relies on is as in {comparison.like}"
        )
    changed = ", ".join(comparison.changed)
    if untested:
        return (
            f"not tested; these have changed since {comparison.like}, and its self-check found "
            f"no difference: {changed}"
        )
    raise ImportError(
        f"{distribution} {version} is installed; of what fastframe relies on these are not as in "
        f"any tested version ({', '.join(versions)}): {changed}. Install "
        f"a newer fastframe, or one of those (pip install {distribution}=={versions[-1]}); or ask "
        f"for it untested, which it is put on only if a self-check "
        f'finds no difference: install("{name}", untested=True), fastframe run --untested, '
        f"FASTFRAME_UNTESTED={name}"
    )
