# cython: language_level=3
"""The hot methods of wsproto's Connection: receive_data, events and send, for connections on fastframe's FrameProtocol.

Strategy: each method does what it can do at once, and hands everything else to wsproto's own method: another FrameProtocol,
a state in which nothing may be sent, a type of argument that is not the usual one.
"""

cimport cython
from cpython.bytes cimport PyBytes_CheckExact
from cpython.object cimport PyObject_GetAttr
from libc.stdint cimport uint8_t

from fastframe._capi cimport FF_OPCODE_BINARY, FF_OPCODE_PING, FF_OPCODE_PONG, FF_OPCODE_TEXT
from fastframe.wsproto._events cimport ff_new_instance, message_event, payload_event
from fastframe.wsproto._frame_protocol cimport FrameProtocol
from fastframe.wsproto._generator_shape cimport GeneratorShape
from fastframe.wsproto._names cimport WsprotoNames

from fastframe.wsproto._names import NAMES


def connection_methods(original_receive_data, original_events, original_send):
    """The three methods to put in place of the given ones, which they call for whatever they leave to wsproto."""
    cdef ConnectionMethods methods = ConnectionMethods(original_receive_data, original_events, original_send)

    def receive_data(self, data):
        return methods.receive_data(self, data)

    def events(self):
        return methods.events(self)

    def send(self, event):
        return methods.send(self, event)

    for method, original in (
        (receive_data, original_receive_data), (events, original_events), (send, original_send)
    ):
        method.__doc__ = original.__doc__
        method.__qualname__ = original.__qualname__
    return receive_data, events, send


@cython.final
cdef class ConnectionMethods:
    cdef WsprotoNames _names
    cdef object _FrameProtocol, _Events  # fastframe's classes, kept so that nothing is looked up
    cdef object _original_receive_data, _original_events, _original_send
    cdef tuple _nothing

    def __init__(self, original_receive_data, original_events, original_send):
        from fastframe.frame_protocol import FrameProtocol

        self._names = NAMES
        self._FrameProtocol = FrameProtocol
        self._Events = Events
        self._original_receive_data = original_receive_data
        self._original_events = original_events
        self._original_send = original_send
        self._nothing = ()

    # ---- the methods ----

    cdef object receive_data(self, connection, data):
        cdef FrameProtocol protocol
        if PyBytes_CheckExact(data):
            protocol = self.protocol(connection)
            if protocol is not None:
                state = self.state(connection)
                if state is self._names.OPEN or state is self._names.LOCAL_CLOSING:
                    protocol._frame_decoder._receive_buffer.feed(data)
                    return None
        return self._original_receive_data(connection, data)

    cdef object events(self, connection):
        cdef Events generator = <Events>ff_new_instance(self._Events, self._nothing)
        generator._connection = connection
        generator._methods = self
        generator._source = QUEUE
        return generator

    cdef object send(self, connection, event):
        cdef FrameProtocol protocol = self.protocol(connection)
        kind = type(event)
        frame = None
        if protocol is not None and self.state(connection) is self._names.OPEN:
            if kind is self._names.TextMessage or kind is self._names.BytesMessage:
                frame = protocol._data_frame(event.data, event.message_finished, True)
            elif kind is self._names.Ping:
                frame = protocol._control_frame(FF_OPCODE_PING, event.payload, True)
            elif kind is self._names.Pong:
                frame = protocol._control_frame(FF_OPCODE_PONG, event.payload, True)
        return self._original_send(connection, event) if frame is None else frame

    # ---- what they look at ----

    cdef object state(self, object connection):
        # A subclass may have a `state` of its own.
        if type(connection) is self._names.Connection:
            return PyObject_GetAttr(connection, self._names._state)
        return connection.state

    cdef FrameProtocol protocol(self, object connection):
        """The connection's protocol, or None if it is not exactly fastframe's."""
        protocol = PyObject_GetAttr(connection, self._names._proto)
        return <FrameProtocol>protocol if type(protocol) is self._FrameProtocol else None

    cdef object event(self, object connection, FrameProtocol protocol):
        """The event of the frame that `protocol` has come to."""
        cdef uint8_t opcode = protocol._opcode
        payload = protocol._take_payload()
        if opcode == FF_OPCODE_TEXT or opcode == FF_OPCODE_BINARY:
            return message_event(
                self._names, self._nothing, opcode, payload, protocol._frame_finished, protocol._message_finished
            )
        if opcode == FF_OPCODE_PING:
            return payload_event(self._names, self._nothing, self._names.Ping, payload)
        if opcode == FF_OPCODE_PONG:
            return payload_event(self._names, self._nothing, self._names.Pong, payload)
        code, reason = payload
        if self.state(connection) is self._names.LOCAL_CLOSING:
            connection._state = self._names.CLOSED
        else:
            connection._state = self._names.REMOTE_CLOSING
        return self._names.CloseConnection(code=code, reason=reason)


cdef enum Source:
    NONE
    QUEUE       # events that wait in `connection._events`
    PROTOCOL    # frames of fastframe's protocol
    ORIGINAL    # the generator of wsproto's own method
    HANDLING    # nothing more: a ParseFailed was the last event


@cython.final
cdef class Events(GeneratorShape):
    """The generator that Connection.events returns."""

    cdef object __weakref__
    cdef object _connection
    cdef object _original
    cdef ConnectionMethods _methods
    cdef FrameProtocol _protocol
    cdef object _parse_failed
    cdef Source _source

    def __next__(self):
        if self._source == QUEUE:
            self._begun = True
            queue = PyObject_GetAttr(self._connection, self._methods._names._events)
            if queue:
                return queue.popleft()
            self._leave_queue()
        if self._source == PROTOCOL:
            event = self._next_of_protocol()
            if event is not None:
                return event
        elif self._source == ORIGINAL:
            return next(self._original)
        elif self._source == HANDLING:
            self.close()
        raise StopIteration

    cdef int _leave_queue(self) except -1:
        self._protocol = self._methods.protocol(self._connection)
        if self._protocol is None:
            self._source = ORIGINAL
            self._original = self._methods._original_events(self._connection)
        else:
            self._source = PROTOCOL
        return 0

    cdef object _next_of_protocol(self):
        """The event of the next frame. None where more bytes are needed; then it has ended."""
        cdef ConnectionMethods methods = self._methods
        payload = self._protocol._try_whole_message()
        if payload is not None:
            return message_event(methods._names, methods._nothing, self._protocol._opcode, payload, True, True)
        self._source = NONE  # unless there is an event
        if self._protocol._is_idle():
            return None
        try:
            found = self._protocol._next_frame()
        except methods._names.ParseFailed as error:
            if not isinstance(error, methods._names.ParseFailed):  # no memory for that error
                raise
            event = methods._names.CloseConnection(code=error.code, reason=str(error))
            self._parse_failed = error
            self._source = HANDLING
            return event
        if not found:
            return None
        event = methods.event(self._connection, self._protocol)
        self._source = PROTOCOL
        return event

    cdef object _throw(self, error):
        if self._source == ORIGINAL:
            return self._original.throw(error)
        if self._parse_failed is not None and self._parse_failed is not error:
            error.__context__ = self._parse_failed  # wsproto's generator waits where it handles that one
        self._end_with(error)

    cdef bint _has_ended(self) noexcept:
        return self._source == NONE

    def close(self):
        """Ends it, as a generator's close does."""
        if self._source == ORIGINAL:
            self._original.close()
        self._source = NONE
        self._parse_failed = None
