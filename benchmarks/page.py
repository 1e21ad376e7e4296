"""docs/benchmarks.md, from the figures of a saved run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from .cases import BESIDE_FAST, CPU, FIRST, cases
from .contenders.known import KNOWN, PEERS
from .figures import Figure, Results
from .table import figures_table, table, versions_table, with_unit

RESULTS = Path(__file__).resolve().parent / "results.json"
AGAIN = "python -m benchmarks --peers --json benchmarks/results.json && python docs/generate.py"

INTRODUCTION = """\
All figures are ratios. **H** is what bare httpx costs for the same bytes: `httpx.AsyncClient().stream(...).aiter_raw()`
with nothing parsed; without a loop, `httpx.Client().stream(...).iter_raw()`. CPU is user and system time of the
client's process, measured behind a warm-up. The server is a process of its own on loopback that writes prepared bytes;
what a bare socket costs shows how far it is from being the bottleneck. Each contender is a process too, and is asked
once a round, in an order that turns. A ratio is taken within a round; a figure is the median of the rounds, beside it
the lowest and the highest. A contender that was not given the whole answer has no figure.

`plain` is `AsyncClient()` as `pip install .` brings it, `fast` the same with the extra `fast`, and `own client` is
given the caller's own `httpx.AsyncClient()`. All of them read every event of the answer, with limits and deadlines on.
"""


def page(results: Results, note: str) -> str:
    """The page."""
    goals = [figure for figure in results.figures if figure.goal is not None]
    others = [figure for figure in results.figures if figure.goal is None and figure.who not in PEERS]
    parts = [
        f"# What it costs\n\n{note}{INTRODUCTION}",
        f"![CPU time of several clients in units of bare httpx](benchmarks.svg)\n\n{_origin(results)}",
        f"## Goals\n\n{figures_table(goals) if goals else 'A quick run has none.'}",
        f"## Beside other clients\n\n{PEERS_NOTE}\n{peers_table(results.figures)}",
        f"## All other figures\n\n{figures_table(others)}",
        f"## The cases\n\n{cases_table()}\n\n{CASES_NOTE}",
        f"## Versions\n\n{versions_table(results.versions)}",
    ]
    if results.failures:
        parts.append(f"## Not measured\n\n{table(('case', 'who', 'because'), results.failures)}")
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def _origin(results: Results) -> str:
    return (
        f"Measured on {results.date}: {results.machine}, {results.rounds} rounds, the invented dialect of seed "
        f"{results.seed}. The figures are in\n[benchmarks/results.json](../benchmarks/results.json). "
        f"The command was\n\n```sh\n{results.command}\n```\n\nand this writes the page anew, from your machine:"
        f"\n\n```sh\n{AGAIN}\n```"
    )


PEERS_NOTE = """\
Each in an environment of its own, with its pinned packages (`benchmarks/peers`), called as its own pages show it, with
the same chat completions from the same server. `x fast` says how often its CPU is that of `fast`.
"""
CASES_NOTE = """\
`render` renders a chat of twenty messages, beside a dict that is built by hand and dumped with `json`. `calls` counts
function calls with cProfile: above the transport, and of a request in all. `start` takes new processes. `files` takes a
folder of a thousand files: the first use of one beside the same file alone in its folder, and all of them when they are
known from an earlier process. `growth` is what a unit costs where there are four times as many.
"""


def cases_table() -> str:
    """What is asked in each case over the network."""
    return table(("case", "what is asked"), [(case.name, case.title) for case in cases(0)])


def peers_table(figures: Iterable[Figure]) -> str:
    """Streams and requests of every client that was measured beside others, the cheapest stream first."""
    found: Mapping[tuple[str, str, str], Figure] = {(f.case, f.measure, f.who): f for f in figures}
    names = [name for name in KNOWN if ("stream", CPU, name) in found and KNOWN[name].reads != "wire"]
    columns = (
        ("stream, a delta", "stream", CPU),
        ("beside fast", "stream", BESIDE_FAST),
        ("paced, a delta", "paced", CPU),
        ("request", "request", CPU),
        ("first token", "request", FIRST),
    )
    rows = [
        (name, *(_cell(found.get((case, measure, name))) for _, case, measure in columns))
        for name in sorted(names, key=lambda name: found["stream", CPU, name].value)
    ]
    return table(("client", *(head for head, _, _ in columns)), rows)


def _cell(figure: Figure | None) -> str:
    return with_unit(figure) if figure else ""
