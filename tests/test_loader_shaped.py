"""What `messages`, `parts` and `tools` of a file may not say: of names, of each other, and to nobody."""

from __future__ import annotations

import pytest

from tests.badfiles import HERE, place_of, problems, text_of

SHAPES = "messages: {shapes: {any: {role: '{{ role }}', content: '{{ parts }}'}}}"
PARTS = "parts: {text: {text: '{{ text }}'}}"


def payload(*names: str) -> str:
    return "payload: {h: '{{ heat }}', " + ", ".join(f"{name}: '{{{{ {name} }}}}'" for name in names) + "}"


def messages(**keys: str) -> dict[str, str]:
    return {"messages": "messages: {" + ", ".join(f"{key}: {value}" for key, value in keys.items()) + "}"}


def shape(tree: str, role: str = "any") -> dict[str, str]:
    return messages(shapes=f"{{{role}: {tree}}}")


def parts(**kinds: str) -> dict[str, str]:
    return {
        "messages": SHAPES,
        "parts": "parts: {" + ", ".join(f"{kind}: {tree}" for kind, tree in kinds.items()) + "}",
    }


def tools(**keys: str) -> dict[str, str]:
    said = "tools: {" + ", ".join(f"{key}: {value}" for key, value in keys.items()) + "}"
    return {"tools": said, "payload": payload("messages", "tools", "tool_choice")}


FIELD = {**messages(system="field"), "payload": payload("messages", "system")}

NAMES = [
    ("undefined-variable", shape("{c: '{{ ¦txt }}', d: '{{ text }}'}"), "did you mean 'text'?"),
    ("undefined-variable", shape("{c: '{{ ¦messages }}', d: '{{ text }}'}"), "not defined"),
    ("undefined-variable", shape("{c: '{{ ¦id }}', d: '{{ text }}'}"), "not defined"),
    ("undefined-variable", parts(text="{t: '{{ ¦mime }}'}"), "not defined"),
    ("undefined-variable", parts(image="{t: '{{ ¦b64 }}'}"), "not defined"),
    ("undefined-variable", parts(image="[{$when: ¦dta is defined, t: '{{ data }}'}]"), "did you mean 'data'?"),
    ("undefined-variable", parts(tool_call="{t: '{{ ¦input }}'}"), "not defined"),
    ("undefined-variable", parts(tool_result="{t: '{{ ¦arguments }}'}"), "not defined"),
    ("undefined-variable", tools(shape="{n: '{{ name }}', s: '{{ ¦schema }}'}"), "not defined"),
    ("undefined-variable", tools(choice="{auto: '{{ ¦name }}'}"), "not defined"),
    ("undefined-variable", tools(choice="{tool: {type: '{{ ¦type }}'}}"), "not defined"),
    ("undefined-variable", {"payload": payload("messages") + "\nquery: {q: '{{ ¦system }}'}"}, "not defined"),
    ("template-type", shape("'{{ text }} {{ ¦images }}'"), "text is due"),
    ("template-type", parts(tool_call="'x {{ ¦arguments_object }}'"), "text is due"),
    ("reserved-name", FIELD | {"params": "params: {heat: {type: number}, ¦system: {type: string}}"}, "another"),
]

KEYS = [
    ("unknown-key", messages(roles="{¦assitant: model}"), "did you mean 'assistant'?"),
    ("unknown-key", shape("'{{ text }}'", "¦model"), "known keys"),
    ("unknown-key", {"messages": SHAPES, "parts": "parts: {¦video: x}"}, "known keys"),
    ("unknown-key", tools(choice="{¦any: x}"), "known keys"),
    ("unknown-key", tools(schema="[{¦drop: [a]}]"), "drop_keys"),
    ("not-in-enum", tools(schema="[¦inline]"), "inline_refs"),
    ("not-in-enum", tools(schema="[¦drop_keys]"), "inline_refs"),
    ("not-in-enum", messages(system="¦top"), "first_user"),
    ("not-in-enum", messages(items="[¦tool]"), "tool_call"),
    ("empty-value", messages(shapes="¦{}"), "fill it"),
    ("bad-value", messages(first_user="¦' '"), "text"),
]

SAID = [
    ("dead-rule", {"messages": "¦" + SHAPES, "payload": payload("model")}, "reads `messages`"),
    ("dead-rule", {"parts": "¦" + PARTS, "payload": payload("model")}, "reads `messages`"),
    ("dead-rule", messages(system="¦field"), "no template reads `system`"),
    ("dead-rule", {"tools": "¦tools: {shape: '{{ name }}'}", "payload": payload("model")}, "`tools`"),
    ("dead-rule", tools(**{"¦choice": "{auto: auto}"}) | {"payload": payload("messages", "tools")}, "`tool_choice`"),
    ("dead-rule", FIELD | messages(system="field", roles="{¦developer: system}"), "no message of that role"),
    ("dead-rule", messages(system="first_user", shapes="{¦system: '{{ text }}'}"), "no message of that role"),
    ("dead-rule", messages(tool_results="user_block", shapes="{any: '{{ parts }}', ¦tool: '{{ parts }}'}"), "block"),
    ("dead-rule", messages(tool_results="user_block", shapes="{any: '{{ parts }}'}", roles="{¦tool: x}"), "block"),
    ("dead-rule", messages(**{"¦replay_within": "turn"}), "reasoning is dropped"),
    ("dead-rule", parts(**{"¦reasoning": "'{{ text }}'"}), "reasoning is dropped"),
    ("dead-rule", messages(shapes="{¦tool_call: '{{ tool_calls }}'}"), "no item"),
    ("dead-rule", shape("'{{ text }}'") | {"parts": "parts: {¦text: '{{ text }}'}"}, "needs no template"),
    ("dead-rule", shape("'{{ content }}'") | {"parts": "parts: {¦tool_call: '{{ id }}'}"}, "tool_calls"),
    ("conflict", messages(tool_results="¦user_block"), "`messages.shapes.user`"),
    ("conflict", tools(drop_on_none="true", choice="{auto: a, ¦none: x}"), "keep one"),
    ("conflict", tools(only_forced="true", choice="{auto: a, ¦tool: x}"), "keep one"),
    ("undefined-reference", messages(items="[¦tool_call]"), "add `parts.tool_call`"),
    ("no-text-rule", shape("{role: '{{ role }}'}", "¦any"), "text"),
    ("no-text-rule", shape("{role: '{{ text }}'}", "¦tool"), "result"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "wrong", "hint"), [*NAMES, *KEYS, *SAID])
def test_each_mistake_is_found_where_it_stands(rule: str, wrong: dict[str, str], hint: str) -> None:
    text, place = place_of(text_of(**wrong))
    assert HERE not in text
    found = [problem for problem in problems(text) if problem.rule == rule]
    assert [(problem.line, problem.column) for problem in found] == [place], problems(text)
    assert hint in str(found[0])


@pytest.mark.parametrize(
    "good",
    [
        {"messages": SHAPES, "parts": PARTS},
        FIELD,
        messages(system="first_user", merge_consecutive="true", roles="{tool: user}"),
        messages(reasoning="replay", replay_within="turn"),
        messages(tool_results="user_block", items="[tool_result]") | {"parts": "parts: {tool_result: '{{ text }}'}"},
        tools(schema="[inline_refs, {drop_keys: [a]}]"),
        tools(drop_on_none="true", only_forced="true", choice="{required: any}"),
        {"version": "spec_version: 1\nabstract: true", "messages": SHAPES, "payload": payload("model")},
    ],
)
def test_what_is_right_is_no_problem(good: dict[str, str]) -> None:
    assert problems(text_of(**good)) == []


def test_a_param_may_have_the_name_of_a_part_and_is_not_read_by_it() -> None:
    declared = {"params": "params: {heat: {type: number}, format: {type: string, optional: true}}"}
    one = parts(audio="'{{ format }}'") | declared
    assert [problem.rule for problem in problems(text_of(**one))] == ["unused-param"]
    assert problems(text_of(**one, query="query: {f: '{{ format }}'}")) == []


# --- how often the same thing is said again ---


def times(name: str, many: int) -> str:
    return "[" + ", ".join([f'"{{{{ {name} }}}}"'] * many) + "]"


@pytest.mark.parametrize(
    ("in_payload", "in_shape", "in_part", "refused"),
    [(3, 10, 10, False), (501, 1, 1, True), (6, 10, 10, True), (1, 1, 501, True), (1, 501, 1, True)],
)
def test_a_short_message_makes_no_huge_request(in_payload: int, in_shape: int, in_part: int, refused: bool) -> None:
    found = problems(
        text_of(
            payload=f"payload: {{h: '{{{{ heat }}}}', m: {times('messages', in_payload)}}}",
            messages=f"messages: {{shapes: {{any: {{m: {times('parts', in_shape)}}}}}}}",
            parts=f"parts: {{text: {{t: {times('text', in_part)}}}}}",
        )
    )
    assert [problem.rule for problem in found] == ["template-too-big"] * refused


def test_the_bound_is_what_it_says() -> None:
    assert problems(text_of(payload=f"payload: {{h: '{{{{ heat }}}}', m: {times('messages', 500)}}}")) == []


@pytest.mark.parametrize("items", ["", "{}", "[[a]]", "[{a: b}]", "text"])
def test_items_that_are_none_are_refused_once(items: str) -> None:
    found = problems(text_of(messages=f"messages: {{items: {items}, tool_results: user_block}}"))
    assert [problem.rule for problem in found if problem.path.startswith("messages.items")], found
