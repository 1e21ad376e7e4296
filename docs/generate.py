"""Write the pages that are made from the code: `python docs/generate.py`. A test compares them with what is here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from engine import Catalog
from engine.cli.app import VERBS, cli
from engine.cli.explain import as_markdown
from engine.folders import builtin_folder
from engine.loader.rulebook import frame, rulebook

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]  # the tables beside this file, also where a test runs it by its path

import conformance  # noqa: E402
import faults  # noqa: E402
import keys  # noqa: E402
import usage  # noqa: E402

from benchmarks.chart import chart  # noqa: E402
from benchmarks.figures import Results  # noqa: E402
from benchmarks.page import RESULTS, page  # noqa: E402

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
    return keys.page(NOTE)


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


def reliability() -> str:
    """docs/reliability.md: each fault that a test shows survived, and what its caller gets."""
    return "\n".join([f"# What can go wrong, and what you get\n\n{NOTE}{FAULTS_NOTE}", *faults.table()]) + "\n"


FAULTS_NOTE = """\
Each row is a fault that tests bring about, mostly with `engine.testing` over a real socket. Whatever happens: one typed
error with the part of the answer that had come, no text given twice, nothing left open, and no secret in any output.
Run the tests of this page with `pytest -m fault`.
"""


def costs() -> str:
    """docs/benchmarks.md: the figures of the run that is kept in the repository."""
    return page(Results.load(RESULTS), NOTE)


def costs_chart() -> str:
    """docs/benchmarks.svg: the same run as a picture."""
    return chart(Results.load(RESULTS))


PAGES = {
    "cli.md": command_line,
    "reference.md": reference,
    "providers.md": providers,
    "language.md": language,
    "rules.md": rules,
    "reliability.md": reliability,
    "benchmarks.md": costs,
    "benchmarks.svg": costs_chart,
}

if __name__ == "__main__":
    for name, make in PAGES.items():
        (HERE / name).write_text(make(), encoding="utf-8")
