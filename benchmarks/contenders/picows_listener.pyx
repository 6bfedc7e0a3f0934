# cython: language_level=3
"""picows with a compiled listener, as its own documentation recommends: the fastest way to use
it."""

from picows.picows cimport WSFrame, WSListener, WSMsgType, WSTransport


cdef class CollectingListener(WSListener):
    cdef public list messages

    def __init__(self):
        self.messages = []

    cpdef on_ws_frame(self, WSTransport transport, WSFrame frame):
        if frame.msg_type == WSMsgType.TEXT:
            self.messages.append(frame.get_payload_as_utf8_text())
        else:
            self.messages.append(frame.get_payload_as_bytes())


cdef class CountingListener(WSListener):
    """A consumer that keeps nothing: how many characters the texts have."""

    cdef public Py_ssize_t count

    cpdef on_ws_frame(self, WSTransport transport, WSFrame frame):
        self.count += len(<str>frame.get_payload_as_utf8_text())


cdef class PayloadListener(WSListener):
    """One that reads payloads where they are: how many bytes they have. picows does not look
    whether they are UTF-8."""

    cdef public Py_ssize_t count

    cpdef on_ws_frame(self, WSTransport transport, WSFrame frame):
        self.count += frame.payload_size


cdef class EchoListener(WSListener):
    """An echo server: a text is made a str, as with every other server."""

    cpdef on_ws_frame(self, WSTransport transport, WSFrame frame):
        if frame.msg_type == WSMsgType.TEXT:
            transport.send(WSMsgType.TEXT, frame.get_payload_as_utf8_text())
        else:
            transport.send(frame.msg_type, frame.get_payload_as_bytes())
