"""The command: what it prints, what it returns, and what it says when something is missing."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest

pytest.importorskip("wsproto")
pytest.importorskip("rich")

import fastframe
from fastframe import frame_protocol
from fastframe._cli import doctor, output, verify
from fastframe._cli import main as cli
from fastframe._cli.corpus import KINDS, sessions
from fastframe._cli.differential import Session, find_difference, minimize, observe
from fastframe.wsproto import _frame_protocol
from tests.helpers import run_python
from tests.strategies import frame


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run_python("-m", "fastframe", *arguments, **environment)


# ---- verify --------------------------------------------------------------------------------------


def test_verify() -> None:
    result = run("verify", "--frames", "1_400", "--seed", "3")
    assert result.returncode == 0, result.stderr
    assert result.stderr == "", "no progress bar in a pipe"
    for kind in KINDS:
        assert kind in result.stdout
    assert "identical: 1,4" in result.stdout
    assert "\x1b" not in result.stdout, "no colour in a pipe"


def test_verify_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["verify", "--frames", "70", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["identical"] is True
    assert report["difference"] is None
    assert report["frames"] == sum(kind["frames"] for kind in report["kinds"]) >= 70
    assert all(kind["speedup"] > 0 for kind in report["kinds"])


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A FrameProtocol that loses the letter z of texts."""
    original = _frame_protocol.FrameProtocol.received_frames

    def received_frames(self: Any) -> Any:
        for got in original(self):
            yield (
                got._replace(payload=got.payload.replace("z", ""))
                if isinstance(got.payload, str)
                else got
            )

    monkeypatch.setattr(frame_protocol.FrameProtocol, "received_frames", received_frames)


@pytest.mark.usefixtures("broken")
def test_a_difference_is_found_minimized_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    report = verify.verify(700, 1, lambda kind, frames: None)
    assert report.difference is not None
    assert len(report.difference.session.frames) == 1
    assert report.difference.session.cuts == ()
    assert report.difference.session.sends == ()
    assert report.difference.level == "FrameProtocol"
    program = str(report.difference)
    assert cli.main(["verify", "--frames", "700"]) == 1
    shown = capsys.readouterr().out
    assert "different" in shown
    assert program in shown
    assert cli.main(["verify", "--frames", "700", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["identical"], found["difference"]) == (False, program)
    # The program runs, and shows the two sides.
    exec(program, {})
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 2
    assert printed[0] != printed[1]


@pytest.mark.usefixtures("broken")
def test_minimizing_leaves_what_is_needed() -> None:
    frames = (
        frame(9, b"p"),
        frame(1, b"a", fin=False),
        frame(9, b"q"),
        frame(0, b"z"),
        frame(2, b"b"),
    )
    size = sum(map(len, frames))
    difference = find_difference(Session("two", True, frames, tuple(range(1, size))))
    assert difference is not None
    assert minimize(difference).session == Session(
        "two", True, (frame(1, b"a", fin=False), frame(0, b"z"))
    )


def test_what_is_raised_is_seen() -> None:
    session = Session("after the end", True, (frame(8, b"\x03\xe8"), frame(1, b"late")), (4,))
    seen = observe(session, fast=True)
    assert seen == observe(session, fast=False)
    closed = Session("closed", True, (frame(8, b""), b"x", b"y"), (2, 3), (drop_in_close(),))
    assert "already closed" in str(observe(closed, fast=True)["Connection"])


def drop_in_close() -> Any:
    from wsproto.events import CloseConnection

    return CloseConnection(1000)


def test_the_corpus_is_the_same_for_the_same_seed() -> None:
    for kind in KINDS:
        first, again, other = (list(sessions(kind, seed, 300)) for seed in (1, 1, 2))
        assert first == again
        assert first != other
        assert sum(len(session.frames) for session in first) >= 300


def test_progress_is_shown_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with output.progress(10, quiet=False) as advance:
        advance("chat text", 5)
    assert "chat text" in capsys.readouterr().err
    with output.progress(10, quiet=True) as advance:
        advance("chat text", 5)
    assert capsys.readouterr().err == ""


def test_verify_does_not_compare_wsproto_with_itself() -> None:
    result = run("verify", "--frames", "10", FASTFRAME_DISABLE="1")
    assert result.returncode == 2
    assert result.stderr == (
        "fastframe: wsproto cannot run on fastframe: FASTFRAME_DISABLE is set in the environment\n"
    )


CHANGED = (
    "import sys, wsproto, fastframe._targets.relied_on as known; "
    "known.digests_of = lambda *_: dict.fromkeys(_[2], 'another'); "
)


def test_verify_wants_a_supported_wsproto() -> None:
    code = f"{CHANGED}from fastframe._cli.main import main; sys.exit(main(['verify']))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert (
        f"fastframe: wsproto {importlib.metadata.version('wsproto')} is installed; of what "
        f"fastframe relies on" in result.stderr
    )
    assert "extra" not in result.stderr


# ---- doctor --------------------------------------------------------------------------------------


def test_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    shown = run("doctor")
    text = shown.stdout
    assert shown.returncode == 0
    assert f"kernel           {fastframe.active_kernel()} (this machine can run: " in text
    assert (
        'target wsproto   ready: start the program with "fastframe run", or call '
        'fastframe.install("wsproto") in it' in text
    )
    with fastframe.installed("wsproto"):
        assert cli.main(["doctor", "--json"]) == 0
    findings = json.loads(capsys.readouterr().out)
    assert findings["healthy"] is True
    assert findings["targets"]["wsproto"]["active"] is True
    assert findings["version"] == fastframe.__version__


def test_doctor_says_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import wsproto

    monkeypatch.setattr(wsproto, "__version__", "1.0.0")
    monkeypatch.setattr(
        "fastframe._targets.relied_on.digests_of",
        lambda package, folders, items: dict.fromkeys(items, "another"),
    )
    monkeypatch.setattr(doctor, "package_version", lambda name: None)
    monkeypatch.setenv("FASTFRAME_KERNEL", "portable")
    assert cli.main(["doctor"]) == 1
    text = capsys.readouterr().out
    assert (
        "target wsproto   not ready: wsproto 1.0.0 is installed; of what fastframe relies on "
        "these are not as in any tested" in text
    )
    assert "rich             not installed; to install it: pip install 'fastframe[cli]'" in text
    assert "FASTFRAME_KERNEL is set to 'portable'" in text


def test_doctor_says_how_it_was_built(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "MODULE_STATE", False)
    assert cli.main(["doctor"]) == 0
    assert "build            without module state: for the main interpreter only" in (
        capsys.readouterr().out
    )


def test_doctor_says_what_was_not_tested(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import wsproto

    monkeypatch.setattr(wsproto, "__version__", "9.9")
    cli.main(["doctor"])
    assert re.search(
        r"target wsproto   ready: .* \(not tested; what fastframe relies on is as in 1\.",
        capsys.readouterr().out,
    )


def test_package_versions() -> None:
    assert doctor.package_version("pytest") == pytest.__version__
    assert doctor.package_version("no such package") is None


# ---- the command itself --------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["rich", "wsproto"])
def test_a_missing_extra_is_named(missing: str) -> None:
    code = (
        f"import sys; sys.modules[{missing!r}] = None; "
        "from fastframe._cli.main import main; sys.exit(main(['verify']))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert "needs the cli extra: pip install 'fastframe[cli]'" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["verify", "--frames", "0"], "must be from 1 to"),
        (
            ["run", "--target", "uvicorn", "--fix-interleaved-control", "x"],
            "--fix-interleaved-control is not an option of uvicorn",
        ),
        (["verify", "--frames", "many"], "must be a whole number, not 'many'"),
        (["cure"], "invalid choice: 'cure'"),
    ],
)
def test_wrong_usage(arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert text in capsys.readouterr().err


def test_help_and_version() -> None:
    assert run("--version").stdout == f"fastframe {fastframe.__version__}\n"
    shown = run("--help").stdout
    assert "verify" in shown
    assert "doctor" in shown
    assert "default: " in run("verify", "--help").stdout


def test_ctrl_c(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(verify, "find_difference", interrupt)
    assert cli.main(["verify"]) == 130
    assert capsys.readouterr().err == "fastframe: interrupted\n"


def test_a_closed_pipe_is_no_error() -> None:
    code = (
        "import sys, os; from fastframe._cli import main as cli\n"
        "def write(options):\n"
        "    print('x' * 100000, flush=True)\n"
        "cli.run_doctor = write\n"
        "sys.exit(cli.main(['doctor']))"
    )
    program = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert program.stdout is not None
    program.stdout.close()
    assert program.wait(30) == 0
    assert program.stderr is not None
    assert program.stderr.read() == b""
    program.stderr.close()


def test_without_arguments_it_prints_its_help() -> None:
    result = run()
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == run("--help").stdout


@pytest.mark.parametrize(
    "arguments", [("doctor",), ("verify",), ("run", "-m", "this"), ("--version",), ()]
)
def test_a_kernel_that_is_not_available_is_one_line(arguments: tuple[str, ...]) -> None:
    result = run(*arguments, FASTFRAME_KERNEL="avx9000")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        "fastframe: FASTFRAME_KERNEL=avx9000 asks for a kernel that this build or this CPU does "
        "not have; "
        f"there are: {', '.join(fastframe.available_kernels())}\n"
    )
    code = "import fastframe"
    result = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "FASTFRAME_KERNEL": "avx9000"},
        capture_output=True, text=True, check=False
    )  # fmt: skip
    assert "ImportError: FASTFRAME_KERNEL=avx9000 asks for" in result.stderr


def test_the_help_names_every_exit_code() -> None:
    for command, codes in (("doctor", "012"), ("verify", "012"), ("run", ("2", "126", "127"))):
        text = " ".join(run(command, "--help").stdout.split())
        for code in codes:
            assert re.search(rf"Exit code .*\b{code}:", text), (command, code)


def test_at_80_columns_verify_breaks_no_word() -> None:
    """On a terminal of that width; a pipe gets each sentence as one line."""
    in_a_pipe = run("verify", "--frames", "140").stdout
    code = (
        "import rich.console, sys\n"
        "from fastframe._cli import main as cli\n"
        "rich.console.Console.is_terminal = True\n"
        "sys.exit(cli.main(['verify', '--frames', '140']))"
    )
    environment = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"}
    result = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert all(len(line) <= 80 for line in result.stdout.splitlines())
    text = [word for word in in_a_pipe.split() if word.isalpha()]
    assert [word for word in result.stdout.split() if word.isalpha()] == text
    assert in_a_pipe.count("What is compared is cut in many other ways as well.\n") == 1
