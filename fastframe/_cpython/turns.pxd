# Who may use an object now: see turns.h. An object that is begun must be ended, by the same thread.
from cpython.object cimport PyObject


cdef extern from "turns.h":
    ctypedef struct ff_callers_turn:
        pass
    bint ff_callers_turn_begin(ff_callers_turn *turn) noexcept
    void end_call "ff_callers_turn_end"(ff_callers_turn *turn) noexcept
    bint ff_quick_turn_begin(ff_callers_turn *turn) noexcept
    void end_quick_call "ff_quick_turn_end"(ff_callers_turn *turn) noexcept

    ctypedef struct ff_threads_turn:
        pass
    bint ff_threads_turn_begin(ff_threads_turn *turn) noexcept
    void end_in_thread "ff_threads_turn_end"(ff_threads_turn *turn) noexcept

    # A flag that any thread may read at any time.
    ctypedef struct ff_shared_flag:
        pass
    bint ff_shared_flag_get(ff_shared_flag *flag) noexcept
    void ff_shared_flag_set(ff_shared_flag *flag, bint value) noexcept

    bint ff_is_first_item(object list, object item) noexcept
    bint ff_is_only_reference(PyObject *object) noexcept
    bint FF_WITHOUT_GIL


cdef inline int raise_busy() except -1:
    from fastframe._types import InvalidState

    raise InvalidState(
        "another call on this object has not returned yet: use it in one thread at a time"
    )


# InvalidState if it is somebody else's turn.
cdef inline int begin_call(ff_callers_turn *turn) except -1:
    if not ff_callers_turn_begin(turn):
        raise_busy()
    return 0


# The same for a quick call: it may allocate, but may release only str and bytes.
cdef inline int begin_quick_call(ff_callers_turn *turn) except -1:
    if not ff_quick_turn_begin(turn):
        raise_busy()
    return 0


cdef inline int begin_in_thread(ff_threads_turn *turn) except -1:
    if not ff_threads_turn_begin(turn):
        raise_busy()
    return 0
