"""The inputs that are kept, one zip a target, as OSS-Fuzz takes them too."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable
from pathlib import Path

FOLDER = Path(__file__).parent / "corpus"
DATE = (1980, 1, 1, 0, 0, 0)  # the same inputs give the same file


def kept(target: str) -> list[bytes]:
    path = FOLDER / f"{target}.zip"
    if not path.exists():
        return []
    with zipfile.ZipFile(path) as corpus:
        return [corpus.read(name) for name in sorted(corpus.namelist())]


def keep(target: str, inputs: Iterable[bytes]) -> None:
    FOLDER.mkdir(exist_ok=True)
    with zipfile.ZipFile(FOLDER / f"{target}.zip", "w", zipfile.ZIP_DEFLATED) as corpus:
        for data in sorted(set(inputs)):
            name = hashlib.sha1(data).hexdigest()[:12]
            corpus.writestr(zipfile.ZipInfo(name, DATE), data, zipfile.ZIP_DEFLATED, 9)


def write(target: str, folder: Path, more: Iterable[bytes] = ()) -> Path:
    """Each input as a file, as libFuzzer takes them."""
    folder.mkdir()
    for number, data in enumerate([*kept(target), *more]):
        (folder / f"{number:05}").write_bytes(data)
    return folder
