"""Data as YAML, in all the ways that people write it: block and flow, five kinds of scalar, comments, line ends."""

from __future__ import annotations

import json
import random
import re
from typing import Any

PLAIN = re.compile(r"[A-Za-z_/Ж-я$][\w./$*-]*( [\w./$-]+)*")
WORDS = {"true", "false", "null"}
"""Texts that plain would be something else."""


def written(data: dict[str, Any], chance: random.Random) -> bytes:
    """The bytes of a file that holds the data."""
    writer = _Writer(chance)
    text = "".join(f"{line}\n" for line in writer.block(data, 0))
    text = writer.pick("", "---\n", "# yaml-language-server: $schema=x\n", "\n") + text
    text += writer.pick("", "...\n", "# the end")
    if writer.pick(*[False] * 4, True):
        text = text.replace("\n", "\r\n")
    return writer.pick(b"", b"", b"\xef\xbb\xbf") + text.encode()


class _Writer:
    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def pick(self, *options: Any) -> Any:
        return self.chance.choice(options)

    def block(self, value: Any, indent: int) -> list[str]:
        """The lines of a map or list that is not empty, each begun with its indentation."""
        space = " " * indent
        lines: list[str] = []
        items = value.items() if isinstance(value, dict) else [(None, item) for item in value]
        for key, item in items:
            lead = f"{space}-" if key is None else f"{space}{self.key(key)}:"
            if self.pick(*[False] * 9, True):
                lines += [f"{space}# a comment: {{{{ no template }}}}", ""][: self.pick(1, 2)]
            lines += self.entry(lead, item, indent)
        return lines

    def entry(self, lead: str, item: Any, indent: int) -> list[str]:
        if isinstance(item, dict | list) and item and self.pick(True, True, False):
            below = self.block(item, indent + self.pick(2, 2, 4))
            if lead.endswith("-") and not below[0].lstrip().startswith("#") and self.pick(True, False):
                first = below[0]
                size = len(first) - len(first.lstrip())
                if size == indent + 2:
                    return [f"{lead} {first.lstrip()}", *below[1:]]
            return [lead, *below]
        if isinstance(item, str) and (block := self.folded(item, indent)):
            return [f"{lead} {block[0]}", *block[1:]]
        comment = self.pick("", "", "", "  # why")
        return [f"{lead} {self.flow(item)}{comment}"]

    def folded(self, text: str, indent: int) -> list[str]:
        """A text as `|` or `>`, where those can say it; else nothing."""
        lines = text.split("\n")
        if self.pick(True, False) or not all(line == line.strip() and line for line in lines):
            return []
        space = " " * (indent + self.pick(2, 4))
        if len(lines) > 1 or self.pick(True, False):
            return ["|-", *(space + line for line in lines)]
        words = text.split(" ")
        at = self.chance.randrange(len(words)) if "" not in words else 0
        halves = [" ".join(words[:at]), " ".join(words[at:])] if at else [text]
        return [">-", *(space + half for half in halves)]

    def key(self, key: str) -> str:
        return self.scalar(key)

    def flow(self, value: Any) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{self.key(key)}: {self.flow(item)}" for key, item in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(self.flow, value)) + self.pick("", "", " ") + "]"
        return self.scalar(value)

    def scalar(self, value: Any) -> str:
        if value is None:
            return str(self.pick("null", "~", "Null"))
        if not isinstance(value, str):
            return json.dumps(value)
        if value.lower() not in WORDS and PLAIN.fullmatch(value) and self.pick(True, True, False):
            return value
        if "\n" not in value and self.pick(True, False):
            return "'" + value.replace("'", "''") + "'"
        quoted = json.dumps(value, ensure_ascii=False)
        return (
            re.sub("[^\\x00-\\x7f]", lambda char: f"\\U{ord(char[0]):08x}", quoted)
            if self.pick(False, True)
            else quoted
        )
