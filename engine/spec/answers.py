"""What a file says of answers: which frames there are, what to read in them, when one is whole, what is a refusal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from ..value import value


@value
class Comparison:
    """One comparison: `subject` is a path, a list of them, a header's name, or None for the frame's event name.

    `of_slot` says that it compares the kind that the slot remembers instead.
    """

    subject: str | tuple[str, ...] | None
    operator: Literal["equals", "in", "exists", "contains", "regex"]
    operand: Any
    of_slot: bool = False


Condition = tuple[Comparison, ...]
"""All of them must hold; an empty one always does."""


@value
class SlotMap:
    """Where a frame says which block it belongs to (`key`), and of what kind that block is (`kind`)."""

    key: tuple[str, ...]
    kind: tuple[str, ...] = ()


@value
class CarryMap:
    """Where an opaque value is, and its name. A list may come in pieces: see blocks.Carried."""

    name: str
    paths: tuple[str, ...]
    by: tuple[str, ...] = ()
    append: tuple[str, ...] = ()


@value
class Think:
    """The tags around reasoning in the text; unless `anywhere`, only the text's start can open it."""

    open: str
    close: str
    anywhere: bool = False


@value
class Rule:
    """What to read out of a frame: `yields` holds pairs of a yield's name and what the file says of it.

    `slot` says where the key of the block is that a frame belongs to, and its kind when the frame tells it; `carry`
    where the opaque values are that belong to what is read.
    """

    when: Condition = ()
    each: str | None = None
    yields: tuple[tuple[str, Any], ...] = ()
    rules: tuple[Rule, ...] = ()
    slot: SlotMap | None = None
    carry: tuple[CarryMap, ...] = ()


@value
class End:
    """What shows that an answer is whole: any of these."""

    texts: frozenset[str] = frozenset()
    conditions: tuple[Condition, ...] = ()
    finish: bool = False
    body: bool = False


@value
class Reading:
    """One form of an answer: how it is framed, unwrapped, read, and when it is whole.

    `other_codecs` are framings in which the same frames may come instead.
    """

    codec: str
    unwrap: tuple[str | Mapping[str, str], ...]
    rules: tuple[Rule, ...]
    end: End
    other_codecs: tuple[str, ...] = ()


@value
class UsageMap:
    """Where each counter is, as lists of paths, and what the API's totals leave out.

    A counter in `sums` is the sum of several, each where one of its paths leads.
    """

    counters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    output_excludes_reasoning: bool = False
    sums: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)


@value
class Response:
    """How answers are read: as a stream, as a whole, or either."""

    stream: Reading | None
    whole: Reading | None
    finish: Mapping[str, str | None] = field(default_factory=dict)
    usage: UsageMap = field(default_factory=UsageMap)
    think: Think | None = None

    def asks_for_stream(self, wanted: bool) -> bool:
        """Whether a call asks for a stream: as it wants, unless the file can read only the other form of an answer.

        Plain text is read the same in either form.
        """
        is_a_choice = self.stream is not None and (self.whole is not None or self.stream.codec == "text")
        return wanted if is_a_choice else self.stream is not None


@value
class ErrorRule:
    """A refusal that the file knows: predicates, our kind, and where its words are."""

    kind: str
    statuses: tuple[int | str, ...] = ()
    header: Condition = ()
    body: Condition = ()
    frame: Condition = ()
    message: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    retry_after: tuple[str, ...] = ()
