# cython: language_level=3
"""Messages that remember their frames, so that a broadcast is encoded, and compressed, once."""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_Check, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyTypeObject
from cpython.unicode cimport PyUnicode_Check, PyUnicode_CheckExact, PyUnicode_FromObject
from libc.stdint cimport uint8_t

from fastframe._buffers cimport FF_BYTES_LIKE, FF_STR_OR_BYTES_LIKE, ff_get_buffer
from fastframe._capi cimport FF_OPCODE_BINARY, FF_OPCODE_TEXT, FF_RSV1, ff_header, ff_kernels
from fastframe._deflater cimport deflated_alone
from fastframe._kernels cimport kernels
from fastframe._outbound cimport OutboundPayload, bytes_payload, frame_bytes, payload_bytes, text_payload

from fastframe._types import Text


cdef extern from "Python.h":
    PyTypeObject *Py_TYPE(object data)
    bint PyType_IsSubtype(PyTypeObject *kind, PyTypeObject *base)


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
        cdef OutboundPayload content = bytes_payload(PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload))
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


class PreparedText(str):
    """A text message that is sent more than once: a str, which remembers its frames. `prepare` makes it.

    text: a str. UnicodeEncodeError for a lone surrogate, which no text message can hold (RFC 6455, 8.1).

    Equal to the str, with the same hash, JSON and pickle; slices and sums are plain str. Any thread may use it.

    >>> from fastframe import Encoder, Role
    >>> Encoder(Role.SERVER).text(PreparedText("hello"))
    b'\\x81\\x05hello'
    """

    __slots__ = ("_frames",)

    def __new__(cls, text):
        if not isinstance(text, str):
            raise TypeError(f"text must be a str, not {type(text).__name__}")
        characters = PyUnicode_FromObject(text)  # not str(text): a subclass may have a __str__
        prepared = str.__new__(cls, characters)
        prepared._frames = PreparedFrames(characters)
        return prepared

    def __reduce_ex__(self, protocol):
        return str, (PyUnicode_FromObject(self),)

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self


class PreparedBytes(bytes):
    """A binary message that is sent more than once: bytes, which remember their frames. `prepare` makes it.

    data: any contiguous bytes-like object, which is copied.

    Equal to the bytes, with the same hash and pickle; slices and sums are plain bytes. Any thread may use it.

    >>> from fastframe import Encoder, Role
    >>> Encoder(Role.SERVER).binary(PreparedBytes(b"bytes"))
    b'\\x82\\x05bytes'
    """

    def __new__(cls, data):
        prepared = bytes.__new__(cls, _copy(data, FF_BYTES_LIKE))
        prepared._frames = PreparedFrames(prepared)
        return prepared

    def __reduce_ex__(self, protocol):
        return bytes, (_copy(self, FF_BYTES_LIKE),)

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self


def prepare(data):
    """A message that is sent to many connections, encoded once for all: a broadcast, or the same answer to everybody.

    data: a str or a `Text` gives a PreparedText, any other contiguous bytes-like object a PreparedBytes; either of them is returned as
    it is. TypeError for anything else, ValueError for a `Text` that is not UTF-8, UnicodeEncodeError for a lone surrogate.

    What it returns is a str or bytes, to be sent like any other by any library. `Encoder`, fastframe's uvicorn class and wsproto's
    `Connection.send` on fastframe send it, whole, as the frame that it remembers: one as it is, and one for each setting of
    permessage-deflate that connections have agreed on, each made when it is first needed. A client shares the compressed
    payload, and masks it (RFC 6455, 5.3).

    A connection that keeps its window between messages (RFC 7692, 7.1.1) begins with a new one after a prepared message, as
    the compressor that it had knows another past than the peer does.

    >>> text = prepare("hello")
    >>> text, text == "hello", type(text[:4]).__name__
    ('hello', True, 'str')
    """
    if isinstance(data, (PreparedText, PreparedBytes)):
        return data
    if isinstance(data, str):
        return PreparedText(data)
    if isinstance(data, Text):
        return PreparedText(data.decode("utf-8"))
    return PreparedBytes(_copy(data, FF_STR_OR_BYTES_LIKE))


cdef bytes _copy(object data, const char *expected):
    cdef Py_buffer view
    if PyBytes_CheckExact(data):
        return data
    ff_get_buffer(data, &view, PyBUF_SIMPLE, "data", expected)
    try:
        return PyBytes_FromStringAndSize(<const char *>view.buf, view.len)
    finally:
        PyBuffer_Release(&view)


cdef PreparedFrames frames_of(object data):
    # By its real type: a proxy may call itself a PreparedText.
    if PyUnicode_CheckExact(data) or PyBytes_CheckExact(data):
        return None
    if PyUnicode_Check(data):
        kind = PreparedText
    elif PyBytes_Check(data):
        kind = PreparedBytes
    else:
        return None
    return data._frames if PyType_IsSubtype(Py_TYPE(data), <PyTypeObject *>kind) else None


cdef OutboundPayload payload_of(bytes frame) noexcept:
    cdef const uint8_t *data = <const uint8_t *>PyBytes_AS_STRING(frame)
    cdef size_t header_size = 2 if data[1] < 126 else 4 if data[1] == 126 else 10  # 5.2, without a masking key
    return bytes_payload(data + header_size, PyBytes_GET_SIZE(frame) - header_size)
