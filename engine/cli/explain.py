"""A rule and its examples, put into words for a terminal and for a page."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator

from ..loader.rulebook import STRETCH, Rule

_LAID_OVER = "The examples are the keys that matter; they take the place of these keys in a valid file, acme.yaml."
_WIDTH = 88


def as_text(rule: Rule, strong: Callable[[str], str] = str) -> str:
    """A rule as `wirefile validate --explain` prints it; `strong` marks what stands out on a terminal."""
    lines = [f"{strong(rule.name)} ({rule.severity}): {rule.title}", ""]
    for words in (f"{rule.meaning} {_note(rule, _LAID_OVER)}", f"It keeps a promise: {rule.protects}"):
        lines += [textwrap.fill(words, _WIDTH), ""]
    for caption, text in examples(rule):
        lines += [f"{strong(caption)}:", textwrap.indent(text.rstrip("\n"), "    "), ""]
    return "\n".join(lines[:-1])


def as_markdown(rule: Rule) -> str:
    """A rule as it stands in docs/rules.md and in SARIF."""
    lines = [f"**{rule.title}.** {rule.meaning} {_note(rule)}".rstrip(), ""]
    lines += [f"Severity: {rule.severity}. It keeps a promise: {rule.protects}"]
    for caption, text in examples(rule):
        lines += ["", f"{caption}:", "", f"```{'text' if rule.bad.folder else 'yaml'}", text.rstrip("\n"), "```"]
    return "\n".join(lines)


def examples(rule: Rule) -> Iterator[tuple[str, str]]:
    """The examples of a rule, each with its caption, and the files that lie beside them."""
    yield "Bad", rule.bad.lines
    yield "Good", rule.good.lines
    for name, text in (rule.good.beside or {}).items():
        yield f"Beside it, {name}", text


def _note(rule: Rule, of_lines: str = "") -> str:
    """What a reader of the examples must know; `of_lines` is said of those that are a part of a file."""
    notes = [] if rule.bad.whole or rule.bad.folder or not of_lines else [of_lines]
    if rule.bad.stretch is not None:
        text, times = rule.bad.stretch
        notes.append(f"In the examples `{STRETCH}` stands for {times} times `{text}`.")
    if rule.bad.whole:
        notes.append("The examples are whole files.")
    if rule.bad.folder:
        notes.append("The examples are the paths of a folder.")
    return " ".join(notes)
