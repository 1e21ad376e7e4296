"""Write the pages that are made from the code: `python docs/generate.py`. A test compares them with what is here."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from engine import Catalog
from engine.cli.app import VERBS, cli
from engine.cli.explain import as_markdown
from engine.expressions import FILTERS, FUNCTIONS, TESTS
from engine.folders import builtin_folder
from engine.loader.rulebook import frame, rulebook
from engine.loader.schema import schema

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # the tables beside this file, also where a test runs it by its path

import conformance  # noqa: E402
import usage  # noqa: E402

NOTE = "<!-- made by docs/generate.py: change the code, not this page -->\n\n"


def command_line() -> str:
    """docs/cli.md: the help of every verb."""
    settings: dict[str, Any] = {"max_content_width": 100, "terminal_width": 100, "help_option_names": ["-h", "--help"]}
    context = click.Context(cli, info_name="wirefile", **settings)
    pages = [f"# The command line\n\n{NOTE}```text\n{cli.get_help(context)}\n```\n"]
    for verb in VERBS:
        command = cli.get_command(context, verb)
        assert command is not None
        help_text = command.get_help(click.Context(command, context, verb, **settings))
        pages.append(f"## {verb}\n\n```text\n{help_text}\n```\n")
    return "\n".join(pages)


def reference() -> str:
    """docs/reference.md: every key of a provider file, from the schema, and the tables of expressions."""
    root = schema()
    lines = [f"# Every key of a provider file\n\n{NOTE}{root['description']}\n"]
    lines += ["| key | type | default | meaning | example |", "|---|---|---|---|---|"]
    lines += list(_rows(root, "", frozenset()))
    lines += ["", "## Named parts\n", "Keys that stand in several places are described once.\n"]
    for name, node in root["$defs"].items():
        rows = list(_rows(node, "", frozenset({name})))
        if rows:
            lines += [f"### {name}\n", node.get("description", ""), ""]
            lines += ["| key | type | default | meaning | example |", "|---|---|---|---|---|", *rows, ""]
    lines += ["## Expressions\n"]
    lines += ["`{{ }}` holds one expression: names, `a.b`, `a[0]`, literals, comparison, arithmetic, `and or not`,"]
    lines += ["`x if c else y`, `~` to join texts, and what these tables list. A key with **settings** beside its type"]
    lines += [
        "may use settings; one with **call** may also use params and `model messages stream tools tool_choice omit`;",
        "one with **auth** may use settings, `omit`, `secrets.NAME` and the request: `method path query body`.",
        "one with **token** may use settings, `omit`, `secrets.NAME` and `assertion`; one with **steps** is the value of",  # noqa: E501
        "a step, `steps.NAME.VALUE`, which those with **call** may use too.",
        "Any other word there names a place of the pipeline, whose own names its meaning lists: they hide a setting or a",  # noqa: E501
        "param of the same name, and stand beside settings, params and `model stream omit`.\n",
    ]
    for title, table in (("filter", FILTERS), ("test", TESTS), ("function", FUNCTIONS)):
        lines += [f"| {title} | meaning |", "|---|---|"]
        lines += [
            f"| `{name}{'()' if title == 'function' else ''}` | {entry.meaning} |" for name, entry in table.items()
        ]
        lines += [""]
    return "\n".join(lines)


def _rows(node: dict[str, Any], path: str, seen: frozenset[str]) -> Iterator[str]:
    for branch, part in _parts(node):
        for key, child in part.get("properties", {}).items():
            if child is not True:
                yield from _row(child, f"{path}{key}", seen, branch, required=key in part.get("required", ()))
    extra = node.get("additionalProperties")
    if isinstance(extra, dict):
        yield from _row(extra, f"{path}*", seen)
    if isinstance(node.get("items"), dict):
        yield from _row(node["items"], f"{path.removesuffix('.')}[]", seen)


def _parts(node: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The places where a schema names keys: itself, its two forms, and its branches by `type`."""
    yield "", node
    yield "", node.get("then", {})
    yield "", node.get("else", {})
    for branch in node.get("allOf", ()):
        yield f" (type {branch['if']['properties']['type']['const']})", branch["then"]


def _row(
    node: dict[str, Any], path: str, seen: frozenset[str], branch: str = "", *, required: bool = False
) -> Iterator[str]:
    reference = node.get("$ref", "").rpartition("/")[2]
    target = schema()["$defs"][reference] if reference else {}
    merged = {**target, **node}
    kind = merged.get("type", "any" if "enum" not in merged and "const" not in merged else "")
    kind = " or ".join(kind) if isinstance(kind, list) else kind
    values = merged.get("enum", [merged["const"]] if "const" in merged else [])
    words = ", ".join(f"`{json.dumps(value)}`" for value in values)
    template = f" **{merged['x-template']}**" if "x-template" in merged else ""
    default = f"`{json.dumps(merged['default'])}`" if "default" in merged else ""
    example = f"`{json.dumps(merged['examples'][0], ensure_ascii=False)}`" if merged.get("examples") else ""
    meaning = merged.get("description", "")
    cells = (f"`{path}`{branch}{', required' * required}", f"{kind}{words}{template}", default, meaning, example)
    yield "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
    if reference and _has_keys(target) and not _is_leaf(target):
        return  # described once, among the named parts
    yield from _rows(node, f"{path}.", seen)


def _has_keys(node: dict[str, Any]) -> bool:
    return next(_rows(node, "", frozenset()), None) is not None


def _is_leaf(node: dict[str, Any]) -> bool:
    return node.get("type") not in ("object",) and "properties" not in node


def providers() -> str:
    """docs/providers.md: the built-in files, what each can do, and what becomes of each parameter."""
    catalog = Catalog(builtin_folder())
    lines = [f"# The built-in provider files\n\n{NOTE}", "| name | title | url | default model | secrets | working |"]
    lines += ["|---|---|---|---|---|---|"]
    for name in catalog.names():
        spec = catalog.spec(name)
        secrets = ", ".join(variable for secret in spec.secrets.values() for variable in secret.env)
        cells = (name, spec.title, spec.url, spec.models.default or "", secrets, "yes" if spec.working else "no")
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "## What each can do\n", FEATURES_NOTE, *conformance.features(catalog)]
    lines += ["", "## What becomes of each parameter\n", PARAMETERS_NOTE, *conformance.parameters(catalog)]
    return "\n".join(lines) + "\n"


FEATURES_NOTE = """\
Read off the files. `replay`: an answer's reasoning goes back with the next call; `images`: `as given` where messages go
out in the shape of chat completions, pictures too; `errors`: how many rules there are beyond those by status.
"""
PARAMETERS_NOTE = """\
A name in backquotes is where it goes in the payload; a value beyond a range is refused, unless it is `clamped`. Some
models take less: see `models.patches` in a file.
"""


def language() -> str:
    """docs/language.md: which files use which words of the language."""
    lines = [f"# Who uses what of the language\n\n{NOTE}"]
    lines += ["A family is a protocol with all files on it, or a file that stands alone.\n", *usage.table()]
    return "\n".join(lines) + "\n"


def rules() -> str:
    """docs/rules.md: every rule that a provider file is held to, with a bad and a good example."""
    lines = [f"# The rules of provider files\n\n{NOTE}{RULES_NOTE}\n```yaml\n{frame()}```"]
    chapter = ""
    for rule in rulebook().values():
        if rule.chapter != chapter:
            chapter = rule.chapter
            lines += [f"\n## {chapter}"]
        lines += [f"\n### {rule.name}\n\n{as_markdown(rule)}"]
    return "\n".join(lines) + "\n"


RULES_NOTE = """\
`wirefile validate` reports each problem with the name of its rule, and `wirefile validate --explain RULE` prints what
stands here. An example is the top-level keys that matter: they take the place of these keys in this file, `acme.yaml`.
A test runs them all: a bad one breaks its rule and no other, a good one none.
"""

PAGES = {
    "cli.md": command_line,
    "reference.md": reference,
    "providers.md": providers,
    "language.md": language,
    "rules.md": rules,
}

if __name__ == "__main__":
    for name, make in PAGES.items():
        (HERE / name).write_text(make(), encoding="utf-8")
