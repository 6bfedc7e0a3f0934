# The state of permessage-deflate (RFC 7692) in one direction, on a compression library with zlib's interface.
cimport cython


@cython.final
cdef class Inflater:
    cdef object _module
    cdef int _window_bits
    cdef bint _forgets      # its window after each message
    cdef object _stream     # None where a message begins with an empty window
    cdef bytes _input       # what was fed and is not consumed
    cdef bytes _last        # the last piece of this message
    cdef bint _fresh        # a stream has ended in mid-message, and nothing has come since
    cdef bint _more         # the last piece was as large as it could be

    cdef void feed(self, bytes data) noexcept

    # The next piece of what was fed, of at most `room` bytes; None if there is none. ValueError if the stream is corrupt.
    cdef bytes take(self, size_t room)

    cdef void end_message(self) noexcept
    cdef int _begin_another_stream(self, bytes piece) except -1


@cython.final
cdef class Deflater:
    cdef readonly size_t threshold
    cdef object _module
    cdef tuple _arguments   # of compressobj
    cdef bint _forgets
    cdef object _stream

    # The compressed payload of one fragment; of the last one without the four bytes that 7.2.1 leaves out.
    cdef bytes deflate(self, bytes data, bint last)
