"""The extension modules, and what depends on the repository's address; everything that is static is in pyproject.toml."""

import os
import re
import shutil
import sys
import sysconfig
from glob import glob
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

# The address of the repository, as soon as there is one: the links of the package and those of its README are made from it.
REPOSITORY = ""

DIRECTIVES = {
    "language_level": 3,
    "auto_pickle": False,
    "autotestdict": False,
    "freethreading_compatible": True,  # see docs/threads.md
    "subinterpreters_compatible": "own_gil",
    # Functions of C, as CPython makes them: those of Cython are objects whose reference count threads would wait for at each call. Their
    # signatures are in the docstrings, where inspect finds them.
    "binding": False,
    "embedsignature": True,
    "embedsignature.format": "clinic",
}

MSVC = sysconfig.get_platform().startswith("win")

# FASTFRAME_COVERAGE=1 traces lines of Cython; FASTFRAME_SANITIZE=address,undefined checks memory.
COVERAGE = os.environ.get("FASTFRAME_COVERAGE") == "1"
SANITIZE = os.environ.get("FASTFRAME_SANITIZE", "")

# Module state and types from specs, not C globals, so that subinterpreters can each have their own. One without the
# other crashes: until 3.12 a garbage collection during the import would visit static types that are half made.
MACROS = [("CYTHON_USE_MODULE_STATE", "1"), ("CYTHON_USE_TYPE_SPECS", "1")]
if COVERAGE:
    MACROS.append(("CYTHON_TRACE", "1"))


# Every instruction set is compiled into every build; files of another architecture are empty.
KERNELS = [f"kernels_{name}" for name in ("portable", "sse41", "avx2", "avx512", "neon")]


def compile_args():
    if MSVC:
        return ["/O2", "/std:c11"]
    if SANITIZE:
        return ["-O1", "-g", "-std=c11", "-fno-omit-frame-pointer", f"-fsanitize={SANITIZE}"]
    # Symbols of a debugger would be four fifths of a wheel; FASTFRAME_DEBUG=1 keeps them.
    return ["-O3", "-std=c11", "-fvisibility=hidden", *(["-g"] if DEBUG else ["-g0"])]


def link_args():
    if SANITIZE:
        return [f"-fsanitize={SANITIZE}"]
    return ["-Wl,-s"] if sys.platform == "linux" and not DEBUG else []


DEBUG = os.environ.get("FASTFRAME_DEBUG") == "1"


def extension(name, *sources):
    return Extension(
        f"fastframe.{name}",
        sources=[f"fastframe/{name.replace('.', '/')}.pyx", *(f"src_c/{source}.c" for source in sources)],
        include_dirs=["src_c", "fastframe/_codec", "fastframe/_cpython", "fastframe/include"],
        depends=glob("src_c/*.h") + glob("fastframe/**/*.h", recursive=True),
        extra_compile_args=compile_args(),
        extra_link_args=link_args(),
        define_macros=MACROS,
    )


# What Cython 3.3 makes of a module with a state for each interpreter, mended: docs/decisions/module-state.md says why.
MENDS = [
    (  # a look-up past the end of the table of interpreters, where memory may say anything
        "if (found && found->id == interpreter_id)",
        "if (found && found < data->table + data->count && found->id == interpreter_id)",
    ),
    (  # a reference to the module that nobody gives back: the interpreter's dict holds it, until its last garbage collection
        "pystate_addmodule_run = 1;\n",
        "pystate_addmodule_run = 1;\n"
        "    int __pyx_is_main = PyInterpreterState_Get() == PyInterpreterState_Main();\n"
        "    if (__pyx_is_main) __Pyx_State_SetMainModule(__pyx_pyinit_module);\n"
        "    {\n"
        "      PyObject *interpreter = PyInterpreterState_GetDict(PyInterpreterState_Get());\n"
        "      const char *name = PyModule_GetName(__pyx_pyinit_module);\n"
        "      if (interpreter != NULL && name != NULL && PyDict_SetItemString(interpreter, name, __pyx_pyinit_module) == 0) {\n"
        "        if (!__pyx_is_main) { __pyx_is_held = 1; Py_DECREF(__pyx_pyinit_module); }\n"
        "      } else PyErr_Clear();\n"
        "    }\n",
    ),
    (  # the state of another module, where an import is tried again after it has failed
        "  #if CYTHON_PEP489_MULTI_PHASE_INIT\n  __Pyx_State_RemoveModule(NULL);\n",
        "  #if CYTHON_PEP489_MULTI_PHASE_INIT\n  if (__Pyx_State_FindModule(NULL) == m) __Pyx_State_RemoveModule(NULL);\n",
    ),
    (  # the module of a main interpreter that has ended, in a program that embeds CPython: that of this one is in its dict
        "    PyObject *module = NULL, *moddict, *modname;\n    CYTHON_UNUSED_VAR(def);\n",
        "    PyObject *module = NULL, *moddict, *modname;\n    CYTHON_UNUSED_VAR(def);\n"
        "    #if CYTHON_USE_MODULE_STATE\n"
        "    if (__Pyx_State_FindModule(NULL) != NULL && PyInterpreterState_Get() == PyInterpreterState_Main()) {\n"
        "      PyObject *interpreter = PyInterpreterState_GetDict(PyInterpreterState_Get());\n"
        '      PyObject *name = PyObject_GetAttrString(spec, "name");\n'
        "      if (name == NULL) return NULL;\n"
        "      if (interpreter != NULL && PyDict_GetItem(interpreter, name) != __Pyx_State_FindModule(NULL)) {\n"
        "        __Pyx_State_SetMainModule(NULL);\n"
        "        __Pyx_State_RemoveModule(NULL);\n"
        "      }\n"
        "      Py_DECREF(name);\n"
        "    }\n"
        "    #endif\n",
    ),
    ("int pystate_addmodule_run = 0;\n", "int pystate_addmodule_run = 0, __pyx_is_held = 0;\n"),
    (
        "    #else\n    Py_DECREF(__pyx_m);\n    if (pystate_addmodule_run) {\n",
        "    #else\n"
        "    if (!__pyx_is_held) Py_DECREF(__pyx_m);\n"
        "    if (pystate_addmodule_run && PyInterpreterState_Get() == PyInterpreterState_Main()) __Pyx_State_SetMainModule(NULL);\n"
        "    if (pystate_addmodule_run) {\n",
    ),
    (  # a state that is left as it is where the module is freed without the collector's having cleared it
        "/* #### Code section: module_state_traverse ### */\n#if CYTHON_USE_MODULE_STATE\n",
        "/* #### Code section: module_state_traverse ### */\n#if CYTHON_USE_MODULE_STATE\n"
        "static void __pyx_m_free(void *m) {\n"
        "  __pyx_mstatetype *state = __Pyx_PyModule_GetState((PyObject *)m);\n"
        "  if (state != NULL && state->__pyx_d != NULL) __pyx_m_clear((PyObject *)m);\n"
        "}\n",
    ),
    (
        "      __pyx_m_clear, /* m_clear */\n      NULL /* m_free */",
        "      __pyx_m_clear, /* m_clear */\n      __pyx_m_free /* m_free */",
    ),
    (  # two writes to one counter for each look-up, for which threads would wait in line; the main interpreter's state needs none
        "static PyObject *__Pyx_State_FindModule(void*);\n",
        "static PyObject *__Pyx_State_FindModule(void*);\nstatic void __Pyx_State_SetMainModule(PyObject *);\n",
    ),
    (
        "static PyObject *__Pyx_State_FindModule(CYTHON_UNUSED void* dummy) {\n",
        "#if CYTHON_MODULE_STATE_LOOKUP_THREAD_SAFE\n"
        "static __pyx_atomic_ptr_type __Pyx_State_main_module;\n"
        "static void __Pyx_State_SetMainModule(PyObject *module) {\n"
        "    (void)__pyx_atomic_pointer_exchange(&__Pyx_State_main_module, module);\n"
        "}\n"
        "#else\n"
        "static void __Pyx_State_SetMainModule(CYTHON_UNUSED PyObject *module) {}\n"
        "#endif\n"
        "static PyObject *__Pyx_State_FindModule(CYTHON_UNUSED void* dummy) {\n"
        "#if CYTHON_MODULE_STATE_LOOKUP_THREAD_SAFE\n"
        "    PyObject *main_module = (PyObject *)__pyx_atomic_pointer_load_relaxed(&__Pyx_State_main_module);\n"
        "    if (likely(main_module && PyInterpreterState_Get() == PyInterpreterState_Main())) return main_module;\n"
        "#endif\n",
    ),
]
MENDED = "/* mended by setup.py */\n"


def mended(extensions):
    """The same, once Cython's C is mended. RuntimeError if it is not the C that the mends are for: look what became of it."""
    for path in [Path(extension.sources[0]) for extension in extensions]:
        text = path.read_text(encoding="utf-8")
        if text.endswith(MENDED):
            continue
        for before, after in MENDS:
            if text.count(before) != 1:
                raise RuntimeError(f"{path} has not once, but {text.count(before)} times: {before}")
            text = text.replace(before, after)
        path.write_text(text + MENDED, encoding="utf-8")
    return extensions


class BuildExt(build_ext):
    """Also puts fastframe.h where `fastframe.get_include` says."""

    def run(self):
        super().run()
        folder = Path(self.get_ext_fullpath("fastframe._codec.api")).parents[1] / "include"
        folder.mkdir(exist_ok=True)
        shutil.copy("src_c/fastframe.h", folder)


def readme():
    """README.md, whose links lead into the repository."""
    text = Path(__file__).with_name("README.md").read_text(encoding="utf-8")
    return re.sub(r"\]\((?!https?:|#)([^)]+)\)", rf"]({REPOSITORY}/blob/main/\1)", text) if REPOSITORY else text


def project_urls():
    pages = {
        "Source": "",
        "Changelog": "/blob/main/CHANGELOG.md",
        "Documentation": "/tree/main/docs",
        "Issues": "/issues",
    }
    return {name: REPOSITORY + page for name, page in pages.items()} if REPOSITORY else {}


setup(
    long_description=readme(),
    long_description_content_type="text/markdown",
    project_urls=project_urls(),
    cmdclass={"build_ext": BuildExt},
    ext_modules=mended(
        cythonize(
            [
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
                extension("_codec.wsaccel", "header"),
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
            ],
            compiler_directives=DIRECTIVES | ({"linetrace": True} if COVERAGE else {}),
            # Out of the way, except for coverage's plugin, which looks for C beside Cython.
            build_dir=None if COVERAGE else "build/cython",
        )
    ),
)
