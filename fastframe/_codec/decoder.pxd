# What the table for other extension modules (api.pyx) needs of a Decoder.
from libc.stdint cimport uint8_t

from fastframe._codec.message_reader cimport MessageReader


cdef class Decoder(MessageReader):
    # As `feed` does; the bytes are copied.
    cdef int feed_memory(self, const uint8_t *data, size_t length) except -1

    cdef object _lend(self, size_t size)
    cdef int _take_in(self, nbytes) except -1
    cdef size_t _missing_payload(self) noexcept
    cdef bint _can_receive_in_place(self) except -1
    cdef size_t _room_in_place(self) noexcept
    cdef int _refuse_if_finished(self) except -1
    cdef str _state_in_words(self)
