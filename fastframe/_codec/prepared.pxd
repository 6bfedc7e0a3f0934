# The frames of a prepared message: what all connections share.
from libc.stdint cimport uint8_t

from fastframe._codec.outbound cimport OutboundPayload


cdef class PreparedFrames:
    cdef readonly uint8_t opcode
    cdef readonly size_t size  # of the payload, uncompressed
    cdef bytes _plain
    cdef dict _deflated        # by what compressed it

    # A server's frame of `data`, the message itself. The same object each time.
    cdef bytes plain(self, object data)
    # The same compressed on its own by a compressor of `module` with these arguments.
    cdef bytes deflated(self, object data, object module, tuple arguments)

    cdef bytes _frame(self, bytes payload, uint8_t rsv)


# The frames of a prepared message; None for anything else.
cdef PreparedFrames frames_of(object data)

# What a server's frame carries; the frame must outlive it.
cdef OutboundPayload payload_of(bytes frame) noexcept
