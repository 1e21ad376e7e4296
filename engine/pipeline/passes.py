"""The closed table of passes over a conversation, each in turns out turns, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from operator import eq

from ..errors import ParameterError, UnsupportedError
from ..messages import Adjustment
from ..shaping import MessageShaping
from .template import Context
from .turn import Part, Turn

Turns = list[Turn]
Pass = Callable[[Turns, MessageShaping, Context], Turns]

SYSTEM = ("system", "developer")
BETWEEN = "\n\n"
"""What stands between system texts, and between them and the user's."""


def any_of(turns: Turns, *roles: str) -> bool:
    """Whether any of the turns is of one of these roles."""
    return not {turn.role for turn in turns}.isdisjoint(roles)


def take_system(turns: Turns, context: Context) -> tuple[Turns, list[Part]]:
    """The turns without the system's, and the parts of those, each a text."""
    if not any_of(turns, *SYSTEM):
        return turns, []
    parts = [part for turn in turns if turn.role in SYSTEM for part in turn.parts]
    for part in parts:
        if part.type != "text":
            raise UnsupportedError(f"{context.owner}: {part.place} is no text, which a message of the system is here")
    return [turn for turn in turns if turn.role not in SYSTEM], parts


def joined(parts: Sequence[Part], context: Context) -> str:
    """The texts of the system as one; what else the caller wrote beside them has no place in it."""
    for part in parts:
        if "extra" in part.values:
            context.dropped("messages", part.values["extra"])
    return BETWEEN.join(part.values["text"] for part in parts)


def system_to_user(turns: Turns, shaping: MessageShaping, context: Context) -> Turns:
    """The system's text before the first text of the first message of the user, in the same part."""
    turns, parts = take_system(turns, context)
    if not parts:
        return turns
    system = joined(parts, context)
    for number, turn in enumerate(turns):
        if turn.role == "user":
            turns[number] = turn.replaced(_prefixed(turn, system))
            return turns
    return [Turn("user", None, text=system), *turns]


def _prefixed(turn: Turn, text: str) -> tuple[Part, ...]:
    first, *others = turn.parts or (None,)
    if first is not None and first.type == "text":
        whole = text + BETWEEN + first.values["text"]
        return (first._replace(values={**first.values, "text": whole}, own=None), *others)
    return (Part("text", {"text": text}, turn.place), *turn.parts)


def forget_reasoning(turns: Turns, shaping: MessageShaping, context: Context) -> Turns:
    """Only reasoning and carried values behind the user's last message stay."""
    last = max((number for number, turn in enumerate(turns) if turn.role == "user"), default=-1)
    return [_forgotten(turn) if number < last else turn for number, turn in enumerate(turns)]


def _forgotten(turn: Turn) -> Turn:
    if turn.text is not None:
        return turn
    kept = (part for part in turn.parts if part.type != "reasoning")
    bare = tuple(
        part._replace(values={key: value for key, value in part.values.items() if key != "carry"}) for part in kept
    )
    return turn.replaced(bare, carry={})


def results_to_user(turns: Turns, shaping: MessageShaping, context: Context) -> Turns:
    """Consecutive results of tools as one message of the user."""
    if not any_of(turns, "tool"):
        return turns
    made: Turns = []
    for is_result, run in groupby(turns, lambda turn: turn.role == "tool"):
        if is_result:
            first, *others = run
            parts = (*first.parts, *(part for turn in others for part in turn.parts))
            made.append(first.replaced(parts, role="user", name=None))
        else:
            made.extend(run)
    return made


def drop_empty(turns: Turns, shaping: MessageShaping, context: Context) -> Turns:
    """Without texts of nothing but white space, and without messages of no part."""
    if not [turn for turn in turns if not turn.text or turn.text.isspace()]:
        return turns
    made: Turns = []
    for turn in turns:
        parts = tuple(part for part in turn.parts if not _is_blank(part))
        if len(parts) == len(turn.parts) and parts:
            made.append(turn)
            continue
        blank = "".join(part.values["text"] for part in turn.parts if _is_blank(part))
        if blank or not parts:  # "" beside other parts says nothing
            context.dropped("messages", blank)
        if parts:
            made.append(turn.replaced(parts))
    return made


def _is_blank(part: Part) -> bool:
    """Whether a part is a text that says nothing, and brings nothing that must go back with it."""
    return part.type == "text" and not part.values["text"].strip() and not part.values.get("carry")


def first_user(turns: Turns, shaping: MessageShaping, context: Context) -> Turns:
    """A message of the user at the head of the conversation, where it begins with another's."""
    head = next((number for number, turn in enumerate(turns) if turn.role not in SYSTEM), len(turns))
    if head < len(turns) and turns[head].role == "user":
        return turns
    text = str(shaping.first_user)
    context.adjustments.append(Adjustment("messages", "defaulted", None, text))
    return [*turns[:head], Turn("user", None, text=text), *turns[head:]]


def merge_consecutive(turns: Turns, shaping: MessageShaping, context: Context) -> Turns:
    """Neighbours of one wire role as one message; results of tools stand at its head, and a message of one stays."""
    wires = [shaping.roles.get(turn.role, turn.role) for turn in turns]
    if not any(map(eq, wires, wires[1:])):
        return turns
    runs: list[list[Turn]] = []
    before: Turn | None = None
    for turn, wire, other in zip(turns, wires, [None, *wires], strict=False):
        if wire == other and before is not None and "tool" not in (before.role, turn.role):
            runs[-1].append(turn)
        else:
            runs.append([turn])
        before = turn
    return [_merged(run) if run[1:] else run[0] for run in runs]


def _merged(run: Sequence[Turn]) -> Turn:
    first = run[0]
    parts = [part for turn in run for part in turn.parts]
    parts.sort(key=lambda part: part.type != "tool_result")  # keeps their order
    name = first.name if all(turn.name == first.name for turn in run) else None
    carry = {key: value for turn in run for key, value in turn.carry.items()}
    extra = {key: value for turn in run for key, value in turn.extra.items()}
    return Turn(first.role, tuple(parts), first.number, name, carry, extra)


def trim_last_assistant(turns: Turns, shaping: MessageShaping, context: Context) -> Turns:
    """No white space at the end of an assistant's text that ends the conversation."""
    last = turns[-1] if turns else None
    if last is None or last.role != "assistant" or not last.parts or last.parts[-1].type != "text":
        return turns
    part = last.parts[-1]
    text = part.values["text"].rstrip()
    if text == part.values["text"]:
        return turns
    context.dropped("messages", part.values["text"][len(text) :])
    trimmed = part._replace(values={**part.values, "text": text}, own=None)
    return [*turns[:-1], last.replaced((*last.parts[:-1], trimmed))]


PASSES: Mapping[str, tuple[Callable[[MessageShaping], bool], Pass]] = {
    "system": (lambda shaping: shaping.system == "first_user", system_to_user),
    "replay_within": (lambda shaping: shaping.replay_within == "turn", forget_reasoning),
    "tool_results": (lambda shaping: shaping.tool_results == "user_block", results_to_user),
    "drop_empty": (lambda shaping: shaping.drop_empty, drop_empty),
    "first_user": (lambda shaping: shaping.first_user is not None, first_user),
    "merge_consecutive": (lambda shaping: shaping.merge_consecutive, merge_consecutive),
    "trim_last_assistant": (lambda shaping: shaping.trim_last_assistant, trim_last_assistant),
}
"""A key of `messages` -> whether a file asks for the pass, and the pass; they run in this order."""


def conversation(
    turns: Turns, shaping: MessageShaping, passes: tuple[Pass, ...], context: Context
) -> tuple[Turns, list[Part]]:
    """The turns after all passes, and the parts of the system where it has a field of its own."""
    system: list[Part] = []
    if shaping.system == "field":
        turns, system = take_system(turns, context)
    for one in passes:
        turns = one(turns, shaping, context)
    if not turns:
        raise ParameterError(f"{context.owner} needs a message of the user or the assistant that says something")
    return turns, system
