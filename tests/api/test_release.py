"""What a release needs: each thing that is missing is named once, with what to do; and what follows
from the repository's address."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import fastframe
from fastframe._cli import doctor, main, runner
from fastframe._cpython import tricks
from tests.helpers import ROOT

if not (ROOT / "Makefile").exists():
    pytest.skip("the sources are not here: a wheel is tested", allow_module_level=True)

import repository
from tests.reach.debian import SLOW_UNDER_EMULATION
from tests.release import check, dry_run, sdist, wheels

ADDRESS = "https://github.com/someone/fastframe"
README = """\
# fastframe

```sh
pip install 'fastframe[cli]' && fastframe verify
```

[all](docs/page.md) of [it](https://example.org/), [below](#fastframe)

*Measured on 2026-03-01: a processor, CPython 3.13.0. fastframe 1.2.3, wsproto 1.3.2.*
"""
CHANGELOG = "# Changelog\n\n## 1.2.3 (2026-03-30)\n\n- All.\n\n## 1.2.2 (2026-01-01)\n"


def git(folder: Path, *arguments: str) -> None:
    name = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(
        ["git", *name, *arguments], cwd=folder, check=True, capture_output=True, timeout=60
    )


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "all")


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    """A tree that can be released."""
    if shutil.which("git") is None:
        pytest.skip("git is not here")
    (tmp_path / "fastframe").mkdir()
    (tmp_path / "docs").mkdir()
    text = (ROOT / "repository.py").read_text(encoding="utf-8")
    text = re.sub(r'^REPOSITORY = ".*"', f'REPOSITORY = "{ADDRESS}"', text, flags=re.MULTILINE)
    (tmp_path / "repository.py").write_text(text, encoding="utf-8")
    (tmp_path / "fastframe/_version.py").write_text('__version__ = "1.2.3"\n')
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    (tmp_path / "README.md").write_text(README)
    (tmp_path / "docs/page.md").write_text("pip install -e '.[test]' is for who works on it.\n")
    (tmp_path / "CITATION.cff").write_text(check.loaded(tmp_path).citation(tmp_path))
    git(tmp_path, "init", "-q")
    commit(tmp_path)
    return tmp_path


def test_a_tree_that_is_ready(ready: Path) -> None:
    assert check.problems(ready) == []
    assert check.problems(ready, "v1.2.3", ADDRESS) == []


def replaced(path: str, before: str, after: str) -> Callable[[Path], None]:
    """Commits the change, so that only this is wrong."""

    def change(root: Path) -> None:
        text = (root / path).read_text(encoding="utf-8")
        assert before in text
        (root / path).write_text(text.replace(before, after), encoding="utf-8")
        commit(root)

    return change


def without_address(root: Path) -> None:
    replaced("repository.py", f'REPOSITORY = "{ADDRESS}"', 'REPOSITORY = ""')(root)
    (root / "CITATION.cff").write_text(check.loaded(root).citation(root))
    commit(root)


def without_a_date(root: Path) -> None:
    replaced("CHANGELOG.md", "2026-03-30", "not released yet")(root)
    (root / "CITATION.cff").write_text(check.loaded(root).citation(root))
    commit(root)


WRONG: dict[str, tuple[Callable[[Path], None], str]] = {
    "no address": (without_address, "repository.py: REPOSITORY is empty: write the address"),
    "an old version": (
        replaced("CHANGELOG.md", "## 1.2.3", "## 1.2.4"),
        "CHANGELOG.md: the section at the top is 1.2.4, and fastframe/_version.py says 1.2.3",
    ),
    "no date": (
        without_a_date,
        "CHANGELOG.md: write the date of the release in place of (not released yet)",
    ),
    "not committed": (
        lambda root: (root / "new").touch(),
        "not committed: new, and 0 more: commit or remove them",
    ),
    "a tag that exists": (
        lambda root: git(root, "tag", "v1.2.3"),
        "the tag v1.2.3 exists: choose the next version",
    ),
    "a command for a clone": (
        replaced("docs/page.md", "pip", "pip install '.[plot]', pip"),
        "docs/page.md:1: write 'fastframe[plot]' in place of '.[plot]'",
    ),
    "not yet": (
        replaced("README.md", "# fastframe\n", "# fastframe\n\nIt is not on PyPI yet.\n"),
        "README.md:3: remove 'not on PyPI'",
    ),
    "no command": (
        replaced("README.md", "pip install 'fastframe[cli]' && ", ""),
        "README.md: write how to install it: pip install fastframe",
    ),
    "an old citation": (
        replaced("CITATION.cff", "1.2.3", "1.2.2"),
        "CITATION.cff: version, date or address is old: run python repository.py --cite",
    ),
    "no citation": (lambda root: git(root, "rm", "-q", "CITATION.cff"), "CITATION.cff: "),
    "old figures": (
        replaced("README.md", "2026-03-01", "2025-12-29"),
        "README.md:9: the table was measured on 2025-12-29, more than 90 days before",
    ),
    "another address": (
        replaced("docs/page.md", "pip", "https://github.com/other/fastframe, pip"),
        "docs/page.md: names the repository other/fastframe: write someone/fastframe",
    ),
    "no address in a command": (
        replaced("docs/page.md", "pip", "git clone <this repository>, pip"),
        f"docs/page.md:1: write {ADDRESS} in place of <this repository>",
    ),
    "an address with a slash": (
        replaced("repository.py", f'"{ADDRESS}"', f'"{ADDRESS}/"'),
        "repository.py: write 'https://github.com/someone/fastframe/' as https://github.com/OWNER",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_each_thing_that_is_missing_is_named(ready: Path, what: str) -> None:
    change, expected = WRONG[what]
    change(ready)
    found = check.problems(ready)
    if what == "no citation":
        commit(ready)
        found = check.problems(ready)
    if what == "an address with a slash":  # then CITATION.cff is another one, too
        found = found[:1]
    assert len(found) == 1, found
    assert found[0].startswith(expected)


def test_a_tag_that_names_another_version(ready: Path) -> None:
    assert check.problems(ready, "v1.2.4") == [
        "the tag v1.2.4 is not v1.2.3: delete it, and tag the commit of v1.2.3"
    ]


def test_another_repository_than_the_workflow_s(ready: Path) -> None:
    other = "https://github.com/other/fastframe"
    assert check.problems(ready, expected=other) == [
        f"repository.py: REPOSITORY is {ADDRESS}, and this is {other}: write that"
    ]


def test_the_package_s_readme_has_no_relative_links(tmp_path: Path) -> None:
    text = (
        "[a](docs/a.md#b) [![badge](../../actions/workflows/tests.yml/badge.svg)]"
        '(../../actions) <img src="docs/a.svg"> [c](https://c.d) [e](#f)\n'
        "```python\nx[1](here)\n```\n"
    )
    (tmp_path / "README.md").write_text(text)
    (tmp_path / "fastframe").mkdir()
    (tmp_path / "fastframe/_version.py").write_text('__version__ = "1.2.3"\n')
    assert repository.readme(tmp_path, "") == text
    assert repository.readme(tmp_path, ADDRESS) == (
        f"[a]({ADDRESS}/blob/v1.2.3/docs/a.md#b) "
        f"[![badge]({ADDRESS}/actions/workflows/tests.yml/badge.svg)]({ADDRESS}/actions) "
        f'<img src="{ADDRESS}/raw/v1.2.3/docs/a.svg"> [c](https://c.d) [e](#f)\n'
        "```python\nx[1](here)\n```\n"
    )


def test_the_package_s_links() -> None:
    assert repository.project_urls("") == {}
    found = repository.project_urls(ADDRESS)
    assert found["Source"] == ADDRESS
    assert found["Changelog"] == f"{ADDRESS}/blob/main/CHANGELOG.md"


def test_this_tree_is_of_one_version() -> None:
    assert repository.newest_section()[0] == repository.version() == fastframe.__version__
    assert (ROOT / "CITATION.cff").read_text(encoding="utf-8") == repository.citation()


def test_the_changelog_can_be_read() -> None:
    bullets = re.split(r"\n(?=- |\n)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    for bullet in bullets:
        lines = bullet.strip("\n").splitlines()
        assert len(lines) <= 3, bullet
        assert all(len(line) <= 120 for line in lines), bullet


def test_the_tables_of_this_tree_say_when_they_were_measured() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is not a clone")
    assert len(list(check.places(ROOT, check.FOOTER))) >= 5


def test_the_readme_s_first_commands() -> None:
    commands = dry_run.first_commands((ROOT / "README.md").read_text(encoding="utf-8"))
    assert commands == "pip install 'fastframe[cli]' && fastframe verify\n"
    with pytest.raises(SystemExit, match="do not install fastframe"):
        dry_run.first_commands("```sh\nmake\n```\n")


def test_what_a_build_needs_is_read() -> None:
    assert [re.match(r"\w+", name)[0] for name in sdist.build_requirements()] == [  # type: ignore[index]
        "setuptools",
        "Cython",
    ]


def workflow() -> str:
    path = ROOT / ".github/workflows/release.yml"
    if not path.exists():
        pytest.skip("the workflows are not in the sdist")
    return path.read_text(encoding="utf-8")


def test_the_workflow_builds_every_wheel() -> None:
    """Each machine, with each C library; and each Python for the machine that is emulated."""
    jobs = re.findall(r"archs: (\w+)(?:, skip: \"\*-(\w+)\*\")?", workflow())
    built = {
        f"{library}_{machine}"
        for machine, skipped in jobs
        for system, machines in wheels.MACHINES.items()
        if machine in machines and (skipped != "") == (system == "linux")
        for library in wheels.LIBRARIES[system]
        if library != skipped
    }
    emulated = re.findall(r"python: \[(.*)\]", workflow())
    assert emulated == [", ".join(wheels.INTERPRETERS)]
    assert "CIBW_ARCHS: s390x" in workflow()
    built |= {"manylinux_s390x", "musllinux_s390x"}
    expected = {
        f"{library}_{machine}"
        for system, machines in wheels.MACHINES.items()
        for library in wheels.LIBRARIES[system]
        for machine in machines
    }
    assert built == expected


def test_the_page_on_versions_is_about_this_code() -> None:
    page = (ROOT / "docs/reference/versioning.md").read_text(encoding="utf-8")
    header = (ROOT / "fastframe/include/fastframe_api.h").read_text(encoding="utf-8")
    assert f"newer than {'.'.join(map(str, tricks.READ_UP_TO))}," in page
    assert set(re.findall(r"`(FASTFRAME_\w+)`", page)) == set(doctor.SWITCHES)
    abi = re.findall(r"#define FF_ABI (\d+)", header)
    assert re.findall(r"`FF_ABI` \((\d+)\)", page) == abi
    for number in (main.OK, main.DIFFERENT, main.TROUBLE, runner.CANNOT_EXECUTE, main.NOT_FOUND):
        assert f" {number} " in page
    for logger in ("fastframe.frames", "fastframe.violations"):
        assert f"`{logger}`" in page


def test_names_of_wheels() -> None:
    name = "fastframe-1.0-cp314-cp314t-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"
    assert wheels.identifier(name) == "cp314t-manylinux_x86_64"
    assert wheels.identifier("fastframe-1.0-cp310-cp310-win_amd64.whl") == "cp310-win_amd64"
    assert wheels.identifier("fastframe-1.0-cp315-cp315-macosx_11_0_arm64.whl") in wheels.EXPECTED
    assert len(wheels.EXPECTED) == 96
    assert wheels.differences(wheels.EXPECTED - {"cp313-win_amd64"} | {"pp311-win32"}) == [
        "missing: cp313-win_amd64",
        "not expected: pp311-win32",
    ]


def test_each_python_that_is_built_for_has_a_classifier() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for python in wheels.INTERPRETERS:
        version = python.removeprefix("cp3").removesuffix("t")
        assert f'"Programming Language :: Python :: 3.{version}"' in text
    assert SLOW_UNDER_EMULATION in text, "the tests of what is emulated are the same everywhere"
