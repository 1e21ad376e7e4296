"""An example's reply with another text in it: its frames are taken apart, the text is put where the rules read it, and
they are joined again. Nothing here knows any API: what a frame says is asked of the file's own rules.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..answer import Answer
from ..compression import decompressor
from ..errors import EngineError
from ..framing import FRAMINGS, MEDIA_TYPES, Frame
from ..framing.aws_eventstream import encode_message
from ..provider import Provider
from ..readers import Readers
from ..rules import FrameReader
from ..spec import Example
from ..wire import Headers

PIECES = 6
"""Into about how many pieces a text is cut for a stream."""


def _sse(frames: list[Frame]) -> bytes:
    lines = []
    for frame in frames:
        if frame.event:
            lines.append(f"event: {frame.event}")
        lines += [f"data: {line}" for line in frame.data.split("\n")]
        lines.append("")
    return ("\n".join(lines) + "\n").encode()


def _joined(frames: list[Frame]) -> bytes:
    return "".join(frame.data for frame in frames).encode()


def _lines(frames: list[Frame]) -> bytes:
    return "".join(f"{frame.data}\n" for frame in frames).encode()


def _array(frames: list[Frame]) -> bytes:
    return ("[" + ",\n".join(frame.data for frame in frames) + "]").encode()


def _messages(frames: list[Frame]) -> bytes:
    return b"".join(encode_message(frame) for frame in frames)


ENCODERS: Mapping[str, Callable[[list[Frame]], bytes]] = {
    "text": _joined,
    "sse": _sse,
    "json": _joined,
    "ndjson": _lines,
    "json_array": _array,
    "aws_eventstream": _messages,
}
"""Frames -> bytes: the way back of each framing that the mock can speak."""


def content_type(codec: str) -> str:
    """The content type of a body that is framed so."""
    kind = MEDIA_TYPES[codec][0]
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


def reencode(provider: Provider, example: Example, text: str) -> tuple[str, bytes] | None:
    """The codec and the body of a reply that says `text`; None when the example's reply gives no way to say it."""
    readers = provider.readers
    reader = _reader_of(readers, example)
    if reader is None:
        return None
    frames = _frames(reader, example)
    said = [index for index, frame in enumerate(frames) if _text_in(readers, reader, frame)]
    if not said:
        return None
    pieces = _pieces(text, reader.codec)
    if _is_cumulative(provider.spec.response):
        pieces = ["".join(pieces[: count + 1]) for count in range(len(pieces))]
    spoken = [_with_text(readers, reader, frames[said[0]], piece) for piece in pieces]
    if any(frame is None for frame in spoken):
        return None
    rest = [frame for index, frame in enumerate(frames) if index > said[0] and index not in said]
    body = ENCODERS[reader.codec]([*frames[: said[0]], *[frame for frame in spoken if frame], *rest])
    return (reader.codec, body) if _says(provider, reader.codec, body, text) else None


def _reader_of(readers: Readers, example: Example) -> FrameReader | None:
    media_type = Headers(example.reply.headers.items()).get("content-type", "").partition(";")[0].strip().lower()
    return readers.choose(media_type, example.reply.body[:64])


def _frames(reader: FrameReader, example: Example) -> list[Frame]:
    coding = Headers(example.reply.headers.items()).get("content-encoding", "")
    decoder = FRAMINGS[reader.codec]()
    frames = decoder.feed(decompressor(coding, 1 << 24).feed(example.reply.body)) + decoder.finish()
    return frames + ([decoder.unfinished] if decoder.unfinished else [])


def _text_in(readers: Readers, reader: FrameReader, frame: Frame, data: Any = None) -> str:
    """The text that the rules read out of one frame alone; empty when there is none."""
    if reader.is_end_text(frame):
        return ""
    answer = Answer(readers.response)
    try:
        reader.apply(answer, frame, reader.data_of(frame) if data is None else data)
    except EngineError:
        return ""
    return answer.response().text


def _with_text(readers: Readers, reader: FrameReader, frame: Frame, text: str) -> Frame | None:
    """The frame with another text: the first leaf that says the old one and makes the rules read the new one."""
    data = reader.data_of(frame)
    old = _text_in(readers, reader, frame)
    if isinstance(data, str):
        return Frame(frame.event, text)
    for changed in _changed(data, old, text):
        candidate = Frame(frame.event, json.dumps(changed, ensure_ascii=False, separators=(",", ":")))
        if _text_in(readers, reader, candidate) == text:
            return candidate
    return None


def _changed(data: Any, old: str, new: str) -> Iterator[Any]:
    """Copies of `data`, each with one leaf that was `old` replaced."""
    if data == old and isinstance(data, str):
        yield new
    elif isinstance(data, dict):
        for key, item in data.items():
            for changed in _changed(item, old, new):
                yield {**data, key: changed}
    elif isinstance(data, list):
        for index, item in enumerate(data):
            for changed in _changed(item, old, new):
                yield [*data[:index], changed, *data[index + 1 :]]


def _pieces(text: str, codec: str) -> list[str]:
    if codec == "json":
        return [text]
    size = max(1, len(text) // PIECES)
    return re.findall(rf".{{1,{size}}}", text, re.DOTALL) or [text]


def _is_cumulative(response: Any) -> bool:
    def cumulative(rules: Any) -> bool:
        return any(
            (name == "text" and isinstance(says, Mapping) and says.get("mode") == "cumulative")
            for rule in rules
            for name, says in rule.yields
        ) or any(cumulative(rule.rules) for rule in rules)

    return response.stream is not None and cumulative(response.stream.rules)


def _says(provider: Provider, codec: str, body: bytes, text: str) -> bool:
    try:
        return provider.decode(body, 200, {"content-type": content_type(codec)}).text == text
    except EngineError:
        return False
