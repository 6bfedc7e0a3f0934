"""`fastframe run`: active in every process of a program, and else as if it had been started by
itself."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("wsproto")

from fastframe._cli import runner
from fastframe._cli.reports import Reports
from fastframe._targets import target
from tests.servers.programs import NO_PROXY, free_port

pytestmark = [
    pytest.mark.programs,
    pytest.mark.skipif(os.name == "nt", reason="os.execve is another thing on Windows"),
]


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


SHOW = (
    "import sys, json, wsproto, fastframe; "
    "print(json.dumps([fastframe.status()['wsproto'].active, sys.argv, sys.path]))"
)


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
    result = run(
        "-v", "a-program", "-x", env={"PATH": f"{path.parent}{os.pathsep}{os.environ['PATH']}"}
    )
    assert json.loads(result.stdout)[:2] == [True, [str(path), "-x"]]
    assert re.match(
        r"fastframe: wsproto [\d.]+ runs on fastframe, kernel \w+ \(process \d+\)", result.stderr
    )


def test_program_that_is_not_there() -> None:
    result = run("no-such-program")
    assert (result.returncode, result.stdout) == (127, "")
    assert result.stderr == (
        "fastframe: no-such-program: not found on PATH; a module is run with -m, a script by its "
        "path\n"
    )


def test_script_that_is_not_there() -> None:
    result = run("./no_such_script.py")
    assert (
        result.stderr
        == "fastframe: ./no_such_script.py: not a script (.py) or an executable file that exists\n"
    )


def test_program_beside_this_python() -> None:
    result = run(os.path.basename(sys.executable), "-c", "print('runs')", env={"PATH": ""})
    assert result.stdout == "runs\n"


def test_two_dashes_before_the_program(script: Any) -> None:
    assert json.loads(run("--", script(SHOW), "--").stdout)[1][1:] == ["--"]


def test_options_of_the_program_before_its_name() -> None:
    result = run("--workers", "2", "hypercorn")
    assert result.returncode == 2
    assert "usage: fastframe run" in result.stderr
    assert (
        "unrecognized arguments: --workers; put the program's own options after its name"
        in result.stderr
    )
    result = run("--max-message-size", "16MB", "hypercorn")
    assert "argument --max-message-size: must be a whole number, not '16MB'" in result.stderr


def test_no_program() -> None:
    result = run()
    assert result.returncode == 2
    assert "run what?" in result.stderr


def test_exit_code_and_standard_streams(script: Any) -> None:
    result = run(
        script("import sys, wsproto; print(sys.stdin.read()[::-1]); sys.exit(37)"), input="abc"
    )
    assert (result.returncode, result.stdout, result.stderr) == (37, "cba\n", "")


@pytest.mark.parametrize("handled", [True, False])
def test_signals(script: Any, handled: bool) -> None:
    handler = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))\n" if handled else ""
    path = script(
        f"import signal, sys, time, wsproto\n{handler}print('ready', flush=True)\ntime.sleep(50)"
    )
    with subprocess.Popen(
        [sys.executable, "-m", "fastframe", "run", path], stdout=subprocess.PIPE
    ) as process:
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
        command = [sys.executable, "-c", "import script; script.work()"]
        subprocess.run(command, check=True, cwd={"__file__"}.rpartition("/")[0])
    else:
        worker = multiprocessing.get_context({method!r}).Process(target=work)
        worker.start()
        worker.join()
"""
        )
    )
    assert result.stdout == "True\n", result.stderr
    assert result.stderr == "", "a program whose workers use it does not say that it is not active"


def test_fork_does_not_report_twice(script: Any) -> None:
    result = run(script("import os, sys\nif os.fork() == 0:\n    sys.exit()\nos.wait()"))
    assert (
        result.stderr.count("not active: no process of this program used any of wsproto, uvicorn, ")
        == 1
    )


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
    assert (result.returncode, result.stderr) == (
        126,
        f"fastframe: {path} cannot be executed: Exec format error\n",
    )


def test_looking_for_a_target_without_importing_it(script: Any) -> None:
    result = run(
        script(
            "import importlib.util; "
            "print(importlib.util.find_spec('wsproto').loader.get_filename('wsproto'))"
        )
    )
    assert result.stdout.endswith("__init__.py\n")


def test_a_python_without_fastframe_says_so(script: Any, tmp_path: Path) -> None:
    (tmp_path / "fastframe").mkdir()
    (tmp_path / "fastframe" / "__init__.py").write_text("raise ImportError('not for this one')")
    environment = {
        **os.environ,
        "PYTHONPATH": f"{runner.STARTUP}{os.pathsep}{tmp_path}",
        "FASTFRAME_RUN": "{}",
    }
    result = subprocess.run(
        [sys.executable, "-c", "print('runs')"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == "runs\n"
    assert result.stderr == f"fastframe: not active in {sys.executable}: not for this one\n"


def test_a_python_that_was_not_started_by_run(script: Any) -> None:
    environment = {**os.environ, "PYTHONPATH": runner.STARTUP}
    result = subprocess.run(
        [sys.executable, script(SHOW)], env=environment, capture_output=True, text=True, check=True
    )
    assert json.loads(result.stdout)[0] is False


def test_disabled(script: Any) -> None:
    result = run(script(SHOW), env={"FASTFRAME_DISABLE": "1"})
    assert json.loads(result.stdout)[0] is False
    assert result.stderr == "fastframe: not active: FASTFRAME_DISABLE is set in the environment\n"


def test_target_that_cannot_be_installed(script: Any) -> None:
    result = run(
        script(
            "from fastframe.wsproto.target import WsprotoTarget\n"
            "def check(self, **more): raise ImportError('wsproto 9.9 is not known')\n"
            "WsprotoTarget.check = check\n"
            "import wsproto\n"
        )
    )
    assert result.stderr.startswith(
        "fastframe: wsproto is not active: wsproto 9.9 is not known (process "
    )


def test_options(script: Any) -> None:
    path = script(
        """
import wsproto
from wsproto.connection import Connection, ConnectionType
from wsproto.extensions import PerMessageDeflate
from fastframe import Encoder, Role
connection = Connection(ConnectionType.SERVER)
connection.receive_data(Encoder(Role.CLIENT).message(bytes(1001)))
codes = [int(getattr(event, "code", 0)) for event in connection.events()]
print(*codes, PerMessageDeflate().offer())
"""
    )
    assert (
        run("--max-message-size", "1_000", "--no-deflate", "--fix-interleaved-control", path).stdout
        == "1009 False\n"
    )
    assert run(path).stdout.startswith("0 ")


def test_one_target(script: Any) -> None:
    pytest.importorskip("uvicorn")
    show = (
        "import uvicorn, wsproto, fastframe; "
        "print([name for name, status in fastframe.status().items() if status.active])"
    )
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
    monkeypatch.setitem(
        target.PLACES, "missing", target.Place("fastframe.missing", "no_such_module")
    )
    finder = runner.InstallOnImport(["missing"], {}, Reports(None, 0, numbers=True), verbose=True)
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
    result = run(
        "-v", script("import os, sys, wsproto\nif os.fork() == 0:\n    sys.exit()\nos.wait()")
    )
    said = re.findall(
        r"connections that ran on fastframe: wsproto 0 \(process (\d+)\)", result.stderr
    )
    assert len(set(said)) == 2


def test_what_was_used_is_said_at_the_end(script: Any) -> None:
    path = script(USES)
    assert (
        "fastframe: connections that ran on fastframe: wsproto 3, uvicorn 0 (process"
        in run("-v", path).stderr
    )
    assert run(path).stderr == ""


# ---- what is said, however the processes end -----------------------------------------------------

APP = """
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            event = await receive()
            await send({"type": event["type"] + ".complete"})
            if event["type"] == "lifespan.shutdown":
                return
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": event["text"]})
"""


def said_by_a_server(
    folder: Path,
    *command: str,
    clients: int,
    ending: signal.Signals = signal.SIGTERM,
    kill_workers: bool = False,
) -> tuple[str, int]:
    """What a server says from its start to its end, after so many clients; and how it ended."""
    sync_client = pytest.importorskip("websockets.sync.client")
    (folder / "the_app.py").write_text(APP)
    environment = {
        **os.environ,
        "TMPDIR": str(folder),
        "PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]),
    }
    port = free_port()
    arguments = [argument.replace("PORT", str(port)) for argument in command]
    process = subprocess.Popen(
        [sys.executable, "-m", "fastframe", "run", *arguments],
        cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        for _ in range(clients):
            for _attempt in range(300):
                try:
                    connection = sync_client.connect(
                        f"ws://127.0.0.1:{port}/", compression=None, **NO_PROXY
                    )
                    break
                except OSError:
                    assert process.poll() is None, process.communicate()[0]
                    time.sleep(0.05)
            with connection:
                connection.send("text")
                assert connection.recv(10) == "text"
        if kill_workers:
            for worker in (
                Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            ):
                os.kill(int(worker), signal.SIGKILL)
            time.sleep(0.5)
        process.send_signal(ending)
        said = process.communicate(timeout=30)[0]
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert [
        path.name for path in folder.iterdir() if path.name.startswith("fastframe-run")
    ] == [], "nothing is left"
    return said, process.returncode


def total(said: str) -> int:
    """Of the connections of all processes."""
    lines = re.findall(r"connections that ran on fastframe: (.*) \(process (\d+)\)", said)
    assert len({process for _, process in lines}) == len(lines), f"each speaks once: {said}"
    return sum(
        int(number) for line, _ in lines for number in re.findall(r" (\d+)", line.partition(";")[0])
    )


UVICORN = ["-m", "uvicorn", "--port", "PORT", "--log-level", "warning", "the_app:app"]


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("more", [[], ["--workers", "2"]])
def test_a_server_says_its_connections_however_it_is_ended(
    tmp_path: Path, ending: signal.Signals, more: list[str]
) -> None:
    pytest.importorskip("uvicorn")
    said, code = said_by_a_server(tmp_path, "-v", *UVICORN, *more, clients=5, ending=ending)
    assert total(said) == 5, said
    messages = re.findall(
        r"messages through fastframe: uvicorn (\d+) received and (\d+) sent", said
    )
    assert [sum(map(int, numbers)) for numbers in zip(*messages)] == [5, 5]
    started = re.findall(r"uvicorn [\d.]+ runs on fastframe, kernel \w+ \(process (\d+)\)", said)
    assert started, "the parent is the first, and a worker may be ended before it says anything"
    assert (
        not more
        or f"fastframe: connections that ran on fastframe: wsproto 0, uvicorn 0 (process "
        f"{started[0]})"
        not in said
    ), "a parent of workers has none itself, and does not say so"
    assert "--target websockets" not in said
    without = subprocess.Popen(
        [sys.executable, *UVICORN[:3], str(free_port()), *UVICORN[4:], *more],
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(1.5)
    without.send_signal(ending)
    assert code == without.wait(20), "and it ends as it does without fastframe"


def gunicorn(worker: str, *more: str) -> list[str]:
    return [
        "-m",
        "gunicorn",
        "-k",
        worker,
        "-b",
        "127.0.0.1:PORT",
        "--log-level",
        "critical",
        "--graceful-timeout",
        "2",
        *more,
        "the_app:app",
    ]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("worker", ["asgi", "uvicorn_worker.UvicornWorker"])
def test_workers_of_gunicorn(tmp_path: Path, worker: str) -> None:
    """Without -v a success is quiet; with it the numbers are those of the workers, each said
    once."""
    pytest.importorskip(
        "gunicorn.asgi.websocket", reason="gunicorn with an ASGI worker of its own is not installed"
    )
    pytest.importorskip(worker.partition(".")[0] if "." in worker else "gunicorn")
    said, _ = said_by_a_server(tmp_path, *gunicorn(worker), clients=2)
    assert "fastframe" not in said
    said, _ = said_by_a_server(tmp_path, "-v", *gunicorn(worker, "-w", "2"), clients=6)
    assert total(said) == 6, said


@pytest.mark.skipif(sys.platform != "linux", reason="finds the workers in /proc")
def test_a_worker_that_is_killed(tmp_path: Path) -> None:
    """It cannot say anything, so the first process does."""
    pytest.importorskip(
        "gunicorn.asgi.websocket", reason="gunicorn with an ASGI worker of its own is not installed"
    )
    said, _ = said_by_a_server(tmp_path, "-v", *gunicorn("asgi"), clients=3, kill_workers=True)
    assert total(said) == 3, said


def test_a_library_that_must_be_named(script: Any) -> None:
    """As sanic uses websockets."""
    pytest.importorskip("websockets.protocol")
    hint = "websockets was imported: to accelerate it, add --target websockets"
    assert hint in run(script("import websockets.protocol")).stderr
    assert hint in run("-v", script("import websockets.protocol, wsproto")).stderr
    assert hint not in run("-v", script("import wsproto")).stderr
    assert (
        hint not in run("-v", "--target", "websockets", script("import websockets.protocol")).stderr
    )
    assert hint not in run("-v", script(f"import websockets.protocol\n{USES}")).stderr, (
        "as it is not what the program uses"
    )


def test_the_handler_of_the_program_is_its_own(script: Any) -> None:
    path = script(
        f"import os, signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: "
        f"sys.exit(3))\n{USES}\nos.kill(os.getpid(), signal.SIGTERM)"
    )
    result = run("-v", path)
    assert (result.returncode, total(result.stderr)) == (3, 3)
    path = script(f"import os, signal\n{USES}\nos.kill(os.getpid(), signal.SIGTERM)")
    result = run("-v", path)
    assert (result.returncode, total(result.stderr)) == (-signal.SIGTERM, 3)


def test_forked_processes_that_end_without_a_word(script: Any) -> None:
    path = script(
        f"import os, wsproto.connection\nif os.fork() == 0:\n{textwrap.indent(USES, '    ')}\n    "
        f"os._exit(0)\nos.wait()\n{USES}"
    )
    result = run("-v", path)
    assert total(result.stderr) == 6, result.stderr
    assert result.stderr.count("wsproto 3") == 2, "a fork begins to count anew"


def test_a_first_process_that_is_no_python(script: Any, tmp_path: Path) -> None:
    """Nobody would read what is left, so nothing is."""
    path = script(USES)
    result = run(
        "-v", "/bin/sh", "-c", f"{sys.executable} {path}; true", env={"TMPDIR": str(tmp_path)}
    )
    assert total(result.stderr) == 3
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith("fastframe")] == []


def test_sigterm_is_passed_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And a handler of the program's is left alone."""
    handlers: list[Any] = []
    raised: list[int] = []
    monkeypatch.setattr(
        runner.signal, "getsignal", lambda number: handlers[-1] if handlers else signal.SIG_DFL
    )
    monkeypatch.setattr(runner.signal, "signal", lambda number, handler: handlers.append(handler))
    monkeypatch.setattr(runner.signal, "raise_signal", raised.append)
    finder = runner.InstallOnImport([], {}, Reports(None, 0, numbers=True), verbose=True)
    finder.installed = ["wsproto"]
    for _ in range(2):
        runner.report_before_sigterm(finder, 0)
    assert len(handlers) == 1
    handlers[0](signal.SIGTERM, None)
    assert handlers[1:] == [signal.SIG_DFL]
    assert raised == [signal.SIGTERM]
    assert "connections that ran on fastframe: wsproto" in capsys.readouterr().err


def test_a_fork_while_another_thread_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "_connections", {"wsproto": 5})
    target._counting.acquire()
    target._begin_anew_after_a_fork()
    target.count_connection("wsproto")
    assert target.connections("wsproto") == 1


def test_no_place_for_the_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing" / "folder"))
    reports = Reports("run", 0, numbers=True)
    reports.used("wsproto", 1)
    assert reports.may_speak()
    assert not reports.others_used_it()
    assert list(reports.unspoken()) == []
    reports.remove()


def test_numbers_are_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker and the first process may end at the same moment."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    first, worker = Reports("run", 1, numbers=True), Reports("run", 1, numbers=True)
    worker.used("wsproto", 3)
    assert [numbers["wsproto"] for _, numbers in first.unspoken()] == [3]
    assert not worker.may_speak()
    worker = Reports("run", 1, numbers=True)
    worker.used("wsproto", 3)
    assert worker.may_speak()
    assert list(first.unspoken()) == []
    first.remove()


def test_numbers_that_are_taken_while_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    first, worker = Reports("run", 1, numbers=True), Reports("run", 1, numbers=True)
    worker.used("wsproto", 3)
    (file,) = (tmp_path / "fastframe-run-run").glob("[0-9]*")
    read = Path.read_bytes

    def read_and_lose(path: Path) -> bytes:
        contents = read(path)
        assert worker.may_speak()
        return contents

    monkeypatch.setattr(Path, "read_bytes", read_and_lose)
    assert list(first.unspoken()) == []
    monkeypatch.setattr(Path, "glob", lambda folder, pattern: iter([file]))
    monkeypatch.setattr(Path, "read_bytes", read)
    assert list(first.unspoken()) == []  # it went after the folder was listed
    first.remove()


def test_numbers_that_cannot_be_removed_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, where the file of a living process cannot be."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    worker = Reports("run", 1, numbers=True)
    worker.used("wsproto", 3)

    def refused(path: Path) -> None:
        raise PermissionError(path)

    monkeypatch.setattr(Path, "unlink", refused)
    assert worker.may_speak()
