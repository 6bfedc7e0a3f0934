"""Small faults, as people make them: what a line of C or Cython may become."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Mutant(NamedTuple):
    path: Path
    line: int
    """From 1."""
    there: str
    planted: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.there.strip()!r} becomes {self.planted.strip()!r}"


REPLACEMENTS = (
    (r" < ", " <= "), (r" <= ", " < "), (r" > ", " >= "), (r" >= ", " > "),
    (r" == ", " != "), (r" != ", " == "), (r" && ", " || "), (r" \|\| ", " && "),
    (r" and ", " or "), (r" or ", " and "), (r"\bis not None\b", "is None"),
    (r"\bis None\b", "is not None"), (r"\bTrue\b", "False"), (r"\bFalse\b", "True"),
    (r"\btrue\b", "false"), (r"\bfalse\b", "true"), (r" \+ ", " - "), (r" - ", " + "),
    (r" & ", " | "), (r" \| ", " & "), (r" \^ ", " & "), (r" << ", " >> "), (r" >> ", " << "),
    (r" \+= ", " -= "), (r" -= ", " += "), (r"\bif not ", "if "), (r"\bif \(!", "if ("),
    (r"\bif (?!not )(?!\()", "if not "), (r"\bif \((?!!)", "if (!("),
)  # fmt: skip
"""What is there, and what is planted: comparisons, bounds, branches, signs."""

NUMBER = re.compile(r"(?<![\w.])(0x[0-9A-Fa-f]+|\d+)(?![\w.])")
STATEMENT = re.compile(
    r"^(\s+)(?!return|if|else|for|while|cdef|case|break|const|static|})[\w>*(].*$"
)


def mutants_of(path: Path, text: str) -> Iterator[Mutant]:
    is_c = path.suffix in (".c", ".h")
    for number, line in code_lines(text, is_c):
        for planted in dict.fromkeys(changes(line, is_c)):
            if planted != line:
                yield Mutant(path, number, line, planted)


def changes(line: str, is_c: bool) -> Iterator[str]:
    for there, planted in REPLACEMENTS:
        for found in re.finditer(there, line):
            if planted == "if (!(":  # its bracket is closed where the condition ends
                end = closing(line, found.end() - 1)
                if end is None:
                    continue
                yield f"{line[: found.end()]}!({line[found.end() : end]}){line[end:]}"
            else:
                yield line[: found.start()] + planted + line[found.end() :]
    for found in NUMBER.finditer(line):
        for value in (int(found[0], 0) + 1, int(found[0], 0) - 1):
            if value >= 0:
                yield line[: found.start()] + str(value) + line[found.end() :]
    if STATEMENT.match(line) and line.rstrip().endswith(";" if is_c else ("", ")")):
        indent = re.match(r"\s*", line)
        assert indent is not None
        yield indent[0] + (";" if is_c else "pass")


def closing(line: str, opened: int) -> int | None:
    """Where the bracket at `opened` is closed, if on this line."""
    depth = 0
    for at in range(opened, len(line)):
        depth += (line[at] == "(") - (line[at] == ")")
        if depth == 0:
            return at
    return None


def code_lines(text: str, is_c: bool) -> Iterator[tuple[int, str]]:
    """Without comments, preprocessor lines, docstrings and imports."""
    inside: str | None = None
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if inside:
            if inside in stripped:
                inside = None
            continue
        if not stripped:
            continue
        if is_c:
            if stripped.startswith("/*"):
                inside = None if "*/" in stripped else "*/"
            elif not stripped.startswith(("#", "//", "*", "enum", "typedef")):
                yield number, line
        elif '"""' in stripped:
            inside = '"""' if stripped.count('"""') == 1 else None
        elif not stripped.startswith(("#", "from ", "import ", "raise ", "cimport", "@", 'f"')):
            yield number, line
