"""The event classes of wsproto while it is on fastframe: what a program can see of them is what
wsproto alone shows.

Every probe runs on wsproto alone first. Which calls ran the dataclass's own `__init__` is counted
by the profiler, so that no probe passes because nothing was hooked.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import gc
import inspect
import logging
import pickle
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any, ClassVar
from unittest import mock

import pytest
from wsproto import events
from wsproto.connection import CLIENT, SERVER, Connection

import fastframe
from fastframe import InstallError
from fastframe._cpython.tricks import EVENT_SLOTS, INLINE_VALUES
from fastframe.wsproto._events import MESSAGE_FIELDS, PAYLOAD_FIELDS, EventClass
from fastframe.wsproto._names import event_classes

MESSAGES = (events.TextMessage, events.BytesMessage)
PAYLOADS = (events.Ping, events.Pong)
IS_HOOKABLE = getattr(sys, "_is_gil_enabled", lambda: True)() and EVENT_SLOTS.is_on()
VECTORCALL = sys.version_info >= (3, 12)  # before, a class with a metaclass is called by tp_call


class Text(str):
    pass


def outcome(probe: Callable[[], object]) -> tuple[object, ...]:
    try:
        return ("returned", repr(probe()))
    except Exception as error:
        return (type(error), str(error))


def calls_of(kind: Any) -> Iterator[tuple[str, Callable[[], object]]]:
    positional: list[tuple[Any, ...]] = [
        (),
        ("x",),
        (b"y", False),
        (1, 2, 3),
        (1, 2, 3, 4),
        (None, None, None),
    ]
    named: list[dict[Any, Any]] = [
        {},
        {"data": 5},
        {"message_finished": False},
        {"frame_finished": 0, "message_finished": 1, "data": "k"},
        {"unknown": 1},
        {"data": 1, "unknown": 2},
        {Text("data"): 9},
        {"".join(["da", "ta"]): 8},
        {"payload": b"p"},
        {1: 2},
    ]
    for args in positional:
        for kwargs in named:
            yield (
                f"{args} {kwargs}",
                lambda args=args, kwargs=kwargs: list(vars(kind(*args, **kwargs)).items()),
            )
            yield (
                f"type.__call__ {args} {kwargs}",
                lambda a=args, k=kwargs: type.__call__(kind, *a, **k),
            )


def set_again(event: Any) -> object:
    event.__init__("again")
    return vars(event)


def on_nothing(kind: Any) -> object:
    event = kind.__new__(kind)
    before = dict(vars(event))
    kind.__init__(event, "late")
    return before, vars(event)


def on_another(kind: Any) -> object:
    other = type("Other", (), {})()
    kind.__init__(other, "x")
    return vars(other)


def with_more(kind: Any) -> object:
    event = kind("x")
    object.__setattr__(event, "more", 1)
    return vars(event)


def lost_one(kind: Any) -> object:
    event = kind("x")
    object.__delattr__(event, next(iter(vars(event))))
    return vars(event)


def other_class(kind: Any) -> object:
    event = kind("x")
    object.__setattr__(event, "__class__", type("Sub", (kind,), {}))
    return type(event).__name__, vars(event)


def looks_of(kind: Any) -> Iterator[tuple[str, Callable[[], object]]]:
    yield (
        "signature",
        lambda: (
            inspect.signature(kind),
            inspect.signature(kind.__init__),
            inspect.isfunction(kind.__init__),
        ),
    )
    yield (
        "init",
        lambda: (
            kind.__init__.__qualname__,
            kind.__init__.__defaults__,
            kind.__init__.__annotations__,
        ),
    )
    yield (
        "names in the class",
        lambda: [name for name in vars(kind) if name != "__slotnames__"],
    )  # copyreg's
    yield "fields", lambda: [(field.name, field.default) for field in dataclasses.fields(kind)]
    yield "frozen", lambda: setattr(kind("x"), dataclasses.fields(kind)[0].name, 1)
    yield "cannot be deleted", lambda: delattr(kind("x"), dataclasses.fields(kind)[0].name)
    yield (
        "equality",
        lambda: (
            kind("x") == kind("x"),
            kind("x") == kind("y"),
            hash(kind("x")) == hash(kind("x")),
        ),
    )
    yield "no hash", lambda: hash(kind([1]))
    yield "repr", lambda: kind("x")
    yield "match args", lambda: kind.__match_args__
    yield "asdict", lambda: (dataclasses.asdict(kind("x")), dataclasses.astuple(kind("x")))
    yield "copies", lambda: (copy.copy(kind("x")), copy.deepcopy(kind(["x"])))
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        yield (
            f"pickle {protocol}",
            lambda p=protocol: (
                pickle.dumps(kind("x"), p),
                pickle.loads(pickle.dumps(kind("x"), p)),
            ),
        )
    yield "reduce", lambda: kind("x").__reduce_ex__(4)[1:]
    yield "initialized again", lambda: set_again(kind("x"))
    yield "initialized late", lambda: on_nothing(kind)
    yield "initialized on another", lambda: on_another(kind)
    yield "one more attribute", lambda: with_more(kind)
    yield "one attribute less", lambda: lost_one(kind)
    yield "another class", lambda: other_class(kind)
    yield "weak reference", lambda: (weakref.ref(kind("x"))(), gc.is_tracked(kind("x")))
    yield "alias", lambda: kind[int]("x")


def subclasses_of(kind: Any) -> Iterator[tuple[str, Callable[[], object]]]:
    class Plain(kind):  # type: ignore[misc]
        pass

    class OwnInit(kind):  # type: ignore[misc]
        def __init__(self, text: str) -> None:
            super().__init__(text * 2)

    class OwnNew(kind):  # type: ignore[misc]
        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            event = super().__new__(cls)
            object.__setattr__(event, "mark", 1)
            return event

    @dataclasses.dataclass(frozen=True)
    class Wider(kind):  # type: ignore[misc]
        more: int = 3

    class Watched(kind):  # type: ignore[misc]
        seen: ClassVar[list[object]] = []
        data = property(lambda self: "read", lambda self, value: self.seen.append(value))
        payload = data

    class Unsettable(kind):  # type: ignore[misc]
        def __setattr__(self, name: str, value: object) -> None:
            raise RuntimeError("a frozen dataclass does not call this")

    for subclass in (Plain, OwnInit, OwnNew, Wider, Watched, Unsettable):
        yield (
            subclass.__name__,
            lambda c=subclass: [(type(c("s")).__name__, vars(c("s"))) for _ in range(3)],
        )
        yield f"{subclass.__name__} without arguments", lambda c=subclass: c()
    yield "what was watched", lambda: Watched.seen


def probes() -> dict[str, tuple[object, ...]]:
    found = {}
    for kind in MESSAGES + PAYLOADS:
        for source in (calls_of, looks_of, subclasses_of):
            for name, probe in source(kind):
                found[f"{kind.__name__}: {name}"] = outcome(probe)
    for message in MESSAGES:
        found[f"{message.__name__} replaced"] = outcome(
            lambda m=message: dataclasses.replace(m("x"), message_finished=False)
        )
        match message("x"):
            case events.TextMessage(data=data) | events.BytesMessage(data=data):
                found[f"{message.__name__} matched"] = data
    found["response"] = outcome(lambda: events.Ping(b"1").response())
    return found


def inits_run(probe: Callable[[], object]) -> int:
    """How often a dataclass's own `__init__` of wsproto's events was called."""
    codes = {kind.__init__.__code__ for kind in MESSAGES + PAYLOADS}
    run = 0

    def count(frame: Any, event: str, argument: object) -> None:
        nonlocal run
        run += event == "call" and frame.f_code in codes

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        probe()
    finally:
        sys.setprofile(before)
    return run


def usual_calls() -> None:
    for message in MESSAGES:
        (
            message("x"),
            message(data="x"),
            message("x", False),
            message(data="x", message_finished=False),
        )
    for payload in PAYLOADS:
        payload(), payload(b"x"), payload(payload=b"x")


USUAL = 14


def test_nothing_that_a_program_sees_differs() -> None:
    alone = probes()
    with fastframe.installed("wsproto"):
        assert probes() == alone
        assert inits_run(usual_calls) == (0 if IS_HOOKABLE else USUAL)
        assert (
            inits_run(lambda: events.TextMessage(**{"".join(["da", "ta"]): 1})) == 1
        )  # another str than the class's own
    assert inits_run(usual_calls) == USUAL
    assert probes() == alone


def test_a_subclass_made_while_installed_lives_on() -> None:
    with fastframe.installed("wsproto"):

        class Sub(events.TextMessage):
            pass

        assert Sub("x") == Sub(data="x")
    assert vars(Sub("y")) == {"data": "y", "frame_finished": True, "message_finished": True}


@contextlib.contextmanager
def changed(owner: Any, name: str, value: object) -> Iterator[None]:
    """`owner` with another attribute; None deletes it."""
    had, before = name in vars(owner), vars(owner).get(name)
    delattr(owner, name) if value is None else setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before) if had else delattr(owner, name)


@contextlib.contextmanager
def changed_defaults(function: Any, defaults: tuple[object, ...]) -> Iterator[None]:
    before, function.__defaults__ = function.__defaults__, defaults
    try:
        yield
    finally:
        function.__defaults__ = before


@contextlib.contextmanager
def changed_code(function: Any) -> Iterator[None]:
    before = function.__code__

    def other(
        self: Any, data: object, frame_finished: object = 1, message_finished: object = 2
    ) -> None:
        object.__setattr__(self, "data", ("another code", data))

    if before.co_freevars:  # a code with other free variables is refused
        function.__code__ = before.replace(co_consts=(*before.co_consts, 0), co_name="other")
    else:
        function.__code__ = other.__code__
    try:
        yield
    finally:
        function.__code__ = before


def own_init(self: Any, *args: Any, **kwargs: Any) -> None:
    object.__setattr__(self, "data", "changed")


def own_new(cls: Any, *args: Any, **kwargs: Any) -> Any:
    return "new"


TextMessage = events.TextMessage
CHANGES: dict[str, Callable[[], contextlib.AbstractContextManager[None]]] = {
    "another __init__": lambda: changed(TextMessage, "__init__", own_init),
    "no __init__": lambda: changed(TextMessage, "__init__", None),
    "its own __init__ again": lambda: changed(TextMessage, "__init__", TextMessage.__init__),
    "another attribute": lambda: changed(TextMessage, "unrelated", 1),
    "abstract": lambda: changed(TextMessage, "__abstractmethods__", frozenset({"method"})),
    "a property over a field": lambda: changed(
        TextMessage, "data", property(lambda self: "read", lambda self, value: None)
    ),
    "another default in the class": lambda: changed(TextMessage, "frame_finished", 7),
    "other defaults": lambda: changed_defaults(TextMessage.__init__, (5, 6)),
    "another code": lambda: changed_code(TextMessage.__init__),
    "another __init__ of the base": lambda: changed(events.Message, "__init__", own_init),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_class_that_is_changed_while_installed(
    change: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Before, with and after the change, the calls do what they do on wsproto alone."""

    def calls() -> list[tuple[object, ...]]:
        shown = []
        for _ in range(20):  # so often that CPython specializes the calls
            shown = [
                outcome(lambda: vars(TextMessage("x"))),
                outcome(lambda: vars(TextMessage(data="x", frame_finished=3))),
            ]
        return shown

    def before_with_and_after() -> list[list[tuple[object, ...]]]:
        before = calls()
        with CHANGES[change]():
            within = calls()
        return [before, within, calls()]

    alone = before_with_and_after()
    with caplog.at_level(logging.WARNING, "fastframe"), fastframe.installed("wsproto"):
        assert before_with_and_after() == alone
    assert before_with_and_after() == alone
    assert inits_run(usual_calls) == USUAL
    resets = "__init__" in change and "base" not in change
    assert bool(caplog.records) == (resets and IS_HOOKABLE)


def test_a_class_that_gets_a_new_while_installed() -> None:
    """In a process of its own, as CPython does not forget it when it is deleted."""
    program = """if True:
        import fastframe
        from wsproto.events import TextMessage
        fastframe.install("wsproto")
        TextMessage.__new__ = staticmethod(lambda cls, *args, **kwargs: ("new", args, kwargs))
        print(TextMessage("x"), TextMessage(data="x"))
        del TextMessage.__new__
        try:
            TextMessage("x")
        except TypeError as error:
            print(error)  # as without fastframe
        fastframe.uninstall("wsproto")
        try:
            fastframe.install("wsproto")
        except fastframe.InstallError as error:
            print(error)
    """
    run = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60
    )
    assert run.stdout.splitlines() == [
        "('new', ('x',), {}) ('new', (), {'data': 'x'})",
        "object.__new__() takes exactly one argument (the type to instantiate)",
        "wsproto.events has been patched by other code already: TextMessage",
    ]


def test_a_class_that_was_changed_before_is_refused() -> None:
    with (
        changed(events.Ping, "__init__", own_init),
        pytest.raises(
            InstallError, match=r"wsproto\.events has been patched by other code already: Ping"
        ),
    ):
        fastframe.install("wsproto")
    assert not fastframe.status()["wsproto"].active
    with fastframe.installed("wsproto"):
        assert events.Ping() == events.Ping(b"")


def test_other_code_that_stays_is_left_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    with contextlib.ExitStack() as stack:
        with fastframe.installed("wsproto"):
            stack.enter_context(changed(events.TextMessage, "__init__", own_init))
        assert [record.getMessage() for record in caplog.records] == [
            "wsproto: TextMessage.__init__ was replaced by other code after fastframe, and is "
            "left as it is"
        ] * IS_HOOKABLE
        assert vars(events.TextMessage("x")) == {"data": "changed"}
    assert events.TextMessage("x").data == "x"


def test_references_are_neither_lost_nor_kept() -> None:
    def calls(data: object) -> None:
        for _ in range(500):
            (
                events.TextMessage(data),
                events.TextMessage(data=data, frame_finished=0),
                events.Ping(payload=data),
            )  # type: ignore
            for wrong in (
                lambda: events.TextMessage(1, 2, 3, data),
                lambda: events.Ping(data, data),
            ):
                outcome(wrong)

    mark = object()
    with fastframe.installed("wsproto"):
        calls(mark)
        gc.collect()
        references, objects = sys.getrefcount(mark), len(gc.get_objects())
        calls(mark)
        gc.collect()
        assert sys.getrefcount(mark) == references
        assert len(gc.get_objects()) - objects < 20

        class Box(list[Any]):
            pass

        box = Box()
        box.append(events.TextMessage(box))  # type: ignore[arg-type]
        gone = weakref.ref(box)
        del box
        gc.collect()
        assert gone() is None


def test_the_places_of_the_attributes_are_found() -> None:
    """Of CPython's private layout, where it is known; what is received is filled by it."""
    with fastframe.installed("wsproto"):
        expected = (3, 11) <= sys.version_info < (3, 16) and IS_HOOKABLE and INLINE_VALUES.is_on()
        assert {
            kind.type.__name__: kind.has_inline_values for kind in event_classes()
        } == dict.fromkeys(("TextMessage", "BytesMessage", "Ping", "Pong"), expected)
        client, server = Connection(CLIENT), Connection(SERVER)
        server.receive_data(client.send(events.TextMessage("x")) + client.send(events.Ping(b"p")))
        received = list(server.events())
        made = [events.TextMessage.__new__(events.TextMessage), events.Ping.__new__(events.Ping)]
        for event, values in zip(made, (("x", True, True), (b"p",)), strict=True):
            for field, value in zip(dataclasses.fields(event), values, strict=True):
                object.__setattr__(event, field.name, value)
        assert [list(vars(event).items()) for event in received] == [
            list(vars(event).items()) for event in made
        ]
        assert pickle.dumps(received) == pickle.dumps(made)


def test_a_property_over_a_field_is_called_for_what_is_received_too() -> None:
    def receive() -> object:
        server.receive_data(frame)
        return [vars(event) for event in server.events()]

    frame = Connection(CLIENT).send(events.TextMessage("x"))
    server = Connection(SERVER)
    seen: list[object] = []
    with fastframe.installed("wsproto"):
        server = Connection(SERVER)
        plain = [{"data": "x", "frame_finished": True, "message_finished": True}]
        assert receive() == plain
        with changed(
            TextMessage,
            "data",
            property(lambda self: "read", lambda self, value: seen.append(value)),
        ):
            assert receive() == [{"frame_finished": True, "message_finished": True}]
            assert seen == ["x"]
        assert receive() == plain


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    payload: bytes = b""


@dataclasses.dataclass(frozen=True)
class Own:
    payload: bytes = b""


def test_a_class_whose_attributes_lie_elsewhere() -> None:
    """Then public functions fill it."""
    event_class = EventClass(Slotted, PAYLOAD_FIELDS)
    assert event_class.is_unchanged()
    assert event_class.hook() == IS_HOOKABLE
    assert not event_class.has_inline_values
    assert (Slotted(), Slotted(b"x"), Slotted(payload=b"y")) == (
        Slotted(b""),
        Slotted(payload=b"x"),
        Slotted(b"y"),
    )
    assert event_class.unhook()
    assert event_class.unhook()


def test_what_counts_as_unchanged() -> None:
    kind = dataclasses.make_dataclass("Kind", [("payload", bytes, b"")], frozen=True)
    assert EventClass(kind, PAYLOAD_FIELDS).is_unchanged()
    for name, value in {
        "__init__": own_init,
        "__new__": staticmethod(own_new),
    }.items():
        with changed(kind, name, value):
            assert not EventClass(kind, PAYLOAD_FIELDS).is_unchanged()
    with changed(kind, "__init__", None):
        assert not EventClass(kind, PAYLOAD_FIELDS).is_unchanged()
    with changed_defaults(kind.__init__, (b"other",)):
        assert not EventClass(kind, PAYLOAD_FIELDS).is_unchanged()
    assert not EventClass(kind, (("payload", b"other"),)).is_unchanged()
    assert not EventClass(kind, (("other", b""),)).is_unchanged()
    with pytest.raises(AssertionError):
        EventClass(kind, ())
    with pytest.raises(AssertionError):
        EventClass("no class", PAYLOAD_FIELDS)  # type: ignore[arg-type]


def test_a_hooked_class_outlives_its_hook() -> None:
    """The hook goes with the object that holds it; the class stays as it was."""
    event_class = EventClass(Own, PAYLOAD_FIELDS)
    event_class.hook()
    assert inits_run_of(Own) == (0 if IS_HOOKABLE else 1)
    del event_class
    gc.collect()
    assert inits_run_of(Own) == 1


def inits_run_of(kind: Any) -> int:
    run = 0

    def count(frame: Any, event: str, argument: object) -> None:
        nonlocal run
        run += event == "call" and frame.f_code is kind.__init__.__code__

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        kind(b"x")
    finally:
        sys.setprofile(before)
    return run


@pytest.mark.skipif(not IS_HOOKABLE, reason="no class is hooked")
def test_more_classes_than_the_table_has_room_for() -> None:
    """What finds no room is not hooked, and works all the same."""
    classes = [
        dataclasses.make_dataclass(f"C{i}", [("payload", bytes, b"")], frozen=True)
        for i in range(600)
    ]
    hooks = [EventClass(kind, PAYLOAD_FIELDS) for kind in classes]
    hooked = [hook.hook() for hook in hooks]
    assert any(hooked)
    assert not all(hooked)
    assert all(vars(kind(b"x")) == {"payload": b"x"} for kind in classes)
    assert all(hook.unhook() for hook in hooks)
    assert all(vars(kind(b"x")) == {"payload": b"x"} for kind in classes)


def test_threads_that_make_events_while_another_installs() -> None:
    wrong: list[object] = []
    done = threading.Event()

    def make() -> None:
        while not done.is_set():
            event = events.TextMessage(data="x", message_finished=False)
            if list(vars(event).items()) != [
                ("data", "x"),
                ("frame_finished", True),
                ("message_finished", False),
            ]:
                wrong.append(vars(event))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    threads = [threading.Thread(target=make) for _ in range(3)]
    try:
        for thread in threads:
            thread.start()
        for _ in range(50):
            with fastframe.installed("wsproto"):
                pass
    finally:
        done.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(interval)
    assert not wrong


def test_an_interpreter_that_ends_while_installed() -> None:
    program = (
        "import fastframe; fastframe.install('wsproto')\n"
        "from wsproto.events import TextMessage\n"
        "class Last:\n"
        "    def __del__(self): print(self.kind('x').data)\n"
        "last = Last(); last.kind = TextMessage\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=60
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "x\n", "")


# ---- the methods of Connection -------------------------------------------------------------------

METHODS = ("receive_data", "events", "send")


def method_probes() -> dict[str, tuple[object, ...]]:
    found = {}
    for name in METHODS:
        method = vars(Connection)[name]
        for attribute in (
            "__name__",
            "__qualname__",
            "__doc__",
            "__annotations__",
            "__defaults__",
            "__kwdefaults__",
            "nothing",
        ):
            found[f"{name}.{attribute}"] = outcome(lambda m=method, a=attribute: getattr(m, a))
        found[f"{name} signatures"] = outcome(
            lambda n=name: (
                inspect.signature(getattr(Connection, n)),
                inspect.signature(getattr(Connection(SERVER), n)),
            )
        )
        found[f"{name} callable"] = outcome(
            lambda m=method: (callable(m), inspect.isroutine(m), inspect.isclass(m))
        )
        found[f"{name} bound"] = outcome(
            lambda n=name: inspect.ismethod(getattr(Connection(SERVER), n))
        )
        for args in ((), (b"\x89\x00",), (1, 2), (None,), (events.Ping(b"x"),)):
            for kwargs in (
                {},
                {"data": b"\x89\x00"},
                {"event": events.Ping(b"y")},
                {"unknown": 1},
                {"data": 1, "event": 2},
            ):
                call = lambda n=name, a=args, k=kwargs: getattr(Connection(SERVER), n)(*a, **k)  # noqa: E731
                if name == "events":
                    found[f"{name} {args} {kwargs}"] = outcome(lambda c=call: list(c()))
                else:
                    found[f"{name} {args} {kwargs}"] = outcome(call)
        found[f"{name} unbound"] = outcome(lambda m=method: m())
        found[f"{name} replaced"] = outcome(
            lambda n=name: mock.create_autospec(Connection)(SERVER) and n
        )
    return found


def test_the_methods_look_like_those_they_stand_in_for() -> None:
    alone = method_probes()
    with fastframe.installed("wsproto"):
        assert method_probes() == alone
        for name in METHODS:
            method = vars(Connection)[name]
            assert method.__module__ == "fastframe.wsproto._connection"
            assert method.__wrapped__.__module__ == "wsproto.connection"
            assert repr(method).startswith(f"<fastframe's Connection.{name} at 0x")
            assert method.__get__(None, Connection) is method
            assert getattr(Connection, name) is method
        sub = type("Sub", (Connection,), {"send": lambda self, event: super(sub, self).send(event)})
        assert (
            sub(SERVER).send(events.Ping(b"x"))
            == Connection(SERVER).send(event=events.Ping(b"x"))
            == b"\x89\x01x"
        )


def test_the_methods_are_collected_with_what_they_hold() -> None:
    class Plain:
        pass

    plain = weakref.ref(Plain)
    del Plain
    gc.collect()
    if plain() is not None:
        pytest.skip(
            "CPython 3.13 without the GIL keeps all classes, once it has had a second thread"
        )

    class Owner:
        def method(self, argument: object) -> object:
            return argument

    from fastframe.wsproto._connection import connection_methods

    methods = connection_methods(Owner.method, Owner.method, Owner.method)
    holder = weakref.ref(Owner)
    Owner.method = methods[0]  # type: ignore[assignment, method-assign]
    del methods, Owner
    gc.collect()
    assert holder() is None


# ---- the generator that is used again ------------------------------------------------------------


def test_a_generator_that_has_ended_stays_so_for_who_holds_it() -> None:
    with fastframe.installed("wsproto"):
        client, server = Connection(CLIENT), Connection(SERVER)
        held = server.events()
        assert list(held) == []
        server.receive_data(client.send(events.Ping(b"1")))
        assert next(held, None) is None
        assert list(server.events()) == [events.Ping(b"1")]  # its generator is used again below
        for number in range(3):
            server.receive_data(client.send(events.Ping(b"%d" % number)) * 2)
            generator = server.events()
            assert [next(generator), next(generator)] == [events.Ping(b"%d" % number)] * 2
            others = server.events()
            assert others is not generator
            assert list(others) == list(generator) == []
        assert next(held, None) is None


def test_a_generator_that_has_ended_holds_no_connection() -> None:
    with fastframe.installed("wsproto"):
        for take in (list, lambda generator: next(generator, None), lambda generator: None):
            connection = Connection(SERVER)
            connection.receive_data(Connection(CLIENT).send(events.Ping(b"x")))
            take(connection.events())
            gone = weakref.ref(connection)
            del connection
            assert gone() is None  # at once, without the garbage collector


def test_a_generator_with_weak_references_is_not_used_again() -> None:
    with fastframe.installed("wsproto"):
        server = Connection(SERVER)
        finished = server.events()
        gone = weakref.ref(finished)
        assert list(finished) == []
        del finished
        current = server.events()
        assert gone() is not current
        assert list(current) == []
        assert gone() is None


def test_a_generator_that_goes_on_inside_itself() -> None:
    """A queue of somebody's own; wsproto's generator says that it is running already."""

    class Queue(list[Any]):
        def __bool__(self) -> bool:
            if generators:
                assert list(generators.pop()) == []
            return False

    with fastframe.installed("wsproto"):
        server = Connection(SERVER)
        server._events = Queue()  # type: ignore[assignment]
        generators: list[Any] = []
        generator = server.events()
        generators.append(generator)
        assert list(generator) == []


def test_another_holder_of_a_hooked_class_leaves_the_hook_alone() -> None:
    with fastframe.installed("wsproto"):
        other = EventClass(events.TextMessage, MESSAGE_FIELDS)
        assert not other.hook()
        assert other.unhook()
        del other
        assert vars(events.TextMessage(data="a"))["data"] == "a"
        assert inits_run(usual_calls) == (0 if IS_HOOKABLE else USUAL)
