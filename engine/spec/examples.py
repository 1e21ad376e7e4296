"""The examples in a file: a call, the exchange with the service that it is, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..value import value


@value
class Reply:
    """What the service answers in an example: pieces of the body, as they arrive."""

    status: int
    headers: Mapping[str, str]
    chunks: tuple[bytes, ...]

    @property
    def body(self) -> bytes:
        """All of the body."""
        return b"".join(self.chunks)


@value
class StepExample:
    """A request before the main one in an example, and the reply to it."""

    request: Mapping[str, Any]
    reply: Reply


@value
class Example:
    """A call, the request it becomes, the reply to it and what is read out of that.

    `file` and `line` are where it is written, which may be a file that this one extends.
    """

    name: str
    messages: Any
    model: str | None
    stream: bool
    settings: Mapping[str, Any]
    tools: tuple[Mapping[str, Any], ...]
    tool_choice: Any
    params: Mapping[str, Any]
    request: Mapping[str, Any]
    reply: Reply
    expect: Mapping[str, Any]
    file: str
    line: int
    steps: tuple[StepExample, ...] = ()
