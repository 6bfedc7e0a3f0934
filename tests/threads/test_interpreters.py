"""Interpreters with a GIL each, where CPython has them: 3.12 and newer."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from fastframe._codec.kernels import MODULE_STATE
from tests.helpers import ROOT, gil_enabled

pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 12), reason="interpreters share the GIL before CPython 3.12"
)
needs_module_state = pytest.mark.skipif(
    not MODULE_STATE, reason="fastframe is built without module state"
)


LEAVE = "import sys; sys.stdout.flush(); from tests.threads.interpreters import leave; leave()"


def in_a_process(code: str) -> str:
    """What a new process prints: a crash must not take the tests along."""
    result = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", f"{code}\n{LEAVE}"],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout


@needs_module_state
def test_interpreters_come_and_go_and_run_at_the_same_time() -> None:
    result = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-m", "tests.threads.interpreters", "--cycles", "30",
        "--rounds", "300"],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    # Before 3.14 CPython keeps some 3 MB of each interpreter, in steps of one, and without the GIL
    # all types.
    if sys.version_info >= (3, 14) and gil_enabled():
        assert found["KiB a cycle, fastframe"] < found["KiB a cycle, standard library"] + 400, found


@needs_module_state
def test_install_in_one_does_not_touch_another() -> None:
    code = """if True:
        from tests.threads.interpreters import SETUP, run
        import fastframe, wsproto.connection as here
        original = here.FrameProtocol
        look = SETUP + "import wsproto.connection as c; assert c.FrameProtocol.__module__ == %r"
        install = SETUP + "import fastframe; fastframe.install('wsproto')\\n"
        run(install + look % "fastframe.frame_protocol")
        assert here.FrameProtocol is original
        run(look % "wsproto.frame_protocol")
        fastframe.install("wsproto")
        run(SETUP + "import fastframe\\n" + look % "wsproto.frame_protocol")
        run(install + "fastframe.uninstall('wsproto')")
        assert here.FrameProtocol.__module__ == "fastframe.frame_protocol"
        print("untouched")
    """
    assert in_a_process(code) == "untouched\n"


@needs_module_state
def test_more_interpreters_at_once_than_the_small_table_of_cython_has() -> None:
    """Past 32 it looks for its module in a list, and Cython 3.3 looks past the end of that."""
    code = """if True:
        from tests.threads.interpreters import SETUP, TRAFFIC, at_the_same_time
        import fastframe
        for _ in range(3):
            at_the_same_time(TRAFFIC.format(rounds=3), 40)
        print("right")
    """
    assert in_a_process(code) == "right\n"


@needs_module_state
def test_objects_in_garbage_outlive_their_module() -> None:
    """The collector may clear a module before the objects that are in the same garbage."""
    code = """if True:
        from tests.threads.interpreters import SETUP, run
        for number in range(5):
            run(SETUP + '''if True:
                import gc, sys, fastframe
                gc.disable()
                from fastframe import Decoder, Encoder, Role
                class Holder: pass
                holders = [Holder() for _ in range(10)]
                for holder in holders:
                    holder.others, holder.module = holders, sys.modules["fastframe._codec.decoder"]
                    holder.decoder, holder.encoder = Decoder(Role.SERVER), Encoder(Role.CLIENT)
                    holder.message = fastframe.Ping(b"?")
                for name in list(sys.modules):
                    if name.startswith("fastframe"):
                        del sys.modules[name]
                del holder, holders, Holder, Decoder, Encoder, Role, fastframe
                gc.collect()
            ''')
        print("alive")
    """
    assert in_a_process(code) == "alive\n"


@needs_module_state
@pytest.mark.parametrize("kind", ["fastframe.Decoder", "type('Own', (fastframe.Decoder,), {})"])
def test_a_cycle_that_outlives_the_modules(kind: str) -> None:
    """What a codec refers to is collected last, after the modules of an interpreter are cleared."""
    code = f"""if True:
        from tests.threads.interpreters import SETUP, run
        for _ in range(3):
            run(SETUP + '''if True:
                import codecs
                import fastframe
                class Kept: pass
                kept = Kept()
                kept.itself, kept.decoder = kept, {kind}(fastframe.Role.SERVER)
                codecs.register(lambda name, kept=kept: None)
            ''')
        print("alive")
    """
    assert in_a_process(code) == "alive\n"


@needs_module_state
@pytest.mark.parametrize("collect", ["", "gc.collect()"])
def test_an_import_that_failed_is_tried_again(collect: str) -> None:
    """The module of the first try is freed later, and must leave the second one's state alone."""
    code = f"""if True:
        from tests.threads.interpreters import SETUP, run
        run(SETUP + '''if True:
            import gc, os
            os.environ["FASTFRAME_KERNEL"] = "bogus"
            try:
                import fastframe._codec.kernels
            except ImportError:
                pass
            {collect}
            os.environ["FASTFRAME_KERNEL"] = ""
            import fastframe
            gc.collect()
            assert fastframe.Utf8Validator().feed(b"x")
            assert list(fastframe.Decoder(fastframe.Role.SERVER)) == []
        ''')
        print("right")
    """
    assert in_a_process(code) == "right\n"


@pytest.mark.skipif(MODULE_STATE, reason="fastframe is built with module state")
def test_without_module_state_another_interpreter_is_refused() -> None:
    code = """if True:
        import fastframe
        from tests.threads.interpreters import SETUP, run
        try:
            run(SETUP + "import fastframe")
        except RuntimeError as error:
            assert "does not support loading in subinterpreters" in str(error), error
            print("refused")
    """
    assert in_a_process(code) == "refused\n"
