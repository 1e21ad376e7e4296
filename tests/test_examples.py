from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import examples
from engine.errors import SpecError
from engine.examples import run_example
from engine.loader import load_text
from engine.loader.building import build
from engine.loader.document import Document, Mark
from engine.loader.source import Source
from engine.loader.whole import Whole
from engine.provider import Provider
from engine.spec import ProviderSpec

from .conftest import CHIRP, ROOT, shipped

FILES = sorted((ROOT / "providers").rglob("*.yaml"))


def cases() -> list[object]:
    """Every example of every file in `providers/`: a file that is dropped there is tested with no other change."""
    return [
        pytest.param(path, index, id=f"{path.stem}: {example.name}")
        for path in FILES
        for index, example in enumerate(shipped(path).examples)
    ]


LONG = 256
"""Bytes; every cut of a reply costs its length. `wirefile test providers`, a step of CI, goes sixteen times as far."""


@pytest.mark.parametrize(("path", "index"), cases())
def test_examples_of_the_shipped_files_hold(path: Path, index: int, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = Provider(shipped(path))
    example = provider.spec.examples[index]
    monkeypatch.setattr(examples, "TWO_WAY_LIMIT", LONG)
    # What a file inherits is tried at every cut where it is written; `wirefile test` does it for every file.
    assert run_example(provider, example, thorough=example.file == str(path)) == []


NO_WHOLE = {"acytoo": "plain text has one form", "replicate": "its answers are streams"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_file_shows_an_answer_in_each_form_and_a_refusal(path: Path) -> None:
    spec = shipped(path)
    if spec.is_abstract:
        return
    good = [example for example in spec.examples if example.reply.status == 200 and "error" not in example.expect]
    says = {example.stream for example in good if example.expect.get("text")}
    assert says == ({True} if path.stem in NO_WHOLE else {True, False})
    assert any("error" in example.expect for example in spec.examples)
    if "{{ tools }}" in str(spec.payload):
        assert any(example.expect.get("tool_calls") for example in good)
        assert any(example.tools for example in spec.examples)


def run(text: str, name: str = "chirp.yaml") -> dict[str, list[str]]:
    provider = Provider(load_text(text, name))
    return {
        example.name: [str(failure) for failure in run_example(provider, example, thorough=False)]
        for example in provider.spec.examples
    }


def test_the_examples_of_a_good_file_hold() -> None:
    assert set(map(tuple, run(CHIRP).values())) == {()}


@pytest.mark.parametrize(
    ("old", "new", "example", "word"),
    [
        ("{text: Hello ✓, finish: stop", "{text: Bye, finish: stop", "a stream", "expect.text"),
        (
            "finish: stop, usage: {input_tokens: 1",
            "finish: length, usage: {input_tokens: 1",
            "a stream",
            "expect.finish",
        ),
        ("usage: {input_tokens: 1,", "usage: {input_tokens: 7,", "a stream", "expect.usage"),
        ("adjustments: {temperature: clamped}", "adjustments: {temperature: dropped}", "a stream", "adjustments"),
        ("temperature: 1, stream: true}", "temperature: 2, stream: true}", "a stream", "request.json.temperature"),
        ("Bearer <CHIRP_API_KEY>", "Bearer other", "a stream", "request.headers.authorization"),
        ("url: https://api.chirp.example/v1/chat", "url: https://api.chirp.example/v2/chat", "a stream", "request.url"),
        ("expect: {error: quota}", "expect: {error: rate_limit}", "out of credit", "expect.error"),
        ("expect: {text: Hel, error: overloaded}", "expect: {text: Hel}", "overloaded in the middle", "an answer"),
        ("{text: delta.text, finish", "{text: delta.txt, finish", "a stream", "expect.text"),
        ('    end: "[DONE]"', "    end: never", "a stream", "protocol"),
        ("- {frame: oops,", "- {frame: other,", "overloaded in the middle", "overloaded"),
    ],
)
def test_what_does_not_hold_is_told(old: str, new: str, example: str, word: str) -> None:
    assert old in CHIRP
    failures = run(CHIRP.replace(old, new))[example]
    assert failures
    assert word in " ".join(failures)


@pytest.mark.parametrize(("query", "holds"), [("{}", True), ("{v: '2'}", False)])
def test_a_request_without_a_query_has_an_empty_one(query: str, holds: bool) -> None:
    url = "      url: https://api.chirp.example/v1/chat\n"
    assert url in CHIRP
    assert (run(CHIRP.replace(url, f"{url}      query: {query}\n"))["a stream"] == []) is holds


def without_one(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The tree without one yield of a rule, or one error rule; `meta` is nothing that an example can expect."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            here = f"{path}.{key}"
            if re.search(r"rules\.\d+\.(text|reasoning|refusal|tool_call|finish|usage)$", here):
                yield here, {name: item for name, item in tree.items() if name != key} or {"meta": {"id": "none"}}
            elif key in ("response", "stream", "whole", "rules", "errors"):
                for place, changed in without_one(value, here):
                    yield place, {**tree, key: changed}
    elif isinstance(tree, list):
        for index, item in enumerate(tree):
            here = f"{path}.{index}"
            if re.search(r"\.errors\.\d+$", here):
                yield here, tree[:index] + tree[index + 1 :]
            for place, changed in without_one(item, here):
                yield place, [*tree[:index], changed, *tree[index + 1 :]]


def is_its_own(spec: ProviderSpec, place: str) -> bool:
    """Whether a rule is written in the file itself: what it inherits is tried at the file that it inherits from."""
    if "extends" not in spec.tree:
        return True
    section = place.split(".")[1]
    return (
        re.search(rf"^{section}:", Path(spec.file).read_text("utf-8"), re.MULTILINE) is not None
        and "rules" not in place
    )


REMOVALS = [
    pytest.param(spec.name, changed, id=f"{spec.name}{place}")
    for spec in [load_text(CHIRP, "chirp.yaml"), *(shipped(path) for path in FILES)]
    for place, changed in without_one(dict(spec.tree))
    if is_its_own(spec, place)
]


def test_there_are_rules_to_take_out() -> None:
    assert len(REMOVALS) >= 8


def unchecked(tree: Any, name: str) -> Provider:
    """A provider without the rules of the validator, which would refuse some files before an example is tried."""
    source = Source(name, "")
    return Provider(build(Whole.of(Document(source, tree, {(): Mark(source, 0, 0)}))))


def as_a_strangers(tree: Any) -> str:
    """A file as text, without the variables that only a shipped file may read."""
    return re.sub(r"\b(?=AWS_|GOOGLE_APPLICATION_CREDENTIALS)", "OUR_", json.dumps(tree))


@pytest.mark.parametrize(("name", "changed"), REMOVALS)
def test_every_rule_is_needed_by_an_example(name: str, changed: Any) -> None:
    """A file's examples fail when any one of its rules is taken out; else the file is refused, as it then stands."""
    provider = unchecked(changed, name)
    if not any(run_example(provider, example, thorough=False) for example in provider.spec.examples):
        with pytest.raises(SpecError, match="dead-rule"):
            load_text(as_a_strangers(changed), f"{name}.yaml")


def test_an_example_that_cannot_be_rendered_is_told() -> None:
    failures = run(CHIRP.replace("temperature: 3}", "temperature: 3, max_tokens: 0}"))["a stream"]
    assert "'max_tokens'" in failures[0]


def test_cuts_find_a_decoder_that_depends_on_them(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.framing import FRAMINGS, Piece
    from engine.framing.text import TextDecoder

    class Naive(TextDecoder):
        def pieces(self, data: bytes) -> list[Piece]:
            return [(None, data.decode("utf-8", "replace"))] if data else []

    monkeypatch.setitem(FRAMINGS, "text", Naive)
    provider = Provider(shipped(ROOT / "providers" / "acytoo.yaml"))
    failures = run_example(provider, provider.spec.examples[0])
    assert [failure.cut for failure in failures] == ["byte by byte"]


# --- tools and their calls ---

TOOLS = """
spec_version: 1
name: tooled
url: https://tooled.example
payload: {tools: "{{ tools }}", q: "{{ messages }}"}
response:
  codec: json
  rules:
    - {for: calls.*, tool_call: {id: id, name: name, arguments: arguments}}
    - {text: text, finish: finish}
examples:
  - name: calls
    call: {messages: hi, tools: [{type: function, function: {name: weather, parameters: {type: object}}}]}
    request: {json: {tools: [{type: function, function: {name: weather, parameters: {type: object}}}], q: Q}}
    reply:
      json:
        calls:
          - {id: a, name: weather, arguments: "{\\"city\\":  \\"Oslo\\", \\"n\\": 1.0}"}
          - {id: b, name: now, arguments: {}}
    expect: {tool_calls: EXPECTED}
"""
GOOD_CALLS = '[{id: a, name: weather, arguments: {n: 1, city: Oslo}}, {id: b, name: now, arguments: "{}"}]'


def tool_failures(expected: str, old: str = "", new: str = "") -> list[str]:
    text = TOOLS.replace("EXPECTED", expected).replace("q: Q", "q: [{role: user, content: hi}]")
    assert old in text
    return run(text.replace(old, new) if old else text, "tooled.yaml")["calls"]


@pytest.mark.parametrize(
    "expected", [GOOD_CALLS, "[{name: weather}, {arguments: {}}]", "[{id: a, arguments: {city: Oslo, n: 1}}, {id: b}]"]
)
def test_expected_tool_calls_hold(expected: str) -> None:
    assert tool_failures(expected) == []


@pytest.mark.parametrize(
    "expected",
    [
        "[]",
        "[{name: weather}]",
        "[{name: weather}, {name: now}, {name: more}]",
        "[{name: now}, {name: weather}]",
        "[{id: x}, {id: b}]",
        "[{arguments: {city: Oslo}}, {id: b}]",
        "[{arguments: {city: Oslo, n: true}}, {id: b}]",
        "[{arguments: {city: Oslo, n: 1, more: 1}}, {id: b}]",
        "[{id: a}, {arguments: []}]",
        '[{id: a}, {arguments: ""}]',
        '[{arguments: "{\\"city\\":\\"Oslo\\",\\"n\\":1}"}, {id: b}]',  # text is compared as text
    ],
)
def test_tool_calls_that_are_others_are_told(expected: str) -> None:
    assert "expect.tool_calls" in " ".join(tool_failures(expected))


def test_arguments_that_are_no_json_are_not_what_is_expected() -> None:
    raw = ('arguments: "{\\"city\\":  \\"Oslo\\", \\"n\\": 1.0}"', "arguments: rain?")
    custom = ("arguments: arguments}", "arguments: arguments, custom: true}")
    text = TOOLS.replace(*raw).replace(*custom).replace("q: Q", "q: [{role: user, content: hi}]")
    assert run(text.replace("EXPECTED", "[{arguments: rain?}, {}]".replace("{}", "{name: now}")), "tooled.yaml") == {
        "calls": []
    }
    failures = run(text.replace("EXPECTED", "[{arguments: {city: Oslo}}, {name: now}]"), "tooled.yaml")["calls"]
    assert "expect.tool_calls" in " ".join(failures)


def test_the_tools_of_a_call_are_rendered() -> None:
    failures = tool_failures(
        GOOD_CALLS,
        "call: {messages: hi, tools: [{type: function, function: {name: weather",
        "call: {messages: hi, tools: [{type: function, function: {name: other",
    )
    assert [failure.partition(" ")[0] for failure in failures] == ["request.json.tools.0.function.name:"]


def test_an_example_may_show_what_is_no_param() -> None:
    call = "call: {messages: [{role: user, content: Hi}], top_k: 1}, reply: {status: 400}"
    shown = f"{CHIRP}  - {{name: refused, {call}, expect: {{error: parameter}}}}\n"
    assert run(shown)["refused"] == []
    with pytest.raises(SpecError, match="unknown-param: the call gives 'top_k'"):
        run(shown.replace("error: parameter", "error: bad_request"))


def test_all_that_was_done_to_a_param_can_be_expected() -> None:
    text = CHIRP.replace("max: 1, out_of_range: clamp}", "max: 1, out_of_range: clamp, maps_to: heat}").replace(
        '  temperature: "{{ temperature }}"\n', ""
    )
    text = text.replace("temperature: 1, stream: true}", "stream: true, heat: 1}")
    assert run(text)["a stream"] == []
    assert run(text.replace("{temperature: clamped}", "{temperature: renamed}"))["a stream"] == []
    assert run(text.replace("{temperature: clamped}", "{temperature: dropped}"))["a stream"] != []
