from libc.stdint cimport uint32_t


cdef class PayloadFrame:
    cdef readonly bytes payload


cdef class Ping(PayloadFrame):
    pass


cdef class Pong(PayloadFrame):
    pass


cdef class Close:
    cdef readonly uint32_t code
    cdef readonly str reason


cdef Ping new_ping(bytes payload)
cdef Pong new_pong(bytes payload)
cdef Close new_close(uint32_t code, str reason)
