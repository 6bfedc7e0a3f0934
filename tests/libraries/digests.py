"""Writes digests.py of a target: what it relies on, in each version that was tested. To be read
before it is committed.

usage: python -m tests.libraries.digests [--add VERSION ...] [TARGET ...]

--add VERSION: also this version, an older one too, of the one target that is named, once its tests
and its library's own suite have passed on it; as often as there are versions. It needs a package
index.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from fastframe._targets.relied_on import NOT_FOUND, Source
from fastframe._targets.target import PLACES, target
from tests.helpers import ROOT

HEADER = '''"""Digests of what fastframe relies on in {distribution}, by item and by tested version.

Made by: python -m tests.libraries.digests {name}
"""

from __future__ import annotations

VERSIONS = {versions}

DIGESTS: dict[str, dict[str, tuple[str, ...]]] = {{
'''


def in_order(version: str) -> tuple[int, ...]:
    """Oldest first."""
    return tuple(map(int, version.split(".")))


def downloaded(distribution: str, version: str, folder: Path) -> Path:
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "-q",
            "--no-deps",
            "--target",
            str(folder),
            f"{distribution}=={version}",
        ],
        check=True,
    )
    return folder


def table(
    items: Iterable[str], package: str, folders: dict[str, Path]
) -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = {item: {} for item in items}
    for version, folder in folders.items():
        source = Source(package, folder / package)
        for item, digests in found.items():
            digests.setdefault(source.digest(item), []).append(version)
    for item, digests in found.items():
        assert set(digests) != {NOT_FOUND}, f"no {package} has {item}"
    return found


def written(name: str, versions: tuple[str, ...]) -> str:
    found = target(name)
    package = PLACES[name].module.partition(".")[0]
    with tempfile.TemporaryDirectory() as root:
        folders = {
            version: downloaded(found.distribution, version, Path(root, version))
            for version in versions
        }
        digests = table(found.relied_on, package, folders)
    text = HEADER.format(name=name, distribution=found.distribution, versions=versions)
    for item, known in digests.items():
        text += f'    "{item}": {{\n'
        text += "".join(
            f'        "{digest}": {tuple(having)},\n' for digest, having in known.items()
        )
        text += "    },\n"
    return text + "}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--add", action="append", default=[], metavar="VERSION")
    parser.add_argument(
        "targets", nargs="*", default=[name for name in PLACES if name != "uvicorn"]
    )
    options = parser.parse_args()
    for name in options.targets:
        versions = tuple(sorted({*target(name).supported_versions, *options.add}, key=in_order))
        path = ROOT / PLACES[name].folder.replace(".", "/") / "digests.py"
        path.write_text(written(name, versions), encoding="utf-8")
        subprocess.run([sys.executable, "-m", "ruff", "format", "-q", str(path)], check=True)
        print(f"{path.relative_to(ROOT)}: {len(versions)} versions")


if __name__ == "__main__":
    main()
