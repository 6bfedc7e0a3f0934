"""`fastframe run`: active in every process of a program, and else as if it had been started by itself."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("wsproto")

from fastframe import _target
from fastframe._cli import runner

pytestmark = [pytest.mark.programs, pytest.mark.skipif(os.name == "nt", reason="os.execve is another thing on Windows")]


def run(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **options.pop("env", {})}
    return subprocess.run(
        [sys.executable, "-m", "fastframe", "run", *map(str, arguments)],
        env=environment, capture_output=True, text=True, check=False, timeout=60, **options,
    )  # fmt: skip


@pytest.fixture
def script(tmp_path: Path) -> Any:
    def write(text: str, name: str = "script.py") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


SHOW = "import sys, json, wsproto, fastframe; print(json.dumps([fastframe.status()['wsproto'].active, sys.argv, sys.path]))"


def test_script(script: Any) -> None:
    path = script(SHOW)
    result = run(path, "--target", "-m", "--help", "-v", "ü ")
    assert result.stderr == ""
    active, arguments, paths = json.loads(result.stdout)
    assert active is True
    assert arguments == [str(path), "--target", "-m", "--help", "-v", "ü "]
    assert paths[0] == str(path.parent)
    assert runner.STARTUP not in paths


def test_module(script: Any) -> None:
    path = script(SHOW, "a_module.py")
    result = run("-m", "a_module", "-x", "--verbose", cwd=path.parent)
    assert json.loads(result.stdout)[:2] == [True, [str(path), "-x", "--verbose"]]


def test_program(script: Any) -> None:
    path = script(f"#!{sys.executable}\n{SHOW}", "a-program")
    path.chmod(0o755)
    result = run("-v", "a-program", "-x", env={"PATH": f"{path.parent}{os.pathsep}{os.environ['PATH']}"})
    assert json.loads(result.stdout)[:2] == [True, [str(path), "-x"]]
    assert re.match(r"fastframe: wsproto [\d.]+ runs on fastframe, kernel \w+ \(process \d+\)", result.stderr)


def test_program_that_is_not_there() -> None:
    result = run("no-such-program")
    assert (result.returncode, result.stdout) == (127, "")
    assert result.stderr == (
        "fastframe: no-such-program: not found on PATH; a module is run with -m, a script by its path\n"
    )


def test_script_that_is_not_there() -> None:
    result = run("./no_such_script.py")
    assert result.stderr == "fastframe: ./no_such_script.py: not a script (.py) or an executable file that exists\n"


def test_program_beside_this_python() -> None:
    result = run(os.path.basename(sys.executable), "-c", "print('runs')", env={"PATH": ""})
    assert result.stdout == "runs\n"


def test_two_dashes_before_the_program(script: Any) -> None:
    assert json.loads(run("--", script(SHOW), "--").stdout)[1][1:] == ["--"]


def test_options_of_the_program_before_its_name() -> None:
    result = run("--workers", "2", "hypercorn")
    assert result.returncode == 2
    assert "usage: fastframe run" in result.stderr
    assert "unrecognized arguments: --workers; put the program's own options after its name" in result.stderr
    result = run("--max-message-size", "16MB", "hypercorn")
    assert "argument --max-message-size: must be a whole number, not '16MB'" in result.stderr


def test_no_program() -> None:
    result = run()
    assert result.returncode == 2
    assert "run what?" in result.stderr


def test_exit_code_and_standard_streams(script: Any) -> None:
    result = run(script("import sys, wsproto; print(sys.stdin.read()[::-1]); sys.exit(37)"), input="abc")
    assert (result.returncode, result.stdout, result.stderr) == (37, "cba\n", "")


@pytest.mark.parametrize("handled", [True, False])
def test_signals(script: Any, handled: bool) -> None:
    handler = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))\n" if handled else ""
    path = script(f"import signal, sys, time, wsproto\n{handler}print('ready', flush=True)\ntime.sleep(50)")
    with subprocess.Popen([sys.executable, "-m", "fastframe", "run", path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == (5 if handled else -signal.SIGTERM)


@pytest.mark.parametrize("method", ["spawn", "fork", "subprocess"])
def test_workers(script: Any, method: str) -> None:
    result = run(
        script(
            f"""
import fastframe, multiprocessing, subprocess, sys

def work():
    import wsproto
    print(fastframe.status()["wsproto"].active, flush=True)

if __name__ == "__main__":
    if {method!r} == "subprocess":
        subprocess.run([sys.executable, "-c", "import script; script.work()"], check=True, cwd={"__file__"}.rpartition("/")[0])
    else:
        worker = multiprocessing.get_context({method!r}).Process(target=work)
        worker.start()
        worker.join()
"""
        )
    )
    assert result.stdout == "True\n", result.stderr
    assert "its workers, if it has any, speak for themselves" in result.stderr


def test_fork_does_not_report_twice(script: Any) -> None:
    result = run(script("import os, sys\nif os.fork() == 0:\n    sys.exit()\nos.wait()"))
    assert result.stderr.count("not active: this process used none of wsproto, uvicorn, ") == 1


def test_the_users_own_sitecustomize_runs(script: Any) -> None:
    path = script("print('mine')", "sitecustomize.py")
    result = run("-m", "wsproto.connection", env={"PYTHONPATH": str(path.parent)})
    assert result.stdout == "mine\nmine\n", "in `fastframe run`, and in the program"
    broken = script("import no_such_module", "sitecustomize.py")
    result = run("-m", "wsproto.connection", env={"PYTHONPATH": str(broken.parent)})
    assert "No module named 'no_such_module'" in result.stderr


def test_sitecustomize_that_imports_a_target_or_raises(script: Any) -> None:
    path = script("import wsproto", "sitecustomize.py")
    result = run(script(SHOW), env={"PYTHONPATH": str(path.parent)})
    assert json.loads(result.stdout)[0] is True
    script("raise ZeroDivisionError", "sitecustomize.py")
    result = run(script(SHOW), env={"PYTHONPATH": str(path.parent)})
    assert json.loads(result.stdout)[0] is True
    assert "ZeroDivisionError" in result.stderr


def test_file_that_cannot_be_executed(script: Any) -> None:
    path = script("no shebang, no machine code", "program")
    path.chmod(0o755)
    result = run(path)
    assert (result.returncode, result.stderr) == (126, f"fastframe: {path} cannot be executed: Exec format error\n")


def test_looking_for_a_target_without_importing_it(script: Any) -> None:
    result = run(
        script("import importlib.util; print(importlib.util.find_spec('wsproto').loader.get_filename('wsproto'))")
    )
    assert result.stdout.endswith("__init__.py\n")


def test_a_python_without_fastframe_says_so(script: Any, tmp_path: Path) -> None:
    (tmp_path / "fastframe").mkdir()
    (tmp_path / "fastframe" / "__init__.py").write_text("raise ImportError('not for this one')")
    environment = {**os.environ, "PYTHONPATH": f"{runner.STARTUP}{os.pathsep}{tmp_path}", "FASTFRAME_RUN": "{}"}
    result = subprocess.run(
        [sys.executable, "-c", "print('runs')"], env=environment, capture_output=True, text=True, check=True
    )
    assert result.stdout == "runs\n"
    assert result.stderr == f"fastframe: not active in {sys.executable}: not for this one\n"


def test_a_python_that_was_not_started_by_run(script: Any) -> None:
    environment = {**os.environ, "PYTHONPATH": runner.STARTUP}
    result = subprocess.run([sys.executable, script(SHOW)], env=environment, capture_output=True, text=True, check=True)
    assert json.loads(result.stdout)[0] is False


def test_disabled(script: Any) -> None:
    result = run(script(SHOW), env={"FASTFRAME_DISABLE": "1"})
    assert json.loads(result.stdout)[0] is False
    assert result.stderr == "fastframe: not active: FASTFRAME_DISABLE is set in the environment\n"


def test_target_that_cannot_be_installed(script: Any) -> None:
    result = run(
        script(
            "from fastframe.wsproto.target import WsprotoTarget\n"
            "def check(self): raise ImportError('wsproto 9.9 is not known')\n"
            "WsprotoTarget.check = check\n"
            "import wsproto\n"
        )
    )
    assert result.stderr.startswith("fastframe: wsproto is not active: wsproto 9.9 is not known (process ")


def test_options(script: Any) -> None:
    path = script(
        """
import wsproto
from wsproto.connection import Connection, ConnectionType
from wsproto.extensions import PerMessageDeflate
from fastframe import Encoder, Role
connection = Connection(ConnectionType.SERVER)
connection.receive_data(Encoder(Role.CLIENT).message(bytes(1001)))
print(*[int(getattr(event, "code", 0)) for event in connection.events()], PerMessageDeflate().offer())
"""
    )
    assert (
        run("--max-message-size", "1_000", "--no-deflate", "--fix-interleaved-control", path).stdout == "1009 False\n"
    )
    assert run(path).stdout.startswith("0 ")


def test_one_target(script: Any) -> None:
    pytest.importorskip("uvicorn")
    show = "import uvicorn, wsproto, fastframe; print([name for name, status in fastframe.status().items() if status.active])"
    assert run("--target", "wsproto", script(show)).stdout == "['wsproto']\n"
    assert run("--target", "uvicorn", script(show)).stdout == "['uvicorn']\n"
    assert run(script(show)).stdout == "['wsproto', 'uvicorn']\n"


def test_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """There exec would return to the shell at once."""
    monkeypatch.setattr(runner.sys, "platform", "win32")
    wanted = {"options": {}, "targets": ["wsproto"], "verbose": False}
    with pytest.raises(SystemExit) as caught:
        runner.run([sys.executable, "-c", "import sys, wsproto; sys.exit(37)"], wanted)
    assert caught.value.code == 37


def test_target_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_target.PLACES, "missing", _target.Place("fastframe.missing", "no_such_module"))
    finder = runner.InstallOnImport(["missing"], {}, verbose=True)
    assert finder.find_spec("no_such_module", None) is None
    assert finder.waiting == {"no_such_module": "missing"}


USES = """
import uvicorn
from wsproto.connection import Connection, ConnectionType

for _ in range(3):
    connection = Connection(ConnectionType.SERVER)
    connection.receive_data(b"")
    assert list(connection.events()) == []
"""


def test_a_forked_process_says_what_was_used_in_it(script: Any) -> None:
    result = run("-v", script("import os, sys, wsproto\nif os.fork() == 0:\n    sys.exit()\nos.wait()"))
    said = re.findall(r"connections that ran on fastframe: wsproto 0 \(process (\d+)\)", result.stderr)
    assert len(set(said)) == 2


def test_what_was_used_is_said_at_the_end(script: Any) -> None:
    path = script(USES)
    assert "fastframe: connections that ran on fastframe: wsproto 3, uvicorn 0 (process" in run("-v", path).stderr
    assert run(path).stderr == ""
