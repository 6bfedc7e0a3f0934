"""The sdist in dist/, as a distribution builds it: python -m tests.release.sdist FOLDER

Gets what the build and the README's first command need, and then installs the sdist into a new
virtual environment in FOLDER, without an index, without git, and where the system allows it without
a network. Runs the README's first command there, and compiles the modules of examples/extension on
it. Exit code 0: all of it worked.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from tests.release.dry_run import DIST, PROGRAM, ROOT
from tests.release.index import clean_environment, download, new_environment

SECONDS = 900
"""For each command, at most: the longest builds 24 modules, a minute on a quiet machine."""

CONSUMERS = """
import counter, consumer, fastframe
wire = fastframe.Encoder(fastframe.Role.CLIENT).text("abc")
assert counter.count(wire) == (1, 3)
assert consumer.characters(fastframe.Decoder(fastframe.Role.SERVER), wire) == (1, 3)
print("examples/extension: right")
"""


def build_requirements() -> list[str]:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (line,) = re.findall(r"^requires = \[(.*)\]$", text, re.MULTILINE)
    return re.findall(r'"([^"]+)"', line)


def programs_without_git(folder: Path) -> Path:
    """Links to all programs of PATH but git: a build must not ask it for a version, or for the
    names of files."""
    folder.mkdir()
    for place in os.environ["PATH"].split(os.pathsep):
        for path in Path(place).glob("*") if Path(place).is_dir() else ():
            if not path.name.startswith("git") and not (folder / path.name).is_symlink():
                (folder / path.name).symlink_to(path)
    return folder


def no_network() -> list[str]:
    """What to put before a command so that it has none; nothing if the system does not allow it."""
    for command in (["unshare", "--net"], ["unshare", "--user", "--map-root-user", "--net"]):
        if (
            shutil.which("unshare")
            and subprocess.run([*command, "true"], check=False).returncode == 0
        ):
            return command
    return []


def main(folder: Path) -> int:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    folder = folder.resolve()
    (sdist,) = DIST.glob("*.tar.gz")
    links = folder / "links"
    download(links, *build_requirements(), "wsproto>=1.1,<1.4", "rich>=13")
    shutil.copy(sdist, links)
    programs = new_environment(folder / "environment")
    path = f"{programs}:{programs_without_git(folder / 'programs')}"
    environment = clean_environment(PATH=path, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(links))
    alone = no_network()
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "source", filter="data")
    (extension,) = (folder / "source").glob("*/examples/extension")

    def run(command: str, where: Path) -> None:
        print(f"$ {command}", flush=True)
        subprocess.run(
            [*alone, "/bin/sh", "-ec", command], cwd=where, env=environment, check=True,
            timeout=SECONDS,
        )  # fmt: skip

    run("! command -v git && pip install -q 'fastframe[cli]' && fastframe verify", folder)
    run(f'fastframe doctor && fastframe run python -c "{PROGRAM}" | grep True', folder)
    run("pip install -q setuptools Cython && python setup.py -q build_ext --inplace", extension)
    run(f"python -c '{CONSUMERS}'", extension)
    print(f"{sdist.name}: built and tried {'without' if alone else 'with'} a network")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
