"""The tools of a call, and the choice among them, as the API writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..chat_request import ChatRequest, forced_tool
from ..errors import ParameterError, UnsupportedError
from ..expressions import OMIT
from ..shaping import NAMES, ToolShaping
from .json_schema import SCHEMA_PASSES, SchemaError
from .template import Context, Template

Tool = Mapping[str, Any]
Choice = str | Mapping[str, Any] | None

_SHELL = ("type", "function")
"""What stands around a function."""


class ToolShaper:
    """A file's `tools`, compiled."""

    def __init__(self, shaping: ToolShaping) -> None:
        self._shaping = shaping
        self._shape = None if shaping.shape is None else Template(shaping.shape, "tools.shape", NAMES["tool"])
        self._choice = {
            name: Template(tree, f"tools.choice.{name}", NAMES["forced" if name == "tool" else "choice"])
            for name, tree in (shaping.choice or {}).items()
        }
        templates = [*self._choice.values(), *([self._shape] if self._shape else [])]
        self.outer = frozenset[str]().union(*(template.outer for template in templates))
        """The names of the call that the templates use."""

    def settles(self, choice: Choice) -> bool:
        """Whether a choice needs no template to be heard: it changes which tools are sent."""
        forced = forced_tool(choice) is not None
        return (choice == "none" and self._shaping.drop_on_none) or (forced and self._shaping.only_forced)

    def render(self, tools: Sequence[Tool], choice: Choice, context: Context) -> tuple[Any, Any]:
        """The tools and the choice for templates, OMIT for what is not sent. Raises UnsupportedError."""
        forced = forced_tool(choice)
        if choice == "none" and self._shaping.drop_on_none:
            return OMIT, OMIT
        if forced is not None and self._shaping.only_forced:
            tools = [tool for tool in tools if _function(tool).get("name") == forced]
            choice = "required" if self._shaping.choice is None or "required" in self._choice else None
        return [self._tool(tool, context) for tool in tools] or OMIT, self._chosen(choice, context)

    def _tool(self, tool: Tool, context: Context) -> Any:
        function = _function(tool)
        if self._shape is None and not function:
            return dict(tool)
        name = function.get("name")
        if not isinstance(name, str) and tool.get("type") == "function":
            raise UnsupportedError(f"{context.owner} takes tools that are functions with a name; give function.name")
        if not isinstance(name, str):
            kind = str(tool.get("type"))[:40]
            raise UnsupportedError(f"{context.owner} takes tools that are functions, not {kind!r}; use extra_body")
        values = {key: function[key] for key in NAMES["tool"] if function.get(key) is not None}
        if isinstance(values.get("parameters"), dict):
            parameters = self._passed(values.pop("parameters"), name, context)
            values |= {} if parameters is None else {"parameters": parameters}
        if self._shape is None:
            kept = {key: value for key, value in function.items() if key != "parameters" or "parameters" in values}
            return {**tool, "function": {**kept, **values}}
        unread = {key: value for key, value in function.items() if key not in self._shape.reads}
        lost = {key: value for key, value in {**unread, **tool}.items() if key not in _SHELL and value}
        if lost:  # what is false or empty says nothing
            context.dropped("tools", lost)
        return self._shape.render(values, context)

    def _passed(self, parameters: dict[str, Any], name: str, context: Context) -> Any:
        schema: Any = parameters
        for one, option in self._shaping.schema:
            try:
                schema = SCHEMA_PASSES[one](schema, option)
            except SchemaError as error:
                where = f"the parameters of the tool '{name}'"
                raise UnsupportedError(f"{context.owner} cannot take {where}: {error}") from None
            if schema is None:
                break
        return schema

    def _chosen(self, choice: Choice, context: Context) -> Any:
        if choice is None:
            return OMIT
        if self._shaping.choice is None:
            return choice
        forced = forced_tool(choice)
        template = self._choice.get("tool" if forced is not None else str(choice))
        if template is None:
            what = f"the tool '{forced}'" if forced is not None else repr(choice) if isinstance(choice, str) else "this"
            known = ", ".join("one tool by its name" if name == "tool" else name for name in self._choice)
            raise UnsupportedError(f"{context.owner} takes no tool_choice of {what}; it takes: {known}")
        return template.render({} if forced is None else {"name": forced}, context)


def check_choice(request: ChatRequest) -> None:
    """Refuse a choice that no API could follow: of a tool that the call does not offer. Raises ParameterError."""
    wanted = forced_tool(request.tool_choice)
    if request.tool_choice == "required" and not request.tools:
        raise ParameterError("tool_choice asks for a tool, and the call offers none; give tools")
    if wanted is not None and wanted not in {_function(tool).get("name") for tool in request.tools}:
        raise ParameterError(f"tool_choice names the tool '{wanted}', which is not among the call's tools")


def _function(tool: Tool) -> Mapping[str, Any]:
    function = tool.get("function")
    return function if isinstance(function, Mapping) else {}
