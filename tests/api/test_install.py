"""install, uninstall, installed and status: what they change, what they refuse, and that all is put
back."""

from __future__ import annotations

import dataclasses
import inspect
import logging
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("wsproto")

import wsproto
from wsproto import connection
from wsproto.connection import Connection
from wsproto.extensions import PerMessageDeflate

import fastframe
from fastframe import InstallError, frame_protocol, install, installed, status, uninstall
from fastframe._targets import target
from fastframe._targets.install import without_tricks
from fastframe._targets.options import OPTIONS, Options
from fastframe.wsproto.target import METHODS


def parts() -> list[Any]:
    return [vars(connection)["FrameProtocol"], *(vars(Connection)[name] for name in METHODS)]


@pytest.fixture(autouse=True)
def all_is_put_back() -> Any:
    before = parts()
    yield
    assert parts() == before


def test_install_and_uninstall() -> None:
    before = parts()
    install("wsproto")
    after = parts()
    assert after[0] is frame_protocol.FrameProtocol
    assert not set(after) & set(before)
    assert [part.__doc__ for part in after[1:]] == [part.__doc__ for part in before[1:]]
    assert [part.__qualname__ for part in after[1:]] == [part.__qualname__ for part in before[1:]]
    install("wsproto")
    assert parts() == after, "a second install changes nothing"
    uninstall("wsproto")
    assert parts() == before
    uninstall("wsproto")
    assert parts() == before


def test_status() -> None:
    before = status()["wsproto"]
    assert before.version == wsproto.__version__
    assert (before.active, before.kernel) == (False, fastframe.active_kernel())
    assert wsproto.__version__ in before.supported
    assert before.ready
    assert before.reason is not None
    assert 'call fastframe.install("wsproto")' in before.reason
    with installed("wsproto"):
        assert status()["wsproto"] == dataclasses.replace(before, active=True, reason=None)


def test_installed_puts_back_what_was() -> None:
    with installed("wsproto"):
        with installed("wsproto"):
            pass
        assert status()["wsproto"].active
    assert not status()["wsproto"].active
    with pytest.raises(KeyError), installed("wsproto"):
        raise KeyError
    assert not status()["wsproto"].active


def test_activation_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "fastframe"), installed("wsproto"):
        pass
    kernel = fastframe.active_kernel()
    assert [record.getMessage() for record in caplog.records] == [
        f"wsproto {wsproto.__version__} runs on fastframe, kernel {kernel}{without_tricks()}",
        "wsproto runs on its own code again",
    ]


def test_what_has_changed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """test_relied_on.py has it for all targets, with libraries that have changed."""
    before = parts()
    monkeypatch.setattr(
        "fastframe._targets.relied_on.digests_of",
        lambda package, folders, items: dict.fromkeys(items, "another"),
    )
    with pytest.raises(
        InstallError, match=r"wsproto 1.* is installed; .*1\.2\.0, .*1\.3\.2.*connection:Connection"
    ):
        install("wsproto")
    assert parts() == before
    assert "connection:Connection" in (status()["wsproto"].reason or "")
    assert not status()["wsproto"].ready


def test_a_version_that_was_not_tested_but_has_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wsproto, "__version__", "9.9")
    with installed("wsproto"):
        found = status()["wsproto"]
        assert (found.active, found.version) == (True, "9.9")
        assert found.note is not None
        assert found.note.startswith("not tested; what fastframe relies on is as in 1.")


class Odd:
    """A target whose library cannot be observed: alone, or on fastframe."""

    distribution, supported_versions = "odd", ("1.0",)

    def __init__(self, *, alone: bool) -> None:
        self.alone, self.active, self.deactivated = alone, False, 0

    def installed_version(self) -> str:
        return "2.0"

    def configure(self, options: object) -> None: ...

    def activate(self) -> None:
        self.active = True

    def deactivate(self) -> None:
        self.active, self.deactivated = False, self.deactivated + 1

    def observe(self) -> list[object]:
        if self.active is not self.alone:
            raise RuntimeError("it has changed")
        return ["something"]


def test_a_library_that_the_self_check_cannot_use() -> None:
    from fastframe._targets.install import _check_itself

    target: Any = Odd(alone=True)
    with pytest.raises(
        ImportError,
        match=r"odd 2.0 was not tested, and the self-check cannot use it: RuntimeError: it has "
        r"changed",
    ):
        _check_itself(target)
    assert target.deactivated == 0
    target = Odd(alone=False)
    with pytest.raises(
        ImportError,
        match=r"self-check found 1 differences.*alone 'something', on fastframe \(.*it has "
        r"changed.*odd==1.0",
    ):
        _check_itself(target)
    assert target.deactivated == 1


def test_a_missing_wsproto_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wsproto", None)
    with pytest.raises(
        InstallError, match=r"wsproto is not installed; .*pip install 'fastframe\[wsproto\]'"
    ):
        install("wsproto")
    found = status()["wsproto"]
    assert found.version is None
    assert "is not installed" in (found.reason or "")


def test_a_wsproto_that_others_have_patched_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Connection, "send", lambda self, event: b"")
        patch.setattr(connection, "FrameProtocol", object)
        with pytest.raises(
            InstallError, match="patched by other code already: send, FrameProtocol"
        ):
            install("wsproto")


@pytest.mark.parametrize("value", ["1", "true", "yes"])
def test_the_kill_switch(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, value: str
) -> None:
    before = parts()
    monkeypatch.setenv("FASTFRAME_DISABLE", value)
    install("wsproto")
    assert parts() == before
    assert (
        status()["wsproto"].reason
        == "wsproto cannot run on fastframe: FASTFRAME_DISABLE is set in the environment"
    )
    assert not status()["wsproto"].ready
    assert [record.getMessage() for record in caplog.records] == [
        "not installed under wsproto: FASTFRAME_DISABLE is set in the environment"
    ]
    for off in ("", "0"):
        monkeypatch.setenv("FASTFRAME_DISABLE", off)
        with installed("wsproto"):
            assert status()["wsproto"].active


def test_uninstall_leaves_alone_what_others_put_over_it(caplog: pytest.LogCaptureFixture) -> None:
    original = vars(Connection)["send"]
    install("wsproto")
    theirs = lambda self, event: b""  # noqa: E731
    Connection.send = theirs  # type: ignore[method-assign]
    uninstall("wsproto")
    assert vars(Connection)["send"] is theirs
    assert "send was replaced by other code after fastframe, and is left as it is" in caplog.text
    Connection.send = original  # type: ignore[method-assign]


@pytest.mark.parametrize(
    "function", [install, uninstall, lambda *names: installed(*names).__enter__()]
)
def test_targets_are_checked(function: Any) -> None:
    with pytest.raises(ValueError, match="unknown target 'nonsense'; there are: wsproto, uvicorn"):
        function("nonsense")
    with pytest.raises(ValueError, match="name at least one target: wsproto"):
        function()
    with pytest.raises(TypeError, match="a target must be a str, not module"):
        function(wsproto)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("hypercorn", "which runs on wsproto: the target is \"wsproto\""),
        ("sanic", '"websockets"'), ("daphne", '"autobahn"'), ("channels", '"autobahn"'),
        ("gevent-websocket", '"geventwebsocket"'), ("gevent_websocket", '"geventwebsocket"'),
        ("jupyter", "tornado"), ("FastAPI", "that of the server"),
        ("selenium", '"websocket-client"'), ("aiohttp", "there is no target for it"),
        ("Flask-SocketIO", '"geventwebsocket"'),
    ],
)  # fmt: skip
def test_the_target_that_is_meant_is_named(name: Any, meant: str) -> None:
    with pytest.raises(ValueError, match=f"^unknown target {name!r}, ") as caught:
        install(name)
    assert meant in str(caught.value)


def test_an_editor_knows_all_targets() -> None:
    from typing import get_args

    from fastframe._targets.install import TargetName
    from fastframe._targets.target import MEANT, target_names

    assert get_args(TargetName) == target_names()
    assert not set(MEANT) & set(target_names())


def test_the_drop_in_itself_refuses_an_untested_version() -> None:
    code = (
        "import fastframe._targets.relied_on as known; "
        "known.digests_of = lambda *_: dict.fromkeys(_[2], 'another'); "
        "import fastframe.frame_protocol"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert "ImportError: wsproto " in result.stderr
    assert (
        "of what fastframe relies on these are not as in any tested version (1.1.0, "
        in result.stderr
    )
    code = "import sys; sys.modules['wsproto'] = None; import fastframe.frame_protocol"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert "wsproto is not installed; tested versions: 1.1.0" in result.stderr


class Failing:
    """A target that cannot do one of its steps."""

    description, how_to_activate, supported_versions, distribution = (
        "failing {}",
        "never",
        ("0",),
        "failing",
    )
    options: frozenset[str] = frozenset({"max_fragments"})
    makes_unneeded: frozenset[str] = frozenset()

    def __init__(self, step: str, error: BaseException) -> None:
        self.step, self.error, self.called = step, error, 0

    def installed_version(self) -> str:
        return "0"

    def __getattr__(self, name: str) -> Any:
        def run(*arguments: object, **named: object) -> bool:
            if name == self.step:
                self.called += 1
                if self.called == 1:
                    raise self.error
            return False

        return run


@pytest.mark.parametrize(
    "error", [ImportError("it cannot be imported"), ValueError("it is broken")]
)
@pytest.mark.parametrize("step", ["check", "load", "configure", "activate"])
@pytest.mark.parametrize("first", [True, False])
def test_install_is_all_or_nothing(
    first: bool, step: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = Failing(step, error)
    monkeypatch.setitem(target.PLACES, "failing", target.Place("tests.failing", "failing"))
    monkeypatch.setitem(sys.modules, "tests.failing.target", SimpleNamespace(TARGET=failing))
    names = ("failing", "wsproto") if first else ("wsproto", "failing")
    before = parts()
    for _ in range(2):
        failing.called = 0
        with pytest.raises(InstallError, match=str(error)):
            install(*names, max_fragments=7)
        assert failing.called == 1 or step == "configure"
        assert parts() == before
        assert not status()["wsproto"].active
    install(*names)
    assert status()["wsproto"].active
    uninstall(*names)


def test_a_failed_install_keeps_the_options_of_what_was_active(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(target.PLACES, "failing", target.Place("tests.failing", "failing"))
    monkeypatch.setitem(
        sys.modules,
        "tests.failing.target",
        SimpleNamespace(TARGET=Failing("activate", KeyError("x"))),
    )
    with installed("wsproto", max_message_size=10):
        with pytest.raises(
            InstallError, match="nothing was changed, as this failed: KeyError: 'x'"
        ):
            install("wsproto", "failing", max_message_size=1000)
        assert refuses(11)
        assert not refuses(10)


@pytest.mark.parametrize("step", ["configure", "activate"])
def test_an_interrupted_install_changes_nothing(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(target.PLACES, "failing", target.Place("tests.failing", "failing"))
    failing = SimpleNamespace(TARGET=Failing(step, KeyboardInterrupt()))
    monkeypatch.setitem(sys.modules, "tests.failing.target", failing)
    with installed("wsproto", max_message_size=10):
        with pytest.raises(KeyboardInterrupt):
            install("wsproto", "failing", max_fragments=7)
        assert refuses(11)
        assert not status()["failing"].active
    install("failing")
    assert status()["failing"].active
    uninstall("failing")


class Interrupt(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        raise KeyboardInterrupt


def test_an_interrupt_in_the_log_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "fastframe")
    interrupt = Interrupt()
    logger = logging.getLogger("fastframe")
    before = vars(PerMessageDeflate)["offer"]
    for enter in (install, lambda *names: installed(*names).__enter__()):
        logger.addFilter(interrupt)
        with pytest.raises(KeyboardInterrupt):
            enter("wsproto")
        logger.removeFilter(interrupt)
        assert not status()["wsproto"].active
    install("wsproto", deflate=False)
    logger.addFilter(interrupt)
    with pytest.raises(KeyboardInterrupt):
        uninstall("wsproto")
    logger.removeFilter(interrupt)
    assert vars(PerMessageDeflate)["offer"] is before
    assert not status()["wsproto"].active


def test_what_cannot_be_put_back_does_not_keep_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(target.PLACES, "failing", target.Place("tests.failing", "failing"))
    failing = Failing("deactivate", KeyError("x"))
    monkeypatch.setitem(sys.modules, "tests.failing.target", SimpleNamespace(TARGET=failing))
    with pytest.raises(KeyError, match="x"), installed("wsproto", "failing"):
        pass
    assert not status()["wsproto"].active
    uninstall("failing")


def refuses(size: int) -> bool:
    peer = fastframe.Encoder(fastframe.Role.SERVER)
    receiver = Connection(connection.ConnectionType.CLIENT)
    receiver.receive_data(peer.message(bytes(size)))
    return [type(event).__name__ for event in receiver.events()] == ["CloseConnection"]


def test_installed_puts_the_options_back() -> None:
    with installed("wsproto", max_message_size=10):
        with installed("wsproto", max_message_size=1000):
            assert not refuses(11)
        assert refuses(11)
    assert not status()["wsproto"].active


def test_installed_is_no_question() -> None:
    for ask in (bool, lambda context: 1 if context else 0):
        with pytest.raises(
            TypeError, match=r"installed\(\) is a context manager: .* use status\(\)"
        ):
            ask(installed("wsproto"))

    @installed("wsproto")
    def active() -> bool:
        return status()["wsproto"].active

    assert active()
    assert active()
    assert not status()["wsproto"].active


def test_options_are_spelt_once() -> None:
    """`install` names them for people; the table has the rest."""
    parameters = inspect.signature(install).parameters
    given = {
        name: parameter.default
        for name, parameter in parameters.items()
        if name not in ("targets", "untested")
    }
    assert given == Options()._asdict() == {name: Options._field_defaults[name] for name in OPTIONS}
    assert inspect.signature(installed).parameters == parameters
    for option in OPTIONS:
        assert option in (install.__doc__ or "")


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        (
            {"fix_interleaved_control": "yes"},
            TypeError,
            "fix_interleaved_control must be True or False, not str",
        ),
        (
            {"fix_interleaved_control": None},
            TypeError,
            "fix_interleaved_control must be True or False, not None",
        ),
        (
            {"max_message_size": sys.maxsize},
            ValueError,
            f"max_message_size must be from 1 to {sys.maxsize // 2}",
        ),
    ],
)
def test_wrong_options(options: dict[str, Any], error: type[Exception], text: str) -> None:
    for function in (install, lambda *targets, **given: installed(*targets, **given).__enter__()):
        with pytest.raises(error, match=text):
            function("wsproto", **options)


def test_an_option_that_no_target_has_is_refused() -> None:
    with pytest.raises(
        ValueError, match="uvicorn has no option fix_interleaved_control; it is for wsproto"
    ):
        install("uvicorn", fix_interleaved_control=True)
    pytest.importorskip("uvicorn")
    with installed("uvicorn", "wsproto", fix_interleaved_control=True):
        assert status()["uvicorn"].active


def test_wsproto_is_not_needed_where_uvicorn_runs_without_it() -> None:
    pytest.importorskip("uvicorn")
    with installed("uvicorn"):
        found = status()["wsproto"]
        assert not found.active
        assert found.reason is not None
        assert found.reason.startswith(
            "not needed, as uvicorn runs on fastframe without it; for anything else on wsproto: "
        )


def test_what_is_uninstalled_within_installed_is_put_back_as_it_was() -> None:
    for before in (False, True):
        if before:
            install("wsproto", max_message_size=10)
        with installed("wsproto"):
            uninstall("wsproto")
            assert not status()["wsproto"].active
        assert status()["wsproto"].active is before
    assert refuses(11)
    uninstall("wsproto")
