"""`models.patches`: what is wrong with a patch is found when the file is loaded, at the patch."""

from __future__ import annotations

import time

import pytest

from engine.errors import SpecError
from engine.loader import load_text
from engine.loader.patches import MAX_PATCHES, MAX_UNSET
from engine.loader.published import schema
from engine.loader.variant import spec_for
from tests.badfiles import place_of, problems, text_of


def patches(*lines: str) -> str:
    return "models:\n  default: small\n  patches:\n" + "\n".join(f"    - {line}" for line in lines)


def test_every_key_of_a_file_can_be_patched_but_what_it_is_and_where() -> None:
    fixed = {"spec_version", "name", "title", "url", "secrets", "auth", "settings", "extends", "abstract"}
    fixed |= {"examples", "models", "steps", "poll", "follow", "hosts"}
    patch = schema()["$defs"]["patch"]["properties"]
    assert set(patch) - {"match"} == set(schema()["properties"]) - fixed


BAD = [
    ("missing-key", "¦{params: {heat: {max: 1}}}", "`match`"),
    ("unknown-key", "{match: o1, ¦url: https://evil.example}", "the top"),
    ("unknown-key", "{match: o1, ¦secrets: {a: {env: [A]}}}", "is no key of `models.patches.1`"),
    ("unknown-key", "{match: o1, ¦auth: []}", "is no key of `models.patches.1`"),
    ("unknown-key", "{match: o1, ¦examples: []}", "is no key of `models.patches.1`"),
    ("unknown-key", "{match: o1, ¦models: {default: a}}", "is no key of `models.patches.1`"),
    ("empty-value", "{match: ¦'', params: {}}", "empty"),
    ("wrong-type", "{match: ¦5, params: {}}", "text or a list"),
    ("unset-missing", "{match: o1, unset: [¦params.cold]}", "not in what is inherited"),
    ("wrong-type", "{match: o1, params: {heat: {max: ¦hot}}}", "a number"),
    ("out-of-range", "{match: o1, params: {heat: {¦max: 0.1}}}", "beyond"),
    ("missing-key", "{match: o1, params: {¦p: {maps_to: p}}}", "`type`"),
    ("undefined-variable", '{match: o1, payload: {x: "{{ ¦heta }}"}}', "did you mean 'heat'?"),
    ("not-in-enum", "{match: o1, response: {codec: ¦sse2}}", "'sse'"),
    ("forbidden-header", "{match: o1, headers: {¦host: evil.example}}", "engine's"),
    ("inline-secret", "{match: o1, headers: {x-api-key: ¦sk-abcdefghijklmnopqrst1234}}", "revoke"),
    ("bad-path", "{match: o1, params: {heat: {maps_to: a.¦.b}}}", "empty segments"),
    ("conflict", "{match: o1, params: {heat: {maps_to: ¦model}}}", "payload says model itself"),
    # What a patch takes away from the rest of the file is a mistake of the patch.
    ("undefined-variable", "{match: ¦o1, unset: [params.heat]}", "with this patch, payload.heat uses 'heat'"),
    ("missing-key", "¦{match: o1, unset: [response]}", "needs the key `response`"),
    ("unused-param", "{match: ¦o1, unset: [payload.heat]}", "with this patch, nothing reads the param 'heat'"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "patch", "words"), BAD)
def test_what_is_wrong_with_a_patch_is_found_in_its_line(rule: str, patch: str, words: str) -> None:
    text, place = place_of(text_of(models=patches("{match: fine, params: {heat: {max: 1}}}", patch)))
    found = problems(text)
    matching = [p for p in found if p.rule == rule and words in str(p)]
    assert matching, [str(p) for p in found]
    if rule not in ("out-of-range",):
        assert (matching[0].line, matching[0].column) == place
    assert {p.line for p in found} == {place[0]}


def test_what_is_wrong_with_the_file_is_not_said_again_for_each_patch() -> None:
    good = "{match: a, params: {heat: {max: 1}}}"
    found = problems(text_of(models=patches(good, good), headers="headers: {host: x}"))
    assert [p.rule for p in found] == ["forbidden-header"]


CLASH = patches("{match: 'o*', unset: [payload.heat, params.heat]}", "{match: '*1', payload: {h: '{{ heat }}'}}")


def test_patches_that_do_not_go_together_for_a_model_that_the_file_names() -> None:
    text = text_of(models=CLASH)
    assert problems(text) == []
    named = text.replace("default: small", "default: o1")
    (found,) = problems(named)
    assert (found.rule, found.line) == ("undefined-variable", 7)
    assert "several patches match one model that the file names" in found.message


def test_patches_that_do_not_go_together_for_another_model() -> None:
    text = text_of(models=CLASH)
    spec = load_text(text, "acme.yaml")
    assert spec_for(spec, (0,)).params == {}
    with pytest.raises(SpecError, match=r"acme.yaml:7:1: undefined-variable: with every patch that matches this model"):
        spec_for(spec, (0, 1))


def test_a_patch_may_give_an_example_its_params() -> None:
    examples = text_of().partition("examples:")[2].replace("{messages: hi}", "{messages: hi, MODEL effort: low}", 1)
    models = patches("{match: 'o*', params: {effort: {type: string, maps_to: effort}}}").replace(
        "  patches", "  aliases: {best: o9}\n  patches"
    )
    text = text_of(models=models, examples=f"examples:{examples}")
    for model in ("o1", "best"):
        assert problems(text.replace("MODEL", f"model: {model},")) == []
    assert [p.rule for p in problems(text.replace("MODEL", "model: small,"))] == ["unknown-param"]


def test_patches_are_few() -> None:
    many = [f"{{match: m{number}, params: {{heat: {{max: 1}}}}}}" for number in range(33)]
    assert problems(text_of(models=patches(*many[:32]))) == []
    found = problems(text_of(models=patches(*many)))
    assert [(p.rule, p.line) for p in found] == [("bad-value", 6)]


def test_a_hostile_file_does_not_multiply_its_cost() -> None:
    payload = "payload:\n  heat: '{{ heat }}'\n" + "\n".join(f"  k{number}: x" for number in range(4000))
    many = [f"{{match: m{number}, payload: {{a: 1}}}}" for number in range(32)]
    began = time.perf_counter()
    found = problems(text_of(models=patches(*many), payload=payload))
    assert [p.rule for p in found] == ["spec-too-big"]
    assert time.perf_counter() - began < 20


def test_the_bounds_of_the_schema_are_those_of_the_engine() -> None:
    patch = schema()["$defs"]["patch"]["properties"]
    listed = schema()["properties"]["models"]["properties"]["patches"]
    assert (listed["maxItems"], patch["unset"]["maxItems"]) == (MAX_PATCHES, MAX_UNSET)


def test_a_very_long_unset_is_refused_and_not_worked_through() -> None:
    paths = ", ".join(["payload.heat"] * (MAX_UNSET + 1))
    (found,) = problems(text_of(models=patches(f"{{match: o1, unset: [{paths}]}}")))
    assert (found.rule, found.line) == ("bad-value", 6)


def test_what_a_patch_unsets_in_vain_is_a_warning_and_no_obstacle() -> None:
    text = text_of(models=patches("{match: o1, unset: [params.cold], params: {heat: {max: 1}}}"))
    assert [(p.rule, p.severity) for p in problems(text)] == [("unset-missing", "warning")]
    assert spec_for(load_text(text, "acme.yaml"), (0,)).params["heat"].max == 1
