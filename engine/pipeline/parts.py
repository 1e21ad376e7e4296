"""A part of a message as the API writes it: by the file's template for its type, else as the caller wrote it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

from ..errors import ParameterError, UnsupportedError
from ..expressions import OMIT
from ..shaping import CONTENT, NAMES, PartShaping
from .moulds import Mould, itself
from .template import Context, Template
from .turn import Part

_WORDS: Mapping[str, str] = {
    "text": "a text",
    "image": "an image",
    "audio": "a sound",
    "file": "a file",
    "tool_call": "a tool call",
    "tool_result": "a result of a tool",
    "reasoning": "reasoning",
    "refusal": "a refusal",
}


def _own_text(part: Part) -> Any:
    return {"type": part.type, part.type: part.values["text"], **part.values.get("extra", {})}


def _own_call(part: Part) -> Any:
    values = part.values
    return {"id": values["id"], "type": "function", "function": {key: values[key] for key in ("name", "arguments")}}


_OWN: Mapping[str, Callable[[Part], Any]] = {"text": _own_text, "refusal": _own_text, "tool_call": _own_call}
"""Parts that can be written in the shape of chat completions when the caller wrote them in none."""


class PartShaper:
    """The templates of a file's `parts`; without that section, parts stay in the shape of chat completions."""

    def __init__(self, shaping: PartShaping | None) -> None:
        self._is_own = shaping is None
        self._fallback = "error" if shaping is None else shaping.fallback
        templates = {} if shaping is None else shaping.templates
        self._templates = {kind: Template(tree, f"parts.{kind}", NAMES[kind]) for kind, tree in templates.items()}
        self._made = {
            kind: [(name, make) for name, make in _MAKERS if name in template.reads]
            for kind, template in self._templates.items()
        }
        self.outer = frozenset[str]().union(*(template.outer for template in self._templates.values()))
        """The names of the call that the templates use."""

    def knows(self, kind: str) -> bool:
        """Whether a part of this type can be rendered."""
        return kind in CONTENT or kind in _OWN if self._is_own else kind in self._templates

    @property
    def keeps_extra(self) -> bool:
        """Whether what a caller wrote beside a text goes with it."""
        return "text" in self._templates and "extra" in self._templates["text"].reads

    # --- what can be said at all ---

    def settled(self, parts: Iterable[Part], accepted: frozenset[str], role: str, context: Context) -> list[Part]:
        """The parts that are sent: those of `accepted` types, for others what the file's `fallback` makes of them.

        Raises UnsupportedError for a part that the API cannot take.
        """
        kept: list[Part] = []
        for part in parts:
            if part.type in accepted:
                kept.append(part)
            elif part.type != "reasoning":
                kept.extend(self._fallen_back(part, accepted, role, context))
        return kept

    def _fallen_back(self, part: Part, accepted: frozenset[str], role: str, context: Context) -> list[Part]:
        if self._fallback == "drop":
            context.dropped("messages", dict(part.own) if part.own is not None else dict(part.values))
            return []
        if self._fallback == "text" and "text" in part.values and "text" in accepted:
            return [Part("text", {"text": part.values["text"]}, part.place)]
        what = _WORDS.get(part.type) or f"a part of the type {str((part.own or {}).get('type'))[:40]!r}"
        raise UnsupportedError(f"{context.owner} takes no messages of the role {role} with {what} ({part.place})")

    # --- rendering ---

    def text_mould(self, role: str) -> Mould:
        """What becomes of a text that has nothing beside it. Raises NoMouldError."""
        template = self._templates.get("text")
        if template is None:
            return lambda text: {"type": "text", "text": text}
        return template.mould({"role": role, "carry": OMIT, "extra": OMIT, "omit": OMIT}, {"text": itself})

    @property
    def text_cost(self) -> int:
        """What rendering a text costs."""
        return self._templates["text"].cost if "text" in self._templates else 0

    def render(self, part: Part, role: str, context: Context) -> Any:
        """A part as the API writes it; OMIT only for reasoning. Raises UnsupportedError or ParameterError."""
        template = self._templates.get(part.type)
        if template is None:
            return part.own if part.own is not None else _OWN[part.type](part)
        values = part.values
        if made := self._made[part.type]:
            values = {**values, **{name: make(self, part, role, context) for name, make in made}}
        value = template.render(values, context)
        if value is OMIT and part.type != "reasoning":
            _refuse(part, role, context)
        if "extra" in values and "extra" not in template.reads:
            context.dropped("messages", values["extra"])
        return value

    def content(self, parts: Sequence[Part], role: str, context: Context) -> Any:
        """The text when there is one part and it is text, else the list of rendered parts, None when there is none."""
        if len(parts) == 1 and parts[0].type == "text":
            part = parts[0]
            template = self._templates.get("text")
            if "extra" not in part.values or (template is not None and "extra" not in template.reads):
                if "extra" in part.values:
                    context.dropped("messages", part.values["extra"])
                return part.values["text"]
        return [self.render(part, role, context) for part in parts] or None

    def inner(self, part: Part, role: str, context: Context) -> list[Part]:
        """The parts of a tool's result, those that can be sent."""
        accepted = frozenset(kind for kind in CONTENT if self.knows(kind))
        return self.settled(part.inner, accepted, role, context)

    def check_result(self, part: Part, role: str, context: Context) -> None:
        """A result of which only the text is read has nothing else in it. Raises UnsupportedError."""
        template = self._templates.get("tool_result")
        if template is None or not template.reads & {"parts", "content"}:
            self.settled((one for one in part.inner if one.type != "text"), frozenset(), role, context)


def _arguments_object(shaper: PartShaper, part: Part, role: str, context: Context) -> Any:
    try:
        arguments = json.loads(part.values["arguments"], parse_constant=_no_constant)
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        call = part.values["name"]
        raise ParameterError(f"{part.place}: the arguments of the tool call '{call}' are no JSON object")
    return arguments


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def _inner_parts(shaper: PartShaper, part: Part, role: str, context: Context) -> Any:
    return [shaper.render(one, role, context) for one in shaper.inner(part, role, context)]


def _inner_content(shaper: PartShaper, part: Part, role: str, context: Context) -> Any:
    content = shaper.content(shaper.inner(part, role, context), role, context)
    return "" if content is None else content


_MAKERS: tuple[tuple[str, Callable[[PartShaper, Part, str, Context], Any]], ...] = (
    ("role", lambda shaper, part, role, context: role),
    ("arguments_object", _arguments_object),
    ("parts", _inner_parts),
    ("content", _inner_content),
)
"""Names of parts that are worked out only for a template that reads them."""


def _refuse(part: Part, role: str, context: Context) -> NoReturn:
    given = next((word for key, word in _GIVEN.items() if key in part.values), "as it is")
    what = _WORDS[part.type]
    raise UnsupportedError(f"{context.owner} does not take {what} {given} ({part.place}, role {role})")


_GIVEN: Mapping[str, str] = {
    "link": "by link; give it as a data URL",
    "data": "as data; give a link to it",
    "file_id": "by the id of a file; give it as a data URL",
}
"""How a medium was given, and what to do where the API does not take it so."""
