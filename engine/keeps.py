"""What is kept beside an answer while it is read, where the rules of its file need it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .events import DELTAS
from .spec import Response, Rule


@dataclass(frozen=True, slots=True)
class Keeps:
    """Its blocks, and texts as the API said them."""

    blocks: bool = False
    said: bool = False


NOTHING_MORE = Keeps()


def keeps_of(response: Response) -> Keeps:
    """What an answer must keep to be read by these rules."""
    rules = [rule for reading in (response.stream, response.whole) if reading for rule in every_rule(reading.rules)]
    yields = [pair for rule in rules for pair in rule.yields]
    return Keeps(
        response.think is not None
        or any(rule.carry for rule in rules)
        or any(name == "reasoning" for name, _ in yields),
        any(name in DELTAS and isinstance(says, Mapping) and says.get("mode") == "final" for name, says in yields),
    )


def every_rule(rules: Iterable[Rule]) -> Iterator[Rule]:
    """Rules, and the rules in them."""
    for rule in rules:
        yield rule
        yield from every_rule(rule.rules)
