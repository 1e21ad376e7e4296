"""The YAML layer: what is no restricted YAML is refused at its place, quickly, with all else that is wrong."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.errors import SpecError
from engine.loader import load, load_text, problems_of
from engine.loader.yamltext import MAX_DEPTH, MAX_NODES
from tests.badfiles import HERE, place_of, problems, text_of

ROOT = Path(__file__).resolve().parents[1]
ACYTOO = (ROOT / "providers" / "acytoo.yaml").read_text(encoding="utf-8")

BAD_YAML = [
    ("empty-document", "¦", "empty"),
    ("empty-document", "¦# only a comment\n", "spec_version: 1"),
    ("empty-document", "¦---\n", "empty"),
    ("not-a-mapping", "¦just text\n", "text"),
    ("not-a-mapping", "¦- a\n- b\n", "a list"),
    ("multiple-documents", text_of() + "¦---\nb: 2\n", "one file is one provider"),
    ("yaml-tab", "spec_version: 1\nflags:\n¦\tworking: true\n", "spaces"),
    ("yaml-syntax", 'a: 1\nb: ¦"never closed\nc: 2\n', "never closed"),
    ("yaml-syntax", "a: 1\nb: ¦'never closed\nc: 2\n", "never closed"),
    ("yaml-syntax", "a: 1\nb: ¦[1, 2\nc: 2\n", "never closed"),
    ("yaml-syntax", "a: 1\nb: ¦{c: 1,\nd: 2\n", "never closed"),
    ("yaml-syntax", "a: b¦: c\n", "quotes"),
    ("duplicate-key", text_of(title="title: A\n¦title: B"), "first in line"),
    ("duplicate-key", text_of(title='title: A\n¦"title": B'), "first in line"),
    ("duplicate-key", text_of(flags="flags: {working: true, ¦working: false}"), "'working'"),
    ("duplicate-key", text_of(x="x-a: [{b: 1, ¦b: 2}]"), "'b'"),
    ("tag-not-allowed", text_of(title="title: ¦!!python/object/apply:os.system [echo]"), "python/object"),
    ("tag-not-allowed", text_of(title="title: ¦!!python/name:os.system x"), "python/name"),
    ("tag-not-allowed", text_of(title="title: ¦!!python/module:os x"), "remove it"),
    ("tag-not-allowed", text_of(title="title: ¦!!binary aGk="), "binary"),
    ("tag-not-allowed", text_of(x="x-a: ¦!!set {a, b}"), "set"),
    ("tag-not-allowed", text_of(x="x-a: ¦!!omap [a: 1]"), "omap"),
    ("tag-not-allowed", text_of(title="title: ¦!!timestamp 2024-01-01"), "timestamp"),
    ("tag-not-allowed", text_of(title="title: ¦!mine x"), "!mine"),
    ("tag-not-allowed", text_of(title="title: ¦! x"), "remove it"),
    ("tag-not-allowed", text_of(title="title: ¦!!str 5"), "remove it"),
    ("alias-not-allowed", text_of(x="x-a: ¦&a [1]"), "anchor"),
    ("alias-not-allowed", text_of(x="x-b: ¦*a"), "alias"),
    ("alias-not-allowed", text_of(x="¦*a : 1"), "alias"),
    ("alias-not-allowed", "¦&a [*a]\n", "anchor"),
    ("merge-not-allowed", text_of(x="x-a: {¦<<: {b: 1}}"), "write the keys out"),
    ("too-deep", "x-a: " + "[" * (MAX_DEPTH - 1) + "¦[\n", str(MAX_DEPTH)),
    ("too-deep", "{x-a: " * MAX_DEPTH + "¦{", "flatten"),
    ("spec-too-big", "x-a: [" + "1," * (MAX_NODES - 3) + "¦1, 1]\n", str(MAX_NODES)),
    ("spec-too-big", "¦# " + "x" * 300_000, "262144"),
    ("encoding", "title: a¦\0b\n", "U+0000"),
    ("encoding", "title: ¦\x07\n", "U+0007"),
    ("encoding", "title: a¦\x81b\n", "U+0081"),
    ("encoding", 'title: "a¦\u2028b"\n', "escape"),
    ("encoding", 'title: "a¦\x85b"\n', "byte 9"),
    ("encoding", text_of(title='title: "¦\\ud800"'), "character"),
    ("number-too-long", text_of(title="title: ¦" + "9" * 5000), "quotes"),
    ("key-not-string", text_of(x="¦true: 1"), "quotes"),
    ("key-not-string", text_of(x="¦1: 1"), "quotes"),
    ("key-not-string", text_of(x="¦null: 1"), "quotes"),
    ("key-not-string", text_of(x="¦[a]: 1"), "a list or a map"),
    ("key-not-string", text_of(x="? ¦{a: 1}\n: 1"), "a list or a map"),
    ("not-finite", text_of(params="params: {heat: {type: number, default: ¦.nan}}"), "finite"),
    ("not-finite", text_of(params="params: {heat: {type: number, default: ¦-.inf}}"), "finite"),
    ("not-finite", text_of(params="params: {heat: {type: number, default: ¦1e999}}"), "finite"),
    # A scalar of YAML 1.1 that is text in YAML 1.2, and one that is a number in both, where text is due.
    ("wrong-type", text_of(title="title: ¦017"), "quotes"),
    ("wrong-type", text_of(title="title: ¦1e3"), "quotes"),
    ("wrong-type", text_of(title="title: ¦true"), "quotes"),
    ("wrong-type", text_of(title="title: ¦~"), "null"),
    ("wrong-type", text_of(flags="flags: {working: ¦no}"), "true or false"),
]


@pytest.mark.parametrize(("rule", "marked", "word"), BAD_YAML)
def test_a_bad_file_is_refused_at_its_place(rule: str, marked: str, word: str) -> None:
    text, place = place_of(marked)
    found = [problem for problem in problems(text) if problem.rule == rule]
    assert [(problem.line, problem.column) for problem in found[:1]] == [place]
    assert word in f"{found[0].message} {found[0].hint}"
    with pytest.raises(SpecError, match=rule):
        load_text(text)


@pytest.mark.parametrize("word", ["no", "on", "12:30:45", "1_000", "2024-01-01", "y", "0b1", "1.2.3", "='x'"])
def test_what_yaml_1_2_calls_text_is_text(word: str) -> None:
    assert load_text(text_of(title=f"title: {word}")).title == word


def test_one_mistake_is_one_problem() -> None:
    """The parts of a value that cannot be used are not judged as well."""
    text = text_of(flags="flags: {working: true}\nflags: {working: true, odd: [1]}\n1: {a: 1}\n2: {a: 1}")
    assert [problem.rule for problem in problems(text)] == ["duplicate-key", "key-not-string", "key-not-string"]
    assert [problem.rule for problem in problems(text_of(x="<<: {a: 1}"))] == ["merge-not-allowed"]


def test_all_problems_come_at_once_in_the_order_of_the_file() -> None:
    text = text_of(
        name="name: Bad Name",
        title="title: !x 1",
        url="ulr: https://x.com",
        path="path: /{{ modle }}",
        params="params: {heat: {type: flaot}}",
        response="response: {codec: sse}",
    )
    found = problems(text)
    assert {problem.rule for problem in found} >= {
        *("bad-id", "tag-not-allowed", "unknown-key", "not-in-enum", "undefined-variable"),
        *("no-text-rule", "no-end-rule"),
    }
    assert [(p.line, p.column) for p in found] == sorted((p.line, p.column) for p in found)


SCALARS = {
    "plain": "payload:\n  a: some text {{ ¦modle }}\n",
    "plain over lines": "payload:\n  a: some\n    text\n\n    and {{ ¦modle }}\n",
    "double quotes": 'payload:\n  a: "\\"é\\u00e9\\x41\\n\\t {{ ¦modle }}"\n',
    "double quotes over lines": 'payload:\n  a: "one  \n     two\\\n     three\n\n    four {{ ¦modle }}"\n',
    "single quotes": "payload:\n  a: 'it''s ''so'' {{ ¦modle }}'\n",
    "single quotes over lines": "payload:\n  a: 'one\n    two\n\n    {{ ¦modle }}'\n",
    "literal": "payload:\n  a: |\n    one\n\n      two\n    {{ ¦modle }}\n",
    "literal, stripped": "payload:\n  a: |- # comment\n    one {{ ¦modle }}\n",
    "literal, indented": "payload:\n  a: |2\n      one {{ ¦modle }}\n",
    "folded": "payload:\n  a: >\n    one\n    two\n\n      three\n    {{ ¦modle }}\n",
    "folded, kept": "payload:\n  a: >+\n    one\n    two {{ ¦modle }}\n\n",
    "flow": "payload: {a: [1, {b: 'x {{ ¦modle }}'}]}\n",
    "non-BMP before": 'payload:\n  "😀": "😀 \\U0001F600 {{ ¦modle }}"\n',
}


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("style", SCALARS)
def test_the_column_is_right_inside_every_kind_of_scalar(style: str, bom: str, line_end: str) -> None:
    text, place = place_of(text_of(title="title: 'é😀'", payload=SCALARS[style].rstrip("\n")))
    found = problems(bom + text.replace("\n", line_end))
    assert [(p.rule, p.line, p.column) for p in found] == [("undefined-variable", *place)]
    assert "did you mean 'model'?" in found[0].hint


WORDS = st.lists(
    st.sampled_from(["a", "b c", "é", "😀", "'", '"', "\\", "#", ": ", "- ", "x  y", "{", "%"]), max_size=6
)


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _escaped(value: str) -> str:
    return "".join(f"\\U{ord(char):08X}" if ord(char) > 126 and char != "§" else char for char in _quoted(value))


STYLES = {
    "single": lambda lines: "'" + "\n    ".join(lines).replace("'", "''") + "'",
    "double": lambda lines: "\n    ".join(_quoted(line)[1:-1] for line in lines).join('""'),
    "double, broken": lambda lines: "\\\n    ".join(_quoted(line)[1:-1] for line in lines).join('""'),
    "escapes": lambda lines: "\n    ".join(_escaped(line)[1:-1] for line in lines).join('""'),
    "literal": lambda lines: "|\n    " + "\n    ".join(lines),
    "literal, stripped": lambda lines: "|-\n    " + "\n\n    ".join(lines) + "\n",
    "folded": lambda lines: ">\n    " + "\n    ".join(lines),
    "folded, kept": lambda lines: ">+\n    " + "\n\n    ".join(lines) + "\n\n",
    "folded, more": lambda lines: ">\n    " + "\n      ".join(lines),
}


@settings(max_examples=200)
@given(
    st.lists(WORDS, min_size=1, max_size=4),
    st.integers(0, 3),
    st.sampled_from(sorted(STYLES)),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_any_offset_in_any_scalar_is_found_again(
    words: list[list[str]], chosen: int, style: str, line_end: str, bom: bool
) -> None:
    lines = [f"x{' '.join(line)} x" for line in words]
    lines[chosen % len(lines)] += "§ y"
    text = text_of(title="title: 'é😀'", payload=f"payload:\n  a: {STYLES[style](lines)}")
    text, place = place_of(text.replace("§", "{{ ¦modle }}"))
    data = "\ufeff" * bom + text.replace("\n", line_end)
    assert ("undefined-variable", *place) in [(p.rule, p.line, p.column) for p in problems(data)]


def test_a_problem_in_a_quoted_key_points_into_the_key() -> None:
    rule = 'response: {codec: sse, end: body, rules: [{when: {"a.¦.b": 1}, text: c}]}'
    text, place = place_of(text_of(response=rule))
    assert [(p.rule, p.line, p.column) for p in problems(text)] == [("bad-path", *place)]


def test_words_hold_no_control_characters_and_are_short() -> None:
    found = problems(text_of(x='"\\e[31m' + "k" * 900 + '\\nb": 1', title="title: [" + '"' + "z" * 9000 + '"]'))
    assert found
    for problem in found:
        words = f"{problem.message}{problem.hint}{problem.path}"
        assert words.isprintable()
        assert len(words) < 1000


BOMBS = {
    "brackets": "[" * 100_000,
    "braces": "{a: " * 50_000,
    "sequences": "- " * 100_000,
    "keys of keys": "? " * 100_000,
    "indentation": "\n".join(" " * i + "a:" for i in range(700)),
    "aliases": "a: &a [x,x]\n"
    + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)},*{chr(97 + i)}]\n" for i in range(20)),
    "merges": "a: &a {x: 1}\n" + "b: {<<: [" + "*a," * 4000 + "]}\n",
    "unknown keys": "spec_version: 1\n" + "".join(f"k{i}: 1\n" for i in range(9_000)),
    "anchors": "spec_version: 1\nx-a: [" + ",".join(f"&a{i} 1" for i in range(9_000)) + "]\n",
    "empty rules": text_of(errors="errors: [" + "{}," * 18_000 + "]"),
    "unclosed braces": text_of(url='url: "https://x/' + "{{" * 60_000 + '"'),
    "unclosed quotes": text_of(path='path: "{{ ' + "\\\\'" * 15_000 + '"'),
    "brackets in text": text_of(params='params: {heat: {type: number, min: "' + "[" * 100_000 + '"}}'),
    "digits in a path": text_of(params="params: {heat: {type: number, maps_to: a." + "9" * 5000 + "}}"),
    "an index in a path": text_of(params="params: {heat: {type: number, default: 1, maps_to: a.999999999}}"),
    "undefined names": text_of(path='path: "' + "{{x}}" * 13_000 + '"'),
    "templates": text_of(payload='payload: ["' + '{{modle}}","' * 9_000 + '"]'),
    "parentheses": text_of(path='path: "{{ ' + "(" * 30_000 + '"'),
    "closed parentheses": text_of(path='path: "{{ ' + "(" * 30_000 + "x" + ")" * 30_000 + ' }}"'),
    "nots": text_of(path='path: "{{ ' + "not " * 15_000 + 'x }}"'),
    "one long line": text_of(title="title: [" + "x" * 200_000),
    "one long key": text_of(x='"' + "k" * 200_000 + '": 1'),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_quickly(name: str) -> None:
    start = time.process_time()
    found = problems(BOMBS[name])
    assert time.process_time() - start < 3
    assert 0 < len(found) <= 100


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-32", "latin-1"])
def test_other_encodings_are_named_as_such(codec: str) -> None:
    (problem,) = problems(text_of(title="title: é").encode(codec))
    assert problem.rule == "encoding"
    assert re.search("byte [0-9]+", problem.message)


def test_the_place_of_a_bad_byte() -> None:
    data = b"\xef\xbb\xbfa: \xc3\xa9\nb: \xc3\xa9x\xff"
    (problem,) = problems(data)
    assert (problem.line, problem.column) == (2, 6)
    assert problems(b"\xef\xbb\xbf\xff")[0].column == 1


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo.yaml"
    os.mkfifo(fifo)
    loop = tmp_path / "loop.yaml"
    loop.symlink_to(loop)
    for path in (fifo, loop, tmp_path, tmp_path / "missing.yaml", Path("/dev/zero"), Path("a\0b"), Path("x" * 5000)):
        (problem,) = problems_of(path)
        assert (problem.rule, problem.line, problem.column) == ("cannot-read", 1, 1), path
        with pytest.raises(SpecError, match="cannot be read"):
            load(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_an_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "acme.yaml"
    path.write_text(text_of())
    path.chmod(0)
    assert [problem.rule for problem in problems_of(path)] == ["cannot-read"]


def test_a_file_is_read_from_its_path(tmp_path: Path) -> None:
    path = tmp_path / "acme.yaml"
    path.write_text(text_of())
    assert load(path).name == load(str(path)).name == "acme"
    assert problems_of(path) == []
    assert load(path).file == str(path)


def _only_spec_errors(data: bytes) -> None:
    """A list of problems that lie within the file, or a spec."""
    found = problems(data)
    lines = re.split(r"\r\n|\r|\n", data.decode("utf-8", "replace").removeprefix("\ufeff"))
    for problem in found:
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
    if not any(problem.severity == "error" for problem in found):
        load_text(data.decode())


@settings(max_examples=150)
@given(st.text())
@example("? [a]\n: 1")
@example("&a\n- *a")
@example("%YAML 1.3\n---\na: 1")
@example("a: |9\n b")
def test_any_text_is_a_spec_or_a_list_of_problems(text: str) -> None:
    _only_spec_errors(text.encode("utf-8", "surrogatepass"))


@settings(max_examples=100)
@given(st.binary())
def test_any_bytes_are_a_spec_or_a_list_of_problems(data: bytes) -> None:
    _only_spec_errors(data)


TOKENS = st.sampled_from(
    [*"{}[]:,-?&*!|>'\"%@#\t\r\n \0é😀", "{{", "}}", "{%", "<<: ", "- ", "null", "1e999", "\\ud800", "---\n", "\u2028"]
)


@settings(max_examples=200)
@given(st.integers(0, len(ACYTOO) - 1), TOKENS, st.booleans())
def test_a_changed_character_never_breaks_the_loader(at: int, token: str, replace: bool) -> None:
    _only_spec_errors((ACYTOO[:at] + token + ACYTOO[at + replace :]).encode("utf-8", "surrogatepass"))


LINES = ACYTOO.splitlines(keepends=True)


@settings(max_examples=80)
@given(st.integers(0, len(LINES) - 1), st.sampled_from(["delete", "double", "cut", "swap", "indent"]), st.data())
def test_a_changed_line_never_breaks_the_loader(at: int, change: str, data: st.DataObject) -> None:
    line = LINES[at]
    other = data.draw(st.sampled_from(LINES))
    cut = data.draw(st.integers(0, len(line)))
    new = {"delete": "", "double": line * 2, "cut": line[:cut], "swap": other, "indent": f"  {line}"}[change]
    _only_spec_errors("".join([*LINES[:at], new, *LINES[at + 1 :]]).encode())


@pytest.mark.parametrize("path", sorted((ROOT / "providers").rglob("*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_file_is_read_without_libyaml_too(path: Path) -> None:
    """The two parsers of PyYAML differ: `{a: b?}` is read by the one in C alone, and not every PyYAML has it."""
    text = path.read_text("utf-8")
    assert yaml.load(text, yaml.SafeLoader) == yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def test_the_mark_of_these_tests_is_no_part_of_a_file() -> None:
    assert HERE not in ACYTOO
