from libc.stdint cimport uint64_t

from fastframe._codec.capi cimport ff_role, ff_status


# The ProtocolError of a broken rule, and raising it unless the status is FF_OK: the only place
# where a C status becomes an exception.
cdef object protocol_error(ff_status status)
cdef int raise_status(ff_status status) except -1

# What callers give. A number from `smallest` to `largest`, True or False, a role as the C library
# spells it, an Agreement or None: TypeError or ValueError that names the parameter if it is
# something else.
cdef uint64_t number_from(str name, object value, uint64_t smallest, uint64_t largest) except? 0
cdef bint flag_from(str name, object value) except -1
cdef ff_role role_from(str class_name, object role) except *
cdef object agreement_from(object deflate)

# TypeError, as Python words it for a function called `name`, if there is more than one positional
# argument, or a keyword that is neither "role" nor in `keywords`.
cdef int check_call(str name, tuple keywords, tuple arguments, dict given) except -1

# The exception for a call out of turn.
cdef object invalid_state(str message)

# InvalidState for a call on an object in the middle of another one: see turns.pxd.
