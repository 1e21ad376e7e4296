from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from .conftest import CHIRP, Run


def changed(*pairs: tuple[str, str]) -> str:
    text = CHIRP
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize(
    "pairs",
    [
        [("{text: Hello ✓", "{text: Bye")],
        [("finish: stop, usage: {input_tokens: 1", "finish: length, usage: {input_tokens: 9")],
        [("adjustments: {temperature: clamped}", "adjustments: {temperature: dropped}")],
        [("Bearer <CHIRP_API_KEY>", "Basic <CHIRP_API_KEY>"), ("chirp.example/v1/chat\n", "chirp.example/v0/chat\n")],
        [("content: Hi}], temperature: 1, stream: true}", "content: Ho, name: me}], temperature: 1, stream: true}")],
        [("expect: {error: quota}", "expect: {error: rate_limit}")],
        [("{text: Hello, finish: length, usage: {input_tokens: 3", "{text: Hi, finish: stop, usage: {input_tokens: 0")],
    ],
)
def test_what_was_observed_is_written(wirefile: Run, chirp: Path, pairs: list[tuple[str, str]]) -> None:
    """The file is again as it was before its expectations were spoilt."""
    file = chirp / "chirp.yaml"
    file.write_text(changed(*pairs), "utf-8")
    ran = wirefile("test", "--update", str(chirp))
    assert (ran.code, file.read_text("utf-8")) == (0, CHIRP)
    assert "updated  " in ran.out
    assert "3 passed, 1 updated, 0 left" in ran.err
    assert "review" in ran.err
    assert wirefile("test", str(chirp)).code == 0


def test_comments_and_form_stay(wirefile: Run, chirp: Path) -> None:
    file = chirp / "chirp.yaml"
    form = (
        "      json:   # the body\n        model: 'MODEL'  # which\n        messages: [ {role: user, content: Hi} ]\n"
    )
    form += "        temperature:  1   # no more\n        stream: true\n\n      # behind it\n"
    old = "      json: {model: chirp-1, messages: [{role: user, content: Hi}], temperature: 1, stream: true}\n"
    before = changed((old, form.replace("MODEL", "chirp-9").replace("        stream: true\n", "")))
    file.write_text(before, "utf-8")
    assert wirefile("test", "--update", str(chirp)).code == 0
    # The key that was missing stands behind the others.
    assert file.read_text("utf-8") == changed((old, form.replace("MODEL", "chirp-1")))


def test_only_what_is_named_is_updated(wirefile: Run, chirp: Path) -> None:
    usage = "usage: {input_tokens: 1, output_tokens: 2}, adjustments"
    named = changed(
        (usage, "usage: {input_tokens: 1}, adjustments"), ("      method: POST\n", ""), ("finish: stop, ", "")
    )
    file = chirp / "chirp.yaml"
    file.write_text(named.replace("{input_tokens: 1}", "{input_tokens: 5}"), "utf-8")
    assert wirefile("test", "--update", str(chirp)).code == 0
    assert file.read_text("utf-8") == named


def test_bom_line_ends_mode_and_links_stay(wirefile: Run, tmp_path: Path) -> None:
    target, link = tmp_path / "real.txt", tmp_path / "chirp.yaml"
    link.symlink_to(target)
    good = b"\xef\xbb\xbf" + CHIRP.replace("\n", "\r\n").encode()
    target.write_bytes(good.replace("Hello ✓".encode(), b"Bye"))
    target.chmod(0o640)
    assert wirefile("test", "--update", str(link)).code == 0
    assert target.read_bytes() == good
    assert (stat.S_IMODE(target.stat().st_mode), link.is_symlink()) == (0o640, True)
    assert sorted(os.listdir(tmp_path)) == ["chirp.yaml", "real.txt"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("temperature: 3}", "temperature: 3, max_tokens: 0}", "its request cannot be made (parameter"),
        ("expect: {text: Hel, error: overloaded}", "expect: {text: Hal}", "its reply comes to no answer"),
        ("expect: {text: Hello, finish: length", "expect: {error: quota, finish: stop", "expect.error has no value"),
        ("{authorization: Bearer <CHIRP_API_KEY>}", "{x-more: y}", "request.headers.x-more has no value"),
        ("{{ messages }}", "{{ mesages }}", "the file is invalid"),
    ],
)
def test_what_says_nothing_of_a_value_is_left(wirefile: Run, chirp: Path, old: str, new: str, says: str) -> None:
    file = chirp / "chirp.yaml"
    file.write_text(changed((old, new)), "utf-8")
    ran = wirefile("test", "--update", str(chirp))
    assert (ran.code, file.read_text("utf-8")) == (1, changed((old, new)))
    assert says in ran.out
    assert "review" not in ran.err


def test_one_example_is_left_and_another_updated(wirefile: Run, chirp: Path) -> None:
    file = chirp / "chirp.yaml"
    left = ("expect: {text: Hel, error: overloaded}", "expect: {text: Hel}")
    file.write_text(changed(left, ("{text: Hello ✓", "{text: Bye")), "utf-8")
    ran = wirefile("test", "--update", str(chirp), "--json")
    assert (ran.code, file.read_text("utf-8")) == (1, changed(left))
    report = json.loads(ran.out)
    assert [found["example"] for found in report["updated"]] == ["a stream"]
    assert [found["example"] for found in report["left"]] == ["overloaded in the middle"]


def test_what_is_inherited_is_not_written_into_the_child(wirefile: Run, chirp: Path) -> None:
    child = chirp / "child.yaml"
    child.write_text("spec_version: 1\nname: child\nextends: chirp\n", "utf-8")
    (chirp / "chirp.yaml").write_text(changed(("{text: Hello ✓", "{text: Bye")), "utf-8")
    ran = wirefile("test", "--update", str(child))
    assert (ran.code, child.read_text("utf-8")) == (1, "spec_version: 1\nname: child\nextends: chirp\n")
    assert f"{chirp / 'chirp.yaml'}:35  a stream: inherited by {child}" in ran.out
    assert "Bye" in (chirp / "chirp.yaml").read_text("utf-8")


def test_an_answer_that_differs_each_time_is_left(wirefile: Run, chirp: Path) -> None:
    file = chirp / "chirp.yaml"
    text = changed(("path: /chat\n", 'path: /chat\nquery: {id: "{{ uuid4() }}"}\n'), ("{text: Hello ✓", "{text: Bye"))
    text = text.replace("      method: POST\n", "      query: {id: one}\n", 1)
    file.write_text(text, "utf-8")
    ran = wirefile("test", "--update", str(chirp))
    assert (ran.code, file.read_text("utf-8")) == (1, text)
    assert "it fails with what was observed, too: request.query.id" in ran.out


def test_what_the_schema_refuses_is_not_written(wirefile: Run, chirp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.contracts import update

    file = chirp / "chirp.yaml"
    file.write_text(changed(("expect: {error: quota}", "expect: {error: rate_limit}")), "utf-8")
    apply = update._apply
    monkeypatch.setattr(update, "_apply", lambda example, failure: (apply(example, failure), example.update(bad=1)))
    ran = wirefile("test", "--update", str(chirp))
    assert (ran.code, "unknown-key" in ran.out) == (1, True)
    assert "rate_limit" in file.read_text("utf-8")


def test_a_read_only_file_is_left(wirefile: Run, chirp: Path) -> None:
    file = chirp / "chirp.yaml"
    file.write_text(changed(("{text: Hello ✓", "{text: Bye")), "utf-8")
    file.chmod(0o444)
    ran = wirefile("test", "--update", str(chirp))
    assert ran.code == 1
    assert ran.out == f"left     {file}:35  a stream: the file is read-only\n"


def test_a_write_that_fails_leaves_the_old_file(wirefile: Run, chirp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = chirp / "chirp.yaml"
    before = changed(("{text: Hello ✓", "{text: Bye"))
    file.write_text(before, "utf-8")

    def full(*words: object) -> None:
        raise OSError(28, "No space left on device", str(file))

    monkeypatch.setattr("engine.contracts.update.os.replace", full)
    ran = wirefile("test", "--update", str(chirp))
    assert ran.code == 2
    assert "No space left on device" in ran.err
    assert (os.listdir(chirp), file.read_text("utf-8")) == (["chirp.yaml"], before)


def test_steps_are_updated(wirefile: Run, tmp_path: Path) -> None:
    from .conftest import ROOT

    good = (ROOT / "providers" / "replicate.yaml").read_text("utf-8")
    old = "json: {stream: true, input: {prompt: Hi, system_prompt: Be brief., max_tokens: 20, stop_sequences: END}}"
    assert old in good
    file = tmp_path / "replicate.yaml"
    file.write_text(good.replace(old, old.replace("max_tokens: 20", "max_tokens: 21")), "utf-8")
    assert wirefile("test", "--update", str(file)).code == 0
    assert file.read_text("utf-8") == good
