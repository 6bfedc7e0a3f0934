"""The reference of the Python names, made of stubs and docstrings.

```{api}              a name, with its members; `:members:` chooses some of them, and
fastframe.Decoder     `:no-signature:` is for classes that users do not make
```
```{api-of-others}    what a module passes on from another library
MODULE
```
```{api-index}        a table of all public names
```

The names are in the content of the directives, as that is what a view of the file shows.

A public name that is on no page, or on two, is a warning.
"""

from __future__ import annotations

import ast
import copy
import re
import sys
from collections.abc import Iterator
from typing import Any, ClassVar

import prose
import public_names
from docutils import nodes
from docutils.parsers.rst import directives
from once import Once
from public_names import Function, Module, Name
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

log = logging.getLogger(__name__)

Parameters = list[tuple[str, str, ast.expr | None, str]]
"""Name with its stars, kind, annotation and default."""


# ---- types ---------------------------------------------------------------------------------------


class _Qualify(ast.NodeTransformer):
    """Names in a type as they are imported: public ones by their public name."""

    def __init__(self, module: Module) -> None:
        self._module = module

    def _dotted(self, name: str) -> str:
        if name in self._module.definitions:
            full = f"{self._module.name}.{name}"
            if self._is_choice_of_strings(name):
                return "str"  # which ones, the parameter says
        elif name in self._module.imports:
            full = self._module.imports[name]
        else:
            return name  # a builtin
        return public_names.known_names().get(full, full)

    def _is_choice_of_strings(self, name: str) -> bool:
        node = self._module.definitions[name][-1]
        return isinstance(node, ast.AnnAssign) and "Literal['" in _unparsed(node.value)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        full = self._dotted(node.id)
        return ast.Name(full) if "." not in full else _short(full)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        head, _, rest = ast.unparse(node).partition(".")
        return _short(f"{self._dotted(head)}.{rest}")

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        if isinstance(node.slice, ast.Name) and node.slice.id.startswith("_"):
            return self.visit(node.value)  # type: ignore[no-any-return]  # a private type variable
        if ast.unparse(node.value).rpartition(".")[2] == "Literal":
            node.value = self.visit(node.value)
            return node
        return self.generic_visit(node)  # type: ignore[return-value]


def _short(full: str) -> ast.expr:
    """With the ~ that shows the last part only."""
    if "._" in full:  # of a private module: there is no page that has it
        return ast.Name(full.rpartition(".")[2])
    return ast.UnaryOp(ast.Invert(), ast.parse(full, mode="eval").body)


def type_text(annotation: ast.expr | None, module: Module) -> str:
    if annotation is None:
        return ""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        annotation = ast.parse(annotation.value, mode="eval").body
    text = ast.unparse(_Qualify(module).visit(copy.deepcopy(annotation)))
    return re.sub(r"\((~[\w.]+)\)", r"\1", text)  # ast writes (~name) beside |


# ---- signatures ----------------------------------------------------------------------------------


def parameters_of(function: Function) -> Parameters:
    found: Parameters = []
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    for argument, default in zip(positional, [*defaults, *arguments.defaults], strict=True):
        kind = "/" if argument in arguments.posonlyargs else ""
        found.append((argument.arg, kind, argument.annotation, _unparsed(default)))
    if arguments.vararg:
        found.append((f"*{arguments.vararg.arg}", "", arguments.vararg.annotation, ""))
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        found.append((argument.arg, "*", argument.annotation, _unparsed(default)))
    if arguments.kwarg:
        found.append((f"**{arguments.kwarg.arg}", "", arguments.kwarg.annotation, ""))
    return [part for part in found if part[0] not in {"self", "cls"}]


def _unparsed(node: ast.expr | None) -> str:
    return "" if node is None else ast.unparse(node)


def merged(functions: list[Function]) -> Parameters:
    """One signature for all overloads: where these differ, a parameter has the widest type, and
    the default of the one that has a default."""
    last = functions[-1]
    parameters = parameters_of(last)
    for function in functions[:-1]:
        defaults = {name: default for name, _, _, default in parameters_of(function)}
        parameters = [
            (name, kind, annotation, default or defaults.get(name, ""))
            for name, kind, annotation, default in parameters
        ]
    return parameters


def fields_of(found: Name) -> Parameters:
    """The parameters of a dataclass."""
    parameters: Parameters = []
    kind = ""
    for member in ast.iter_child_nodes(found.node):
        if not isinstance(member, ast.AnnAssign) or not isinstance(member.target, ast.Name):
            continue
        if ast.unparse(member.annotation) == "KW_ONLY":
            kind = "*"
            continue
        default = _unparsed(member.value)
        if default.startswith("field("):
            assert isinstance(member.value, ast.Call)
            keywords = {word.arg: ast.unparse(word.value) for word in member.value.keywords}
            default = keywords.get("default", "..." if "default_factory" in keywords else "")
        parameters.append((member.target.id, kind, member.annotation, default))
    return parameters


def signature(parameters: Parameters, module: Module, returns: str) -> str:
    parts: list[str] = []
    positional_only = keywords = False
    for name, kind, annotation, default in parameters:
        if positional_only and kind != "/":
            parts.append("/")
        positional_only = kind == "/"
        if kind == "*" and not keywords and not any(part.startswith("*") for part in parts):
            parts.append("*")
        keywords = keywords or kind == "*"
        text = type_text(annotation, module)
        parts.append(
            name
            + (f": {text}" if text else "")
            + (f"{' = ' if text else '='}{default}" if default else "")
        )
    if positional_only:
        parts.append("/")
    return f"({', '.join(parts)})" + (f" -> {returns}" if returns else "")


def functions_of(found: Name) -> tuple[Module, list[Function]]:
    """What a call of the name calls: the overloads of a stub, or the function itself. With a
    decorator that says so, another one whose parameters it has."""
    if found.is_class:
        return public_names.constructor(found)
    functions = [node for node in found.nodes if isinstance(node, Function)]
    for decorator in functions[-1].decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "_with_parameters_of":
            copied = copy.deepcopy(found.module.definitions[ast.unparse(decorator.args[0])][-1])
            assert isinstance(copied, Function)
            copied.returns = None
            return found.module, [copied]
    plain = [node for node in functions if "overload" not in map(ast.unparse, node.decorator_list)]
    return found.module, plain or functions


def parameters_and_signature(found: Name) -> tuple[Parameters, str]:
    if found.is_dataclass:
        parameters = fields_of(found)
        return parameters, signature(parameters, found.module, "")
    where, functions = functions_of(found)
    if not functions:
        return [], ""
    parameters = merged(functions)
    returns = "" if found.is_class else type_text(functions[-1].returns, where)
    returns = "" if returns.startswith("_") else returns
    return parameters, signature(parameters, where, returns)


def overloads(found: Name) -> list[str]:
    """For each overload of a class, the parameter that makes the difference, and what it makes."""
    where, functions = functions_of(found)
    if len(functions) == 1 or not found.is_class:
        return []
    lines = []
    for function in functions:
        others = [dict(map(_by_name, parameters_of(other))) for other in functions]
        for name, annotation, default in map(_plain, parameters_of(function)):
            if len({other[name] for other in others}) == 1:
                continue
            given = f"{name}: {annotation}" + (f" = {default}" if default else "")
            me = function.args.args[0].annotation
            lines.append(f"- With `{given}` it is a `{_unparsed(me)}`.")
    return lines if where else []


def _plain(parameter: tuple[str, str, ast.expr | None, str]) -> tuple[str, str, str]:
    return parameter[0], _unparsed(parameter[2]), parameter[3]


def _by_name(parameter: tuple[str, str, ast.expr | None, str]) -> tuple[str, str]:
    return parameter[0], _unparsed(parameter[2])


# ---- docstrings ----------------------------------------------------------------------------------


def linker(found: Name, parameters: set[str]) -> prose.Link:
    """Names in the docstring of `found`: members of its class, names of its module, any public
    name. A parameter is no link."""
    known = public_names.known_names()
    owner = (found.owner or found).full_name
    module = owner.rpartition(".")[0]
    mine = {found.full_name} if not found.owner else {found.full_name, owner}

    def link(text: str) -> str:
        head = re.match(r"[\w.]+", text)
        if head is None or head[0] in parameters:
            return ""
        for prefix in (f"{owner}.", f"{module}.", "fastframe.", "fastframe.deflate.", ""):
            target = known.get(prefix + head[0])
            if target in mine and "." not in head[0]:
                return f"`{text}`"
            if target is not None and (head[0] == text or "(" in text):
                return f"{{py:obj}}`{text} <{target}>`"
        return ""

    return link


def documentation(found: Name, parameters: Parameters) -> str:
    """The docstring as Markdown."""
    names = {name.strip("*") for name, *_ in parameters}
    link = linker(found, names)
    attributes: set[str] = set()
    if found.is_class:
        attributes = {*found.members, *public_names.attributes_of_init(found)} - names
    rfc = "7692" if "deflate" in found.module.name else "6455"
    described: list[tuple[str, str]] = []
    blocks: list[str] = []
    place = None
    for paragraph in prose.paragraphs(found.docstring):
        if paragraph.startswith(">>>"):
            blocks.append(f"```pycon\n{paragraph}\n```")
            continue
        for described_names, text in prose.split_at_parameters(paragraph, names | attributes):
            markdown = prose.inline(text, link, rfc)
            if not described_names:
                blocks.append(markdown)
                continue
            if place is None:
                place = len(blocks)
            described += [(name, markdown) for name in re.split(r", | and ", described_names)]
    if place is not None:
        fields = [
            f":{'param' if name in names else 'ivar'} {name}: {text}" for name, text in described
        ]
        blocks.insert(place, "\n".join(fields))
    return "\n\n".join(blocks)


# ---- Markdown of a name --------------------------------------------------------------------------


def directive(kind: str, head: str, options: dict[str, str], content: str, depth: int) -> str:
    fence = ":" * (9 - depth)
    lines = [f"{fence}{{py:{kind}}} {head}"]
    lines += [f":{name}: {value}".rstrip() for name, value in options.items()]
    return "\n".join([*lines, "", content, fence, ""])


def markdown(found: Name, *, members: list[str] | None, with_signature: bool = True) -> str:
    module, _, name = found.full_name.rpartition(".")
    options = {"module": module}
    if found.is_class:
        parameters, call = parameters_and_signature(found)
        if not with_signature or found.is_enum:
            call = ""
        described = parameters if with_signature and not found.is_enum else []
        parts = [documentation(found, described)]
        if lines := overloads(found):
            parts.append("\n".join(["For type checkers:", "", *lines]))
        parts += members_of(found, members)
        kind = "exception" if _is_exception(found) else "class"
        return directive(kind, name + call, options, "\n\n".join(parts), 0)
    if found.is_function:
        parameters, call = parameters_and_signature(found)
        return directive("function", name + call, options, documentation(found, parameters), 0)
    return directive("data", name, {**options, **_value_of(found)}, _data_text(found), 0)


def _is_exception(found: Name) -> bool:
    bases = [ast.unparse(base) for base in getattr(found.node, "bases", [])]
    return any(base.endswith("Error") for base in bases)


def _value_of(found: Name) -> dict[str, str]:
    node = found.node
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        return {"value": ast.unparse(node.value)}
    return {}


DATA = {"fastframe.__version__": "The version of fastframe, as a `str`."}


def _data_text(found: Name) -> str:
    return DATA[found.full_name]


def members_of(found: Name, chosen: list[str] | None) -> Iterator[str]:
    """The members that have something to say, and all if they are chosen by name."""
    attributes = public_names.attributes_of_init(found)
    where = public_names.constructor(found)[0]
    for name, annotation in attributes.items():
        if name not in found.members and (chosen is None or name in chosen):
            yield directive("attribute", name, {"type": type_text(annotation, where)}, "", 1)
    if chosen is None:
        names = list(found.members)
    else:
        names = chosen
        for name in set(chosen) - set(found.members):
            log.warning("%s has no member %s", found.full_name, name)
    for name in names:
        if name in found.members:
            yield member_markdown(found.members[name])


def member_markdown(member: Name) -> str:
    node = member.node
    assert member.owner is not None
    if isinstance(node, Function) and member.is_property:
        options = {"type": type_text(node.returns, member.module)}
        return directive("property", member.name, options, documentation(member, []), 1)
    if isinstance(node, Function):
        parameters, call = parameters_and_signature(member)
        options = {}
        if "staticmethod" in member.decorators or "classmethod" in member.decorators:
            options = {member.decorators[-1]: ""}
        return directive(
            "method", member.name + call, options, documentation(member, parameters), 1
        )
    options = {}
    if isinstance(node, ast.AnnAssign):
        options["type"] = type_text(node.annotation, member.module)
    if not member.owner.is_dataclass:
        value = getattr(node, "value", None)
        if value is not None:
            source = ast.get_source_segment(member.module.file.read_text("utf-8"), value) or ""
            options["value"] = source if source.startswith("0x") else ast.unparse(value)
    return directive("attribute", member.name, options, documentation(member, []), 1)


# ---- directives ----------------------------------------------------------------------------------


class Api(SphinxDirective):
    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {
        "members": directives.unchanged,
        "no-signature": directives.flag,
    }

    def run(self) -> list[nodes.Node]:
        full_name = self.content[0]
        found = public_names.public_names().get(full_name)
        if found is None or found.origin:
            log.warning("%s is not a public name", full_name, location=self.get_location())
            return []
        DOCUMENTED.note(self.env, full_name)
        depend(self.env, found.module)
        chosen = self.options["members"].split() if "members" in self.options else None
        text = markdown(found, members=chosen, with_signature="no-signature" not in self.options)
        return self.parse_text_to_nodes(text)


class ApiOfOthers(SphinxDirective):
    has_content = True

    def run(self) -> list[nodes.Node]:
        module = self.content[0]
        names = [
            found
            for full_name, found in public_names.public_names().items()
            if full_name.rpartition(".")[0] == module and found.origin
        ]
        for found in names:
            DOCUMENTED.note(self.env, found.full_name)
        lines = [f"```{{py:data}} {found.name}\n:module: {module}\n```\n" for found in names]
        columns = nodes.container(classes=["names"])  # see site.css
        columns += self.parse_text_to_nodes("\n".join(lines))
        return [columns]


class ApiIndex(SphinxDirective):
    def run(self) -> list[nodes.Node]:
        parts = []
        for module in public_names.MODULES:
            own = {
                name: found
                for name, found in public_names.public_names().items()
                if name.rpartition(".")[0] == module and not found.origin
            }
            parts += [f"**{{py:mod}}`{module}`**", "", "| name | what it is |", "|---|---|"]
            for name, found in own.items():
                depend(self.env, found.module)
                sentence = found.first_sentence or DATA[name]
                text = prose.inline(sentence) if found.first_sentence else sentence
                parts.append(f"| {{py:obj}}`{found.name} <{name}>` | {text} |")
            parts.append("")
            if any(
                found.origin
                for name, found in public_names.public_names().items()
                if name.rpartition(".")[0] == module
            ):
                parts += [f"and [wsproto's own names](drop-in.md#{OTHERS}).", ""]
        return self.parse_text_to_nodes("\n".join(parts))


OTHERS = "wsprotos-own-names"
"""The heading above `{api-of-others}`."""


def depend(env: BuildEnvironment, module: Module) -> None:
    env.note_dependency(str(module.file))
    env.note_dependency(__file__)


DOCUMENTED = Once(
    "documented_names", public_names.public_names, "%s is on %d pages of the reference"
)


STANDARD_LIBRARY = "https://docs.python.org/3/library/"
HAVE_PAGES = {"collections.abc", "typing"}
"""Modules whose page there has an anchor for each of their names."""


def missing_reference(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, contents: nodes.TextElement
) -> nodes.Node | None:
    """A type that is not fastframe's: a link to Python's documentation, or the name alone. A name
    of fastframe that leads nowhere remains a warning."""
    target = node.get("reftarget", "").lstrip("~")
    if node.get("refdomain") != "py" or target.split(".")[0] == "fastframe":
        return None
    module, _, name = target.rpartition(".")
    module = "collections.abc" if target == "typing_extensions.Buffer" else module
    if module in HAVE_PAGES:
        link = nodes.reference("", "", internal=False)
        link["refuri"] = f"{STANDARD_LIBRARY}{module}.html#{module}.{name}"
        link += contents
        return link
    root = target.split(".")[0]
    if root in sys.stdlib_module_names | THIRD_PARTY or target in _private_types():
        return contents
    return None


THIRD_PARTY = {"numpy", "prometheus_client", "typing_extensions", "wsproto", "uvicorn"}


def _private_types() -> set[str]:
    """Names in signatures that the modules of fastframe define, and that are not public."""
    return {
        name
        for found in public_names.public_names().values()
        if not found.origin
        for name in (*found.module.definitions, *found.module.imports)
    }


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("api", Api)
    app.add_directive("api-of-others", ApiOfOthers)
    app.add_directive("api-index", ApiIndex)
    DOCUMENTED.connect(app)
    app.connect("missing-reference", missing_reference)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
