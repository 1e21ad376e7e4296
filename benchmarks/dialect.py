"""A streaming API that nobody has seen: its keys, their nesting, its framing, how it names its frames and how it ends
are drawn from a seed, and so is the provider file for it. What is measured with it is shaped to no one API's path."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

VOWELS, CONSONANTS = "aeiou", "bdfgklmnprstvz"
STOP = "fin"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How this API streams. Paths are keys from the outside in; a number is a place in a list.

    `kind` is the key that says what a frame is, or `event` where the line of that name does; empty where none does.
    `kinds` are its values for a text, a finish and a usage. With `is_each`, the rule takes every item of the list.
    """

    seed: int
    framing: str
    kind: str
    kinds: Sequence[str]
    is_each: bool
    text: tuple[str | int, ...]
    finish: tuple[str | int, ...]
    usage: tuple[str | int, ...]
    noise: Mapping[str, Any]
    end: str | Mapping[str, Any]

    @classmethod
    def invent(cls, seed: int) -> Dialect:
        """The dialect of this seed, always the same."""
        luck = random.Random(seed)
        names = _Names(luck)
        framing = luck.choice(["sse", "ndjson"])
        trunk = [names.new() for _ in range(luck.randrange(3))]
        if luck.random() < 0.5:
            trunk = [*trunk, names.new(), 0]
        branch = [names.new() for _ in range(luck.randrange(2))]
        noise = {names.new(): luck.choice([None, True, luck.randrange(10**9), names.new()]) for _ in range(4)}
        mark = f"<{names.new()}>" if framing == "sse" and luck.random() < 0.5 else {names.new(): names.new()}
        return cls(
            seed=seed,
            framing=framing,
            kind=luck.choice(["", names.new(), *(["event"] if framing == "sse" else [])]),
            kinds=[names.new() for _ in range(3)],
            is_each=luck.random() < 0.5,
            text=(*trunk, *branch, names.new()),
            finish=(*trunk, names.new()),
            usage=(names.new(), names.new()),
            noise=noise,
            end=mark,
        )

    @property
    def name(self) -> str:
        """Of the provider, and the stem of its file."""
        return f"invented-{self.seed}"

    @property
    def content_type(self) -> str:
        """Of its answers."""
        return {"sse": "text/event-stream", "ndjson": "application/x-ndjson"}[self.framing]

    def frames(self, texts: Iterable[str]) -> list[bytes]:
        """A whole stream, a frame for each text and three more: why it ended, what it cost, its end mark."""
        text, finish, usage = self.kinds
        pieces = [self._frame(text, self.text, piece) for piece in texts]
        ending = self.end if isinstance(self.end, str) else json.dumps(self.end)
        return [
            *pieces,
            self._frame(finish, self.finish, STOP),
            self._frame(usage, self.usage, 7),
            self._framed(ending),
        ]

    def _frame(self, kind: str, path: Sequence[str | int], value: Any) -> bytes:
        marked = {self.kind: kind} if self.kind not in ("", "event") else {}
        data = json.dumps({**marked, **self.noise, **_nested(path, value)}, separators=(",", ":"))
        return self._framed(data, f"event: {kind}\n" if self.kind == "event" else "")

    def _framed(self, data: str, before: str = "") -> bytes:
        return (f"{before}data: {data}\n\n" if self.framing == "sse" else f"{data}\n").encode()

    def _rules(self) -> list[dict[str, Any]]:
        rules = [self._rule("text", self.text), self._rule("finish", self.finish), {"usage": self.usage[0]}]
        if self.kind:
            return [{"when": {self.kind: kind}, **rule} for kind, rule in zip(self.kinds, rules, strict=True)]
        return rules

    def _rule(self, says: str, path: Sequence[str | int]) -> dict[str, Any]:
        if self.is_each and 0 in path:
            place = path.index(0)
            return {"for": f"{_path(path[:place])}.*", says: _path(path[place + 1 :])}
        return {says: _path(path)}

    @property
    def file(self) -> str:
        """Its provider file."""
        reading = {
            "codec": self.framing,
            "rules": self._rules(),
            "end": self.end,
            "finish": {STOP: "stop"},
            "usage": {"output_tokens": self.usage[1]},
        }
        document = {
            "spec_version": 1,
            "name": self.name,
            "url": "http://127.0.0.1",
            "payload": {"ask": "{{ messages }}", "flow": "{{ stream }}"},
            "response": reading,
            "examples": [
                {
                    "name": "a greeting",
                    "call": {"messages": [{"role": "user", "content": "Hi"}]},
                    "reply": {
                        "headers": {"content-type": self.content_type},
                        "chunks": [frame.decode() for frame in self.frames(["Hello", " there"])],
                    },
                    "expect": {"text": "Hello there", "finish": "stop", "usage": {"output_tokens": 7}},
                },
                {
                    "name": "busy",
                    "call": {"messages": [{"role": "user", "content": "Hi"}]},
                    "reply": {"status": 503, "text": "busy"},
                    "expect": {"error": "unavailable"},
                },
            ],
        }
        return json.dumps(document, indent=2) + "\n"  # JSON is YAML


class _Names:
    """Names that sound like words, no two the same."""

    def __init__(self, luck: random.Random) -> None:
        self._luck = luck
        self._given: set[str] = set()

    def new(self) -> str:
        choice = self._luck.choice
        while (name := "".join(choice(CONSONANTS) + choice(VOWELS) for _ in range(choice([2, 3, 4])))) in self._given:
            pass
        self._given.add(name)
        return name


def _nested(path: Sequence[str | int], value: Any) -> Any:
    for key in reversed(path):
        value = {key: value} if isinstance(key, str) else [value]
    return value


def _path(path: Sequence[str | int]) -> str:
    return ".".join(map(str, path))
