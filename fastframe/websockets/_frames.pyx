# cython: language_level=3
"""websockets' Protocol and Frame: whole frames from the bytes that arrive, and frames as bytes.

Strategy: the library's parser is a generator, `Protocol.parse`. Between two frames it waits in `StreamReader.at_eof`; while it does, and nothing is
buffered, whole frames can be taken straight from the bytes that arrive without its knowing. Each is made into the same Frame, and goes through
the same extensions and the same `recv_frame`. An error is thrown into the generator, where the library's own code deals with it. A frame that is
cut, or that the library may have to refuse, goes to the generator, with all that follows it.
"""

cimport cython
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_CheckExact, PyByteArray_FromStringAndSize, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from libc.stdint cimport INT64_MAX, int64_t, uint8_t

from fastframe._capi cimport (
    FF_OK, FF_OPCODE_BINARY, FF_OPCODE_CONTINUATION, FF_RSV1, FF_RSV2, FF_RSV3, ff_header, ff_header_parse, ff_kernels,
)
from fastframe._chunk cimport Chunk, chunk_bytes, chunk_copy, whole_chunk
from fastframe._kernels cimport kernels
from fastframe._masking_keys cimport KeyPool
from fastframe._outbound cimport OutboundPayload, bytes_payload, frame_bytes

import secrets

cdef enum:
    LEFT_TO_THE_LIBRARY = 1 << 17


cdef bint is_usual(protocol) except -1:
    """Of the types that the library gives it, which a program may have replaced."""
    for limit in (protocol.max_message_size, protocol.max_fragment_size):
        if limit is not None and type(limit) is not int:
            return False
    return type(protocol.extensions) is list and type(protocol.events) is list


# The largest payload that the next frame may have, as Protocol.parse computes it; INT64_MAX for any.
cdef int64_t max_size(protocol) except? -1:
    most, largest_fragment = protocol.max_message_size, protocol.max_fragment_size
    if most is not None:
        current = protocol.current_size
        if current is not None:
            most = most - current
    if largest_fragment is not None and (most is None or largest_fragment < most):
        most = largest_fragment
    return INT64_MAX if most is None else min(most, INT64_MAX)


cdef class Frames:
    """The methods that take the place of websockets' own, for the module that is installed.

    protocol, frames, streams, deflate: websockets' modules, as they are by themselves.
    """

    cdef object _Frame, _Opcode, _SERVER, _PerMessageDeflate
    cdef object _recv_frame, _receive_data, _serialize
    cdef object _at_eof_code, _parse_code
    cdef object _token_bytes
    cdef tuple _opcodes
    cdef KeyPool _keys

    def __cinit__(self, protocol, frames, streams, deflate):
        self._Frame = frames.Frame
        self._Opcode = frames.Opcode
        self._SERVER = protocol.Side.SERVER
        self._PerMessageDeflate = deflate.PerMessageDeflate
        self._recv_frame = protocol.Protocol.recv_frame
        self._receive_data = protocol.Protocol.receive_data
        self._serialize = frames.Frame.serialize
        self._at_eof_code = streams.StreamReader.at_eof.__code__
        self._parse_code = protocol.Protocol.parse.__code__
        self._token_bytes = secrets.token_bytes
        self._opcodes = tuple([frames.Opcode(i) if i in frames.Opcode.__members__.values() else None for i in range(16)])
        self._keys = KeyPool()

    # ---- in --------------------------------------------------------------------------------------------------------

    def receive_data(self, protocol, data):
        """`Protocol.receive_data`."""
        cdef Py_ssize_t used = 0
        parser = protocol.parser
        if PyBytes_CheckExact(data) and PyBytes_GET_SIZE(data) and not protocol.debug:
            reader = protocol.reader
            if getattr(protocol, "_fastframe_between", None) is parser and not reader.eof and not reader.buffer and is_usual(protocol):
                used = self._take_frames(protocol, parser, data)
                if used == PyBytes_GET_SIZE(data):
                    return
                if used:
                    data = data[used:]
        self._receive_data(protocol, data)
        parser = protocol.parser
        reader = protocol.reader
        protocol._fastframe_between = parser if not reader.buffer and not reader.eof and self._is_between_frames(parser) else None

    cdef bint _is_between_frames(self, parser) except -1:
        """`parser` may be the generator of a subclass, which delegates to Protocol.parse."""
        outer, inner = None, parser
        while (below := inner.gi_yieldfrom) is not None:
            outer, inner = inner, below
        return outer is not None and inner.gi_code is self._at_eof_code and outer.gi_code is self._parse_code

    cdef Py_ssize_t _take_frames(self, protocol, parser, bytes data) except -1:
        """How many bytes of `data` are used: all of them also where the rest must be discarded."""
        cdef const uint8_t *start = <const uint8_t *>PyBytes_AS_STRING(data)
        cdef size_t length = PyBytes_GET_SIZE(data), used = 0
        cdef bint server = protocol.side is self._SERVER
        cdef bint own_recv_frame = type(protocol).recv_frame is self._recv_frame
        cdef list extensions = protocol.extensions
        cdef list events = protocol.events
        cdef ff_header header
        cdef Chunk chunk
        cdef const ff_kernels *table = kernels()
        while used < length:
            if ff_header_parse(start + used, length - used, &header) != FF_OK:
                break
            if header.masked != server or header.payload_length > length - used - header.size:
                break
            if <int64_t>header.payload_length > max_size(protocol):
                break
            chunk = whole_chunk(start + used, &header)
            used += header.size + chunk.length
            try:
                self._receive_frame(protocol, &header, self._payload(table, &chunk), extensions, events, own_recv_frame)
            except Exception as error:
                parser.throw(error)
            if protocol.parser is not parser:  # a Close or an error: what follows is discarded
                return length
        return used

    cdef object _payload(self, const ff_kernels *table, const Chunk *chunk):
        # The library has bytes where it unmasks, and else a bytearray.
        if chunk.masked:
            return chunk_bytes(table, chunk)
        payload = PyByteArray_FromStringAndSize(NULL, chunk.length)
        chunk_copy(table, chunk, <uint8_t *>PyByteArray_AS_STRING(payload))
        return payload

    cdef int _receive_frame(
        self, protocol, const ff_header *header, payload, list extensions, list events, bint own_recv_frame
    ) except -1:
        cdef bint rsv = header.rsv != 0
        frame = self._Frame(
            self._opcodes[header.opcode], payload, header.fin,
            rsv and header.rsv & FF_RSV1 != 0, rsv and header.rsv & FF_RSV2 != 0, rsv and header.rsv & FF_RSV3 != 0,
        )
        if extensions:
            limit = max_size(protocol)
            most = None if limit == INT64_MAX else limit
            for extension in reversed(extensions):
                frame = extension.decode(frame, max_size=most)
        if rsv or extensions or header.opcode > FF_OPCODE_BINARY:
            frame.check()
        elif own_recv_frame and (protocol.current_size is None) == (header.opcode != FF_OPCODE_CONTINUATION):
            # recv_frame, for a data frame in its place.
            if header.opcode != FF_OPCODE_CONTINUATION:
                if not header.fin:
                    protocol.current_size = header.payload_length
            elif header.fin:
                protocol.current_size = None
            else:
                protocol.current_size += header.payload_length
            events.append(frame)
            return 0
        protocol.recv_frame(frame)
        return 0

    # ---- out -------------------------------------------------------------------------------------------------------

    def serialize(self, frame, mask, extensions):
        """`Frame.serialize`."""
        cdef ff_header header
        cdef OutboundPayload payload
        if not self._is_usual_frame(frame, extensions):
            return self._serialize(frame, mask=mask, extensions=extensions)
        frame.check()
        if extensions:
            frame = extensions[0].encode(frame)
        data = frame.data
        if PyBytes_CheckExact(data):
            payload = bytes_payload(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
        elif PyByteArray_CheckExact(data):
            payload = bytes_payload(PyByteArray_AS_STRING(data), PyByteArray_GET_SIZE(data))
        else:  # a view of what the extension has compressed
            data = bytes(data)
            payload = bytes_payload(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
        header.opcode = frame.opcode
        header.fin = bool(frame.fin)
        header.rsv = (FF_RSV1 if frame.rsv1 else 0) | (FF_RSV2 if frame.rsv2 else 0) | (FF_RSV3 if frame.rsv3 else 0)
        header.masked = bool(mask)
        if header.masked:
            self._masking_key(header.masking_key)
        return frame_bytes(kernels(), &header, &payload)

    cdef bint _is_usual_frame(self, frame, extensions) except -1:
        if type(frame.opcode) is not self._Opcode:
            return False
        data = frame.data
        if (type(data) is not bytes and type(data) is not bytearray) or len(data) >= LEFT_TO_THE_LIBRARY:
            return False
        return not extensions or (len(extensions) == 1 and type(extensions[0]) is self._PerMessageDeflate)

    cdef int _masking_key(self, uint8_t *key) except -1:
        if secrets.token_bytes is self._token_bytes:
            with cython.critical_section(self._keys):  # which all connections share
                self._keys.take(key)
            return 0
        chosen = secrets.token_bytes(4)  # a test has put another one there
        for i in range(4):
            key[i] = chosen[i]
        return 0
