"""How messages, parts and tools become the wire's shape: sections that know of each other."""

from __future__ import annotations

from typing import Any

from engine.shaping import NAMES, PART_TYPES, RENDERED, ROLES

from .chance import (
    Draw,
    booleans,
    composite,
    dictionaries,
    fixed_dictionaries,
    just,
    lists,
    one_of,
    sampled_from,
    some,
    subsets,
)
from .texts import names, templates, texts

SHORT = {
    "image": ("mime", "link", "detail", "filename"),
    "audio": ("mime", "data", "format"),
    "file": ("filename", "file_id", "url"),
    "tool_call": ("id", "name", "arguments"),
    "tool_result": ("id", "name", "text", "is_error"),
}
"""Names of parts; the others have `text`."""


@composite
def shaped(draw: Draw, own: tuple[str, ...], said: str = "") -> Any:
    """A template for a part: a tree, a text, or a list of trees with conditions. It says `said`."""
    fields = dictionaries(sampled_from(["type", "source", "kind"]), templates(own), max_size=2)
    tree = draw(fields) | ({"content": said} if said else {"is": "{{ role | default('') }}" if "role" in own else 1})
    form = draw(sampled_from(["tree", "list", "text"]))
    if form == "text" and (not said or said.startswith("{{ text")):
        return said or "a {{ 1 }}"
    if form == "list":
        return [{"$when": draw(sampled_from(["stream", "{{ model == 'a' }}"])), "only": 1, **tree}, tree]
    return tree


@composite
def messages(draw: Draw) -> dict[str, Any]:
    """The passes, and a shape for each role that is still there after them, or for any."""
    section = draw(
        some(
            {},
            at_least=1,
            system=sampled_from(["inline", "field", "first_user"]),
            merge_consecutive=booleans(),
            first_user=texts.filter(str.strip),
            tool_results=sampled_from(["message", "user_block"]),
            drop_empty=booleans(),
            trim_last_assistant=booleans(),
        )
    )
    section |= draw(sampled_from([{"reasoning": "drop"}, {"reasoning": "replay"}, {"reasoning": "replay"}]))
    if section.get("reasoning") == "replay":
        section |= draw(some({}, at_least=1, replay_within=sampled_from(["turn", "always"])))
    gone = set(("system", "developer") if section.get("system") in ("field", "first_user") else ())
    gone |= {"tool"} if section.get("tool_results") == "user_block" else set()
    left = [role for role in ROLES if role not in gone]
    section |= draw(some({}, roles=some({}, at_least=1, **dict.fromkeys(left, texts))))
    items = draw(sampled_from([[], [], ["tool_call", "tool_result"], ["reasoning"], list(PART_TYPES)]))
    if section.get("reasoning") != "replay":
        items = [kind for kind in items if kind != "reasoning"]
    if items or "tool" in gone or draw(booleans()):
        section["shapes"] = draw(shapes(left, items, every="tool" in gone))
    if items:
        section["items"] = items
    return section


@composite
def shapes(draw: Draw, roles: list[str], items: list[str], *, every: bool) -> dict[str, Any]:
    own = ("role", "name", "model")
    content = sampled_from(["{{ content }}", "{{ parts }}", "{{ text }}", "{{ text | default('') }}"])
    chosen = draw(subsets(roles))
    made = {role: draw(shaped(own, draw(content))) for role in chosen if role != "tool"}
    if "tool" in chosen:
        made["tool"] = {"role": "tool", "content": draw(sampled_from(["{{ result.text }}", "{{ tool_results }}"]))}
    if every or not made or draw(booleans()):
        made["any"] = {"role": "{{ role }}", "content": "{{ parts }}"}
    holds = {"tool_call": "{{ tool_calls }}", "tool_result": "{{ tool_results }}", "reasoning": "{{ reasoning }}"}
    return made | {kind: {"kind": "{{ role }}", "of": holds[kind]} for kind in items if kind in holds}


@composite
def parts(draw: Draw, messages: dict[str, Any]) -> dict[str, Any]:
    """A template for each type that something holds."""
    reached = reached_by(messages)
    section = {}
    for kind in PART_TYPES:
        if kind in messages.get("items", ()) or (kind in reached and draw(booleans())):
            own = SHORT.get(kind, ("role", "text"))
            assert set(own) <= NAMES[kind]
            section[kind] = draw(shaped(own))
    return draw(some(section, at_least=0 if section else 1, fallback=sampled_from(["error", "drop", "text"])))


def reached_by(messages: dict[str, Any]) -> set[str]:
    """The types of part that the shapes hold, as the validator asks for it."""
    shapes = messages.get("shapes", {})
    gone = {"tool"} if messages.get("tool_results") == "user_block" else set()
    gone |= {"system", "developer"} if messages.get("system") in ("field", "first_user") else set()
    read = str(shapes)
    reached = {kind for name, kinds in RENDERED.items() if "{{ " + name + " }}" in read for kind in kinds}
    if "any" not in shapes and not set(ROLES) <= {*shapes, *gone}:
        reached |= {"text", "image", "audio", "file", "refusal", "tool_call"}
    if messages.get("reasoning") != "replay":
        reached -= {"reasoning"}
    return reached


PASSES = ["inline_refs", "const_to_enum", "type_array_to_nullable", "empty_root_omit"]
passes = one_of(sampled_from(PASSES), lists(names, min_size=1, max_size=2).map(lambda keys: {"drop_keys": keys}))


@composite
def tools(draw: Draw) -> dict[str, Any]:
    own = ("name", "description", "strict")
    shape = fixed_dictionaries({"parameters": just("{{ parameters }}"), "name": templates(own)})
    section = draw(
        some({}, at_least=1, shape=shape, schema=lists(passes, min_size=1, max_size=3), drop_on_none=booleans())
    )
    section |= draw(some({}, only_forced=booleans()))
    dead = {name for key, name in (("drop_on_none", "none"), ("only_forced", "tool")) if section.get(key) is True}
    said: dict[str, Any] = {"auto": "auto", "required": {"type": "any"}, "none": ["none"]}
    said["tool"] = templates(["name"]).map(lambda text: {"type": "tool", "name": text})
    choice = some({}, at_least=1, **{name: value for name, value in said.items() if name not in dead})
    return section | draw(some({}, choice=choice))
