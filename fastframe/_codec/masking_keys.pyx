# cython: language_level=3
"""Masking keys from the operating system's cryptographic random numbers; no key is ever used
twice."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t
from libc.string cimport memcpy, memset

from fastframe._codec.capi cimport FF_MASKING_KEY_SIZE

import os


cdef extern from "forks.h":
    unsigned long ff_fork_generation()
    int ff_watch_forks()


if ff_watch_forks() != 0:
    raise ImportError("pthread_atfork failed, so masking keys could be used twice after a fork")


cdef class KeyPool:
    """Masking keys of four bytes, from os.urandom by the 128, or one by one from `source`.

    A key leaves the pool once, is wiped there, and never serves both a process and its fork.
    """

    def __cinit__(self, source=None):
        if source is not None and not callable(source):
            raise TypeError(f"masking_keys must be callable or None, not {type(source).__name__}")
        self._source = source
        self._left = 0

    cdef int take(self, uint8_t *key) except -1:
        cdef uint8_t *next_key
        if self._source is not None:
            return self._ask_source(key)
        if self._left == 0 or self._generation != ff_fork_generation():
            self._refill()
        next_key = self._pool + POOL_SIZE - self._left
        memcpy(key, next_key, FF_MASKING_KEY_SIZE)
        memset(next_key, 0, FF_MASKING_KEY_SIZE)
        self._left -= FF_MASKING_KEY_SIZE
        return 0

    cdef int _refill(self) except -1:
        cdef unsigned long generation = ff_fork_generation()
        cdef bytes random = os.urandom(POOL_SIZE)
        if len(random) != POOL_SIZE:
            raise ValueError(f"os.urandom({POOL_SIZE}) returned {len(random)} bytes")
        memcpy(self._pool, PyBytes_AS_STRING(random), POOL_SIZE)
        self._left = POOL_SIZE
        self._generation = generation
        return 0

    cdef int _ask_source(self, uint8_t *key) except -1:
        masking_key = self._source()
        if not isinstance(masking_key, bytes):
            raise TypeError(f"masking_keys must return bytes, not {type(masking_key).__name__}")
        if PyBytes_GET_SIZE(masking_key) != FF_MASKING_KEY_SIZE:  # a subclass may say what it likes
            raise ValueError(f"masking_keys must return 4 bytes, not {masking_key!r}")
        memcpy(key, PyBytes_AS_STRING(masking_key), FF_MASKING_KEY_SIZE)
        return 0
