"""The address of the repository, and all that follows from it: the links of the package and of its
README, and CITATION.cff. `python repository.py --cite` writes CITATION.cff."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from urllib.parse import urljoin

REPOSITORY = ""
"""https://github.com/OWNER/fastframe. Empty: the project has no public address yet."""

ROOT = Path(__file__).parent
FENCES = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
# [text](target), and targets of HTML: of pictures for light and dark pages, for instance.
TARGETS = re.compile(r"""(\]\(|\b(?:src|href|srcset)=")(?!https?:|mailto:|#)([^)"\s]+)""")
PICTURES = (".svg", ".png", ".jpg", ".gif", ".webp")
SECTION = re.compile(r"^## (\S+) \((.+)\)$", re.MULTILINE)

PAGES = {
    "Source": "",
    "Changelog": "/blob/main/CHANGELOG.md",
    "Documentation": "/tree/main/docs",
    "Issues": "/issues",
    "Security": "/security/policy",
}

CITATION = """\
cff-version: 1.2.0
message: If you use fastframe in your research, please cite it.
title: "fastframe: a C-accelerated WebSocket (RFC 6455) frame codec for CPython"
type: software
authors:
  - name: The fastframe authors
license: MIT
version: {version}
"""


def version(root: Path = ROOT) -> str:
    text = (root / "fastframe/_version.py").read_text(encoding="utf-8")
    (found,) = re.findall(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    return str(found)


def newest_section(root: Path = ROOT) -> tuple[str, str]:
    """The version at the top of CHANGELOG.md, and what is in brackets after it."""
    found = SECTION.search((root / "CHANGELOG.md").read_text(encoding="utf-8"))
    return (found[1], found[2]) if found else ("", "")


def readme(root: Path = ROOT, address: str = REPOSITORY) -> str:
    """README.md for the package index, where links cannot be relative: they lead to the files of
    this version."""
    text = (root / "README.md").read_text(encoding="utf-8")
    if not address:
        return text
    tag = f"v{version(root)}"

    def absolute(link: re.Match[str]) -> str:
        kind = "raw" if link[2].endswith(PICTURES) else "blob"
        return f"{link[1]}{urljoin(f'{address}/{kind}/{tag}/README.md', link[2])}"

    parts = FENCES.split(text)
    return "".join(
        part if part.startswith("```") else TARGETS.sub(absolute, part) for part in parts
    )


def project_urls(address: str = REPOSITORY) -> dict[str, str]:
    return {name: address + page for name, page in PAGES.items()} if address else {}


def citation(root: Path = ROOT, address: str = REPOSITORY) -> str:
    """CITATION.cff; without a date before the release, and without an address while there is
    none."""
    text = CITATION.format(version=version(root))
    when = newest_section(root)[1]
    if re.fullmatch(r"\d{4}-\d\d-\d\d", when):
        text += f"date-released: {when}\n"
    if address:
        text += f"repository-code: {address}\n"
    return text


if __name__ == "__main__" and sys.argv[1:] == ["--cite"]:
    (ROOT / "CITATION.cff").write_text(citation(), encoding="utf-8")
