"""The only home of yaml: text -> plain data in which every key and value keeps its place.

A restricted YAML: one document, string keys, no duplicate keys, aliases, merges or tags, YAML 1.2 core scalars. It
works on the parser's events, which do not recurse, and bounds depth before anything is built: libyaml's own composer
ends the process on deep nesting, and PyYAML's lets duplicate keys pass.
"""

from __future__ import annotations

import math
import re
from typing import Any, Final

import yaml

from ..errors import Problems
from .document import MAX_NODES, Document, Place
from .source import Mark, Source
from .wording import shortened
from .yamlfaults import half_character, syntax_problem, too_deep_at

MAX_DEPTH = 32
MAX_DIGITS = 400

# The pure Python parser gives the same events, eight times slower, where PyYAML was built without libyaml.
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_UNUSABLE: Final = "\0"
"""Begins what stands for a key that cannot be used (no text, given twice); it and its value are dropped at the end."""

_STAND_IN: Final = math.nan
"""Stands for a number that cannot be used: it is within any bounds."""

SCALARS: tuple[tuple[str, re.Pattern[str], Any], ...] = (
    ("null", re.compile(r"|~|null|Null|NULL"), lambda text: None),
    ("bool", re.compile(r"true|True|TRUE"), lambda text: True),
    ("bool", re.compile(r"false|False|FALSE"), lambda text: False),
    ("int", re.compile(r"[-+]?[0-9]+"), int),
    ("int", re.compile(r"0o[0-7]+"), lambda text: int(text, 8)),
    ("int", re.compile(r"0x[0-9a-fA-F]+"), lambda text: int(text, 16)),
    ("float", re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
    ("float", re.compile(r"[-+]?(\.inf|\.Inf|\.INF)"), lambda text: -math.inf if text[0] == "-" else math.inf),
    ("float", re.compile(r"\.nan|\.NaN|\.NAN"), lambda text: math.nan),
)
"""The core schema of YAML 1.2.2, 10.3.2, as tag, pattern and meaning: `on`, `no`, `12:30` and dates are text."""


class _Open:
    """A map or list whose end has not come yet."""

    __slots__ = ("container", "key", "place", "skipped", "start")

    def __init__(self, container: Any, place: Place, start: int, *, skipped: bool) -> None:
        self.container = container
        self.place = place
        self.start = start
        self.key: str | None = None  # a map's key that waits for its value
        self.skipped = skipped  # a collection used as a key: read over


def read(source: Source, problems: Problems) -> Document:
    """The document of a source. What is wrong is added to `problems`; what can be read is read all the same."""
    builder = _Builder(source, problems)
    try:
        for event in yaml.parse(source.text, Loader=_LOADER):
            if not builder.take(event):
                break
    except yaml.MarkedYAMLError as error:
        end = too_deep_at(error)
        if end is None:
            problems.found.append(syntax_problem(source, error, _LOADER))
        else:  # libyaml looks ahead, and gives up before it tells of the first brackets: without the last, it does
            _read_up_to(end, builder)
    except (yaml.YAMLError, ValueError) as error:
        problems.found.append(source.problem(0, "yaml-syntax", _first_line(error)))
    builder.document.values.setdefault((), Mark(source, 0, len(source.text)))
    return builder.document


def _read_up_to(end: int, builder: _Builder) -> None:
    """Read the beginning of a source again, whose nesting is too deep."""
    shorter = _Builder(builder.source, Problems())
    try:
        for event in yaml.parse(builder.source.text[:end], Loader=_LOADER):
            if not shorter.take(event):
                break
    except yaml.YAMLError:
        pass
    builder.problems.found.extend(found for found in shorter.problems.found if found.rule == "too-deep")


class _Builder:
    def __init__(self, source: Source, problems: Problems) -> None:
        self.document = Document(source)
        self.source = source
        self.problems = problems
        self.stack: list[_Open] = []
        self.seen_document = False
        self.nodes = 0

    def report(self, offset: int, rule: str, message: str, hint: str = "") -> None:
        self.problems.found.append(self.source.problem(offset, rule, message, hint))

    def take(self, event: Any) -> bool:
        """Take one event; False ends the reading."""
        start = event.start_mark.index
        self.nodes += isinstance(event, yaml.NodeEvent)
        if self.nodes > MAX_NODES:
            self.report(start, "spec-too-big", f"the file holds more than {MAX_NODES} values", "shorten its examples")
            return False
        if isinstance(event, yaml.DocumentStartEvent):
            if self.seen_document:
                self.report(start, "multiple-documents", "a second document begins here", "one file is one provider")
                return False
            self.seen_document = True
        elif isinstance(event, yaml.AliasEvent):
            hint = "write the value out"
            self.report(start, "alias-not-allowed", f"'*{event.anchor}' is an alias", hint)
            self.add(None, event)
        elif isinstance(event, yaml.ScalarEvent):
            self.refuse_tag_and_anchor(event)
            self.scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self.refuse_tag_and_anchor(event)
            return self.open(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.close(event)
        return True

    def refuse_tag_and_anchor(self, event: Any) -> None:
        start = event.start_mark.index
        if event.anchor is not None:
            self.report(start, "alias-not-allowed", f"'&{event.anchor}' is an anchor", "write each value out")
        if event.tag is not None:
            self.report(start, "tag-not-allowed", f"the tag '{shortened(event.tag)}' is not allowed", "remove it")

    def open(self, event: Any) -> bool:
        start = event.start_mark.index
        if len(self.stack) >= MAX_DEPTH:
            self.report(start, "too-deep", f"the file nests deeper than {MAX_DEPTH} levels", "flatten it")
            return False
        container: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        parent = self.stack[-1] if self.stack else None
        as_key = parent is not None and type(parent.container) is dict and parent.key is None
        if as_key and parent is not None and not parent.skipped:
            self.report(*self.no_key(start))
        skipped = parent is not None and (parent.skipped or as_key)
        place = () if skipped else self.next_place()
        if not skipped:
            self.put(container, Mark(self.source, start, event.end_mark.index))
        self.stack.append(_Open(container, place, start, skipped=skipped))
        return True

    def no_key(self, start: int) -> tuple[int, str, str, str]:
        """What is wrong with a collection that stands for a key."""
        if self.source.text.startswith("{{", start - 1) and start > 0:
            hint = 'put the template in quotes: "{{ ... }}"'
            return start - 1, "key-not-string", "'{{' without quotes opens a map in a map, and no template", hint
        return start, "key-not-string", "a key is text, not a list or a map", "put it in quotes"

    def close(self, event: Any) -> None:
        closed = self.stack.pop()
        if closed.skipped:
            if not self.stack[-1].skipped:
                self.stack[-1].key = f"{_UNUSABLE}{closed.start}"
            return
        if type(closed.container) is dict:
            for key in [key for key in closed.container if key.startswith(_UNUSABLE)]:
                del closed.container[key]
        self.document.values[closed.place] = Mark(self.source, closed.start, event.end_mark.index)
        self.settled()

    def next_place(self) -> Place:
        if not self.stack:
            return ()
        parent = self.stack[-1]
        return (*parent.place, parent.key if type(parent.container) is dict else len(parent.container))  # type: ignore[arg-type]

    def put(self, value: Any, mark: Mark) -> None:
        """Set a value in the collection that is open; its key, if it needs one, is known."""
        place = self.next_place()
        self.document.values.setdefault(place, mark)
        if not self.stack:
            self.document.data = value
        elif type(self.stack[-1].container) is dict:
            self.stack[-1].container.setdefault(self.stack[-1].key, value)
        else:
            self.stack[-1].container.append(value)

    def settled(self) -> None:
        """A value is complete: in a map, a key comes next."""
        if self.stack and type(self.stack[-1].container) is dict:
            self.stack[-1].key = None

    def add(self, value: Any, event: Any, style: str = "") -> None:
        parent = self.stack[-1] if self.stack else None
        if parent is not None and parent.skipped:
            return
        mark = Mark(self.source, event.start_mark.index, event.end_mark.index, style)
        if parent is not None and type(parent.container) is dict and parent.key is None:
            parent.key = self.key(value, mark, parent)
            return
        self.put(value, mark)
        self.settled()

    def key(self, value: Any, mark: Mark, parent: _Open) -> str:
        shown = shortened(self.source.text[mark.start : mark.end])
        unusable = f"{_UNUSABLE}{mark.start}"
        if not isinstance(value, str) or value.startswith(_UNUSABLE):
            if not shown.startswith("*"):  # an alias was reported as such
                self.report(mark.start, "key-not-string", f"the key {shown} is not text", "put it in quotes")
            return unusable
        if value == "<<" and not mark.style:
            self.report(mark.start, "merge-not-allowed", "'<<' merges maps, which is not allowed", "write the keys out")
            return unusable
        place = (*parent.place, value)
        if place in self.document.keys:
            first, _ = self.source.position(self.document.keys[place].start)
            message = f"'{shortened(value)}' is given twice, first in line {first}"
            self.report(mark.start, "duplicate-key", message, "keep one of them")
            return unusable
        self.document.keys[place] = mark
        return value

    def scalar(self, event: Any) -> None:
        style = event.style or ""
        value: Any = event.value
        if not style:
            value = self.resolve(value, event.start_mark.index)
        if isinstance(value, str) and (bad := re.search("[\ud800-\udfff]", value)):
            mark = Mark(self.source, event.start_mark.index, event.end_mark.index, style)
            self.problems.found.append(half_character(self.source, mark.offset_of(value, bad.start())))
            value = ""
        self.add(value, event, style)

    def resolve(self, text: str, start: int) -> Any:
        for _, pattern, convert in SCALARS:
            if pattern.fullmatch(text):
                if len(text) > MAX_DIGITS:
                    hint = "put it in quotes if it is text"
                    self.report(start, "number-too-long", f"a number has at most {MAX_DIGITS} digits", hint)
                    return _STAND_IN
                value = convert(text)
                if isinstance(value, float) and not math.isfinite(value):
                    self.report(start, "not-finite", f"{shortened(text)} is no finite number", "JSON cannot say it")
                    return _STAND_IN
                return value
        return text


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else "the YAML cannot be read"
