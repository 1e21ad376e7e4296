"""The closed table of passes over a conversation, each in turns out turns, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..errors import ParameterError, UnsupportedError
from ..messages import Adjustment
from ..shaping import MessageShaping
from .template import Context
from .turns import Part, Turn

Turns = list[Turn]
Pass = Callable[[Turns, MessageShaping, Context], Turns]

SYSTEM = ("system", "developer")
BETWEEN = "\n\n"
"""What stands between system texts, and between them and the user's."""


def take_system(turns: Turns, context: Context) -> tuple[Turns, list[Part]]:
    """The turns without the system's, and the parts of those, each a text."""
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
            turns[number] = turn._replace(parts=_prefixed(turn, system))
            return turns
    return [Turn("user", (Part("text", {"text": system}, "messages"),), "messages"), *turns]


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
    kept = (part for part in turn.parts if part.type != "reasoning")
    bare = tuple(
        part._replace(values={key: value for key, value in part.values.items() if key != "carry"}) for part in kept
    )
    return turn._replace(parts=bare, carry={})


def results_to_user(turns: Turns, shaping: MessageShaping, context: Context) -> Turns:
    """Consecutive results of tools as one message of the user."""
    made: Turns = []
    for before, turn in zip([None, *turns], turns, strict=False):
        if turn.role != "tool":
            made.append(turn)
        elif before is not None and before.role == "tool":
            made[-1] = made[-1]._replace(parts=made[-1].parts + turn.parts)
        else:
            made.append(turn._replace(role="user", name=None))
    return made


def drop_empty(turns: Turns, shaping: MessageShaping, context: Context) -> Turns:
    """Without texts of nothing but white space, and without messages of no part."""
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
            made.append(turn._replace(parts=parts))
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
    return [*turns[:head], Turn("user", (Part("text", {"text": text}, "messages"),), "messages"), *turns[head:]]


def merge_consecutive(turns: Turns, shaping: MessageShaping, context: Context) -> Turns:
    """Neighbours of one wire role as one message; results of tools stand at its head, and a message of one stays."""

    def goes_on(before: Turn, turn: Turn) -> bool:
        wire, other = (shaping.roles.get(one.role, one.role) for one in (before, turn))
        return wire == other and "tool" not in (before.role, turn.role)

    runs: list[list[Turn]] = []
    for turn in turns:
        if runs and goes_on(runs[-1][-1], turn):
            runs[-1].append(turn)
        else:
            runs.append([turn])
    return [run[0] if len(run) == 1 else _merged(run) for run in runs]


def _merged(run: Sequence[Turn]) -> Turn:
    first = run[0]
    parts = [part for turn in run for part in turn.parts]
    parts.sort(key=lambda part: part.type != "tool_result")  # keeps their order
    name = first.name if all(turn.name == first.name for turn in run) else None
    carry = {key: value for turn in run for key, value in turn.carry.items()}
    extra = {key: value for turn in run for key, value in turn.extra.items()}
    return Turn(first.role, tuple(parts), first.place, name, carry, extra)


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
    return [*turns[:-1], last._replace(parts=(*last.parts[:-1], trimmed))]


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
