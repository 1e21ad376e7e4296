"""A file's rules: conditions, iterations and yields, over one frame at a time."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.answer import Answer, Refused
from engine.errors import DecodeError
from engine.events import Finish, ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta, Usage
from engine.framing import Frame
from engine.keeps import Keeps, keeps_of
from engine.loader.building.answers import condition
from engine.messages import ToolCall
from engine.paths import MISSING
from engine.rules import OPERATORS, UNWRAPS, YIELDS, FrameReader, compile_condition, compile_rules, end_words
from engine.spec import CarryMap, Comparison, End, Reading, Response, Rule, SlotMap, Think, UsageMap

from .faults import fault


def rule(
    when: dict[str, Any] | None = None,
    each: str | None = None,
    rules: tuple[Rule, ...] = (),
    slot: SlotMap | None = None,
    **yields: Any,
):
    return Rule(condition(when) if when else (), each, tuple(yields.items()), rules, slot)


def read(rules: list[Rule], *frames: Any) -> Answer:
    """An answer after these frames: data, or (event name, data)."""
    answer = Answer(Response(None, None, {}, UsageMap({"input_tokens": ("in",)})))
    apply = compile_rules(tuple(rules))
    for frame in frames:
        event, data = frame if isinstance(frame, tuple) else (None, frame)
        apply(answer, event, data)
    return answer


def events(rules: list[Rule], *frames: Any) -> list[Any]:
    return read(rules, *frames).take()


def test_a_frame_that_is_refused_midway_leaves_no_block_behind():
    """Nothing is held back at the end: no empty text goes into the block that the frame would have made."""
    carrying = Rule(yields=(("text", {"path": "text", "mode": "cumulative"}),), carry=(CarryMap("sign", ("sign",)),))
    answer = Answer(Response(None, None), keeps=Keeps(blocks=True))
    apply = compile_rules((carrying,))
    apply(answer, None, {"text": "ab", "sign": "S"})
    with pytest.raises(DecodeError, match="cumulative"):
        apply(answer, None, {"text": "x", "sign": "T"})
    answer.settle()
    replay = answer.response().replay
    assert replay is not None
    assert replay["blocks"] == [{"type": "text", "text": "ab", "carry": {"sign": "S"}}]


# --- yields ---


def test_every_yield_is_tried_here():
    assert set(YIELDS) == {"text", "reasoning", "refusal", "finish", "usage", "meta", "tool_call", "error", "end"}


@pytest.mark.parametrize(
    ("kind", "delta"), [("text", TextDelta), ("reasoning", ReasoningDelta), ("refusal", RefusalDelta)]
)
def test_texts(kind, delta):
    frame = {"a": {"b": "x"}}
    assert events([rule(**{kind: "a.b"})], frame, {}, {"a": None}) == [delta("x")]
    assert events([rule(**{kind: ["nowhere", "a.b"]})], frame) == [delta("x")]
    assert events([rule(**{kind: {"path": "a.b"}})], frame, frame) == [delta("x"), delta("x")]
    assert events([rule(**{kind: {"path": ["z", "a.b"], "mode": "append"}})], frame) == [delta("x")]
    assert events([rule(**{kind: "$"})], "raw") == [delta("raw")]


def test_the_thought_comes_before_what_is_said_in_one_frame():
    said = [rule(text="content", reasoning="thought")]
    assert events(said, {"content": "Hi", "thought": "Hm."}) == [ReasoningDelta("Hm."), TextDelta("Hi")]


def test_the_first_of_several_paths_that_says_something_is_read():
    rules = [rule(text=["delta.content", "delta.text", "text"])]
    assert events(rules, {"delta": {"content": None, "text": ""}, "text": "x"}) == [TextDelta("x")]
    assert events(rules, {"delta": {"content": "a", "text": "b"}, "text": "x"}) == [TextDelta("a")]
    assert events(rules, {"delta": {"content": None}}) == []


def test_cumulative():
    rules = [rule(text={"path": "out", "mode": "cumulative"})]
    frames = [{"out": "a"}, {}, {"out": "ab"}, {"out": "ab"}, {"out": None}, {"out": "abc"}]
    assert events(rules, *frames) == [TextDelta("a"), TextDelta("b"), TextDelta("c")]
    with pytest.raises(DecodeError, match="cumulative"):
        read(rules, {"out": "ab"}, {"out": "b"})


def test_halves_of_a_character_in_two_frames_are_joined():
    read_json = UNWRAPS["json"]
    frames = [read_json('{"t": "a\\ud83d"}'), read_json('{"t": "\\ude00b"}'), read_json('{"t": "\\ud83d"}')]
    answer = read([rule(text="t")], *frames)
    answer.settle()
    assert [event.text for event in answer.take() if isinstance(event, TextDelta)] == ["a", "😀b", "\ufffd"]


def test_finish_usage_and_meta():
    rules = [rule(finish="why", usage=["usage", "x.usage"], meta={"id": "id", "model": ["m", "model"]})]
    answer = read(rules, {"id": 5, "model": "big"}, {"why": "stop", "x": {"usage": {"in": "3"}}}, {"id": "", "m": None})
    answer.settle()
    assert answer.take() == [Usage(3), Finish("stop", "stop")]
    assert (answer.response().id, answer.response().model) == ("5", "big")


def test_yields_happen_in_the_order_of_the_rule_and_rules_in_theirs():
    rules = [rule(reasoning="b", text="a"), rule(text="b")]
    assert events(rules, {"a": "1", "b": "2"}) == [ReasoningDelta("2"), TextDelta("1"), TextDelta("2")]


# --- tool calls ---

CALL = {"key": "index", "id": "id", "name": ["name", "function.name"], "arguments": "function.arguments"}


def calls(rules: list[Rule], *frames: Any) -> tuple[ToolCall, ...]:
    return read(rules, *frames).response().tool_calls


def test_fragments_of_tool_calls():
    rules = [rule(each="calls.*", tool_call=CALL)]
    frames = [
        {"calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}]},
        {"calls": [{"index": 0, "function": {"arguments": '{"x"'}}, {"index": 1, "id": "b", "name": "g"}]},
        {"calls": None},
        {"calls": [{"index": 0, "id": "", "function": {"name": None, "arguments": ": 1}"}}, {}, None, "x"]},
    ]
    assert events(rules, *frames) == [
        ToolCallDelta(0, "a", "f"),
        ToolCallDelta(0, arguments='{"x"'),
        ToolCallDelta(1, "b", "g"),
        ToolCallDelta(0, arguments=": 1}"),
    ]
    assert calls(rules, *frames) == (ToolCall("a", "f", '{"x": 1}'), ToolCall("b", "g"))


def test_the_modes_of_a_tool_call():
    begin = rule({"type": "begin"}, tool_call={"key": "at", "id": "id", "name": "name"})
    more = rule({"type": "more"}, tool_call={"key": "at", "arguments": "text", "mode": "append"})
    done = rule({"type": "done"}, tool_call={"key": "at", "arguments": "text", "mode": "final"})
    frames = [
        {"type": "begin", "at": 2, "id": "a", "name": "f"},
        {"type": "more", "at": 2, "text": '{"x"'},
        {"type": "done", "at": 2, "text": '{"x": 1}'},
    ]
    assert calls([begin, more, done], *frames) == (ToolCall("a", "f", '{"x": 1}'),)
    assert calls([begin, more, done], frames[0], frames[2]) == (ToolCall("a", "f", '{"x": 1}'),)
    assert calls([begin, more], *frames) == (ToolCall("a", "f", '{"x"'),)
    assert calls([begin, done], *frames, frames[2]) == (ToolCall("a", "f", '{"x": 1}'),)


def test_a_custom_tool_call_is_raw_text():
    frame = {"index": 0, "id": "a", "name": "f", "function": {"arguments": "SELECT 1"}}
    answer = read([rule(tool_call={**CALL, "custom": True})], frame)
    answer.settle()
    assert answer.response().tool_calls == (ToolCall("a", "f", "SELECT 1"),)
    with pytest.raises(DecodeError, match="no whole JSON"):
        read([rule(tool_call={**CALL, "custom": False})], frame).settle()


# --- slots ---

SLOT = SlotMap(("index",), ("block.type",))
BLOCK = rule(
    slot=SLOT,
    rules=(
        rule({"slot": "tool_use"}, tool_call={"id": "block.id", "name": "block.name", "arguments": "delta.json"}),
        rule({"slot": {"in": ["text", None]}}, text="delta.text"),
        rule({"slot": {"regex": "thinking$"}, "delta.type": "thinking"}, reasoning="delta.text"),
    ),
)


def opened(index: Any, kind: str | None, **more: Any) -> dict[str, Any]:
    return {"index": index, "block": {"type": kind, **more}}


def test_a_slot_remembers_what_block_an_index_belongs_to():
    assert events(
        [BLOCK],
        opened(0, "thinking"),
        opened(1, "tool_use", id="a", name="f"),
        opened(2, "server_tool_use", id="s", name="search"),
        {"index": 0, "delta": {"type": "thinking", "text": "hm"}},
        {"index": 2, "delta": {"json": '{"theirs": 1}', "text": "no"}},
        {"index": 1, "delta": {"json": "{}", "text": "no"}},
        {"index": 3, "delta": {"text": "a block that was not opened"}},
        opened(3, "text"),
        {"index": 3, "delta": {"text": "yes"}},
    ) == [
        ToolCallDelta(0, "a", "f"),
        ReasoningDelta("hm"),
        ToolCallDelta(0, arguments="{}"),
        TextDelta("a block that was not opened"),
        TextDelta("yes"),
    ]


def test_a_kind_that_is_not_told_takes_nothing_back_and_one_that_is_told_counts():
    again = [opened(0, "tool_use", id="a", name="f"), opened(0, ""), opened(0, None), {"index": 0, "block": {}}]
    assert calls([BLOCK], *again, {"index": 0, "delta": {"json": '"x"'}}) == (ToolCall("a", "f", '"x"'),)
    assert events([BLOCK], opened(0, "tool_use"), opened(0, "text"), {"index": 0, "delta": {"text": "x"}}) == [
        TextDelta("x")
    ]


@pytest.mark.parametrize("absent", [{}, {"index": None}, {"index": ""}, {"index": {}}, {"index": [0]}])
def test_a_frame_without_a_key_belongs_to_the_last_block(absent):
    frames = [
        opened(0, "text"),
        opened(1, "tool_use", id="a", name="f"),
        absent | {"delta": {"json": "1", "text": "2"}},
    ]
    assert events([BLOCK], *frames) == [ToolCallDelta(0, "a", "f"), ToolCallDelta(0, arguments="1")]
    assert events([BLOCK], absent | {"delta": {"text": "first of all"}}) == [TextDelta("first of all")]


def test_blocks_without_keys_are_opened_by_their_kinds():
    unkeyed = [
        {"block": {"type": "tool_use", "id": "a", "name": "f"}},
        {"delta": {"json": "1"}},
        {"block": {"type": "tool_use", "id": "b", "name": "g"}},
        {"delta": {"json": "2"}},
        {"block": {"type": "text"}},
        {"delta": {"text": "x"}},
    ]
    assert calls([BLOCK], opened(0, "thinking"), *unkeyed) == (ToolCall("a", "f", "1"), ToolCall("b", "g", "2"))
    assert read([BLOCK], *unkeyed).response().text == "x"
    # An anonymous block is none of those that have a key.
    after = {"index": 0, "delta": {"type": "thinking", "text": "t"}}
    assert read([BLOCK], opened(0, "thinking"), *unkeyed, after).response().reasoning == "t"


def test_a_call_takes_the_key_of_its_slot_unless_it_has_its_own():
    own = rule(slot=SLOT, tool_call={"key": "call", "id": "id", "name": "name", "arguments": "text"})
    slots = rule(slot=SLOT, tool_call={"id": "id", "name": "name", "arguments": "text"})
    frames = [
        {"index": 0, "call": 5, "id": "a", "name": "f"},
        {"index": 0, "call": 6, "id": "b", "name": "g"},
        {"index": 0, "call": 5, "text": "1"},
    ]
    assert calls([own], *frames) == (ToolCall("a", "f", "1"), ToolCall("b", "g"))
    assert calls([slots], *frames) == (ToolCall("a", "f"), ToolCall("b", "g", "1"))


def test_a_slot_is_seen_by_nested_rules_only():
    inner = rule({"slot": "x"}, text="t")
    frame = {"index": 0, "block": {"type": "x"}, "t": "in"}
    assert events([rule(slot=SLOT, rules=(inner,))], frame) == [TextDelta("in")]
    assert events([rule(slot=SLOT, meta={"id": "none"}), inner], frame) == []
    assert events([rule({"slot": "x"}, slot=SLOT, text="t")], frame, frame) == []
    assert events([rule({"slot": {"exists": False}}, text="t")], frame) == [TextDelta("in")]


def test_a_slot_for_each_item():
    nested = rule(each="blocks.*", slot=SlotMap(("i",), ("kind",)), rules=(rule({"slot": "x"}, text="t"),))
    blocks = [{"i": 0, "kind": "x", "t": "a"}, {"i": 1, "kind": "y", "t": "b"}, {"i": 0, "t": "c"}, {"i": 1, "t": "d"}]
    assert events([nested], {"blocks": blocks}) == [TextDelta("a"), TextDelta("c")]


def test_slots_of_two_answers_are_apart():
    apply = compile_rules((BLOCK,))
    for kind, expected in (("text", [TextDelta("x")]), ("other", [])):
        answer = Answer(Response(None, None, {}, UsageMap()))
        for frame in (opened(0, kind), {"index": 0, "delta": {"text": "x"}}):
            apply(answer, None, frame)
        assert answer.take() == expected


def test_a_slot_in_a_slot_is_a_part_of_that_block():
    part = rule({"slot": "call"}, tool_call={"id": "id", "name": "name", "arguments": "text"})
    inner = rule(slot=SlotMap(("part",), ("kind",)), rules=(part,))
    frames = [
        {"index": index, "part": number, "kind": "call", "id": f"{index}{number}", "name": "f"}
        for index in (0, 1)
        for number in (0, 1)
    ]
    more = [{"index": 1, "part": 0, "text": "1"}, {"index": 0, "part": 1, "text": "2"}, {"index": 0, "text": "lost"}]
    found = calls([rule(slot=SLOT, rules=(inner,))], *frames, *more)
    assert [(call.id, call.arguments) for call in found] == [("00", "{}"), ("01", "2"), ("10", "1"), ("11", "{}")]


# --- final texts, errors, the end, counters among other things ---


def kept(rules: list[Rule], *frames: Any) -> Answer:
    """An answer that keeps what these rules need."""
    response = Response(Reading("sse", ("json",), tuple(rules), End()), None, {}, UsageMap())
    answer = Answer(response, keeps_of(response), "acme")
    apply = compile_rules(tuple(rules))
    for frame in frames:
        answer.begin_frame()
        apply(answer, None, frame)
    return answer


def test_a_final_text_gives_what_is_missing():
    rules = [rule(slot=SlotMap(("index",)), text="t", rules=(rule(text={"path": "all", "mode": "final"}),))]
    frames = [
        {"index": 0, "t": "a"},
        {"index": 1, "t": "x"},
        {"index": 0, "all": "abc"},
        {"index": 1, "all": "y"},
        {"index": 0, "all": "abc"},
        {"index": 0, "all": ["abcd"]},
        {"index": 2, "all": "z"},
    ]
    assert kept(rules, *frames).take() == [TextDelta(text) for text in ("a", "x", "bc", "z")]


def test_a_final_text_without_a_slot_is_all_of_the_answer_s():
    rules = [rule(slot=SlotMap(("index",)), text="t"), rule(text={"path": "all", "mode": "final"})]
    frames = [{"index": 0, "t": "a"}, {"index": 1, "t": "b"}, {"all": "abc"}]
    assert kept(rules, *frames).response().text == "abc"
    halves = [{"index": 0, "t": "\ud83d"}, {"all": "😀!"}]
    answer = kept(rules, *halves)
    answer.settle()
    assert answer.response().text == "😀!"


@pytest.mark.parametrize(
    ("said", "parts", "expected"),
    [
        ([], ["a", "b", "a"], "aba"),
        (["ab"], ["a", "b", "c"], "abc"),
        (["a"], ["ab", "b", "a"], "abba"),
        (["ab", "c"], ["a", "bcd", "e"], "abcde"),
        (["ab"], ["a", "b", ""], "ab"),
        (["ab"], ["b", "a", "abc"], "ab"),
        (["abc"], ["ab"], "abc"),
        (["\ud83d"], ["😀", "!"], "😀!"),
        (["\ud83d", "\ude00"], ["😀", "!"], "😀!"),
    ],
)
def test_final_texts_of_one_frame_are_parts_of_one(said, parts, expected):
    rules = [rule(text="t"), rule(each="parts.*", text={"path": "$", "mode": "final"})]
    answer = kept(rules, *({"t": piece} for piece in said), {"parts": parts}, {"parts": parts})
    answer.settle()
    assert answer.response().text == expected


def test_the_kinds_of_final_texts_are_apart():
    rules = [rule(text="t", reasoning={"path": "r", "mode": "final"}, refusal={"path": "n", "mode": "final"})]
    said = kept(rules, {"t": "a"}, {"r": "ab", "n": "a"}, {"r": "abc", "n": "ab"}).response()
    assert (said.text, said.reasoning, said.refusal) == ("a", "abc", "ab")


@pytest.mark.parametrize("nothing", [{}, {"e": None}, {"e": ""}, {"e": 0}, {"e": False}, {"e": {}}, {"e": []}])
def test_no_error_is_read_where_the_value_says_that_there_is_none(nothing):
    assert kept([rule(error="e")], nothing).refused is None


@pytest.mark.parametrize(
    ("says", "frame", "expected"),
    [
        ("e", {"e": "bad"}, Refused("bad")),
        (["e", "f"], {"f": {"message": "bad"}}, Refused({"message": "bad"})),
        (
            {"path": "s", "kind": "quota", "message": "m", "code": ["c", "s"]},
            {"s": 7, "m": "bad"},
            Refused(7, "quota", "bad", 7),
        ),
    ],
)
def test_an_error_and_what_the_frame_tells_of_it(says, frame, expected):
    assert kept([rule(error=says)], frame).refused == expected
    assert kept([rule(error=says)], frame, {"e": "another", "s": 8}).refused == expected


def test_a_rule_can_say_the_end():
    rules = [rule({"done": True}, end=True)]
    assert not kept(rules, {"done": False}).has_ended
    assert kept(rules, {"done": True}, {}).has_ended


def test_counters_among_other_things():
    rules = [rule({"done": True}, usage={"in": "a.in", "out": ["out", "a.out"]})]
    read = kept(rules, {"done": True, "a": {"in": 3, "out": 1, "x": 5}, "text": "t"}, {"a": {"in": 9}}, {"done": True})
    assert read.usage.raw == {"in": 3, "out": 1}


def test_what_is_carried_belongs_to_what_the_rule_and_those_in_it_read():
    carry = CarryMap("sign", ("s", "sign"))
    part = Rule(
        each="parts.*", carry=(carry,), rules=(rule({"kind": "t"}, text="t"), rule({"kind": "r"}, reasoning="t"))
    )
    frame = {
        "parts": [
            {"kind": "r", "t": "a"},
            {"kind": "r", "t": "b", "s": "", "sign": "1"},
            {"kind": "t", "t": "c", "s": None},
            {"kind": "t", "t": "", "s": [2]},
            {"kind": "x", "s": {"own": 3}},
        ]
    }
    replay = kept([part], frame).response().replay
    assert replay == {
        "from": "acme",
        "blocks": [
            {"type": "reasoning", "text": "a"},
            {"type": "reasoning", "text": "b", "carry": {"sign": "1"}},
            {"type": "text", "text": "c"},
            {"type": "text", "text": "", "carry": {"sign": [2]}},
            {"type": "message", "carry": {"sign": {"own": 3}}},
        ],
    }


@pytest.mark.parametrize(
    ("rules", "keeps"),
    [
        ([rule(text="t", finish="f")], Keeps()),
        ([rule(text="t"), rule(rules=(rule(reasoning="r"),))], Keeps(blocks=True)),
        ([rule(rules=(Rule(carry=(CarryMap("s", ("s",)),)),))], Keeps(blocks=True)),
        ([rule(rules=(rule(refusal={"path": "t", "mode": "final"}),))], Keeps(said=True)),
        ([rule(text={"path": "t", "mode": "append"}, tool_call={"id": "i", "mode": "final"})], Keeps()),
    ],
)
def test_only_what_the_rules_need_is_kept(rules, keeps):
    reading = Reading("sse", ("json",), tuple(rules), End())
    assert keeps_of(Response(reading, None)) == keeps_of(Response(None, reading)) == keeps
    assert keeps_of(Response(reading, None, think=Think("<t>", "</t>"))).blocks


# --- iteration and nesting ---

BLOCKS = {"parts": [{"t": "a", "thought": True}, {"t": "b"}, {}, None, "x", {"t": "c", "thought": False}]}


def test_for_reads_each_value():
    assert events([rule(each="parts.*", text="t")], BLOCKS) == [TextDelta("a"), TextDelta("b"), TextDelta("c")]
    assert events([rule(each="parts.*", text="t")], {}, {"parts": None}, {"parts": {"t": "x"}}, [], None) == []
    assert events([rule(each="*.parts.*", text="$")], [{"parts": ["a", "b"]}, {}, {"parts": ["c"]}]) == [
        TextDelta("a"),
        TextDelta("b"),
        TextDelta("c"),
    ]
    assert events([rule(each="one", text="t")], {"one": {"t": "x"}}, {}) == [TextDelta("x")]


def test_when_is_asked_of_the_frame_and_nested_rules_of_each_item():
    rules = [
        rule(
            {"type": "delta"},
            "parts.*",
            (rule({"thought": True}, reasoning="t"), rule({"thought": {"in": [False, None]}}, text="t")),
        )
    ]
    expected = [ReasoningDelta("a"), TextDelta("b"), TextDelta("c")]
    assert events(rules, {"type": "delta"} | BLOCKS, {"type": "other"} | BLOCKS, BLOCKS) == expected


def test_nested_rules_see_the_event_name_and_come_after_the_yields():
    rules = [rule(rules=(rule({"event": "a"}, text="y"), rule({"event": "b"}, text="z")), text="x")]
    frame = {"x": "1", "y": "2", "z": "3"}
    assert events(rules, ("a", frame)) == [TextDelta("1"), TextDelta("2")]
    assert events(rules, ("b", frame)) == [TextDelta("1"), TextDelta("3")]
    assert events(rules, frame) == [TextDelta("1")]


def test_nesting_goes_on():
    rules = [rule(each="a.*", rules=(rule(each="b.*", rules=(rule(text="c"),)),))]
    assert events(rules, {"a": [{"b": [{"c": "1"}, {"c": "2"}]}, {"b": [{"c": "3"}]}]}) == [
        TextDelta("1"),
        TextDelta("2"),
        TextDelta("3"),
    ]


def test_a_frame_that_no_rule_knows_says_nothing():
    assert events([rule({"type": "x"}, text="t")], {"type": "novel", "t": "no"}, 5, None, [], "text", True) == []


# --- conditions ---


def holds(tests: dict[str, Any], data: Any, event: str | None = None) -> bool:
    return compile_condition(condition(tests))(event, data)


@pytest.mark.parametrize(
    ("operator", "operand", "yes", "no"),
    [
        ("equals", "x", ["x"], ["X", "", "xx", None, MISSING, ["x"], 1, True]),
        ("equals", "1", ["1"], [1, True, 1.0]),
        ("equals", 1, [1, 1.0], [True, "1", 2, None, MISSING]),
        ("equals", 0, [0, 0.0, -0.0], [False, "", None, MISSING, []]),
        ("equals", 1.5, [1.5], [1, True]),
        ("equals", True, [True], [1, 1.0, "true", False, None, MISSING]),
        ("equals", False, [False], [0, 0.0, "", None, MISSING, []]),
        ("equals", None, [None, MISSING], [False, 0, "", [], {}]),
        ("equals", "", [""], [None, MISSING, False, 0]),
        ("in", ["a", 1, False], ["a", 1, 1.0, False], ["b", 0, True, None, MISSING, ["a"]]),
        ("in", ["a", None], ["a", None, MISSING], ["", False, 0]),
        ("exists", True, ["", 0, False, [], {}, "x"], [None, MISSING]),
        ("exists", False, [None, MISSING], ["", 0, False, [], {}]),
        ("contains", "Too Long", ["it is TOO LONG now", "too long"], ["toolong", "", None, MISSING, ["too long"], 1]),
        (
            "regex",
            "^tokens? [0-9]",
            ["token 5", "tokens 5 x"],
            ["a token 5", "Token 5", "", None, MISSING, 5, ["token 5"]],
        ),
        ("regex", "[1-9]", [1, 2049, -1, "error 7"], [0, True, 1.5, None, MISSING, [1], "0"]),
    ],
)
def test_operators(operator, operand, yes, no):
    predicate = OPERATORS[operator](operand)
    assert [value for value in yes if predicate(value) is not True] == []
    assert [value for value in no if predicate(value) is not False] == []
    for value in (*yes, *no):
        data = {} if value is MISSING else {"a": {"b": value}}
        assert holds({"a.b": {operator: operand}}, data) is predicate(value)
        assert holds({"path": "a.b", operator: operand}, data) is predicate(value)


def test_every_operator_is_tried_here():
    assert set(OPERATORS) == {"equals", "in", "exists", "contains", "regex"}


def test_all_comparisons_must_hold():
    tests = {"type": "delta", "index": 0, "event": "message"}
    assert holds(tests, {"type": "delta", "index": 0}, "message")
    assert not holds(tests, {"type": "delta", "index": 1}, "message")
    assert not holds(tests, {"type": "delta", "index": False}, "message")
    assert not holds(tests, {"type": "delta", "index": 0}, "other")
    assert not holds(tests, {"type": "delta", "index": 0})
    assert compile_condition(())(None, None)


def test_the_event_name_is_no_key_of_the_data():
    assert holds({"event": "ping"}, {"event": "other"}, "ping")
    assert not holds({"event": "ping"}, {"event": "ping"}, None)
    assert holds({"event": None}, {}, None)
    assert holds({"event": {"in": ["a", "b"]}}, None, "b")
    assert holds({"event": {"regex": "^content_"}}, None, "content_delta")
    assert holds({"event": {"exists": False}}, {}, None)


def test_each_comparison_keeps_its_own_operand():
    test = compile_condition(
        (Comparison("a", "equals", 1), Comparison("b", "equals", 2), Comparison(None, "equals", "e"))
    )
    assert test("e", {"a": 1, "b": 2})
    assert not test("e", {"a": 2, "b": 2})
    assert not test("e", {"a": 1, "b": 1})


def test_a_lookup_reads_what_is_no_path():
    test = compile_condition(
        (Comparison("x-error", "exists", True),), lambda name: lambda headers: headers.get(name, MISSING)
    )
    assert test(None, {"x-error": "1"})
    assert not test(None, {})


# --- readings ---


def reader(unwrap: tuple[Any, ...] = ("json",), end: End | None = None) -> FrameReader:
    return FrameReader(Reading("sse", unwrap, (rule({"event": "say"}, text="t"),), end or End()))


def test_unwrapping():
    assert reader().data_of(Frame(None, '{"t": [1, 0.5, null, "\\u0416"]}')) == {"t": [1, 0.5, None, "Ж"]}
    assert reader(("text",)).data_of(Frame(None, "{raw")) == "{raw"
    assert reader(("json", "json")).data_of(Frame(None, '"{\\"a\\": 1}"')) == {"a": 1}
    assert reader(()).data_of(Frame(None, "raw")) == "raw"


def b64(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


WRAPPED = ("json", {"at": "bytes"}, "base64", "json")


def test_an_unwrap_chain():
    inner = json.dumps({"t": "Ж"}, ensure_ascii=False)
    assert reader(WRAPPED).data_of(Frame("chunk", json.dumps({"bytes": b64(inner), "p": "ab"}))) == {"t": "Ж"}
    assert reader(("json", {"at": "result"})).data_of(Frame(None, '{"result": {"t": 1}}')) == {"t": 1}
    assert reader(("json", {"at": "a.0.b"}, "json")).data_of(Frame(None, '{"a": [{"b": "[1]"}]}')) == [1]
    assert reader(("base64", "json")).data_of(Frame(None, b64("{}"))) == {}
    assert reader(("base64",)).data_of(Frame(None, b64(b"a\xff"))) == "a\ufffd"
    assert reader(("json", {"at": "$"})).data_of(Frame(None, '{"a": 1}')) == {"a": 1}


def test_what_has_nothing_to_unwrap_is_read_as_it_is():
    """An exception in a stream of wrapped events is not wrapped itself."""
    assert reader(WRAPPED).data_of(Frame("throttlingException", '{"message": "slow"}')) == {"message": "slow"}
    assert reader(("json", {"at": "result"})).data_of(Frame(None, "[]")) == []


@pytest.mark.parametrize("value", [None, 5, True, {}, [], "?", "YQ", "YQ=", "YQ==YQ==", "Y Q==", "Ж", "YQ\n=="])
def test_what_is_no_base64_is_a_decode_error(value):
    with pytest.raises(DecodeError, match="is no base64"):
        reader(("json", {"at": "b"}, "base64")).data_of(Frame(None, json.dumps({"b": value})))


@pytest.mark.parametrize(("value", "words"), [(b64("{"), "is no JSON"), ("", "is no JSON")])
def test_what_is_no_json_inside_is_a_decode_error(value, words):
    with pytest.raises(DecodeError, match=words):
        reader(WRAPPED).data_of(Frame(None, json.dumps({"bytes": value})))


def test_every_step_of_unwrapping_is_tried_here():
    assert set(UNWRAPS) == {"json", "text", "base64"}


def test_numbers_survive():
    data = reader().data_of(Frame(None, "[9007199254740993, 0.1, 1e300, -0.0, 1E2]"))
    assert data == [9007199254740993, 0.1, 1e300, 0.0, 100.0]
    assert math.copysign(1, data[3]) == -1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[DONE]",
        "{} {}",
        "NaN",
        '{"a": Infinity}',
        '{"a": -Infinity}',
        "1e999",
        "[-1e999]",
        "[" * 100_000,
        "9" * 5000,
        "\ufeff{}",
        "'a'",
        "{'a': 1}",
        '{"a": 1,}',
        "\x00",
    ],
    ids=lambda text: repr(text[:12]),
)
def test_what_is_no_json_is_a_decode_error(text):
    with pytest.raises(DecodeError, match="is no JSON"):
        reader().data_of(Frame(None, text))


def test_what_is_unwrapped_already_is_no_json_text():
    with pytest.raises(DecodeError, match="unwrapped already"):
        reader(("json", "json")).data_of(Frame(None, '{"a": 1}'))


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=20), st.text(alphabet='[]{}",:0123456789.eE-+nulltrfasNI \\', max_size=20)))
def test_any_text_is_json_or_a_decode_error(text):
    try:
        reader().data_of(Frame(None, text))
    except DecodeError as error:
        message = error.message
        assert message.startswith("is no JSON")


def test_a_frame_is_applied_with_its_event_name():
    answer = read([])
    for event in ("say", "hush", None):
        reader().apply(answer, Frame(event, ""), {"t": f"{event} "})
    assert answer.take() == [TextDelta("say ")]


def test_only_the_whole_raw_text_of_a_frame_is_an_end():
    ends = reader(end=End(texts=frozenset({"[DONE]", "stop"})))
    assert ends.is_end_text(Frame(None, "[DONE]"))
    assert ends.is_end_text(Frame("any", "stop"))
    for text in ("[DONE] ", " [DONE]", "[DONE]\n"):  # blanks around it are none of its words
        assert ends.is_end_text(Frame(None, text))
    for text in ('"[DONE]"', '{"t": "[DONE]"}', "[done]", "", "[DONE] x"):
        assert not ends.is_end_text(Frame(None, text))
    assert not reader().is_end_text(Frame(None, "[DONE]"))


def test_an_end_by_a_condition():
    conditions = (condition({"event": "message_stop"}), condition({"done": True, "index": 0}))
    ends = reader(end=End(conditions=conditions))
    assert ends.shows_end(Frame("message_stop", ""), {})
    assert ends.shows_end(Frame(None, ""), {"done": True, "index": 0})
    assert not ends.shows_end(Frame(None, ""), {"done": 1, "index": 0})
    assert not ends.shows_end(Frame(None, ""), {"done": True})
    assert not reader().shows_end(Frame("message_stop", ""), {"done": True})


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (End(), "its end"),
        (End(texts=frozenset({"b", "[DONE]"})), "'[DONE]' or 'b'"),
        (End(finish=True), "a finish reason"),
        (
            End(conditions=(condition({"event": "x"}), condition({"a.b": {"exists": True}}))),
            "event equals 'x' or a.b exists True",
        ),
        (
            End(frozenset({"x"}), (condition({"a": 1, "b": 2}),), True),
            "'x' or a equals 1, b equals 2 or a finish reason",
        ),
    ],
)
def test_what_was_to_be_seen_in_words(end, words):
    assert end_words(end) == words


@fault("Values that come in", "JSON that nests hundreds of levels deep", "DecodeError at more than 128 levels")
@pytest.mark.parametrize(("depth", "is_read"), [(128, True), (129, False), (600, False), (100_000, False)])
def test_an_event_nests_so_deep_and_no_deeper(depth: int, is_read: bool) -> None:
    reading = FrameReader(Reading("json", ("json",), (), End()))
    for text in ("[" * depth + "]" * depth, '{"a":' * depth + "0" + "}" * depth):
        if is_read:
            assert reading.data_of(Frame(None, text))
        else:
            with pytest.raises(DecodeError, match=r"too deeply|deeper than 128"):
                reading.data_of(Frame(None, text))
