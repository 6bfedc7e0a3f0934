# The state of permessage-deflate (RFC 7692) outbound, on a compression library with zlib's
# interface.
cimport cython


# The module of a back-end, by its name in `fastframe.deflate`.
cdef object backend(name)

# True if `data` ends with the empty block that ends each message and is not on the wire (7.2.1).
cdef bint ends_with_tail(const char *data, Py_ssize_t size) noexcept

# What a compressor makes of `data`, and with `last` of all that it still holds back. TypeError if
# that is not bytes.
cdef bytes compressed(object stream, object flush_mode, bytes data, bint last)


# The compressed payload of a whole message that refers to no other one, and is referred to by none.
cdef bytes deflated_alone(object module, tuple arguments, bytes data)


@cython.final
cdef class Deflater:
    cdef readonly size_t threshold
    cdef object module
    cdef tuple arguments   # of its compressobj
    cdef bint _no_context_takeover
    cdef object _stream

    # The compressed payload of one fragment; of the last one without the four bytes that 7.2.1
    # leaves out.
    cdef bytes deflate(self, bytes data, bint last)

    # What was deflated was not sent after all: the next message must not refer to it.
    cdef void forget(self) noexcept
