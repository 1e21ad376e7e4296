"""Figures as a picture, for light and dark pages: a bar for each client, from 1 H to what it costs, to the left where
that is less. The scale is logarithmic: the costliest client costs hundreds of times what the cheapest does."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from .cases import CPU
from .contenders.known import FAST, OWN_CLIENT, PLAIN, SOCKET, H
from .figures import Figure, Results
from .table import number

PANELS: Mapping[str, str] = {"stream": "A delta of a stream", "request": "A tiny request, warm connection"}
LABELS: Mapping[str, str] = {
    H: "httpx, nothing parsed",
    SOCKET: "bare socket, nothing parsed",
    PLAIN: "wirefile",
    OWN_CLIENT: "wirefile, your httpx client",
    FAST: "wirefile[fast]",
}
OURS = {PLAIN, OWN_CLIENT, FAST}

WIDTH, MARGIN, LABEL, VALUE = 760, 24, 210, 60
ROW, BAR, HEADING = 24, 14, 46
STYLE = """\
text { font: 13px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #1f2328 }
.title { font-size: 16px; font-weight: 600 }
.heading, .ours { font-weight: 600 }
.note { font-size: 12px; fill: #59636e }
.page { fill: #ffffff; stroke: #d1d9e0 }
.grid { stroke: #d1d9e0; stroke-width: 1 }
.unit { stroke: #59636e; stroke-width: 1.5 }
.bar { fill: #9aa4b0 }
.bar.ours { fill: #1f6feb }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .note { fill: #9198a1 }
  .page { fill: #0d1117; stroke: #3d444d }
  .grid { stroke: #262c36 }
  .unit { stroke: #9198a1 }
  .bar { fill: #656c76 }
  .bar.ours { fill: #4493f8 }
}
"""


@dataclass(frozen=True, slots=True)
class Scale:
    """Where a ratio stands, from left to right; whole powers of ten are at both ends."""

    low: int
    high: int

    @classmethod
    def over(cls, values: Iterable[float]) -> Scale:
        """The scale on which all of these are."""
        exponents = [math.log10(value) for value in values]
        return cls(min(math.floor(min(exponents)), -1), max(math.ceil(max(exponents)), 1))

    def at(self, value: float) -> float:
        """The place of a value."""
        left, right = MARGIN + LABEL, WIDTH - MARGIN - VALUE
        return left + (right - left) * (math.log10(value) - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """The powers of ten."""
        return [10.0**exponent for exponent in range(self.low, self.high + 1)]


def chart(results: Results) -> str:
    """The chart of one run, as the text of an SVG file. Raises ValueError for one without streams and requests."""
    panels = {case: _of(results.figures, case) for case in PANELS}
    panels = {case: figures for case, figures in panels.items() if figures}
    if not panels:
        raise ValueError("there is no figure of stream or request to draw")
    scale = Scale.over(figure.value for figures in panels.values() for figure in figures)
    body, top = list(_head()), 70
    for case, figures in panels.items():
        body += _panel(PANELS[case], figures, scale, top)
        top += HEADING + ROW * len(figures) + 26
    height = top + 4
    described = "; ".join(
        f"{PANELS[case]}: " + ", ".join(f"{_label(figure)} {number(figure.value)}" for figure in figures)
        for case, figures in panels.items()
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}">',
            f"<title>What a client costs beside httpx</title>\n<desc>{escape(described)}</desc>",
            f"<style>\n{STYLE}</style>",
            f'<rect class="page" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
            *body,
            "</svg>\n",
        ]
    )


def _of(figures: Iterable[Figure], case: str) -> list[Figure]:
    return sorted((f for f in figures if f.case == case and f.measure == CPU), key=lambda figure: figure.value)


def _label(figure: Figure) -> str:
    return LABELS.get(figure.who, figure.who)


def _head() -> Iterator[str]:
    yield _text(MARGIN, 34, "CPU time of the client, in units of bare httpx", "title")
    yield _text(MARGIN, 54, "Logarithmic. What is left of 1 H is cheaper than httpx with nothing parsed.", "note")


def _panel(heading: str, figures: Sequence[Figure], scale: Scale, top: int) -> Iterator[str]:
    bottom = top + HEADING + ROW * len(figures)
    yield _text(MARGIN, top + 24, heading, "heading")
    for tick in scale.ticks():
        at, kind = scale.at(tick), "unit" if tick == 1 else "grid"
        yield f'<line class="{kind}" x1="{at:.1f}" x2="{at:.1f}" y1="{top + HEADING - 8}" y2="{bottom}"/>'
        yield _text(at, bottom + 16, f"{tick:g} H", "note", "middle")
    for index, figure in enumerate(figures):
        yield from _row(figure, scale, top + HEADING + ROW * index)


def _row(figure: Figure, scale: Scale, top: int) -> Iterator[str]:
    ours = " ours" if figure.who in OURS else ""
    start, end = sorted((scale.at(1), scale.at(figure.value)))
    middle = top + ROW / 2
    yield _text(MARGIN, middle + 4, _label(figure), ours.strip())
    size = f'x="{start:.1f}" y="{middle - BAR / 2}" width="{end - start:.1f}" height="{BAR}"'
    yield f'<rect class="bar{ours}" {size} rx="2"/>'
    if figure.value < 1:
        yield _text(start - 6, middle + 4, number(figure.value), ours.strip(), "end")
    else:
        yield _text(end + 6, middle + 4, number(figure.value), ours.strip())


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
