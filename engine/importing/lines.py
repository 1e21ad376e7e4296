"""The lines of a file that is being written: comments, wrapped, and keys with their values."""

from __future__ import annotations

from typing import Any

from ..loader.yamlout import yaml_text

WIDTH = 118


class Lines(list[str]):
    """The lines so far.

    >>> lines = Lines()
    >>> lines.todo("say which")
    >>> lines.put("path", "/chat")
    >>> lines
    ['# TODO: say which', 'path: /chat']
    """

    def say(self, text: str, indent: int = 0) -> None:
        """A comment."""
        margin = " " * indent + "# "
        line = margin
        for word in _one_line(text).split(" "):
            if len(line) + len(word) > WIDTH and line != margin:
                self.append(line.rstrip())
                line = margin
            line += word + " "
        self.append(line.rstrip())

    def todo(self, text: str, indent: int = 0) -> None:
        """A comment on what is left to the author."""
        self.say(f"TODO: {text}", indent)

    def put(self, key: str, value: Any, indent: int = 0) -> None:
        """A key and its value."""
        self += (" " * indent + yaml_text({key: value}, indent=indent)).split("\n")

    def item(self, value: Any, indent: int) -> None:
        """An item of a list."""
        self += (" " * indent + f"- {yaml_text(value, indent=indent + 2)}").split("\n")


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
