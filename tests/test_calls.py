"""Tool calls out of fragments: which call a fragment belongs to, what is new in it, and what the call is in the end.

The shapes are those of the services that stream so; see the module for the rule that fits them all.
"""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.calls import ToolCalls
from engine.errors import DecodeError
from engine.events import ToolCallDelta
from engine.messages import ToolCall
from engine.paths import MISSING

Fragment = dict[str, Any]


def grown(fragments: list[Fragment]) -> tuple[ToolCalls, list[ToolCallDelta]]:
    """The calls after these fragments, and their deltas. `index` is the key of a fragment."""
    calls = ToolCalls()
    deltas = []
    for fragment in fragments:
        rest = {name: value for name, value in fragment.items() if name != "index"}
        delta = calls.add(fragment.get("index", MISSING), **rest)
        if delta is not None:
            deltas.append(delta)
    return calls, deltas + calls.finish()


def settled(*fragments: Fragment, cut: bool = False) -> list[tuple[str, str, str]]:
    """The calls as (id, name, arguments), after what their deltas say was compared with them."""
    calls, deltas = grown(list(fragments))
    values = calls.settled(cut=cut)
    assert joined(deltas) == [(call.id, call.name) for call in values]
    assert {delta.index for delta in deltas} == set(range(len(values)))
    return [(call.id, call.name, call.arguments) for call in values]


def joined(deltas: list[ToolCallDelta]) -> list[tuple[str | None, str | None]]:
    """Id and name of each call by its deltas; the first of a call has both, no other has any."""
    heads: dict[int, tuple[str | None, str | None]] = {}
    for delta in deltas:
        if delta.index in heads:
            assert (delta.id, delta.name) == (None, None)
            assert delta.arguments
        else:
            assert delta.id
            assert delta.name
            heads[delta.index] = (delta.id, delta.name)
    return [heads[index] for index in sorted(heads)]


def test_id_and_name_first_then_fragments():
    calls, deltas = grown(
        [
            {"index": 0, "id": "c1", "name": "f", "arguments": ""},
            {"index": 0, "arguments": '{"a"'},
            {"index": 0, "arguments": ": 1}"},
        ]
    )
    assert deltas == [
        ToolCallDelta(0, "c1", "f", ""),
        ToolCallDelta(0, None, None, '{"a"'),
        ToolCallDelta(0, None, None, ": 1}"),
    ]
    assert calls.settled(cut=False) == calls.so_far() == (ToolCall("c1", "f", '{"a": 1}'),)


ONE = [("a", "f", '{"x": 1}')]
TWO = [("a", "f", '{"x": 1}'), ("b", "g", '{"y": 2}')]


@pytest.mark.parametrize(
    ("fragments", "expected"),
    [
        pytest.param(
            [
                {"index": 0, "id": "a", "name": "f", "arguments": ""},
                {"index": 1, "id": "b", "name": "g", "arguments": ""},
                {"index": 1, "arguments": '{"y"'},
                {"index": 0, "arguments": '{"x": 1}'},
                {"index": 1, "arguments": ": 2}"},
            ],
            TWO,
            id="interleaved by index",
        ),
        pytest.param(
            [
                {"id": "a", "name": "f", "arguments": '{"x": 1}'},
                {"id": "b", "name": "g", "arguments": '{"y": 2}'},
            ],
            TWO,
            id="no index, whole calls",
        ),
        pytest.param(
            [
                {"id": "a", "name": "f", "arguments": '{"x"'},
                {"arguments": ": 1}"},
                {"id": "b", "name": "g"},
                {"id": "", "name": "", "arguments": '{"y": 2}'},
            ],
            TWO,
            id="no index, fragments go on with the last call",
        ),
        pytest.param(
            [
                {"id": "a", "name": "f", "arguments": '{"x"'},
                {"id": "b", "name": "g", "arguments": '{"y"'},
                {"id": "a", "arguments": ": 1}"},
                {"id": "b", "arguments": ": 2}"},
            ],
            TWO,
            id="no index, interleaved by id",
        ),
        pytest.param(
            [
                {"index": 0, "id": "a", "name": "f", "arguments": '{"x"'},
                {"index": 0, "id": "a", "name": "f", "arguments": ": 1}"},
            ],
            ONE,
            id="id and name repeated are not joined",
        ),
        pytest.param(
            [
                {"id": "a", "name": "f", "arguments": '{"x"'},
                {"id": "a", "name": "f", "arguments": ": 1}"},
            ],
            ONE,
            id="id and name repeated, no index",
        ),
        pytest.param(
            [
                {"index": 0, "id": "a", "name": "f", "arguments": '{"x"'},
                {"index": 0, "id": "", "name": "", "arguments": ": 1}"},
                {"index": 0, "id": None, "name": None, "arguments": ""},
            ],
            ONE,
            id="empty words are absent",
        ),
        pytest.param(
            [
                {"index": 0, "id": "a", "name": "f", "arguments": '{"x": 1}'},
                {"index": 0, "id": "b", "name": "g", "arguments": '{"y": 2}'},
            ],
            TWO,
            id="all parallel calls have index 0, whole",
        ),
        pytest.param(
            [
                {"index": 0, "id": "a", "name": "f"},
                {"index": 0, "arguments": '{"x": 1}'},
                {"index": 0, "id": "b", "name": "g"},
                {"index": 0, "arguments": '{"y": 2}'},
            ],
            TWO,
            id="all parallel calls have index 0, fragments",
        ),
        pytest.param(
            [
                {"index": 0, "id": "a", "name": "f", "arguments": '{"x"'},
                {"index": 0, "id": "b", "name": "g", "arguments": '{"y"'},
                {"index": 0, "id": "a", "name": "f", "arguments": ": 1}"},
                {"index": 0, "id": "b", "arguments": ": 2}"},
            ],
            TWO,
            id="all parallel calls have index 0, interleaved by id",
        ),
        pytest.param(
            [
                {"index": 0, "id": "a", "name": "f", "arguments": '{"x"'},
                {"index": 0, "id": "other", "arguments": ": 1}"},
            ],
            ONE,
            id="an id that changes without a name begins nothing",
        ),
        pytest.param(
            [
                {"index": 0, "id": "same", "name": "f", "arguments": "{}"},
                {"index": 1, "id": "same", "name": "f", "arguments": "{}"},
            ],
            [("same", "f", "{}"), ("same", "f", "{}")],
            id="the index outweighs an id that is not unique",
        ),
        pytest.param(
            [{"name": "f", "arguments": {"x": 1}}, {"name": "g", "arguments": {"y": [2, "Ж"]}}],
            [("call_0", "f", '{"x": 1}'), ("call_1", "g", '{"y": [2, "Ж"]}')],
            id="whole calls, objects, no ids",
        ),
        pytest.param(
            [{"name": "f", "arguments": {"x": 1}}, {"name": "f", "arguments": {"x": 1}}],
            [("call_0", "f", '{"x": 1}'), ("call_1", "f", '{"x": 1}')],
            id="the same call twice, no ids",
        ),
        pytest.param(
            [{"name": "f"}, {"arguments": '{"x"'}, {"arguments": ": 1}"}],
            [("call_0", "f", '{"x": 1}')],
            id="name first, then fragments, no ids",
        ),
        pytest.param(
            [
                {"index": 0, "arguments": '{"x"'},
                {"index": 0, "id": "a", "name": "f"},
                {"index": 0, "arguments": ": 1}"},
            ],
            ONE,
            id="arguments before the name",
        ),
        pytest.param(
            [{"index": 0, "id": "a", "arguments": '{"x": 1}'}, {"index": 0, "name": "f"}],
            ONE,
            id="id and arguments before the name",
        ),
        pytest.param(
            [{"index": 0, "name": "f", "arguments": '{"x": 1}'}, {"index": 0, "id": "late"}],
            [("call_0", "f", '{"x": 1}')],
            id="an id that comes after the first delta changes nothing",
        ),
        pytest.param(
            [{"index": 7, "id": "a", "name": "f", "arguments": '{"x": 1}'}, {"index": "k", "id": "b", "name": "g"}],
            [("a", "f", '{"x": 1}'), ("b", "g", "{}")],
            id="any index: calls count from 0",
        ),
        pytest.param([{"index": 0, "id": 17, "name": "f"}], [("17", "f", "{}")], id="a number as id"),
        pytest.param(
            [{"index": "", "id": "a", "name": "f"}, {"index": "", "id": "b", "name": "g"}],
            [("a", "f", "{}"), ("b", "g", "{}")],
            id="an empty index is absent",
        ),
        pytest.param(
            [{"index": key, "id": "a", "name": "f"} for key in (None, MISSING, True, {}, [1])],
            [("a", "f", "{}")],
            id="what is no index is absent",
        ),
        pytest.param(
            [{"index": 1, "id": "a", "name": "f"}, {"index": True, "id": "b", "name": "g"}],
            [("a", "f", "{}"), ("b", "g", "{}")],
            id="true is not 1",
        ),
        pytest.param(
            [{"index": 0}, {"index": 1, "arguments": ""}, {"index": 2, "id": "a", "name": "f"}],
            [("a", "f", "{}")],
            id="a fragment that says nothing begins nothing",
        ),
        pytest.param(
            [
                {"index": 0, "arguments": "1"},
                {"index": 1, "id": "b", "name": "g"},
                {"index": 0, "id": "a", "name": "f"},
            ],
            [("b", "g", "{}"), ("a", "f", "1")],
            id="the order is that of the names",
        ),
        pytest.param(
            [
                {"index": 0, "id": "a", "name": "f"},
                {"index": 1, "id": "b", "name": "g"},
                {"index": 0, "arguments": "["},
                {"arguments": "]"},
            ],
            [("a", "f", "[]"), ("b", "g", "{}")],
            id="a fragment without key and id goes on with the last that was spoken of",
        ),
        pytest.param(
            [
                {"id": "a", "name": "f"},
                {"index": 1, "id": "b", "name": "g"},
                {"id": "a"},
                *[{"index": 5}, {"arguments": "[]"}],
            ],
            [("a", "f", "[]"), ("b", "g", "{}")],
            id="a key alone speaks of nothing",
        ),
        pytest.param(
            [{"index": 0, "id": "a"}, {"index": 0, "id": "z"}, {"index": 0, "name": "f"}],
            [("a", "f", "{}")],
            id="the first id counts",
        ),
        pytest.param(
            [{"id": "a", "name": "f"}, {"index": 0, "arguments": '{"x"'}, {"index": 0, "arguments": ": 1}"}],
            ONE,
            id="an index that only the fragments have",
        ),
        pytest.param(
            [
                {"index": 0, "id": "", "name": "f", "arguments": '{"x": 1}'},
                {"index": 0, "id": "", "name": "g", "arguments": '{"y"'},
                {"index": 0, "id": "", "name": "", "arguments": ": 2}"},
            ],
            [("call_0", "f", '{"x": 1}'), ("call_1", "g", '{"y": 2}')],
            id="all parallel calls have index 0 and no id",
        ),
        pytest.param(
            [
                {"index": 0, "name": "f", "arguments": '{"x"'},
                {"index": 0, "name": "f", "arguments": ": 1}"},
                {"index": 0, "name": "f", "arguments": " "},
            ],
            [("call_0", "f", '{"x": 1} ')],
            id="a name repeated, index and no id",
        ),
        pytest.param(
            [
                {"index": 0, "id": "a", "name": "f", "arguments": {"x": 1}},
                {"index": 0, "id": "a", "name": "f", "arguments": {"x": 1}},
                {"index": 0, "arguments": '{"x"'},
                {"index": 0, "arguments": ": 1}"},
            ],
            ONE,
            id="an object, told again",
        ),
        pytest.param([{"arguments": '{"x": 1}'}, {"index": 3, "arguments": "{}"}], [], id="no name is no call"),
        pytest.param([{"name": "", "id": ""}, {}, {"arguments": "x"}], [], id="nothing is no call"),
        pytest.param([{"index": 0, "name": ["f"], "id": {"a": 1}}], [], id="what is no word is no name"),
    ],
)
def test_which_call_a_fragment_belongs_to(fragments, expected):
    assert settled(*fragments) == expected


@pytest.mark.parametrize("arguments", [None, MISSING, "", "null", " ", "\n", " null ", {}, [], 5, True])
def test_no_arguments_are_an_empty_object(arguments):
    assert settled({"index": 0, "id": "a", "name": "f", "arguments": arguments}) == [("a", "f", "{}")]


@pytest.mark.parametrize("arguments", ['{"x": 1', "{", "}", "x", '{"x": 1}}', '{"x": 1}{"x": 1}', "[" * 100_000])
def test_broken_arguments_are_a_decode_error_unless_the_answer_was_cut(arguments):
    fragment = {"index": 0, "id": "a", "name": "f", "arguments": arguments}
    with pytest.raises(DecodeError, match="tool call 'f' are no whole JSON"):
        settled(fragment)
    assert settled(fragment, cut=True) == [("a", "f", arguments)]
    assert grown([fragment])[0].so_far() == (ToolCall("a", "f", arguments),)


@pytest.mark.parametrize("arguments", ['{"x": 1', "print('hi')", "null", "", "  "])
def test_a_custom_tool_has_raw_text(arguments):
    fragment = {"index": 0, "id": "a", "name": "f", "arguments": arguments, "is_raw": True}
    assert settled(fragment) == [("a", "f", arguments)]


def test_a_call_is_custom_when_any_of_its_fragments_is():
    first = {"index": 0, "id": "a", "name": "f"}
    assert settled(first, {"index": 0, "arguments": "pri", "is_raw": True}) == [("a", "f", "pri")]
    assert settled(first | {"is_raw": True}, {"index": 0, "arguments": "pri"}) == [("a", "f", "pri")]


# --- final ---


@pytest.mark.parametrize(
    ("before", "final", "deltas", "expected"),
    [
        ([], '{"x": 1}', ['{"x": 1}'], '{"x": 1}'),
        (['{"x"'], '{"x": 1}', ['{"x"', ": 1}"], '{"x": 1}'),
        (['{"x": 1}'], '{"x": 1}', ['{"x": 1}'], '{"x": 1}'),
        (['{"x": 1}'], "", ['{"x": 1}'], '{"x": 1}'),
        (['{"x": 1}'], None, ['{"x": 1}'], '{"x": 1}'),
        (['{"x":1}'], {"x": 1}, ['{"x":1}'], '{"x":1}'),  # the same, written another way: what came stays
        ([], {"x": 1}, ['{"x": 1}'], '{"x": 1}'),
        ([], "", [], "{}"),
        ([], '"\ud83d"', ['"\ufffd"'], '"\ufffd"'),
        (['{"x": "\ud83d'], '{"x": "\U0001f600"}', ['{"x": "', '\U0001f600"}'], '{"x": "\U0001f600"}'),
    ],
)
def test_final_arguments_give_only_what_has_not_come(before, final, deltas, expected):
    fragments = [{"index": 0, "id": "a", "name": "f"}, *({"index": 0, "arguments": piece} for piece in before)]
    last = {"index": 0, "arguments": final, "is_final": True}
    for repeats in (1, 2):
        calls, found = grown([*fragments, *[last] * repeats])
        assert [delta.arguments for delta in found if delta.arguments] == deltas
        assert calls.settled(cut=False) == (ToolCall("a", "f", expected),)


def test_a_snapshot_of_all_calls_by_id_adds_nothing():
    """The last event of a stream may repeat every call, without the index that the deltas had."""
    fragments = [
        {"index": 1, "id": "a", "name": "f"},
        {"index": 1, "arguments": '{"x": 1}'},
        {"index": 3, "id": "b", "name": "g", "arguments": '{"y"'},
        {"id": "a", "name": "f", "arguments": '{"x": 1}', "is_final": True},
        {"id": "b", "name": "g", "arguments": '{"y": 2}', "is_final": True},
        {"id": "c", "name": "h", "arguments": "{}", "is_final": True},
    ]
    assert settled(*fragments) == [*TWO, ("c", "h", "{}")]


# --- deltas and calls agree ---


def test_what_came_before_the_name_is_given_with_it():
    deltas = grown([{"index": 0, "arguments": "{"}, {"index": 0, "id": "a"}, {"index": 0, "name": "f"}])[1]
    assert deltas == [ToolCallDelta(0, "a", "f", "{")]


def test_a_fragment_with_nothing_new_is_no_event():
    first = {"index": 0, "id": "a", "name": "f", "arguments": "{}"}
    assert grown([first, {"index": 0, "id": "a", "name": "f", "arguments": ""}, {"index": 0}, {}])[1] == [
        ToolCallDelta(0, "a", "f", "{}")
    ]


def test_calls_are_true_when_one_has_a_name():
    assert not ToolCalls()
    assert not grown([{"index": 0, "arguments": "{"}])[0]
    assert grown([{"index": 0, "name": "f"}])[0]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (['"\ud83d', '\ude00"'], '"😀"'),
        (['"a\ud83d"'], '"a\ufffd"'),
        (['"\ude00"'], '"\ufffd"'),
        (['"\ud83d'], '"\ufffd'),
    ],
)
def test_halves_of_a_character_are_joined(pieces, expected):
    calls, deltas = grown([{"index": 0, "id": "a", "name": "f"}, *({"index": 0, "arguments": p} for p in pieces)])
    assert "".join(delta.arguments for delta in deltas) == calls.so_far()[0].arguments == expected


def test_names_and_ids_can_be_encoded():
    assert settled({"id": "\ud83d", "name": "f\ude00"}) == [("\ufffd", "f\ufffd", "{}")]


ARGUMENTS = st.dictionaries(st.text(max_size=5), st.one_of(st.integers(), st.text(max_size=8)), max_size=3)
CALLS = st.lists(
    st.tuples(st.text(alphabet="fgh_", min_size=1, max_size=6), ARGUMENTS, st.lists(st.integers(0, 60), max_size=5)),
    max_size=4,
)


def pieces_of(text: str, places: list[int]) -> list[str]:
    edges = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[start:end] for start, end in pairwise(edges)]


@settings(max_examples=200)
@given(CALLS, st.sampled_from(["index", "id", "both", "last", "same index"]), st.booleans(), st.randoms())
def test_deltas_concatenate_to_the_calls_for_any_fragmentation(calls, identified, repeats, dice):
    """Each service's way to say which call a fragment belongs to; where it says it each time, in any interleaving."""
    queues = []
    for number, (name, arguments, places) in enumerate(calls):
        head = {"index": 0 if identified == "same index" else number, "id": f"id{number}", "name": name}
        first, *rest = pieces_of(json.dumps(arguments, ensure_ascii=False), places)
        kept = {"index": ("index", "both"), "id": ("id", "both", "same index"), "name": ("both",) * repeats}
        again = {key: head[key] for key, ways in kept.items() if identified in ways}
        if identified == "same index":
            again["index"] = 0
        if identified in ("id", "last"):
            del head["index"]
        queues.append([head | {"arguments": first}, *(again | {"arguments": piece} for piece in rest)])
    fragments = []
    while queues:
        queue = queues[0] if identified == "last" else dice.choice(queues)
        fragments.append(queue.pop(0))
        queues = [left for left in queues if left]
    grown_calls, deltas = grown(fragments)
    values = grown_calls.settled(cut=False)
    assert sorted((call.id, call.name, call.arguments) for call in values) == [
        (f"id{number}", name, json.dumps(arguments, ensure_ascii=False))
        for number, (name, arguments, _) in enumerate(calls)
    ]
    for number, call in enumerate(values):
        own = [delta for delta in deltas if delta.index == number]
        assert (own[0].id, own[0].name) == (call.id, call.name)
        assert all(delta.id is None and delta.name is None and delta.arguments for delta in own[1:])
        assert "".join(delta.arguments for delta in own) == call.arguments


def test_many_calls_of_one_index_take_linear_time():
    calls = ToolCalls()
    for number in range(30_000):
        calls.add(0, id=f"id{number}", name="f", arguments="{}")
    assert len(calls.settled(cut=False)) == 30_000


# --- arguments that come as writes at places ---


def test_writes_are_given_when_no_fragment_follows():
    calls = ToolCalls()
    assert calls.add(None, name="f", patches=[("$.a", "x")]) == ToolCallDelta(0, "call_0", "f")
    assert calls.add(None, patches=[("$.a", "y"), ("$.b", 1)]) is None
    assert calls.add(None, name="g") == ToolCallDelta(1, "call_1", "g")
    assert calls.so_far() == (ToolCall("call_0", "f", '{"a": "xy", "b": 1}'), ToolCall("call_1", "g", "{}"))
    assert calls.finish() == [ToolCallDelta(0, arguments='{"a": "xy", "b": 1}')]
    assert calls.settled(cut=False) == (ToolCall("call_0", "f", '{"a": "xy", "b": 1}'), ToolCall("call_1", "g", "{}"))


def test_arguments_that_came_as_text_are_not_overruled_by_writes():
    calls = ToolCalls()
    calls.add(None, name="f", arguments={"a": 1})
    calls.add(None, patches=[("$.b", 2)])
    assert calls.finish() == []
    assert calls.settled(cut=False) == (ToolCall("call_0", "f", '{"a": 1}'),)


def test_the_call_that_a_fragment_belongs_to_is_told():
    calls = ToolCalls()
    calls.add(0, id="a", name="f")
    assert calls.touched is not None
    assert calls.touched.id == "a"
    calls.add(0)
    assert calls.touched is None
