"""Bytes to frames: by the standards' rules, and the same however the bytes are cut."""

from __future__ import annotations

import time
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import DecodeError, LimitError, TruncatedError
from engine.framing import FRAMINGS, MEDIA_TYPES, Decoder, Frame
from engine.loader import load
from tests.faults import fault

PIECES = settings(max_examples=150, deadline=None)
BOM = b"\xef\xbb\xbf"


def read(name: str, chunks: list[bytes]) -> tuple[list[Frame], Decoder]:
    decoder = FRAMINGS[name]()
    frames = [frame for chunk in chunks for frame in decoder.feed(chunk)]
    return frames + decoder.finish(), decoder


def sse(*chunks: bytes) -> list[Frame]:
    return read("sse", list(chunks))[0]


def data_of(*chunks: bytes) -> list[str]:
    return [frame.data for frame in sse(*chunks)]


def byte_by_byte(data: bytes) -> list[bytes]:
    return [data[index : index + 1] for index in range(len(data))]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def test_every_codec_has_a_media_type_and_needs_no_argument():
    assert set(MEDIA_TYPES) == set(FRAMINGS)
    for name, decoder_class in FRAMINGS.items():
        decoder = decoder_class()
        assert decoder.feed(b"") == [], name
        assert decoder.finish() == [], name
        assert decoder.unfinished is None


def test_a_decoder_by_itself_has_the_limit_of_a_file_that_names_none(chirp):
    limits = load(chirp / "chirp.yaml").limits
    for name, decoder_class in FRAMINGS.items():
        assert decoder_class().max_frame_bytes == (limits.body_bytes if name == "json" else limits.event_bytes), name


# --- sse: the rules, one by one ---


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: x\n\n", ["x"]),
        (b"data: x\r\r", ["x"]),
        (b"data: x\r\n\r\n", ["x"]),
        (b"data: x\r\n\n", ["x"]),
        (b"data: x\n\r\n", ["x"]),
        (b"data: x\r\n\r", ["x"]),
        (b"data: a\rdata: b\ndata: c\r\n\n", ["a\nb\nc"]),
        (b"data: x\n\rdata: y\n\n", ["x", "y"]),  # LF CR is two line ends
        (b"data:x\n\n", ["x"]),
        (b"data:  x\n\n", [" x"]),  # one space goes, no more
        (b"data:\tx\n\n", ["\tx"]),
        (b"data: a: b\n\n", ["a: b"]),
        (b"data\n\n", [""]),
        (b"data:\n\n", [""]),
        (b"data: \n\n", [""]),
        (b"data\ndata\n\n", ["\n"]),
        (b"data: a\ndata: b\n\n", ["a\nb"]),
        (b"data: a\n\ndata: b\n\n", ["a", "b"]),
        (b"data: a\n\n\n\n\ndata: b\n\n", ["a", "b"]),
        (b": ping\n\ndata: x\n\n", ["x"]),
        (b"data: a\n: in the middle\ndata: b\n\n", ["a\nb"]),
        (b":\n\n", []),
        (b"id: 1\n\n", []),
        (b"retry: 10\n\n", []),
        (b"id: 1\nretry: 10\ndata: x\n\n", ["x"]),
        (b"id: \x00\ndata: x\n\n", ["x"]),
        (b"event: ping\n\n", []),
        (b"Data: x\n\ndata : y\n\n data: z\n\n", []),  # names are exact
        (b"unknown: 1\nnonsense\ndata: x\n\n", ["x"]),
        (b"data: a\x00b\n\n", ["a\x00b"]),
        (b"data: x\n", []),
        (b"data: x", []),
        (b"data: a\n\ndata: b\n", ["a"]),
        (b"", []),
        (b"\n\n\n", []),
    ],
)
def test_lines_and_fields(stream, expected):
    assert data_of(stream) == expected
    assert data_of(*byte_by_byte(stream)) == expected


def test_the_event_name_belongs_to_one_event():
    stream = (
        b"event: a\ndata: 1\n\ndata: 2\n\nevent: b\n\ndata: 3\n\nevent:\ndata: 4\n\nevent: c\nevent: d\ndata: 5\n\n"
    )
    assert sse(stream) == [Frame("a", "1"), Frame(None, "2"), Frame(None, "3"), Frame(None, "4"), Frame("d", "5")]


def test_cr_and_lf_in_different_chunks_are_one_line_end():
    assert data_of(b"data: a\r", b"\ndata: b\r", b"\n\r", b"\n") == ["a\nb"]
    assert data_of(b"data: a\r", b"", b"\ndata: b\n\n") == ["a\nb"]


def test_cr_at_the_end_of_a_chunk_ends_its_event_at_once():
    decoder = FRAMINGS["sse"]()
    assert decoder.feed(b"data: x\r\n\r") == [Frame(None, "x")]
    assert decoder.feed(b"\ndata: y\n\n") == [Frame(None, "y")]


@pytest.mark.parametrize("place", range(4))
def test_a_byte_order_mark_at_the_start_is_dropped_wherever_it_is_cut(place):
    stream = BOM + b"data: x\n\n"
    assert data_of(stream[:place], stream[place:]) == ["x"]
    assert data_of(*byte_by_byte(stream)) == ["x"]


def test_a_byte_order_mark_is_dropped_once_and_only_at_the_start():
    assert data_of(BOM + BOM + b"data: x\n\ndata: y\n\n") == ["y"]
    assert data_of(b"data: " + BOM + b"x\n\n") == ["\ufeffx"]
    assert data_of(b"data: a\n\n" + BOM + b"data: x\n\n") == ["a"]
    assert data_of(b"\n" + BOM + b"data: x\n\n") == []


@pytest.mark.parametrize("start", [b"\xef", b"\xef\xbb", b"\xef\xbb\xbe", b"\xefdata: x\n"])
def test_what_only_begins_like_a_byte_order_mark_is_kept(start):
    assert data_of(*byte_by_byte(start + b"\ndata: x\n\n")) == data_of(start + b"\ndata: x\n\n") == ["x"]


@pytest.mark.parametrize("char", "\u2028\u2029\u0085\v\f\x1c\x1d\x1e")
def test_only_cr_and_lf_end_lines(char):
    stream = f"data: a{char}b\n\n".encode()
    assert data_of(stream) == data_of(*byte_by_byte(stream)) == [f"a{char}b"]


@fault(
    "Bytes and event streams",
    "bytes that are no UTF-8 in an event",
    "U+FFFD in their place, counted; the stream goes on",
)
def test_what_is_no_utf8_is_replaced_and_counted():
    frames, decoder = read("sse", byte_by_byte(b"data: a\xffb \xe2\x82\n\nevent: \xc3\ndata: \xef\xbf\xbd\xff\n\n"))
    assert frames == [Frame(None, "a\ufffdb \ufffd"), Frame("\ufffd", "\ufffd\ufffd")]
    assert decoder.replaced == 4  # one of the last two was sent as it is


def test_valid_text_counts_nothing_as_replaced():
    _, decoder = read("sse", byte_by_byte("data: Привет 😀 \ufffd\n\n".encode()))
    assert decoder.replaced == 0


@fault(
    "Bytes and event streams", "a last event without its blank line", "no event; but the mark of the end in it counts"
)
@pytest.mark.parametrize(
    ("stream", "unfinished"),
    [
        (b"data: a\n\ndata: [DONE]", Frame(None, "[DONE]")),
        (b"data: [DONE]\n", Frame(None, "[DONE]")),
        (b"event: stop\ndata: {}", Frame("stop", "{}")),
        (b"data: a\ndata: b", Frame(None, "a\nb")),
        (b"data", Frame(None, "")),
        (b"event: stop\n", None),
        (b"data: a\n\n", None),
        (b": comment", None),
    ],
)
def test_the_event_that_the_body_broke_off_in_is_shown_but_not_given(stream, unfinished):
    for chunks in ([stream], byte_by_byte(stream)):
        frames, decoder = read("sse", chunks)
        assert frames == ([Frame(None, "a")] if stream.startswith(b"data: a\n\n") else [])
        assert decoder.unfinished == unfinished


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (b"event: e\ndata: b", Frame("e", "b")),
        (b"event: e\ndata: b\ndata: c", Frame("e", "b\nc")),
        (b"event: e\ndata: b\nevent: f", Frame("f", "b")),
        (b"event: e\ndata: b\nid: 7", Frame("e", "b")),
        (b"event: e\ndata:b", Frame("e", "b")),
        (b"event: e\n: data", None),
        (b"event:e\ndata: b", Frame("e", "b")),
        (b"data: b\ndata: c", Frame(None, "b\nc")),
        (b"data:  b", Frame(None, " b")),
        (b"event:\ndata: b", Frame(None, "b")),
    ],
)
def test_an_event_is_the_same_when_its_name_is_known(event, expected):
    known = b"event: e\ndata: a\n\nevent:\ndata: a\n\n"
    frames = [Frame("e", "a"), Frame(None, "a"), *([expected] if expected else ()), Frame(None, "z")]
    assert sse(known, event + b"\n\ndata: z\n\n") == sse(known + event + b"\n\ndata: z\n\n") == frames


@pytest.mark.parametrize(
    ("name", "first", "chunks", "lines"),
    [
        ("sse", b": hello\n\n", [b"data: a\n\ndata: b\n\n"], 0),
        ("sse", b"event: e\ndata: a\n\n", [b"event: e\ndata: b\n\n"], 0),
        ("sse", b": hello\n\n", byte_by_byte(b"data: a\n\n"), 0),
        ("ndjson", b"{}\n", [b"{}\n{}\n{}\n"], 1),
    ],
)
def test_what_is_plain_takes_the_quick_way(name, first, chunks, lines, monkeypatch):
    """The other way says the same of it, but looks at every line: without this nobody would see that it is taken."""
    decoder = FRAMINGS[name]()
    decoder.feed(first)
    looked, real = [], type(decoder)._line
    monkeypatch.setattr(type(decoder), "_line", lambda *words: looked.append(words) or real(*words))
    assert [frame for chunk in chunks for frame in decoder.feed(chunk)]
    assert len(looked) == lines


# --- sse: limits ---


def limited(limit: int, chunks: list[bytes]) -> tuple[list[Frame], bool]:
    decoder = FRAMINGS["sse"]()
    decoder.max_frame_bytes = limit
    frames = []
    try:
        for chunk in chunks:
            frames += decoder.feed(chunk)
        frames += decoder.finish()
    except LimitError:
        return frames, True
    return frames, False


LIMITED = [
    (b"data: " + b"x" * 94 + b"\n\n", False),
    (b"data: " + b"x" * 95 + b"\n\n", True),
    (b"data: a\r\rdata: " + b"x" * 94 + b"\r\r", False),
    (b"x" * 101, True),
    (b":" + b"x" * 100 + b"\n\n", True),
    (b"event: " + b"x" * 94 + b"\n\n", True),
    (b"data: xxxx\n" * 10 + b"\n", False),
    (b"data: xxxx\n" * 11 + b"\n", True),
    (b"data\n" * 26 + b"\n", True),
    (b"data: xxxx\n\n" * 50, False),
    (b"event: xxxx\n" * 50 + b"\n", False),
    (b"data: " + b"x" * 60 + b"\n: a long comment in the same event of theirs", True),
    (b"data: a\n\ndata: b\n\ndata: " + b"x" * 95 + b"\n\ndata: c\n\n", True),
]


@fault(
    "Bytes and event streams",
    "an event or a line beyond `limits.event_bytes`, at any cut",
    "`LimitError`, with the events before it",
)
@pytest.mark.parametrize(("stream", "is_too_large"), LIMITED)
def test_what_is_too_large_does_not_depend_on_the_cut(stream, is_too_large):
    whole = limited(100, [stream])
    assert whole[1] is is_too_large
    assert whole == limited(100, byte_by_byte(stream))
    assert whole == limited(100, cut(stream, [7, 20, 51, 98]))


def test_events_before_a_piece_that_is_too_large_are_given():
    assert limited(100, [LIMITED[-1][0]])[0] == [Frame(None, "a"), Frame(None, "b")]


def test_after_the_limit_every_call_raises():
    decoder = FRAMINGS["sse"]()
    decoder.max_frame_bytes = 100
    assert decoder.feed(b"data: a\n\n" + b"x" * 200) == [Frame(None, "a")]
    with pytest.raises(LimitError, match=r"100 bytes \(limits\.event_bytes\)"):
        decoder.feed(b"\n\ndata: b\n\n")
    with pytest.raises(LimitError):
        decoder.finish()


@fault("Bytes and event streams", "a line of a million pieces", "is read, in linear time")
def test_a_line_in_a_million_pieces_takes_linear_time():
    decoder = FRAMINGS["sse"]()
    pieces = [b"data: ", *([b"x"] * 1_000_000), b"\n\n"]
    began = time.process_time()
    frames = [frame for piece in pieces for frame in decoder.feed(piece)]
    assert time.process_time() - began < 10  # quadratic copying would take minutes
    assert len(frames[0].data) == 1_000_000


@fault("Bytes and event streams", "one event of 64 MB, where the limit is raised", "is read, in linear time")
def test_a_large_event_passes_when_the_limit_is_raised():
    decoder = FRAMINGS["sse"]()
    decoder.max_frame_bytes = 64 * 2**20 + 100
    began = time.process_time()
    decoder.feed(b"data: ")
    for _ in range(1024):
        decoder.feed(b"x" * 65_536)
    assert len(decoder.feed(b"\n\n")[0].data) == 64 * 2**20
    assert time.process_time() - began < 10  # quadratic copying would take minutes


# --- sse: against the standard's own algorithm ---


def reference(stream: bytes) -> list[Frame]:
    """The WHATWG's words, on the whole stream at once: decode, split, interpret."""
    text = stream.decode("utf-8", "replace").removeprefix("\ufeff")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:-1]
    frames, data, event = [], "", ""
    for line in lines:
        if line == "":
            if data != "":
                frames.append(Frame(event or None, data.removesuffix("\n")))
            data, event = "", ""
        elif not line.startswith(":"):
            field, colon, value = line.partition(":")
            if colon and value.startswith(" "):
                value = value[1:]
            if field == "event":
                event = value
            elif field == "data":
                data += value + "\n"
    return frames


FRAGMENTS = st.sampled_from(
    [
        *(b"data", b"event", b"id", b"retry", b":", b": ", b" ", b"\n", b"\n", b"\r", b"\r\n", b"\n\n", b"\r\n\r\n"),
        *(b"data: x", b"data:y\n", b"event: e\n", b"data: z\n\n", BOM, b"\xef", b"\xbb", b"\xbf", b"\xff", b"\xe2\x82"),
        *("Ж😀".encode(), "\u2028".encode(), "\u0085".encode(), b"\x00", b"\x0b", b"\x1e", b"[DONE]", b"{}"),
    ]
)
CUTS = st.lists(st.integers(0, 200), max_size=8)


@fault(
    "Bytes and event streams",
    "lines, fields, marks and broken characters in any order",
    "the same events at any cut, as by the rules of the WHATWG",
)
@settings(PIECES, max_examples=500)
@given(st.lists(FRAGMENTS, max_size=30).map(b"".join), CUTS)
def test_sse_agrees_with_the_standard_at_any_cut(stream, places):
    expected = reference(stream)
    assert sse(stream) == expected
    assert sse(*cut(stream, places)) == expected
    assert sse(*byte_by_byte(stream)) == expected


def outcome(name: str, chunks: list[bytes], limit: int | None = None) -> tuple[object, ...]:
    """All that a body says: frames, what is counted and left over, and the fault."""
    decoder = FRAMINGS[name]()
    if limit is not None:
        decoder.max_frame_bytes = limit
    frames: list[Frame] = []
    fault = None
    try:
        for chunk in chunks:
            frames += decoder.feed(chunk)
        frames += decoder.finish()
    except (DecodeError, LimitError, TruncatedError) as error:
        fault = type(error), error.message
        with pytest.raises(type(error)):
            decoder.finish()
    said = "".join(frame.data for frame in frames) if name == "text" else frames
    return said, decoder.replaced, decoder.unfinished, fault


@fault(
    "Bytes and event streams",
    "any bytes at all, in each of the six framings",
    "the same frames or the same error at any cut",
)
@PIECES
@given(st.binary(max_size=200), CUTS, st.sampled_from(sorted(FRAMINGS)))
def test_any_bytes_at_any_cut_say_the_same(stream, places, name):
    assert outcome(name, cut(stream, places)) == outcome(name, [stream]) == outcome(name, byte_by_byte(stream))


@fault("Bytes and event streams", "any bytes at all, in a framing without checksums", "no exception")
@pytest.mark.parametrize("name", sorted(set(FRAMINGS) - {"aws_eventstream"}))
@settings(PIECES, max_examples=60)
@given(st.binary(max_size=100))
def test_only_a_framing_with_checksums_refuses_bytes(name, stream):
    assert outcome(name, [stream])[-1] is None


@PIECES
@given(st.lists(FRAGMENTS, max_size=30).map(b"".join), CUTS, st.sampled_from(sorted(FRAMINGS)))
def test_bytes_that_complete_a_frame_are_those_that_may(stream, places, name):
    decoder = FRAMINGS[name]()
    with suppress(DecodeError):
        for chunk in cut(stream, places):
            may = decoder.may_complete(chunk)
            frames = decoder.feed(chunk)
            assert may or not frames


@pytest.mark.parametrize("name", ["sse", "ndjson"])
@pytest.mark.parametrize(("data", "may"), [(b"data: x", False), (b"x\ny", True), (b"x\ry", True), (b"\r\n", True)])
def test_a_line_that_does_not_end_completes_nothing(name, data, may):
    assert FRAMINGS[name]().may_complete(data) is may


def test_no_bytes_complete_a_whole_body():
    assert FRAMINGS["json"]().may_complete(b"{}\n") is False


# --- text ---

BROKEN = st.sampled_from(
    [b"\xf0", b"\x9f", b"\x98", b"\x80", b"\xe2", b"\x82", b"\xac", b"\xff", b"\xed\xa0\x80", b"\xef\xbf\xbd", b"a"]
)


@fault("Bytes and event streams", "a character of plain text cut anywhere", "the same text; no U+FFFD that was not due")
@settings(PIECES, max_examples=400)
@given(st.one_of(st.binary(max_size=60), st.lists(BROKEN, max_size=20).map(b"".join)), CUTS)
def test_text_is_utf8_decoded_whole_whatever_the_cut(body, places):
    for chunks in ([body], cut(body, places), byte_by_byte(body)):
        frames, decoder = read("text", chunks)
        assert "".join(frame.data for frame in frames) == body.decode("utf-8", "replace")
        assert all(frame.data and frame.event is None for frame in frames)
        assert decoder.replaced == body.decode("utf-8", "replace").count("\ufffd") - body.count(b"\xef\xbf\xbd")


def test_text_gives_each_character_when_it_is_complete():
    decoder = FRAMINGS["text"]()
    given_by = [decoder.feed(bytes([byte])) for byte in "Ж😀".encode()]
    assert given_by == [[], [Frame(None, "Ж")], [], [], [], [Frame(None, "😀")]]
    assert decoder.finish() == []


def test_text_that_ends_inside_a_character():
    frames, decoder = read("text", [b"a\xf0\x9f\x98"])
    assert frames == [Frame(None, "a"), Frame(None, "\ufffd")]
    assert decoder.replaced == 1


# --- json ---


def test_json_is_one_frame_at_the_end():
    body = '{"a": "Ж"}'.encode()
    decoder = FRAMINGS["json"]()
    assert [decoder.feed(chunk) for chunk in byte_by_byte(body)] == [[]] * len(body)
    assert decoder.finish() == [Frame(None, '{"a": "Ж"}')]


def test_json_drops_a_byte_order_mark_and_counts_what_it_replaces():
    frames, decoder = read("json", byte_by_byte(BOM + b'"\xff"'))
    assert frames == [Frame(None, '"\ufffd"')]
    assert decoder.replaced == 1


@pytest.mark.parametrize("body", [b"", b" \r\n\t"])
def test_json_without_a_word_is_no_frame(body):
    assert read("json", [body])[0] == []


@fault("Bytes and event streams", "a whole body beyond `limits.body_bytes`", "`LimitError` before more is kept")
@pytest.mark.parametrize("chunks", [[b"x" * 11], [b"x"] * 11, [b"x" * 10, b"", b"y"]])
def test_json_has_a_limit(chunks):
    decoder = FRAMINGS["json"]()
    decoder.max_frame_bytes = 10
    for chunk in chunks[:-1]:
        decoder.feed(chunk)
    with pytest.raises(LimitError, match=r"10 bytes \(limits\.body_bytes\)"):
        decoder.feed(chunks[-1])


def test_json_of_exactly_the_limit_passes():
    decoder = FRAMINGS["json"]()
    decoder.max_frame_bytes = 10
    decoder.feed(b"1234567890")
    assert decoder.finish() == [Frame(None, "1234567890")]
