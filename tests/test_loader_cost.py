"""What a hostile file costs: bounded time, bounded memory, few and short problems."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.catalog import Catalog
from engine.loader import problems_of
from tests.badfiles import problems, text_of

MOST_SECONDS = 3
"""Of a processor's time. Alone on one each takes a fraction of a half; tests run beside each other."""
MOST_MEGABYTES = 64


def many(count: int, one: str) -> str:
    return "".join(one.replace("#", str(number)) for number in range(count))


def payload(count: int, one: str) -> str:
    return text_of(payload='payload:\n  heat: "{{ heat }}"\n' + many(count, f"  k#: {one}\n"))


def rules(text: str) -> str:
    return text_of(response=f"response: {{codec: sse, end: body, rules: [{text}]}}")


def refusals(text: str) -> str:
    return text_of(errors=f"errors: [{text}]")


HOSTILE = {
    "300,000 keys": many(300_000, "k#: 1\n"),
    "keys that nearly are one": "spec_version: 1\nname: acme\n" + many(9_900, "payloa#: 1\n"),
    "long keys that nearly are one": "spec_version: 1\n" + many(3_000, "h" * 64 + "#: 1\n"),
    "duplicate keys": text_of(x=many(9_000, "title: a\n")),
    "aliases": text_of(x=f"x-a: [{many(9_000, '*a#,')}]"),
    "a quote that never closes": 'a: "' + "x\n" * 120_000,
    "many quotes that never close": many(20_000, 'a#: "x\n'),
    "brackets that do not fit": "{" * 30 + "a: [}" * 50_000,
    "colons": "a: " + ": " * 100_000,
    "dashes": "-\n" * 120_000,
    "escapes, and a bad one": text_of(title='title: "' + "\\U0001F600" * 24_000 + '\\x"'),
    "NUL": text_of(title="title: " + "\0" * 200_000),
    "a line of text": text_of(title='title: "' + "x" * 250_000 + '"'),
    "a line of spaces": text_of(title='title: "' + " " * 250_000 + '"'),
    "nearly a secret": text_of(x='x-a: "' + "sk-" * 80_000 + '"'),
    "nearly a token": text_of(x='x-a: "' + "eyJ" * 80_000 + '"'),
    "nearly a key": text_of(x='x-a: "ab-' + "aZ" * 120_000 + '"'),
    "secrets": text_of(x=f"x-a: [{many(9_000, 'sk-abcdefghijklmnop#,')}]"),
    "undefined names": payload(9_900, '"{{ x }}"'),
    "sound templates": payload(8_000, '"{{ model }}"'),
    "long templates": payload(2_500, '"{{ model if stream and heat > # else messages[0].content ~ model }}"'),
    "large templates": payload(60, '"{{ ' + "1+" * 1_900 + '1 }}"'),
    "literals joined": payload(1, '"{{ ' + "'a' ~ " * 8_000 + "'b' }}\""),
    "quotes in braces": text_of(path='path: "' + "{{ '" * 40_000 + '"'),
    "JSON as text": text_of(payload="payload: [" + many(8_000, """'{"a": {{ model }}',""") + "]"),
    "references": text_of(payload="payload: [" + many(6_000, '{$ref: "http://x"},') + "]"),
    "conditions": text_of(payload="payload: [" + many(4_000, '{$when: "a b", x: 1},') + "]"),
    "params": text_of(
        params="params:\n  heat: {type: number, default: 1}\n" + many(3_000, "  p#: {type: number}\n"),
        payload='payload:\n  heat: "{{ heat }}"\n' + many(3_000, '  p#: "{{ p# }}"\n'),
    ),
    "variables": text_of(secrets=f"secrets: {{k: {{env: [{many(9_000, 'V#,')}]}}}}"),
    "variables of others": text_of(secrets=f"secrets: {{k: {{env: [{many(8_000, 'OPENAI_API_KEY,')}]}}}}"),
    "models": text_of(
        models=f"models: {{default: q, allow: [{many(9_000, 'm#,')}], aliases: {{{many(4_000, 'a#: n#,')}}}}}"
    ),
    "a pattern of brackets": text_of(
        models=f"models: {{default: s, patches: [{{match: '{'[' * 200_000}', unset: [a]}}]}}"
    ),
    "patches": text_of(
        models="models: {default: s, patches: [" + many(32, '{match: "m#*", payload: {a#: "{{ mdel }}"}},') + "]}"
    ),
    "rules": rules("{text: a}," * 6_000),
    "rules in rules": rules("{when: {a: 1}, text: x, rules: [" * 12 + "{text: y}" + "]}" * 12),
    "error rules": refusals(many(2_000, "{body: {path: a, equals: #}, kind: auth},")),
    "patterns": refusals(many(2_000, "{body: {path: a, regex: '" + "a?" * 30 + "#'}, kind: auth},")),
    "a pattern": refusals("{body: {path: a, regex: '" + "(a|b)" * 40_000 + "'}, kind: auth}"),
    "paths": rules("{text: [" + many(3_000, "a." * 31 + "b#,") + "]}"),
    "a URL": text_of(url='url: "https://' + "1." * 120_000 + '"'),
    "slots in a URL": text_of(url='url: "https://' + "{{ a }} {" * 20_000 + '"'),
    "headers": text_of(headers="headers:\n" + many(9_000, '  x-#: "é"\n')),
    "hosts": text_of(hosts=f"hosts: [{many(9_000, 'h#.example.com,')}]"),
    "examples": text_of(examples=f"examples: [{many(1_900, '{name: a, call: {messages: hi, p#: 1}},')}]"),
    "lines of a folded text": text_of(payload="payload:\n  a: >\n" + "    line {{ modle }}\n" * 9_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_judged_in_a_moment(name: str) -> None:
    began = time.process_time()
    found = problems(HOSTILE[name])
    assert time.process_time() - began < MOST_SECONDS
    assert len(found) <= 100
    assert all(len(str(problem)) < 1000 and str(problem).isprintable() for problem in found)


_MEASURE = """
import re, sys
sys.path.insert(0, sys.argv[1])
from tests.test_loader_cost import HOSTILE, problems, text_of

def memory(key):
    return int(re.search(key + r":\\s+([0-9]+) kB", open("/proc/self/status").read())[1])

problems(text_of())
for name, text in HOSTILE.items():
    open("/proc/self/clear_refs", "w").write("5")
    before = memory("VmRSS")
    problems(text)
    print((memory("VmHWM") - before) // 1024, name)
"""


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="only Linux tells the peak of memory")
def test_a_hostile_file_takes_little_memory() -> None:
    root = str(Path(__file__).resolve().parents[1])
    result = subprocess.run([sys.executable, "-c", _MEASURE, root], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    measured = [line.split(" ", 1) for line in result.stdout.splitlines()]
    assert len(measured) == len(HOSTILE)
    assert [line for line in measured if int(line[0]) > MOST_MEGABYTES] == []


def test_shipped_files_are_judged_in_moments() -> None:
    files = list(Catalog().files())
    for path in files:
        problems_of(path, shipped=True)
    took = []
    for path in files:
        began = time.process_time()
        assert problems_of(path, shipped=True) == []
        took.append(time.process_time() - began)
    assert sorted(took)[int(0.95 * len(took))] < 0.25  # a twentieth of a second on a processor of its own
