"""The extension modules, and what follows from the repository's address. Everything that is static
is in pyproject.toml."""

import json
import os
import shutil
import sys
import sysconfig
from glob import glob
from pathlib import Path

import Cython
from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

sys.path.insert(0, str(Path(__file__).parent))  # which the build backend leaves out
from mend_cython import cythonized
from repository import project_urls, readme

DIRECTIVES = {
    "language_level": 3,
    "auto_pickle": False,
    "autotestdict": False,
    "freethreading_compatible": True,  # see docs/explanation/threads.md
    # Functions of C, as CPython makes them: those of Cython are objects whose reference count
    # threads would wait for at each call. Their signatures are in the docstrings, where inspect
    # finds them.
    "binding": False,
    "embedsignature": True,
    "embedsignature.format": "clinic",
}

MSVC = sysconfig.get_platform().startswith("win")

# FASTFRAME_COVERAGE=1 traces lines of Cython; FASTFRAME_SANITIZE=address,undefined checks memory.
COVERAGE = os.environ.get("FASTFRAME_COVERAGE") == "1"
SANITIZE = os.environ.get("FASTFRAME_SANITIZE", "")

MACROS = [("CYTHON_TRACE", "1")] if COVERAGE else []
if SANITIZE:
    MACROS.append(("FASTFRAME_CHECK_TURNS", "1"))  # see _cpython/turns.h


# Every instruction set is compiled into every build; files of another architecture are empty.
KERNELS = [f"kernels_{name}" for name in ("portable", "sse41", "avx2", "avx512", "neon")]


# Modules that no message passes through are compiled for size, those that few messages pass through
# with less inlining. See docs/decisions/wheel-size.md.
LESS_SPEED = {
    "-Os": ("checks", "control_frames", "generator_shape", "_names", "api", "tally"),
    "-O2": ("inflater", "deflater", "wsaccel", "frame_table", "masking_keys"),
}
LINUX = sys.platform == "linux"


def optimization(name):
    module = name.rpartition(".")[2]
    return next((level for level, modules in LESS_SPEED.items() if module in modules), "-O3")


def compile_args(name):
    if MSVC:
        return ["/O2", "/std:c11"]
    if SANITIZE:
        return ["-O1", "-g", "-std=c11", "-fno-omit-frame-pointer", f"-fsanitize={SANITIZE}"]
    # Symbols of a debugger would be four fifths of a wheel; FASTFRAME_DEBUG=1 keeps them.
    return [
        optimization(name),
        "-std=c11",
        "-fvisibility=hidden",
        *(["-g"] if DEBUG else ["-g0"]),
        # The linker drops what no module calls; calls of CPython take no detour.
        *(["-ffunction-sections", "-fdata-sections", "-fno-plt"] if LINUX else []),
    ]


def link_args():
    if SANITIZE:
        return [f"-fsanitize={SANITIZE}"]
    return ["-Wl,--gc-sections", *([] if DEBUG else ["-Wl,-s"])] if LINUX else []


DEBUG = os.environ.get("FASTFRAME_DEBUG") == "1"


def extension(name, *sources):
    return Extension(
        f"fastframe.{name}",
        sources=[
            f"fastframe/{name.replace('.', '/')}.pyx",
            *(f"src_c/{source}.c" for source in sources),
        ],
        include_dirs=["src_c", "fastframe/_codec", "fastframe/_cpython", "fastframe/include"],
        depends=glob("src_c/*.h") + glob("fastframe/**/*.h", recursive=True),
        extra_compile_args=compile_args(name),
        extra_link_args=link_args(),
        define_macros=[*MACROS],
    )


class BuildExt(build_ext):
    """Also puts fastframe.h where `fastframe.get_include` says."""

    def run(self):
        super().run()
        folder = Path(self.get_ext_fullpath("fastframe._codec.api")).parents[1] / "include"
        folder.mkdir(exist_ok=True)
        shutil.copy("src_c/fastframe.h", folder)


class BdistWheel(bdist_wheel):
    """Also says what is in the wheel, as PEP 770 has it."""

    def write_wheelfile(self, wheelfile_base, *args, **more):
        super().write_wheelfile(wheelfile_base, *args, **more)
        folder = Path(wheelfile_base, "sboms")
        folder.mkdir(exist_ok=True)
        text = json.dumps(bill_of_materials(self.distribution.metadata.version), indent=1)
        (folder / "fastframe.cdx.json").write_text(text + "\n", encoding="utf-8")


def bill_of_materials(version):
    """In CycloneDX: of others' code there is what Cython puts into each extension module. No date
    and no number of its own, so that two builds are the same."""

    def component(name, version, licence):
        purl = f"pkg:pypi/{name}@{version}"
        found = {"type": "library", "bom-ref": purl, "name": name, "version": version}
        return {**found, "licenses": [{"license": {"id": licence}}], "purl": purl}

    fastframe = component("fastframe", version, "MIT")
    cython = component("cython", Cython.__version__, "Apache-2.0")
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": fastframe},
        "components": [cython],
        "dependencies": [{"ref": fastframe["purl"], "dependsOn": [cython["purl"]]}],
    }


def extensions():
    return [
        # The one table of kernels is in _kernels; the others reach it there.
        extension("_codec.kernels", "header", "dispatch", "utf8", "shuffle_tables", *KERNELS),
        extension("_codec.checks", "status"),
        extension("_codec.control_frames"),
        extension("_codec.receive_buffer"),
        extension("_codec.message_assembler", "utf8"),
        extension("_codec.inflater"),
        extension("_codec.deflater"),
        extension("_codec.masking_keys"),
        extension("_codec.prepared", "status", "header"),
        extension("_codec.tally"),
        extension("_codec.wsaccel", "header"),
        extension("_codec.frame_table", "header"),
        extension("_codec.whole_frames", "status", "header", "utf8"),
        extension("_codec.message_reader", "header", "close", "utf8"),
        extension("_codec.decoder"),
        extension("_codec.encoder", "status", "header", "close"),
        extension("_codec.api", "status", "header", "close", "utf8"),
        extension("wsproto._events"),
        extension("wsproto._names"),
        extension("wsproto._frame_decoder", "header", "utf8"),
        extension("_cpython.generator_shape"),
        extension("wsproto._frame_protocol", "status", "header", "utf8"),
        extension("wsproto._connection"),
        extension("websockets._frames", "status", "header", "utf8"),
    ]


setup(
    long_description=readme(),
    long_description_content_type="text/markdown",
    project_urls=project_urls(),
    cmdclass={"build_ext": BuildExt, "bdist_wheel": BdistWheel},
    ext_modules=cythonized(
        extensions,
        DIRECTIVES | ({"linetrace": True} if COVERAGE else {}),
        # Out of the way, except for coverage's plugin, which looks for C beside Cython.
        build_dir=None if COVERAGE else "build/cython",
    ),
)
