"""docs/reference has what the code has: every public name, environment variable, error and line of
the log."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastframe._codec.checks import RULES
from tests.helpers import ROOT

PACKAGE = ROOT / "fastframe"
REFERENCE = ROOT / "docs/reference"
MODULES = (
    "fastframe",
    "fastframe.deflate",
    "fastframe.frame_protocol",
    "fastframe.prometheus",
    "fastframe.uvicorn",
)


def page(name: str) -> str:
    """Its text, with single spaces."""
    return " ".join((REFERENCE / f"{name}.md").read_text(encoding="utf-8").split())


def python_files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


# ---- names ---------------------------------------------------------------------------------------


def exported(module: str) -> list[str]:
    """`__all__`, without an import, which would need what the module is for."""
    path = PACKAGE.parent.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    raise AssertionError(f"{module} has no __all__")


def test_these_are_the_modules_with_public_names() -> None:
    private = re.compile(r"\._|\.(?:wsproto|websockets|tornado|autobahn|gunicorn)\b")
    found = set()
    for file in python_files():
        if re.search(r"^__all__ =", file.read_text(encoding="utf-8"), re.MULTILINE):
            dotted = ".".join(file.relative_to(ROOT).with_suffix("").parts)
            found.add(dotted.removesuffix(".__init__"))
    assert {name for name in found if not private.search(name)} == set(MODULES)


def test_every_public_name_is_on_one_page() -> None:
    pages = [path.read_text(encoding="utf-8") for path in sorted(REFERENCE.glob("*.md"))]
    documented = re.findall(r"^```\{api\} (\S+)$", "\n".join(pages), re.MULTILINE)
    assert len(documented) == len(set(documented))
    public = {f"{module}.{name}" for module in MODULES for name in exported(module)}
    passed_on = {name for name in public if name.startswith("fastframe.frame_protocol.")}
    assert set(documented) - passed_on == public - passed_on
    assert "```{api-of-others} fastframe.frame_protocol\n" in "\n".join(pages)


# ---- the environment -----------------------------------------------------------------------------


def test_every_environment_variable_is_on_the_page() -> None:
    sources = [ROOT / "setup.py", ROOT / "mend_cython.py"]
    for suffix in ("py", "pyx", "pxd", "h"):
        sources += PACKAGE.rglob(f"*.{suffix}")
    found = {
        name
        for source in sources
        for name in re.findall(r"\b(?:FASTFRAME|PROMETHEUS)_[A-Z_]+\b", source.read_text("utf-8"))
        if not name.endswith("_H")  # guards of headers
    }
    assert len(found) > 10
    text = (REFERENCE / "environment.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\b(?:FASTFRAME|PROMETHEUS)_[A-Z_]+\b", text)) == found


# ---- errors --------------------------------------------------------------------------------------


def test_every_rule_has_a_cause_and_a_remedy() -> None:
    text = (REFERENCE / "errors.md").read_text(encoding="utf-8")
    explained = dict(re.findall(r"^:::\{rule\} (\S+)\n(.*?)^:::$", text, re.MULTILINE | re.DOTALL))
    assert list(explained) == list(RULES.values())
    for name, body in explained.items():
        assert f"\n### {name}\n" in text
        assert "**Why:** " in body
        assert "**What to do:** " in body


def fragments(node: ast.expr) -> list[str]:
    """What a message always says."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.JoinedStr):
        return [part for value in node.values for part in fragments(value)]
    if isinstance(node, ast.BinOp):
        return fragments(node.left) + fragments(node.right)
    return []


def raised_in(file: Path) -> Iterator[tuple[str, list[str]]]:
    """The errors of a file in Python, with what their messages always say."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            call = node.exc
            if call.args and (said := fragments(call.args[0])):
                yield ast.unparse(call.func), said


def raised_in_cython(file: Path, error: str) -> Iterator[list[str]]:
    """The same of a file in Cython, which ast does not read."""
    text = file.read_text(encoding="utf-8")
    for found in re.finditer(rf'\b{error}\(\s*((?:f?"[^"]*"\s*)+)', text):
        literals = re.findall(r'(f?)"([^"]*)"', found[1])
        message = "".join(words for _, words in literals)
        yield re.split(r"\{[^}]*\}", message)


ERRORS = {"NegotiationError", "InstallError", "ImportError", "MissingExtraError"}


def test_every_message_is_on_the_page() -> None:
    text = page("errors")
    said = [parts for file in python_files() for error, parts in raised_in(file) if error in ERRORS]
    for file in sorted(PACKAGE.rglob("*.p[yx][xd]")):
        for error in ("invalid_state", "InvalidState", "ImportError"):
            said += raised_in_cython(file, error)
    assert len(said) > 35
    missing = []
    for parts in said:
        stripped = [part.strip(" :;,.'()") for part in parts]
        first = next((part for part in stripped if len(part) >= 20), max(stripped, key=len))
        words = re.sub(r"\s+", " ", first)
        if words not in text:
            missing.append("".join(parts))
    assert not missing


# ---- the log -------------------------------------------------------------------------------------

LEVELS = {"debug": "DEBUG", "info": "INFO", "warning": "WARNING", "error": "ERROR"}
LEVELS["exception"] = "ERROR"


def logged_in(file: Path) -> Iterator[tuple[str, str]]:
    """The level and the message of each line, with ... for what differs."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in LEVELS
            and re.search(r"(?:log|logger|LOGGER|\))$", ast.unparse(node.func.value))
            and isinstance(node.args[0], ast.Constant)
        ):
            message = re.sub(r"(?:%[sd]|\{\w+\})+", "...", str(node.args[0].value).strip())
            yield LEVELS[node.func.attr], message


def test_every_line_of_the_log_is_on_the_page() -> None:
    text = page("log-lines")
    lines = [line for file in python_files() for line in logged_in(file)]
    assert len(lines) > 20
    for level, message in lines:
        if re.search(r"[a-z]{3}", message):
            assert f"{level} `{message}`" in text


def test_no_other_file_logs() -> None:
    """What the search above cannot see."""
    for file in PACKAGE.rglob("*.pyx"):
        assert "getLogger" not in file.read_text(encoding="utf-8")
    for file in python_files():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("logging.getLogger"):
                (name,) = (fragments(argument) for argument in node.args)
                assert f"## {name[0]}\n" in (REFERENCE / "log-lines.md").read_text("utf-8")


# ---- the command line ----------------------------------------------------------------------------


def test_every_command_is_on_the_page() -> None:
    main = importlib.import_module("fastframe._cli.main")
    (commands,) = (action for action in main.parser()._actions if action.choices)
    text = (REFERENCE / "command-line.md").read_text(encoding="utf-8")
    assert re.findall(r"^```\{command\} (\w+)$", text, re.MULTILINE) == list(commands.choices)


@pytest.mark.parametrize("name", ["OK", "DIFFERENT", "TROUBLE", "NOT_FOUND"])
def test_every_exit_code_is_on_the_page(name: str) -> None:
    main = importlib.import_module("fastframe._cli.main")
    assert f"\n| {getattr(main, name)} | " in (REFERENCE / "command-line.md").read_text("utf-8")
