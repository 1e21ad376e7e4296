"""ProviderSpec: a provider file as frozen values. No YAML, no schema and no templates are in sight here.

Every field means what `schemas/provider.schema.json` says of the key of that name; defaults come from there too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from ..shaping import MessageShaping, PartShaping, ToolShaping
from ..value import value
from .answers import CarryMap, Comparison, Condition, End, ErrorRule, Reading, Response, Rule, SlotMap, Think, UsageMap
from .declared import Limits, Models, Param, ParamType, Patch, RetryPolicy, SecretSource, Setting, Timeouts
from .examples import Example, Reply, StepExample
from .later import Later
from .requests import SECRET_KEYS, Auth, Host, Poll, Read, Request, Step, TokenRequest

__all__ = [
    "SECRET_KEYS",
    "Auth",
    "CarryMap",
    "Comparison",
    "Condition",
    "End",
    "ErrorRule",
    "Example",
    "Host",
    "Limits",
    "Models",
    "Param",
    "ParamType",
    "Patch",
    "Poll",
    "ProviderSpec",
    "Read",
    "Reading",
    "Reply",
    "Request",
    "Response",
    "RetryPolicy",
    "Rule",
    "SecretSource",
    "Setting",
    "SlotMap",
    "Step",
    "StepExample",
    "Think",
    "Timeouts",
    "TokenRequest",
    "UsageMap",
]


@value
class ProviderSpec(Later):
    """A valid provider file. `file` is where it came from, `tree` its plain data.

    >>> from engine import Catalog
    >>> spec = Catalog().spec("acytoo")
    >>> spec.url, spec.models.default, spec.params["temperature"].max, spec.working
    ('https://chat.acytoo.com', 'gpt-3.5-turbo', 2, False)
    """

    name: str
    title: str
    is_abstract: bool
    file: str
    flags: Mapping[str, bool]
    models: Models
    params: Mapping[str, Param]
    unknown_params: Literal["error", "forward", "drop"]
    settings: Mapping[str, Setting]
    secrets: Mapping[str, SecretSource]
    auth: tuple[Auth, ...]
    url: str
    path: str
    method: str
    query: Mapping[str, Any]
    headers: Mapping[str, Any]
    payload: Any
    encoding: Literal["json", "form", "multipart", "text"]
    messages: MessageShaping | None
    parts: PartShaping | None
    tools: ToolShaping | None
    steps: tuple[Step, ...]
    follow: str | None
    poll: Poll | None
    hosts: tuple[Host, ...]
    response: Response
    errors: tuple[ErrorRule, ...]
    retry: RetryPolicy
    timeout: Timeouts
    limits: Limits
    examples: tuple[Example, ...]
    tree: Mapping[str, Any] = field(repr=False)

    @property
    def working(self) -> bool:
        """Whether the file says that the service answers today."""
        return self.flags.get("working", True)

    @property
    def request(self) -> Request:
        """The main request: the one whose reply is the answer."""
        parts = (self.path, self.query, self.headers, self.payload, self.encoding, self.follow)
        return Request(self.method, self.url, *parts)
