"""What the site does beyond Sphinx: links into the repository, and the list of versions."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tests.helpers import ROOT

DOCS = ROOT / "docs"
PAGE = DOCS / "howto" / "page.md"

if not (ROOT / "Makefile").exists():
    pytest.skip("the sources are not here: a wheel is tested", allow_module_level=True)


def module(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(path).stem, DOCS / path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture(scope="module")
def links() -> ModuleType:
    pytest.importorskip("sphinx")
    return module("_extensions/repository_links.py")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[C](../../src_c/README.md#top)", "[C](https://x.y/blob/main/src_c/README.md#top)"),
        ("[`a`](../../setup.py), [b](../../LICENSE)",
         "[`a`](https://x.y/blob/main/setup.py), [b](https://x.y/blob/main/LICENSE)"),
        ("[here](../index.md#a)", "[here](../index.md#a)"),
        ("[index.md](../index.md#a)", "[fastframe](../index.md#a)"),
        ("[out](https://a.b/c) and [down](#below)", "[out](https://a.b/c) and [down](#below)"),
        ("```sh\n[a](../../setup.py)\n```\n", "```sh\n[a](../../setup.py)\n```\n"),
    ],
)  # fmt: skip
def test_links_out_of_the_pages_lead_into_the_repository(
    links: ModuleType, text: str, expected: str
) -> None:
    assert links.rewritten(text, PAGE, PAGE, "https://x.y") == expected


def test_without_an_address_the_words_stay(links: ModuleType) -> None:
    assert links.rewritten("see [C](../../src_c/README.md).", PAGE, PAGE, "") == "see C."


def test_a_page_from_elsewhere_has_its_links_from_its_new_place(links: ModuleType) -> None:
    text = "[s](docs/explanation/security.md) [m](Makefile)"
    found = links.rewritten(text, ROOT / "CHANGELOG.md", PAGE, "https://x.y")
    assert found == "[s](../explanation/security.md) [m](https://x.y/blob/main/Makefile)"


def test_the_last_release_of_each_minor_version_has_a_folder() -> None:
    tags = ["v0.2.0", "v0.10.0", "v0.2.11", "v0.2.9", "v1.0.0", "v1.0.0rc1", "start", "v2"]
    assert module("versions.py").releases(tags) == ["1.0.0", "0.10.0", "0.2.11"]
