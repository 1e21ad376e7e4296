"""Lines of JSON to frames: every line end, every cut, and the limit."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.framing import FRAMINGS, Frame
from tests.faults import fault

from .test_framing import BOM, CUTS, PIECES, byte_by_byte, cut, outcome, read

VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=6,
)
LINE_ENDS = st.sampled_from([b"\n", b"\r", b"\r\n", b"\n\n", b"\r\n\r\n", b" \t\n", b"\n \n"])


def lines(*chunks: bytes) -> list[str]:
    frames, decoder = read("ndjson", list(chunks))
    assert all(frame.event is None for frame in frames)
    assert decoder.unfinished is None
    return [frame.data for frame in frames]


@fault(
    "Bytes and event streams", "lines of JSON, with a byte order mark, any line ends, cut anywhere", "the same values"
)
@PIECES
@given(st.lists(st.tuples(VALUES, LINE_ENDS), max_size=6), st.booleans(), st.booleans(), st.booleans(), CUTS)
def test_every_value_comes_back_at_any_cut(pairs, has_bom, is_ascii, has_last_end, places):
    texts = [json.dumps(value, ensure_ascii=is_ascii) for value, _ in pairs]
    body = b"".join(text.encode() + end for text, (_, end) in zip(texts, pairs, strict=True))
    if pairs and not has_last_end:
        body = body.removesuffix(pairs[-1][1])
    body = BOM * has_bom + body
    for chunks in ([body], cut(body, places), byte_by_byte(body)):
        found = lines(*chunks)
        assert [text.strip(" \t") for text in found] == texts
        assert [json.loads(text) for text in found] == [value for value, _ in pairs]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", []),
        (b"\n", []),
        (b" \t \r\n\r\n", []),
        (b"1", ["1"]),
        (b"1\n", ["1"]),
        (b"1\r2\n3\r\n4", ["1", "2", "3", "4"]),
        (b"1\n\n\n2\n", ["1", "2"]),
        (b"1\n\r2", ["1", "2"]),
        (BOM + b"1\n2", ["1", "2"]),
        (BOM, []),
        (BOM + b"\n1", ["1"]),
        (b"1\n" + BOM + b"2", ["1", "\ufeff2"]),  # only the start may have one; the parser will refuse this
        (BOM + BOM + b"1", ["\ufeff1"]),
        (b"{broken\n1\n", ["{broken", "1"]),  # whether a line is JSON is not asked here
        (b'{"done": tr', ['{"done": tr']),
        ('"\u2028\u2029\u0085\u000b\u001c"'.encode(), ['"\u2028\u2029\u0085\u000b\u001c"']),
    ],
)
def test_lines(body, expected):
    assert lines(body) == expected
    assert lines(*byte_by_byte(body)) == expected


def test_a_line_is_given_as_soon_as_it_ends():
    decoder = FRAMINGS["ndjson"]()
    assert decoder.feed(b'{"a"') == []
    assert decoder.feed(b": 1}\r") == [Frame(None, '{"a": 1}')]
    assert decoder.feed(b'\n{"b": 2}\n{') == [Frame(None, '{"b": 2}')]
    assert decoder.finish() == [Frame(None, "{")]


def test_what_is_no_utf8_is_replaced_and_counted():
    frames, decoder = read("ndjson", byte_by_byte(b'"\xff"\n"\xef\xbf\xbd\xe2\x82"'))
    assert frames == [Frame(None, '"\ufffd"'), Frame(None, '"\ufffd\ufffd"')]
    assert decoder.replaced == 2


LIMITED = [
    (b"x" * 20, 1, None),
    (b"x" * 20 + b"\r\n" + b"y" * 20 + b"\n", 2, None),
    (b"x" * 21, 0, "too large"),
    (b"x" * 21 + b"\n", 0, "too large"),
    (b" " * 21 + b"\n", 0, "too large"),
    (b"a\nb\n\n" + b"x" * 21 + b"\nc\n", 2, "too large"),
    (b"a\n" * 50, 50, None),
]


@fault(
    "Bytes and event streams",
    "a line of JSON beyond `limits.event_bytes`",
    "`LimitError` at any cut, with the lines before it",
)
@pytest.mark.parametrize(("body", "count", "fault"), LIMITED)
def test_the_limit_does_not_depend_on_the_cut_and_lines_before_it_are_given(body, count, fault):
    whole = outcome("ndjson", [body], 20)
    assert (len(whole[0]), whole[-1] is not None) == (count, fault is not None)
    for chunks in (byte_by_byte(body), cut(body, [3, 7, 19, 20, 21]), cut(body, [5])):
        assert outcome("ndjson", chunks, 20) == whole


@settings(PIECES, max_examples=100)
@given(st.lists(st.sampled_from([b"x", b"xxxxxx", b"\n", b"\r", b" ", BOM, b"\xff"]), max_size=25).map(b"".join), CUTS)
def test_any_bytes_under_a_limit_say_the_same_at_any_cut(body, places):
    assert outcome("ndjson", cut(body, places), 12) == outcome("ndjson", [body], 12)
    assert outcome("ndjson", byte_by_byte(body), 12) == outcome("ndjson", [body], 12)


def test_a_line_in_tiny_pieces_takes_linear_time():
    decoder = FRAMINGS["ndjson"]()
    began = time.process_time()
    frames = [frame for piece in [*[b"x" * 10] * 100_000, b"\n"] for frame in decoder.feed(piece)]
    assert time.process_time() - began < 5  # quadratic copying would take minutes
    assert len(frames[0].data) == 1_000_000
