# C's names, unchanged: buffers.h has the contract.
cdef extern from "buffers.h":
    const char *FF_BYTES_LIKE
    const char *FF_STR_OR_BYTES_LIKE
    int ff_get_buffer(
        object data, Py_buffer *view, int flags, const char *name, const char *expected
    ) except -1
