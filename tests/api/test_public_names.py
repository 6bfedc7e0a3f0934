"""Every public name: that it is exported, has a signature, an example that runs, and both in the
stubs."""

from __future__ import annotations

import ast
import doctest
import enum
import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import fastframe
import fastframe.deflate
from fastframe import Close
from tests import stub_docstrings


def test_exports() -> None:
    public = {
        name
        for name in dir(fastframe)
        if not name.startswith("_") and not isinstance(getattr(fastframe, name), ModuleType)
    }
    assert set(fastframe.__all__) | {"TYPE_CHECKING"} == public | {"__version__"}
    with pytest.raises(AttributeError, match="module 'fastframe' has no attribute 'encoder'"):
        _ = fastframe.encoder


PUBLIC = [
    *((name, getattr(fastframe, name)) for name in fastframe.__all__ if name != "__version__"),
    *((f"deflate.{name}", getattr(fastframe.deflate, name)) for name in fastframe.deflate.__all__),
]


def methods(value: object) -> list[tuple[str, Any]]:
    if not isinstance(value, type):
        return []
    return [(name, member) for name, member in vars(value).items() if not name.startswith("_") and (
        callable(member) or isinstance(member, property) or inspect.isgetsetdescriptor(member)
    ) and not isinstance(member, (enum.Enum, type)) and member.__doc__ is not None]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), PUBLIC, ids=[name for name, _ in PUBLIC])
def test_every_public_name_has_a_signature(name: str, value: Any) -> None:
    inspect.signature(value)
    for method, member in methods(value):
        if callable(member):
            assert "self" in inspect.signature(member).parameters, method


@pytest.mark.parametrize(("name", "value"), PUBLIC, ids=[name for name, _ in PUBLIC])
def test_every_public_docstring_has_an_example_that_runs(name: str, value: Any) -> None:
    if name == "index_frames":
        pytest.importorskip("numpy")
    examples = {name: value, **{f"{name}.{method}": member for method, member in methods(value)}}
    names = {
        **vars(fastframe),
        **{public: getattr(fastframe, public) for public in fastframe.__all__},
    }
    for full_name, member in examples.items():
        test = doctest.DocTestParser().get_doctest(
            inspect.getdoc(member), {**names, **vars(fastframe.deflate)}, full_name, None, 0
        )
        assert test.examples, f"{full_name} has no example"
        runner = doctest.DocTestRunner(
            optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
        )
        assert runner.run(test).failed == 0, full_name


def test_the_signatures_say_what_the_classes_take() -> None:
    assert str(inspect.signature(fastframe.Decoder)) == (
        "(role, *, max_message_size=16777216, max_frame_size=None, max_fragments=8192, "
        "deflate=None, decode_text=True)"
    )
    assert str(inspect.signature(fastframe.Encoder)) == "(role, *, masking_keys=None, deflate=None)"
    assert str(inspect.signature(Close)) == "(code=1005, reason='')"
    limits = inspect.signature(fastframe.Decoder).parameters
    text = repr(fastframe.Decoder(fastframe.Role.SERVER))
    for name in ("max_message_size", "max_fragments"):
        assert f"{name}={limits[name].default}" in text
    assert "max_frame_size=16777216" in text, "it follows max_message_size"


@pytest.mark.parametrize("stub", stub_docstrings.STUBS, ids=lambda path: path.name)
def test_the_stubs_carry_the_docstrings(stub: Path) -> None:
    tree = ast.parse(stub.read_text(encoding="utf-8"))
    found = list(stub_docstrings.pairs(tree.body, stub_docstrings.module_of(stub)))
    assert len(found) > 3
    for node, value in found:
        assert ast.get_docstring(node) == inspect.getdoc(value), (
            f"{node.name}: run python -m tests.stub_docstrings"
        )
