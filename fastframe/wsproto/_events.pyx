# cython: language_level=3
"""wsproto's event objects, made without the call of their __init__.

event_class.h makes them; event_hooks.h does it where a program calls the class.
"""

cimport cython
from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_INCREF

import dataclasses
from types import FunctionType

from fastframe._cpython.tricks import EVENT_SLOTS, INLINE_VALUES, TYPE_VERSION


cdef extern from "inline_values.h":
    bint ff_inline_fill(object instance, int count, const unsigned char *places, PyObject **values)
    bint ff_inline_places(object instance, int count, PyObject **values, unsigned char *places)


cdef extern from "event_class.h":
    unsigned int ff_type_version(object kind, object name)
    unsigned int ff_type_version_now(object kind)


cdef extern from "event_hooks.h":
    enum:
        FF_EVENT_FIELDS

    bint ff_event_hook(ff_event_class *event_class)
    void ff_event_unhook(ff_event_class *event_class)
    bint ff_event_is_hooked(const ff_event_class *event_class)
    bint ff_event_slots_are_usual(const ff_event_class *event_class)
    int ff_event_set(const ff_event_class *event_class, object event, PyObject **values) except -1


# The fields of the four classes in each supported wsproto, with their defaults.
MESSAGE_FIELDS = (
    ("data", dataclasses.MISSING), ("frame_finished", True), ("message_finished", True)
)
# of a module whose only bytes constant is an empty one, Cython 3.3.0 makes C that is none
PAYLOAD_FIELDS = (("payload", bytes(())),)


def _versions_follow_changes():
    """Does a class get another version when it, or a base of it, gets another attribute?"""
    base = type("Base", (), {"attribute": 1})
    probe = type("Probe", (base,), {})
    versions = []
    for owner, name in ((probe, "own"), (base, "attribute"), (base, "other")):
        versions.append(ff_type_version(probe, "attribute"))
        setattr(owner, name, 2)
        versions.append(ff_type_version_now(probe))
    return all([before and before != after for before, after in zip(versions[::2], versions[1::2])])


@cython.final
@cython.no_gc_clear  # the type must still exist when the hook is taken away
cdef class EventClass:
    def __cinit__(self, kind, tuple fields not None):
        assert isinstance(kind, type) and 0 < len(fields) <= FF_EVENT_FIELDS
        self.type = kind
        self._fields = fields
        self._no_arguments = ()
        self.c.type = <PyTypeObject *>kind
        self.c.no_arguments = <PyObject *>self._no_arguments
        self.c.fields = <int>len(fields)
        for i, (name, default) in enumerate(fields):
            self.c.names[i] = <PyObject *>name
            self.c.defaults[i] = NULL if default is dataclasses.MISSING else <PyObject *>default
        self.c.version_is_trusted = TYPE_VERSION.check(_versions_follow_changes())

    def __dealloc__(self):
        self.unhook()

    cpdef bint is_unchanged(self):
        """True if the class is as wsproto made it. The `__init__` of a dataclass is compiled from a
        string."""
        init = vars(self.type).get("__init__")
        names = tuple([name for name, _ in self._fields])
        defaults = tuple(
            [default for _, default in self._fields if default is not dataclasses.MISSING]
        )
        return (
            isinstance(init, FunctionType)
            and init.__code__.co_filename == "<string>"
            and init.__code__.co_varnames[:init.__code__.co_argcount] == ("self", *names)
            and init.__defaults__ == defaults
            and tuple([(field.name, field.default) for field in dataclasses.fields(self.type)])
            == self._fields
            and ff_event_slots_are_usual(&self.c)
        )

    cpdef bint hook(self):
        """Takes calls of the class, which must be unchanged. False where that cannot be done: then
        they cost what they did."""
        self._init = vars(self.type)["__init__"]
        self._init_code, self._init_defaults = self._init.__code__, self._init.__defaults__
        self._init_name = "__init__"
        self.c.init_name = <PyObject *>self._init_name
        self.c.init = <PyObject *>self._init
        self.c.init_code = <PyObject *>self._init_code
        self.c.init_defaults = (
            NULL if self._init_defaults is None
            else <PyObject *>self._init_defaults
        )
        if not self._knows_places:  # once, as other threads may be making events
            self._find_places()
            self._knows_places = True
        if EVENT_SLOTS.is_on() and self.c.version_is_trusted:
            self._is_hooked = ff_event_hook(&self.c) or ff_event_is_hooked(&self.c)
            if self._is_hooked and not EVENT_SLOTS.check(self._calls_are_taken()):
                self.unhook()
        return self._is_hooked

    cdef bint _calls_are_taken(self) except -1:
        """Does a call of the class, with arguments by place or by name, make an event that has
        them?"""
        marks = [object() for _ in self._fields]
        names = [name for name, _ in self._fields]
        made = [self.type(*marks), self.type(**dict(zip(names, marks)))]
        return all([type(event) is self.type and getattr(event,
            name) is mark for event in made for name, mark in zip(names, marks)])

    cpdef bint unhook(self) noexcept:
        """Undoes that. False if other code has changed the `__init__` since; what it has put there
        stays."""
        cdef bint is_unchanged = not self._is_hooked or ff_event_is_hooked(&self.c)
        if self._is_hooked:
            self._is_hooked = False
            ff_event_unhook(&self.c)
        return is_unchanged

    cdef int _find_places(self) except -1:
        """Looks where CPython keeps the attributes, and checks that an event filled there is like
        one filled by public means."""
        cdef PyObject *values[FF_EVENT_FIELDS]
        marks = [object() for _ in self._fields]
        for i, mark in enumerate(marks):
            values[i] = <PyObject *>mark
        found, filled = self.type.__new__(self.type), self.type.__new__(self.type)
        ff_event_set(&self.c, found, values)
        self.c.has_inline_values = (
            INLINE_VALUES.is_on()
            and self.c.version_is_trusted
            and ff_inline_places(found, self.c.fields, values, self.c.places)
            and INLINE_VALUES.check(
                self._fill(filled, marks, values) and list(vars(filled).items())
                == list(vars(found).items())
            )
        )
        return 0

    cdef bint _fill(self, event, marks, PyObject **values) except -1:
        if not ff_inline_fill(event, self.c.fields, self.c.places, values):
            return False
        for mark in marks:
            Py_INCREF(mark)
        return True

    @property
    def has_inline_values(self):
        return self.c.has_inline_values
