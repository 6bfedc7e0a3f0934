"""The import graph keeps to the layers that docs/contributing/architecture.md draws."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fastframe._targets.target import PLACES
from tests.helpers import ROOT

PACKAGE = ROOT / "fastframe"
pytestmark = pytest.mark.skipif(
    not (PACKAGE / "_codec/decoder.pyx").exists(),
    reason="the sources are not here: a wheel is tested",
)
SUFFIXES = (".py", ".pyx", ".pxd")


def layers() -> dict[str, int]:
    """The layer of each row of docs/contributing/architecture.md: folders and modules of the
    package, and modules of the codec."""
    page = (ROOT / "docs/contributing/architecture.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"## Layers\n.*?```text\n(.*?)```", page, re.DOTALL)
    found = {}
    for line in block.splitlines():
        number, *names = line.split()
        found.update(dict.fromkeys([name.rstrip("/") for name in names], int(number)))
    return found


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


def modules() -> dict[str, set[str]]:
    """What each module imports at its top, of this package: cimports and the .pxd of a module
    included."""
    found: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*"):
        if path.suffix in SUFFIXES and "startup" not in path.parts:
            found.setdefault(module_of(path), set()).update(
                imports(path.read_text(encoding="utf-8"))
            )
    return {name: {other for other in others if other != name} for name, others in found.items()}


def imports(source: str) -> set[str]:
    source = re.sub(r'"""(.|\n)*?"""', "", source)
    source = re.sub(r"(?m)^if TYPE_CHECKING:\n(    .*\n|\n)*", "", source)
    found = set()
    statement = re.compile(
        r"(?m)^(?:from fastframe([\w.]*) c?import (\([^)]*\)|.*)|import fastframe([\w.]*))"
    )
    for base, names, plain in statement.findall(source):
        parent = (base or plain).lstrip(".")
        listed = [
            name.strip().split(" ")[0] for name in names.strip("()").split(",") if name.strip()
        ]
        submodules = {
            f"{parent}.{name}".lstrip(".")
            for name in listed
            if exists(f"{parent}.{name}".lstrip("."))
        }
        found |= submodules or {parent or "__init__"}
    return found


def exists(module: str) -> bool:
    return any(
        (PACKAGE / module.replace(".", "/")).with_suffix(suffix).exists() for suffix in SUFFIXES
    )


def room(module: str) -> str:
    """Its folder, or the module itself where it lies in none; in `_codec/` each module is a
    room."""
    folder, _, name = module.partition(".")
    return name if folder == "_codec" and name else folder


def row(module: str) -> str:
    """Its name in the table, where the folders of libraries share one row."""
    folders = {place.folder.removeprefix("fastframe.") for place in PLACES.values()}
    return "LIBRARY" if room(module) in folders else room(module)


def test_every_module_has_a_layer() -> None:
    assert {row(module) for module in modules()} - {"_codec"} == set(layers())


def test_imports_go_down() -> None:
    layer = layers()
    edges = [(module, other) for module, others in modules().items() for other in others]
    assert len(edges) > 100
    wrong = [
        f"{module} imports {other}"
        for module, other in edges
        if room(module) != room(other) and layer[row(module)] <= layer[row(other)]
    ]
    assert wrong == []


def test_modules_of_one_folder_import_in_no_circle() -> None:
    graph = modules()

    def reachable(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = list(graph[start])
        while waiting:
            module = waiting.pop()
            if module not in seen:
                seen.add(module)
                waiting += graph.get(module, ())
        return seen

    assert [module for module in graph if module in reachable(module)] == []


def test_a_wrong_import_is_seen() -> None:
    assert imports("from fastframe._codec.decoder cimport Decoder\n") == {"_codec.decoder"}
    assert imports("from fastframe._codec import kernels, Role\n") == {"_codec.kernels"}
    assert imports("import fastframe\n") == {"__init__"}
    assert imports("def later():\n    from fastframe._targets import install\n") == set()
