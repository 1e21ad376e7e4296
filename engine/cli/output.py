"""Writing to stdout: whole bytes into a pipe, but nothing raw from a model onto a terminal."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import Any

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """Text that cannot steer a terminal: control characters become their pictures, C1 and bidi controls U+FFFD.

    >>> printable("a\\x1b[31mb")
    'a␛[31mb'
    """
    text = _CONTROL.sub(lambda match: chr(0x2400 + ord(match[0])) if ord(match[0]) < 0x20 else "\ufffd", text)
    return _BIDI.sub("\ufffd", text)


def is_terminal() -> bool:
    """Whether stdout is a terminal."""
    return sys.stdout.isatty()


def has_color() -> bool:
    """Whether to colour: stdout is a terminal, and nobody asked for NO_COLOR (https://no-color.org)."""
    return is_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width() -> int:
    """How many cells a line of the terminal has; without a terminal there is no end of it."""
    if not is_terminal():
        return sys.maxsize
    from shutil import get_terminal_size

    return get_terminal_size().columns


def color(text: str, code: str) -> str:
    """The text in a colour (an SGR code), where colours are wanted."""
    return f"\x1b[{code}m{text}\x1b[0m" if has_color() else text


def write(text: str, end: str = "\n") -> None:
    """Text that we or a model made, to stdout, at once."""
    if is_terminal():
        text = printable(text)
    sys.stdout.write(_encodable(text + end))
    sys.stdout.flush()


def write_styled(line: str) -> None:
    """A line of our own that may hold colours."""
    sys.stdout.write(_encodable(line + "\n"))
    sys.stdout.flush()


def write_json(value: Any, *, indent: int | None = 2) -> None:
    """A JSON value, to stdout."""
    write(json.dumps(value, ensure_ascii=False, indent=indent, default=str))


def _encodable(text: str) -> str:
    """What stdout's encoding can say of the text."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "replace").decode(encoding, "replace")
