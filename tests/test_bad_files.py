"""Bad files as strangers write them: each is refused in one run, with the right rule at the right place."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from engine.errors import Problem
from engine.loader import problems_of
from engine.loader.published import schema
from tests import bad_answers, bad_schema, bad_templates, bad_trust, bad_yaml
from tests.badfiles import WHOLE, changed, place_of, problems
from tests.faults import fault

LAYERS = [bad_yaml, bad_schema, bad_templates, bad_trust, bad_answers]
CASES = [(*case, True) for layer in LAYERS for case in layer.ALONE]
CASES += [(*case, False) for layer in LAYERS for case in layer.AMONG_OTHERS]


def errors(text: str | bytes) -> list[Problem]:
    return [problem for problem in problems(text, "<stdin>") if problem.severity == "error"]


def places(found: list[Problem]) -> list[tuple[str, tuple[int, int]]]:
    return [(problem.rule, (problem.line, problem.column)) for problem in found]


def test_the_file_is_good() -> None:
    assert problems(WHOLE, "acme.yaml") == []


@pytest.mark.parametrize(("rule", "old", "new", "word", "alone"), CASES)
def test_a_bad_line_is_refused_at_its_place(rule: str, old: str, new: str, word: str, alone: bool) -> None:
    text, place = place_of(changed(old, new))
    found = errors(text)
    assert (rule, place) in places(found), [str(problem) for problem in found]
    if alone:
        assert len(found) == 1, [str(problem) for problem in found]
    assert word in " ".join(f"{problem.message} {problem.hint}" for problem in found if problem.rule == rule)


@pytest.mark.parametrize("layer", LAYERS)
def test_line_ends_and_a_byte_order_mark_change_no_place(layer: object) -> None:
    for rule, old, new, _ in layer.ALONE:  # type: ignore[attr-defined]
        text, place = place_of(changed(old, new))
        assert places(errors("\ufeff" + text.replace("\n", "\r\n"))) == [(rule, place)], new


def test_the_parser_without_libyaml_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.loader.yamltext._LOADER", yaml.SafeLoader)
    for rule, old, new, _ in [*bad_yaml.ALONE, *bad_yaml.AMONG_OTHERS]:
        text, place = place_of(changed(old, new))
        assert (rule, place) in places(errors(text)), new


@pytest.mark.parametrize("layer", [bad_schema, bad_trust, bad_answers])
def test_all_problems_come_in_one_run(layer: object) -> None:
    """Mistakes of different lines do not hide each other."""
    wanted: dict[str, tuple[str, str]] = {}
    for rule, old, new, _ in layer.ALONE:  # type: ignore[attr-defined]
        if "\n" not in old + new and rule not in ("bad-version", "future-version", "conflict"):
            wanted.setdefault(old, (rule, new))
    chosen = list(wanted.items())[:6]
    text = WHOLE
    for old, (_, new) in chosen:
        text = text.replace(old, new.replace("¦", ""))
    rules = [problem.rule for problem in errors(text)]
    for _, (rule, _) in chosen:
        assert rule in rules


FIELDS = {
    "path": ("path: /chat", "path: '/x%s'"),
    "header": ("accept: text/event-stream", "accept: '%s'"),
    "query": ('query: {v: "1"}', "query: {v: '%s'}"),
    "payload": ('  model: "{{ model }}"', "  model: ['%s']"),
    "literal scalar": ('  model: "{{ model }}"', "  model: |\n    one 😀\n    two %s"),
    "folded scalar": ('  model: "{{ model }}"', "  model: >-\n    😀 one\n\n    %s\n    three"),
    "plain scalar": ('  model: "{{ model }}"', "  model: plain\n    text %s"),
    "step's path": ("path: /chat", "path: /chat\nsteps: [{name: a, path: '/%s'}]"),
    "step's json": ("path: /chat", "path: /chat\nsteps:\n  - name: a\n    json: {k: ['%s']}"),
    "auth": ("{type: bearer, secret: api_key}", "{type: header, name: a, value: '%s'}"),
    "token": (
        "{type: bearer, secret: api_key}",
        "{type: oauth2, token: {url: https://eu.acme.com/t, form: {a: '%s'}, value: a}}",
    ),
    "claims": ("{type: bearer, secret: api_key}", "{type: jwt, algorithm: HS256, key: api_key, claims: {a: ['%s']}}"),
    "patch": ("  default: small", "  default: small\n  patches:\n    - match: o*\n      payload: {k: '%s'}"),
    "shape": ("payload:\n", "messages: {shapes: {any: {role: '{{ role }}', a: '{{ text }}', k: '%s'}}}\npayload:\n"),
    "tool": ("payload:\n", "tools: {shape: {a: '%s'}}\npayload:\n  tools: '{{ tools }}'\n"),
}

FAULTS = [
    ("undefined-variable", "{{ ¦modle }}"),
    ("unknown-filter", "{{ 1 | ¦tojsn }}"),
    ("unknown-test", "{{ 1 is not ¦defind }}"),
    ("template-syntax", "{{ 1 ¦2 }}"),
    ("template-syntax", "¦{{ 1 "),
    ("template-syntax", "1 ¦}}"),
    ("template-forbidden", "¦{% if 1 %}"),
    ("template-forbidden", "{{ 1.¦bit_length() }}"),
    ("template-forbidden", "{{ [].¦__class__ }}"),
    ("template-forbidden", "{{ 'x'|¦attr('y') }}"),
    ("template-forbidden", "{{ [1][¦'_' ~ 'x'] }}"),
    ("template-forbidden", "{{ ¦lipsum }}"),
    ("template-forbidden", "{{ ¦cycler() }}"),
    ("template-forbidden", "{{ ¦'a' * 999999999 }}"),
    ("template-forbidden", "{{ ¦2 ** 999999999 }}"),
    ("template-too-big", "{{ ¦" + "(" * 33 + "1" + ")" * 33 + " }}"),
]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(("rule", "fault"), FAULTS)
def test_a_fault_in_any_templated_field_is_found_at_its_place(field: str, rule: str, fault: str) -> None:
    old, new = FIELDS[field]
    quoted = "'%s'" in new or "/%s'" in new or "/x%s'" in new
    text, place = place_of(changed(old, new % (fault.replace("'", "''") if quoted else fault)))
    if field == "plain scalar" and fault.startswith("¦{%"):
        pytest.skip("YAML takes no % there")
    assert (rule, place) in places(errors(text)), [str(problem) for problem in errors(text)]


OPAQUE = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7" * 4
SECRETS = {
    **{prefix: prefix + OPAQUE[:48] for prefix in ("sk-", "sk-proj-", "hf_", "gsk_", "pplx-", "nvapi-", "r8_", "csk-")},
    **{prefix: prefix + OPAQUE[:36] for prefix in ("ghp_", "gho_", "npm_", "glsa_", "fw_", "tgp_v1_", "zzz-")},
    "AIza": "AIza" + OPAQUE[:35],
    "AKIA": "AKIA" + "ABCD1234" * 2,
    "github_pat_": "github_pat_" + OPAQUE[:59],
    "glpat-": "glpat-" + OPAQUE[:20],
    "xoxb-": "xoxb-123456789012-" + OPAQUE[:24],
    "sk_live_": "sk_live_" + OPAQUE[:24],
    "SG.": f"SG.{OPAQUE[:22]}.{OPAQUE[:43]}",
    "ya29.": "ya29." + OPAQUE[:60],
    "a JWT": f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{OPAQUE[:43]}",
    "a private key": "-----BEGIN RSA PRIVATE KEY-----",
}
SECRETS["zzz-"] += OPAQUE[:8]
HOLDERS = [
    ("accept: text/event-stream", "accept: 'Bearer ¦%s'"),
    ('  model: "{{ model }}"', '  model: {a: ["¦%s"]}'),
    ('query: {v: "1"}', 'query: {v: "¦%s"}'),
    ('title: "Acme 😀"', 'title: "😀 ¦%s"'),
    ("payload:\n", "# ¦%s\npayload:\n"),
    ("  - name: busy", "  - name: 'busy ¦%s'"),
    ("path: /chat", "path: /chat\nx-key: '¦%s'"),
    ("  default: small", "  allow: [small, '¦%s']\n  default: small"),
]


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("kind", SECRETS)
@fault("Secrets", "A key stands in a provider file", "refused: `inline-secret`; it is not shown")
def test_a_key_of_any_known_form_is_found_anywhere_and_not_shown(kind: str, holder: tuple[str, str]) -> None:
    old, new = holder
    text, place = place_of(changed(old, new % SECRETS[kind]))
    found = [problem for problem in errors(text) if problem.rule == "inline-secret"]
    assert places(found) == [("inline-secret", place)]
    assert SECRETS[kind][4:12] not in "".join(map(repr, errors(text)))


@pytest.mark.parametrize(
    "value",
    [
        "anonymous",
        "Bearer anonymous",
        "Basic YTpi",
        "no-key-needed",
        "00000000-0000-0000-0000-000000000000",
        "Bearer x",
    ],
)
def test_what_only_stands_where_a_key_does_is_none(value: str) -> None:
    text = changed("{type: bearer, secret: api_key}", "{type: none}")
    assert problems(text.replace("accept: text/event-stream", f"authorization: '{value}'"), "<stdin>") == []


PRIVATE = [
    *("169.254.169.254", "169.254.169.254.", "metadata.google.internal", "METADATA.google.INTERNAL.", "instance-data"),
    *("0x7f.1", "0x7f000001", "017700000001", "0177.0.0.1", "127.1", "0", "2130706433", "0xC0A80001", "192.168.257"),
    *("localhost.", "app.localhost", "localhost.localdomain", "localtest.me", "a.lvh.me", "127.0.0.1.nip.io"),
    *("10-0-0-1.sslip.io", "7f000001.nip.io", "x.vcap.me", "host.docker.internal", "printer.local", "router.lan"),
    *("nas.home.arpa", "wiki.corp", "kubernetes.default.svc", "db.internal", "168.63.129.16", "100.100.100.200"),
    *(
        "１２７.０.０.２",
        "127。0。0。2",
        "①②⑦.0.0.2",
        "ⓛocalhost",
        "%6c%6f%63alhost",
        "127%2e0%2e0%2e1",
        "127.0.0.1%00.acme.com",
    ),
    *(
        "[::]",
        "[::ffff:10.0.0.1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:0:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[fd00:ec2::254]",
    ),
    *("[::]", "[fe80::1%25eth0]", "[::1%25lo]", "[2002:7f00:1::]", "10.0.0.{{ region }}", "{{ region }}.nip.io"),
]


@pytest.mark.parametrize("host", PRIVATE)
@fault(
    "Provider files and templates",
    "A file sends its calls to a private host, in any spelling",
    "refused: `private-host`",
)
def test_a_private_host_in_any_spelling_is_refused(host: str) -> None:
    text, place = place_of(changed("https://{{ region }}.acme.com/v1", f'¦"https://{host}/v1"'))
    found = errors(text)
    assert places(found)[:1] in ([("private-host", place)], [("bad-url", place)])
    assert found[0].rule == "private-host" or "%" in host


PARENT = WHOLE.replace("name: acme\n", "name: parent\n")
CHILD = "spec_version: 1\nname: child\nextends: parent\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "parent.yaml").write_text(PARENT, encoding="utf-8")
    return tmp_path


def child(folder: Path, text: str) -> list[Problem]:
    path = folder / "child.yaml"
    path.write_text(text, encoding="utf-8")
    return [problem for problem in problems_of(path) if problem.severity == "error"]


@pytest.mark.parametrize(
    ("rule", "extends"),
    [
        ("extends-missing", "parnet"),
        ("extends-missing", "Parent"),
        *(
            ("path-escape", f'"{name}"')
            for name in ("../parent", "/etc/passwd", "~", "~root", "..", ".", "a/b", "a\\\\b")
        ),
        *(("path-escape", f'"{name}"') for name in ("https://x.com/a", "%2e%2e", "a\\0b", "C:x", "x.yaml", "a\\\\b")),
        *(("path-escape", name) for name in ("con", "NUL", "com1", "LPT9", "aux")),
        ("extends-cycle", "child"),
        ("wrong-type", "[parent]"),
        ("wrong-type", "null"),
        ("empty-value", '""'),
    ],
)
@fault(
    "Provider files and templates",
    "A file extends a path, a URL, a device, itself, or what is not there",
    "refused: `path-escape`, `extends-cycle` or `extends-missing`; nothing is read or fetched",
)
def test_a_parent_that_cannot_be_is_one_problem(folder: Path, rule: str, extends: str) -> None:
    text = CHILD.replace("parent", extends) + "params: {top_k: {max: 3}}\n"
    assert places(child(folder, text)) == [(rule, (3, 10))]


def test_the_folders_that_were_searched_are_named(folder: Path) -> None:
    (problem,) = child(folder, CHILD.replace("parent", "parnet"))
    assert str(folder) in problem.message
    assert problem.hint == "did you mean 'parent'?"


def test_the_childs_own_mistakes_are_told_beside_a_parent_that_cannot_be(folder: Path) -> None:
    found = child(folder, CHILD.replace("parent", "parnet") + "hedaers: {Host: x}\nretry: {max: 99}\n")
    assert [problem.rule for problem in found] == ["extends-missing", "unknown-key", "forbidden-header", "out-of-range"]


@fault("Provider files and templates", "A file extends a link that leads out of its folder", "refused: `path-escape`")
def test_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "other.yaml"
    elsewhere.write_text(PARENT.replace("name: parent", "name: other"))
    (folder / "link.yaml").symlink_to(elsewhere)
    (folder / "near.yaml").symlink_to(folder / "parent.yaml")
    assert places(child(folder, CHILD.replace("parent", "link"))) == [("path-escape", (3, 10))]
    assert child(folder, CHILD.replace("parent", "near")) == []


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("path: /chat", "path: [/chat¦", "yaml-syntax"),
        ("path: /chat", "path: /chat\n¦path: /x", "duplicate-key"),
        ("path: /chat", "path: ¦!x /chat", "tag-not-allowed"),
        ("path: /chat", "¦pth: /chat", "unknown-key"),
        ("path: /chat", "path: /{{ ¦modle }}", "undefined-variable"),
        ("spec_version: 1", "spec_version: ¦7", "future-version"),
        ("path: /chat", "path: /c¦\x07hat", "encoding"),
    ],
)
def test_a_mistake_of_a_parent_names_both_files(folder: Path, old: str, new: str, rule: str) -> None:
    text, place = place_of(PARENT.replace(old, new))
    if rule == "yaml-syntax":
        place = (place[0], place[1] - len("[/chat"))
    (folder / "parent.yaml").write_text(text, encoding="utf-8")
    (problem,) = child(folder, CHILD)
    assert (problem.file, problem.rule, (problem.line, problem.column)) == (str(folder / "parent.yaml"), rule, place)
    assert f"(inherited by {folder / 'child.yaml'})" in problem.message
    (folder / "parent.yaml").write_text(PARENT, encoding="utf-8")
    assert child(folder, CHILD) == []


def test_a_circle_and_a_long_chain_are_told_of_the_file_that_is_examined(folder: Path) -> None:
    for name, parent in (("a", "b"), ("b", "a"), *((f"n{i}", f"n{i + 1}") for i in range(12))):
        (folder / f"{name}.yaml").write_text(f"spec_version: 1\nname: {name}\nextends: {parent}\n")
    (circle,) = child(folder, CHILD.replace("parent", "a"))
    assert (circle.rule, Path(circle.file).name, circle.line) == ("extends-cycle", "child.yaml", 3)
    assert "a.yaml -> " in circle.message
    (chain,) = child(folder, CHILD.replace("parent", "n0"))
    assert (chain.rule, Path(chain.file).name, chain.line) == ("extends-depth", "child.yaml", 3)


@pytest.mark.parametrize("key", schema()["$defs"]["whole"]["else"]["required"])
def test_null_takes_no_key_away(folder: Path, key: str) -> None:
    (problem,) = child(folder, f"{CHILD}{key}: null\n")
    assert (problem.rule, problem.line, problem.column) == ("missing-key", 4, len(key) + 3)


def test_what_stands_under_a_mistyped_key_is_examined_too() -> None:
    text = (
        changed("payload:\n", "paylod:\n")
        .replace("{{ messages }}", "{{ mesages }}")
        .replace("codec: sse", "codek: ses")
    )
    found = errors(text)
    assert [problem.rule for problem in found] == ["unknown-key", "undefined-variable", "unknown-key", "not-in-enum"]
    assert [problem.hint for problem in found] == [
        "did you mean 'payload'?",
        "did you mean 'messages'?",
        "did you mean 'codec'?",
        "did you mean 'sse'?",
    ]


def test_two_slips_of_one_key_are_not_both_read_as_it() -> None:
    found = errors(changed("path: /chat", "pth: /chat\npaht: /chat"))
    assert [problem.rule for problem in found] == ["unknown-key", "unknown-key"]
