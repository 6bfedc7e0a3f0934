# cython: language_level=3
"""From messages to their compressed payload (RFC 7692, 7.2.1); the compression itself is the
back-end's."""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memcmp

from fastframe._codec.chunk cimport DEFLATE_TAIL_SIZE


cdef extern from *:
    """
    #ifdef __GLIBC__
    #include <malloc.h>
    static int ff_return_free_memory(void) { return malloc_trim(0); }
    #else
    static int ff_return_free_memory(void) { return 0; }
    #endif
    """
    int ff_return_free_memory() nogil


def return_free_memory():
    """Gives the memory that is free inside this process back to the system, where that is known
    how: with glibc. True if there was some."""
    with nogil:
        returned = ff_return_free_memory()
    return returned != 0


cdef object backend(name):
    from fastframe.deflate import backend_module  # here, as it takes long to import

    return backend_module(name)


cdef bint ends_with_tail(const char *data, Py_ssize_t size) noexcept:
    return size >= DEFLATE_TAIL_SIZE and memcmp(
        data + size - DEFLATE_TAIL_SIZE, b"\x00\x00\xff\xff", DEFLATE_TAIL_SIZE
    ) == 0


cdef bytes compressed(object stream, object flush_mode, bytes data, bint last):
    cdef bytes content, flushed
    content = stream.compress(data)
    if content is None:
        raise TypeError("compress() must return bytes, not None")
    if not last:
        return content
    flushed = stream.flush(flush_mode)
    if flushed is None:
        raise TypeError("flush() must return bytes, not None")
    return content + flushed if PyBytes_GET_SIZE(content) else flushed


cdef bytes without_tail(bytes content):
    cdef Py_ssize_t size = PyBytes_GET_SIZE(content)
    if ends_with_tail(PyBytes_AS_STRING(content), size):
        size -= DEFLATE_TAIL_SIZE
    # A stream that has nothing new to say says nothing at all, but a message needs a block:
    # 7.2.3.6.
    return PyBytes_FromStringAndSize(PyBytes_AS_STRING(content), size) if size else b"\x00"


cdef bytes deflated_alone(object module, tuple arguments, bytes data):
    return without_tail(compressed(module.compressobj(*arguments), module.Z_SYNC_FLUSH, data, True))


@cython.final
cdef class Deflater:
    def __cinit__(self, agreement, bint by_client):
        settings = agreement.settings
        self.module = backend(settings.backend)
        self.threshold = settings.threshold
        self._no_context_takeover = (
            agreement.client_no_context_takeover if by_client
            else agreement.server_no_context_takeover
        )
        bits = agreement.client_max_window_bits if by_client else agreement.server_max_window_bits
        level = self.module.Z_DEFAULT_COMPRESSION if settings.level is None else settings.level
        self.arguments = (level, self.module.DEFLATED, -bits, settings.memory_level)

    cdef bytes deflate(self, bytes data, bint last):
        cdef bytes content
        if self._stream is None:
            self._stream = self.module.compressobj(*self.arguments)
        content = compressed(self._stream, self.module.Z_SYNC_FLUSH, data, last)
        if not last:
            return content
        if self._no_context_takeover:
            self._stream = None
        return without_tail(content)

    cdef void forget(self) noexcept:
        self._stream = None
