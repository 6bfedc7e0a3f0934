"""What Cython 3.3 makes of a module with a state for each interpreter, mended.

Each mend is a few lines of the generated C, found by their exact text, that call functions of
`fastframe/_cpython/module_state.h`. With another Cython, or if a text is not found, no mend is
made, and the build goes on without module state: see `cythonized`.

docs/explanation/decisions/module-state.md says why there is module state;
docs/explanation/decisions/cython-reports.md has, for each fault, the smallest module that shows it
and where Cython's developers discuss it.
"""

from __future__ import annotations

import os
import re
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import Cython
from Cython.Build import cythonize
from setuptools import Extension


@dataclass(frozen=True)
class Mend:
    cython_does: str
    texts: tuple[tuple[str, str], ...]
    """What is generated, and what stands there afterwards."""


MENDS = (
    Mend(
        "looks up a module past the end of its table, where memory may say anything (report 1)",
        (
            (
                "if (found && found->id == interpreter_id)",
                "if (found && found < data->table + data->count && found->id == interpreter_id)",
            ),
            (
                "        if (lower_bound->id != interpreter_id) goto done;\n",
                "        if (lower_bound == data->table + data->count || lower_bound->id != "
                "interpreter_id) goto done;\n",
            ),
        ),
    ),
    Mend(
        "removes a module from a table that is not there (report 1)",
        (
            (
                "    if (data->interpreter_id_as_index) {\n        if (interpreter_id < "
                "data->count) {\n            data->table[",
                "    if (!data) goto done;\n"
                "    if (data->interpreter_id_as_index) {\n        if (interpreter_id < "
                "data->count) {\n            data->table[",
            ),
        ),
    ),
    Mend(
        "keeps a reference to the module for good (report 2)",
        (
            (
                "int pystate_addmodule_run = 0;\n",
                "int pystate_addmodule_run = 0, ff_is_held = 0;\n",
            ),
            (
                "pystate_addmodule_run = 1;\n",
                "pystate_addmodule_run = 1;\n    ff_is_held = "
                "ff_module_added(__pyx_pyinit_module);\n",
            ),
            (
                "    #else\n    Py_DECREF(__pyx_m);\n    if (pystate_addmodule_run) {\n",
                "    #else\n"
                "    ff_module_forget(__pyx_pyinit_module);\n"
                "    if (!ff_is_held) Py_DECREF(__pyx_pyinit_module);\n"
                "    if (pystate_addmodule_run) {\n",
            ),
            (
                "    PyObject *module = NULL, *moddict, *modname;\n    CYTHON_UNUSED_VAR(def);\n",
                "    PyObject *module = NULL, *moddict, *modname;\n    CYTHON_UNUSED_VAR(def);\n"
                "    #if CYTHON_USE_MODULE_STATE\n"
                "    ff_module_asked_for();\n"
                "    switch (ff_module_is_of_the_past(__Pyx_State_FindModule(NULL))) {\n"
                "    case -1: return NULL;\n"
                "    case 1:\n"
                "      ff_module_forget(__Pyx_State_FindModule(NULL));\n"
                "      __Pyx_State_RemoveModule(NULL);\n"
                "    }\n"
                "    #endif\n",
            ),
        ),
    ),
    Mend(
        "removes the module of a second import, when that of a first one, which failed, is "
        "cleared (report 3)",
        (
            (
                "  #if CYTHON_PEP489_MULTI_PHASE_INIT\n  __Pyx_State_RemoveModule(NULL);\n",
                "  #if CYTHON_PEP489_MULTI_PHASE_INIT\n"
                "  if (__Pyx_State_FindModule(NULL) == m) __Pyx_State_RemoveModule(NULL);\n"
                "  ff_module_forget(m);\n",
            ),
        ),
    ),
    Mend(
        "frees a module and not its state, where the collector has not cleared it before (report "
        "4)",
        (
            (
                "/* #### Code section: module_state_traverse ### */\n#if CYTHON_USE_MODULE_STATE\n",
                "/* #### Code section: module_state_traverse ### */\n#if CYTHON_USE_MODULE_STATE\n"
                "static void ff_module_free(void *m) {\n"
                "  __pyx_mstatetype *state = __Pyx_PyModule_GetState((PyObject *)m);\n"
                "  if (state != NULL && state->__pyx_d != NULL) __pyx_m_clear((PyObject *)m);\n"
                "}\n",
            ),
            (
                "      __pyx_m_clear, /* m_clear */\n      NULL /* m_free */",
                "      __pyx_m_clear, /* m_clear */\n      ff_module_free /* m_free */",
            ),
        ),
    ),
    Mend(
        "writes twice to one counter for each constant that a function needs (report 5)",
        (
            (
                "static PyObject *__Pyx_State_FindModule(void*);\n",
                '#include "module_state.h"\nstatic PyObject *__Pyx_State_FindModule(void*);\n',
            ),
            (
                "static PyObject *__Pyx_State_FindModule(CYTHON_UNUSED void* dummy) {\n",
                "static PyObject *__Pyx_State_FindModuleInTable(void);\n"
                "static PyObject *__Pyx_State_FindModule(CYTHON_UNUSED void* dummy) {\n"
                "    PyObject *known = ff_module_known();\n"
                "    return likely(known != NULL) ? known : __Pyx_State_FindModuleInTable();\n"
                "}\n"
                "static PyObject *__Pyx_State_FindModuleInTable(void) {\n",
            ),
        ),
    ),
)
# When an instance is freed whose base is in another module, Cython asks its own module for it.
# At the end of an interpreter that module may have been cleared before (report 2): ask the type.
# What is between the three places stays.
FREED = re.compile(
    r"if \(PyType_IS_GC\(__pyx_mstate_global->\w+\)\) PyObject_GC_Track\(o\);"
    r"((?:(?!\n}\n).)*?__Pyx_call_next_tp_dealloc\(o, (\w+)\);(?:(?!\n}\n).)*?)"
    r"if \(!__Pyx_PyType_HasFeature\(__pyx_mstate_global->\w+, Py_TPFLAGS_HEAPTYPE\)\)",
    re.DOTALL,
)
FREED_MENDED = (
    r"if (ff_next_type_is_gc(o, \2)) PyObject_GC_Track(o);"
    r"\1if (0) /* with type specs the base is a heap type */"
)
ASKS_MODULE = "PyType_IS_GC(__pyx_mstate_global"

READ_IN = ("3", "3")
"""The version of Cython whose code around these texts was read. 3.2 has the same texts, and an
import that fails ends in a SystemError there."""

VERSION = zlib.crc32(repr((MENDS, FREED, FREED_MENDED)).encode())
MENDED = f"/* mended by mend_cython.py, {VERSION:08x} */\n"
OTHERWISE = "/* mended by mend_cython.py"

# Module state and types from specs, not C globals, so that each interpreter has its own. One
# without the other crashes: until 3.12 a garbage collection during the import would visit static
# types that are half made.
MACROS = [("CYTHON_USE_MODULE_STATE", "1"), ("CYTHON_USE_TYPE_SPECS", "1")]

WARNING = """\
fastframe: {why}, so it is built without module state.
    Everything works, but in the main interpreter only: an import in a subinterpreter is refused.
"""


def mended(text: str) -> str:
    """The C of a module, mended. ValueError if it is not the C that the mends are for."""
    if text.endswith(MENDED):
        return text
    for mend in MENDS:
        for before, after in mend.texts:
            if text.count(before) != 1:
                raise ValueError(
                    f"Cython {Cython.__version__} has {text.count(before)} times and not once: "
                    f"{before.strip()}"
                )
            text = text.replace(before, after)
    text = FREED.sub(FREED_MENDED, text)
    if ASKS_MODULE in text:
        raise ValueError(f"Cython {Cython.__version__} frees instances in another way")
    return text + MENDED


def forget_other_mends(build_dir: str | None) -> None:
    """Removes what was mended by another version of this file, so that it is generated again."""
    for path in Path(build_dir or "fastframe").rglob("*.c"):
        text = path.read_text(encoding="utf-8", errors="replace")
        if OTHERWISE in text[-100:] and not text.endswith(MENDED):
            path.unlink()


def mend(paths: list[Path]) -> str | None:
    """Mends all the files, or none: then says why not."""
    if tuple(Cython.__version__.split(".")[:2]) != READ_IN:
        return f"Cython {Cython.__version__} is not {'.'.join(READ_IN)}, which its mends are for"
    try:
        texts = [mended(path.read_text(encoding="utf-8")) for path in paths]
    except ValueError as error:
        return str(error)
    for path, text in zip(paths, texts):
        if path.read_text(encoding="utf-8") != text:  # else it would be compiled again
            path.write_text(text, encoding="utf-8")
    return None


def cythonized(
    extensions: Callable[[], list[Extension]], directives: dict[str, object], build_dir: str | None
) -> list[Extension]:
    """What Cython makes of the extensions: with a state for each interpreter, or where that cannot
    be had, without one.

    FASTFRAME_MODULE_STATE=0 asks for the latter.
    """
    wanted = os.environ.get("FASTFRAME_MODULE_STATE") != "0"
    why = "FASTFRAME_MODULE_STATE=0 is set"
    if wanted:
        forget_other_mends(build_dir)
        made = list(
            cythonize(
                extensions(),
                compiler_directives={**directives, "subinterpreters_compatible": "own_gil"},
                build_dir=build_dir,
            )
        )
        refused = mend([Path(extension.sources[0]) for extension in made])
        if refused is None:
            for extension in made:
                extension.define_macros += MACROS
            return made
        why = refused
    sys.stderr.write(WARNING.format(why=why))
    plain = build_dir and f"{build_dir}-plain"  # a folder of its own, as only times are compared
    return list(
        cythonize(
            extensions(),
            compiler_directives={**directives, "subinterpreters_compatible": "no"},
            build_dir=plain,
            force=plain is None,
        )
    )
