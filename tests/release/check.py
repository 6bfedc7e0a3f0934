"""What a release still needs: python -m tests.release.check [--tag TAG] [--repository ADDRESS]

Prints a line for each thing, which says what to do. With --tag, in the workflow: the tag exists,
and must name this version. With --repository: the address that repository.py must have. Exit code
0: nothing is missing; 1: something is.
"""

from __future__ import annotations

import argparse
import datetime
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]
OLDEST = 90
"""Days before the release at which a table of figures may have been measured."""

# A command for a clone, where a user of the release needs one for the package index. What is
# installed with -e is for who works on fastframe.
FROM_A_CLONE = re.compile(r"(?<!-e )'\.\[[\w,]+\]'|(?<=pip install )\.(?=[`/ ]|$)", re.MULTILINE)
NOT_YET = re.compile(r"not (?:yet )?on PyPI|not released yet", re.IGNORECASE)
FOOTER = re.compile(r"^\*Measured on \d{4}-\d\d-\d\d(?=: )", re.MULTILINE)
ADDRESS = re.compile(r"https://github\.com/([\w.-]+/fastframe)\b")
RELATIVE = re.compile(r"\]\((?!https?:|mailto:|#)([^)\s]+)\)")
# A word in angle brackets where the address belongs.
PLACEHOLDER = re.compile(r"<this repository>|<address>")


def loaded(root: Path) -> ModuleType:
    """repository.py of this tree."""
    spec = spec_from_file_location("repository_of_the_tree", root / "repository.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def pages(root: Path) -> Iterator[tuple[str, str]]:
    """Each page that Git knows, and its text."""
    for name in git(root, "ls-files", "*.md", "*.cff", "*.yml", "*.toml").splitlines():
        if (root / name).exists():
            yield name, (root / name).read_text(encoding="utf-8")


def places(root: Path, pattern: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """Where it occurs in a page for users, as name:line, and what was found there."""
    for name, text in pages(root):
        if name.endswith(".md") and name != "CHANGELOG.md":
            for found in pattern.finditer(text):
                yield f"{name}:{text.count(chr(10), 0, found.start()) + 1}", found[0]


def address(root: Path, expected: str) -> Iterator[str]:
    module = loaded(root)
    found = module.REPOSITORY
    if not found:
        yield "repository.py: REPOSITORY is empty: write the address of the repository"
        return
    if not re.fullmatch(r"https://github\.com/[\w-]+/[\w.-]+(?<!\.git)", found):
        yield f"repository.py: write {found!r} as https://github.com/OWNER/NAME"
    if expected and found != expected:
        yield f"repository.py: REPOSITORY is {found}, and this is {expected}: write that"
    owner = found.removeprefix("https://github.com/")
    for name, text in pages(root):
        for other in sorted(set(ADDRESS.findall(text)) - {owner}):
            yield f"{name}: names the repository {other}: write {owner}"
    for place, what in places(root, PLACEHOLDER):
        yield f"{place}: write {found} in place of {what}"
    for link in RELATIVE.findall(without_code(module.readme(root))):
        yield f"README.md: the link {link} would lead nowhere on the package index: mend it"


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$|`[^`\n]+`", "", text, flags=re.MULTILINE | re.DOTALL)


def changelog(root: Path) -> Iterator[str]:
    module = loaded(root)
    version = module.version(root)
    newest, when = module.newest_section(root)
    if newest != version:
        yield (
            f"CHANGELOG.md: the section at the top is {newest or 'none'}, and "
            f"fastframe/_version.py says {version}: make them the same"
        )
    if day(when) is None:
        yield f"CHANGELOG.md: write the date of the release in place of ({when})"


def day(text: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


def tree(root: Path) -> Iterator[str]:
    changed = git(root, "status", "--porcelain").splitlines()
    if changed:
        yield f"not committed: {changed[0][3:]}, and {len(changed) - 1} more: commit or remove them"


def tag(root: Path, named: str) -> Iterator[str]:
    wanted = f"v{loaded(root).version(root)}"
    if named and named != wanted:
        yield f"the tag {named} is not {wanted}: delete it, and tag the commit of {wanted}"
    if not named and git(root, "tag", "--list", wanted):
        yield f"the tag {wanted} exists: choose the next version in fastframe/_version.py"


def commands(root: Path) -> Iterator[str]:
    for place, what in places(root, FROM_A_CLONE):
        yield f"{place}: write {what.replace('.', 'fastframe', 1)} in place of {what}"
    for place, what in places(root, NOT_YET):
        yield f"{place}: remove {what!r}"
    readme = (root / "README.md").read_text(encoding="utf-8")
    if not re.search(r"pip install '?fastframe\b", readme):
        yield "README.md: write how to install it: pip install fastframe"


def citation(root: Path) -> Iterator[str]:
    path = root / "CITATION.cff"
    if not path.exists() or path.read_text(encoding="utf-8") != loaded(root).citation(root):
        yield "CITATION.cff: version, date or address is old: run python repository.py --cite"


def figures(root: Path) -> Iterator[str]:
    """Tables that were measured long ago say little about what is released."""
    released = day(loaded(root).newest_section(root)[1])
    for place, footer in places(root, FOOTER):
        measured = day(footer[-10:])
        if measured is None or (released and (released - measured).days > OLDEST):
            yield (
                f"{place}: the table was measured on {footer[-10:]}, more than {OLDEST} days "
                "before the release: run make bench"
            )


CHECKS = (changelog, tree, commands, citation, figures)


def problems(root: Path, named_tag: str = "", expected: str = "") -> list[str]:
    found = [*address(root, expected), *tag(root, named_tag)]
    return found + [line for check in CHECKS for line in check(root)]


def main() -> int:
    parser = argparse.ArgumentParser(usage=(__doc__ or "").splitlines()[0].partition(": ")[2])
    parser.add_argument("--tag", default="", help="the tag that is released")
    parser.add_argument("--repository", default="", help="https://github.com/OWNER/NAME")
    chosen = parser.parse_args()
    found = problems(ROOT, chosen.tag, chosen.repository)
    for line in found:
        print(line)
    if not found:
        print(f"ready: git tag v{loaded(ROOT).version(ROOT)}")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
