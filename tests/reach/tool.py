"""A program of this machine; or where it is missing, of a Debian sid in a folder."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.reach.debian import Debian, install, root_of


class Tool(NamedTuple):
    root: Path | None
    """Of the Debian that has it, if it is not on the path."""

    def new_folder(self) -> Path:
        """One that the program can read and write."""
        return Path(tempfile.mkdtemp(dir=self.root and self.root / "tmp"))

    def inside(self, folder: Path) -> Path:
        """The folder, as the program sees it."""
        return folder if self.root is None else Path("/", folder.relative_to(self.root))

    def command(self, *arguments: str) -> list[str]:
        return [*(() if self.root is None else ("chroot", str(self.root))), *arguments]


def get_tool(program: str, packages: str) -> Tool:
    """UnavailableError if it is not to be had."""
    if shutil.which(program):
        return Tool(None)
    root = root_of(Debian("sid", "amd64"))
    install(root, f"usr/bin/{program}", f"--no-install-recommends {packages}")
    return Tool(root)
