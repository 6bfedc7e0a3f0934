# Masking keys for the frames of a client (RFC 6455, 5.3 and 10.3).
from libc.stdint cimport uint8_t

cdef enum:
    # bytes: 128 keys for one system call; a larger pool gains little (10 ns a key here, 8 with 4
    # KiB)
    POOL_SIZE = 512


cdef class KeyPool:
    cdef object _source
    cdef uint8_t _pool[POOL_SIZE]
    cdef size_t _left
    cdef unsigned long _generation

    # Writes a fresh masking key of four bytes.
    cdef int take(self, uint8_t *key) except -1
    cdef int _refill(self) except -1
    cdef int _ask_source(self, uint8_t *key) except -1
