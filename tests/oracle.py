"""The plain interpreter of a file's rules: what the compiled ones must equal, for any frames.

Each rule is asked for each frame, in the order of the file; there is no table, nothing is read once for several rules,
and every frame is parsed by the standard library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.answer import Answer, Refused
from engine.blocks import Carried, Slot
from engine.events import DELTAS
from engine.paths import MISSING, Path, first_of
from engine.provider import Provider
from engine.rules import FrameReader, compile_condition
from engine.spec import Rule, SlotMap

Step = Callable[[Answer, Any, Slot | None], None]
Apply = Callable[..., None]


class PlainReader(FrameReader):
    """A reading, interpreted."""

    take = None  # type: ignore[assignment]

    @property
    def _apply(self) -> Apply:  # type: ignore[override]
        return interpreted(self._reading.rules)

    @property
    def _ends(self) -> Any:  # type: ignore[override]
        tests = [compile_condition(condition) for condition in self.end.conditions]
        return lambda event, data: any(test(event, data) for test in tests)


def interpreter(provider: Provider) -> Provider:
    """The same provider, with nothing compiled."""
    plain = Provider(provider.spec)
    readers = plain.readers
    readers.stream, readers.whole, readers._others = (
        _plain(provider.readers.stream),
        _plain(provider.readers.whole),
        tuple(PlainReader(reader._reading) for reader in provider.readers._others),
    )
    return plain


def _plain(reader: FrameReader | None) -> PlainReader | None:
    return PlainReader(reader._reading) if reader is not None else None


def interpreted(rules: tuple[Rule, ...]) -> Apply:
    """All rules as one function of (answer, event name, data, slot)."""
    read = [_rule(rule) for rule in rules]

    def apply(answer: Answer, event: str | None, data: Any, slot: Slot | None = None) -> None:
        for rule in read:
            rule(answer, event, data, slot)

    return apply


_ADDS: Mapping[str, Callable[[Answer, str, Any, Slot | None], None]] = {
    "append": Answer.add,
    "cumulative": Answer.add_cumulative,
    "final": Answer.add_final,
}
"""What a piece of text is, by its mode."""


def _texts(kind: str) -> Callable[[Any], Step]:
    def compile_yield(says: Any) -> Step:
        mode = says.get("mode", "append") if isinstance(says, Mapping) else "append"
        get = first_of(says["path"] if isinstance(says, Mapping) else says)
        add = _ADDS[mode]
        return lambda answer, data, slot: add(answer, kind, get(data), slot)

    return compile_yield


def _finish(says: Any) -> Step:
    get = first_of(says)
    return lambda answer, data, slot: answer.add_finish(get(data))


def _usage(says: Any) -> Step:
    if not isinstance(says, Mapping):
        get = first_of(says)
        return lambda answer, data, slot: answer.add_usage(get(data))
    getters = [(name, first_of(paths)) for name, paths in says.items()]

    def step(answer: Answer, data: Any, slot: Slot | None) -> None:
        counters = ((name, get(data)) for name, get in getters)
        answer.add_usage({name: value for name, value in counters if value is not MISSING})

    return step


def _meta(says: Mapping[str, Any]) -> Step:
    getters = {name: first_of(paths) for name, paths in says.items()}

    def step(answer: Answer, data: Any, slot: Slot | None) -> None:
        for name, get in getters.items():
            answer.add_meta(name, get(data))

    return step


def _tool_call(says: Mapping[str, Any]) -> Step:
    getters = {name: first_of(says[name]) for name in ("key", "id", "name", "arguments") if name in says}
    get_key = getters.pop("key", None)
    is_final = says.get("mode") == "final"
    is_raw = bool(says.get("custom"))
    patches = _patches(says) if says.get("mode") == "patch" else lambda data: ()

    def step(answer: Answer, data: Any, slot: Slot | None) -> None:
        key = get_key(data) if get_key is not None else slot.key if slot is not None else None
        values = {name: get(data) for name, get in getters.items()}
        answer.add_call(key, slot, **values, is_final=is_final, is_raw=is_raw, patches=patches(data))

    return step


def _patches(says: Mapping[str, Any]) -> Callable[[Any], list[tuple[Any, Any]]]:
    get_all, get_path, get_value = Path(says["patches"]).get, first_of(says["path"]), first_of(says["value"])
    get_null = first_of(says["null_value"]) if "null_value" in says else lambda patch: MISSING

    def patches(data: Any) -> list[tuple[Any, Any]]:
        found = get_all(data)
        pairs = [
            (get_path(patch), get_value(patch) if get_null(patch) is MISSING else None)
            for patch in (found if type(found) is list else ())
        ]
        return [(path, value) for path, value in pairs if value is not MISSING]

    return patches


def _error(says: Any) -> Step:
    more = says if isinstance(says, Mapping) else {"path": says}
    get, kind = first_of(more["path"]), more.get("kind")
    get_message, get_code = (first_of(more[name]) if name in more else None for name in ("message", "code"))

    def step(answer: Answer, data: Any, slot: Slot | None) -> None:
        value = get(data)
        if value and answer.refused is None:  # 0, "" and false are how APIs say that there is none
            message, code = (read(data) if read is not None else None for read in (get_message, get_code))
            answer.refused = Refused(value, kind, message, code)

    return step


def _end(says: Any) -> Step:
    def step(answer: Answer, data: Any, slot: Slot | None) -> None:
        answer.has_ended = True

    return step


YIELDS: Mapping[str, Callable[[Any], Step]] = {
    **{kind: _texts(kind) for kind in DELTAS},
    "finish": _finish,
    "usage": _usage,
    "meta": _meta,
    "tool_call": _tool_call,
    "error": _error,
    "end": _end,
}


def _rule(rule: Rule) -> Apply:
    each = Path(rule.each, many=True).each if rule.each is not None else None
    holds = compile_condition(rule.when) if rule.when else None
    find_slot = _slot(rule.slot) if rule.slot is not None else None
    read = _reads_and_carries(rule) if rule.carry else _reads(rule)

    def apply(answer: Answer, event: str | None, data: Any, slot: Slot | None = None) -> None:
        if holds is not None and not holds(event, data, slot):
            return
        for item in (data,) if each is None else each(data):
            read(answer, event, item, find_slot(answer, item, slot) if find_slot is not None else slot)

    return apply


def _reads(rule: Rule) -> Apply:
    """What a rule does with one item: its own yields, then those of the rules in it."""
    # In one frame the thought comes before what is said, in whatever order a file writes a map's keys.
    yields = sorted(rule.yields, key=lambda pair: pair[0] != "reasoning")
    steps = [YIELDS[name](says) for name, says in yields]
    nested = interpreted(rule.rules) if rule.rules else None

    def read(answer: Answer, event: str | None, item: Any, slot: Slot | None = None) -> None:
        for step in steps:
            step(answer, item, slot)
        if nested is not None:
            nested(answer, event, item, slot)

    return read


def _reads_and_carries(rule: Rule) -> Apply:
    """The same where opaque values belong to what is read."""
    read, carries = _reads(rule), [(carry, first_of(carry.paths)) for carry in rule.carry]

    def apply(answer: Answer, event: str | None, item: Any, slot: Slot | None = None) -> None:
        values = {
            carry.name: Carried(value, carry.by, carry.append) for carry, get in carries if _says(value := get(item))
        }
        if not values:
            read(answer, event, item, slot)
            return
        answer.begin_carry()
        read(answer, event, item, slot)
        answer.carry(values, slot)

    return apply


def _says(value: Any) -> bool:
    """Whether an opaque value says something."""
    return value is not MISSING and value is not None and value != "" and value != []


def _slot(slot: SlotMap) -> Callable[[Answer, Any, Slot | None], Slot]:
    get_key = first_of(slot.key)
    get_kind = first_of(slot.kind) if slot.kind else lambda data: None
    return lambda answer, data, parent: answer.slot(get_key(data), get_kind(data), parent)
