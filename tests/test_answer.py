"""An answer as it grows: pieces of text, characters cut in two, the finish and the counters."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.answer import Answer
from engine.errors import DecodeError
from engine.events import DELTAS, Finish, ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta, Usage
from engine.messages import Adjustment, ChatResponse, ToolCall
from engine.paths import MISSING
from engine.spec import Response, Think, UsageMap

HIGH, LOW = "\ud83d", "\ude00"
COUNTERS = {
    "input_tokens": ("prompt_tokens", "in"),
    "output_tokens": ("completion_tokens",),
    "cached_input_tokens": ("prompt_details.cached",),
    "reasoning_tokens": ("reasoning",),
}


def answer(finish: dict[str, str | None] | None = None, **usage: bool) -> Answer:
    return Answer(Response(None, None, finish or {}, UsageMap(COUNTERS, **usage)))


def settled(grown: Answer) -> list[object]:
    grown.settle()
    return grown.take()


def texts(pieces: list[str], kind: str = "text") -> list[str]:
    grown = answer()
    for piece in pieces:
        grown.add(kind, piece)
    return [event.text for event in settled(grown) if isinstance(event, DELTAS[kind])]


# --- text ---


def test_the_kinds_of_text_are_apart():
    grown = answer()
    for kind in ("text", "reasoning", "refusal", "text"):
        grown.add(kind, f"{kind} ")
    assert grown.take() == [
        TextDelta("text "),
        ReasoningDelta("reasoning "),
        RefusalDelta("refusal "),
        TextDelta("text "),
    ]
    response = grown.response()
    assert (response.text, response.reasoning, response.refusal) == ("text text ", "reasoning ", "refusal ")


@pytest.mark.parametrize("value", [None, MISSING, "", 0, 1, True, False, 1.5, [], ["x"], {}, {"text": "x"}])
def test_what_is_no_text_is_passed_over(value):
    grown = answer()
    grown.add("text", value)
    grown.add_cumulative("text", value)
    assert grown.take() == []
    assert grown.response().text == ""


def test_take_gives_each_event_once():
    grown = answer()
    grown.add("text", "a")
    assert grown.take() == [TextDelta("a")]
    assert grown.take() == []


@pytest.mark.parametrize("kind", DELTAS)
@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([HIGH, LOW], ["😀"]),
        (["a" + HIGH, LOW + "b"], ["a", "😀b"]),
        ([HIGH + LOW], ["😀"]),
        (["😀" + HIGH, LOW], ["😀", "😀"]),
        ([HIGH], ["\ufffd"]),
        (["a" + HIGH], ["a", "\ufffd"]),
        ([LOW], ["\ufffd"]),
        ([HIGH, "a"], ["\ufffda"]),
        ([HIGH, "😀"], ["\ufffd😀"]),
        ([HIGH, HIGH, LOW], ["\ufffd", "😀"]),
        ([LOW, HIGH], ["\ufffd", "\ufffd"]),
        ([HIGH, "", LOW], ["😀"]),
        (["a" + LOW + "b" + HIGH + "c"], ["a\ufffdb\ufffdc"]),
    ],
)
def test_halves_of_a_character_are_joined_and_lone_ones_replaced(pieces, expected, kind):
    assert texts(pieces, kind) == expected


def test_a_half_waits_in_its_own_kind():
    grown = answer()
    grown.add("text", HIGH)
    grown.add("reasoning", LOW)
    grown.add("text", LOW)
    assert grown.take() == [ReasoningDelta("\ufffd"), TextDelta("😀")]


def reference(text: str) -> str:
    """Surrogates by the definition of UTF-16, one at a time."""
    out, index = "", 0
    while index < len(text):
        char, after = text[index], text[index + 1 : index + 2]
        if "\ud800" <= char <= "\udbff" and "\udc00" <= after <= "\udfff":
            out += chr(0x10000 + ((ord(char) - 0xD800) << 10) + (ord(after) - 0xDC00))
            index += 1
        else:
            out += "\ufffd" if "\ud800" <= char <= "\udfff" else char
        index += 1
    return out


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(alphabet=[HIGH, LOW, "\udbff", "\udc00", "a", "Ж", "😀", "\ufffd"], max_size=4), max_size=6))
def test_text_is_always_whole_characters_and_the_same_at_any_cut(pieces):
    joined = "".join(texts(pieces))
    assert joined == reference("".join(pieces))
    joined.encode()


# --- cumulative ---


def cumulative(values: list[object]) -> list[str]:
    grown = answer()
    for value in values:
        grown.add_cumulative("text", value)
    return [event.text for event in settled(grown) if isinstance(event, TextDelta)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["a", "ab", "abc"], ["a", "b", "c"]),
        (["a", "a", "ab"], ["a", "b"]),
        (["", "a"], ["a"]),
        (["a", None, MISSING, 5, "ab"], ["a", "b"]),
        (["a" + HIGH, "a😀"], ["a", "😀"]),
        (["a" + HIGH, "a" + HIGH + LOW + "b"], ["a", "😀b"]),
        (["a" + HIGH, "a" + HIGH], ["a", "\ufffd"]),
        (["a" + HIGH, "ab"], ["a", "b"]),
        (["a" + HIGH], ["a", "\ufffd"]),
    ],
)
def test_a_cumulative_text_gives_its_new_end(values, expected):
    assert cumulative(values) == expected


@pytest.mark.parametrize("values", [["ab", "a"], ["ab", "ac"], ["a", ""], ["a", "b"], ["ab", "xab"]])
def test_a_cumulative_text_that_does_not_go_on_is_a_decode_error(values):
    with pytest.raises(DecodeError, match="text is said to be cumulative"):
        cumulative(values)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=["a", "b", HIGH, LOW, "😀"], max_size=12), st.lists(st.integers(0, 12), max_size=6))
def test_a_cumulative_text_is_the_same_at_any_cut(text, places):
    values = [text[: min(place, len(text))] for place in sorted(places)] + [text]
    assert "".join(cumulative(values)) == reference(text)


# --- finish ---

MAPPED = {"end": "stop", "max": "length", "null": None, "tools": "tool_calls"}


@pytest.mark.parametrize(
    ("table", "said", "reason", "raw"),
    [
        ({}, ["stop"], "stop", "stop"),
        ({}, ["length"], "length", "length"),
        ({}, ["tool_calls"], "tool_calls", "tool_calls"),
        ({}, ["content_filter"], "content_filter", "content_filter"),
        ({}, ["error"], "unknown", "error"),
        ({}, ["novel"], "unknown", "novel"),
        ({}, [], "unknown", None),
        ({}, [None, "stop", None, "", MISSING], "stop", "stop"),
        ({}, ["length", "stop"], "stop", "stop"),
        ({}, [{"type": "stop"}, ["stop"]], "unknown", None),
        (MAPPED, ["end"], "stop", "end"),
        (MAPPED, ["max"], "length", "max"),
        (MAPPED, ["novel"], "unknown", "novel"),
        (MAPPED, ["null"], "unknown", None),
        (MAPPED, ["end", "null"], "stop", "end"),
        (MAPPED, ["null", "max"], "length", "max"),
        (MAPPED | {"default": "stop"}, ["novel"], "stop", "novel"),
        (MAPPED | {"default": "stop"}, ["max"], "length", "max"),
        (MAPPED | {"default": None}, ["novel"], "unknown", None),
        (MAPPED | {"default": None}, ["end", "novel"], "stop", "end"),
        (MAPPED | {"missing": "stop"}, [], "stop", None),
        (MAPPED | {"missing": "stop"}, ["null"], "stop", None),
        (MAPPED | {"missing": "stop"}, ["max"], "length", "max"),
        ({"2": "stop"}, [2], "stop", "2"),
        ({"true": "stop"}, [True], "stop", "true"),
        ({"false": None}, [False], "unknown", None),
        ({"1": "stop"}, [True], "unknown", "true"),
    ],
)
def test_finish(table, said, reason, raw):
    grown = answer(table)
    for value in said:
        grown.add_finish(value)
    assert grown.finish_raw == raw
    assert settled(grown) == [Finish(reason, raw)]
    response = grown.response()
    assert (response.finish, response.finish_raw) == (reason, raw)


# --- tool calls ---


def fragment(**more: object) -> dict[str, object]:
    return {"is_final": False, "is_raw": False, **more}


CALLED = {"end": "stop", "max": "length", "with_tools": "tool_calls"}


@pytest.mark.parametrize(
    ("table", "said", "named", "reason"),
    [
        (CALLED, "end", True, "tool_calls"),
        (CALLED, "end", False, "stop"),
        (CALLED, "max", True, "length"),
        (CALLED, "novel", True, "unknown"),
        (CALLED, None, True, "unknown"),
        (CALLED | {"missing": "stop"}, None, True, "tool_calls"),
        (CALLED | {"missing": "stop"}, None, False, "stop"),
        ({"end": "stop"}, "end", True, "stop"),
        ({}, "stop", True, "stop"),
        ({"with_tools": "tool_calls", "default": "stop"}, "any", True, "tool_calls"),
    ],
)
def test_a_stop_with_tool_calls(table, said, named, reason):
    grown = answer(table)
    grown.add_call(0, **fragment(id="a", name="f" if named else "", arguments="{}"))
    grown.add_finish(said)
    assert settled(grown)[-1] == Finish(reason, said)
    assert grown.response().finish == reason


def test_calls_come_out_as_events_and_in_the_response():
    grown = answer()
    grown.add("text", "a")
    grown.add_call(0, **fragment(id="x", name="f", arguments='{"a"'))
    grown.add_call(0, **fragment())
    assert grown.take() == [TextDelta("a"), ToolCallDelta(0, "x", "f", '{"a"')]
    assert grown.response().tool_calls == (ToolCall("x", "f", '{"a"'),)  # as far as it has come


@pytest.mark.parametrize(("said", "is_whole"), [("end", False), (None, False), ("max", True)])
def test_broken_arguments_stay_only_where_the_answer_was_cut(said, is_whole):
    grown = answer(CALLED)
    grown.add_call(0, **fragment(id="x", name="f", arguments='{"a"'))
    grown.add_finish(said)
    if is_whole:
        assert settled(grown)[-1] == Finish("length", "max")
    else:
        with pytest.raises(DecodeError, match="the tool call 'f'"):
            grown.settle()
        assert not any(isinstance(event, Finish) for event in grown.take())
    assert grown.response().tool_calls == (ToolCall("x", "f", '{"a"'),)


def test_half_a_character_in_arguments_becomes_another_in_the_event_and_in_the_call():
    grown = answer(CALLED)
    grown.add_call(0, **fragment(id="x", name="f", arguments=HIGH, is_raw=True))
    assert settled(grown)[:2] == [ToolCallDelta(0, "x", "f", ""), ToolCallDelta(0, arguments="\ufffd")]
    assert grown.response().tool_calls == (ToolCall("x", "f", "\ufffd"),)


# --- reasoning between tags ---


def thinking(*, anywhere: bool = False) -> Answer:
    return Answer(Response(None, None, {}, UsageMap(), Think("<think>", "</think>", anywhere)))


def test_reasoning_in_the_text_is_split_off():
    grown = thinking()
    for piece in ("<thi", "nk>a", "</think>\n", "\nb", " <think>c"):
        grown.add("text", piece)
    assert settled(grown)[:-1] == [ReasoningDelta("a"), TextDelta("b"), TextDelta(" <think>c")]
    assert (grown.response().reasoning, grown.response().text) == ("a", "b <think>c")


def test_other_kinds_of_text_have_no_tags():
    grown = thinking()
    grown.add("reasoning", "<think>r</think>")
    grown.add("refusal", "<think>")
    assert grown.take() == [ReasoningDelta("<think>r</think>"), RefusalDelta("<think>")]


def test_what_was_held_back_comes_at_the_end():
    grown = thinking()
    grown.add("text", " <thin")
    assert grown.take() == []
    assert settled(grown) == [TextDelta(" <thin"), Finish("unknown", None)]
    assert grown.response().text == " <thin"


@pytest.mark.parametrize("end", ["", "<", HIGH, "<" + HIGH, "<thi" + HIGH + LOW])
def test_tags_in_a_cumulative_text(end):
    text = "<think>a" + HIGH + LOW + "</think>b" + end
    grown = thinking(anywhere=True)
    for place in range(len(text) + 1):
        grown.add_cumulative("text", text[:place])
    settled(grown)
    assert (grown.response().reasoning, grown.response().text) == ("a😀", reference("b" + end))


# --- usage ---


def usage_of(*maps: object, **flags: bool) -> Usage:
    grown = answer(**flags)
    for counters in maps:
        grown.add_usage(counters)
    return grown.usage


RAW = {"prompt_tokens": 10, "completion_tokens": 5, "prompt_details": {"cached": 4}, "reasoning": 2}


def test_usage_is_normalised_and_kept():
    usage = usage_of(RAW)
    assert usage == Usage(10, 5, 4, 2)
    assert usage.raw == RAW


def test_totals_that_leave_something_out_are_completed():
    assert usage_of(RAW, output_excludes_reasoning=True) == Usage(10, 7, 4, 2)
    assert usage_of({"completion_tokens": 5}, output_excludes_reasoning=True) == Usage(None, 5)
    assert usage_of({"reasoning": 2}, output_excludes_reasoning=True) == Usage(None, None, None, 2)


def test_later_counters_replace_earlier_ones_key_by_key():
    usage = usage_of({"prompt_tokens": 10, "completion_tokens": 1}, {"completion_tokens": 5}, {"other": 1})
    assert usage == Usage(10, 5)
    assert usage.raw == {"prompt_tokens": 10, "completion_tokens": 5, "other": 1}


def test_null_takes_no_counter_back():
    usage = usage_of({"prompt_tokens": 10, "reasoning": None}, {"prompt_tokens": None, "completion_tokens": 0})
    assert usage == Usage(10, 0)
    assert usage.raw == {"prompt_tokens": 10, "reasoning": None, "completion_tokens": 0}


@pytest.mark.parametrize("value", [None, MISSING, [], "10", 10, True])
def test_what_is_no_map_is_no_usage(value):
    grown = answer()
    grown.add_usage(value)
    assert settled(grown) == [Finish("unknown", None)]


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (0, 0),
        (7, 7),
        (7.0, 7),
        ("7", 7),
        (" 7 ", 7),
        ("", None),
        ("many", None),
        ("1e3", None),
        ("9" * 6000, None),
        (float("inf"), None),
        (float("nan"), None),
        (True, None),
        (False, None),
        (None, None),
        (-1, None),
        ("-1", None),
        ([7], None),
        ({"n": 7}, None),
    ],
)
def test_numbers_in_text_are_numbers_and_nothing_else_is(value, count):
    assert usage_of({"prompt_tokens": value}).input_tokens == count


def test_a_counter_is_the_first_path_that_says_something():
    assert usage_of({"in": 3}).input_tokens == 3
    assert usage_of({"prompt_tokens": None, "in": 3}).input_tokens == 3
    assert usage_of({"prompt_tokens": 0, "in": 3}).input_tokens == 0


# --- the end, and the whole ---


def test_the_last_events_come_in_order():
    grown = answer()
    grown.add_finish("stop")
    grown.add("text", "a" + HIGH)
    grown.add_usage(RAW)
    assert settled(grown) == [TextDelta("a"), TextDelta("\ufffd"), Usage(10, 5, 4, 2), Finish("stop", "stop")]


@pytest.mark.parametrize(
    ("value", "expected"),
    [("abc", "abc"), (5, "5"), ("", None), (None, None), (MISSING, None), (True, None), (1.5, None), (["x"], None)],
)
def test_meta_is_text_or_a_number(value, expected):
    grown = answer()
    grown.add_meta("id", value)
    grown.add_meta("model", value)
    assert (grown.response().id, grown.response().model) == (expected, expected)


def test_nothing_in_a_response_is_half_a_character():
    grown = answer()
    grown.add_meta("id", "x" + HIGH)
    grown.add_finish(HIGH + LOW + LOW)
    response = grown.response()
    assert (response.id, response.finish_raw) == ("x\ufffd", "😀\ufffd")


def test_the_response_before_anything_came():
    adjusted = (Adjustment("seed", "dropped", 1),)
    assert answer().response() == ChatResponse()
    assert answer().response(adjusted) == ChatResponse(adjustments=adjusted)
