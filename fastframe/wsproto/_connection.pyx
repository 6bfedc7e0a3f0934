# cython: language_level=3
"""The hot methods of wsproto's Connection: receive_data, events and send, for connections on
fastframe's FrameProtocol.

Strategy: each method does what it can do at once, and hands everything else to wsproto's own
method: another FrameProtocol, a state in which nothing may be sent, a type of argument that is not
the usual one.
"""

cimport cython
from cpython.bytes cimport PyBytes_CheckExact
from cpython.object cimport PyObject, PyObject_GetAttr
from cpython.ref cimport Py_INCREF
from libc.stdint cimport uint8_t, uint64_t

from fastframe._codec.capi cimport FF_OPCODE_BINARY, FF_OPCODE_PING, FF_OPCODE_PONG, FF_OPCODE_TEXT
from fastframe._cpython.owned cimport ff_owned
from fastframe._codec.tally cimport Tally, ff_count, ff_nanoseconds
from fastframe._cpython.turns cimport (
    begin_in_thread, end_in_thread, ff_is_only_reference, ff_threads_turn, ff_threads_turn_begin,
)
from fastframe.wsproto._events cimport EventClass, ff_event_new_1, ff_event_new_3
from fastframe.wsproto._frame_protocol cimport FrameProtocol
from fastframe._cpython.generator_shape cimport end_with, thrown
from fastframe.wsproto._names cimport WsprotoNames

from fastframe._cpython.tricks import ONLY_REFERENCE
from fastframe.wsproto._names import NAMES


cdef extern from "Python.h":
    PyObject *PyByteArray_FromObject(object data) except NULL


cdef extern from "method.h":
    ctypedef object (*ff_method_body)(object state, object self, PyObject *argument)

    object ff_method_type()
    object ff_method_new(
        object type, ff_method_body body, object state, object original, object parameter
    )


cdef extern from *:
    """
    /* An instance of a Python class without the call of its __init__. */
    static PyObject *ff_new_instance(PyObject *type, PyObject *no_arguments)
    {
        return ((PyTypeObject *)type)->tp_new((PyTypeObject *)type, no_arguments, NULL);
    }

    #define ff_has_weak_references(generator) ((generator)->__weakref__ != NULL)
    """
    object ff_new_instance(object type, object no_arguments)
    bint ff_has_weak_references(Events generator)


cdef inline PyObject *new_reference(object event) except NULL:
    Py_INCREF(event)
    return <PyObject *>event


def connection_methods(original_receive_data, original_events, original_send):
    """The three methods to put in place of the given ones, which they call for whatever they leave
    to wsproto."""
    methods = ConnectionMethods(original_receive_data, original_events, original_send)
    method = ff_method_type()
    return (
        ff_method_new(method, _receive_data, methods, original_receive_data, "data"),
        ff_method_new(method, _events, methods, original_events, None),
        ff_method_new(method, _send, methods, original_send, "event"),
    )


cdef object _receive_data(object methods, object connection, PyObject *data):
    return (<ConnectionMethods>methods).receive_data(connection, <object>data)


cdef object _events(object methods, object connection, PyObject *nothing):
    return (<ConnectionMethods>methods).events(connection)


cdef object _send(object methods, object connection, PyObject *event):
    return (<ConnectionMethods>methods).send(connection, <object>event)


@cython.final
@cython.no_gc_clear  # its methods can be called as long as it is there
cdef class ConnectionMethods:
    cdef WsprotoNames _names
    cdef object _FrameProtocol, _Events  # fastframe's classes, kept so that nothing is looked up
    cdef object _original_receive_data, _original_events, _original_send
    cdef tuple _nothing
    cdef bint _keeps_spare_events

    def __init__(self, original_receive_data, original_events, original_send):
        from fastframe.frame_protocol import FrameProtocol

        self._names = NAMES
        self._FrameProtocol = FrameProtocol
        self._Events = Events
        self._original_receive_data = original_receive_data
        self._original_events = original_events
        self._original_send = original_send
        self._nothing = ()
        self._keeps_spare_events = ONLY_REFERENCE.is_on()

    # ---- the methods -----------------------------------------------------------------------------

    cdef object receive_data(self, connection, data):
        cdef FrameProtocol protocol
        cdef ff_threads_turn *turn
        if PyBytes_CheckExact(data):
            protocol = self.protocol(connection)
            if protocol is not None:
                state = self.state(connection)
                if state is self._names.OPEN or state is self._names.LOCAL_CLOSING:
                    turn = protocol.begin_reading()
                    try:
                        protocol._frame_decoder._receive_buffer.feed(data)
                    finally:
                        end_in_thread(turn)
                    return None
        return self._original_receive_data(connection, data)

    cdef object events(self, connection):
        cdef FrameProtocol protocol = self.protocol(connection)
        cdef Events generator
        cdef ff_threads_turn *turn = NULL if protocol is None else &protocol._frame_decoder._turn
        if protocol is not None and self.has_spare_events(protocol, turn):
            generator = <Events>protocol._spare_events
            protocol._spare_events = None
            end_in_thread(turn)
        else:
            generator = <Events>ff_new_instance(self._Events, self._nothing)
        generator._methods = self
        generator._connection = connection
        generator._protocol = protocol
        generator._source = QUEUE
        generator._begun = False
        return generator

    cdef inline bint has_spare_events(self, FrameProtocol protocol, ff_threads_turn *turn) noexcept:
        """True if there is a generator that only the protocol has kept; then the caller has the
        turn of its decoder."""
        if not self._keeps_spare_events or not ff_threads_turn_begin(turn):
            return False
        if (
            ff_is_only_reference(<PyObject *>protocol._spare_events)
            and not ff_has_weak_references(<Events>protocol._spare_events)
        ):
            return True
        end_in_thread(turn)
        return False

    cdef object send(self, connection, event):
        cdef FrameProtocol protocol = self.protocol(connection)
        kind = type(event)
        frame = None
        if protocol is not None and self.state(connection) is self._names.OPEN:
            if kind is self._names.TextMessage or kind is self._names.BytesMessage:
                data = PyObject_GetAttr(event, self._names.data)
                frame = protocol._data_frame(
                    data, PyObject_GetAttr(event, self._names.message_finished), True
                )
            elif kind is self._names.Ping:
                frame = protocol._control_frame(
                    FF_OPCODE_PING, PyObject_GetAttr(event, self._names.payload), True
                )
            elif kind is self._names.Pong:
                frame = protocol._control_frame(
                    FF_OPCODE_PONG, PyObject_GetAttr(event, self._names.payload), True
                )
        return self._original_send(connection, event) if frame is None else frame

    # ---- what they look at -----------------------------------------------------------------------

    cdef object state(self, object connection):
        # A subclass may have a `state` of its own.
        if type(connection) is self._names.Connection:
            return PyObject_GetAttr(connection, self._names._state)
        return connection.state

    cdef FrameProtocol protocol(self, object connection):
        """The connection's protocol, or None if it is not exactly fastframe's."""
        protocol = PyObject_GetAttr(connection, self._names._proto)
        if type(protocol) is self._FrameProtocol:
            # in a conditional expression its type would be looked up once more
            return <FrameProtocol>protocol
        return None

    cdef PyObject *event(self, object connection, FrameProtocol protocol) except NULL:
        """The event of the frame that `protocol` has come to, a new reference."""
        cdef uint8_t opcode = protocol._opcode
        cdef EventClass event_class
        payload = protocol._take_payload()
        if opcode == FF_OPCODE_TEXT or opcode == FF_OPCODE_BINARY:
            Py_INCREF(payload)
            return self.message(
                opcode, <PyObject *>payload, protocol._frame_finished, protocol._message_finished
            )
        if opcode == FF_OPCODE_PING or opcode == FF_OPCODE_PONG:
            Py_INCREF(payload)
            event_class = (
                self._names.ping_class if opcode == FF_OPCODE_PING
                else self._names.pong_class
            )
            return ff_event_new_1(&event_class.c, <PyObject *>payload)
        code, reason = payload
        if self.state(connection) is self._names.LOCAL_CLOSING:
            connection._state = self._names.CLOSED
        else:
            connection._state = self._names.REMOTE_CLOSING
        return new_reference(self._names.CloseConnection(code=code, reason=reason))

    cdef PyObject *message(
        self, uint8_t opcode, PyObject *data, bint frame_finished, bint message_finished
    ) except NULL:
        """The event of a message, or of a part of one, a new reference; takes over the reference to
        `data`."""
        if opcode == FF_OPCODE_TEXT:
            return ff_event_new_3(&self._names.text_class.c, data, frame_finished, message_finished)
        if self._names.binary_as_bytearray:
            data = PyByteArray_FromObject(ff_owned(data))
        return ff_event_new_3(&self._names.bytes_class.c, data, frame_finished, message_finished)


cdef enum Source:
    NONE
    QUEUE       # events that wait in `connection._events`
    PROTOCOL    # frames of fastframe's protocol
    ORIGINAL    # the generator of wsproto's own method
    HANDLING    # nothing more: a ParseFailed was the last event


@cython.final
@cython.no_gc_clear  # as above
cdef class Events:
    """The generator that Connection.events returns. Making it is half of what it costs, so the
    protocol keeps one that has ended."""

    cdef object __weakref__
    cdef ff_threads_turn _turn
    cdef object _connection
    cdef object _original
    cdef ConnectionMethods _methods
    cdef FrameProtocol _protocol
    cdef object _parse_failed
    cdef Source _source
    cdef bint _begun  # __next__ was called

    def __iter__(self):
        return self

    def send(self, value):
        """The next event; like wsproto's generator it has no use for the value."""
        return next(self)

    def __next__(self):
        cdef PyObject *event
        begin_in_thread(&self._turn)
        try:
            event = self._next_event()
        finally:
            end_in_thread(&self._turn)
        if event is NULL:
            raise StopIteration
        return ff_owned(event)

    cdef inline PyObject *_next_event(self) except? NULL:
        """The next event, a new reference; NULL, without an exception, where more bytes are needed,
        and then it has ended."""
        if self._source == QUEUE:
            self._begun = True
            queue = PyObject_GetAttr(self._connection, self._methods._names._events)
            if queue:
                return new_reference(queue.popleft())
            # A custom queue may have advanced this generator.
            if self._source == QUEUE:
                self._leave_queue()
        if self._source == PROTOCOL:
            return self._next_of_protocol()
        if self._source == ORIGINAL:
            event = next(self._original, self)
            return NULL if event is self else new_reference(event)
        if self._source == HANDLING:
            self._end()
        return NULL

    cdef inline PyObject *_next_of_protocol(self) except? NULL:
        if self._protocol._tally.is_timed():
            return self._next_of_protocol_timed()
        return self._next_of_protocol_quickly()

    cdef PyObject *_next_of_protocol_timed(self) except? NULL:
        cdef Tally tally = self._protocol._tally
        cdef uint64_t start = ff_nanoseconds()
        try:
            return self._next_of_protocol_quickly()
        finally:
            ff_count(&tally.counts.received.nanoseconds, ff_nanoseconds() - start)

    cdef inline PyObject *_next_of_protocol_quickly(self) except? NULL:
        cdef PyObject *payload
        cdef PyObject *event
        cdef ff_threads_turn *turn = self._protocol.begin_reading()
        try:
            if self._protocol._try_whole_message(&payload):
                event = self._methods.message(self._protocol._opcode, payload, True, True)
            else:
                event = self._event_of_frame()
                if event is NULL:
                    self._protocol._spare_events = self
        finally:
            end_in_thread(turn)
        if event is NULL:
            self._connection = None
            self._protocol = None
        return event

    cdef int _leave_queue(self) except -1:
        if self._protocol is None:
            self._source = ORIGINAL
            self._original = self._methods._original_events(self._connection)
        else:
            self._source = PROTOCOL
        return 0

    cdef PyObject *_event_of_frame(self) except? NULL:
        """The event of the next frame. NULL where more bytes are needed; then it has ended."""
        cdef PyObject *event
        cdef ConnectionMethods methods = self._methods
        self._source = NONE  # unless there is an event
        if self._protocol._is_idle():
            return NULL
        try:
            found = self._protocol._next_frame()
        except methods._names.ParseFailed as error:
            if not isinstance(error, methods._names.ParseFailed):  # no memory for that error
                raise
            event = new_reference(
                methods._names.CloseConnection(code=error.code, reason=str(error))
            )
            self._parse_failed = error
            self._source = HANDLING
            return event
        if not found:
            return NULL
        event = methods.event(self._connection, self._protocol)
        self._source = PROTOCOL
        return event

    def throw(self, kind, value=None, traceback=None):
        """Ends it, and raises the exception, which it does not handle. The arguments are those of a
        generator's throw."""
        error = thrown(kind, value, traceback)
        begin_in_thread(&self._turn)
        try:
            if self._source == ORIGINAL:
                return self._original.throw(error)
            if self._parse_failed is not None and self._parse_failed is not error:
                # wsproto's generator waits where it handles that one
                error.__context__ = self._parse_failed
            had_ended = self._source == NONE
            self._end()
            end_with(error, had_ended, self._begun)
        finally:
            end_in_thread(&self._turn)

    def close(self):
        """Ends it, as a generator's close does."""
        begin_in_thread(&self._turn)
        try:
            if self._source == ORIGINAL:
                self._original.close()
            self._end()
        finally:
            end_in_thread(&self._turn)

    cdef void _end(self) noexcept:
        self._source = NONE
        self._parse_failed = None
