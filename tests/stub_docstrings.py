"""The docstrings of the extension modules in their stubs, where editors look for them: `python -m
tests.stub_docstrings` writes them there, and tests/api sees that they are the same."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastframe

CODEC = Path(fastframe.__file__).parent / "_codec"
STUBS = [CODEC / f"{name}.pyi" for name in ("control_frames", "decoder", "encoder", "kernels")]
Documented = ast.ClassDef | ast.FunctionDef


def module_of(stub: Path) -> Any:
    return importlib.import_module(f"fastframe._codec.{stub.stem}")


def pairs(body: list[ast.stmt], owner: Any) -> Iterator[tuple[Documented, Any]]:
    """Each public class, function and method of a stub, and what it is at run time; of overloads
    none."""
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            found = inspect.getattr_static(owner, node.name)
            yield node, found
            if isinstance(node, ast.ClassDef):
                yield from pairs(node.body, found)


def write(stub: Path) -> None:
    tree = ast.parse(stub.read_text(encoding="utf-8"))
    for node, found in pairs(tree.body, module_of(stub)):
        text = inspect.getdoc(found)
        if ast.get_docstring(node) is not None:
            del node.body[0]
        if text is None:
            continue
        indent = " " * (node.col_offset + 4)
        lines = "\n".join(indent + line if line else "" for line in text.splitlines()).lstrip()
        if "\n" in lines:
            lines += "\n" + indent
        rest = [
            part
            for part in node.body
            if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
        ]
        node.body = [ast.Expr(ast.Constant(lines)), *rest]
    stub.write_text(ast.unparse(tree) + "\n", encoding="utf-8")
    for command in (["format"], ["check", "--fix"], ["format"]):
        subprocess.run([sys.executable, "-m", "ruff", *command, "-q", str(stub)], check=True)


if __name__ == "__main__":
    for path in STUBS:
        write(path)
