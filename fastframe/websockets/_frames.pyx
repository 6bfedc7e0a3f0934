# cython: language_level=3
"""websockets' Protocol and Frame: whole frames from the bytes that arrive, and frames as bytes.

Strategy: the library's parser is a generator, `Protocol.parse`. Between two frames it waits in
`StreamReader.at_eof`; while it does, and nothing is buffered, whole frames can be taken straight
from the bytes that arrive without its knowing. Each is made into the same Frame, and goes through
the same extensions and the same `recv_frame`. An error is thrown into the generator, where the
library's own code deals with it. A frame that is cut, or that the library may have to refuse, goes
to the generator, with all that follows it.

A large frame that arrives in pieces is gathered here, unmasked on the way. Meanwhile the Protocol
has `receive_data` and `receive_eof` of its own, so that websockets can be uninstalled; and if the
connection ends, the library gets what there is as it was on the wire.

Bytes may reach the library without being seen here: while websockets is uninstalled, for one. So
what is known of a parser, its Waiting, names the generator that it waits in: as soon as the parser
has gone on, it waits in another one.
"""

cimport cython
from cpython.bytearray cimport (
    PyByteArray_AS_STRING, PyByteArray_CheckExact, PyByteArray_FromStringAndSize,
    PyByteArray_GET_SIZE,
)
from cpython.bytes cimport (
    PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE,
)
from libc.stdint cimport INT64_MAX, int64_t, uint8_t, uint64_t
from libc.string cimport memcpy, memset

from fastframe._codec.capi cimport (
    FF_MAX_HEADER, FF_OK, FF_OPCODE_BINARY, FF_OPCODE_CONTINUATION, FF_OPCODE_TEXT, FF_RSV1,
    FF_RSV2, FF_RSV3, FF_OPCODE_CLOSE, ff_header, ff_opcode_is_control, ff_header_parse, ff_kernels,
    ff_masking_key_rotate,
)
from fastframe._codec.chunk cimport Chunk, chunk_bytes, chunk_copy, whole_chunk
from fastframe._codec.kernels cimport kernels
from fastframe._codec.masking_keys cimport KeyPool
from fastframe._codec.outbound cimport (
    OutboundPayload, bytes_payload, frame_bytes, text_payload, write_header,
)
from fastframe._codec.tally cimport (
    Tally, count_frame, count_made_frame, count_message, count_whole_message, ff_count, new_tally,
    sums_of,
)
from fastframe._codec.text cimport PartialCharacter, chunk_text

import secrets
from functools import partial

from fastframe._cpython.tricks import GENERATOR_STATE
from fastframe.websockets.names import used_name

cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX


cdef enum:
    # From this size on, header and payload are written separately: a second write costs less.
    WRITTEN_APART = 1 << 17
    # An incomplete frame gets memory only once 1/16 of its payload has arrived: a peer that only
    # says how much it will send gets none.
    GATHERED_PART_BITS = 4


cdef class Limits:
    """How large a frame may be. websockets 16 gave the attributes of a Protocol other names: those
    count that `parse`, its method, uses."""

    cdef str message, current
    cdef str fragment  # "" before websockets 16, which has no such limit

    def __cinit__(self, parse):
        self.message = used_name(parse, "max_message_size", "max_size")
        self.fragment = used_name(parse, "max_fragment_size")
        self.current = used_name(parse, "current_size", "cur_size")

    cdef bint are_usual(self, protocol) except -1:
        """Of the types that the library gives them, which a program may have replaced."""
        for name in (self.message, self.fragment):
            limit = getattr(protocol, name) if name else None
            if limit is not None and type(limit) is not int:
                return False
        return True

    # The largest payload that the next frame may have, as Protocol.parse computes it; INT64_MAX for
    # any.
    cdef int64_t max_size(self, protocol) except? -1:
        most = getattr(protocol, self.message)
        largest_fragment = getattr(protocol, self.fragment) if self.fragment else None
        if most is not None:
            current = getattr(protocol, self.current)
            if current is not None:
                most = most - current
        if largest_fragment is not None and (most is None or largest_fragment < most):
            most = largest_fragment
        return INT64_MAX if most is None else min(most, INT64_MAX)


def _generators_tell():
    """Does a generator say which one it waits in, and of which function that is?"""
    names = {}
    exec("def inner(): yield\ndef outer(): yield from inner()", names)
    generator = names["outer"]()
    next(generator)
    below = generator.gi_yieldfrom
    return (
        generator.gi_code is names["outer"].__code__ and below.gi_code is names["inner"].__code__
        and below.gi_yieldfrom is None
    )


cdef class Waiting:
    """Where a parser was found to wait for a frame, with nothing buffered."""

    cdef object parser   # of the Protocol
    cdef object parse    # the generator of Protocol.parse: that one, or what it has delegated to
    cdef object at_eof   # and what that one has delegated to
    cdef Tally tally     # what counts the traffic; None if the connection is older than that
    cdef uint8_t message_opcode  # of the message that is open

    cdef bint is_true(self, protocol) except -1:
        return self.parser is protocol.parser and self.parse.gi_yieldfrom is self.at_eof


cdef class Gathering:
    """A frame whose payload is still arriving, and is unmasked as it does."""

    cdef object protocol  # whose frame it is: a copy of that Protocol has this object, too
    cdef Waiting waiting  # of the parser, until then
    cdef object payload   # of its whole size: bytes, or a bytearray that nobody else has
    cdef uint8_t *start   # of the payload
    cdef size_t size      # of what has arrived
    cdef ff_header header
    cdef bytes header_bytes
    cdef object receive_data, receive_eof  # the methods that the Protocol has meanwhile

    cdef size_t add(self, const ff_kernels *table, const uint8_t *data, size_t length) noexcept:
        """How many of these bytes were still missing."""
        cdef Chunk chunk
        length = min(length, <size_t>self.header.payload_length - self.size)
        chunk.data, chunk.length, chunk.masked = data, length, self.header.masked
        ff_masking_key_rotate(chunk.key, self.header.masking_key, self.size)
        chunk_copy(table, &chunk, self.start + self.size)
        self.size += length
        return length

    cdef bytes as_on_the_wire(self, const ff_kernels *table):
        cdef Chunk chunk
        chunk.data, chunk.length, chunk.masked = self.start, self.size, self.header.masked
        memcpy(chunk.key, self.header.masking_key, 4)
        return self.header_bytes + chunk_bytes(table, &chunk)


cdef class Frames:
    """The methods that take the place of websockets' own, for the module that is installed.

    protocol, frames, streams, deflate: websockets' modules, as they are by themselves.
    """

    cdef object _Frame, _Opcode, _SERVER, _PerMessageDeflate
    cdef object _recv_frame, _receive_data, _serialize
    cdef object _send_text, _send_binary, _send_frame, _OPEN
    cdef public object own_send_text, own_send_binary
    """What has taken their place."""
    cdef object _at_eof_code, _parse_code
    cdef object _token_bytes
    cdef tuple _opcodes
    cdef KeyPool _keys
    cdef Limits _limits
    cdef object _Protocol
    cdef bint _looks_at_generators
    cdef public size_t gathered_size
    """Of the smallest payload that is gathered if it is cut."""

    def __cinit__(self, protocol, frames, streams, deflate):
        self._Frame = frames.Frame
        self._Opcode = frames.Opcode
        self._SERVER = protocol.Side.SERVER
        self._PerMessageDeflate = deflate.PerMessageDeflate
        self._recv_frame = protocol.Protocol.recv_frame
        self._receive_data = protocol.Protocol.receive_data
        self._serialize = frames.Frame.serialize
        self._send_text = protocol.Protocol.send_text
        self._send_binary = protocol.Protocol.send_binary
        self._send_frame = protocol.Protocol.send_frame
        self._OPEN = protocol.State.OPEN
        self._at_eof_code = streams.StreamReader.at_eof.__code__
        self._parse_code = protocol.Protocol.parse.__code__
        self._token_bytes = secrets.token_bytes
        known = {int(opcode): opcode for opcode in frames.Opcode}
        self._opcodes = tuple([known.get(number) for number in range(16)])
        self._keys = KeyPool()
        self._looks_at_generators = GENERATOR_STATE.check(_generators_tell())
        self._limits = Limits(protocol.Protocol.parse)
        self._Protocol = protocol.Protocol
        self.gathered_size = 1 << 16

    # ---- in --------------------------------------------------------------------------------------

    def receive_data(self, protocol, data):
        """`Protocol.receive_data`."""
        cdef Py_ssize_t used
        cdef Gathering gathering = None
        cdef Waiting waiting = None
        known = getattr(protocol, "_fastframe_waits", None)
        if type(known) is Waiting:
            waiting = known
        elif type(known) is Gathering and (<Gathering>known).protocol is protocol:
            gathering = known
            waiting = gathering.waiting
        if (
            waiting is not None and waiting.is_true(protocol) and PyBytes_CheckExact(data)
            and PyBytes_GET_SIZE(data) and not protocol.debug
        ):
            reader = protocol.reader
            if not reader.eof and not reader.buffer and self._is_usual(protocol):
                used = self._take_frames_or_fail(protocol, waiting, gathering, data)
                if used == PyBytes_GET_SIZE(data):
                    return
                if used:
                    data = data[used:]
                gathering = None
        if gathering is not None:
            self._give_back(protocol, gathering)
        self._receive_data(protocol, data)
        self._note_close(protocol)
        reader = protocol.reader
        protocol._fastframe_waits = (
            None if reader.buffer or reader.eof
            else self._found_waiting(protocol)
        )

    cdef bint _is_usual(self, protocol) except -1:
        """Of the types that the library gives it, which a program may have replaced."""
        return (
            self._limits.are_usual(protocol) and type(protocol.extensions) is list
            and type(protocol.events) is list
        )

    def receive_data_while_gathering(self, protocol, data):
        """`receive_data` of one Protocol. Other code may keep it, and call it when the frame is
        complete."""
        if self._is_gathering(protocol):
            self.receive_data(protocol, data)
        else:
            type(protocol).receive_data(protocol, data)

    def receive_eof_while_gathering(self, protocol):
        """`receive_eof`, likewise."""
        if self._is_gathering(protocol):
            self._give_back(protocol, protocol._fastframe_waits)
        type(protocol).receive_eof(protocol)

    cdef bint _is_gathering(self, protocol) except -1:
        known = getattr(protocol, "_fastframe_waits", None)
        return type(known) is Gathering and (<Gathering>known).protocol is protocol

    cdef int _give_back(self, protocol, Gathering gathering) except -1:
        self._end_gathering(protocol, gathering)
        # else the library discards all that arrives
        if protocol.parser is gathering.waiting.parser:
            self._receive_data(protocol, gathering.as_on_the_wire(kernels()))
        return 0

    cdef int _end_gathering(self, protocol, Gathering gathering) except -1:
        own = vars(protocol)
        protocol._fastframe_waits = gathering.waiting
        # else other code has put its own over it
        if own.get("receive_data") is gathering.receive_data:
            del protocol.receive_data
        if own.get("receive_eof") is gathering.receive_eof:
            del protocol.receive_eof
        return 0

    cdef Waiting _found_waiting(self, protocol):
        """None unless its parser waits between two frames: that may be the generator of a subclass,
        which delegates to Protocol.parse."""
        cdef Waiting waiting
        parser = protocol.parser
        if not self._looks_at_generators:
            return None
        outer, inner = None, parser
        while (below := inner.gi_yieldfrom) is not None:
            outer, inner = inner, below
        if (
            outer is None or inner.gi_code is not self._at_eof_code
            or outer.gi_code is not self._parse_code
        ):
            return None
        waiting = Waiting()
        waiting.parser, waiting.parse, waiting.at_eof = parser, outer, inner
        waiting.tally = self._tally_of(protocol)
        return waiting

    cdef Py_ssize_t _take_frames_or_fail(
        self, protocol, Waiting waiting, Gathering gathering, bytes data
    ) except -1:
        """The same as _take_frames. What raises, memory that is used up for one, ends the
        connection as the library's own parser does."""
        try:
            return self._take_frames(protocol, waiting, gathering, data)
        except Exception as error:
            waiting.parser.throw(error)
        return PyBytes_GET_SIZE(data)

    cdef Py_ssize_t _take_frames(
        self, protocol, Waiting waiting, Gathering gathering, bytes data
    ) except -1:
        """gathering: the frame that `data` continues, or None. Returns how many bytes of `data`
        are used: all of them if the rest must be discarded."""
        cdef const uint8_t *start = <const uint8_t *>PyBytes_AS_STRING(data)
        cdef size_t length = PyBytes_GET_SIZE(data), used = 0
        cdef bint server = protocol.side is self._SERVER
        cdef bint own_recv_frame = type(protocol).recv_frame is self._recv_frame
        cdef list extensions = protocol.extensions
        cdef list events = protocol.events
        cdef ff_header header
        cdef Chunk chunk
        cdef const ff_kernels *table = kernels()
        parser = waiting.parser
        if gathering is not None:
            used = gathering.add(table, start, length)
            if gathering.size < gathering.header.payload_length:
                return length
            self._end_gathering(protocol, gathering)
            header = gathering.header
            self._count_received(protocol, waiting, &header, gathering.payload)
            self._pass_frame(
                protocol, &header, gathering.payload, extensions, events, own_recv_frame
            )
            if protocol.parser is not parser:
                return length
        while used < length:
            if ff_header_parse(start + used, length - used, &header) != FF_OK:
                break
            if (
                header.masked != server or header.payload_length > INT64_MAX
                or <int64_t>header.payload_length > self._limits.max_size(protocol)
            ):
                break
            if header.payload_length > length - used - header.size:
                return length if self._gather(
                    table, protocol, waiting, &header, start + used, length - used
                ) else used
            chunk = whole_chunk(start + used, &header)
            used += header.size + chunk.length
            payload = self._payload(table, &chunk)
            self._count_received(protocol, waiting, &header, payload)
            self._pass_frame(protocol, &header, payload, extensions, events, own_recv_frame)
            if header.opcode == FF_OPCODE_CLOSE:
                self._note_close(protocol)
            if protocol.parser is not parser:  # after a Close what follows is discarded
                return length
        return used

    cdef bint _gather(
        self, const ff_kernels *table, protocol, Waiting waiting, const ff_header *header,
        const uint8_t *data, size_t length
    ) except -1:
        """Begins to, if it is worth it. `data`: the header, and what there is of the payload."""
        cdef Gathering gathering
        cdef size_t present = length - header.size
        if (
            header.payload_length < self.gathered_size
            or header.payload_length >> GATHERED_PART_BITS > present
        ):
            return False
        if header.payload_length > <uint64_t>PY_SSIZE_T_MAX >> 1:  # where addresses have 32 bits
            return False
        kind, own = type(protocol), vars(protocol)
        for name in ("receive_data", "receive_eof"):
            if getattr(kind, name) is not getattr(self._Protocol, name) or name in own:
                return False  # somebody wants to see what arrives
        gathering = Gathering()
        gathering.protocol, gathering.waiting = protocol, waiting
        gathering.header = header[0]
        gathering.header_bytes = data[:header.size]
        if header.masked:
            gathering.payload = PyBytes_FromStringAndSize(NULL, header.payload_length)
            gathering.start = <uint8_t *>PyBytes_AS_STRING(gathering.payload)
        else:
            gathering.payload = PyByteArray_FromStringAndSize(NULL, header.payload_length)
            gathering.start = <uint8_t *>PyByteArray_AS_STRING(gathering.payload)
        gathering.size = 0
        gathering.add(table, data + header.size, present)
        gathering.receive_data = partial(self.receive_data_while_gathering, protocol)
        gathering.receive_eof = partial(self.receive_eof_while_gathering, protocol)
        protocol.receive_data, protocol.receive_eof = gathering.receive_data, gathering.receive_eof
        protocol._fastframe_waits = gathering
        return True

    cdef object _payload(self, const ff_kernels *table, const Chunk *chunk):
        # The library has bytes where it unmasks, and else a bytearray.
        if chunk.masked:
            return chunk_bytes(table, chunk)
        payload = PyByteArray_FromStringAndSize(NULL, chunk.length)
        chunk_copy(table, chunk, <uint8_t *>PyByteArray_AS_STRING(payload))
        return payload

    cdef int _pass_frame(
        self, protocol, const ff_header *header, payload, list extensions, list events,
        bint own_recv_frame
    ) except -1:
        cdef bint rsv = header.rsv != 0
        frame = self._Frame(
            self._opcodes[header.opcode], payload, header.fin,
            rsv and header.rsv & FF_RSV1 != 0, rsv and header.rsv & FF_RSV2 != 0,
            rsv and header.rsv & FF_RSV3 != 0,
        )
        if extensions:
            limit = self._limits.max_size(protocol)
            most = None if limit == INT64_MAX else limit
            for extension in reversed(extensions):
                frame = extension.decode(frame, max_size=most)
        if rsv or extensions or header.opcode > FF_OPCODE_BINARY:
            frame.check()
        elif own_recv_frame and (
            (size := getattr(protocol, self._limits.current)) is None
        ) == (header.opcode != FF_OPCODE_CONTINUATION):
            # recv_frame, for a data frame in its place.
            if header.opcode != FF_OPCODE_CONTINUATION:
                if not header.fin:
                    setattr(protocol, self._limits.current, header.payload_length)
            else:
                setattr(
                    protocol, self._limits.current,
                    None if header.fin else size + header.payload_length
                )
            events.append(frame)
            return 0
        protocol.recv_frame(frame)
        return 0

    cdef Tally _tally_of(self, protocol):
        """None before the connection is open."""
        found = getattr(protocol, "_fastframe_tally", None)
        if found is None and protocol.state is self._OPEN:
            role = "server" if protocol.side is self._SERVER else "client"
            found = protocol._fastframe_tally = new_tally(sums_of("websockets", role), True, True)
        return <Tally>found if type(found) is Tally else None

    cdef int _count_received(
        self, protocol, Waiting waiting, const ff_header *header, payload
    ) except -1:
        cdef Tally tally = waiting.tally
        if tally is None:
            tally = waiting.tally = self._tally_of(protocol)
            if tally is None:
                return 0
        count_frame(&tally.counts.received, header.opcode, header.size, header.payload_length)
        if not ff_opcode_is_control(header.opcode):
            if header.rsv & FF_RSV1:  # the library is to inflate it
                ff_count(&tally.counts.received.compressed_bytes, header.payload_length)
            if header.opcode != FF_OPCODE_CONTINUATION:
                waiting.message_opcode = header.opcode
            if header.fin and waiting.message_opcode <= FF_OPCODE_BINARY:
                count_message(&tally.counts.received, waiting.message_opcode)
        return 0

    cdef int _note_close(self, protocol) except -1:
        """Where the library has read one."""
        cdef Tally tally = self._tally_of(protocol)
        if tally is None or tally.has_closed:
            return 0
        received = protocol.close_rcvd
        if received is not None:
            here = not protocol.close_rcvd_then_sent
            tally.closed(protocol.close_sent.code if here else received.code, here)
        return 0

    def text(self, data):
        """The str of bytes or a bytearray. UnicodeDecodeError, which CPython's own decoder
        raises."""
        cdef PartialCharacter cut
        cdef bint expect_ascii = True
        cdef Chunk chunk
        if PyByteArray_CheckExact(data):
            chunk.data = <const uint8_t *>PyByteArray_AS_STRING(data)
            chunk.length = PyByteArray_GET_SIZE(data)
        elif PyBytes_CheckExact(data):
            chunk.data = <const uint8_t *>PyBytes_AS_STRING(data)
            chunk.length = PyBytes_GET_SIZE(data)
        else:
            return data.decode()
        chunk.masked = False
        memset(chunk.key, 0, 4)
        cut.length = 0
        return chunk_text(kernels(), &chunk, &cut, True, &expect_ascii)

    # ---- out -------------------------------------------------------------------------------------

    def message(self, protocol, message, bint is_text):
        """A whole message, a str or bytes, as a list of bytes to be written. None if the library
        has more to do than to make a frame of it.

        UnicodeEncodeError for a surrogate.
        """
        cdef ff_header header
        cdef OutboundPayload payload
        cdef uint8_t header_bytes[FF_MAX_HEADER]
        kind = type(protocol)
        if (
            kind.send_frame is not self._send_frame or "send_frame" in vars(protocol)
            or (kind.send_text is not self._send_text and kind.send_text is not self.own_send_text)
            or (
                kind.send_binary is not self._send_binary
                and kind.send_binary is not self.own_send_binary
            )
        ):
            return None
        extensions = protocol.extensions
        if extensions:
            if not self._only_deflate(extensions):
                return None
            data = message.encode() if type(message) is str else message
            opcode = self._opcodes[FF_OPCODE_TEXT if is_text else FF_OPCODE_BINARY]
            frame = self.serialize(
                self._Frame(opcode, data), protocol.side is not self._SERVER, extensions
            )
            self.count_frames(protocol, [frame], len(data), is_text, True)
            return [frame]
        if type(message) is str:
            _encoded = text_payload(kernels(), message, &payload)  # outlives the payload
        else:
            payload = bytes_payload(PyBytes_AS_STRING(message), PyBytes_GET_SIZE(message))
        self._begin_header(protocol, is_text, &header)
        if not header.masked and payload.size >= WRITTEN_APART and PyBytes_CheckExact(message):
            header.payload_length = payload.size
            write_header(&header, header_bytes)
            frames = [header_bytes[:header.size], message]
        else:
            frames = [frame_bytes(kernels(), &header, &payload)]
        self._count_sent(protocol, &header)
        return frames

    def count_frames(self, protocol, list frames, size_t length, bint is_text, bint is_last):
        """That the library has made, each as bytes, of a part of a message with that length.
        is_last: it is the last one."""
        cdef Tally tally = self._tally_of(protocol)
        if tally is not None:
            for frame in frames:
                if PyBytes_CheckExact(frame):
                    count_made_frame(&tally.counts.sent, frame, length)
            if is_last:
                count_message(
                    &tally.counts.sent, FF_OPCODE_TEXT if is_text else FF_OPCODE_BINARY
                )

    cdef int _count_sent(self, protocol, const ff_header *header) except -1:
        cdef Tally tally = self._tally_of(protocol)
        if tally is not None:
            count_whole_message(&tally.counts.sent, header, <size_t>header.payload_length)
        return 0

    def send_data(self, protocol, data, fin, bint is_text):
        """`Protocol.send_text` and `send_binary`, of a whole message in bytes. False if the library
        has more to do than to make a frame of it."""
        cdef ff_header header
        cdef OutboundPayload payload
        if (
            fin is not True or not PyBytes_CheckExact(data) or protocol.expect_continuation_frame
            or protocol.state is not self._OPEN or protocol.extensions or protocol.debug
            or type(protocol).send_frame is not self._send_frame or "send_frame" in vars(protocol)
        ):
            return False
        self._begin_header(protocol, is_text, &header)
        payload = bytes_payload(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
        protocol.writes.append(frame_bytes(kernels(), &header, &payload))
        self._count_sent(protocol, &header)
        return True

    cdef int _begin_header(self, protocol, bint is_text, ff_header *header) except -1:
        """Of a whole message, all but its sizes."""
        header.opcode = FF_OPCODE_TEXT if is_text else FF_OPCODE_BINARY
        header.fin = True
        header.rsv = 0
        header.masked = protocol.side is not self._SERVER
        if header.masked:
            self._masking_key(header.masking_key)
        return 0

    def serialize(self, frame, mask, extensions):
        """`Frame.serialize`."""
        cdef ff_header header
        cdef OutboundPayload payload
        if not self._is_usual_frame(frame, extensions):
            return self._serialize(frame, mask=mask, extensions=extensions)
        frame.check()
        if extensions:
            frame = extensions[0].encode(frame)
        header.opcode = frame.opcode
        header.fin = bool(frame.fin)
        header.rsv = (FF_RSV1 if frame.rsv1 else 0) | (FF_RSV2 if frame.rsv2 else 0) | (
            FF_RSV3 if frame.rsv3 else 0
        )
        header.masked = bool(mask)
        if header.masked:
            self._masking_key(header.masking_key)
        data = frame.data
        if PyBytes_CheckExact(data):
            payload = bytes_payload(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
        elif PyByteArray_CheckExact(data):  # no other code runs from here on: its size stays
            payload = bytes_payload(PyByteArray_AS_STRING(data), PyByteArray_GET_SIZE(data))
        else:  # a view of what the extension has compressed
            data = bytes(data)
            payload = bytes_payload(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
        return frame_bytes(kernels(), &header, &payload)

    cdef bint _is_usual_frame(self, frame, extensions) except -1:
        if type(frame.opcode) is not self._Opcode:
            return False
        data = frame.data
        if type(data) is not bytes and type(data) is not bytearray:
            return False
        return not extensions or self._only_deflate(extensions)

    cdef bint _only_deflate(self, extensions) except -1:
        return len(extensions) == 1 and type(extensions[0]) is self._PerMessageDeflate

    cdef int _masking_key(self, uint8_t *key) except -1:
        if secrets.token_bytes is self._token_bytes:
            with cython.critical_section(self._keys):  # which all connections share
                self._keys.take(key)
            return 0
        chosen = secrets.token_bytes(4)  # a test has put another one there
        for i in range(4):
            key[i] = chosen[i]
        return 0
