"""The items of one JSON array, piece by piece: the same at any cut, at once when they close, and none invented."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.framing import FRAMINGS, Frame
from tests.faults import fault

from .test_framing import BOM, CUTS, PIECES, byte_by_byte, cut, outcome, read
from .test_framing_ndjson import VALUES

NASTY = st.text(alphabet='[]{}",:\\/ \n\u0416\U0001f600', max_size=10)
ITEMS = st.one_of(VALUES, NASTY, st.dictionaries(NASTY, st.one_of(NASTY, st.lists(NASTY, max_size=2)), max_size=2))
BLANKS = st.sampled_from([b"", b" ", b"\n", b"\r\n\t ", b"  "])


def items(*chunks: bytes) -> list[str]:
    frames, decoder = read("json_array", list(chunks))
    assert all(frame.event is None for frame in frames)
    assert decoder.unfinished is None
    return [frame.data for frame in frames]


@fault("Bytes and event streams", "an array that streams, cut anywhere", "the same items")
@settings(PIECES, max_examples=250)
@given(st.lists(ITEMS, max_size=5), st.lists(BLANKS, min_size=4, max_size=4), st.booleans(), st.booleans(), CUTS)
def test_every_item_comes_back_at_any_cut(values, blanks, has_bom, is_ascii, places):
    texts = [json.dumps(value, ensure_ascii=is_ascii) for value in values]
    before, after, outer, end = blanks
    inside = b",".join(before + text.encode() + after for text in texts)
    body = BOM * has_bom + outer + b"[" + inside + b"]" + end
    for chunks in ([body], cut(body, places), byte_by_byte(body)):
        assert items(*chunks) == texts


TRICKY = [
    '["]", "[", "{", "}", ",", ""]',
    r'["\"", "\\", "\\\"", "\\\\", "a\\\\\"],[b", "\u005d"]',
    r'[{"\\": "\"}]"}, {"a\"]": [["\\\\"], {}]}]',
    '[[[]], [], {}, {"a": []}]',
    "[1, -2.5e3, true, null]",
    '["Ж😀", "\u2028"]',
]


@fault(
    "Bytes and event streams", "brackets, quotes and escapes in the strings of an array", "the same items at any cut"
)
@pytest.mark.parametrize("text", TRICKY)
def test_strings_and_nesting_at_every_cut(text):
    body = text.encode()
    expected = json.loads(text)
    assert [json.loads(item) for item in items(*byte_by_byte(body))] == expected
    for first in range(len(body) + 1):
        for second in range(first, len(body) + 1):
            chunks = (body[:first], body[first:second], body[second:])
            assert [json.loads(item) for item in items(*chunks)] == expected


@pytest.mark.parametrize("body", [b"[]", b" [ ] ", b"[\r\n]\n", BOM + b"[]", b"[\t", b"["])
def test_an_empty_array_has_no_items(body):
    assert items(body) == items(*byte_by_byte(body)) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"error": {"code": 5}}', ['{"error": {"code": 5}}']),
        (b' \r\n{"a": [1, {"b": "]"}]}\n ', ['{"a": [1, {"b": "]"}]}']),
        (BOM + b"{}", ["{}"]),
        (b'"text"', ['"text"']),
        (b"oops", ["oops"]),
        (b"], oops", ["], oops"]),
        (b",", [","]),
        (b"{} {}", ["{} {}"]),
        (b'[{"error": {"code": 5}}]', ['{"error": {"code": 5}}']),
        (b'[{"error": {"code": 5}}\n]\n', ['{"error": {"code": 5}}']),
    ],
)
def test_one_value_instead_of_an_array_is_a_frame(body, expected):
    assert items(body) == items(*byte_by_byte(body)) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"[1,,2,]", ["1", "2"]),
        (b"[1 2]", ["1 2"]),
        (b"[{} x, 1]", ["{}", "x", "1"]),
        (b"[{}}, 1]", ["{}", "}", "1"]),  # a brace that nothing opened is in no item that is JSON
        (b"[}]", ["}"]),
        (b"[1}]", ["1}"]),
        (b"[{]]", ["{]"]),
        (b"[1] [2]", ["1", "[2]"]),
        (b"[1]]", ["1", "]"]),
        (b"[1]\n{}", ["1", "{}"]),
        (b"\xef\xbb[1]", ["\ufffd[1]"]),
        (b" " + BOM + b"[1]", ["\ufeff[1]"]),
        (BOM + BOM + b"[1]", ["\ufeff[1]"]),
    ],
)
def test_what_is_no_array_of_items_shows_when_it_is_parsed(body, expected):
    assert items(body) == items(*byte_by_byte(body)) == expected


@fault("Bytes and event streams", "an array that breaks off", "no item that was not whole")
@pytest.mark.parametrize(
    ("body", "given_items", "rest"),
    [
        (b'[{"a": 1}', ['{"a": 1}'], None),  # closed: it is whole, whatever follows
        (b'[{"a": 1}, ', ['{"a": 1}'], None),
        (b'[{"a": 1}, {"b": [2]', ['{"a": 1}'], '{"b": [2]'),
        (b'[{"a": 1}, {"b": "]', ['{"a": 1}'], '{"b": "]'),
        (b'[{"b": "\\', [], '{"b": "\\'),
        (b"[[1, 2], [3, 4]", ["[1, 2]", "[3, 4]"], None),
        (b"[[1, [2]", [], "[1, [2]"),
        (b"[12", [], "12"),  # perhaps 123
        (b'["a"', [], '"a"'),
        (b"[1,2 ", ["1"], "2"),
    ],
)
def test_a_broken_off_array_invents_nothing(body, given_items, rest):
    for chunks in ([body], byte_by_byte(body)):
        frames, decoder = read("json_array", chunks)
        assert [frame.data for frame in frames] == given_items
        assert decoder.unfinished == (None if rest is None else Frame(None, rest))


@settings(PIECES, max_examples=100)
@given(st.lists(ITEMS, min_size=1, max_size=4), st.integers(1, 200))
def test_every_cut_end_gives_a_beginning_of_the_items(values, place):
    texts = [json.dumps(value) for value in values]
    body = ("[" + ", ".join(texts) + "]").encode()
    frames, decoder = read("json_array", [body[: -(place % len(body)) or None]])
    assert [frame.data for frame in frames] == texts[: len(frames)]
    if decoder.unfinished is not None:
        assert texts[len(frames)].startswith(decoder.unfinished.data)


def test_an_item_is_given_when_it_closes_and_not_with_the_next():
    decoder = FRAMINGS["json_array"]()
    assert decoder.feed(b'[{"a": 1') == []
    assert decoder.feed(b"}") == [Frame(None, '{"a": 1}')]
    assert decoder.feed(b"\n") == []
    assert decoder.feed(b',\r\n{"b": "}"') == []
    assert decoder.feed(b"}\n]") == [Frame(None, '{"b": "}"}')]
    assert decoder.finish() == []


def test_what_is_no_utf8_is_replaced_and_counted():
    frames, decoder = read("json_array", byte_by_byte(b'["\xff", "\xef\xbf\xbd\xe2\x82"]'))
    assert frames == [Frame(None, '"\ufffd"'), Frame(None, '"\ufffd\ufffd"')]
    assert decoder.replaced == 2


LIMITED = [
    (b"[" + b"1" * 20 + b", 2]", 2, False),
    (b"[" + b"1" * 21 + b", 2]", 0, True),
    (b'[{"a": "' + b"x" * 12 + b'"}]', 0, True),
    (b'[{"a": "' + b"x" * 11 + b'"}]', 1, False),
    (b"[1,\n" + b" " * 50 + b"2]" + b" " * 50, 2, False),  # blanks between items are in none
    (b" " * 50 + b"[" + b" " * 50 + b"1]", 1, False),
    (b"[{}," * 1 + b"{}," * 40 + b"{}]", 42, False),
    (b'[{}, {"b": 2}, "' + b"x" * 30, 2, True),
    (b"[{}, " + b"[" * 30, 1, True),
    (b"{" + b"x" * 20, 0, True),
    (b"[1]" + b"x" * 21, 1, True),
]


@fault(
    "Bytes and event streams",
    "an item of an array beyond `limits.event_bytes`",
    "`LimitError` at any cut, with the items before it",
)
@pytest.mark.parametrize(("body", "count", "is_too_large"), LIMITED)
def test_the_limit_does_not_depend_on_the_cut_and_items_before_it_are_given(body, count, is_too_large):
    whole = outcome("json_array", [body], 20)
    assert (len(whole[0]), whole[-1] is not None) == (count, is_too_large)
    for chunks in (byte_by_byte(body), cut(body, [3, 7, 19, 20, 21]), cut(body, [5])):
        assert outcome("json_array", chunks, 20) == whole


FRAGMENTS = st.lists(
    st.sampled_from([b"[", b"]", b"{", b"}", b'"', b"\\", b",", b" ", b"\n", b"x", b"12345", BOM, b"\xef", b"\xff"]),
    max_size=25,
).map(b"".join)


@settings(PIECES, max_examples=250)
@given(st.sampled_from([b"", b"[", b'["', b"[{"]), FRAGMENTS, CUTS)
def test_any_bytes_under_a_limit_say_the_same_at_any_cut(start, rest, places):
    body = start + rest
    whole = outcome("json_array", [body], 10)
    assert outcome("json_array", cut(body, places), 10) == whole
    assert outcome("json_array", byte_by_byte(body), 10) == whole


@pytest.mark.parametrize(
    ("piece", "start", "end"),
    [(b"x" * 20, b'["', b'"]'), (b"\\" * 20, b'["', b'"]'), (b"[],xxxxxxxxxxxxxxxxx", b"[[", b"]]")],
)
def test_an_item_in_tiny_pieces_takes_linear_time(piece, start, end):
    decoder = FRAMINGS["json_array"]()
    began = time.process_time()
    frames = [frame for chunk in [start, *[piece] * 50_000, end] for frame in decoder.feed(chunk)]
    assert time.process_time() - began < 10  # quadratic copying would take minutes
    assert len(frames[0].data) == 1_000_002


def test_blanks_in_tiny_pieces_take_linear_time():
    decoder = FRAMINGS["json_array"]()
    began = time.process_time()
    frames = [frame for chunk in [b"[", *[b"  "] * 100_000, b"1", b"]"] for frame in decoder.feed(chunk)]
    assert time.process_time() - began < 5
    assert frames == [Frame(None, "1")]
