"""Releases that were not tested: one in which nothing has changed that fastframe relies on is as
good as those that were; any other is refused by naming what has changed; and where it is asked for
all the same, a self-check decides."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import importlib.util
import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest

from fastframe._targets.relied_on import NOT_FOUND, Comparison, Source, named
from fastframe._targets.target import PLACES, target
from tests.helpers import run_python

NAMES = [name for name in PLACES if name != "uvicorn"]
REPLACED = {
    "wsproto": "connection:Connection.receive_data",
    "websocket-client": "_abnf:ABNF.mask",
    "gunicorn": "asgi.websocket:WebSocketProtocol._unmask",
    "geventwebsocket": "websocket:Header.mask_payload",
    "websockets": "protocol:Protocol.receive_data",
    "autobahn": "websocket.xormasker:create_xor_masker",
    "tornado": "websocket:WebSocketProtocol13.write_message",
}
"""Of each library something that fastframe replaces."""
BEHAVIOUR = {"websockets": "frames:Frame.serialize", "wsproto": "frame_protocol:FrameProtocol.ping"}
"""Where that is also called by what replaces it, another place."""
if "autobahn" in NAMES and importlib.util.find_spec("autobahn") is not None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from autobahn.websocket import protocol
    REPLACED["autobahn"] = (
        f"{protocol.create_xor_masker.__module__.removeprefix('autobahn.')}:create_xor_masker"
    )


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.programs) for name in NAMES])
def name(request: pytest.FixtureRequest) -> Any:
    found: Any = target(request.param)
    try:
        found.check()
    except ImportError as error:
        pytest.skip(str(error))
    return request.param


class Copy:
    """The installed library in another folder, as a release of version 99.1."""

    def __init__(self, name: str, folder: Path) -> None:
        distribution = importlib.metadata.distribution(target(name).distribution)
        self.name, self.folder = name, folder
        self.package = PLACES[name].module.partition(".")[0]
        roots = {Path(str(file)).parts[0] for file in distribution.files or ()} - {".."}
        for root in roots:
            found = Path(str(distribution.locate_file(root)))
            if found.is_dir() and root != "__pycache__" and not root.endswith((".libs",)):
                shutil.copytree(found, folder / root, ignore=shutil.ignore_patterns("__pycache__"))
        (metadata,) = folder.glob("*.dist-info/METADATA")
        metadata.write_text(
            metadata.read_text(encoding="utf-8").replace(
                f"\nVersion: {distribution.version}\n", "\nVersion: 99.1\n"
            ),
            encoding="utf-8",
        )
        start = folder / self.package / "__init__.py"
        start.write_text(
            start.read_text(encoding="utf-8").replace(
                f'__version__ = "{distribution.version}"', '__version__ = "99.1"'
            ),
            encoding="utf-8",
        )

    def insert(self, item: str, statement: str) -> None:
        """At the start of the body of a function or class."""
        module, _, path = item.partition(":")
        file = self.folder / self.package / (module.replace(".", "/") + ".py")
        text = file.read_text(encoding="utf-8")
        lines = text.splitlines(keepends=True)
        nodes: list[Any] = [
            node
            for node in named(ast.parse(text), path.split("."))
            if not isinstance(node, ast.Assign)
        ]
        for node in reversed(nodes):
            first = (
                node.body[1]
                if ast.get_docstring(node) is not None and node.body[1:]
                else node.body[0]
            )
            lines.insert(first.lineno - 1, " " * first.col_offset + statement + "\n")
        assert nodes
        file.write_text("".join(lines), encoding="utf-8")

    def installed(self, **options: Any) -> str:
        code = f"""
import logging, warnings, sys
warnings.simplefilter("ignore")
import importlib
importlib.import_module({PLACES[self.name].module!r})
import fastframe
assert sys.modules[{self.package!r}].__file__.startswith({str(self.folder)!r})
logging.basicConfig(format="%(message)s", level=logging.WARNING, stream=sys.stdout)
try:
    fastframe.install({self.name!r}, **{options!r})
except fastframe.InstallError as error:
    print("refused:", error)
    assert not fastframe.status()[{self.name!r}].active
else:
    status = fastframe.status()[{self.name!r}]
    assert status.active and status.version == "99.1" and status.connections == 0, status
    fastframe.install({self.name!r})  # once more, without asking for it: it is active already
    print("active:", status.note)
"""
        result = run_python("-c", code, PYTHONPATH=str(self.folder), **self.environment)
        assert result.returncode == 0, result.stderr
        return result.stdout

    environment: dict[str, str] = {}  # noqa: RUF012


def newest_like_it(name: str) -> str:
    """The newest tested release in which all that is relied on is as in the installed one."""
    module = importlib.import_module(f"{PLACES[name].folder}.digests")
    version = importlib.metadata.version(target(name).distribution)
    known = [
        versions
        for digests in module.DIGESTS.values()
        for versions in digests.values()
        if version in versions
    ]
    found: str = max(set.intersection(*map(set, known)), key=module.VERSIONS.index)
    return found


def test_nothing_has_changed(name: str, tmp_path: Path) -> None:
    said = Copy(name, tmp_path).installed()
    note = f"not tested; what fastframe relies on is as in {newest_like_it(name)}"
    assert said.splitlines()[-1] == f"active: {note}"
    assert f"99.1: {note}" in said, "the log says it, too"


def test_a_comment_makes_no_difference(name: str, tmp_path: Path) -> None:
    copy = Copy(name, tmp_path)
    copy.insert(REPLACED[name], "# a remark\n")
    assert "active: not tested; what fastframe relies on is as in " in copy.installed()


def test_something_has_changed(name: str, tmp_path: Path) -> None:
    copy = Copy(name, tmp_path)
    copy.insert(REPLACED[name], "something_new = 1")
    refused = copy.installed()
    item = next(item for item in target(name).relied_on if REPLACED[name].startswith(item))
    assert refused.startswith("refused: ")
    for words in (
        "99.1",
        item,
        "untested=True",
        "fastframe run --untested",
        f"FASTFRAME_UNTESTED={name}",
        "newer fastframe",
    ):
        assert words in refused
    for item in target(name).relied_on:
        assert (item in refused) is REPLACED[name].startswith(item)

    asked_for = copy.installed(untested=True)
    assert (
        f"its self-check found no difference: "
        f"{next(item for item in target(name).relied_on if REPLACED[name].startswith(item))}"
        in asked_for
    )
    copy.environment = {"FASTFRAME_UNTESTED": f"uvicorn, {name}"}
    assert copy.installed() == asked_for
    copy.environment = {"FASTFRAME_UNTESTED": "uvicorn"}
    assert copy.installed() == refused


def test_its_behaviour_has_changed(name: str, tmp_path: Path) -> None:
    copy = Copy(name, tmp_path)
    copy.insert(BEHAVIOUR.get(name, REPLACED[name]), "raise RuntimeError('another behaviour')")
    said = copy.installed(untested=True)
    assert "the self-check found " in said
    assert "another behaviour" in said, "and the first difference"


def test_something_is_not_there(name: str, tmp_path: Path) -> None:
    copy = Copy(name, tmp_path)
    item = (
        "websocket.protocol:WebSocketProtocol.onFrameBegin"
        if name == "autobahn"
        else REPLACED[name]
    )
    module, _, path = item.partition(":")
    file = tmp_path / copy.package / (module.replace(".", "/") + ".py")
    last = path.rpartition(".")[2]
    text = file.read_text(encoding="utf-8").replace(f"def {last}(", f"def {last}_renamed(")
    file.write_text(text.replace(f"= {last}\n", f"= {last}_renamed\n"), encoding="utf-8")
    assert f"refused: {target(name).distribution} 99.1" in copy.installed()


def test_run_hands_it_on(tmp_path: Path) -> None:
    pytest.importorskip("wsproto")
    copy = Copy("wsproto", tmp_path)
    copy.insert(REPLACED["wsproto"], "something_new = 1")
    program = ["-c", "import wsproto, fastframe; print(fastframe.status()['wsproto'].active)"]
    for options, active in (((), "False"), (("--untested",), "True")):
        result = run_python(
            "-m",
            "fastframe",
            "run",
            *options,
            "--target",
            "wsproto",
            "python",
            *program,
            PYTHONPATH=str(tmp_path),
        )
        assert result.stdout.strip() == active, result.stderr


# ---- the digests ---------------------------------------------------------------------------------


def test_what_counts_as_a_change(tmp_path: Path) -> None:
    def digest(text: str) -> str:
        (tmp_path / "module.py").write_text(text, encoding="utf-8")
        return Source("package", tmp_path).digest("module:Class.method")

    plain = "class Class:\n    def method(self):\n        return 1\n"
    same = (
        'class Class:\n    """Words."""\n    def method(self):  # a remark\n        '
        '"""More."""\n\n        # why\n        return 1  \n    other = 2\n',
        "import x\nif x:\n    class Class:\n        def method(self):\n            return 1\n",
        'class Class:\n    def method(self):\n        "only a docstring before"\n        return '
        "1\n",
    )
    assert {digest(text) for text in same} == {digest(plain)}
    others = (
        plain.replace("1", "2"), plain.replace("self", "this"), plain.replace("def", "async def"),
        plain.replace("    def", "    @cached\n    def"),
        plain + "    def method(self):\n        return 3\n",
        'class Class:\n    def method(self):\n        return "# no remark"\n',
    )  # fmt: skip
    assert len({digest(text) for text in (plain, *others)}) == 1 + len(others)
    assert digest('class Class:\n    def method(self):\n        """Nothing else."""\n') not in (
        NOT_FOUND,
        digest(plain),
    )
    assert digest("class Other: pass\n") == NOT_FOUND
    assert Source("package", tmp_path).digest("missing:name") == NOT_FOUND
    assert Source("no_such_package").digest("missing:name") == NOT_FOUND


def test_a_release_between_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is like the one that it has most of, and of several the newest."""
    monkeypatch.setattr(
        "fastframe._targets.relied_on.digests_of", lambda *arguments: {"a": "1", "b": "1", "c": "2"}
    )
    digests = {
        "a": {"1": ("1.0", "1.1", "1.2")},
        "b": {"1": ("1.0", "1.1")},
        "c": {"2": ("1.2",), "1": ("1.0", "1.1")},
    }
    comparison = Comparison("wsproto", digests, ("1.0", "1.1", "1.2"))
    assert (comparison.changed, comparison.like) == ((), "1.2")


@pytest.mark.parametrize("name", NAMES)
def test_the_tables_are_complete(name: str) -> None:
    found = target(name)
    module = __import__(f"{PLACES[name].folder}.digests", fromlist=["DIGESTS"])
    assert tuple(module.DIGESTS) == found.relied_on
    for item, known in module.DIGESTS.items():
        assert sorted(version for versions in known.values() for version in versions) == sorted(
            found.supported_versions
        ), item
