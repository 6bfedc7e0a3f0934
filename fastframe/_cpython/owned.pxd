# New objects without the reference that Cython takes and drops for each variable that holds one.
#
# Since CPython 3.12 taking one stores 32 bits and dropping one loads 64, which a CPU cannot forward
# from one to the other: each such pair costs some 4 ns, and a text of 20 bytes would have four of
# them. So on the hot paths a new object is a `PyObject *`, with one reference that somebody has to
# take over; nothing that may raise comes before that.
from cpython.object cimport PyObject


cdef extern from *:
    """
    #define ff_owned(reference) (reference)
    """
    # The object, whose reference is taken over by the expression.
    object ff_owned(PyObject *reference)


cdef extern from "Python.h":
    PyObject *ff_new_bytes "PyBytes_FromStringAndSize"(
        const char *nothing, Py_ssize_t size
    ) except NULL
    char *ff_bytes_data "PyBytes_AS_STRING"(PyObject *data) noexcept
    PyObject *ff_new_str "PyUnicode_New"(Py_ssize_t size, Py_UCS4 largest) except NULL
    void *ff_str_data "PyUnicode_DATA"(PyObject *text) noexcept
    bint ff_str_is_ascii "PyUnicode_IS_COMPACT_ASCII"(PyObject *text) noexcept
    void ff_drop "Py_DECREF"(PyObject *reference) noexcept
