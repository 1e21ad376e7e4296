"""From a frame as it was cut out of the body to what the rules read of it, written out as source.

What is written stops (`return n`) at whatever is not plain: blanks, JSON with blanks around it, half a character, a
step of `unwrap` that finds nothing. Those frames are read by `unwrap.unwrapper`, which knows all cases.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ..json_text import LARGE, MAX_DEPTH
from ..paths import Path
from ..spec import Reading
from .shapes import Shape, decoder, plain_reader
from .source import Source

LEAST = 2 * (MAX_DEPTH + 1)
"""In fewer bytes nothing nests too deeply."""

_strict = partial(a2b_base64, strict_mode=True)


def shapes_of(reading: Reading) -> list[Shape]:
    """A shape for each JSON text that is in another, the frame's own first."""
    return [Shape() for step in reading.unwrap if step == "json"]


def write_data(source: Source, reading: Reading, shapes: Sequence[Shape]) -> str:
    """Stop at what is not plain; the variable with what the rules read."""
    if reading.codec == "text" and not reading.end.texts:
        return "raw"
    data, mark = _write_start(source, reading)
    left = iter(shapes)
    for number, step in enumerate(reading.unwrap):
        if step == "json":
            data, mark = _write_json(source, data, mark, _opening(reading, number), next(left)), ""
        elif step == "base64":
            mark = "b" if reading.unwrap[number + 1 : number + 2] == ("json",) else ""
            data = _write_base64(source, data, as_text=not mark)
        elif not isinstance(step, str):
            data, mark = source.place(data, Path(step["at"]).keys), ""
            source.line(f"if {data} is M: return n")
    return data


def _write_start(source: Source, reading: Reading) -> tuple[str, str]:
    """Pass over what ends the stream; the variable with the frame, and the mark of its literals: b for bytes."""
    opening = _opening(reading, 0)
    if reading.unwrap[:1] == ("json",) and not any(text.startswith(opening) for text in reading.end.texts):
        with source.block(f"if not raw or raw[0] != {ord(opening)}:"):  # all else is told where that is not so
            _write_ends(source, reading, "raw", lambda text: text.encode())
            source.line("return n")
        source.line(f"is_long = len(raw) >= {LEAST}")
        return "raw", "b"
    source.line(f"is_long = len(raw) >= {LEAST}")
    data = source.name()
    _write_tried(source, f"{data} = raw if type(raw) is str else raw.decode()")
    said = f"{data}.strip()" if "json" in reading.unwrap else data
    source.line(f"if not {said}: return n")
    _write_ends(source, reading, said, str)
    return data, ""


def _opening(reading: Reading, number: int) -> str:
    """How the JSON of a step begins: with a text where the next step reads one, else with a map."""
    return '"' if reading.unwrap[number + 1 : number + 2] in (("json",), ("base64",), ("text",)) else "{"


def _write_ends(source: Source, reading: Reading, said: str, spelt: Callable[[str], Any]) -> None:
    """An end text is taken, and is the last."""
    if reading.end.texts:
        texts = source.constant(tuple(spelt(text) for text in reading.end.texts))
        with source.block(f"if {said} in {texts}:"):
            source.line("answer.has_ended = True")
            source.line("return n + 1")


def _write_tried(source: Source, line: str) -> None:
    with source.block("try:"):
        source.line(line)
    with source.block("except Exception:"):
        source.line("return n")


def _write_json(source: Source, text: str, mark: str, opening: str, shape: Shape) -> str:
    """Read a map, or a text; of a map with a shape, what the rules read."""
    if text != "raw":
        is_text = "" if mark else f"type({text}) is not str or "
        source.line(f"if {is_text}{text}[:1] != {mark}'{opening}': return n")
    _write_depth(source, text, mark)
    data = source.name()
    read = decoder(shape) if source.is_typed and shape.is_map else plain_reader()
    _write_tried(source, f"{data} = {source.constant(read)}({text})")
    if opening == "{":
        source.is_map(data, shape)
    return data


def _write_depth(source: Source, text: str, mark: str) -> None:
    """Stop at what may nest too deeply, or takes long. No text in a frame is longer than that.

    Brackets are counted where there is room for so many: a list takes two bytes, a map five, and four of them stand
    before what is in it. So where the first list begins late, there are few levels before it, and few bytes behind.
    """
    first, size = source.name(), f"len({text})"
    has_room = f"4 * {size} >= {4 * LEAST} + 3 * {first} if {first} >= 0 else {size} >= {5 * (MAX_DEPTH + 1)}"
    with source.block("if is_long:" if text == "raw" else f"if is_long and {size} >= {LEAST}:"):
        source.line(f"{first} = {text}.find({mark}'[')")
        deep = f"{text}.count({mark}'{{') + {text}.count({mark}'[') > {MAX_DEPTH}"
        source.line(f"if ({has_room}) and {deep}: return n")
        source.line(f"if {size} > {LARGE}: return n")


def _write_base64(source: Source, text: str, *, as_text: bool) -> str:
    data = source.name()
    _write_tried(source, f"{data} = {source.constant(_strict)}({text}){'.decode()' if as_text else ''}")
    return data
