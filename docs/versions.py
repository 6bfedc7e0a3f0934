"""Builds the whole site: one folder for each version, so that a link to a version stays.

usage: python docs/versions.py FOLDER

`dev` is the checked-out commit. Each release, the last one of each minor version, is built from its
tag `vX.Y.Z` and gets a folder of that number; `stable` leads to the newest, or to `dev` as long as
there is none. `versions.json` lists them for the menu in the sidebar.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
REDIRECT = (
    '<!doctype html><meta charset="utf-8"><title>fastframe</title>'
    '<meta http-equiv="refresh" content="0; url={0}"><a href="{0}">fastframe {0}</a>\n'
)


def git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout


def releases(tags: list[str]) -> list[str]:
    """The last release of each minor version, the newest first."""
    numbers = sorted(
        tuple(map(int, found.groups()))
        for tag in tags
        if (found := re.fullmatch(r"v(\d+)\.(\d+)\.(\d+)", tag))
    )
    last = {number[:2]: number for number in numbers}
    return [".".join(map(str, number)) for number in sorted(last.values(), reverse=True)]


def build(docs: Path, to: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-n", "-b", "html"]
    subprocess.run([*command, str(docs), str(to)], cwd=docs.parent, check=True)


def build_release(number: str, to: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        git("worktree", "add", "--detach", folder, f"v{number}")
        try:
            # The reference is made from the modules of that release.
            command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
            subprocess.run(command, cwd=folder, check=True)
            build(Path(folder, "docs"), to)
        finally:
            git("worktree", "remove", "--force", folder)


def main(folder: Path) -> None:
    numbers = releases(git("tag").split())
    folder.mkdir(parents=True)
    build(ROOT / "docs", folder / "dev")
    for number in numbers:
        build_release(number, folder / number)
    stable = numbers[0] if numbers else "dev"
    (folder / "stable").mkdir()
    (folder / "stable" / "index.html").write_text(REDIRECT.format(f"../{stable}/"))
    (folder / "index.html").write_text(REDIRECT.format(f"{stable}/"))
    (folder / "versions.json").write_text(json.dumps(["dev", *numbers]))
    (folder / ".nojekyll").touch()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
