# The installed wsproto: its classes and constants, and the options of `install`.
from cpython.tuple cimport PyTuple_GET_ITEM
from libc.stdint cimport uint8_t, uint64_t

from fastframe.wsproto._events cimport EventClass


# What is needed of wsproto. Each object holds the one instance, so that the hot path looks nothing
# up by name: not even in its own module, as each constant and each type is a look-up in the
# module's state.
cdef class WsprotoNames:
    # wsproto.frame_protocol
    cdef readonly tuple opcodes           # the Opcode members by their number
    cdef readonly object CloseReason, Frame, FrameProtocol, Header, ParseFailed, RsvBits
    cdef readonly object PerMessageDeflate
    # of PerMessageDeflate, as they were before anybody changed them
    cdef object _methods_of_deflate
    cdef bint payloads_are_bytes          # since 1.3; before, some are bytearray

    # wsproto.connection and wsproto.events
    cdef object Connection, TextMessage, BytesMessage, Ping, Pong, CloseConnection
    cdef object OPEN, LOCAL_CLOSING, REMOTE_CLOSING, CLOSED
    # wsproto 1.3.0 and 1.3.1 make the data of a BytesMessage a bytearray
    cdef bint binary_as_bytearray
    cdef readonly EventClass text_class, bytes_class, ping_class, pong_class
    cdef str data, message_finished, payload, _proto, _state, _events

    cdef bint _fills_tuples               # the trick "named tuple" is in use
    cdef WsprotoOptions _options          # for connections from now on

    cdef WsprotoOptions options(self)

    # The extension of a connection that has no other than wsproto's own PerMessageDeflate; else
    # None.
    cdef object own_deflate(self, object extensions)

    cdef inline object opcode(self, uint8_t number):
        return <object>PyTuple_GET_ITEM(self.opcodes, number)

    # A Frame, without the call of its constructor.
    cdef object frame(
        self, uint8_t opcode, object payload, bint frame_finished, bint message_finished
    )


# The options of `install`, already checked. Never changed: `set_options` puts another object in its
# place.
cdef class WsprotoOptions:
    cdef uint64_t max_message_size, max_fragments
    cdef bint fix_interleaved_control
    cdef readonly object deflate          # a Deflate, or None for what wsproto does by itself
    cdef object zlib                      # the module of its back-end
