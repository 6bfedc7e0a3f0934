# cython: language_level=3
"""The frames of a prepared message, made when they are first asked for.

The messages themselves are Python classes, in prepared_messages.py: functions of classes in Cython
would keep their module alive when its interpreter ends.
"""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release
from cpython.bytes cimport (
    PyBytes_AS_STRING, PyBytes_Check, PyBytes_CheckExact, PyBytes_FromStringAndSize,
    PyBytes_GET_SIZE,
)
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_Check, PyUnicode_FromObject
from libc.stdint cimport uint8_t

from fastframe._codec.buffers cimport FF_BYTES_LIKE, FF_STR_OR_BYTES_LIKE, ff_get_buffer
from fastframe._codec.capi cimport FF_OPCODE_BINARY, FF_OPCODE_TEXT, FF_RSV1, ff_header, ff_kernels
from fastframe._codec.deflater cimport deflated_alone
from fastframe._codec.kernels cimport kernels
from fastframe._codec.outbound cimport (
    OutboundPayload, bytes_payload, frame_bytes, payload_bytes, text_payload,
)


from fastframe._cpython.turns cimport FF_WITHOUT_GIL


cdef class PreparedKinds:
    pass


_kinds = PreparedKinds()


def _set_kinds(text, binary, /):
    """The classes whose instances have their PreparedFrames in `_frames`, PreparedText in a
    slot."""
    cdef PreparedKinds kinds = _kinds
    cdef PyObject *found
    kinds.text = text
    kinds.binary = binary
    kinds.frames = PreparedFrames
    kinds.name = "_frames"
    # The only slot of a class is behind what its base has. If it is elsewhere, the attribute is
    # asked for.
    kinds.slot = text.__basicsize__ - sizeof(PyObject *)
    example = text("")
    found = slot_of(example, kinds.slot)
    if FF_WITHOUT_GIL or text.__basicsize__ == str.__basicsize__ or (
        found != <PyObject *>example._frames
    ):
        kinds.slot = 0


cdef PreparedKinds prepared_kinds():
    return _kinds


cdef class PreparedFrames:
    def __cinit__(self, data):
        cdef OutboundPayload payload
        if PyUnicode_Check(data):
            self.opcode = FF_OPCODE_TEXT
            _owner = text_payload(kernels(), data, &payload)
            self.size = payload.size
        else:
            self.opcode = FF_OPCODE_BINARY
            self.size = <size_t>PyBytes_GET_SIZE(_bytes(data))
        self._deflated = {}

    cdef bytes plain(self, object data):
        """Without the GIL by one thread at a time."""
        cdef bytes frame
        with cython.critical_section(self):
            frame = self._plain
            if frame is None:
                frame = self._plain = self._frame(_payload(data), 0)
        return frame

    cdef bytes deflated(self, object data, object module, tuple arguments):
        key = (module, arguments)
        frame = self._deflated.get(key)
        if frame is None:
            frame = self._frame(deflated_alone(module, arguments, _payload(data)), FF_RSV1)
            frame = self._deflated.setdefault(key, frame)  # another thread may have been faster
        return frame

    cdef bytes _frame(self, bytes payload, uint8_t rsv):
        cdef ff_header header
        cdef OutboundPayload content = bytes_payload(
            PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload)
        )
        header.opcode = self.opcode
        header.rsv = rsv
        header.fin = True
        header.masked = False
        return frame_bytes(kernels(), &header, &content)


cdef bytes _payload(object data):
    cdef OutboundPayload payload
    cdef const ff_kernels *table = kernels()
    if PyUnicode_Check(data):
        _owner = text_payload(table, data, &payload)
    else:
        payload = bytes_payload(PyBytes_AS_STRING(_bytes(data)), PyBytes_GET_SIZE(data))
    return payload_bytes(table, &payload)


cdef object _bytes(object data):
    """The same, which is read as bytes next: what it is, and not what it says it is."""
    if not PyBytes_Check(data):
        raise TypeError(f"a prepared message must be a str or bytes, not {type(data).__name__}")
    return data


def _characters(text):
    """The str of what is a str, also of a subclass that has a __str__ of its own."""
    return PyUnicode_FromObject(text)


def _binary(data):
    """The bytes of a bytes-like object."""
    return _copy(data, FF_BYTES_LIKE)


def _binary_message(data):
    """The same, where a str could have been given: TypeError says so."""
    return _copy(data, FF_STR_OR_BYTES_LIKE)


cdef bytes _copy(object data, const char *expected):
    cdef Py_buffer view
    if PyBytes_CheckExact(data):
        return data
    ff_get_buffer(data, &view, PyBUF_SIMPLE, "data", expected)
    try:
        return PyBytes_FromStringAndSize(<const char *>view.buf, view.len)
    finally:
        PyBuffer_Release(&view)


cdef OutboundPayload payload_of(bytes frame) noexcept:
    cdef const uint8_t *data = <const uint8_t *>PyBytes_AS_STRING(frame)
    # 5.2, without a masking key
    cdef size_t header_size = 2 if data[1] < 126 else 4 if data[1] == 126 else 10
    return bytes_payload(data + header_size, PyBytes_GET_SIZE(frame) - header_size)
