"""The source of a CPython, from Debian."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.reach.commands import CACHE, UnavailableError, get

MIRROR = "http://deb.debian.org/debian"


def debian_source(package: str) -> Path:
    """The folder of the package's source, from the newest suite that has it."""
    folder = CACHE / "source"
    apt = folder / "apt"
    archives = sorted(folder.glob(f"{package}_*.orig.tar.xz"))
    if not archives:
        for name in ("lists/partial", "cache/archives/partial"):
            (apt / name).mkdir(parents=True, exist_ok=True)
        suites = ("forky", "trixie")
        keys = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
        (apt / "sources.list").write_text(
            "".join(f"deb-src {keys} {MIRROR} {suite} main\n" for suite in suites)
        )
        (apt / "apt.conf").write_text(
            f'Dir::Etc::sourcelist "{apt}/sources.list";\nDir::Etc::sourceparts "-";\n'
            f'Dir::State::lists "{apt}/lists";\nDir::Cache "{apt}/cache";\n'
        )
        if not shutil.which("apt-get"):
            raise UnavailableError("apt-get is not here")
        if not Path("/usr/share/keyrings/debian-archive-keyring.gpg").exists():
            get("apt-get install -y -qq debian-archive-keyring")
        get(
            f"export APT_CONFIG={apt}/apt.conf; apt-get update -qq; for suite in "
            f"{' '.join(suites)}; do "
            f"apt-get source --download-only -y -qq {package}/$suite && exit; done; exit 1",
            cwd=folder,
        )
        archives = sorted(folder.glob(f"{package}_*.orig.tar.xz"))
    return archives[-1]
