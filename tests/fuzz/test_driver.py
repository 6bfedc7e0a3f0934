"""What `python -m tests.fuzz` does with what libFuzzer says."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.fuzz import __main__ as driver
from tests.fuzz import corpora

INNER_HALF = """
import sys
control = next(argument for argument in sys.argv if "control" in argument).partition("=")[2]
assert "-merge_inner=1" in sys.argv
count, _, *names = open(control).read().split()
assert int(count) == len(names)
with open(control, "a") as file:
    for number, name in enumerate(names):
        features = set(open(name, "rb").read())
        print("STARTED", number, 1, file=file)
        print("FT", number, *sorted(features), file=file)
        print("COV", number, file=file)
"""


def test_a_corpus_keeps_the_smallest_that_reach_all(tmp_path: Path) -> None:
    inputs = [tmp_path / name for name in "abcde"]
    for path, data in zip(inputs, [b"xyz", b"x", b"y", b"xy", b"zz"], strict=True):
        path.write_bytes(data)
    fuzzer = driver.Fuzzer([sys.executable, "-c", INNER_HALF], dict(os.environ), tmp_path, 10)
    assert sorted(driver.minimised(fuzzer, tmp_path / "control", inputs)) == [b"x", b"y", b"zz"]


def test_a_corpus_is_the_same_file_for_the_same_inputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpora, "FOLDER", tmp_path / "corpus")
    assert corpora.kept("target") == []
    corpora.keep("target", [b"two", b"one", b"two"])
    first = (tmp_path / "corpus/target.zip").read_bytes()
    corpora.keep("target", [b"one", b"two"])
    assert (tmp_path / "corpus/target.zip").read_bytes() == first
    assert sorted(corpora.kept("target")) == [b"one", b"two"]
    written = corpora.write("target", tmp_path / "written", [b"three"])
    assert sorted(path.read_bytes() for path in written.iterdir()) == [b"one", b"three", b"two"]


def test_what_is_found_can_be_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpora, "FOLDER", tmp_path / "corpus")
    (tmp_path / "crash").write_bytes(b"found")
    monkeypatch.setattr(sys, "argv", ["fuzz", "--add", str(tmp_path / "crash"), "decoder"])
    assert driver.main() == 0
    assert corpora.kept("decoder") == [b"found"]


def test_a_target_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["fuzz", "decodre"])
    with pytest.raises(SystemExit):
        driver.main()


def test_the_summary() -> None:
    output = (
        "#8 NEW cov: 12 ft: 34 corp\n#9 DONE cov: 1234 ft: 5678 corp: 9\n"
        "stat::number_of_executed_units: 1234567\nstat::average_exec_per_sec:     4321\n"
    )
    assert driver.summary(output) == "1,234,567 inputs, 4,321 a second, 1234 edges, 5678 features"


@pytest.mark.parametrize("target", ["negotiation", "handshake"])
def test_a_dictionary(target: str, tmp_path: Path) -> None:
    pytest.importorskip("uvicorn")
    path = driver.words(target, tmp_path)
    assert path is not None
    lines = path.read_text().splitlines()
    assert len(lines) > 5
    assert all(line.startswith('"\\x') and line.endswith('"') for line in lines)


def test_every_target_is_in_the_nightly_workflow() -> None:
    workflow = Path(driver.ROOT / ".github/workflows/fuzz.yml")
    if not workflow.exists():
        pytest.skip("the sources are not here: a wheel is tested")
    text = workflow.read_text()
    assert [target for target in driver.TARGETS if f"- {target}\n" not in text] == []
