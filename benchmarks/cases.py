"""The cases over the network: what is asked, of whom, how often, and what each has to reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from .contenders.known import FAST, FAST_SYNC, H_SYNC, OWN_CLIENT, PLAIN, PLAIN_SYNC, SOCKET, H

CPU, FIRST, WALL, MEMORY = "CPU", "first token p50", "wall", "memory each"
BESIDE_FAST = "CPU beside fast"
OURS = (PLAIN, OWN_CLIENT, FAST)
SYNC = (H_SYNC, PLAIN_SYNC, FAST_SYNC)


PEERS = {"openai": 45.0, "litellm": 150.0, "any-llm": 60.0}


@dataclass(frozen=True, slots=True)
class Case:
    """`act` with an answer, `times` over; what it costs is divided by `units` a call.

    CPU and the first token are told in units of the first of `who`; the wall clock in units of `ideal` seconds.
    """

    name: str
    title: str
    act: str
    answer: str
    who: Sequence[str]
    times: int = 1
    units: int = 1
    warm_up: int = 1
    measures: Sequence[str] = (CPU,)
    ideal: float = 0.0
    goals: Mapping[tuple[str, str], float] = field(default_factory=dict)
    peers: Mapping[str, float] | None = None
    """Whether other clients take part; of some, how often our cost theirs is to be."""

    @property
    def base(self) -> str:
        """Whose cost is the unit."""
        return self.who[0]


def cases(seed: int, *, is_quick: bool = False) -> list[Case]:
    """All of them; quick ones say whether everything works, not how fast it is."""
    if is_quick:
        return [*streams(2_000, seed), *requests(50), *alone(100), *together(20, 0.05)]
    return [*streams(20_000, seed), *requests(300), *alone(1_000), *together(100, 1)]


def streams(count: int, seed: int) -> list[Case]:
    """Streams that come as fast as they are taken."""
    goals = {(CPU, PLAIN): 1.4, (CPU, OWN_CLIENT): 1.4, (CPU, FAST): 0.30}
    case = partial(Case, act="stream", who=(H, SOCKET, *OURS), units=count)
    many = f"{count:,} deltas"
    return [
        case("stream", f"{many}, an HTTP chunk each", answer=f"deltas-{count}", goals=goals, peers=PEERS),
        case("writes", f"{many}, a write each", answer=f"writes-{count}"),
        case("packed", f"{many} in HTTP chunks of 64 KB", answer=f"packed-{count}"),
        case("invented", f"{many} of an invented dialect", answer=f"invented-{seed}-{count}", goals=goals),
        case(
            "sync",
            f"{many}, without a loop",
            answer=f"deltas-{count}",
            who=SYNC,
            goals={(CPU, PLAIN_SYNC): 1.4, (CPU, FAST_SYNC): 1.4},
        ),
    ]


def requests(times: int) -> list[Case]:
    """Whole answers that are tiny, over connections that are open."""
    goals = {(CPU, FAST): 0.5, (FIRST, FAST): 0.55}
    case = partial(Case, act="chat", answer="tiny", times=times, warm_up=3, measures=(CPU, FIRST))
    return [
        case("request", "a tiny whole answer", who=(H, *OURS), goals=goals, peers={}),
        case("request-sync", "the same without a loop", who=SYNC),
    ]


def alone(count: int) -> list[Case]:
    """A stream whose deltas come one by one."""
    title, answer = f"{count:,} deltas, 1 ms apart", f"paced-{count}-1"
    case = partial(Case, act="stream", answer=answer, units=count)
    return [
        case("paced", title, who=(H, SOCKET, *OURS), goals={(CPU, FAST): 0.6}, peers={}),
        case("paced-sync", "the same without a loop", who=SYNC),
    ]


def together(count: int, share: float) -> list[Case]:
    """Such streams at once, as many as are said or a share of them; nobody can be done before `ideal` is over."""
    case = partial(Case, act="together", answer=f"paced-{count}-20", who=(H, SOCKET, PLAIN, FAST), units=count)
    return [
        case(
            f"streams-{times}",
            f"{times * share:,.0f} streams of {count} deltas, 20 ms apart",
            times=int(times * share),
            measures=(CPU, WALL, MEMORY),
            ideal=(count - 1) * 0.02,
            goals={(CPU, FAST): cpu, (WALL, FAST): wall, (MEMORY, FAST): 20},
        )
        for times, cpu, wall in ((200, 0.5, 1.3), (1_000, 0.12, 1.5))
    ]
