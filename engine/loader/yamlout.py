"""Plain data -> YAML as the shipped files are written: short maps and lists on one line, the others in blocks.

What is written here is read back as the same data by yamltext.py, and by readers of YAML 1.1 too: text that either
would take for something else is quoted. Every text stands on one line, so that indenting the lines changes no value.
"""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

from .yamltext import SCALARS

WIDTH: Final = 120
"""The longest line, in characters, on which a whole map or list is put."""


class _Dumper(yaml.SafeDumper):
    """Quotes what either of the two readers would take for no text, indents lists, and never uses anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def choose_scalar_style(self) -> Any:
        text: str = self.event.value  # type: ignore[union-attr]
        style = super().choose_scalar_style()
        plain_inside = not re.search(r'["\\]|[^\x20-\ud7ff]', text)
        return '"' if style == "'" and plain_inside else style

    def text(self, value: str) -> yaml.ScalarNode:
        # Breaks and tabs as escapes: a block of literal text would depend on where it is put.
        style = '"' if re.search("[\n\r\t\x85\u2028\u2029]|^ | $", value) else None
        return self.represent_scalar("tag:yaml.org,2002:str", value, style)


_Dumper.add_representer(str, _Dumper.text)
for _name, _pattern, _ in SCALARS:
    _Dumper.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(rf"(?:{_pattern.pattern})\Z"), None)


def yaml_text(value: Any, *, indent: int = 0, width: int = WIDTH, flow: bool = False) -> str:
    """The value as YAML, without a line end behind it; every line but the first is indented by `indent` spaces.

    A map or list at the top is a block, unless `flow` asks for one line; those inside it are on one line where that is
    at most `width` characters long.

    >>> print(yaml_text({"name": "on", "call": {"messages": [{"role": "user", "content": "Hi"}]}}))
    name: "on"
    call: {messages: [{role: user, content: Hi}]}
    """
    pieces = _Pieces()
    # Wider than any line: the emitter would fold long texts.
    dumper = _Dumper(pieces, allow_unicode=True, sort_keys=False, width=1 << 30)
    node = dumper.represent_data(value)
    _shape(node, indent, width, is_flow=flow, is_top=True)
    dumper.open()
    dumper.serialize(node)
    dumper.close()
    text = "".join(pieces).rstrip("\n").removesuffix("\n...")
    return text.replace("\n", "\n" + " " * indent)


class _Pieces(list[str]):
    def write(self, piece: str) -> None:
        self.append(piece)


def _shape(node: Any, column: int, width: int, *, is_flow: bool, is_top: bool = False) -> int:
    """Choose for each map and list between one line and a block; about how long the value is on one line."""
    if isinstance(node, yaml.ScalarNode):
        value: str = node.value
        return len(value) + 2 + sum(not char.isprintable() or char == '"' for char in value)
    if isinstance(node, yaml.MappingNode):
        items: list[tuple[int, Any]] = [(len(key.value) + 2, item) for key, item in node.value]
    else:
        items = [(0, item) for item in node.value]
    # Of a block: a map or list begins in the line of its key or dash where it is on one line.
    lengths = [2 + ahead + _shape(item, column + 2 + ahead, width, is_flow=is_flow) for ahead, item in items]
    length: int = 2 + sum(lengths)
    node.flow_style = is_flow or not items or (not is_top and column + length <= width)
    return length
