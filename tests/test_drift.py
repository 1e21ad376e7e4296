from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Catalog
from engine.drift import KINDS, Drift, drift
from engine.folders import builtin_folder
from engine.framing import FRAMINGS, Frame
from engine.loader import load_text
from engine.mock.reencode import ENCODERS
from engine.provider import Provider
from engine.spec import Example
from engine.testing import FaultServer, Send, whole
from engine.testing import sse as sse_answer

from .conftest import CHIRP, Run, shipped

FILES = sorted(builtin_folder().rglob("*.yaml"))
CATALOG = Catalog()
"""One for all tests: it keeps what it has read, and each file's examples are heard once."""
chirp = Provider(load_text(CHIRP, "chirp.yaml"))

HELLO = {"id": "c1", "model": "chirp-1", "delta": {"text": "Hello"}}
END = {"delta": {}, "stop_reason": "end"}
USED = {"usage": {"in": 1, "out": 2}}


def sse(*frames: Any, done: bool = True) -> bytes:
    body = "".join(f"data: {json.dumps(frame)}\n\n" for frame in frames)
    return (body + "data: [DONE]\n\n" * done).encode()


def kinds(found: tuple[Drift, ...]) -> list[str]:
    return [f"{item.kind} {item.path}".strip() for item in found]


def of(body: bytes, status: int = 200, **headers: str) -> list[str]:
    return kinds(drift(chirp, body, status, headers))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_the_examples_of_a_file_show_is_no_drift(path: Path) -> None:
    provider = Provider(shipped(path))
    for example in provider.spec.examples:
        reply = example.reply
        found = drift(_for(provider, example), reply.body, reply.status, reply.headers)
        assert not found, (example.name, [str(item) for item in found])


def _for(provider: Provider, example: Example) -> Provider:
    return provider if provider.spec.is_abstract else provider.for_model(example.model)


def test_an_answer_like_those_of_the_examples_is_no_drift() -> None:
    assert of(sse(HELLO, HELLO, {"delta": {}, "stop_reason": "max"}, USED)) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (sse({**HELLO, "mood": {"now": "good", "then": 1}}, END, USED), ["unknown-field mood"]),
        (sse({"delta": {"text": "Hi", "tone": [1, 2]}}, END, USED), ["unknown-field delta.tone"]),
        (sse(HELLO, {"delta": {}, "stop_reason": "sulk"}, USED), ["unknown-finish finish"]),
        (sse(HELLO, {"delta": {}}, USED), ["missing-finish finish"]),
        (sse(HELLO, END), ["missing-usage usage.input_tokens", "missing-usage usage.output_tokens"]),
        (sse(HELLO, END, {"usage": {"in": 1, "out": 2, "cached": 0}}), ["unknown-counter usage.cached"]),
        (sse(HELLO, END, {"usage": {"in": 1}}), ["missing-usage usage.output_tokens"]),
        (sse(HELLO, END, USED, done=False), ["no-end"]),
        (b"event: news\n" + sse(HELLO, END, USED), ["unknown-event event"]),
        (sse(HELLO, {"weather": {"sky": "rain"}}, END, USED), ["unread-frame frame"]),
        (sse(HELLO, {"delta": {"text": ["a", "list"]}}, END, USED), ["changed-type delta.text"]),
        (sse({"id": "c1"}, END, USED), ["no-answer"]),
        (sse(HELLO, done=False) + b"data: {half\n\n", ["unreadable"]),
        (b"", ["empty"]),
        (b"<html><body>Sign in</body></html>", ["unknown-error HTTP 200"]),
        (sse(HELLO, {"error": {"code": 7, "message": "ouch"}}), ["unknown-error HTTP 200"]),
    ],
)
def test_each_kind_of_drift(body: bytes, expected: list[str]) -> None:
    kind = "text/html" if body.startswith(b"<") else "text/event-stream"
    assert of(body, **{"content-type": kind}) == expected


def test_every_kind_has_been_seen_to_drift() -> None:
    """The table of KINDS, and the cases above, hold each other."""
    cases = test_each_kind_of_drift.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {line.split()[0] for _, lines in cases for line in lines} == set(KINDS)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (429, b'{"error": {"code": "no_credit", "message": "x", "param": 1}}', []),  # a rule knows it
        (500, b'{"error": {"code": "other", "message": "x"}}', []),  # an example shows the shape
        (500, b'{"fault": {"name": "other"}}', ["unknown-error HTTP 500"]),
        (502, b"Bad Gateway", ["unknown-error HTTP 502"]),
        (302, b"", ["unknown-error HTTP 302"]),
    ],
)
def test_refusals(status: int, body: bytes, expected: list[str]) -> None:
    assert of(body, status) == expected


def test_how_often_and_the_first_value_are_told() -> None:
    body = sse(
        {"delta": {"text": "a", "mood": "sk-abcdefghijklmnopqrstuvwx"}}, {"delta": {"text": "b", "mood": 2}}, END
    )
    found = next(item for item in drift(chirp, body) if item.kind == "unknown-field")
    assert (found.count, found.example) == (2, '"sk-a***"')
    assert str(found) == 'unknown-field: delta.mood: no rule reads it, and no example shows it (2 times): "sk-a***"'


def test_a_million_new_fields_are_a_short_report() -> None:
    body = sse({"delta": {"text": "a"}, **{f"field{number}": number for number in range(50_000)}}, END, USED)
    assert len(drift(chirp, body)) == 200


def test_names_that_could_steer_a_terminal_do_not() -> None:
    found = drift(chirp, sse({"delta": {"text": "a"}, "a\x1b[31m\nb": "\x1b[2J"}, END, USED))
    assert all(str(item).isprintable() for item in found)
    assert found


# --- planted in each protocol ---

PROTOCOLS = ["openai", "anthropic", "gemini", "openai-responses", "bedrock", "cohere", "ollama", "replicate"]
Change = Callable[[str | None, Any], tuple[str | None, Any]]


def planted(name: str, change: Change, *, most: Callable[[Example], bool] = lambda example: True) -> list[str]:
    """The drift of the longest streamed answer of a file that `most` takes, each of its frames changed."""
    provider = CATALOG.provider(name)
    answers = [e for e in provider.spec.examples if "error" not in e.expect and e.stream and most(e)]
    example = max(answers, key=lambda example: len(example.reply.body))
    provider, reply = provider.for_model(example.model), example.reply
    media_type = reply.headers.get("content-type", "").partition(";")[0]
    reading = provider.readers.choose(media_type, reply.body)
    assert reading is not None
    decoder = FRAMINGS[reading.codec]()
    frames = [_changed(frame, change) for frame in [*decoder.feed(reply.body), *decoder.finish()]]
    body = ENCODERS[reading.codec](frames)
    assert body != reply.body
    return kinds(drift(provider, body, 200, reply.headers))


def _changed(frame: Frame, change: Change) -> Frame:
    try:
        data = json.loads(frame.data)
    except ValueError:
        return frame
    event, data = change(frame.event, data)
    return Frame(event, json.dumps(data, ensure_ascii=False))


def _everywhere(data: Any, leaf: Callable[[str, Any], Any]) -> Any:
    """The data with every value that stands under a key changed."""
    if isinstance(data, dict):
        return {key: _everywhere(leaf(key, value), leaf) for key, value in data.items()}
    return [_everywhere(item, leaf) for item in data] if isinstance(data, list) else data


JSON_PROTOCOLS = [name for name in PROTOCOLS if name != "replicate"]  # whose frames are text


@pytest.mark.parametrize("name", JSON_PROTOCOLS)
def test_a_new_field_is_found(name: str) -> None:
    found = planted(name, lambda event, data: (event, {**data, "novelty": 1}), most=lambda e: "usage" in e.expect)
    assert found == ["unknown-field novelty"]


@pytest.mark.parametrize("name", JSON_PROTOCOLS)
def test_a_new_finish_reason_is_found(name: str) -> None:
    words = CATALOG.provider(name).spec.response.finish

    def change(event: str | None, data: Any) -> tuple[str | None, Any]:
        return event, _everywhere(data, lambda key, value: _sulk(words, key, value))

    assert "unknown-finish finish" in planted(name, change, most=lambda example: example.expect.get("finish") == "stop")


def _sulk(words: Mapping[str, Any], key: str, value: Any) -> Any:
    return (
        "sulk" if re.search("finish|stop|reason|status", key) and isinstance(value, str) and value in words else value
    )


@pytest.mark.parametrize("name", [name for name in JSON_PROTOCOLS if name != "gemini"])
def test_a_new_event_is_found(name: str) -> None:
    """Where frames are told apart by a word, an unknown one is reported by it."""
    has_events = name == "bedrock"
    seen = []

    def change(event: str | None, data: Any) -> tuple[str | None, Any]:
        seen.append(event)
        if len(seen) > 1:
            return event, data
        return ("novelty" if has_events or event else event), ({**data, "type": "novelty"} if "type" in data else data)

    found = planted(name, change)
    if name in ("openai", "ollama"):  # nothing in their frames says what they are
        assert found == [] or "unknown-event event" in found
    else:
        assert any(line.startswith("unknown-event") for line in found), found


@pytest.mark.parametrize("name", JSON_PROTOCOLS)
def test_lost_usage_is_found(name: str) -> None:
    def change(event: str | None, data: Any) -> tuple[str | None, Any]:
        return event, _without(data, re.compile("usage|tokens|eval_count|metadata$", re.IGNORECASE))

    found = planted(name, change, most=lambda example: "usage" in example.expect)
    assert {"missing-usage usage.input_tokens", "missing-usage usage.output_tokens"} <= set(found)


def _without(data: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(data, dict):
        return {key: _without(value, pattern) for key, value in data.items() if not pattern.search(key)}
    return [_without(item, pattern) for item in data] if isinstance(data, list) else data


def test_a_new_kind_of_block_inside_a_frame_is_found() -> None:
    body = json.dumps({"content": [{"type": "hologram", "shape": "cube"}, {"type": "text", "text": "Hi"}]}).encode()
    found = kinds(drift(CATALOG.provider("anthropic"), body, 200, {"content-type": "application/json"}))
    assert "unknown-event content.*.type" in found


# --- anything at all ---

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["choices", "delta", "content", "type", "usage", "error", "0", "candidates", "parts"])
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("name", PROTOCOLS)
@settings(max_examples=20)
@given(frames=st.lists(values, max_size=4), status=st.sampled_from([200, 204, 302, 400, 429, 503]), done=st.booleans())
def test_no_frames_make_it_fail(name: str, frames: list[Any], status: int, done: bool) -> None:
    provider = CATALOG.provider(name)
    codec = (provider.spec.response.stream or provider.spec.response.whole).codec  # type: ignore[union-attr]
    for found in (
        drift(provider, ENCODERS[codec]([Frame(None, json.dumps(frame)) for frame in frames]), status),
        drift(provider, json.dumps(frames).encode(), status, {"content-type": "application/json"}),
        drift(provider, sse(*frames, done=done), status, {"content-type": "text/event-stream"}),
    ):
        assert all(item.kind in KINDS and str(item).isprintable() for item in found)


@given(st.binary(max_size=60))
def test_no_bytes_make_it_fail(body: bytes) -> None:
    assert all(str(item).isprintable() for item in drift(chirp, body))


def test_what_nests_deeply_does_not_make_it_fail() -> None:
    for depth in (200, 900, 100_000):
        body = b'data: {"delta": ' + b"[" * depth + b"]" * depth + b"}\n\ndata: [DONE]\n\n"
        assert drift(chirp, body)


# --- the command ---


def test_the_command_compares_a_file(wirefile: Run, tmp_path: Path, chirp_folder: str) -> None:
    path = tmp_path / "answer.sse"
    path.write_bytes(sse(HELLO, {"delta": {"tone": "warm"}}, {"delta": {}, "stop_reason": "sulk"}, USED))
    ran = wirefile("drift", "chirp", str(path), "--providers", chirp_folder)
    assert (ran.code, ran.err) == (1, "2 drifted\n")
    assert [line.split(": ")[:2] for line in ran.out.splitlines()] == [
        ["unknown-finish", "finish"],
        ["unknown-field", "delta.tone"],
    ]
    found = json.loads(wirefile("drift", "chirp", str(path), "--json", "--providers", chirp_folder).out)["drifts"]
    assert [item["kind"] for item in found] == ["unknown-finish", "unknown-field"]
    assert found[1] == {
        "kind": "unknown-field",
        "path": "delta.tone",
        "message": 'no rule reads it, and no example shows it: "warm"',
        "count": 1,
        "example": '"warm"',
    }


def test_the_command_reads_standard_input(process: Run, chirp_folder: str) -> None:
    ran = process("drift", "chirp", "-", "--providers", chirp_folder, stdin=sse(HELLO, END, USED))
    assert (ran.code, ran.out, ran.err) == (0, "", "nothing drifted\n")
    refusal = b'{"error": {"code": "no_credit"}}'
    words = ("drift", "chirp", "-", "--providers", chirp_folder, "--status", "429")
    assert process(*words, "--header", "content-type: application/json", stdin=refusal).code == 0


@pytest.mark.parametrize("name", ["openai:gpt-5", "anthropic:m", "bedrock:m", "ollama:m", "openai-responses:gpt-5"])
def test_a_mock_does_not_drift(wirefile: Run, name: str) -> None:
    ran = wirefile("drift", name, "--mock")
    assert (ran.code, ran.out) == (0, "")


def test_a_live_answer_is_compared_and_shows_no_key(
    wirefile: Run, chirp_folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIRP_API_KEY", "sk-canary-1234567")
    frames = [json.dumps({**HELLO, "echo": "your key: sk-canary-1234567"}), json.dumps(END), json.dumps(USED), "[DONE]"]
    with FaultServer([sse_answer(*frames)]) as server:
        ran = wirefile("drift", "chirp", "--providers", chirp_folder, "--base-url", server.url, "--prompt", "Ping")
        assert b"Ping" in server.requests[0].body
    assert (ran.code, ran.err) == (1, "1 drifted\n")
    assert ran.out == 'unknown-field: echo: no rule reads it, and no example shows it: "your key: <CHIRP_API_KEY>"\n'


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (whole(b'{"error": {"code": "no_credit"}}', 429, "application/json"), 4),  # the file knows it: the call failed
        (whole(b'{"oh": "no"}', 418, "application/json"), 1),
        (sse_answer(json.dumps(HELLO)), 1),
    ],
)
def test_live_calls_that_fail(
    wirefile: Run, chirp_folder: str, monkeypatch: pytest.MonkeyPatch, answer: Send, code: int
) -> None:
    monkeypatch.setenv("CHIRP_API_KEY", "sk-canary-1234567")
    with FaultServer([answer]) as server:
        assert wirefile("drift", "chirp", "--providers", chirp_folder, "--base-url", server.url).code == code


def test_words_that_are_off(wirefile: Run, chirp_folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHIRP_API_KEY", raising=False)
    words = ("--providers", chirp_folder)
    assert wirefile("drift", "chirp", "--status", "200", *words).code == 2
    assert wirefile("drift", "chirp", "nowhere.sse", *words).code == 2
    assert wirefile("drift", "chirp", *words).code == 2  # no key
    monkeypatch.setenv("CHIRP_API_KEY", "sk-canary-1234567")
    assert wirefile("drift", "chirp", *words, "--base-url", "http://127.0.0.1:9").code == 3
    assert wirefile("drift", "acytoo", *words).code == 2  # not working


@pytest.fixture
def chirp_folder(tmp_path: Path) -> str:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "chirp.yaml").write_text(CHIRP, encoding="utf-8")
    return str(folder)


def test_a_text_that_a_rule_looks_into_is_no_kind_of_frame() -> None:
    asks = CHIRP.replace(
        "- {text: delta.text,", "- {when: {delta.text: {equals: lo}}, text: delta.text}\n      - {text: delta.text,", 1
    )
    provider = Provider(load_text(asks, "chirp.yaml"))
    assert kinds(drift(provider, sse(HELLO, END, USED))) == []
