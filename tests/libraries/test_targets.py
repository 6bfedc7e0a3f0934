"""What the targets have in common that replace functions: install, uninstall, refusal, and what
others have put there."""

from __future__ import annotations

import importlib
import importlib.metadata
import logging
from typing import Any

import pytest

import fastframe
from fastframe import InstallError, install, installed, status, uninstall
from fastframe._targets.library import Library
from fastframe._targets.target import PLACES, target

NAMES = [name for name in PLACES if isinstance(target(name), Library)]


@pytest.fixture(params=NAMES)
def library(request: pytest.FixtureRequest) -> Any:
    """Such a target, whose library is installed; afterwards everything is as it was."""
    found: Any = target(request.param)
    try:
        found.check()
        found.load()
    except ImportError as error:
        pytest.skip(str(error))
    before = parts(found)
    yield found
    assert parts(found) == before


def parts(library: Library) -> list[object]:
    return [
        vars(replacement.found_owner())[replacement.name] for replacement in library.replacements()
    ]


def test_there_are_some() -> None:
    assert set(NAMES) == {
        "websocket-client",
        "gunicorn",
        "geventwebsocket",
        "autobahn",
        "websockets",
        "tornado",
    }


def test_install_and_uninstall(library: Any) -> None:
    before = parts(library)
    for _ in range(2):
        with installed(library.name):
            after = parts(library)
            assert not set(map(id, after)) & set(map(id, before))
            install(library.name)
            assert parts(library) == after, "a second install changes nothing"
            assert status()[library.name].active
        assert parts(library) == before
    uninstall(library.name)


def test_status(library: Any) -> None:
    before = status()[library.name]
    assert before.version == importlib.metadata.version(library.distribution)
    assert before.version in before.supported
    assert (before.active, before.ready) == (False, True)
    assert before.reason == library.how_to_activate
    with installed(library.name):
        assert status()[library.name].active


def test_a_missing_library_is_named(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    with pytest.raises(
        InstallError,
        match=f"{library.distribution} is not installed: pip install {library.distribution}",
    ):
        install(library.name)
    assert status()[library.name].version is None


def test_what_others_have_patched_is_refused(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    replacement = library.replacements()[0]
    monkeypatch.setattr(replacement.found_owner(), replacement.name, lambda *arguments: None)
    with pytest.raises(
        InstallError, match=f"has been patched by other code already: {replacement.name}"
    ):
        install(library.name)


def test_what_others_put_over_it_stays(library: Any, caplog: pytest.LogCaptureFixture) -> None:
    replacement = library.replacements()[0]
    owner, original = replacement.found_owner(), vars(replacement.found_owner())[replacement.name]
    install(library.name)
    setattr(owner, replacement.name, theirs := lambda *arguments: None)
    with caplog.at_level(logging.WARNING, "fastframe"):
        uninstall(library.name)
    assert vars(owner)[replacement.name] is theirs
    assert (
        f"{replacement.name} was replaced by other code after fastframe, and is left as it is"
        in caplog.text
    )
    setattr(owner, replacement.name, original)


def test_a_library_that_has_changed_is_refused(
    library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a supported version, but without what is replaced: a patched copy."""
    replacement = library.replacements()[-1]
    with monkeypatch.context() as patch:
        patch.delattr(replacement.found_owner(), replacement.name)
        with pytest.raises(InstallError, match=replacement.name):
            install(library.name)
    assert not status()[library.name].active


def test_the_kill_switch(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = parts(library)
    monkeypatch.setenv("FASTFRAME_DISABLE", "1")
    install(library.name)
    assert parts(library) == before


def test_the_place_is_the_one_that_is_imported(library: Any) -> None:
    module = importlib.import_module(PLACES[library.name].module)
    assert any(
        replacement.owner.startswith(module.__name__.partition(".")[0])
        for replacement in library.replacements()
    )
    with pytest.raises(ValueError, match="has no option max_fragments"):
        install(library.name, max_fragments=3)
    assert library.name in (install.__doc__ or "")
    assert fastframe.status()[library.name].kernel == fastframe.active_kernel()
