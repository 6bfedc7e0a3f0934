"""The build: Cython's C is mended, or the build goes on without module state."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import ROOT

if not (ROOT / "mend_cython.py").exists():
    pytest.skip("the sources are not here: a wheel is tested", allow_module_level=True)
pytest.importorskip("Cython")
pytest.importorskip("setuptools")

PROGRAM = """
import sys
sys.path.insert(0, {root!r})
import Cython, mend_cython
from setuptools import Extension
{change}
made = mend_cython.cythonized(
    lambda: [Extension("module", ["module.pyx"])], {{"language_level": 3}}, "build/cython"
)
source = open(made[0].sources[0]).read()
print(made[0].sources[0], mend_cython.MENDED in source, [name for name, _ in made[0].define_macros])
"""

WITH = "build/cython/module.c True ['CYTHON_USE_MODULE_STATE', 'CYTHON_USE_TYPE_SPECS']\n"
WITHOUT = "build/cython-plain/module.c False []\n"


def built(folder: Path, change: str = "") -> subprocess.CompletedProcess[str]:
    (folder / "module.pyx").write_text("cdef class Item:\n    pass\n")
    program = PROGRAM.format(root=str(ROOT), change=change)
    return subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True
    )


def test_cythons_c_is_mended_once(tmp_path: Path) -> None:
    for _ in range(2):
        result = built(tmp_path)
        if "which its mends are for" in result.stderr:
            pytest.skip("this Cython is another one")
        assert result.stdout.endswith(WITH)
        assert "without module state" not in result.stderr
    plain = built(tmp_path, "import os; os.environ['FASTFRAME_MODULE_STATE'] = '0'")
    assert plain.stdout.endswith(WITHOUT)
    assert built(tmp_path).stdout.endswith(WITH)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("Cython.__version__ = '3.9.1'", "Cython 3.9.1 is not 3.3, which its mends are for"),
        (
            "mend_cython.MENDS += (mend_cython.Mend("
            "'says so', (('never generated', 'mended'),)),); Cython.__version__ = '3.3.9'",
            "Cython 3.3.9 has 0 times and not once: never generated",
        ),
        (
            "import os; os.environ['FASTFRAME_MODULE_STATE'] = '0'",
            "FASTFRAME_MODULE_STATE=0 is set",
        ),
    ],
)
def test_without_mends_it_is_built_without_module_state(
    tmp_path: Path, change: str, why: str
) -> None:
    result = built(tmp_path, change)
    assert result.stdout.endswith(WITHOUT)
    warnings = [line for line in result.stderr.splitlines() if line.startswith("fastframe: ")]
    assert warnings == [f"fastframe: {why}, so it is built without module state."]
