"""The page, in a headless Chromium, through nginx and TLS. CHAT_PICTURES=FOLDER keeps pictures of
it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("examples.chat.server", reason="the extra chat is not installed")

from tests.chat.conftest import Chat
from tests.servers.test_clients import needs_node


def test_pages(start: Callable[..., Chat], mortal_chat: Chat) -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("Chromium is not installed")
    needs_node("playwright-core")
    chat, strict = mortal_chat, start("--servers", "1")
    given = {
        **chat.description,
        "tokens": {
            "ada": chat.token("ada"),
            "bob": chat.token("bob"),
            "expired": chat.token("ada", -1),
        },
        "room": "kitchen",
        "strict": strict.description,
        "pictures": os.environ.get("CHAT_PICTURES"),
    }
    result = subprocess.run(
        ["node", str(Path(__file__).parent / "pages.mjs"), chromium],
        input=json.dumps(given), capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert result.stdout.strip() == "passed", result.stdout + result.stderr
