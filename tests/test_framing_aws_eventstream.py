"""AWS event streams: messages written by hand here, byte by byte of the format, and read at any cut."""

from __future__ import annotations

import json
import struct
import time
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import DecodeError, LimitError, TruncatedError
from engine.framing import FRAMINGS, Frame
from engine.framing.aws_eventstream import encode_message
from tests.faults import fault

from .test_framing import CUTS, PIECES, byte_by_byte, cut, outcome, read


def text(value: str) -> tuple[int, bytes]:
    data = value.encode()
    return 7, len(data).to_bytes(2, "big") + data


def message(headers: list[tuple[str, tuple[int, bytes]]], payload: bytes = b"") -> bytes:
    """A message from its headers, each (name, (type, value as on the wire)): the documented layout, spelled out."""
    block = b"".join(
        len(name.encode()).to_bytes(1, "big") + name.encode() + kind.to_bytes(1, "big") + value
        for name, (kind, value) in headers
    )
    return framed(block, payload)


def framed(block: bytes, payload: bytes = b"", headers_size: int | None = None) -> bytes:
    total = 4 + 4 + 4 + len(block) + len(payload) + 4
    prelude = total.to_bytes(4, "big") + (len(block) if headers_size is None else headers_size).to_bytes(4, "big")
    head = prelude + crc32(prelude).to_bytes(4, "big")
    return head + block + payload + crc32(head + block + payload).to_bytes(4, "big")


def event(name: str, /, **data: Any) -> bytes:
    """As the service sends one."""
    headers = [
        (":event-type", text(name)),
        (":content-type", text("application/json")),
        (":message-type", text("event")),
    ]
    return message(headers, json.dumps(data, ensure_ascii=False).encode())


def frames(*chunks: bytes) -> list[Frame]:
    found, decoder = read("aws_eventstream", list(chunks))
    assert decoder.unfinished is None
    return found


STREAM = (
    event("messageStart", role="assistant", p="abcd")
    + event("contentBlockDelta", contentBlockIndex=0, delta={"text": "Привет"}, p="ab")
    + event("messageStop", stopReason="end_turn")
)
FRAMES = [
    Frame("messageStart", '{"role": "assistant", "p": "abcd"}'),
    Frame("contentBlockDelta", '{"contentBlockIndex": 0, "delta": {"text": "Привет"}, "p": "ab"}'),
    Frame("messageStop", '{"stopReason": "end_turn"}'),
]

# An empty message and one with headers, from the test vectors that AWS publishes with its SDKs
# (https://github.com/awslabs/aws-c-event-stream, tests/).
EMPTY_MESSAGE = bytes.fromhex("000000100000000005c248eb7d98c8ff")
PAYLOAD_MESSAGE = bytes.fromhex("0000001d00000000fd528c5a7b27666f6f273a27626172277dc3653936")
HEADER_MESSAGE = bytes.fromhex(
    "0000003d0000002007fd8396"
    "0c636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e"
    "7b27666f6f273a27626172277d8d9c08b1"
)


def test_known_messages():
    assert frames(EMPTY_MESSAGE) == [Frame(None, "")]
    assert frames(PAYLOAD_MESSAGE) == frames(HEADER_MESSAGE) == [Frame(None, "{'foo':'bar'}")]


def test_names_and_payloads():
    assert frames(STREAM) == frames(*byte_by_byte(STREAM)) == FRAMES


@pytest.mark.parametrize(
    ("headers", "payload", "expected"),
    [
        ({":message-type": "event", ":event-type": "chunk"}, b"{}", Frame("chunk", "{}")),
        (
            {":message-type": "exception", ":exception-type": "throttlingException"},
            b'{"message":"slow down"}',
            Frame("throttlingException", '{"message":"slow down"}'),
        ),
        (
            {":message-type": "exception", ":exception-type": "throttlingException", ":event-type": "chunk"},
            b"{}",
            Frame("throttlingException", "{}"),
        ),
        (
            {":message-type": "error", ":error-code": "InternalError", ":error-message": 'it "broke" Ж'},
            b"",
            Frame("InternalError", '{"message": "it \\"broke\\" Ж"}'),
        ),
        ({":message-type": "error", ":error-code": "InternalError"}, b"", Frame("InternalError", "")),
        (
            {":message-type": "error", ":error-code": "E", ":error-message": "words"},
            b'{"message":"better"}',
            Frame("E", '{"message":"better"}'),
        ),
        ({":event-type": "chunk"}, b"{}", Frame("chunk", "{}")),
        ({":message-type": "event", ":event-type": ""}, b"{}", Frame(None, "{}")),
        ({":message-type": "novel", ":event-type": "chunk"}, b"{}", Frame(None, "{}")),
        ({}, b"{}", Frame(None, "{}")),
        ({":event-type": "chunk"}, b"", Frame("chunk", "")),
        ({":event-type": "событие"}, "Ж".encode(), Frame("событие", "Ж")),
    ],
)
def test_the_name_is_in_a_header(headers, payload, expected):
    assert frames(message([(name, text(value)) for name, value in headers.items()], payload)) == [expected]


HEADER_VALUES = {
    "true": (0, b""),
    "false": (1, b""),
    "byte": (2, b"\x07"),
    "short": (3, b"\x07\x07"),
    "integer": (4, b"\x07" * 4),
    "long": (5, b"\x07" * 8),
    "bytes": (6, b"\x00\x03\x07\x07\x07"),
    "empty bytes": (6, b"\x00\x00"),
    "text": text("x"),
    "empty text": text(""),
    "timestamp": (8, b"\x07" * 8),
    "uuid": (9, b"\x07" * 16),
}


@pytest.mark.parametrize("value", HEADER_VALUES.values(), ids=HEADER_VALUES)
def test_every_type_of_header_is_stepped_over(value):
    both = message([(":before", value), (":event-type", text("chunk")), (":after", value)], b"{}")
    assert frames(both) == [Frame("chunk", "{}")]


@pytest.mark.parametrize("kind", [0, 1, 2, 6, 9])
def test_a_name_that_is_no_text_is_none(kind):
    value = b"\x00\x05chunk" if kind == 6 else b"\x07" * {2: 1, 9: 16}.get(kind, 0)
    assert frames(message([(":event-type", (kind, value))], b"{}")) == [Frame(None, "{}")]


@pytest.mark.parametrize("value", HEADER_VALUES.values(), ids=HEADER_VALUES)
def test_headers_that_are_cut_short_are_a_decode_error(value):
    """The checksums hold, but the headers say more than there is: the payload must not be read as one."""
    kind, data = value
    block = b"\x02:a" + bytes([kind]) + data
    for size in range(1, len(block)):
        with pytest.raises(DecodeError, match="headers are cut short"):
            frames(framed(block[:size], b"payload that could be read as a value"))


@pytest.mark.parametrize("kind", [10, 77, 255])
def test_a_header_of_an_unknown_type_is_a_decode_error(kind):
    with pytest.raises(DecodeError, match=f"unknown type, {kind}"):
        frames(message([(":a", (kind, b"\x00\x01x")), (":event-type", text("chunk"))]))


@pytest.mark.parametrize("headers_size", [1, 4, 2**32 - 1])
def test_headers_larger_than_their_message_are_a_decode_error(headers_size):
    with pytest.raises(DecodeError, match="shorter than its headers"):
        frames(framed(b"", b"", headers_size))


@pytest.mark.parametrize("total", [0, 11, 12, 15])
def test_a_message_too_short_to_be_one_is_a_decode_error(total):
    prelude = struct.pack(">II", total, 0)
    with pytest.raises(DecodeError, match="shorter than its headers"):
        frames(prelude + crc32(prelude).to_bytes(4, "big") + b"\x00" * 8)


@fault(
    "Bytes and event streams",
    "any byte of a binary event stream changed",
    "`DecodeError` or `TruncatedError`, never another event",
)
@pytest.mark.parametrize("place", range(len(STREAM)))
def test_a_flipped_byte_is_an_error_and_never_a_wrong_frame(place):
    """Each byte stands behind a checksum. Frames before the broken one are given, and those are right."""
    for flip in (0x01, 0x80, 0xFF):
        broken = STREAM[:place] + bytes([STREAM[place] ^ flip]) + STREAM[place + 1 :]
        found, _, unfinished, fault = outcome("aws_eventstream", [broken])
        assert fault is not None
        assert fault[0] in (DecodeError, LimitError, TruncatedError)
        assert found == FRAMES[: len(found)]
        assert len(found) < len(FRAMES)
        assert unfinished is None
        assert outcome("aws_eventstream", byte_by_byte(broken)) == (found, 0, None, fault)


def test_both_checksums_are_looked_at():
    one = event("chunk", a=1)
    head = one[:8] + bytes(4) + one[12:-4]
    with pytest.raises(DecodeError, match="prelude does not match"):
        frames(head + crc32(head).to_bytes(4, "big"))
    with pytest.raises(DecodeError, match="message that does not match"):
        frames(one[:-4] + bytes(4))


@fault("Bytes and event streams", "a binary event stream cut inside a message", "`TruncatedError`")
@pytest.mark.parametrize("size", range(1, len(EMPTY_MESSAGE)))
def test_a_body_that_ends_inside_a_message_is_truncated(size):
    found, _, _, fault = outcome("aws_eventstream", [STREAM + EMPTY_MESSAGE[:size]])
    assert found == FRAMES
    assert fault == (TruncatedError, "the answer broke off inside a message of the event stream")


MESSAGES = st.lists(
    st.tuples(
        st.text(alphabet="abcException:-Ж", max_size=12),
        st.dictionaries(st.text(max_size=4), st.text(max_size=8), max_size=3),
    ),
    max_size=4,
)


@PIECES
@given(MESSAGES, CUTS)
def test_every_message_comes_back_at_any_cut(pairs, places):
    body = b"".join(event(name, **data) for name, data in pairs)
    expected = [Frame(name or None, json.dumps(data, ensure_ascii=False)) for name, data in pairs]
    for chunks in ([body], cut(body, places), byte_by_byte(body)):
        assert frames(*chunks) == expected


@fault(
    "Bytes and event streams",
    "a binary event stream broken anywhere, cut anywhere",
    "the same events and the same error",
)
@PIECES
@given(MESSAGES, CUTS, st.integers(0, 10_000), st.integers(1, 255), st.integers(0, 40))
def test_a_broken_stream_is_the_same_at_any_cut(pairs, places, place, flip, lost):
    body = bytearray(b"".join(event(name, **data) for name, data in pairs) + STREAM)
    body[place % len(body)] ^= flip
    stream = bytes(body[: len(body) - lost])
    whole = outcome("aws_eventstream", [stream])
    assert whole[-1] is not None
    assert outcome("aws_eventstream", cut(stream, places)) == whole
    assert outcome("aws_eventstream", byte_by_byte(stream)) == whole


def test_a_message_is_given_with_its_last_byte():
    decoder = FRAMINGS["aws_eventstream"]()
    one = event("chunk", a=1)
    assert decoder.feed(one[:-1]) == []
    assert decoder.feed(one[-1:] + one[:5]) == [Frame("chunk", '{"a": 1}')]
    assert decoder.feed(one[5:]) == [Frame("chunk", '{"a": 1}')]


def test_the_limit_is_known_from_the_prelude_and_messages_before_it_are_given():
    small, large = event("a"), event("b", text="x" * 100)
    for chunks in ([small + large], byte_by_byte(small + large), [small, large[:12]]):
        found, _, _, fault = outcome("aws_eventstream", chunks, len(small))
        assert found == [Frame("a", "{}")]
        assert fault is not None
        assert fault[0] is LimitError
    assert outcome("aws_eventstream", [small + large], len(large))[-1] is None
    assert outcome("aws_eventstream", [large], len(large) - 1)[-1] is not None


@fault("Bytes and event streams", "a binary message that says it has 4 GB", "`LimitError` at once")
def test_a_size_of_four_gigabytes_is_not_waited_for():
    prelude = struct.pack(">II", 2**32 - 1, 0)
    with pytest.raises(LimitError, match=r"limits\.event_bytes"):
        FRAMINGS["aws_eventstream"]().feed(prelude + crc32(prelude).to_bytes(4, "big"))


def test_after_a_fault_every_call_raises():
    decoder = FRAMINGS["aws_eventstream"]()
    broken = STREAM[:-1] + bytes([STREAM[-1] ^ 1])
    assert decoder.feed(broken) == FRAMES[:2]
    for call in (lambda: decoder.feed(STREAM), lambda: decoder.feed(b""), decoder.finish):
        with pytest.raises(DecodeError):
            call()


def test_after_an_end_that_came_too_soon_every_call_raises():
    decoder = FRAMINGS["aws_eventstream"]()
    assert decoder.feed(STREAM[:-1]) == FRAMES[:2]
    for call in (decoder.finish, lambda: decoder.feed(STREAM[-1:]), decoder.finish):
        with pytest.raises(TruncatedError):
            call()


def test_what_is_no_utf8_is_replaced_and_counted():
    found, decoder = read("aws_eventstream", [message([(":event-type", text("chunk"))], b'"\xff"')])
    assert found == [Frame("chunk", '"\ufffd"')]
    assert decoder.replaced == 1


def test_a_message_in_tiny_pieces_takes_linear_time():
    decoder = FRAMINGS["aws_eventstream"]()
    body = event("chunk", text="x" * 1_000_000)
    began = time.process_time()
    found = [frame for at in range(0, len(body), 4) for frame in decoder.feed(body[at : at + 4])]
    assert time.process_time() - began < 5  # quadratic copying would take minutes
    assert len(found[0].data) > 1_000_000


# --- the way back ---


@PIECES
@given(st.one_of(st.none(), st.text(alphabet="abcЖ:-", min_size=1, max_size=12)), st.text(max_size=40), st.booleans())
def test_an_encoded_message_is_that_frame(name, data, is_exception):
    frame = Frame(f"{name or ''}Exception" if is_exception else name, data)
    encoded = encode_message(frame)
    assert frames(encoded) == frames(*byte_by_byte(encoded)) == [frame]
    assert (b":exception-type" in encoded) is is_exception


# --- against the decoder of AWS's own SDK ---


@settings(PIECES, max_examples=60)
@given(MESSAGES, st.sampled_from([None, *HEADER_VALUES]), CUTS)
def test_the_sdk_reads_the_same(pairs, extra, places):
    eventstream = pytest.importorskip("botocore.eventstream")
    extras = [] if extra is None else [("x-extra", HEADER_VALUES[extra])]
    body = b"".join(
        message([(":event-type", text(name)), *extras, (":message-type", text("event"))], json.dumps(data).encode())
        for name, data in pairs
    ) + encode_message(Frame("modelStreamErrorException", '{"message": "Ж"}'))
    buffer = eventstream.EventStreamBuffer()
    theirs = []
    for chunk in cut(body, places):
        buffer.add_data(chunk)
        for event_message in buffer:
            headers = event_message.headers
            name = headers.get(":event-type", headers.get(":exception-type"))
            theirs.append(Frame(name or None, event_message.payload.decode()))
    assert frames(*cut(body, places)) == theirs
    assert len(theirs) == len(pairs) + 1


def test_the_sdk_refuses_the_same():
    eventstream = pytest.importorskip("botocore.eventstream")
    faults = (eventstream.ChecksumMismatch, eventstream.InvalidHeadersLength, eventstream.InvalidPayloadLength)
    body = event("chunk", a=1)
    for place in range(len(body)):
        broken = body[:place] + bytes([body[place] ^ 0x55]) + body[place + 1 :]
        buffer = eventstream.EventStreamBuffer()
        buffer.add_data(broken)
        with pytest.raises(faults):
            list(buffer)
        assert outcome("aws_eventstream", [broken])[-1] is not None
