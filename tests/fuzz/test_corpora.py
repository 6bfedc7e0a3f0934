"""Every input that fuzzing has kept, and what it starts from: what was found once stays found."""

from __future__ import annotations

import importlib
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.compiled_c import COMPILER, needs_a_compiler
from tests.fuzz import corpora, in_c, in_python
from tests.fuzz.mutations import Frame, frames_of, mutated
from tests.fuzz.seeds import seeds
from tests.helpers import KEY

MOST = 150
"""Inputs of a target in one run, as some take milliseconds; which ones differs from run to run
only if the corpus does."""


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize("target", in_python.TARGETS)
def test_a_target_in_python(target: str) -> None:
    try:
        module: Any = importlib.import_module(f"tests.fuzz.of_python.{target}")
    except ModuleNotFoundError as error:
        pytest.skip(str(error))
    inputs = [*corpora.kept(target), *seeds(target)]
    assert len(inputs) > 10
    for data in inputs[:: 1 + len(inputs) // MOST]:
        module.check(data)


@pytest.mark.parametrize("target", in_c.LONGEST)
class TestInC:
    pytestmark = needs_a_compiler

    def test_a_target_in_c(
        self, target: str, library: dict[str, list[Path]], tmp_path: Path
    ) -> None:
        program = in_c.replayer(target, tmp_path, COMPILER, library["sanitized"])
        folder = corpora.write(target, tmp_path / "corpus")
        files = sorted(map(str, folder.iterdir()))
        done = subprocess.run([*program, *files], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-100:] + done.stderr
        assert done.stdout.split() == files


def test_a_change_of_frames_is_one_of_frames() -> None:
    """What libFuzzer is given to learn from: most changes leave every frame whole."""
    data = bytes(3) + b"".join(Frame(0x81, KEY, b"text" * i).wire() for i in range(5))
    found = [mutated(data, 1000, seed, lambda payload, size: payload + b"x") for seed in range(300)]
    whole = [frames_of(changed[3:])[1] == b"" for changed in found]
    assert sum(whole) > 150
    assert len(set(found)) > 100
    counts = {len(frames_of(changed[3:])[0]) for changed in found}
    assert counts >= {4, 5, 6}
    assert (
        mutated(bytes(3) + b"\x81", 10, 1, lambda payload, size: b"by libFuzzer") == b"by libFuzzer"
    )
