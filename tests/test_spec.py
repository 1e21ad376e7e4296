"""A provider file as values: a spec that is made when it is first looked at."""

from __future__ import annotations

import copy
import pickle
import threading
from dataclasses import fields, replace

import pytest

from engine.loader import load_text
from engine.spec import ProviderSpec
from tests.badfiles import text_of

SOUND = load_text(text_of())


def later() -> ProviderSpec:
    return ProviderSpec.later(lambda: load_text(text_of()))


def test_a_spec_that_is_made_later_is_like_any_other() -> None:
    assert (later(), SOUND) == (SOUND, later())
    assert repr(later()) == repr(SOUND)
    assert type(later()) is ProviderSpec
    assert replace(later(), name="x").url == SOUND.url
    assert copy.copy(later()) == copy.deepcopy(later()) == SOUND
    assert pickle.loads(pickle.dumps(later())) == SOUND
    with pytest.raises(AttributeError, match="ulr"):
        later().ulr  # type: ignore[attr-defined]  # noqa: B018  that there is none is what is shown
    with pytest.raises(AttributeError):
        later().name = "x"  # type: ignore[misc]


def test_it_is_made_once_and_by_many_threads_the_same() -> None:
    made: list[int] = []

    def make() -> ProviderSpec:
        made.append(1)
        return SOUND

    spec = ProviderSpec.later(make)
    assert made == []
    names = [field.name for field in fields(spec)]
    assert all(getattr(spec, name) is getattr(SOUND, name) for name in names)
    assert made == [1]
    shared = ProviderSpec.later(make)
    start, seen = threading.Barrier(8), []

    def look() -> None:
        start.wait(5)
        seen.append((shared.name, shared.tree))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [(SOUND.name, SOUND.tree)] * 8


def test_what_making_it_raises_the_first_look_raises() -> None:
    def make() -> ProviderSpec:
        raise AttributeError("in the making")

    with pytest.raises(AttributeError, match="in the making"):
        ProviderSpec.later(make).name  # noqa: B018  the look is what raises
