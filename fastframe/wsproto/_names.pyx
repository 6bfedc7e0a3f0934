# cython: language_level=3
"""The installed wsproto: its classes and constants, and the options of `install`."""

cimport cython
from cpython.list cimport PyList_CheckExact, PyList_GET_SIZE
from libc.stdint cimport UINT64_MAX, uint8_t

from fastframe.wsproto._events cimport EventClass

from fastframe._cpython.tricks import NAMED_TUPLE
from fastframe.deflate import backend_module
from fastframe.wsproto._events import MESSAGE_FIELDS, PAYLOAD_FIELDS
from fastframe.wsproto._version import like_version


cdef extern from "named_tuple.h":
    object ff_named_tuple_4(object type, object a, object b, object c, object d)
    object ff_named_tuple_4_by_new(object type, object a, object b, object c, object d)


def _fills(kind):
    """Is a tuple that was filled what the constructor makes?"""
    if not issubclass(kind, tuple):
        return False
    a, b, c, d = [object() for _ in range(4)]
    made, called = ff_named_tuple_4(kind, a, b, c, d), kind(a, b, c, d)
    return type(made) is kind and made == called and hash(made) == hash(called)


@cython.no_gc_clear  # what holds it reads it without a look
cdef class WsprotoNames:
    def __init__(self):
        version = like_version()
        from wsproto import connection, events, extensions, frame_protocol

        members = {member.value: member for member in frame_protocol.Opcode}
        self.opcodes = tuple([members.get(number) for number in range(16)])
        self.CloseReason, self.ParseFailed = frame_protocol.CloseReason, frame_protocol.ParseFailed
        self.Frame, self.FrameProtocol = frame_protocol.Frame, frame_protocol.FrameProtocol
        self.Header, self.RsvBits = frame_protocol.Header, frame_protocol.RsvBits
        self.payloads_are_bytes = version not in ("1.1.0", "1.2.0")
        self.PerMessageDeflate = extensions.PerMessageDeflate
        self._methods_of_deflate = _methods(self.PerMessageDeflate)

        self.Connection = connection.Connection
        self.TextMessage, self.BytesMessage = events.TextMessage, events.BytesMessage
        self.Ping, self.Pong = events.Ping, events.Pong
        self.CloseConnection = events.CloseConnection
        states = connection.ConnectionState
        self.OPEN, self.CLOSED = states.OPEN, states.CLOSED
        self.LOCAL_CLOSING, self.REMOTE_CLOSING = states.LOCAL_CLOSING, states.REMOTE_CLOSING
        self.binary_as_bytearray = version in ("1.3.0", "1.3.1")
        self.text_class = EventClass(self.TextMessage, MESSAGE_FIELDS)
        self.bytes_class = EventClass(self.BytesMessage, MESSAGE_FIELDS)
        self.ping_class = EventClass(self.Ping, PAYLOAD_FIELDS)
        self.pong_class = EventClass(self.Pong, PAYLOAD_FIELDS)
        self.data, self.message_finished = "data", "message_finished"
        self.payload, self._proto = "payload", "_proto"
        self._state, self._events = "_state", "_events"
        self._options = WsprotoOptions()
        self._fills_tuples = NAMED_TUPLE.is_on() and NAMED_TUPLE.check(_fills(self.Frame))

    cdef WsprotoOptions options(self):
        with cython.critical_section(self):
            return self._options

    cdef object own_deflate(self, object extensions):
        if not PyList_CheckExact(extensions) or PyList_GET_SIZE(extensions) != 1:
            return None
        only = extensions[0]
        if (
            type(only) is not self.PerMessageDeflate
            or _methods(self.PerMessageDeflate) != self._methods_of_deflate
        ):
            return None
        return only

    cdef object frame(
        self, uint8_t opcode, object payload, bint frame_finished, bint message_finished
    ):
        if self._fills_tuples:
            return ff_named_tuple_4(
                self.Frame, self.opcode(opcode), payload, frame_finished, message_finished
            )
        return ff_named_tuple_4_by_new(
            self.Frame, self.opcode(opcode), payload, frame_finished, message_finished
        )


def _methods(kind):
    names = (
        "frame_inbound_header", "frame_inbound_payload_data", "frame_inbound_complete",
        "frame_outbound"
    )
    return [vars(kind)[name] for name in names]


cdef class WsprotoOptions:
    def __init__(
        self, max_message_size=None, max_fragments=None, deflate=None, fix_interleaved_control=False
    ):
        self.max_message_size = UINT64_MAX if max_message_size is None else max_message_size
        self.max_fragments = UINT64_MAX if max_fragments is None else max_fragments
        self.deflate = deflate
        self.fix_interleaved_control = fix_interleaved_control
        self.zlib = backend_module(deflate.backend if deflate else "zlib")


# The one instance.
NAMES = WsprotoNames()


def event_classes():
    """The EventClass of each kind of event that a message or a Ping or Pong is."""
    cdef WsprotoNames names = NAMES
    return names.text_class, names.bytes_class, names.ping_class, names.pong_class


def held():
    """What is kept of wsproto, as (module, name, object)."""
    cdef WsprotoNames names = NAMES
    return [
        ("wsproto.connection", "Connection", names.Connection),
        ("wsproto.events", "TextMessage", names.TextMessage),
        ("wsproto.events", "BytesMessage", names.BytesMessage),
        ("wsproto.events", "Ping", names.Ping),
        ("wsproto.events", "Pong", names.Pong),
        ("wsproto.events", "CloseConnection", names.CloseConnection),
        ("wsproto.extensions", "PerMessageDeflate", names.PerMessageDeflate),
        ("wsproto.frame_protocol", "Frame", names.Frame),
        ("wsproto.frame_protocol", "ParseFailed", names.ParseFailed),
        ("wsproto.frame_protocol", "CloseReason", names.CloseReason),
    ]


def set_options(
    max_message_size=None, max_fragments=None, deflate=None, fix_interleaved_control=False
):
    """The options of `install`, already checked, for connections from now on; without arguments,
    none."""
    cdef WsprotoNames names = NAMES
    options = WsprotoOptions(max_message_size, max_fragments, deflate, fix_interleaved_control)
    with cython.critical_section(names):
        names._options = options
