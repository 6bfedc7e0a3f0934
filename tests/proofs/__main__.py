"""Proves what src_c/ promises, for every input of a bounded size.

usage: python -m tests.proofs [--mutants] [PROOF ...]

Each harness in this folder is one property; CBMC finds any input that breaks it, any access outside
of memory and any overflow, or proves that there is none. With --mutants each harness is run on a
copy of src_c/ with a planted fault, and must find it. CBMC is taken from the path, or from a Debian
sid in a folder, which is made once and needs root. docs/explanation/assurance.md says what follows.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.helpers import ROOT
from tests.reach.commands import UnavailableError
from tests.reach.tool import Tool, get_tool

FOLDER = Path(__file__).parent
CHECKS = (
    "--bounds-check",
    "--pointer-check",
    "--pointer-overflow-check",
    "--signed-overflow-check",
    "--undefined-shift-check",
    "--unwinding-assertions",
    "--object-bits",
    "12",
)
OTHER_SOURCES = ("header.c", "close.c", "utf8.c")
MEMORY = 8 * 2**30
"""Bytes that one proof may take."""


class Proof(NamedTuple):
    loops: int
    """How often a loop may go round: as often as it does, which CBMC proves too."""
    cases: tuple[tuple[str, ...], ...] = ((),)
    """Macros; each case is a proof of its own."""
    mutant: tuple[str, str, str] = ("", "", "")
    """A fault that it must find: a file of src_c/, what is there, and what is planted."""


PROOFS = {
    "header_parse": Proof(
        17, mutant=("header.c", "if (length < 2 + bytes)", "if (length < 1 + bytes)")
    ),
    "header_check": Proof(8, mutant=("header.c", "~rsv_allowed", "(rsv_allowed ^ 6)")),
    "header_whole_message": Proof(
        17,
        mutant=(
            "header.c",
            "length - size < header->payload_length",
            "length - size + 1 < header->payload_length",
        ),
    ),
    "header_write": Proof(
        17, mutant=("header.c", "length <= MAX_LENGTH_16 ? 2 : 8", "length < MAX_LENGTH_16 ? 2 : 8")
    ),
    "mask": Proof(
        82,
        tuple((f"LENGTH={length}",) for length in range(1, 81)),
        ("kernels_portable.c", "dst[i] = src[i] ^ key[i & 3];", "dst[i] = src[i] ^ key[i & 1];"),
    ),
    "mask_pieces": Proof(
        22, mutant=("fastframe.h", "key[(offset + i) & 3]", "key[(offset * 3 + i) & 3]")
    ),
    "mask_ascii": Proof(26, mutant=("kernels_portable.c", "seen < 0x80", "seen <= 0x80")),
    "utf8_feed": Proof(10, mutant=("utf8.h", "state->high = 0x9F", "state->high = 0xA0")),
    "utf8_feed_words": Proof(
        20,
        mutant=(
            "kernels_portable.c",
            "if (state->missing == 0) {",
            "if (state->missing <= 1) {",
        ),
    ),
    "utf8_unmask": Proof(
        10, mutant=("kernels_portable.c", "(dst[i] & 0xC0) != 0x80", "(dst[i] & 0xC0) != 0xC0")
    ),
    "utf8_from": Proof(
        10,
        tuple((f"WIDTH={width}", f"COUNT={count}") for width in (1, 2, 4) for count in (1, 2, 3)),
        ("utf8.h", "(c >= 0xD800 && c <= 0xDFFF)", "(c > 0xD800 && c <= 0xDFFF)"),
    ),
    "close_parse": Proof(10, mutant=("close.c", "code <= 1014", "code <= 1015")),
}


def sources(cbmc: Tool) -> Path:
    """A new folder with src_c/ and the harnesses."""
    folder = cbmc.new_folder()
    for source in (*(ROOT / "src_c").glob("*.[ch]"), *FOLDER.glob("*.[ch]")):
        shutil.copy(source, folder)
    return folder


def run(cbmc: Tool, folder: Path, name: str, case: tuple[str, ...]) -> tuple[bool, str]:
    """Whether it is proved, and what CBMC says."""
    inside = cbmc.inside(folder)
    command = cbmc.command(
        *("cbmc", "-I", str(inside), *CHECKS, "--unwind", str(PROOFS[name].loops)),
        *(f"-D{definition}" for definition in case),
        *(str(inside / file) for file in (f"{name}.c", *OTHER_SOURCES)),
    )
    result = subprocess.run(
        ["prlimit", f"--as={MEMORY}", *command], capture_output=True, text=True, check=False
    )
    found = result.stdout.strip().splitlines() or result.stderr.strip().splitlines() or [""]
    if found[-1] == "VERIFICATION SUCCESSFUL":
        return True, f"{sum('SUCCESS' in line for line in found)} checks"
    failures = [line for line in found if line.endswith("FAILURE")]
    if found[-1] != "VERIFICATION FAILED" or not failures:
        raise RuntimeError(f"{name}: CBMC has not come to an end: {found[-1]}")
    return False, failures[0]


def prove(cbmc: Tool, name: str) -> str:
    """Of all its cases; RuntimeError if one is not proved."""
    started = time.monotonic()
    folder = sources(cbmc)
    try:
        for case in PROOFS[name].cases:
            proved, found = run(cbmc, folder, name, case)
            if not proved:
                raise RuntimeError(f"{name} {' '.join(case)}: {found}")
    finally:
        shutil.rmtree(folder)
    cases = f"{len(PROOFS[name].cases)} cases, " if len(PROOFS[name].cases) > 1 else ""
    return f"{name:22} proved: {cases}{found}, {time.monotonic() - started:.0f} s"


def find_the_mutant(cbmc: Tool, name: str) -> str:
    """RuntimeError if a planted fault is not found."""
    folder = sources(cbmc)
    file, there, planted = PROOFS[name].mutant
    text = (folder / file).read_text()
    if text.count(there) != 1:
        raise RuntimeError(f"{name}: {there!r} is {text.count(there)} times in {file}")
    (folder / file).write_text(text.replace(there, planted))
    try:
        for case in PROOFS[name].cases:
            proved, found = run(cbmc, folder, name, case)
            if not proved:
                return f"{name:22} finds {planted!r} in {file}: {found}"
    finally:
        shutil.rmtree(folder)
    raise RuntimeError(f"{name} does not find {planted!r} in {file}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("proofs", nargs="*", metavar="PROOF", help=", ".join(PROOFS))
    parser.add_argument("--mutants", action="store_true", help="on a copy with a planted fault")
    arguments = parser.parse_args()
    try:
        cbmc = get_tool("cbmc", "cbmc")
    except UnavailableError as reason:
        print(f"not proved: CBMC is not to be had here: {reason}")
        return 0
    do = find_the_mutant if arguments.mutants else prove
    failed = False
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        running = [pool.submit(do, cbmc, name) for name in arguments.proofs or PROOFS]
        for future in running:
            try:
                print(future.result(), flush=True)
            except RuntimeError as error:
                print(error, flush=True)
                failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
