"""What is written as YAML is read back as the same data, by the engine and by readers of YAML 1.1."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Problems
from engine.loader.source import decode
from engine.loader.yamlout import yaml_text
from engine.loader.yamltext import read

TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.text(st.sampled_from(" \t\n\r:#-?'\"\\{}[],&*!|>%@`~=<.0129eExo_+\x85\u2028😀Яaz"), max_size=12),
    st.sampled_from(
        ["on", "no", "null", "~", "1e3", "0o17", "0x1f", "12:30:45", "2024-01-01", "<<", "=", ".inf", "1_0"]
    ),
)
KEYS = TEXTS.filter(lambda text: not text.startswith("\0"))  # the reader takes no such key
VALUES = st.recursive(
    st.one_of(TEXTS, st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.floats(allow_nan=False, width=64)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)


def read_back(text: str) -> Any:
    problems = Problems()
    document = read(decode(text.encode(), "f"), problems)
    assert not problems.found, problems.found
    return document.data


@given(
    st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), VALUES, min_size=1), st.integers(0, 8), st.booleans()
)
def test_it_is_read_back_as_the_same_data(value: dict[str, Any], indent: int, flow: bool) -> None:
    if "inf" in repr(value) and any(isinstance(leaf, float) and abs(leaf) == float("inf") for leaf in leaves(value)):
        return  # JSON has no infinity, and the reader refuses it
    text = "top:\n" + " " * indent + " " + yaml_text(value, indent=indent + 1, flow=flow) + "\n"
    assert read_back(text) == {"top": value}
    assert yaml.safe_load(text) == {"top": value}


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, list) else [value]


@pytest.mark.parametrize("value", ["", "plain", "a: b", None, 3, 0.5, 1e30, True, [], {}])
def test_a_value_that_is_no_collection(value: Any) -> None:
    assert read_back(yaml_text({"x": value})) == {"x": value}
    assert "\n" not in yaml_text(value)


def test_short_collections_stand_on_one_line_and_long_ones_in_blocks() -> None:
    value = {"name": "x", "call": {"messages": [{"role": "user", "content": "Hi"}]}, "long": ["a" * 70, "b" * 70]}
    assert yaml_text(value, indent=2) == (
        "name: x\n  call: {messages: [{role: user, content: Hi}]}\n  long:\n    - " + "a" * 70 + "\n    - " + "b" * 70
    )
    assert yaml_text(value, flow=True).startswith("{name: x, call: {messages: [")
    assert "\n" not in yaml_text(value, flow=True)
