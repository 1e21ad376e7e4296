from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, dataclass, field, fields, is_dataclass, replace
from typing import Any

import pytest

from engine.value import value


@value
class Ours:
    name: str
    more: tuple[int, ...] = ()
    kept: Any = field(default=None, repr=False)
    apart: Mapping[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Theirs:
    name: str
    more: tuple[int, ...] = ()
    kept: Any = field(default=None, repr=False)
    apart: Mapping[str, Any] = field(default_factory=dict, compare=False)


SAID: list[tuple[Any, ...]] = [("a",), ("b",), ("a", (1, 2)), ("a", (), "k"), ("a", (), None, {"x": 1})]


def test_a_value_is_compared_hashed_and_shown_as_a_dataclass_is() -> None:
    for one in SAID:
        assert repr(Ours(*one)) == repr(Theirs(*one)).replace("Theirs", "Ours")
        assert hash(Ours(*one)) == hash(Theirs(*one))
        for other in SAID:
            assert (Ours(*one) == Ours(*other)) == (Theirs(*one) == Theirs(*other))
    assert Ours("a") != Theirs("a")
    assert Ours("a") != "a"
    with pytest.raises(TypeError, match="unhashable"):
        hash(Ours("a", kept=[]))


def test_a_value_is_a_frozen_dataclass_with_slots() -> None:
    one = Ours("a", (1,), "k", {"x": 1})
    assert is_dataclass(Ours)
    assert [each.name for each in fields(one)] == [each.name for each in fields(Theirs)]
    assert replace(one, name="b") == Ours("b", (1,), "k")
    assert copy.deepcopy(one) == one == pickle.loads(pickle.dumps(one))
    assert not hasattr(one, "__dict__")
    with pytest.raises(FrozenInstanceError):
        one.name = "b"  # type: ignore[misc]
