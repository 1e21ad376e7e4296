"""Figures as tables in Markdown, which read as they are on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .figures import Figure, Results

HEAD = ("case", "measure", "who", "figure", "of the rounds", "goal", "is", "in seconds")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose columns are as wide as what is in them."""
    cells = [tuple(head), *map(tuple, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]

    def line(row: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"

    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([line(cells[0]), rule, *map(line, cells[1:])])


def figures_table(figures: Iterable[Figure]) -> str:
    """All figures, one a row."""
    return table(HEAD, [_row(figure) for figure in figures])


def _row(figure: Figure) -> Sequence[str]:
    spread = f"{number(figure.low)} to {number(figure.high)}" if figure.low != figure.high else ""
    return (
        figure.case,
        figure.measure,
        figure.who,
        with_unit(figure),
        spread,
        goal(figure),
        "" if figure.goal is None else "met" if figure.is_met else "MISSED",
        seconds(figure.absolute),
    )


def number(value: float) -> str:
    """Three digits that count; thousands as they are."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:#.3g}".rstrip(".")


def with_unit(figure: Figure) -> str:
    """The figure as it is said: 0.25 H, 1.1 x ideal."""
    return said(figure.value, figure.unit)


def said(value: float, unit: str) -> str:
    """A value with its unit."""
    return f"{number(value)} {unit}".rstrip()


def goal(figure: Figure) -> str:
    """What was to be reached."""
    if figure.goal is None:
        return ""
    return f"at {'least' if figure.is_floor else 'most'} {figure.goal:,g}"


def seconds(value: float | None) -> str:
    """A time in the unit in which it has digits before the point."""
    if value is None:
        return ""
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "us")):
        if value * factor >= 1 or unit == "us":
            return f"{number(value * factor)} {unit}"
    raise AssertionError


def versions_table(versions: Mapping[str, Mapping[str, str]]) -> str:
    """What each contender is made of."""
    return table(("who", "versions"), [(who, ", ".join(map(" ".join, has.items()))) for who, has in versions.items()])


def report(results: Results) -> str:
    """The whole run as text."""
    run = f"{results.machine}; {results.rounds} rounds; invented dialect {results.seed}; {results.date}"
    parts = [run, figures_table(results.figures), versions_table(results.versions)]
    if results.failures:
        parts.append(table(("case", "who", "no figure, because"), results.failures))
    return "\n\n".join(parts)
