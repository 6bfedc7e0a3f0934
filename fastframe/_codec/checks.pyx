# cython: language_level=3
"""Where a broken rule becomes an exception: one place for those of the peer, one for each kind of
argument of the caller."""

from cpython.long cimport PyLong_AsUnsignedLongLong, PyLong_CheckExact
from libc.stdint cimport uint64_t

from fastframe._codec.capi cimport (
    FF_CLIENT, FF_NEED_DATA, FF_OK, FF_SERVER, FF_STATUS_COUNT, ff_role, ff_status,
    ff_status_close_code, ff_status_rule, ff_status_text,
)

from fastframe._types import InvalidState, ProtocolError, Role


# ---- the peer ------------------------------------------------------------------------------------

# The short name of each rule, by the sentence that a ProtocolError says.
RULES = {
    ff_status_text(<ff_status>status).decode("ascii"):
        ff_status_rule(<ff_status>status).decode("ascii")
    for status in range(FF_NEED_DATA + 1, FF_STATUS_COUNT)
}


cdef object protocol_error(ff_status status):
    return ProtocolError(ff_status_close_code(status), ff_status_text(status).decode("ascii"))


cdef int raise_status(ff_status status) except -1:
    if status != FF_OK:
        raise protocol_error(status)
    return 0


# ---- the caller ----------------------------------------------------------------------------------

cdef uint64_t number_from(str name, object value, uint64_t smallest, uint64_t largest) except? 0:
    cdef uint64_t number
    if PyLong_CheckExact(value):
        try:
            number = PyLong_AsUnsignedLongLong(value)
            if smallest <= number <= largest:
                return number
        except OverflowError:
            pass
    return _number_from(name, value, smallest, largest)


def _number_from(name, value, smallest, largest):
    """The same for the Python modules, and for numbers below zero."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an int, not {type(value).__name__}")
    number = int.__index__(value)  # a subclass of int may compare as it likes
    if smallest <= number <= largest:
        return number
    raise ValueError(f"{name} must be from {smallest} to {largest}, not {value}")


cdef bint flag_from(str name, object value) except -1:
    if value is not True and value is not False:
        raise TypeError(f"{name} must be True or False, not {_article_and_type(value)}")
    return value is True


def _flag_from(name, value):
    """For the Python modules: see flag_from in checks.pxd."""
    return flag_from(name, value)


def _article_and_type(value):
    return "None" if value is None else type(value).__name__


cdef object agreement_from(object deflate):
    if deflate is None:
        return None
    from fastframe.deflate import Agreement  # here, as it takes long to import

    if not isinstance(deflate, Agreement):
        raise TypeError(
            f"deflate must be an Agreement (Deflate(...).accept(offers)) or None, not "
            f"{type(deflate).__name__}"
        )
    return deflate


cdef int check_call(str name, tuple keywords, tuple arguments, dict given) except -1:
    if len(arguments) > 1:
        raise TypeError(f"{name}() takes 1 positional argument but {len(arguments)} were given")
    for keyword in given:
        if keyword == "role":
            if arguments:
                raise TypeError(f"{name}() got multiple values for argument {keyword!r}")
        elif keyword not in keywords:
            raise TypeError(f"{name}() got an unexpected keyword argument {keyword!r}")
    return 0


cdef object invalid_state(str message):
    return InvalidState(message)


_NO_ROLE = object()


cdef ff_role role_from(str class_name, object role) except *:
    if role is _NO_ROLE:
        raise TypeError(f"{class_name}() missing 1 required positional argument: 'role'")
    if role is Role.CLIENT:
        return FF_CLIENT
    if role is Role.SERVER:
        return FF_SERVER
    raise ValueError(f"role must be Role.CLIENT or Role.SERVER, not {role!r}")
