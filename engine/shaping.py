"""What a file says of the wire's shape of messages, parts and tools, as frozen values, and the names that it may use.

Every field means what `schemas/provider.schema.json` says of the key of that name; defaults come from there too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from .value import value

PART_TYPES = ("text", "image", "audio", "file", "tool_call", "tool_result", "reasoning", "refusal")
"""What a message is made of."""

ROLES = ("system", "developer", "user", "assistant", "tool")
"""Whose messages there are; the legacy role `function` counts as `tool`."""

CHOICES = ("auto", "required", "none", "tool")
"""What a caller may choose of the tools; `tool` is one of them by its name."""

_MEDIA = ("role", "url", "mime", "data", "link", "format", "detail", "filename", "file_id", "extra")
_TEXT = ("role", "text", "carry", "extra")

NAMES: Mapping[str, frozenset[str]] = {
    "message": frozenset(
        {
            *("role", "name", "text", "parts", "content", "images", "tool_calls", "tool_results", "result"),
            *("reasoning", "carry", "extra"),
        }
    ),
    "text": frozenset(_TEXT),
    "image": frozenset(_MEDIA),
    "audio": frozenset(_MEDIA),
    "file": frozenset(_MEDIA),
    "tool_call": frozenset({"role", "id", "name", "arguments", "arguments_object", "carry"}),
    "tool_result": frozenset({"role", "id", "name", "text", "is_error", "parts", "content"}),
    "reasoning": frozenset(_TEXT),
    "refusal": frozenset(_TEXT),
    "tool": frozenset({"name", "description", "parameters", "strict"}),
    "choice": frozenset(),
    "forced": frozenset({"name"}),
}
"""The names that each place for a template offers, beside settings, params, `model` and `stream`."""

COLLECTIONS = frozenset(
    {"parts", "images", "tool_calls", "tool_results", "result", "carry", "extra", "arguments_object", "parameters"}
)
"""Those of the names that hold lists or maps."""

CONTENT = frozenset({"text", "image", "audio", "file", "refusal", "other"})
"""The types of part that stand in a message's `content`; `other` is one that has no name here."""

RAW: Mapping[str, str] = {"text": "text", "result": "tool_result", "reasoning": "reasoning"}
"""Names of a shape that hold what a type of part says, without its template."""

RENDERED: Mapping[str, frozenset[str]] = {
    "parts": frozenset({*PART_TYPES, "other"}),
    "content": CONTENT,
    "images": frozenset({"image"}),
    "tool_calls": frozenset({"tool_call"}),
    "tool_results": frozenset({"tool_result"}),
}
"""Names of a shape that hold rendered parts, and of which types."""


@value
class MessageShaping:
    """How messages become the API's: passes in the order of the fields, then a template for each message."""

    system: Literal["inline", "field", "first_user"] = "inline"
    roles: Mapping[str, str] = field(default_factory=dict)
    merge_consecutive: bool = False
    first_user: str | None = None
    tool_results: Literal["message", "user_block"] = "message"
    drop_empty: bool = False
    trim_last_assistant: bool = False
    reasoning: Literal["drop", "replay"] = "drop"
    replay_within: Literal["turn", "always"] = "always"
    items: tuple[str, ...] = ()
    shapes: Mapping[str, Any] = field(default_factory=dict)


@value
class PartShaping:
    """A template for each type of part, and what becomes of a part that has none."""

    templates: Mapping[str, Any] = field(default_factory=dict)
    fallback: Literal["error", "drop", "text"] = "error"


@value
class ToolShaping:
    """A template for one tool, passes over the schema of its parameters, and what each choice of tools is called.

    `schema` holds pairs of a pass and its option.
    """

    shape: Any = None
    schema: tuple[tuple[str, Any], ...] = ()
    choice: Mapping[str, Any] | None = None
    drop_on_none: bool = False
    only_forced: bool = False
