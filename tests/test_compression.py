"""Content codings: whole at any cut, bounded, and an error where the coded body is not whole."""

from __future__ import annotations

import gzip
import random
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.compression import CODINGS, FREE_BYTES, STEP, Decompressor, decompressor
from engine.errors import DecodeError, EngineError, LimitError, TruncatedError

TEXT = "Привет, как дела? ".encode() * 40
LIMIT = 1 << 30
NOISE = random.Random(7).randbytes(3 * STEP)

COMPRESS = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "x-gzip": lambda data: gzip.compress(data, mtime=0),
    "deflate": zlib.compress,
    "identity": lambda data: data,
    "": lambda data: data,
}


def outcome(coding: str, chunks: list[bytes], limit: int = LIMIT) -> tuple[bytes, type[EngineError] | None]:
    coder = decompressor(coding, limit)
    out = b""
    try:
        for chunk in chunks:
            out += coder.feed(chunk)
        coder.finish()
    except EngineError as error:
        return out, type(error)
    return out, None


def byte_by_byte(data: bytes) -> list[bytes]:
    return [data[index : index + 1] for index in range(len(data))]


def test_every_coding_is_tried_here():
    assert set(COMPRESS) == set(CODINGS)


@pytest.mark.parametrize("coding", COMPRESS)
@pytest.mark.parametrize("data", [b"", b"x", TEXT, NOISE[:5000]], ids=["empty", "x", "text", "noise"])
def test_a_whole_body_at_every_cut(coding, data):
    body = COMPRESS[coding](data)
    assert outcome(coding, [body]) == (data, None)
    assert outcome(coding, byte_by_byte(body)) == (data, None)
    for place in range(0, len(body) + 1, 1 + len(body) // 50):
        assert outcome(coding, [body[:place], b"", body[place:]]) == (data, None)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_more_than_one_step_at_once(coding):
    assert outcome(coding, [COMPRESS[coding](NOISE)]) == (NOISE, None)


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate"])
def test_a_body_cut_anywhere_is_truncated_and_gives_what_came(coding):
    body = COMPRESS[coding](TEXT)
    for length in range(1, len(body)):
        out, error = outcome(coding, [body[:length]])
        assert error is TruncatedError
        assert TEXT.startswith(out)
        assert (out, error) == outcome(coding, byte_by_byte(body[:length]))
    assert outcome(coding, [body[:-1]])[0] == TEXT


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_no_byte_at_all_is_no_truncation(coding):
    assert outcome(coding, []) == outcome(coding, [b""]) == (b"", None)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_wrong_checksum_is_a_decode_error_after_the_text_whatever_the_cut(coding):
    body = bytearray(COMPRESS[coding](TEXT))
    body[-8 if coding == "gzip" else -4] ^= 1
    whole = outcome(coding, [bytes(body)])
    assert whole == (TEXT, DecodeError)
    assert whole == outcome(coding, byte_by_byte(bytes(body)))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["gzip", "deflate"]), st.integers(0, 10_000), st.integers(1, 255), st.integers(0, 10_000))
def test_a_broken_body_says_the_same_at_any_cut(coding, place, flip, cut):
    body = bytearray(COMPRESS[coding](TEXT + NOISE[:300]))
    body[place % len(body)] ^= flip
    broken = bytes(body)
    cut %= len(broken) + 1
    whole = outcome(coding, [broken])
    assert whole == outcome(coding, byte_by_byte(broken)) == outcome(coding, [broken[:cut], broken[cut:]])


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(CODINGS)), st.lists(st.binary(max_size=30), max_size=4))
def test_any_bytes_raise_nothing_but_our_errors(coding, chunks):
    outcome(coding, chunks)


def test_several_gzip_members_are_all_read():
    body = COMPRESS["gzip"](b"one ") + COMPRESS["gzip"](b"") + COMPRESS["gzip"](TEXT)
    assert outcome("gzip", [body]) == (b"one " + TEXT, None)
    assert outcome("gzip", byte_by_byte(body)) == (b"one " + TEXT, None)


def test_a_second_member_that_is_cut_or_none_is_an_error():
    first, second = COMPRESS["gzip"](b"one"), COMPRESS["gzip"](b"two")
    assert outcome("gzip", [first + second[:-1]]) == (b"onetwo", TruncatedError)
    assert outcome("gzip", [first + second[:5]]) == (b"one", TruncatedError)
    assert outcome("gzip", [first + b"garbage"]) == (b"one", DecodeError)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_what_is_not_compressed_is_a_decode_error(coding):
    coder = decompressor(coding, LIMIT)
    with pytest.raises(DecodeError, match="compressed body cannot be read"):
        coder.feed(b'{"text": "Hi"}')
    with pytest.raises(DecodeError):
        coder.feed(b"more")
    with pytest.raises(DecodeError):
        coder.finish()


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_the_limit_is_exact_at_any_cut(coding):
    body = COMPRESS[coding](TEXT)
    assert outcome(coding, [body], limit=len(TEXT)) == (TEXT, None)
    for chunks in ([body], byte_by_byte(body), [body[:20], body[20:]]):
        assert outcome(coding, chunks, limit=len(TEXT) - 1) == (TEXT[:-1], LimitError)
        assert outcome(coding, chunks, limit=10) == (TEXT[:10], LimitError)


def feed_all(coder: Decompressor, body: bytes, size: int) -> None:
    for start in range(0, len(body), size):
        coder.feed(body[start : start + size])
    coder.finish()


def fault_and_peak(coder: Decompressor, bomb: bytes, size: int) -> tuple[str, int]:
    tracemalloc.start()
    try:
        with pytest.raises(LimitError) as caught:
            feed_all(coder, bomb, size)
        return caught.value.message, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("size", [1, 1000, 1 << 20])
def test_a_bomb_meets_the_limit_before_it_fills_the_memory(coding, size):
    bomb = COMPRESS[coding](bytes(50_000_000))
    message, peak = fault_and_peak(decompressor(coding, LIMIT), bomb, size)
    assert "grows more than 100 times" in message
    assert peak < 4 * FREE_BYTES
    message, peak = fault_and_peak(decompressor(coding, 100_000), bomb, size)
    assert "larger than 100000 bytes (limits.body_bytes)" in message
    assert peak < 4 * FREE_BYTES


def test_what_shrinks_well_is_no_bomb():
    text = b"".join(
        b'{"id": %d, "text": "one and the same words again and again"}\n' % index for index in range(90_000)
    )
    body = COMPRESS["gzip"](text)
    assert len(text) > 4 * FREE_BYTES
    assert outcome("gzip", [body]) == (text, None)


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "gzip,deflate", "compress", "x" * 100, "chunked"])
def test_a_coding_that_is_not_known_is_refused(coding):
    with pytest.raises(DecodeError, match="not asked for") as caught:
        decompressor(coding, LIMIT)
    assert len(caught.value.message) < 120


@pytest.mark.parametrize("coding", ["GZIP", " gzip ", "X-GZip"])
def test_the_name_of_a_coding_ignores_case_and_blanks(coding):
    assert outcome(coding, [COMPRESS["gzip"](TEXT)]) == (TEXT, None)
