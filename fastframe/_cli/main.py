"""The command `fastframe`: run, verify, doctor and inspect."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence

import fastframe
from fastframe._cli.inspect_command import add_inspect
from fastframe._targets.install import DISABLED, disabled
from fastframe._targets.options import OPTIONS, whole_number
from fastframe._targets.target import PLACES, target, target_names

# What a program's exit code says: as for grep and diff, 1 is an answer and 2 is trouble.
OK, DIFFERENT, TROUBLE = 0, 1, 2
NOT_FOUND = 127  # as a shell says it


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    options, unknown = parser().parse_known_args(arguments)
    if unknown:
        options.parser.error(f"unrecognized arguments: {' '.join(unknown)}{options.hint}")
    try:
        code: int = options.run(options)
        return code
    except (MissingExtraError, fastframe.InstallError) as error:
        print(f"fastframe: {error}", file=sys.stderr)
        return TROUBLE
    except BrokenPipeError:  # the reader, `head` for instance, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        print("fastframe: interrupted", file=sys.stderr)
        return 130


class MissingExtraError(RuntimeError):
    """Something that an extra would have installed is missing."""


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="fastframe",
        description="A C-accelerated WebSocket frame codec: check it, and see whether it is "
        "active.",
    )
    top.add_argument("--version", action="version", version=f"fastframe {fastframe.__version__}")
    top.set_defaults(run=run_help, parser=top, hint="")
    commands = top.add_subparsers(title="commands", metavar="COMMAND")

    add_run(commands)
    add_verify(commands)
    add_doctor(commands)
    add_inspect(commands)
    return top


def add_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    run = commands.add_parser(
        "run",
        usage="fastframe run [OPTIONS] (PROGRAM | -m MODULE | SCRIPT.py) [ARGUMENTS ...]",
        help="run a program with fastframe under it, in all of its worker processes",
        description="Runs a program as if it had called fastframe.install, in each Python process "
        "of it. Arguments, signals and "
        "exit code are the program's own. Nothing outside that program changes. Exit code 2: "
        "wrong options; 126: the program "
        "cannot be executed; 127: it was not found.",
    )
    run.add_argument(
        "--target",
        action="append",
        choices=target_names(),
        help="what to accelerate; may be repeated (default: all but websockets)",
    )
    run.add_argument(
        "--untested", action="store_true",
        help="also what has changed in a way that was not tested, if a self-check finds no "
        "difference",
    )  # fmt: skip
    for name, option in OPTIONS.items():
        run.add_argument(option.flag, dest=name, **option.argument)
    run.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="say on standard error what is active, and in which process",
    )
    run.add_argument(
        "-m",
        dest="module",
        nargs=argparse.REMAINDER,
        metavar="MODULE",
        help="run a module, as python -m does",
    )
    run.add_argument(
        "program",
        nargs=argparse.REMAINDER,
        metavar="PROGRAM",
        help="a program on PATH, or a script",
    )
    run.set_defaults(run=run_run, parser=run, hint="; put the program's own options after its name")


def add_verify(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verify = commands.add_parser(
        "verify",
        help="compare wsproto with wsproto on fastframe, frame by frame, and time both",
        description="Replays traffic made from a seed through wsproto alone and through wsproto "
        "on fastframe, and compares "
        "all events, errors, states and bytes. Exit code 0: identical; 1: a difference, shown as "
        "a short program; "
        "2: it could not run.",
    )
    verify.add_argument(
        "--frames",
        type=whole_number,
        default=100_000,
        help="at least so many (default: %(default)s)",
    )
    verify.add_argument("--seed", type=int, default=1, help="which traffic (default: %(default)s)")
    verify.add_argument(
        "--json", action="store_true", help="print one JSON object instead of a table"
    )
    verify.set_defaults(run=run_verify, parser=verify, hint="")


def add_doctor(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    doctor = commands.add_parser(
        "doctor",
        help="say what is installed, which kernel runs and which targets can be accelerated",
        description="Says what is installed, which kernel runs, and for each target whether it "
        "can run on fastframe, and "
        "why not. Exit code 0: every target that is installed can be accelerated; 1: one cannot; "
        "2: fastframe itself cannot "
        "run here, for instance as FASTFRAME_KERNEL names a kernel that this machine does not "
        "have.",
    )
    doctor.add_argument(
        "--json", action="store_true", help="print one JSON object instead of a table"
    )
    doctor.set_defaults(run=run_doctor, parser=doctor, hint="")


def run_help(options: argparse.Namespace) -> int:
    """Without a command."""
    options.parser.print_help()
    return OK


# ---- run -----------------------------------------------------------------------------------------


def run_run(options: argparse.Namespace) -> int:
    """Returns only if the program cannot be run."""
    from fastframe._cli import runner

    given = {name: getattr(options, name) for name in OPTIONS if getattr(options, name) is not None}
    targets = options.target or [name for name, place in PLACES.items() if not place.only_by_name]
    for name in given:
        if not any(name in target(chosen).options for chosen in targets):
            options.parser.error(f"{OPTIONS[name].flag} is not an option of {', '.join(targets)}")
    if options.program[:1] == ["--"]:
        del options.program[0]
    if options.module:
        command = [sys.executable, "-m", *options.module]
    elif options.program:
        try:
            command = runner.command_for(options.program[0], options.program[1:])
        except runner.ProgramNotFoundError as error:
            print(f"fastframe: {error}", file=sys.stderr)
            return NOT_FOUND
    else:
        print(
            "fastframe: run what? fastframe run (PROGRAM | -m MODULE | SCRIPT.py) [ARGUMENTS ...]",
            file=sys.stderr,
        )
        return TROUBLE
    if disabled():
        print(f"fastframe: not active: {DISABLED}", file=sys.stderr)
        return runner.run(command, None)
    return runner.run(
        command,
        {
            "options": given,
            "targets": targets,
            "verbose": options.verbose,
            "untested": options.untested,
        },
    )


# ---- verify --------------------------------------------------------------------------------------


def run_verify(options: argparse.Namespace) -> int:
    try:
        from fastframe._cli import output
        from fastframe._cli.verify import verify
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{error}; verify needs the cli extra: pip install 'fastframe[cli]'"
        ) from error
    except ImportError as error:
        raise MissingExtraError(str(error)) from error

    with output.progress(options.frames, quiet=options.json) as advance:
        report = verify(options.frames, options.seed, advance)
    if options.json:
        print(json.dumps(report.as_json(), indent=2))
    else:
        output.show_verify(report)
    return OK if report.difference is None else DIFFERENT


# ---- doctor --------------------------------------------------------------------------------------


def run_doctor(options: argparse.Namespace) -> int:
    from fastframe._cli.doctor import examine, lines

    findings = examine()
    if options.json:
        print(json.dumps(findings.as_json(), indent=2))
    else:
        for label, text in lines(findings):
            print(f"{label:<16} {text}")
    return OK if findings.healthy else DIFFERENT
