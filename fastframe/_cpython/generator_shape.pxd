# The base of iterators that have all methods of a generator.
from fastframe._cpython.turns cimport ff_threads_turn


cdef class GeneratorShape:
    cdef ff_threads_turn _turn
    cdef bint _begun  # __next__ was called

    cdef bint _has_ended(self) noexcept
    cdef int _end(self) except -1


# The exception that a generator's throw raises for these arguments, with CPython's own errors and
# warning.
cdef object thrown(object kind, object value, object traceback)

# Raises what a generator raises that ends with `error`, which was thrown into it: it `had_ended`
# before, or had `begun`.
cdef int end_with(object error, bint had_ended, bint begun) except -1
