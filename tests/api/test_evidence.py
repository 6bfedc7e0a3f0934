"""Each claim of the pages about security and assurance names evidence that exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.helpers import ROOT

if not (ROOT / "Makefile").exists():
    pytest.skip("the sources are not here: a wheel is tested", allow_module_level=True)

PAGES = (
    "docs/explanation/security.md",
    "docs/explanation/assurance.md",
    "docs/howto/protocols.md",
    "docs/howto/troubleshooting.md",
)
FEWEST_ATTACKS = 25


def named(page: str, pattern: str) -> set[str]:
    return set(re.findall(pattern, (ROOT / page).read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", PAGES)
def test_each_test_that_is_named_exists(page: str) -> None:
    tests = named(page, r"`(tests/[\w/]+\.py(?:::\w+)?)`")
    for test in tests:
        path, _, function = test.partition("::")
        text = (ROOT / path).read_text(encoding="utf-8")
        assert f"def {function}(" in text or not function, test
    assert tests or page != "docs/explanation/security.md"


@pytest.mark.parametrize("page", PAGES)
def test_each_proof_that_is_named_exists(page: str) -> None:
    harnesses = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "tests/proofs").glob("*.[ch]")
    )
    for proof in named(page, r"proof `(\w+)`"):
        assert re.search(rf"\b(prove_)?{proof}\b", harnesses) or any(
            path.stem == proof for path in (ROOT / "tests/proofs").glob("*.c")
        ), proof


@pytest.mark.parametrize("page", PAGES)
def test_each_verb_of_make_exists(page: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in named(page, r"`make ([a-z][a-z -]*)"):
        for verb in command.split():
            assert re.search(rf"^{verb}:", makefile, re.MULTILINE), verb


def test_each_link_between_pages_leads_somewhere() -> None:
    pages = [*PAGES, "README.md", "SECURITY.md", "CHANGELOG.md"]
    pages += ["docs/reference/versioning.md", "docs/contributing/releasing.md"]
    for page in pages:
        for link in named(page, r"\]\(([^)#:]+)(?:#[\w-]+)?\)"):
            # ../../ leads from a file at the top to the pages of the repository itself.
            own = "/" not in page and link.startswith("../../")
            assert own or (ROOT / Path(page).parent / link).exists(), (page, link)
        for link, anchor in named(page, r"\]\(([^)#:]*)#([\w-]+)\)"):
            target = ROOT / Path(page).parent / link if link else ROOT / page
            assert anchor in anchors(target), (page, link, anchor)


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings, and those that are written."""
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    made = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return made | set(re.findall(r'<a id="([\w-]+)"></a>', text))


def test_attacks_have_their_answers() -> None:
    text = (ROOT / "docs/explanation/security.md").read_text(encoding="utf-8")
    part = text.partition("## Known attacks")[2].partition("## Compression and secrets")[0]
    rows = [row for row in part.splitlines() if row.startswith("| ") and "---" not in row]
    attacks = [row for row in rows if not row.startswith("| attack ")]
    assert len(attacks) >= FEWEST_ATTACKS
    for row in attacks:
        assert "`tests/" in row or "proof `" in row, row
