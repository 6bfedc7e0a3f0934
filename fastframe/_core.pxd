# What the other extension modules, and `cimport fastframe`, take from the core.
from libc.stdint cimport uint32_t, uint64_t

from fastframe._capi cimport ff_kernels, ff_role, ff_status


# The table of kernels in use. There is one table for the whole process, and it lives in this module.
cdef const ff_kernels *kernels() noexcept nogil

# A number from `smallest` to `largest`; TypeError or ValueError that names it if it is not.
cdef uint64_t number_from(str name, object value, uint64_t smallest, uint64_t largest) except? 0

# A role as the C library spells it; ValueError for anything but a Role.
cdef ff_role role_from(object role) except *

# The ProtocolError of a broken rule, and raising it unless the status is FF_OK: the only place where a C status becomes an
# exception.
cdef object protocol_error(ff_status status)
cdef int raise_status(ff_status status) except -1


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
