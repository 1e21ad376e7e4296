"""What is wrong with steps is found when a file is loaded, each mistake at its place."""

from __future__ import annotations

import pytest

from engine.loader import load_text
from tests.badfiles import place_of, problems, text_of

STEPS = """steps:
  - name: page
    path: /page
    read: {nonce: {regex: 'n=(.+)'}, id: id}
  - name: job
    json: {nonce: "{{ steps.page.nonce }}"}
    read: {url: links.0.href}
    cleanup: {method: DELETE, path: "/jobs/{{ steps.job.url }}"}"""
GOOD = {"steps": STEPS, "path": "", "follow": 'follow: "{{ steps.job.url }}"', "hosts": "hosts: ['*.acme.com']"}


def found(**parts: str) -> list[tuple[str, tuple[int, int], str]]:
    return [(p.rule, (p.line, p.column), p.message) for p in problems(text_of(**{**GOOD, **parts}))]


def test_a_good_file_has_no_problems_and_is_built() -> None:
    assert found() == []
    spec = load_text(text_of(**GOOD, poll="poll: {until: {path: done, equals: true}}"))
    page, job = spec.steps
    assert (page.request.method, job.request.method, job.cleanup.method) == ("GET", "POST", "DELETE")  # type: ignore[union-attr]
    assert {name: (read.source, read.where) for name, read in page.read.items()} == {
        "nonce": ("regex", "n=(.+)"),
        "id": ("json", "id"),
    }
    assert (spec.poll.every, spec.poll.seconds) == (1, 60)  # type: ignore[union-attr]
    assert [(host.name, host.auth) for host in spec.hosts] == [("*.acme.com", False)]


def step(**keys: str) -> str:
    return "steps:\n  - {name: one, " + ", ".join(f"{key}: {value}" for key, value in keys.items()) + "}"


BAD = [
    ({"steps": STEPS.replace("name: job", "name: ¦page")}, "duplicate-step", "two steps are named 'page'"),
    ({"steps": STEPS.replace("{{ steps.page", "{{ ¦steps.pag")}, "undefined-step", "there is no step 'pag'"),
    ({"steps": STEPS.replace("page.nonce }}", "page.once }}")}, "undefined-step", "reads no value 'once'"),
    ({"steps": STEPS.replace("path: /page", 'path: "/{{ steps.job.url }}"')}, "undefined-step", "comes later"),
    ({"steps": STEPS.replace("path: /page", 'path: "/{{ steps.page.id }}"')}, "undefined-step", "'page' comes later"),
    ({"headers": "headers: {x: '{{ steps }}'}"}, "undefined-step", "the steps are no value"),
    ({"headers": "headers: {x: '{{ steps.job }}'}"}, "undefined-step", "the steps are no value"),
    ({"payload": "payload: {$when: steps.jbo.url is defined, a: 1}"}, "undefined-step", "there is no step 'jbo'"),
    ({"follow": "follow: https://x.acme.com/"}, "dynamic-host", "is not the value of a step"),
    ({"follow": "follow: 'https://{{ steps.job.url }}/'"}, "dynamic-host", "is not the value of a step"),
    ({"follow": "follow: '{{ model }}'"}, "undefined-variable", "uses 'model'"),
    ({"path": "¦path: /chat"}, "conflict", "both 'follow', which is a whole URL, and 'path'"),
    ({"hosts": "hosts: ['*.com']"}, "dynamic-host", "stands for hosts of every owner"),
    ({"hosts": "hosts: [169.254.169.254]"}, "private-host", "not on the public network"),
    ({"hosts": "hosts: [{name: x.evil.com, auth: true}]"}, "secret-host-change", "does not belong to 'api.acme.com'"),
    ({"hosts": "hosts: ['https://x.com']"}, "bad-value", "`hosts.0`"),
    ({"hosts": "hosts: ['x.com:99999']"}, "out-of-range", "a port that there is not"),
    ({"poll": "poll: {until: ¦{path: a}}"}, "missing-key", "names no comparison"),
    ({"poll": "poll: {until: ¦{equals: 1}}"}, "missing-key", "names no path"),
    ({"poll": "poll: {until: {path: a, equals: 1}, fail: ¦{in: [a]}}"}, "missing-key", "names no path"),
    ({"poll": "poll: {until: {path: a, equals: 1}, every: ¦0.001}"}, "out-of-range", "`poll.every` is 0.001"),
    ({"headers": "headers: {x: '{{ ¦secrets.k }}'}"}, "secret-not-allowed-here", "headers.x uses a secret"),
    (
        {"poll": "poll: {until: {path: a, equals: 1}, for: ¦900}", "timeout": "timeout: {total: 60}"},
        "out-of-range",
        "900 s",
    ),
    ({"poll": "poll: {until: {path: a..b, equals: 1}}"}, "bad-path", "'a..b' is no path"),
    ({"steps": step(read="{a: {regex: '(a+)+'}}"), "follow": ""}, "regex-unsafe", "group under a quantifier"),
    ({"steps": step(read="{a: {json: a, ¦header: b}}"), "follow": ""}, "conflict", "has both 'json' and 'header'"),
    ({"steps": step(json="{}", form="{}"), "follow": ""}, "conflict", "both 'json' and 'form'"),
    (
        {"steps": STEPS.replace("cleanup: {", 'cleanup: {follow: "{{ steps.job.url }}", ')},
        "conflict",
        "both 'follow', which is a whole URL, and 'path'",
    ),
    ({"steps": step(expires_in="60", path="'/{{ model }}'"), "follow": ""}, "cached-step", "reads 'model'"),
    ({"steps": step(expires_in="60", cleanup="{path: /x}"), "follow": ""}, "conflict", "and has a clean-up"),
    (
        {
            "steps": STEPS.replace(
                '    cleanup: {method: DELETE, path: "/jobs/{{ steps.job.url }}"}', "    expires_in: 9"
            )
        },
        "undefined-step",
        "the step 'page' is not kept for later calls",
    ),
    ({"params": "params: {¦steps: {type: string}}", "payload": ""}, "reserved-name", "'steps' is a word"),
    ({"steps": step(url="http://10.0.0.1"), "follow": ""}, "private-host", "10.0.0.1"),
    ({"steps": step(url="'https://{{ model }}.com'"), "follow": ""}, "dynamic-host", "uses 'model'"),
    ({"steps": step(headers="{Host: x}"), "follow": ""}, "forbidden-header", "the engine's to set"),
    ({"steps": step(headers='{x: "a\\nb"}'), "follow": ""}, "bad-header-value", "a line break"),
    ({"steps": step(path="/a?b=c"), "follow": ""}, "bad-url", "percent-encoded"),
    ({"steps": step(headers="{authorization: Bearer sk-abcdefghijklmnop1234}"), "follow": ""}, "inline-secret", "sk-a"),
]


@pytest.mark.parametrize(("parts", "rule", "words"), BAD)
def test_a_mistake_is_found_at_its_place(parts: dict[str, str], rule: str, words: str) -> None:
    marked = text_of(**{**GOOD, **parts})
    text, place = place_of(marked) if "¦" in marked else (marked, None)
    hits = [p for p in problems(text) if p.rule == rule and words in p.message]
    assert hits, [str(p) for p in problems(text)]
    assert place is None or (hits[0].line, hits[0].column) == place


@pytest.mark.parametrize("read", ["{}", "{{json: {}}}"])
def test_a_path_is_no_secret_whatever_it_leads_to(read: str) -> None:
    path = "data.0.session2.longAccessToken.value"
    steps = f"steps: [{{name: login, path: /login, read: {{api_key: {read.format(path)}}}}}]"
    auth = f"auth: {{type: oauth2, token: {{path: /token, value: [{path}, a.b], expires_in: {path}}}}}"
    assert problems(text_of(steps=steps, auth=auth)) == []
