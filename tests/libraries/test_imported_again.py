"""A library is taken out of sys.modules and imported anew, as test suites do: fastframe goes under
the new one, or says that it does not."""

from __future__ import annotations

import pytest

from fastframe._targets.target import PLACES, target
from tests.helpers import run_python

AGAIN = """
import importlib, sys, warnings
warnings.simplefilter("ignore")
import fastframe
from fastframe._targets.target import PLACES, target

name, active = {name!r}, {active!r}
module = PLACES[name].module
importlib.import_module(module)
fastframe.install(name)
if not active:
    fastframe.uninstall(name)
package = module.partition(".")[0]
for known in [known for known in sys.modules if known.partition(".")[0] == package]:
    del sys.modules[known]
importlib.import_module(module)
try:
    fastframe.install(name)
except fastframe.InstallError as error:
    assert "was imported again after fastframe" in str(error), error
    status = fastframe.status()[name]
    assert not status.active and "imported again" in status.reason, status
    print("refused")
else:
    for replacement in target(name).replacements():
        now = vars(replacement.found_owner())[replacement.name]
        fastframe.uninstall(name)
        assert vars(replacement.found_owner())[replacement.name] is not now, replacement
        fastframe.install(name)
    print("works")
"""

REFUSED_AT_ONCE = {"wsproto", "uvicorn"}
"""Of these fastframe keeps classes; of the others it looks up everything anew."""


@pytest.mark.parametrize("active", [False, True])
@pytest.mark.parametrize("name", PLACES)
def test_imported_again(name: str, active: bool) -> None:
    try:
        target(name).check()
    except ImportError as error:
        pytest.skip(str(error))
    result = run_python("-c", AGAIN.format(name=name, active=active))
    assert result.stdout == ("refused\n" if active or name in REFUSED_AT_ONCE else "works\n"), (
        result.stderr
    )


def test_wsproto_imported_again_under_uvicorn() -> None:
    """It does the handshake of fastframe's class."""
    pytest.importorskip("uvicorn")
    result = run_python(
        "-c",
        AGAIN.format(name="uvicorn", active=True)
        .replace('module.partition(".")[0]:', '"wsproto":')
        .replace("importlib.import_module(module)\ntry", "import wsproto.events\ntry"),
    )
    assert result.stdout == "refused\n", result.stderr
