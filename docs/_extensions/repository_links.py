"""Links from pages to files that are no pages lead into the repository.

The pages are read in two places. In the repository a relative link such as `../../src_c/README.md`
leads to the file. On the site there is no such file, so the link gets the repository's address. As
long as the project has no address, the words stay and the link goes. A file that does not exist is
a warning. Where the words of a link are the name of the page's file, the site has its title.

A page may be a file from elsewhere in the repository, as a whole: `<!-- the page is
../CHANGELOG.md -->`.
"""

from __future__ import annotations

import itertools
import os
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.util import logging

from repository import REPOSITORY

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s:#]+)(#[^)\s]*)?\)")
ANCHOR = re.compile(r'<a id="([\w-]+)"></a>')
WHOLE_FILE = re.compile(r"<!-- the page is (\S+) -->\s*")
IMAGES = {".png", ".svg"}

log = logging.getLogger(__name__)


def rewritten(text: str, source: Path, page: Path, address: str) -> str:
    """The text of the file `source` as it is right for the page."""

    def link(match: re.Match[str]) -> str:
        words, path, anchor = match[1], match[2], match[3] or ""
        target = Path(os.path.normpath(source.parent / path))
        if not target.exists():
            log.warning("no such file: %s", path, location=str(page))
        if target.is_relative_to(DOCS) and target.suffix in {".md", *IMAGES}:
            shown = title(target) if words == target.name else words
            return f"[{shown}]({os.path.relpath(target, page.parent)}{anchor})"
        where = target.relative_to(ROOT).as_posix()
        return f"[{words}]({address}/blob/main/{where}{anchor})" if address else words

    fences = [(match.start(), match.end()) for match in FENCE.finditer(text)]
    edges = [0, *(edge for fence in fences for edge in fence), len(text)]
    parts = [text[a:b] for a, b in itertools.pairwise(edges)]
    return "".join(part if i % 2 else LINK.sub(link, part) for i, part in enumerate(parts))


def title(page: Path) -> str:
    found = re.search(r"^# (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else page.name


def on_source_read(app: Sphinx, name: str, source: list[str]) -> None:
    page = DOCS / f"{name}.md"
    if whole := WHOLE_FILE.fullmatch(source[0]):
        file = Path(os.path.normpath(page.parent / whole[1]))
        source[0] = rewritten(file.read_text(encoding="utf-8"), file, page, REPOSITORY)
        app.env.note_dependency(str(file))
    else:
        source[0] = rewritten(source[0], page, page, REPOSITORY)
    source[0] = ANCHOR.sub(r"[]{#\1}", source[0])


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("source-read", on_source_read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
