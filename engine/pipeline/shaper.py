"""One file's pipeline, compiled: what a call gives -> the names `messages`, `system`, `tools` and `tool_choice`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..expressions import OMIT
from ..messages import Message
from ..shaping import MessageShaping
from ..spec import ProviderSpec
from ..weight import Weighed
from .parts import PartShaper
from .passes import PASSES, conversation
from .shapes import MessageShaper
from .template import Context
from .tools import Choice, Tool, ToolShaper
from .turns import as_given, turns_of


class Shaped(NamedTuple):
    """A conversation as templates read it; `system` is OMIT where there is none, or where it is no field."""

    messages: Weighed
    system: Any


class Shaper:
    """The pipeline of a file; where the file says nothing, what the caller gave stays as it is."""

    def __init__(self, spec: ProviderSpec) -> None:
        self._shaping = spec.messages or MessageShaping()
        # Roles alone are no reason to take messages apart.
        self._is_plain = spec.parts is None and self._shaping == MessageShaping(roles=self._shaping.roles)
        self._messages = MessageShaper(self._shaping, PartShaper(spec.parts))
        self._passes = tuple(one for is_asked, one in PASSES.values() if is_asked(self._shaping))
        self._tools = None if spec.tools is None else ToolShaper(spec.tools)
        self.outer = self._messages.outer | (self._tools.outer if self._tools else frozenset())
        """The names of the call that the templates of the pipeline use."""

    def settles(self, choice: Choice) -> bool:
        """Whether a choice of tools is heard though no template reads it."""
        return self._tools is not None and self._tools.settles(choice)

    def messages(self, messages: Sequence[Message], context: Context) -> Shaped:
        """The conversation as the API writes it. Raises ParameterError or UnsupportedError."""
        if self._is_plain:
            return Shaped(as_given(messages, self._shaping.roles), OMIT)
        turns = turns_of(messages, context.owner, replay=self._shaping.reasoning == "replay")
        turns, system = conversation(turns, self._shaping, self._passes, context)
        return Shaped(self._messages.messages(turns, context), self._messages.system(system, context))

    def tools(self, tools: Sequence[Tool], choice: Choice, context: Context) -> tuple[Any, Any]:
        """The tools and the choice among them, OMIT for what is not sent. Raises UnsupportedError."""
        if not tools:
            return OMIT, OMIT
        if self._tools is not None:
            return self._tools.render(tools, choice, context)
        return list(tools), OMIT if choice is None else choice
