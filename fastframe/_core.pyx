# cython: language_level=3
"""The kernels for Python, the control frames, and the one place where a C status becomes an exception."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from cpython.long cimport PyLong_AsUnsignedLongLong, PyLong_CheckExact
from libc.stdint cimport uint8_t, uint64_t

from fastframe._buffers cimport FF_BYTES_LIKE, ff_get_buffer
from fastframe._capi cimport (
    FF_CLIENT, FF_CLOSE_NO_STATUS, FF_MASKING_KEY_SIZE, FF_NEED_DATA, FF_OK, FF_SERVER, ff_header, ff_header_parse, ff_kernels,
    ff_kernels_active, ff_kernels_at, ff_kernels_select, ff_role, ff_status, ff_status_close_code, ff_status_text, ff_utf8,
    ff_utf8_complete, ff_utf8_start,
)

cdef extern from "Python.h":
    ctypedef struct PyMethodDef
    int PyModule_AddFunctions(object module, PyMethodDef *functions) except -1


import os
import sys

from fastframe._types import InvalidState, Opcode, ProtocolError, Role


# ---- kernels -------------------------------------------------------------------------------------------------------

cdef const ff_kernels *kernels() noexcept nogil:
    return ff_kernels_active()


def active_kernel():
    """The name of the kernels in use: "portable", "sse41", "avx2", "avx512" or "neon".

    >>> active_kernel() in available_kernels()
    True
    """
    return ff_kernels_active().name.decode("ascii")


def available_kernels():
    """The names of the kernels that this build has and this CPU can run, best first.

    >>> available_kernels()[-1]
    'portable'
    """
    cdef size_t i = 0
    names = []
    while ff_kernels_at(i) is not NULL:
        names.append(ff_kernels_at(i).name.decode("ascii"))
        i += 1
    return tuple(names)


def _select_kernel(str name not None):
    """For the tests: uses the kernels called `name` in objects made from now on."""
    if not ff_kernels_select(name.encode("utf-8")):
        raise ValueError(f"no kernel is called {name!r} here; there are: {', '.join(available_kernels())}")


def _select_kernel_from_environment():
    name = os.environ.get("FASTFRAME_KERNEL", "")
    if name and name not in available_kernels():
        raise ImportError(
            f"FASTFRAME_KERNEL={name} asks for a kernel that this build or this CPU does not have; "
            f"there are: {', '.join(available_kernels())}"
        )
    if name:
        _select_kernel(name)


_select_kernel_from_environment()


# ---- the kernels for Python ----------------------------------------------------------------------------------------

cdef extern from "_kernel_calls.h":
    PyMethodDef *ff_kernel_calls


PyModule_AddFunctions(sys.modules[__name__], ff_kernel_calls)


cdef class Utf8Validator:
    """Utf8Validator()\n--\n\nValidates a text that comes in chunks, cut anywhere.

    `feed` each chunk, then `finish`; both answer False from the first byte on that proves the text is not UTF-8 (RFC 3629).

    >>> validator = Utf8Validator()
    >>> euro = "\u20ac".encode()
    >>> validator.feed(euro[:2]), validator.feed(euro[2:]), validator.finish()
    (True, True, True)
    """

    cdef const ff_kernels *_kernels
    cdef ff_utf8 _state
    cdef bint _failed

    def __cinit__(self):
        self._kernels = ff_kernels_active()
        self.reset()

    def reset(self):
        """Starts a new text.

        >>> validator = Utf8Validator()
        >>> validator.feed(b"\\xff")
        False
        >>> validator.reset()
        >>> validator.finish()
        True
        """
        self._state = ff_utf8_start()
        self._failed = False

    def feed(self, data):
        """True if the text is well-formed so far; its last character may still be incomplete.

        data: any contiguous bytes-like object, which is read and not kept. TypeError for anything else.

        >>> Utf8Validator().feed(b"\\xe2\\x82")
        True
        """
        cdef Py_buffer view
        if PyBytes_CheckExact(data):
            return self._feed(<const uint8_t *>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
        ff_get_buffer(data, &view, PyBUF_SIMPLE, "data", FF_BYTES_LIKE)
        well_formed = self._feed(<const uint8_t *>view.buf, view.len)
        PyBuffer_Release(&view)
        return well_formed

    cdef bint _feed(self, const uint8_t *data, size_t length) noexcept:
        self._failed = self._failed or not self._kernels.utf8_feed(&self._state, data, length)
        return not self._failed

    def finish(self):
        """True if the text was well-formed and its last character is complete. The validator is ready for a new one.

        >>> validator = Utf8Validator()
        >>> validator.feed(b"\\xe2\\x82"), validator.finish()
        (True, False)
        """
        complete = not self._failed and ff_utf8_complete(&self._state)
        self.reset()
        return complete


# ---- frame header (RFC 6455, 5.2) ----------------------------------------------------------------------------------

def parse_header(data):
    """The frame header at the start of `data`, or None if it is not all there yet.

    data: any contiguous bytes-like object, of which at most 14 bytes are read.

    Raises ProtocolError for a header that is wrong whoever sent it: reserved opcode, fragmented or long control frame,
    payload length not minimal or above 2**63 - 1. Reserved bits and masking are reported, not judged. TypeError for data that
    is not bytes-like.

    >>> header = parse_header(bytes.fromhex("81 05 48 65 6c 6c 6f"))
    >>> header.opcode.name, header.payload_length, header.size
    ('TEXT', 5, 2)
    >>> parse_header(b"\\x81") is None
    True
    """
    global Header
    fields = _header_fields(data)
    if fields is None:
        return None
    if Header is None:
        from fastframe._header import Header
    return Header(*fields)


Header = None  # loaded when first wanted: dataclasses take long to import


def _header_fields(data):
    """The fields of Header as a tuple; for index_frames, which makes none of them into an object."""
    cdef ff_header header
    cdef ff_status status
    cdef Py_buffer view
    ff_get_buffer(data, &view, PyBUF_SIMPLE, "data", FF_BYTES_LIKE)
    status = ff_header_parse(<const uint8_t *>view.buf, view.len, &header)
    PyBuffer_Release(&view)
    if status == FF_NEED_DATA:
        return None
    raise_status(status)
    masking_key = <bytes>header.masking_key[:FF_MASKING_KEY_SIZE] if header.masked else None
    return header.fin, header.rsv, Opcode(header.opcode), header.payload_length, masking_key, header.size


# ---- errors and roles ----------------------------------------------------------------------------------------------

cdef object protocol_error(ff_status status):
    return ProtocolError(ff_status_close_code(status), ff_status_text(status).decode("ascii"))


cdef int raise_status(ff_status status) except -1:
    if status != FF_OK:
        raise protocol_error(status)
    return 0


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
    """For the Python modules: see flag_from in _core.pxd."""
    return flag_from(name, value)


def _article_and_type(value):
    return "None" if value is None else type(value).__name__


cdef object agreement_from(object deflate):
    if deflate is None:
        return None
    from fastframe.deflate import Agreement  # here, as it takes long to import

    if not isinstance(deflate, Agreement):
        raise TypeError(
            f"deflate must be an Agreement (Deflate(...).accept(offers)) or None, not {type(deflate).__name__}"
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


cdef int raise_busy() except -1:
    raise InvalidState("another call on this object has not returned yet: use it in one thread at a time")


_NO_ROLE = object()


cdef ff_role role_from(str class_name, object role) except *:
    if role is _NO_ROLE:
        raise TypeError(f"{class_name}() missing 1 required positional argument: 'role'")
    if role is Role.CLIENT:
        return FF_CLIENT
    if role is Role.SERVER:
        return FF_SERVER
    raise ValueError(f"role must be Role.CLIENT or Role.SERVER, not {role!r}")


# ---- control frames (RFC 6455, 5.5) --------------------------------------------------------------------------------

cdef class PayloadFrame:
    # What Ping and Pong have in common.
    __match_args__ = ("payload",)

    def __init__(self, bytes payload not None = b""):
        self.payload = payload

    def __eq__(self, other):
        return type(other) is type(self) and self.payload == (<PayloadFrame>other).payload

    def __hash__(self):
        return hash((type(self), self.payload))

    def __repr__(self):
        return f"{type(self).__name__}({self.payload!r})"

    def __reduce__(self):
        return type(self), (self.payload,), getattr(self, "__dict__", None)


cdef class Ping(PayloadFrame):
    """Ping(payload=b"")\n--\n\nA Ping frame (RFC 6455, 5.5.2). Answer it with a Pong of the same payload.

    payload: bytes, at most 125 if a peer has sent it. TypeError for anything but bytes.

    >>> Ping(b"are you there?").payload
    b'are you there?'
    """


cdef class Pong(PayloadFrame):
    """Pong(payload=b"")\n--\n\nA Pong frame (RFC 6455, 5.5.3).

    payload: bytes, at most 125 if a peer has sent it. TypeError for anything but bytes.

    >>> Pong(b"yes") == Pong(b"yes")
    True
    """


cdef class Close:
    """Close(code=1005, reason="")\n--\n\nA Close frame (RFC 6455, 5.5.1). Answer it with a Close of the same code, unless one was sent before.

    code: the status code (7.4), an int from 0 to 65535; 1005 stands for a frame without one (7.1.5).
    reason: a str, at most 123 bytes in UTF-8 if a peer has sent it.

    TypeError or ValueError for anything else.

    >>> Close(1000, "bye")
    Close(1000, 'bye')
    """

    __match_args__ = ("code", "reason")

    def __init__(self, code=FF_CLOSE_NO_STATUS, str reason not None = ""):
        self.code = number_from("code", code, 0, 0xFFFF)
        self.reason = reason

    def __eq__(self, other):
        return type(other) is type(self) and self.code == (<Close>other).code and self.reason == (<Close>other).reason

    def __hash__(self):
        return hash((type(self), self.code, self.reason))

    def __repr__(self):
        return f"{type(self).__name__}({self.code}, {self.reason!r})"

    def __reduce__(self):
        return type(self), (self.code, self.reason), getattr(self, "__dict__", None)


cdef Ping new_ping(bytes payload):
    cdef Ping ping = Ping.__new__(Ping)
    ping.payload = payload
    return ping


cdef Pong new_pong(bytes payload):
    cdef Pong pong = Pong.__new__(Pong)
    pong.payload = payload
    return pong


cdef Close new_close(uint32_t code, str reason):
    cdef Close close = Close.__new__(Close)
    close.code = code
    close.reason = reason
    return close
