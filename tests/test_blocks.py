"""The blocks of an answer, and the opaque values that belong to them."""

from __future__ import annotations

from typing import Any

import pytest

from engine.blocks import Blocks, Carried, Slot
from engine.calls import Call
from engine.runs import Run


def replayed(blocks: Blocks) -> list[dict[str, Any]]:
    replay = blocks.replay("acme")
    assert replay is not None
    assert replay["from"] == "acme"
    return replay["blocks"]


def call(name: str, identity: str = "c1") -> Call:
    made = Call(None)
    made.name, made.id = name, identity
    return made


def say(blocks: Blocks, kind: str, text: str, slot: Slot | None) -> None:
    blocks.of_text(kind, slot).runs.append(Run([text]))


def carry(blocks: Blocks, slot: Slot | None = None, /, **values: Any) -> None:
    blocks.carry({name: Carried(value) for name, value in values.items()}, slot)


def test_text_goes_on_with_the_block_of_its_kind():
    blocks = Blocks()
    for kind, text in (("reasoning", "a"), ("reasoning", "b"), ("text", "c"), ("text", "d"), ("reasoning", "e")):
        say(blocks, kind, text, None)
    assert replayed(blocks) == [
        {"type": "reasoning", "text": "ab"},
        {"type": "text", "text": "cd"},
        {"type": "reasoning", "text": "e"},
    ]


def test_an_answer_without_reasoning_and_opaque_values_has_nothing_to_replay():
    blocks = Blocks()
    assert blocks.replay("acme") is None
    say(blocks, "text", "a", None)
    blocks.add_call(call("f"), None)
    assert blocks.replay("acme") is None


def test_blocks_of_slots_that_alternate():
    blocks, first, second = Blocks(), Slot(0), Slot(1)
    for slot, kind, text in ((first, "reasoning", "a"), (second, "text", "b"), (first, "reasoning", "c")):
        say(blocks, kind, text, slot)
    blocks.begin_carry()
    carry(blocks, first, signature="s")
    say(blocks, "text", "d", second)
    assert replayed(blocks) == [
        {"type": "reasoning", "text": "ac", "carry": {"signature": "s"}},
        {"type": "text", "text": "bd"},
    ]


def test_a_call_is_a_block_once_it_has_a_name():
    blocks, nameless = Blocks(), call("")
    say(blocks, "reasoning", "a", None)
    blocks.add_call(nameless, None)
    nameless.name = "f"
    blocks.add_call(nameless, None)
    blocks.add_call(nameless, None)
    say(blocks, "text", "b", None)
    blocks.add_call(call("g", "c2"), None)
    say(blocks, "text", "c", None)
    assert [block.get("id", block.get("text")) for block in replayed(blocks)] == ["a", "c1", "b", "c2", "c"]


def test_a_value_belongs_to_the_block_that_was_made_with_it():
    blocks = Blocks()
    say(blocks, "text", "a", None)
    blocks.begin_carry()
    say(blocks, "text", "b", None)
    carry(blocks, sign="1")
    say(blocks, "text", "c", None)
    blocks.begin_carry()
    blocks.add_call(call("f"), None)
    carry(blocks, sign="2")
    assert replayed(blocks) == [
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b", "carry": {"sign": "1"}},
        {"type": "text", "text": "c"},
        {"type": "tool_call", "id": "c1", "carry": {"sign": "2"}},
    ]


def test_an_empty_text_is_a_block_only_with_a_value():
    blocks = Blocks()
    say(blocks, "text", "a", None)
    blocks.add_empty("text", None)
    blocks.begin_carry()
    blocks.add_empty("text", None)
    carry(blocks, sign="1")
    blocks.add_empty("text", None)
    assert replayed(blocks) == [
        {"type": "text", "text": "a"},
        {"type": "text", "text": "", "carry": {"sign": "1"}},
    ]


def test_a_slot_without_text_is_hidden_reasoning():
    blocks = Blocks()
    blocks.begin_carry()
    carry(blocks, Slot(0), data="x")
    assert replayed(blocks) == [{"type": "reasoning", "text": "", "carry": {"data": "x"}}]


def test_a_value_without_a_block_belongs_to_the_message():
    blocks = Blocks()
    blocks.begin_carry()
    carry(blocks, state="1")
    say(blocks, "text", "a", None)
    blocks.begin_carry()
    carry(blocks, state="2", other=[1])
    assert replayed(blocks) == [
        {"type": "text", "text": "a"},
        {"type": "message", "carry": {"state": "2", "other": [1]}},
    ]


def test_a_part_of_a_block_gives_it_its_own():
    blocks, whole = Blocks(), Slot("item")
    for number, text in enumerate(("a", "b")):
        say(blocks, "reasoning", text, Slot(("item", number), parent=whole))
    blocks.begin_carry()
    carry(blocks, whole, sealed="x")
    assert replayed(blocks) == [
        {"type": "reasoning", "text": "a", "carry": {"sealed": "x"}},
        {"type": "reasoning", "text": "b"},
    ]


# --- lists ---


def listed(*values: Any, by: tuple[str, ...] = (), append: tuple[str, ...] = ()) -> Any:
    blocks = Blocks()
    for value in values:
        blocks.begin_carry()
        blocks.carry({"x": Carried(value, by, append)}, None)
    return replayed(blocks)[0]["carry"]["x"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["a", "b"], "b"),
        ([[1], [2, 3]], [1, 2, 3]),
        (["a", [1]], [1]),
        ([[1], "a"], "a"),
        ([{"a": 1}, {"b": 2}], {"b": 2}),
    ],
)
def test_a_list_goes_on_and_all_else_is_replaced(values, expected):
    assert listed(*values) == expected


def test_items_of_one_key_are_one():
    pieces = [
        [{"index": 0, "type": "reasoning.text", "text": "a", "format": "f", "signature": None}],
        [
            {"index": 0, "type": "reasoning.text", "text": "b", "format": "f", "signature": "s"},
            {"index": 1, "data": "d"},
        ],
        [{"index": 0, "text": None, "signature": None}, {"text": "no index"}, 5],
        [{"index": 1, "data": "e"}, {"text": "no index"}],
    ]
    assert listed(*pieces, by=("index",), append=("text",)) == [
        {"index": 0, "type": "reasoning.text", "text": "ab", "format": "f", "signature": "s"},
        {"index": 1, "data": "e"},
        {"text": "no index"},
        5,
        {"text": "no index"},
    ]
    assert pieces[0][0]["text"] == "a"


def test_items_of_several_keys_are_one_where_all_of_them_are_the_same():
    pieces = [
        [{"type": "summary", "index": 0, "summary": "a"}],
        [{"type": "summary", "index": 0, "summary": "b"}, {"type": "sealed", "index": 0, "data": "d"}],
        [{"type": "sealed", "data": "e"}, {"type": ["odd"], "index": 0}, {"summary": "c"}],
    ]
    assert listed(*pieces, by=("type", "index"), append=("summary",)) == [
        {"type": "summary", "index": 0, "summary": "ab"},
        {"type": "sealed", "index": 0, "data": "d"},
        {"type": "sealed", "data": "e"},
        {"type": ["odd"], "index": 0},
        {"summary": "c"},
    ]


def test_what_was_given_does_not_grow_afterwards():
    blocks, pieces = Blocks(), ([{"index": 0, "text": "a"}], [{"index": 0, "text": "b"}, {"index": 1}])
    seen = []
    for value in pieces:
        blocks.begin_carry()
        blocks.carry({"x": Carried(value, ("index",), ("text",))}, None)
        seen.append(replayed(blocks)[0]["carry"]["x"])
    assert seen == [[{"index": 0, "text": "a"}], [{"index": 0, "text": "ab"}, {"index": 1}]]


def test_a_list_is_told_apart_by_the_keys_of_each_rule():
    blocks = Blocks()
    for by, item in (((), {"a": 1}), (("a",), {"a": 1, "b": 1}), ((), {"b": 2}), (("b",), {"b": 2, "c": 3})):
        blocks.begin_carry()
        blocks.carry({"x": Carried([item], by)}, None)
    assert replayed(blocks)[0]["carry"]["x"] == [{"a": 1, "b": 1}, {"b": 2, "c": 3}]
