"""What a rule can yield: `YIELDS` maps a name in the file to what writes it out as source.

Each writes statements that read values below a frame's item and put them into the answer. The common case of a piece
of text is written out; whatever is unusual about it, the answer's methods know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..answer import Answer, Refused
from ..events import DELTAS
from ..paths import MISSING, Path, first_of
from .source import Source
from .source import says as says_something

Write = Callable[[Source, str, str, Any], None]
"""Of the source, the variable of the item, the expression of its block, and what the file says."""

_MORE = {"cumulative": Answer.add_cumulative, "final": Answer.add_final}


def _text(kind: str) -> Write:
    def write(source: Source, item: str, slot: str, says: Any) -> None:
        mode = says.get("mode", "append") if isinstance(says, Mapping) else "append"
        paths = says["path"] if isinstance(says, Mapping) else says
        value = source.first(item, paths, by_type=mode == "append")
        with source.block(f"if type({value}) is str:"):
            if mode != "append":
                source.effect(f"{source.constant(_MORE[mode])}(answer, {kind!r}, {value}, {slot})")
                return
            add = f"answer.add({kind!r}, {value}, {slot})"
            if not source.is_plain:
                source.effect(add)
                return
            is_whole = f" and answer.run_mark not in {value}" if kind == "text" and source.splits_text else ""
            is_next = f"answer.run_kind == {kind!r} and answer.run_slot is {slot}"
            with source.block(f"if {value} and {is_next}{is_whole}:"):
                source.line(f"for run in answer.runs: run.append({value})")
                _write_event(source, kind, value)
                if source.is_counted:
                    is_free = not is_whole and source.is_free(item, paths)
                    source.line(f"told += 1; said = {value}" if is_free else "told = 9")
            with source.block("else:"):
                source.effect(add)

    return write


def _write_event(source: Source, kind: str, value: str) -> None:
    if kind == "text" and source.splits_text:
        source.line(f"events.append(answer.run_event({value}))")
        return
    # The event is made as its class would, but for two calls in Python.
    event, delta = source.name(), DELTAS[kind]
    put = vars(delta)["text"].__set__
    source.line(f"{event} = {source.constant(object.__new__)}({source.constant(delta)})")
    source.line(f"{source.constant(put)}({event}, {value})")
    source.line(f"events.append({event})")


def _finish(source: Source, item: str, slot: str, says: Any) -> None:
    value = source.first(item, says)
    with source.block(f"if {value} is not M and {value} is not None:"):
        source.effect(f"answer.add_finish({value})")


def _usage(source: Source, item: str, slot: str, says: Any) -> None:
    if not isinstance(says, Mapping):
        value = source.first(item, says)
        with source.block(f"if type({value}) is dict:"):
            source.effect(f"answer.add_usage({value})")
        return
    counters = source.name()
    source.line(f"{counters} = {{}}")
    for name, paths in says.items():
        value = source.first(item, paths)
        with source.block(f"if {value} is not M:"):
            source.line(f"{counters}[{source.literal(name)}] = {value}")
    source.effect(f"answer.add_usage({counters})")


_META = {"id": "answer.id", "model": "answer.model"}


def _meta(source: Source, item: str, slot: str, says: Mapping[str, Any]) -> None:
    for name, paths in says.items():
        value = source.first(item, paths)
        # Most APIs say it again in every frame.
        with source.block(f"if {value} is not M and {value} is not None and {value} != {_META[name]}:"):
            source.effect(f"answer.add_meta({name!r}, {value})")


def _tool_call(source: Source, item: str, slot: str, says: Mapping[str, Any]) -> None:
    found = {name: source.first(item, says[name]) for name in ("key", "id", "name", "arguments") if name in says}
    key = found.pop("key", None) or ("None" if slot == "None" else f"(None if {slot} is None else {slot}.key)")
    words = [f"{name}={value}" for name, value in found.items()]
    words += ["is_final=True"] * (says.get("mode") == "final") + ["is_raw=True"] * bool(says.get("custom"))
    if says.get("mode") == "patch":
        words.append(f"patches={source.constant(_patches(says))}({source.path(item, ())})")
    add = f"answer.add_call({', '.join([key, slot, *words])})"
    if not source.is_plain or "mode" in says or key == "None":
        source.effect(add)
        return
    text = found.pop("arguments", "M")
    goes_on = [f"type({text}) is str and {text} and {key} == answer.open_call.key and type({key}) is not bool"]
    goes_on += ["answer.open_call.is_raw"] * bool(says.get("custom"))
    is_silent = [f"({text} is M or {text} is None or {text} == '')"]
    others = [f"({value} is M or {value} is None or {value} == '')" for value in found.values()]
    with source.block(f"if {' and '.join(goes_on + others)}:"):
        source.effect(f"events.append(answer.open_call.go_on({text}))")
    with source.block(f"elif not ({' and '.join(is_silent + others)}):"):
        source.effect(add)


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


def _error(source: Source, item: str, slot: str, says: Any) -> None:
    more = says if isinstance(says, Mapping) else {"path": says}
    value = source.first(item, more["path"])
    # 0, "" and false are how APIs say that there is none.
    with source.block(f"if {says_something(value)} and answer.refused is None:"):
        message, code = (source.first(item, more[name]) if name in more else "None" for name in ("message", "code"))
        kind = source.literal(more.get("kind"))
        source.effect(f"answer.refused = {source.constant(Refused)}({value}, {kind}, {message}, {code})")


def _end(source: Source, item: str, slot: str, says: Any) -> None:
    source.effect("answer.has_ended = True")


YIELDS: Mapping[str, Write] = {
    **{kind: _text(kind) for kind in DELTAS},
    "finish": _finish,
    "usage": _usage,
    "meta": _meta,
    "tool_call": _tool_call,
    "error": _error,
    "end": _end,
}
