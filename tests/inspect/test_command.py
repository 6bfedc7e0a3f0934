"""The command line: options, exit codes, files that cannot be read, --follow."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fastframe._cli.main import main
from fastframe._inspect import source
from tests.helpers import run_python
from tests.inspect.captures import SERVER, Tcp, write
from tests.inspect.conftest import Run
from tests.strategies import frame

HELLO = frame(1, b"hello")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "the following arguments are required: FILE"),
        (["x", "--min-size", "many"], "must be a size such as 64K or 16M, not 'many'"),
        (["x", "--max-message-size", "0"], "must be from 1 to 1G, not '0'"),
        (["x", "--max-message-size", "2G"], "must be from 1 to 1G, not '2G'"),
        (["x", "--connection", "0"], "must be a whole number from 1 on, not '0'"),
        (["x", "--preview", "-1"], "must be a whole number from 1 on, not '-1'"),
        (["x", "--grep", "("], "is not a regular expression: "),
        (["x", "--deflate", "gzip"], "must name permessage-deflate, not 'gzip'"),
        (["x", "--deflate", "permessage-deflate; unknown"], "is unknown, repeated or malformed"),
        (["x", "--json", "--csv"], "not allowed with argument"),
        (["x", "--csv", "--stats"], "--csv has messages, --stats and --plot have figures"),
        (["x", "y", "--follow"], "--follow is for one file"),
        (["x", "y", "--plot", "z.png"], "--plot is for one file"),
        (["x", "--opcode", "hello"], "invalid choice: 'hello'"),
    ],
)
def test_wrong_usage(arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["inspect", *arguments])
    assert caught.value.code == 2
    assert text in capsys.readouterr().err


def test_files_that_cannot_be_read(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = run(tmp_path / "none")
    assert (missing.code, missing.err) == (2, f"fastframe: {tmp_path / 'none'}: no such file\n")
    assert run(tmp_path).err == f"fastframe: {tmp_path}: a folder, not a file\n"
    evil = run(tmp_path / "none\x1b[1m")
    assert "\x1b" not in evil.err

    def fail(*arguments: object, **more: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr("builtins.open", fail)
        assert "Permission denied" in run(write(tmp_path, HELLO)).err

    class Failing:
        def read(self, size: int) -> bytes:
            raise OSError(5, "Input/output error")

        def close(self) -> None:
            pass

    opened = open

    def failing(path: object, *arguments: object, **more: object) -> object:
        return Failing() if arguments == ("rb",) else opened(path, *arguments, **more)  # type: ignore[call-overload]

    with monkeypatch.context() as patch:
        patch.setattr("builtins.open", failing)
        assert run(write(tmp_path, HELLO)).err.endswith("Input/output error\n")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused(run: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file: write the capture to one" in run(tmp_path / "pipe").err


def test_exit_codes(run: Run, tmp_path: Path) -> None:
    assert run(HELLO).code == 0
    assert run(HELLO + frame(3, b"")).code == 1
    assert run(HELLO + frame(3, b""), "--stats").code == 1
    assert run(b"nothing").code == 2
    text = " ".join(run_python("-m", "fastframe", "inspect", "--help").stdout.split())
    for code in "012":
        assert re.search(rf"Exit code .*\b{code}:", text)


@pytest.mark.parametrize(
    ("missing", "arguments", "hint"),
    [
        ("rich", [], "inspect needs the inspect extra: pip install 'fastframe[inspect]'"),
        (
            "matplotlib", ["--plot", "x.png"],
            "--plot needs the plot extra: pip install 'fastframe[plot]'",
        ),
    ],
)  # fmt: skip
def test_a_missing_extra_is_named(
    run: Run, monkeypatch: pytest.MonkeyPatch, missing: str, arguments: list[str], hint: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    result = run(HELLO, *arguments)
    assert result.code == 2
    assert result.err.endswith(f"{hint}\n")


def test_it_needs_neither_numpy_nor_wsproto(tmp_path: Path) -> None:
    path = write(tmp_path, Tcp().handshake().send(SERVER, HELLO).pcap())
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('numpy', 'wsproto', 'matplotlib', 'dpkt')));"
        "from fastframe._cli.main import main; sys.exit(main(['inspect', sys.argv[1]]))"
    )
    assert run_python("-c", code, str(path)).returncode == 0


def test_ctrl_c(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fastframe._inspect.reading.kind_of", interrupt)
    assert run(HELLO).code == 130

    class Interrupted(source.Source):
        def read(self, size: int = source.BLOCK) -> bytes:
            self._file.close()

            class File:
                def read(self, size: int) -> bytes:
                    raise KeyboardInterrupt

                def close(self) -> None:
                    pass

            self._file = File()  # type: ignore[assignment]
            return super().read(size)

    monkeypatch.undo()
    monkeypatch.setattr(source, "Source", Interrupted)
    assert run(HELLO).code == 130
    assert run(HELLO, "--follow").code == 2


# ---- --follow ------------------------------------------------------------------------------------


def grow(monkeypatch: pytest.MonkeyPatch, path: Path, parts: list[bytes]) -> None:
    """The file has one part more each time that it is waited for."""

    def wait() -> bool:
        if not parts:
            return False
        with path.open("ab") as file:
            file.write(parts.pop(0))
        return True

    monkeypatch.setattr(source, "sleep", wait)


@pytest.mark.parametrize("size", [3, 50, 10_000])
def test_follow(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, size: int) -> None:
    data = Tcp().handshake().send(SERVER, HELLO, frame(1, b"world")).pcap()
    for whole, texts in ((data, ["hello", "world"]), (HELLO * 3, ["hello"] * 3)):
        path = write(tmp_path, whole[:20])
        rest = whole[20:]
        grow(monkeypatch, path, [rest[i : i + size] for i in range(0, len(rest), size)])
        result = run(path, "--json", "--follow")
        assert (result.code, result.texts) == (0, texts)


def test_follow_ends_inside_a_packet(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data = Tcp().handshake().send(SERVER, HELLO).pcap()
    path = write(tmp_path, data[:-60])
    grow(monkeypatch, path, [])
    result = run(path, "--json", "--follow")
    assert [note["kind"] for note in result.of("note")] == []
    assert result.code == 0


def test_a_followed_file_that_becomes_shorter(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = write(tmp_path, HELLO)
    monkeypatch.setattr(source, "sleep", lambda: path.write_bytes(b"") == 0)
    result = run(path, "--follow")
    assert result.code == 2
    assert result.err.endswith("the file has become shorter\n")


def test_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "POLL_SECONDS", 0)
    assert source.sleep() is True


@pytest.mark.programs
@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_follow_until_ctrl_c(tmp_path: Path) -> None:
    path = write(tmp_path, HELLO)
    program = subprocess.Popen(
        [sys.executable, "-m", "fastframe", "inspect", "--follow", "--json", str(path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    lines = [program.stdout.readline() for _ in range(3)]
    assert '"text": "hello"' in lines[-1]
    with path.open("ab") as file:
        file.write(frame(1, b"later"))
    assert '"text": "later"' in program.stdout.readline()
    time.sleep(0.05)
    program.send_signal(signal.SIGINT)
    rest = program.stdout.read()
    assert program.wait(30) == 0
    assert '"type": "summary"' in rest
    program.stdout.close()
