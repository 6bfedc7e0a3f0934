"""The public names of fastframe, as the sources define them: where each is, its signature, its
docstring and its members.

Everything is read with ast. The signatures of the compiled modules are in their stubs, and those
say what the parameters are; so a stub is read where there is one, and the module where there is
none. Nothing is imported.
"""

from __future__ import annotations

import ast
import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
MODULES = (
    "fastframe",
    "fastframe.deflate",
    "fastframe.frame_protocol",
    "fastframe.prometheus",
    "fastframe.uvicorn",
)
"""Those that have public names, in their `__all__`."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def file_of(module: str) -> Path:
    """The stub, else the source; a file that is not there if it is no module of fastframe."""
    path = ROOT.joinpath(*module.split("."))
    candidates = [path.with_suffix(".pyi"), path.with_suffix(".py"), path / "__init__.py"]
    return next((file for file in candidates if file.is_file()), candidates[0])


class Module:
    """A file of fastframe: what it defines, and what it imports from where."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.file = file_of(name)
        self.tree = ast.parse(self.file.read_text(encoding="utf-8"))
        self.imports: dict[str, str] = {}
        self.definitions: dict[str, list[ast.stmt]] = {}
        for node in statements(self.tree.body):
            self._take(node)

    def _take(self, node: ast.stmt) -> None:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                self.imports[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                self.imports[alias.asname or alias.name] = alias.name
        elif isinstance(node, ast.ClassDef | Function):
            self.definitions.setdefault(node.name, []).append(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    self.definitions.setdefault(target.id, []).append(node)

    @property
    def exported(self) -> list[str]:
        """`__all__`, in order."""
        (node,) = self.definitions["__all__"]
        assert isinstance(node, ast.Assign)
        names: list[str] = ast.literal_eval(node.value)
        return names


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Also what is inside `if` and `try`."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try):
            yield from statements(node.body)
            yield from statements(node.orelse)


@functools.cache
def module(name: str) -> Module:
    return Module(name)


@dataclass
class Name:
    """A public name, or a member of one."""

    full_name: str
    """As users write it: "fastframe.Decoder.feed"."""
    module: Module
    """Where it is defined."""
    nodes: list[ast.stmt]
    """Its definition; of an overloaded function several."""
    origin: str = ""
    """Of what another library defines: the dotted name there."""
    owner: Name | None = None
    members: dict[str, Name] = field(default_factory=dict)

    @property
    def node(self) -> ast.stmt:
        return self.nodes[-1]

    @property
    def name(self) -> str:
        return self.full_name.rpartition(".")[2]

    @property
    def is_class(self) -> bool:
        return bool(self.nodes) and isinstance(self.node, ast.ClassDef)

    @property
    def is_enum(self) -> bool:
        return isinstance(self.node, ast.ClassDef) and any(
            ast.unparse(base).startswith("enum.") for base in self.node.bases
        )

    @property
    def is_dataclass(self) -> bool:
        return isinstance(self.node, ast.ClassDef) and any(
            "dataclass" in ast.unparse(decorator) for decorator in self.node.decorator_list
        )

    @property
    def is_function(self) -> bool:
        return bool(self.nodes) and isinstance(self.node, Function)

    @property
    def decorators(self) -> list[str]:
        if isinstance(self.node, ast.ClassDef | Function):
            return [ast.unparse(decorator) for decorator in self.node.decorator_list]
        return []

    @property
    def is_property(self) -> bool:
        return "property" in self.decorators

    @property
    def docstring(self) -> str:
        for node in self.nodes:
            if isinstance(node, ast.ClassDef | Function) and (text := ast.get_docstring(node)):
                return text
        return self._attribute_docstring() if self.owner else ""

    def _attribute_docstring(self) -> str:
        """The string after an attribute."""
        assert self.owner is not None
        for _, body in bodies(self.owner):
            for before, after in itertools.pairwise(body):
                if (
                    before in self.nodes
                    and isinstance(after, ast.Expr)
                    and isinstance(after.value, ast.Constant)
                    and isinstance(after.value.value, str)
                ):
                    return " ".join(after.value.value.split())
        return ""

    @property
    def first_sentence(self) -> str:
        paragraph = " ".join(self.docstring.partition("\n\n")[0].split())
        head, stop, _ = paragraph.partition(". ")
        return f"{head}." if stop else paragraph


def bodies(found: Name) -> Iterator[tuple[Module, list[ast.stmt]]]:
    """The body of a class, and of the classes of fastframe that it derives from."""
    assert isinstance(found.node, ast.ClassDef)
    yield found.module, found.node.body
    for base in found.node.bases:
        dotted = ast.unparse(base)
        head, _, rest = dotted.partition(".")
        place = found.module.imports.get(head, "")
        full = f"{place}.{rest}".rstrip(".") if place else f"{found.module.name}.{dotted}"
        where, _, name = full.rpartition(".")
        if where.startswith("fastframe") and file_of(where).is_file():
            defined = module(where).definitions.get(name)
            if defined and isinstance(defined[-1], ast.ClassDef):
                yield from bodies(Name(full, module(where), defined))


def members_of(found: Name) -> dict[str, Name]:
    """The public ones: in the order of the source, those of base classes last."""
    members: dict[str, Name] = {}
    for where, body in bodies(found):
        own: dict[str, list[ast.stmt]] = {}
        for node in body:
            name = ""
            if isinstance(node, Function) and not any(
                ast.unparse(decorator).endswith(".setter") for decorator in node.decorator_list
            ):
                name = node.name
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                name = node.target.id
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
            if name and not name.startswith("_"):
                own.setdefault(name, []).append(node)
        for name, nodes in own.items():
            full_name = f"{found.full_name}.{name}"
            members.setdefault(name, Name(full_name, where, nodes, owner=found))
    return members


def constructor(found: Name) -> tuple[Module, list[Function]]:
    """`__init__`, else `__new__`, the overloads of it; none if there is neither."""
    for name in ("__init__", "__new__"):
        for where, body in bodies(found):
            nodes = [node for node in body if isinstance(node, Function) and node.name == name]
            if nodes:
                return where, nodes
    return found.module, []


def attributes_of_init(found: Name) -> dict[str, ast.expr | None]:
    """What `__init__` sets from a parameter of the same name, with the parameter's type."""
    where, nodes = constructor(found)
    attributes: dict[str, ast.expr | None] = {}
    for function in nodes if where is found.module else []:
        types = {argument.arg: argument.annotation for argument in function.args.args}
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
                name = node.targets[0].attr
                if name in types and not name.startswith("_"):
                    attributes[name] = types[name]
    return attributes


def defined(full_name: str) -> tuple[Module, list[ast.stmt], str]:
    """Where a name is defined, following imports: the module, its nodes, and its dotted name if
    that is not in fastframe."""
    where, _, name = full_name.rpartition(".")
    if not where.startswith("fastframe") or not file_of(where).is_file():
        return module("fastframe"), [], full_name
    found = module(where)
    if name in found.definitions:
        return found, found.definitions[name], ""
    return defined(found.imports[name])


@functools.cache
def public_names() -> dict[str, Name]:
    """All of them by full name, with their members."""
    names: dict[str, Name] = {}
    for where in MODULES:
        for name in module(where).exported:
            full_name = f"{where}.{name}"
            found = Name(full_name, *defined(full_name))
            if found.is_class:
                found.members = members_of(found)
            names[full_name] = found
    return names


@functools.cache
def known_names() -> dict[str, str]:
    """What links may lead to: each public name and member, also as the module that defines it calls
    it."""
    known = {name: name for name in MODULES}
    for full_name, found in public_names().items():
        known[full_name] = full_name
        for member in found.members.values():
            known[member.full_name] = member.full_name
        if found.is_class:
            for attribute in attributes_of_init(found):
                known[f"{full_name}.{attribute}"] = f"{full_name}.{attribute}"
        if not found.origin:
            known.setdefault(f"{found.module.name}.{found.name}", full_name)
    return known
