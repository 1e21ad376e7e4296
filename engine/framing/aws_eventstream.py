"""AWS event streams: binary messages with headers and two checksums.

https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html describes the format: total length, length
of the headers, CRC32 of those eight bytes, headers, payload, CRC32 of all before it; numbers are big-endian. The name
of an event is in a header only: `:event-type`, `:exception-type` or `:error-code`. An error without a payload has its
words in a header too, `:error-message`; they become the payload that an exception would have, `{"message": ...}`.
"""

from __future__ import annotations

import json
import struct
import zlib

from ..errors import DecodeError, LimitError, TruncatedError
from .frame import Decoder, Frame, Piece

_PRELUDE = struct.Struct(">III")

_FIXED_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Header value types of a fixed size, in bytes: booleans, integers, a timestamp, a UUID."""

_TEXT = 7
_SIZED = (6, _TEXT)
"""Header value types that say their size: bytes and text."""


MAX_HEADS = 32
SHORT = 1024
"""How many heads of messages, no longer than that, are known by their bytes: a stream says a few again and again."""


class AWSEventStreamDecoder(Decoder):
    """Messages from bytes; the event's name is the frame's. Raises DecodeError where a checksum is wrong."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._due = _PRELUDE.size  # how much of it makes it worth a look
        self._heads: dict[bytes, tuple[str | None, str | None]] = {}

    def may_complete(self, data: bytes) -> bool:
        """Whether a message, or its prelude, ends in them."""
        return len(self._rest) + len(data) >= self._due

    def _feed(self, data: bytes, pieces: list[Piece]) -> None:
        if self._rest:
            self._rest += data
            if len(self._rest) < self._due:
                return
            data = bytes(self._rest)
        place, size, self._due = 0, len(data), _PRELUDE.size
        while size - place >= _PRELUDE.size:
            total, headers, checksum = _PRELUDE.unpack_from(data, place)
            if zlib.crc32(data[place : place + 8]) != checksum or not headers + 16 <= total <= self.max_frame_bytes:
                raise self._refusal(data[place:])
            end = place + total
            if end > size:
                self._due = total
                break
            if zlib.crc32(data[place + 8 : end - 4], checksum) != int.from_bytes(data[end - 4 : end], "big"):
                raise DecodeError("the event stream has a message that does not match its checksum")
            start = place + _PRELUDE.size + headers
            head = data[place + _PRELUDE.size : start]
            name, words = self._heads[head] if head in self._heads else self._head(head)
            pieces.append((name, words if words is not None and start == end - 4 else data[start : end - 4]))
            place = end
        self._rest = bytearray(data[place:])

    def _finish(self, pieces: list[Piece]) -> None:
        if self._rest:
            raise TruncatedError("the answer broke off inside a message of the event stream")

    def _refusal(self, message: bytes) -> DecodeError | LimitError:
        """What is wrong with its prelude."""
        total, headers, checksum = _PRELUDE.unpack_from(message)
        if zlib.crc32(message[:8]) != checksum:
            return DecodeError("the event stream has a message whose prelude does not match its checksum")
        if total < headers + 16:
            return DecodeError("the event stream has a message that is shorter than its headers")
        return self.too_large()

    def _head(self, data: bytes) -> tuple[str | None, str | None]:
        """What the headers say: the event's name, and the payload that they stand for where there is none."""
        replaced, headers = self.replaced, self._headers(data)
        kind, message = headers.get(":message-type", "event"), headers.get(":error-message")
        name = headers.get(f":{kind}-type") or headers.get(":error-code")
        found = name, json.dumps({"message": message}, ensure_ascii=False) if message else None
        if self.replaced == replaced and len(self._heads) < MAX_HEADS and len(data) <= SHORT:
            self._heads[data] = found
        return found

    def _headers(self, data: bytes) -> dict[str, str]:
        """The headers whose values are text."""
        headers: dict[str, str] = {}
        position = 0
        while position < len(data):
            name, position = _sized(data, position, 1)
            kind, position = _taken(data, position, 1)
            if kind[0] in _FIXED_SIZES:
                _, position = _taken(data, position, _FIXED_SIZES[kind[0]])
            elif kind[0] in _SIZED:
                value, position = _sized(data, position, 2)
                if kind[0] == _TEXT:
                    headers[self.decode(name)] = self.decode(value)
            else:
                raise DecodeError(f"the event stream has a header of an unknown type, {kind[0]}")
        return headers


def _taken(data: bytes, position: int, size: int) -> tuple[bytes, int]:
    """The next bytes, and the place behind them."""
    end = position + size
    if end > len(data):
        raise DecodeError("the event stream has a message whose headers are cut short")
    return data[position:end], end


def _sized(data: bytes, position: int, width: int) -> tuple[bytes, int]:
    """The bytes whose number stands before them, and the place behind them."""
    size, position = _taken(data, position, width)
    return _taken(data, position, int.from_bytes(size, "big"))


def encode_message(frame: Frame) -> bytes:
    """A frame as a message: the way back, for mocks and tests. A name that ends in Exception makes an exception."""
    kind = "exception" if (frame.event or "").endswith("Exception") else "event"
    headers = b"".join(
        bytes([len(name)]) + name + b"\x07" + len(value).to_bytes(2, "big") + value
        for name, value in ((b":message-type", kind.encode()), (f":{kind}-type".encode(), (frame.event or "").encode()))
    )
    payload = frame.data.encode()
    head = struct.pack(">II", _PRELUDE.size + len(headers) + len(payload) + 4, len(headers))
    message = head + zlib.crc32(head).to_bytes(4, "big") + headers + payload
    return message + zlib.crc32(message).to_bytes(4, "big")
