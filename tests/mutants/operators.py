"""Small faults, as people make them: what a line of C or Cython may become."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]


class Mutant(NamedTuple):
    path: Path
    line: int
    """From 1."""
    there: str
    planted: str
    nth: int
    """Which of the lines with this text it is, from 1."""

    def change(self) -> str:
        """What it is called in equivalent.txt: without the number of the line, which changes."""
        which = f" [{self.nth}]" if self.nth > 1 else ""
        return f"{self.path}: {self.there.strip()} -> {self.planted.strip()}{which}"

    def plant(self, tree: Path) -> None:
        """In a copy of the sources."""
        lines = (tree / self.path).read_text().splitlines()
        lines[self.line - 1] = self.planted
        (tree / self.path).write_text("\n".join(lines) + "\n")

    def __str__(self) -> str:
        return f"line {self.line} of {self.change()}"


class CodeLine(NamedTuple):
    number: int
    text: str
    begin: int
    """Where on the line what may be changed begins: after the `=` of a declaration."""
    end: int
    """And where it ends: before a comment."""
    is_whole: bool
    """No bracket is open before the line or after it."""


REPLACEMENTS = (
    (r" < ", " <= "), (r" <= ", " < "), (r" > ", " >= "), (r" >= ", " > "),
    (r" == ", " != "), (r" != ", " == "), (r" &&(?= |$)", " ||"), (r" \|\|(?= |$)", " &&"),
    (r" and(?= |$)", " or"), (r" or(?= |$)", " and"), (r"\bis not None\b", "is None"),
    (r"\bis None\b", "is not None"), (r"\bTrue\b", "False"), (r"\bFalse\b", "True"),
    (r"\btrue\b", "false"), (r"\bfalse\b", "true"), (r" \+ ", " - "), (r" - ", " + "),
    (r" & ", " | "), (r" \|(?= |$)", " &"), (r" \^ ", " & "), (r" << ", " >> "), (r" >> ", " << "),
    (r" \+= ", " -= "), (r" -= ", " += "), (r"\bif not ", "if "), (r"\bif \(!", "if ("),
    (r"\bmin\(", "max("), (r"\bmax\(", "min("),
)  # fmt: skip
"""What is there, and what is planted: comparisons, bounds, signs."""

NUMBER = re.compile(r"(?<![\w.])(0x[0-9A-Fa-f]+|\d+)(?![\w.])")
CONDITION_IN_C = re.compile(r"\bif \((?!!)")
CONDITION_IN_CYTHON = re.compile(r"\bif (?!not )(?=.)")
IS_NEGATED = re.compile(r" [=!]= |\bis (not )?None\b")
IS_COMPOUND = re.compile(r" (and|or|&&|\|\|)( |$)")
NO_STATEMENTS = r"\(void\)|return|if|else|elif|for|while|case|break|continue|try|\}"
STATEMENT = re.compile(rf"^\s+(?!{NO_STATEMENTS})[\w>*(+]")
DECLARATION_IN_C = re.compile(r"^\s*(?:(?:const|static) )*(?!return)\w+[ *]+\w+(\[\w+\])?[,;]")
DEFINITION_IN_C = re.compile(r"^\s*(?:(?:const|static) )*(?!return)\w+ \*?\w+(\[\w+\])? = ")
STRING = re.compile(r"""(?:\bc)?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")
LEFT_OUT_BLOCKS = re.compile(r"\s*(cdef (extern|enum|struct)|ctypedef)\b.*:$")
LEFT_OUT_LINES = ("from ", "import ", "cimport ", "@", "assert ", "cdef class ", "class ", "pass")
BRACKETS = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}


def mutants_of(path: Path, text: str) -> Iterator[Mutant]:
    is_c = path.suffix in (".c", ".h")
    times: Counter[str] = Counter()
    for line in code_of_c(text) if is_c else code_of_cython(text):
        times[line.text.strip()] += 1
        for planted in dict.fromkeys(changes(line, is_c)):
            if planted != line.text:
                yield Mutant(path, line.number, line.text, planted, times[line.text.strip()])


def changes(line: CodeLine, is_c: bool) -> Iterator[str]:
    text = line.text
    seen = without_strings(text)[: line.end]

    def changed(begin: int, end: int, planted: str) -> str:
        return text[:begin] + planted + text[end:]

    for there, planted in REPLACEMENTS:
        for found in re.compile(there).finditer(seen, line.begin):
            yield changed(*found.span(), planted)
    for found in NUMBER.finditer(seen, line.begin):
        for value in (int(found[0], 0) + 1, int(found[0], 0) - 1):
            if value >= 0:
                yield changed(*found.span(), str(value))
    for found in (CONDITION_IN_C if is_c else CONDITION_IN_CYTHON).finditer(seen, line.begin):
        if IS_NEGATED.search(seen) and not IS_COMPOUND.search(seen):
            continue  # with the other comparison it is the same
        if not is_c:
            yield changed(*found.span(), "if not ")
        elif (end := closing(seen, found.end() - 1)) is not None:
            yield changed(found.end(), end, f"!({text[found.end() : end]})")
    if line.begin == 0 and line.is_whole and STATEMENT.match(seen):
        end_of_statement = seen.rstrip()[-1]
        if end_of_statement == ";" if is_c else end_of_statement not in ":\\":
            yield re.match(r"\s*", text)[0] + (";" if is_c else "pass")  # type: ignore[index]


def without_strings(text: str) -> str:
    """The same length, with nothing in strings that could be changed."""
    return STRING.sub(lambda found: '"' + "_" * (len(found[0]) - 2) + '"', text)


def closing(line: str, opened: int) -> int | None:
    """Where the bracket at `opened` is closed, if on this line."""
    depth = 0
    for at in range(opened, len(line)):
        depth += (line[at] == "(") - (line[at] == ")")
        if depth == 0:
            return at
    return None


def code_of_c(text: str) -> Iterator[CodeLine]:
    """Without comments, prototypes and declarations. Constants are changed too."""
    in_comment = False
    depth = 0
    for number, line in enumerate(text.splitlines(), 1):
        begins_comment = line.lstrip().startswith("/*")
        if in_comment or begins_comment:
            in_comment = "*/" not in line
            continue
        code = without_strings(line).split("/*")[0].rstrip()
        in_comment = "/*" in line and "*/" not in line
        before, depth = depth, depth + code.count("(") - code.count(")")
        left_out = code.startswith("#") and not code.startswith("#define")
        is_head = code[:1].isalpha() and not code.endswith(";")  # the first line of a function
        if code and not left_out and not is_head and not DECLARATION_IN_C.match(code):
            is_value = DEFINITION_IN_C.match(code)
            begin = is_value.end() - 3 if is_value else 0
            yield CodeLine(number, line, begin, len(code), before == depth == 0)


def code_of_cython(text: str) -> Iterator[CodeLine]:
    """Without comments, docstrings, imports, signatures and declarations. Enumerations are left
    out too: most are sizes of buffers, and any size is right."""
    quotes = block = None
    depth = 0
    left_out = False
    for number, line in enumerate(text.splitlines(), 1):
        indent = len(line) - len(line.lstrip())
        if quotes or line.lstrip().startswith('"""'):
            quotes = (line.count('"""') == 1) != bool(quotes)
            continue
        if not line.strip() or (block is not None and indent > block):
            continue
        block = indent if LEFT_OUT_BLOCKS.match(line) else None
        code = without_strings(line).split("#")[0].rstrip()
        before, depth = depth, depth + sum(BRACKETS.get(character, 0) for character in code)
        if before == 0:  # of its lines, the first decides
            left_out = block is not None or is_left_out(code.strip())
        if code and not left_out:
            begin = code.index("=") if code.strip().startswith("cdef ") else 0
            yield CodeLine(number, line, begin, len(code), before == depth == 0)


def is_left_out(code: str) -> bool:
    if code.startswith("cdef "):
        return "=" not in code.partition("(")[0]  # a signature, or a declaration without a value
    # `return 0` is the answer of a function that has none, and may raise
    return code.startswith(LEFT_OUT_LINES) or code == "return 0"
