# cython: language_level=3
"""What a generator has besides __next__, for the iterators that stand in for wsproto's
generators."""

from cpython.exc cimport PyErr_WarnEx

from fastframe._cpython.turns cimport begin_in_thread, end_in_thread

import warnings
from types import TracebackType


cdef class GeneratorShape:
    """What a generator has besides __next__."""

    def __iter__(self):
        return self

    def send(self, value):
        """The next item; like wsproto's generators it has no use for the value."""
        return next(self)

    def throw(self, kind, value=None, traceback=None):
        """Ends it, and raises the exception, which it does not handle. The arguments are those of a
        generator's throw."""
        error = thrown(kind, value, traceback)
        begin_in_thread(&self._turn)
        try:
            had_ended = self._has_ended()
            self._end()
            end_with(error, had_ended, self._begun)
        finally:
            end_in_thread(&self._turn)

    def close(self):
        """Ends it."""
        begin_in_thread(&self._turn)
        try:
            self._end()
        finally:
            end_in_thread(&self._turn)

    cdef bint _has_ended(self) noexcept:
        return True

    cdef int _end(self) except -1:
        return 0


def _generators_throw():
    """What this CPython does: is a StopIteration wrapped that a generator is given before it has
    begun? Does a second argument warn?"""
    names = {}
    exec("def generator(): yield", names)
    wraps = False
    try:
        names["generator"]().throw(StopIteration())
    except StopIteration:
        pass
    except RuntimeError:
        wraps = True
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            names["generator"]().throw(ValueError, ValueError())
        except ValueError:
            pass
    return wraps, bool(heard)


# Asked of a real generator: it was the one way up to CPython 3.11, and is the other from 3.12 on.
WRAPS_BEFORE_IT_HAS_BEGUN, WARNS_OF_A_SECOND_ARGUMENT = _generators_throw()


cdef int end_with(object error, bint had_ended, bint begun) except -1:
    # PEP 479
    if isinstance(error, StopIteration) and not had_ended and (begun or WRAPS_BEFORE_IT_HAS_BEGUN):
        wrapped = RuntimeError("generator raised StopIteration")
        wrapped.__cause__ = wrapped.__context__ = error
        raise wrapped
    raise error


cdef object thrown(object kind, object value, object traceback):
    if WARNS_OF_A_SECOND_ARGUMENT and (value is not None or traceback is not None):
        PyErr_WarnEx(
            DeprecationWarning,
            b"the (type, exc, tb) signature of throw() is deprecated, use the single-arg "
            b"signature instead.",
            1,
        )
    if traceback is not None and not isinstance(traceback, TracebackType):
        raise TypeError("throw() third argument must be a traceback object")
    if isinstance(kind, BaseException):
        if value is not None:
            raise TypeError("instance exception may not have a separate value")
        error = kind
    elif isinstance(kind, type) and issubclass(kind, BaseException):
        if isinstance(value, kind):
            error = value
        elif value is None:
            error = kind()
        else:
            error = kind(*value) if isinstance(value, tuple) else kind(value)
    else:
        raise TypeError(
            f"exceptions must be classes or instances deriving from BaseException, not "
            f"{type(kind).__name__}"
        )
    return error if traceback is None else error.with_traceback(traceback)
