# The base of iterators that have all methods of a generator.
cdef class GeneratorShape:
    cdef bint _begun  # __next__ was called

    # Raises the exception that `throw` was given; what has ended stays so.
    cdef object _throw(self, error)
    # The same, after it has ended.
    cdef int _end_with(self, error) except -1
    cdef bint _has_ended(self) noexcept
