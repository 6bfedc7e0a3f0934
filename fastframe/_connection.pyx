# cython: language_level=3
"""The hot methods of wsproto's Connection: receive_data, events and send, for connections whose FrameProtocol is ours.

Strategy: each method does what it can do at once, and hands everything else to wsproto's own method: another FrameProtocol,
a state in which nothing may be sent, a type of argument that is not the usual one.
"""

cimport cython
from cpython.bytes cimport PyBytes_CheckExact
from cpython.object cimport PyObject, PyObject_GenericSetAttr, PyObject_GetAttr
from libc.stdint cimport uint8_t

from fastframe._capi cimport FF_OPCODE_BINARY, FF_OPCODE_PING, FF_OPCODE_PONG, FF_OPCODE_TEXT
from fastframe._wsproto cimport FrameProtocol, GeneratorShape


cdef extern from *:
    """
    /* An instance of a Python class without the call of its __init__. */
    static PyObject *ff_new_instance(PyObject *type, PyObject *no_arguments)
    {
        return ((PyTypeObject *)type)->tp_new((PyTypeObject *)type, no_arguments, NULL);
    }

    /* The same with three attributes, set in this order. */
    static PyObject *ff_new_instance_with_3(PyObject *type, PyObject *no_arguments, PyObject *const names[3],
                                            PyObject *a, PyObject *b, PyObject *c)
    {
        PyObject *instance = ff_new_instance(type, no_arguments);
        if (instance != NULL && (PyObject_GenericSetAttr(instance, names[0], a) < 0
                                 || PyObject_GenericSetAttr(instance, names[1], b) < 0
                                 || PyObject_GenericSetAttr(instance, names[2], c) < 0))
            Py_CLEAR(instance);
        return instance;
    }
    """
    object ff_new_instance(object type, object no_arguments)
    object ff_new_instance_with_3(object type, object no_arguments, PyObject **names, object a, object b, object c)


cdef class Vocabulary:
    """wsproto's classes and states, and the names of attributes, so that the hot path looks nothing up.

    Not even in this module: each constant, and each type, is a look-up in the module's state.
    """

    cdef object Connection, FrameProtocol, ParseFailed
    cdef object TextMessage, BytesMessage, Ping, Pong, CloseConnection
    cdef object OPEN, LOCAL_CLOSING, REMOTE_CLOSING, CLOSED
    cdef bint binary_as_bytearray  # wsproto 1.3.0 and 1.3.1 make the data of a BytesMessage a bytearray
    cdef str data, frame_finished, message_finished, payload, _proto, _state, _events
    cdef object Events
    cdef tuple nothing

    def __init__(self):
        import wsproto
        from wsproto import connection, events
        from wsproto.frame_protocol import ParseFailed

        from fastframe.frame_protocol import FrameProtocol

        self.Connection = connection.Connection
        self.FrameProtocol = FrameProtocol
        self.ParseFailed = ParseFailed
        self.TextMessage, self.BytesMessage = events.TextMessage, events.BytesMessage
        self.Ping, self.Pong, self.CloseConnection = events.Ping, events.Pong, events.CloseConnection
        states = connection.ConnectionState
        self.OPEN, self.CLOSED = states.OPEN, states.CLOSED
        self.LOCAL_CLOSING, self.REMOTE_CLOSING = states.LOCAL_CLOSING, states.REMOTE_CLOSING
        self.binary_as_bytearray = wsproto.__version__ in ("1.3.0", "1.3.1")
        self.data, self.frame_finished, self.message_finished = "data", "frame_finished", "message_finished"
        self.payload, self._proto, self._state, self._events = "payload", "_proto", "_state", "_events"
        self.Events = Events
        self.nothing = ()

    cdef object state(self, object connection):
        # A subclass may have a `state` of its own.
        return PyObject_GetAttr(connection, self._state) if type(connection) is self.Connection else connection.state

    cdef FrameProtocol protocol(self, object connection):
        """The connection's protocol, or None if it is not ours or has been subclassed."""
        protocol = PyObject_GetAttr(connection, self._proto)
        return <FrameProtocol>protocol if type(protocol) is self.FrameProtocol else None

    # ---- events ----

    cdef object message_event(self, uint8_t opcode, object data, bint frame_finished, bint message_finished):
        # The classes are frozen dataclasses: their own __init__ sets the same attributes, in the same order.
        kind = self.TextMessage
        if opcode == FF_OPCODE_BINARY:
            kind = self.BytesMessage
            if self.binary_as_bytearray:
                data = bytearray(data)
        cdef PyObject *names[3]
        names[0] = <PyObject *>self.data
        names[1] = <PyObject *>self.frame_finished
        names[2] = <PyObject *>self.message_finished
        return ff_new_instance_with_3(kind, self.nothing, names, data, frame_finished, message_finished)

    cdef object payload_event(self, object kind, object payload):
        event = ff_new_instance(kind, self.nothing)
        PyObject_GenericSetAttr(event, self.payload, payload)
        return event

    cdef object event(self, object connection, FrameProtocol protocol):
        """The event of the frame that `protocol` has come to."""
        cdef uint8_t opcode = protocol._opcode
        payload = protocol._take_payload()
        if opcode == FF_OPCODE_TEXT or opcode == FF_OPCODE_BINARY:
            return self.message_event(opcode, payload, protocol._frame_finished, protocol._message_finished)
        if opcode == FF_OPCODE_PING:
            return self.payload_event(self.Ping, payload)
        if opcode == FF_OPCODE_PONG:
            return self.payload_event(self.Pong, payload)
        code, reason = payload
        if self.state(connection) is self.LOCAL_CLOSING:
            connection._state = self.CLOSED
        else:
            connection._state = self.REMOTE_CLOSING
        return self.CloseConnection(code=code, reason=reason)


cdef enum Source:
    NONE
    QUEUE       # events that wait in `connection._events`
    PROTOCOL    # frames of our protocol
    ORIGINAL    # the generator of wsproto's own method
    HANDLING    # nothing more: a ParseFailed was the last event


@cython.final
cdef class Events(GeneratorShape):
    """The generator that Connection.events returns."""

    cdef object __weakref__
    cdef object _connection
    cdef object _original_events
    cdef object _original
    cdef Vocabulary _wsproto
    cdef FrameProtocol _protocol
    cdef object _parse_failed
    cdef Source _source

    def __next__(self):
        if self._source == QUEUE:
            self._begun = True
            queue = PyObject_GetAttr(self._connection, self._wsproto._events)
            if queue:
                return queue.popleft()
            self._protocol = self._wsproto.protocol(self._connection)
            if self._protocol is None:
                self._source = ORIGINAL
                self._original = self._original_events(self._connection)
            else:
                self._source = PROTOCOL
        if self._source == PROTOCOL:
            event = self._next_of_protocol()
            if event is not None:
                return event
        elif self._source == ORIGINAL:
            return next(self._original)
        elif self._source == HANDLING:
            self.close()
        raise StopIteration

    cdef object _throw(self, error):
        if self._source == ORIGINAL:
            return self._original.throw(error)
        if self._parse_failed is not None and self._parse_failed is not error:
            error.__context__ = self._parse_failed  # wsproto's generator waits where it handles that one
        self._end_with(error)

    cdef bint _has_ended(self) noexcept:
        return self._source == NONE

    cdef object _next_of_protocol(self):
        """The event of the next frame. None where more bytes are needed; then it has ended."""
        payload = self._protocol._message_at_a_glance()
        if payload is not None:
            return self._wsproto.message_event(self._protocol._opcode, payload, True, True)
        self._source = NONE  # unless there is an event
        if self._protocol._is_idle():
            return None
        try:
            found = self._protocol._next()
        except self._wsproto.ParseFailed as error:
            if not isinstance(error, self._wsproto.ParseFailed):  # no memory for that error
                raise
            event = self._wsproto.CloseConnection(code=error.code, reason=str(error))
            self._parse_failed = error
            self._source = HANDLING
            return event
        if not found:
            return None
        event = self._wsproto.event(self._connection, self._protocol)
        self._source = PROTOCOL
        return event

    def close(self):
        """Ends it, as a generator's close does."""
        if self._source == ORIGINAL:
            self._original.close()
        self._source = NONE
        self._parse_failed = None


def connection_methods(original_receive_data, original_events, original_send):
    """The three methods to put in place of the given ones, which they call for whatever is not theirs to do."""
    cdef Vocabulary wsproto = Vocabulary()

    def receive_data(self, data):
        cdef FrameProtocol protocol
        if PyBytes_CheckExact(data):
            protocol = wsproto.protocol(self)
            if protocol is not None:
                state = wsproto.state(self)
                if state is wsproto.OPEN or state is wsproto.LOCAL_CLOSING:
                    protocol._frame_decoder._inbox.feed(data)
                    return None
        return original_receive_data(self, data)

    def events(self):
        cdef Events generator = <Events>ff_new_instance(wsproto.Events, wsproto.nothing)
        generator._connection = self
        generator._wsproto = wsproto
        generator._original_events = original_events
        generator._source = QUEUE
        return generator

    def send(self, event):
        cdef FrameProtocol protocol = wsproto.protocol(self)
        kind = type(event)
        frame = None
        if protocol is not None and wsproto.state(self) is wsproto.OPEN:
            if kind is wsproto.TextMessage or kind is wsproto.BytesMessage:
                frame = protocol._data_frame(event.data, event.message_finished, True)
            elif kind is wsproto.Ping:
                frame = protocol._control_frame(FF_OPCODE_PING, event.payload, True)
            elif kind is wsproto.Pong:
                frame = protocol._control_frame(FF_OPCODE_PONG, event.payload, True)
        return original_send(self, event) if frame is None else frame

    for method, original in (
        (receive_data, original_receive_data), (events, original_events), (send, original_send)
    ):
        method.__doc__ = original.__doc__
        method.__qualname__ = original.__qualname__
    return receive_data, events, send
