"""What a draft is made of: everything that was decided about a capture, before a line of it is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .answer import Answer, answer_of
from .conversation import Found, find
from .credentials import Cleaned
from .leaves import without
from .protocols import Fit, best_fit
from .sections import is_for_caller, query_of
from .template import Templated, templated


@dataclass(frozen=True, slots=True)
class Plan:
    """All that was decided, before it is written."""

    name: str
    clean: Cleaned
    found: Found
    tree: Any
    is_in_query: bool
    fit: Fit | None
    templated: Templated | None
    answer: Answer | None
    think: Mapping[str, str] = field(default_factory=dict)
    """The tags around the reasoning in the text, where a trial has shown some."""

    @property
    def is_for_caller(self) -> bool:
        """Whether the file leaves the host to the caller."""
        return is_for_caller(self.clean.request.url)

    @classmethod
    def of(cls, name: str, clean: Cleaned, prompt: str | None, *, may_extend: bool = True) -> Plan:
        """Decide; without `may_extend`, the file is to stand alone."""
        tree, is_in_query = clean.body.tree, False
        if tree is None and clean.request.query:
            tree, is_in_query = query_of(clean.request), True
        if isinstance(tree, str):
            found = Found(prompt=(), prompt_text=prompt if prompt and prompt in tree else tree)
        else:
            found = find(tree, prompt)
        is_asked = may_extend and not is_in_query and clean.body.encoding == "json"
        fit = _fit(clean, tree, found) if is_asked else None
        bare = _without_secret(tree, clean)
        return cls(
            name, clean, found, tree, is_in_query, fit,
            None if fit else templated(bare, found), _answer(clean, fit),
        )  # fmt: skip


def _fit(clean: Cleaned, tree: Any, found: Found) -> Fit | None:
    return best_fit(clean.request, _without_secret(tree, clean), found, clean.reply)


def _without_secret(tree: Any, clean: Cleaned) -> Any:
    """The body without the secret that `auth` puts there."""
    if clean.auth and clean.auth["type"] == "body":
        return without(tree, tuple(clean.auth["key"].split(".")))
    return tree


def _answer(clean: Cleaned, fit: Fit | None) -> Answer | None:
    if fit is not None:
        return None
    if clean.reply is not None and clean.reply.status < 400:
        return answer_of(clean.reply)
    todo = "no answer was captured: this gives what arrives as it is. Run this again with --reply"
    if "event-stream" in clean.request.header("accept"):
        response: dict[str, Any] = {"codec": "sse", "unwrap": ["text"], "rules": [{"text": "$"}], "end": "body"}
        return Answer(response, (todo,))
    return Answer({"codec": "text"}, (todo,))


@dataclass(frozen=True, slots=True)
class Trial:
    """What the first writing came to: the request that it renders, and what it reads out of the reply."""

    request: Mapping[str, Any] = field(default_factory=dict)
    expect: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""
