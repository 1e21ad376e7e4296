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

from ..errors import DecodeError, TruncatedError
from .frame import Decoder, Frame, Piece

_PRELUDE = struct.Struct(">III")

_FIXED_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Header value types of a fixed size, in bytes: booleans, integers, a timestamp, a UUID."""

_TEXT = 7
_SIZED = (6, _TEXT)
"""Header value types that say their size: bytes and text."""


class AWSEventStreamDecoder(Decoder):
    """Messages from bytes; the event's name is the frame's. Raises DecodeError where a checksum is wrong."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def _feed(self, data: bytes, pieces: list[Piece]) -> None:
        self._rest += data
        position = 0
        while (size := self._size(position)) is not None and len(self._rest) - position >= size:
            pieces.append(self._message(bytes(self._rest[position : position + size])))
            position += size
        del self._rest[:position]

    def _finish(self, pieces: list[Piece]) -> None:
        if self._rest:
            raise TruncatedError("the answer broke off inside a message of the event stream")

    def _size(self, position: int) -> int | None:
        """The size of the message that begins there; None while its prelude has not come."""
        if len(self._rest) - position < _PRELUDE.size:
            return None
        total, headers, checksum = _PRELUDE.unpack_from(self._rest, position)
        if zlib.crc32(self._rest[position : position + 8]) != checksum:
            raise DecodeError("the event stream has a message whose prelude does not match its checksum")
        if total < _PRELUDE.size + 4 + headers:
            raise DecodeError("the event stream has a message that is shorter than its headers")
        if total > self.max_frame_bytes:
            raise self.too_large()
        return int(total)

    def _message(self, message: bytes) -> Piece:
        if zlib.crc32(message[:-4]) != int.from_bytes(message[-4:], "big"):
            raise DecodeError("the event stream has a message that does not match its checksum")
        _, size, _ = _PRELUDE.unpack_from(message)
        end = _PRELUDE.size + size
        headers = self._headers(message[_PRELUDE.size : end])
        kind = headers.get(":message-type", "event")
        name = headers.get(f":{kind}-type") or headers.get(":error-code")
        words = headers.get(":error-message")
        if words and end == len(message) - 4:
            return name, json.dumps({"message": words}, ensure_ascii=False)
        return name, message[end:-4]

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
