"""An example's reply with another text in it: its frames are taken apart, the text is put where the rules read it, and
they are joined again. Nothing here knows any API: what a frame says is asked of the file's own rules.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..compression import decompressor
from ..errors import EngineError
from ..events import TextDelta
from ..framing import FRAMINGS, MEDIA_TYPES, Frame
from ..framing.aws_eventstream import encode_message
from ..paths import MISSING, Path
from ..provider import Provider
from ..readers import Readers
from ..rules import UNWRAPS, FrameReader
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
    texts = _texts_of(readers, reader, frames)
    said = [index for index, piece in enumerate(texts) if piece]
    if not said:
        return None
    before, first, old = frames[: said[0]], frames[said[0]], "".join(texts)
    after = [frame for index, frame in enumerate(frames) if index > said[0] and index not in said]
    rest = [_with_leaves(reader, frame, old, text) for frame in after]
    pieces = _pieces(text, reader.codec)
    growing = ["".join(pieces[: count + 1]) for count in range(len(pieces))]
    for spoken in (pieces, growing):  # each frame holds the next piece, or all of the text so far
        new = [_with_text(readers, reader, before, first, piece) for piece in spoken]
        body = ENCODERS[reader.codec]([*before, *[frame for frame in new if frame is not None], *rest])
        if _says(provider, reader.codec, body, text):
            return reader.codec, body
    return None


def _reader_of(readers: Readers, example: Example) -> FrameReader | None:
    media_type = Headers(example.reply.headers.items()).get("content-type", "").partition(";")[0].strip().lower()
    return readers.choose(media_type, example.reply.body[:64])


def _frames(reader: FrameReader, example: Example) -> list[Frame]:
    coding = Headers(example.reply.headers.items()).get("content-encoding", "")
    decoder = FRAMINGS[reader.codec]()
    frames = decoder.feed(decompressor(coding, 1 << 24).feed(example.reply.body)) + decoder.finish()
    return frames + ([decoder.unfinished] if decoder.unfinished else [])


def _texts_of(readers: Readers, reader: FrameReader, frames: list[Frame]) -> list[str]:
    """The text that the rules read out of each frame, with those before it; empty where there is none."""
    answer = readers.answer()
    texts = []
    for frame in frames:
        try:
            if not reader.is_end_text(frame):
                reader.apply(answer, frame, reader.data_of(frame))
        except EngineError:
            pass  # a frame that says nothing
        texts.append("".join(event.text for event in answer.take() if isinstance(event, TextDelta)))
    return texts


def _with_text(readers: Readers, reader: FrameReader, before: list[Frame], frame: Frame, text: str) -> Frame | None:
    """The frame with another text: the first leaf that says the old one and makes the rules read the new one."""
    old = _texts_of(readers, reader, [*before, frame])[-1]
    for changed in _changed(reader.data_of(frame), old, text):
        candidate = Frame(frame.event, _wrapped(frame.data, reader.unwrap, changed))
        if _texts_of(readers, reader, [*before, candidate])[-1] == text:
            return candidate
    return None


def _with_leaves(reader: FrameReader, frame: Frame, old: str, new: str) -> Frame:
    """A frame that says no text of its own: where it says all of the answer's again, it says the new one."""
    try:
        data = reader.data_of(frame)
    except EngineError:
        return frame
    replaced = _replaced(data, old, new)
    return frame if replaced == data else Frame(frame.event, _wrapped(frame.data, reader.unwrap, replaced))


def _replaced(data: Any, old: str, new: str) -> Any:
    if isinstance(data, dict):
        return {key: _replaced(item, old, new) for key, item in data.items()}
    if isinstance(data, list):
        return [_replaced(item, old, new) for item in data]
    return new if data == old and isinstance(data, str) else data


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


def _to_base64(text: Any) -> str:
    return base64.b64encode(str(text).encode()).decode()


WRAPS: Mapping[str, Callable[[Any], str]] = {
    "json": lambda data: json.dumps(data, ensure_ascii=False, separators=(",", ":")),
    "text": str,
    "base64": _to_base64,
}
"""The way back of each step that a reading unwraps its frames by."""


def _wrapped(data: Any, steps: Sequence[str | Mapping[str, str]], value: Any) -> Any:
    """The data of a frame with another value where these steps find one."""
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(step, str):
        return WRAPS[step](_wrapped(UNWRAPS[step](data), rest, value))
    path = Path(step["at"])
    inner = path.get(data)
    return value if inner is MISSING else path.put(data, _wrapped(inner, rest, value))


def _pieces(text: str, codec: str) -> list[str]:
    if codec == "json":
        return [text]
    size = max(1, len(text) // PIECES)
    return re.findall(rf".{{1,{size}}}", text, re.DOTALL) or [text]


def _says(provider: Provider, codec: str, body: bytes, text: str) -> bool:
    try:
        return provider.decode(body, 200, {"content-type": content_type(codec)}).text == text
    except EngineError:
        return False
