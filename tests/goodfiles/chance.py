"""Strategies that a seed decides: the words of hypothesis, drawn from a `Random` with even chances.

A file is a thousand choices that ask for each other. Hypothesis records each of them, which takes a fifth of a second a
file, and spends most of its tries on variants of a file that it has had; here a file takes some milliseconds, and each
is new. What is given up is that a failing file is made smaller: it is shown with its seed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from random import Random
from typing import Any


class Strategy:
    """What can be made by chance."""

    def __init__(self, make: Callable[[Random], Any]) -> None:
        self.make = make

    def map(self, change: Callable[[Any], Any]) -> Strategy:
        return Strategy(lambda random: change(self.make(random)))

    def filter(self, holds: Callable[[Any], Any]) -> Strategy:
        def make(random: Random) -> Any:
            while not holds(value := self.make(random)):
                pass
            return value

        return Strategy(make)

    def __or__(self, other: Strategy) -> Strategy:
        return one_of(self, other)


Draw = Callable[[Strategy], Any]


def composite(function: Callable[..., Any]) -> Callable[..., Strategy]:
    """A strategy of a function that draws from others."""

    @functools.wraps(function)
    def strategy(*args: Any, **options: Any) -> Strategy:
        return Strategy(lambda random: function(lambda other: other.make(random), *args, **options))

    return strategy


def just(value: Any) -> Strategy:
    return Strategy(lambda random: value)


def none() -> Strategy:
    return just(None)


def sampled_from(values: Sequence[Any]) -> Strategy:
    return Strategy(lambda random: random.choice(values))


def booleans() -> Strategy:
    return sampled_from((True, False))


def one_of(*strategies: Strategy) -> Strategy:
    return Strategy(lambda random: random.choice(strategies).make(random))


def integers(least: int, most: int) -> Strategy:
    """Whole numbers; the ends of the range more often than what is between them."""
    return Strategy(
        lambda random: random.choice((least, most, random.randint(least, most), random.randint(least, most)))
    )


def floats(least: float, most: float) -> Strategy:
    return Strategy(lambda random: random.choice((least, most, random.uniform(least, most))))


def text(alphabet: str, *, min_size: int = 0, max_size: int = 8) -> Strategy:
    return Strategy(lambda random: "".join(random.choices(alphabet, k=random.randint(min_size, max_size))))


def lists(of: Strategy, *, min_size: int = 0, max_size: int = 3) -> Strategy:
    return Strategy(lambda random: [of.make(random) for _ in range(random.randint(min_size, max_size))])


def tuples(*of: Strategy) -> Strategy:
    return Strategy(lambda random: tuple(one.make(random) for one in of))


def dictionaries(names: Strategy, of: Strategy, *, min_size: int = 0, max_size: int = 3) -> Strategy:
    return lists(tuples(names, of), min_size=min_size, max_size=max_size).map(dict)


def permutations(values: Sequence[Any]) -> Strategy:
    return Strategy(lambda random: random.sample(values, len(values)))


def subsets(values: Sequence[Any], *, min_size: int = 0) -> Strategy:
    """Some of the values, in their order."""

    def make(random: Random) -> list[Any]:
        chosen = {value for value in values if random.random() < 0.5} | set(random.sample(values, min_size))
        return [value for value in values if value in chosen]

    return Strategy(make)


def some(always: dict[str, Any], *, at_least: int = 0, **rest: Any) -> Strategy:
    """A map with what is always there and some of the rest; what is no strategy is a value."""

    def make(random: Random) -> dict[str, Any]:
        chosen = subsets(list(rest), min_size=at_least).make(random)
        return always | {name: _made(rest[name], random) for name in chosen}

    return Strategy(make)


def _made(value: Any, random: Random) -> Any:
    return value.make(random) if isinstance(value, Strategy) else value


def fixed_dictionaries(fields: dict[str, Any], optional: dict[str, Any] | None = None) -> Strategy:
    """A map with all of these keys, and some of the optional ones."""
    rest = some({}, **(optional or {}))
    return Strategy(lambda random: {name: _made(value, random) for name, value in fields.items()} | rest.make(random))


def trees(leaves: Strategy, names: Strategy, depth: int = 2) -> Strategy:
    """JSON of these leaves."""
    if not depth:
        return leaves
    below = trees(leaves, names, depth - 1)
    return one_of(leaves, leaves, lists(below), dictionaries(names, below))
