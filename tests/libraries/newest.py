"""What a release of a library that is not tested yet has changed, and an issue that says so.

usage: python -m tests.libraries.newest TARGET KIND [--results FILE] [--issue]

The library is installed already: its newest release, its newest pre-release, or its development
branch, which KIND says. Prints a report in Markdown: whether fastframe is active under it, which of
the items that it relies on have changed and how, and, with --results, what the tests said. With
--issue the report is filed by `gh`, which knows the repository: one open issue for each library,
and the next night's report takes the place of the last. Exit code 0: nothing has changed and no
test failed; 1: somebody has to look.
"""

from __future__ import annotations

import argparse
import difflib
import importlib.metadata
import json
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from fastframe._targets.relied_on import Comparison, Source
from fastframe._targets.target import PLACES, target
from tests.libraries.digests import downloaded

MOST_LINES = 200
"""Of a difference: an issue has at most 65,536 characters."""


def title(name: str) -> str:
    return f"{name}: a new version needs a look"


def difference(package: str, item: str, before: Path) -> str:
    """Of the source of an item, as a unified diff."""
    tested, installed = (
        "\n".join(source.texts(item)).splitlines()
        for source in (Source(package, before / package), Source(package))
    )
    lines = difflib.unified_diff(tested, installed, "tested", "installed", lineterm="")
    return "\n".join(list(lines)[:MOST_LINES])


def changes(name: str) -> list[tuple[str, str]]:
    """What has changed of what the target relies on, as (item, difference)."""
    place = PLACES[name]
    known = import_module(f"{place.folder}.digests")
    package = place.module.partition(".")[0]
    comparison = Comparison(package, known.DIGESTS, known.VERSIONS)
    if not comparison.changed:
        return []
    with tempfile.TemporaryDirectory() as folder:
        before = Path(folder)
        downloaded(target(name).distribution, comparison.like, before)
        return [(item, difference(package, item, before)) for item in comparison.changed]


def report(name: str, kind: str, results: str) -> tuple[str, bool]:
    """The report, and whether somebody has to look."""
    found = target(name)
    version = importlib.metadata.version(found.distribution)
    changed = changes(name) if hasattr(found, "relied_on") else []
    try:
        note = found.check()
    except ImportError as error:
        state = f"not active: {error}"
    else:
        state = "active" if note is None else f"active ({note})"
    parts = [f"{found.distribution} {version} ({kind}) with fastframe: {state}"]
    for item, text in changed:
        parts.append(f"### `{item}`\n\n```diff\n{text}\n```")
    failed = [line for line in results.splitlines() if line.startswith(("FAILED", "ERROR", "!"))]
    if failed:
        parts.append("### Tests\n\n```text\n" + "\n".join(failed[:MOST_LINES]) + "\n```")
    return "\n\n".join(parts) + "\n", state.startswith("not active") or bool(changed or failed)


def gh(*arguments: str) -> str:
    return subprocess.run(["gh", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def file_issue(name: str, text: str) -> None:
    """Opens the issue of the library, or puts the new report into it."""
    search = f'in:title "{title(name)}"'
    found = gh("issue", "list", "--state", "open", "--search", search, "--json", "number,title")
    numbers = [issue["number"] for issue in json.loads(found) if issue["title"] == title(name)]
    with tempfile.NamedTemporaryFile("w", suffix=".md", encoding="utf-8") as body:
        body.write(text)
        body.flush()
        if numbers:
            gh("issue", "edit", str(numbers[0]), "--body-file", body.name)
        else:
            gh("issue", "create", "--title", title(name), "--body-file", body.name)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("\n\n")[1].removeprefix("usage: "))
    parser.add_argument("target", choices=PLACES)
    parser.add_argument("kind", choices=("release", "pre-release", "development"))
    parser.add_argument("--results", type=Path, help="what pytest and the suites have printed")
    parser.add_argument("--issue", action="store_true", help="file it")
    chosen = parser.parse_args(arguments)
    results = chosen.results.read_text(encoding="utf-8") if chosen.results else ""
    text, must_be_looked_at = report(chosen.target, chosen.kind, results)
    print(text)
    if must_be_looked_at and chosen.issue:
        file_issue(chosen.target, text)
    return int(must_be_looked_at)


if __name__ == "__main__":
    sys.exit(main())
