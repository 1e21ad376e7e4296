"""A new example at the end of a file's `examples`, spliced into its text: nothing else of the file is touched.

The text is looked at by the reader's own marks; comments, indentation, line ends and quotes stay what they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import Problems, UsageError
from ..folders import MAX_FILE_BYTES
from .document import Document
from .source import Source
from .yamlout import yaml_text
from .yamltext import read

_STEP = 2
"""How far the list of examples is indented in a file that has none yet."""


def with_example(text: str, file: str, example: Mapping[str, Any], comment: str) -> str:
    """The text with one more example, and a comment in the line above it.

    Raises UsageError where the file's `examples` are no list that it could be put into, or the file grows too large.
    """
    source = Source(file, text)
    problems = Problems()
    document = read(source, problems)
    problems.raise_if_any()
    if not isinstance(document.data, dict):
        raise UsageError(f"{file} is no map of keys; begin it with spec_version: 1")
    newline = "\r\n" if "\r\n" in text else "\n"
    at, added = _addition(document, example, comment)
    added = added.replace("\n", newline)
    if len(text.encode()) + len(added.encode()) > MAX_FILE_BYTES:
        raise UsageError(
            f"with this example of {len(added.encode())} bytes {file} would be larger than {MAX_FILE_BYTES} bytes;"
            " record a shorter answer, or into another file"
        )
    return text[:at] + added + text[at:]


def _addition(document: Document, example: Mapping[str, Any], comment: str) -> tuple[int, str]:
    """Where something is added to the text, and what."""
    file, text, examples = document.source.file, document.source.text, document.data.get("examples")
    if "examples" not in document.data:
        return _first(document, example, comment)
    if not isinstance(examples, list) or not examples:
        raise UsageError(f"the `examples` of {file} are no list with an example in it; write the first one by hand")
    if document.is_flow(("examples",)):
        return _in_brackets(document, len(examples), example, comment)
    last = document.values["examples", len(examples) - 1]
    dash = re.search(r"^( *)-[ \n\r]*\Z", text[: last.start], re.MULTILINE)
    if dash is None:
        raise UsageError(f"the last example of {file} does not begin behind a dash; write it as `- name: ...`")
    end = _line_end(text, document.end_of(("examples", len(examples) - 1)))
    return end, _item(example, comment, len(dash[1]))


def _item(example: Mapping[str, Any], comment: str, indent: int) -> str:
    margin = " " * indent
    return f"\n{margin}# {comment}\n{margin}- {yaml_text(dict(example), indent=indent + 2)}"


def _first(document: Document, example: Mapping[str, Any], comment: str) -> tuple[int, str]:
    text = document.source.text
    if document.is_flow(()):
        raise UsageError(f"{document.source.file} is a map in braces; write its keys in lines, and record again")
    end = _line_end(text, document.end_of(()))
    return end, "\nexamples:" + _item(example, comment, _STEP)


def _in_brackets(document: Document, count: int, example: Mapping[str, Any], comment: str) -> tuple[int, str]:
    text = document.source.text
    line = text.rfind("\n", 0, document.keys["examples",].start) + 1
    margin = " " * (document.keys["examples",].start - line + _STEP)
    end = document.end_of(("examples", count - 1))
    return end, f",\n{margin}# {comment}\n{margin}{yaml_text(dict(example), flow=True)}"


def _line_end(text: str, offset: int) -> int:
    found = re.compile(r"\r\n|\r|\n").search(text, offset)
    return found.start() if found else len(text)
