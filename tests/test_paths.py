"""Dotted paths: what they read, what they write, and where the mistake in one is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.paths import MAX_INDEX, MAX_SEGMENTS, MISSING, Path, PathError, first_of

MANY = settings(max_examples=200, deadline=None)
KEYS = st.sampled_from(["a", "b", "0", "1", "7", "007", "-1", "a b", "*", "é"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)
SEGMENTS = st.sampled_from(["a", "b", "0", "1", "2", "9", "007", "-a", "a-b", "a b", "é", "12x"])
PATHS = st.lists(SEGMENTS, min_size=1, max_size=5).map(".".join)


@pytest.mark.parametrize(
    ("path", "data", "expected"),
    [
        ("a", {"a": 1}, 1),
        ("a.b.c", {"a": {"b": {"c": None}}}, None),
        ("choices.0.delta.content", {"choices": [{"delta": {"content": "Hi"}}]}, "Hi"),
        ("a.1", {"a": [1, 2]}, 2),
        ("a.2", {"a": [1, 2]}, MISSING),
        ("a.0", {"a": {"0": "a key"}}, "a key"),
        ("a.007", {"a": {"007": "bond", "7": "other"}}, "bond"),
        ("a.01", {"a": ["x", "y"]}, MISSING),
        ("a.0", {"a": "text"}, MISSING),
        ("a.b", {"a": None}, MISSING),
        ("a.b", {"a": [{"b": 1}]}, MISSING),
        ("a", None, MISSING),
        ("$", [1], [1]),
        ("$.0", [1], 1),
        ("$.a", {"a": 1, "$": {"a": 2}}, 1),
        ("a.$", {"a": {"$": 1}}, 1),
        ("a", {"a": False}, False),
    ],
)
def test_get(path, data, expected):
    assert Path(path).get(data) is expected or Path(path).get(data) == expected


def test_missing_is_false_and_only_itself():
    assert not MISSING
    assert MISSING is not None
    assert repr(MISSING) == "MISSING"
    assert repr(Path("a.0")) == "Path('a.0')"


@MANY
@given(JSON, PATHS)
def test_get_never_raises(data, path):
    Path(path).get(data)
    list(Path(path, many=True).each(data))


@MANY
@given(JSON, PATHS, JSON)
def test_get_after_put_gives_the_value_and_leaves_the_original_alone(data, path, value):
    before = repr(data)
    assert Path(path).get(Path(path).put(data, value)) == value
    assert repr(data) == before


@MANY
@given(JSON, PATHS, PATHS)
def test_put_of_what_was_there_changes_nothing(data, path, other):
    value = Path(path).get(data)
    if value is not MISSING:
        assert Path(path).put(data, value) == data


@pytest.mark.parametrize(
    ("path", "data", "expected"),
    [
        ("a.b", {}, {"a": {"b": 1}}),
        ("a.b", None, {"a": {"b": 1}}),
        ("a.b", {"a": {"c": 2}, "d": 3}, {"a": {"c": 2, "b": 1}, "d": 3}),
        ("a.1", {}, {"a": [None, 1]}),
        ("a.0.b", {"a": [{"c": 2}, 3]}, {"a": [{"c": 2, "b": 1}, 3]}),
        ("a.0", {"a": {"x": 1}}, {"a": {"x": 1, "0": 1}}),
        ("$", {"a": 2}, 1),
    ],
)
def test_put(path, data, expected):
    assert Path(path).put(data, 1) == expected


@pytest.mark.parametrize(
    ("path", "data", "expected"),
    [
        ("a.*", {"a": [1, None, 2]}, [1, None, 2]),
        ("a.*.b", {"a": [{"b": 1}, {}, 5, {"b": 2}]}, [1, 2]),
        ("a.*.b.*", {"a": [{"b": [1, 2]}, {"b": []}, {"b": [3]}]}, [1, 2, 3]),
        ("*", [1, 2], [1, 2]),
        ("$.*", [1, 2], [1, 2]),
        ("a.*", {"a": {"x": 1}}, []),
        ("a.*", {}, []),
        ("a", {"a": [1]}, [[1]]),
        ("a", {}, []),
    ],
)
def test_each(path, data, expected):
    assert list(Path(path, many=True).each(data)) == expected


@pytest.mark.parametrize(
    ("text", "offset", "words"),
    [
        ("", 0, "empty"),
        ("a..b", 2, "empty"),
        (".a", 0, "empty"),
        ("a.", 2, "empty"),
        ("$.", 2, "empty"),
        ("$..a", None, "search everything"),
        ("ab.items[0].c", 3, "items.0"),
        ("$.x.items[0]", 4, "items.0"),
        ("a.*.b", 2, "for"),
        ("a. b", 2, "spaces"),
        ("a.b\n", 2, "spaces"),
        ("a.{{x}}", 2, "templates"),
        ("a.10000", 2, "at most 9999"),
        ("a." + "9" * 5000, 2, "at most 9999"),
        ("/a/0", 0, "no slashes"),
        ("a.-1", 2, "from the end"),
        ("a.?(@.b)", 2, "no filters"),
        ("a.0:2", 2, "slices"),
        ("a.'b'", 2, "quotes"),
        ("a.**.b", None, "search everything"),
        (".".join("a" * (MAX_SEGMENTS + 1)), None, "at most 32"),
    ],
)
def test_what_is_no_path_says_where(text, offset, words):
    with pytest.raises(PathError, match=words) as caught:
        Path(text)
    assert caught.value.offset == offset


@MANY
@given(st.text(alphabet="ab.*[]{}$ 0129\n", max_size=12), st.booleans())
def test_any_text_is_a_path_or_a_path_error_inside_it(text, many):
    try:
        Path(text, many=many)
        offset = 0
    except PathError as error:
        offset = error.offset or 0
    assert 0 <= offset <= len(text)


def test_the_bounds_themselves_are_paths():
    assert len(Path(".".join("a" * MAX_SEGMENTS)).keys) == MAX_SEGMENTS
    assert len(Path(f"a.{MAX_INDEX}").put({}, 1)["a"]) == MAX_INDEX + 1


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"a": 1, "b": 2}, 1),
        ({"b": 2}, 2),
        ({"a": None, "b": 2}, 2),
        ({"a": "", "b": 2}, 2),
        ({"a": [], "b": 2}, 2),
        ({"a": 0, "b": 2}, 0),
        ({"a": False, "b": 2}, False),
        ({"a": {}, "b": 2}, {}),
        ({"a": "", "b": None}, None),
        ({"a": None, "b": ""}, ""),
        ({"a": ""}, ""),
        ({}, MISSING),
    ],
)
def test_first_of_several_is_the_first_that_says_something(data, expected):
    found = first_of(["a", "b"])(data)
    assert (found, type(found)) == (expected, type(expected))


def test_first_of_one_is_what_is_there():
    assert first_of("a.b")({"a": {"b": ""}}) == ""
    assert first_of(["a"])({"a": None}) is None
    assert first_of("a")({}) is MISSING
    assert first_of([])({"a": 1}) is MISSING
