"""The page, in a headless Chromium, through nginx and TLS. CHAT_PICTURES=FOLDER keeps pictures of
it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("examples.chat.server", reason="the extra chat is not installed")

from examples.chat.protocol import FINAL, Code
from tests.chat.conftest import ROOT, UNLIMITED, Chat
from tests.servers.test_clients import needs_node

PAGE = ROOT / "examples" / "chat" / "page"


def browse(script: str, given: dict[str, Any]) -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("Chromium is not installed")
    needs_node("playwright-core")
    needs_node("axe-core")
    result = subprocess.run(
        ["node", str(Path(__file__).parent / script), chromium],
        input=json.dumps(given), capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert result.stdout.strip() == "passed", result.stdout + result.stderr


def test_pages(start: Callable[..., Chat], mortal_chat: Chat) -> None:
    chat, strict = mortal_chat, start("--servers", "1")
    tokens = {"ada": chat.token("ada"), "bob": chat.token("bob"), "expired": chat.token("ada", -1)}
    given = {"tokens": tokens, "room": "kitchen", "strict": strict.description}
    browse("pages.mjs", {**chat.description, **given})


def test_people(start: Callable[..., Chat]) -> None:
    options = "--guests", "1", "--deflate", "1", "--heartbeat", "1", "--present-seconds", "3600"
    chat = start("--servers", "2", *options, *UNLIMITED)
    strict, other = start("--servers", "1"), start("--servers", "1", "--codec", "default")
    tokens = {"ada": chat.token("ada"), "expired": chat.token("ada", -1)}
    pages = {"page": chat.page, "strict": strict.page, "other": other.page}
    browse("people.mjs", {**pages, "tokens": tokens, "pictures": os.environ.get("CHAT_PICTURES")})


def test_each_close_code_has_words() -> None:
    words = (PAGE / "words.js").read_text("utf-8")
    (final,) = re.findall(r"FINAL = new Set\(\[([\d, ]+)\]\)", words)
    assert {int(code) for code in final.split(",")} == FINAL
    told = {int(code) for code in re.findall(r"^  (\d{4}): \"\w.+\.\",$", words, re.MULTILINE)}
    assert set(Code) <= told


def test_the_page_loads_nothing_from_elsewhere() -> None:
    """And has no script and no style within itself: its policy would not let them run."""
    files = {path.name: path.read_text("utf-8") for path in PAGE.iterdir()}
    html = files["index.html"]
    assert not re.search(r"\son\w+=|\sstyle=|<style|javascript:|//", html)
    for script in re.findall(r"<script[^>]*>", html):
        assert re.fullmatch(r'<script type="module" src="\w+\.js">', script)
    for name in re.findall(r'(?:src|href)="([^"]+)"', html):
        assert name in files
    for name, text in files.items():
        imported = re.findall(r'from "(.+)"', text)
        assert all((PAGE / path).is_file() for path in imported)
        assert name == "favicon.svg" or not re.search(r"https?://\w", text)
        assert text.count("\n") <= 300
