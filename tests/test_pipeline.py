"""Bad input of a caller, found before anything is sent; and conversations of any kind through every family's file."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.chat_request import ChatRequest
from engine.deployment import Deployment
from engine.errors import ParameterError, UnsupportedError, UsageError
from engine.loader import load_text
from engine.messages import Adjustment, Message
from engine.provider import Provider
from engine.rendering import Renderer
from tests import test_pipeline_protocols as protocols
from tests.test_pipeline_protocols import (
    ANTHROPIC,
    ASKED,
    BY_DATA,
    BY_LINK,
    GEMINI,
    GIGACHAT,
    OLLAMA,
    RESPONSES,
    RESULTS,
    YANDEX,
    call,
    file,
    sent,
)

PLAIN = 'payload: {messages: "{{ messages }}", tools: "{{ tools }}"}'
BODIES = {name: body for name, body in vars(protocols).items() if name.isupper() and "payload:" in str(body)}


def user(*parts: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(parts)}]


def image(url: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": url}


def result(id_: str | None, **more: Any) -> dict[str, Any]:
    return {"role": "tool", "content": "x", **({"tool_call_id": id_} if id_ else {}), **more}


def calling(*ids: str, name: str = "f", arguments: str = "{}") -> dict[str, Any]:
    calls = [{"id": id_, "function": {"name": name, "arguments": arguments}} for id_ in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def test_every_family_is_here() -> None:
    assert len(BODIES) >= 14


# --- what no API could take ---

BAD = [
    ([result("c1")], "messages.0 is the result of the tool call 'c1', which no message before it makes"),
    (["hi", result(None)], "messages.1 is the result of a tool call, which no"),
    ([calling("c1"), result("c2")], "'c2', which no message before it makes"),
    ([result("c1"), calling("c1")], "messages.0"),
    ([calling("c1"), result("c1"), result("c1")], "messages.2 is a second result of the tool call 'c1'"),
    ([calling("c1", "c1")], "two tool calls with the id 'c1'"),
    ([{"role": "function", "name": "f", "content": "x"}], "the result of a call of 'f'"),
    ([{"role": "assistant", "content": None, "function_call": {"arguments": "{}"}}], "function_call without a 'name'"),
    ([{"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": {}}}], "no JSON text"),
    ([{**calling("c1"), "role": "user", "content": "x"}], "messages.0, of the role user, makes tool calls"),
    (user({"type": "text"}), r"messages\.0\.content\.0 is of the type text and has no 'text'"),
    (user({"type": "text", "text": "a"}, {"type": "text", "text": 5}), r"messages\.0\.content\.1"),
    (user({"type": "refusal", "text": "a"}), "no 'refusal'"),
    (user(image({"url": "cat.png"})), "'cat.png', which is no http"),
    (user(image("file:///etc/passwd")), "no http"),
    (user(image("https://a b")), "no http"),
    (user(image({})), "an image without a URL"),
    (user(image(5)), "an image without a URL"),
    (user(image("")), "an image without a URL"),
    (user(image("data:image/png;base64")), "without a comma"),
    (user(image("data:image/png;base64,")), "no base64"),
    (user(image("data:image/png;base64,a")), "no base64"),
    (user(image("data:image/png;base64,ab=c")), "no base64"),
    (user(image("data:image/png;base64,äöü€")), "no base64"),
    (user(image("data:png;base64,AAAA")), "no media type"),
    (user({"type": "input_audio", "input_audio": {"format": "wav"}}), "a sound without data"),
    (user({"type": "input_audio", "input_audio": {"data": "*", "format": "wav"}}), "no base64"),
    (user({"type": "file"}), "a file without 'file'"),
    (user({"type": "file", "file": {"filename": "a.pdf"}}), "a file without data"),
    ([calling("c1"), result("c1", content=[{"type": "image_url"}])], r"messages\.1\.content\.0 is an image without"),
]


@pytest.mark.parametrize(("messages", "words"), BAD)
@pytest.mark.parametrize("body", [PLAIN, ANTHROPIC, OLLAMA], ids=["plain", "parts", "text"])
def test_what_no_api_could_take_is_refused_by_every_file(body: str, messages: Any, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        call(body, messages)


def test_a_file_that_sends_no_messages_does_not_judge_them() -> None:
    assert sent('payload: {model: "{{ model }}"}', [result("c1")]) == {"model": "m-1"}


@pytest.mark.parametrize(
    "messages",
    [
        [calling("c1"), result("c1"), calling("c1"), result("c1")],  # ids may be unique within one answer only
        [calling("a", "b"), result("b"), "wait", result("a")],
        [{"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": ""}},
         {"role": "function", "name": "f", "content": "x"}],
        user(image("data:,hi%20there")),
        user(image("DATA:image/png;charset=x;base64,QUJD")),
        user(image("data:image/png;base64,QUI")),
        user(image("https://example.com")),
        user(image("gs://bucket/cat.png")),
        user({"type": "a_part_of_tomorrow", "x": 1}),
    ],
)  # fmt: skip
def test_what_is_unusual_is_sent_as_it_is(messages: Any) -> None:
    assert sent(PLAIN, messages)["messages"] == [Message.of(message).as_chat_message() for message in messages]


def test_what_says_nothing_is_given_its_least_form_where_messages_are_sent_as_they_are() -> None:
    messages = [calling("", "", arguments=" "), result(None), result(None, name="f")]
    made = sent(PLAIN, ["hi", *messages])["messages"]
    ids = [each["id"] for each in made[1]["tool_calls"]]
    assert len(set(ids)) == 2
    assert [each["tool_call_id"] for each in made[2:]] == ids
    assert {each["function"]["arguments"] for each in made[1]["tool_calls"]} == {"{}"}


@pytest.mark.parametrize("content", [None, []])
@pytest.mark.parametrize("role", ["system", "developer", "user"])
@pytest.mark.parametrize("body", [PLAIN, ANTHROPIC, GEMINI], ids=["plain", "parts", "model"])
def test_a_message_without_content_is_refused(body: str, role: str, content: Any) -> None:
    with pytest.raises(ParameterError, match=f"messages.1, of the role {role}, says nothing"):
        call(body, ["hi", {"role": role, "content": content}])


# --- what this API cannot take ---

UNSUPPORTED = [
    (
        ANTHROPIC,
        user({"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}}),
        "role user with a sound",
    ),
    (ANTHROPIC, user({"type": "tomorrow"}), "a part of the type 'tomorrow'"),
    (ANTHROPIC, user({"type": "file", "file": {"file_id": "f"}}), "a file by the id of a file"),
    (ANTHROPIC, [{"role": "system", "content": [BY_DATA]}, "hi"], r"messages\.0\.content\.0 is no text"),
    (OLLAMA, user(BY_LINK), "does not take an image by link; give it as a data URL"),
    (OLLAMA, [calling("c"), result("c", content=[BY_DATA])], "role tool with an image"),
    (YANDEX, user(BY_DATA), r"takes no messages of the role user with an image \(messages\.0\.content\.0\)"),
    (GEMINI, user({"type": "input_audio", "input_audio": {"data": "QUJD"}}), "a sound"),
    (GIGACHAT, [{"role": "assistant", "content": "a", "refusal": "no"}], "a refusal"),
]


@pytest.mark.parametrize(("body", "messages", "words"), UNSUPPORTED)
def test_what_this_api_cannot_take_is_refused(body: str, messages: Any, words: str) -> None:
    with pytest.raises(UnsupportedError, match=words):
        call(body, messages)


@pytest.mark.parametrize("arguments", ["[1]", "{", "nope", '{"a": NaN}', "[" * 9000])
def test_arguments_that_are_no_object_are_refused_where_an_object_is_due(arguments: str) -> None:
    messages = ["hi", calling("c1", name="look", arguments=arguments), result("c1")]
    with pytest.raises(ParameterError, match=r"messages\.1: the arguments of the tool call 'look' are no JSON object"):
        call(ANTHROPIC, messages)
    assert sent(PLAIN, messages)["messages"][1]["tool_calls"][0]["function"]["arguments"] == arguments


def test_a_conversation_of_nothing_is_refused() -> None:
    for messages in ([{"role": "system", "content": "x"}], [{"role": "user", "content": " "}]):
        with pytest.raises(ParameterError, match="needs a message"):
            call(ANTHROPIC.replace("  first_user: Continue.\n", ""), messages)


def test_a_shape_that_leaves_a_message_out_refuses_it() -> None:
    body = """
messages: {shapes: {any: {$when: "tool_calls is undefined", t: "{{ text }}", c: "{{ tool_calls }}"}}}
payload: {messages: "{{ messages }}"}
"""
    with pytest.raises(UnsupportedError, match=r"no way to say messages\.1, a message of the role assistant"):
        call(body, ["hi", calling("c")])


# --- fallbacks and reports ---

FALLBACK = """
messages: {shapes: {any: {r: "{{ role }}", c: "{{ parts }}"}}}
parts: {text: "{{ text }}", tool_result: "{{ content }}", fallback: %s}
payload: {messages: "{{ messages }}"}
"""


def test_fallback_drop_leaves_a_part_out_and_says_so() -> None:
    made = call(FALLBACK % "drop", user({"type": "text", "text": "a"}, BY_LINK))
    assert json.loads(made.wire.content) == {"messages": [{"r": "user", "c": ["a"]}]}
    assert Adjustment("messages", "dropped", BY_LINK) in made.adjustments
    lost = call(FALLBACK % "drop", [*user(BY_LINK), "hi"])
    assert json.loads(lost.wire.content) == {"messages": [{"r": "user", "c": ["hi"]}]}


def test_fallback_text_says_what_has_a_text() -> None:
    messages = ["hi", {"role": "assistant", "content": "a", "refusal": "b"}]
    assert sent(FALLBACK % "text", messages)["messages"][1] == {"r": "assistant", "c": ["a", "b"]}
    with pytest.raises(UnsupportedError, match="an image"):
        call(FALLBACK % "text", user(BY_LINK))


def test_a_result_may_hold_what_the_parts_take() -> None:
    body = FALLBACK.replace("text:", "image: '{{ url }}', tool_call: '{{ id }}', text:", 1) % "error"
    some = [{"type": "text", "text": "a"}, BY_LINK]
    messages = ["hi", calling("c"), result("c", content=some)]
    assert sent(body, messages)["messages"][2] == {"r": "tool", "c": [["a", protocols.LINK]]}


def test_keys_that_find_no_place_are_reported() -> None:
    message = {"role": "user", "name": "Ann", "content": "hi", "x": 1, "annotations": [], "audio": None}
    made = call(YANDEX, [message])
    assert [a.given for a in made.adjustments if a.parameter == "messages"] == [{"x": 1}, {"name": "Ann"}]
    part = {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}
    made = call(ANTHROPIC, user(part))
    assert [a.given for a in made.adjustments] == [{"cache_control": {"type": "ephemeral"}}]


def test_keys_that_a_template_reads_are_sent() -> None:
    body = ANTHROPIC.replace(
        'text: {type: text, text: "{{ text }}"}',
        'text: {type: text, text: "{{ text }}", cache_control: "{{ extra.cache_control }}"}',
    )
    made = call(body, [*user({"type": "text", "text": "a", "cache_control": 1}), "b"])
    assert json.loads(made.wire.content)["messages"][0]["content"] == [
        {"type": "text", "text": "a", "cache_control": 1},
        {"type": "text", "text": "b"},
    ]
    assert made.adjustments == ()


# --- the shape of chats ---


def test_a_message_without_a_shape_stays_as_it_was() -> None:
    body = 'messages: {merge_consecutive: true}\npayload: {messages: "{{ messages }}"}'
    messages = [
        {"role": "system", "content": "s", "x": 1},
        {"role": "user", "content": [{"type": "text", "text": "a"}, BY_LINK, {"type": "tomorrow"}], "name": "Ann"},
        {**ASKED, "tool_calls": ASKED["tool_calls"][:1]},
        {**RESULTS[1], "content": "a cat", "name": "look"},
        {"role": "user", "content": [{"type": "text", "text": "b", "cache_control": 1}]},
    ]
    assert sent(body, messages)["messages"] == messages


def test_many_messages_of_one_role_are_merged_in_time_that_grows_with_their_number() -> None:
    body = 'messages: {merge_consecutive: true, roles: {system: user}}\npayload: {messages: "{{ messages }}"}'
    messages = [{"role": ("user", "system")[number % 2], "content": str(number)} for number in range(8000)]
    before = time.process_time()
    (message,) = sent(body, messages)["messages"]
    assert [part["text"] for part in message["content"]] == [str(number) for number in range(8000)]
    assert time.process_time() - before < 1, "it took 2 seconds when each was merged with all before it"


def test_roles_alone_leave_all_else_of_a_message_as_it_was() -> None:
    body = 'messages: {roles: {developer: system}}\npayload: {messages: "{{ messages }}"}'
    legacy = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}
    rest = ["hi", {**legacy, "reasoning_content": "Hm."}, {"role": "function", "name": "f", "content": "x"}]
    made = sent(body, [{"role": "developer", "content": "s", "x": None}, *rest])["messages"]
    assert made[0] == {"role": "system", "content": "s", "x": None}
    assert made[1:] == [Message.of(message).as_chat_message() for message in rest]


@pytest.mark.parametrize("body", [RESPONSES, GIGACHAT, YANDEX], ids=["responses", "calls", "results"])
def test_an_empty_text_beside_calls_is_no_message_where_calls_are_entries(body: str) -> None:
    without, beside = (sent(body, ["hi", {**calling("c"), "content": content}]) for content in (None, ""))
    assert without == beside


def test_an_empty_text_beside_others_is_left_out_without_a_word() -> None:
    made = call(ANTHROPIC, ["hi", {**calling("c"), "content": ""}, result("c")])
    assert [part["type"] for part in json.loads(made.wire.content)["messages"][1]["content"]] == ["tool_use"]
    assert [change.parameter for change in made.adjustments if change.parameter == "messages"] == []


def test_an_empty_text_that_carries_something_stays() -> None:
    body = GEMINI.replace("messages:", "messages:\n  drop_empty: true", 1)
    blocks = [{"type": "text", "text": "Hi"}, {"type": "text", "text": "", "carry": {"thoughtSignature": "c2ln"}}]
    said = {"role": "assistant", "content": "Hi", "replay": {"from": "acme", "blocks": blocks}}
    made = sent(body, ["hi", said, "and?"])["contents"][1]["parts"]
    assert made == [{"text": "Hi"}, {"text": "", "thoughtSignature": "c2ln"}]


def test_merging_joins_neighbours_and_never_results() -> None:
    body = 'messages: {merge_consecutive: true, roles: {system: user}}\npayload: {messages: "{{ messages }}"}'
    messages = [{"role": "system", "content": "s"}, "a", "b", calling("c", "d"), result("c"), result("d")]
    made = sent(body, messages)["messages"]
    assert [message["role"] for message in made] == ["user", "assistant", "tool", "tool"]
    assert [part["text"] for part in made[0]["content"]] == ["s", "a", "b"]


def test_results_stand_at_the_head_of_the_users_message() -> None:
    made = sent(ANTHROPIC, ["hi", calling("c", "d"), result("c"), "wait", result("d")])["messages"]
    assert [part.get("tool_use_id") for part in made[2]["content"]] == ["c", "d", None]


def test_a_result_belongs_to_the_last_call_of_its_id() -> None:
    made = sent(GEMINI, ["hi", calling("c", name="f"), "go on", calling("c", name="g"), result("c")])["contents"]
    assert made[-1]["parts"][0]["functionResponse"]["name"] == "g"


def test_the_first_message_of_the_user_stands_behind_the_system() -> None:
    body = 'messages: {first_user: Go.}\npayload: {messages: "{{ messages }}"}'
    for rest in ([], [{"role": "assistant", "content": "a"}]):
        made = sent(body, [{"role": "system", "content": "s"}, *rest])["messages"]
        assert [message["content"] for message in made] == ["s", "Go.", *(message["content"] for message in rest)]


def test_calls_without_ids_are_given_some_that_their_results_share() -> None:
    made = sent(ANTHROPIC, ["hi", calling("", ""), result(None), result(None)])["messages"]
    ids = [part["id"] for part in made[1]["content"]]
    assert len(set(ids)) == 2
    assert [part["tool_use_id"] for part in made[2]["content"]] == ids


def test_legacy_functions_are_tools() -> None:
    legacy = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": '{"a":1}'}}
    made = sent(ANTHROPIC, ["hi", legacy, {"role": "function", "name": "f", "content": "x"}])["messages"]
    (used,), (given_back,) = made[1]["content"], made[2]["content"]
    assert (used["name"], used["input"], given_back["content"]) == ("f", {"a": 1}, "x")
    assert used["id"] == given_back["tool_use_id"]


def test_media_have_names_for_what_they_are() -> None:
    words = {"m": "mime", "f": "format", "d": "data", "l": "link", "n": "filename", "i": "file_id"}
    names = "{" + ", ".join(f"{key}: '{{{{ {word} }}}}'" for key, word in words.items()) + "}"
    body = f"""
messages: {{shapes: {{any: "{{{{ parts }}}}"}}}}
parts: {{image: {names}, audio: {names}, file: {names}}}
payload: "{{{{ messages[0] }}}}"
"""
    data = {"d": "QUJD"}
    link = "https://a.example/b/c.PNG?d=e.gif#f"
    sound, paper = {"data": "QUJD", "format": "mp3"}, {"file_data": "QUJD", "filename": "a.pdf"}
    for part, wanted in [
        (image("data:image/jpeg;base64,QUJD"), {"m": "image/jpeg", "f": "jpeg", **data}),
        (image("data:,ABC"), {"m": "text/plain", "f": "txt", **data}),
        (image("data:IMAGE/PNG;base64, QU%4AD\n"), {"m": "image/png", "f": "png", "d": "QUJD"}),
        (image(link), {"m": "image/png", "f": "png", "l": link}),
        (image("https://a.md"), {"l": "https://a.md"}),
        ({"type": "input_audio", "input_audio": sound}, {"m": "audio/mpeg", "f": "mp3", **data}),
        ({"type": "input_audio", "input_audio": {"data": "QUJD"}}, {"m": "audio/wav", "f": "wav", **data}),
        (
            {"type": "input_audio", "input_audio": {"data": "data:audio/x-wav;base64,QUJD"}},
            {"m": "audio/x-wav", "f": "wav", **data},
        ),
        ({"type": "file", "file": paper}, {"m": "application/pdf", "f": "pdf", "n": "a.pdf", **data}),
        ({"type": "file", "file": {"file_id": "f-1"}}, {"i": "f-1"}),
    ]:
        assert sent(body, user(part)) == [wanted]


def test_names_of_the_call_are_there_and_own_names_hide_them() -> None:
    body = """
settings: {zone: {default: z}}
params: {format: {type: string, optional: true}, tone: {type: string, default: dry}}
messages: {shapes: {any: {p: "{{ parts }}", all: "{{ tone }} {{ zone }} {{ model }} {{ stream }}"}}}
parts: {text: {t: "{{ text }}", tone: "{{ tone }}"}, image: {f: "{{ format }}", zone: "{{ zone }}"}}
query: {format: "{{ format }}"}
payload: {messages: "{{ messages }}"}
"""
    made = call(body, user({"type": "text", "text": "a"}, image("https://a.example/x")), format="hidden")
    assert json.loads(made.wire.content) == {
        "messages": [{"p": [{"t": "a", "tone": "dry"}, {"zone": "z"}], "all": "dry z m-1 true"}]
    }


def test_replay_asks_for_the_unchanged_calls_too() -> None:
    asked = protocols.replayed({"signature": "sig"})
    asked["tool_calls"] = asked["tool_calls"][:1]
    made = sent(ANTHROPIC, ["hi", asked, RESULTS[1]])["messages"][1]["content"]
    assert [part["type"] for part in made] == ["text", "tool_use"]


# --- conversations of any kind ---

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)


def said(draw: st.DrawFn, texts: list[str]) -> str:
    """A text that is found again: nothing else in the conversation holds it."""
    text = f"«{len(texts)}» {draw(TEXTS)}" if draw(st.integers(0, 9)) else draw(st.sampled_from(["", " ", "\n"]))
    texts.append(text)
    return text


OTHERS = {
    "data": BY_DATA,
    "link": BY_LINK,
    "audio": {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}},
    "odd": {"type": "odd", "odd": 1},
}


def content(draw: st.DrawFn, texts: list[str]) -> Any:
    if draw(st.booleans()):
        return said(draw, texts)
    kinds = draw(st.lists(st.sampled_from(["text", "text", "data", "link", "audio", "refusal", "odd"]), max_size=3))
    return [{"type": kind, kind: said(draw, texts)} if kind in ("text", "refusal") else OTHERS[kind] for kind in kinds]


@st.composite
def conversations(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[str]]:
    texts: list[str] = []
    messages: list[dict[str, Any]] = []
    calls = 0
    roles = st.sampled_from(["system", "developer", "user", "assistant", "calls", "x"])
    for role in draw(st.lists(roles, min_size=1, max_size=7)):
        if role != "calls":
            messages.append({"role": role, "content": content(draw, texts)})
            continue
        ids = [f"call{calls + number}" for number in range(draw(st.integers(1, 3)))]
        calls += len(ids)
        asked = calling(*ids, arguments=draw(st.sampled_from(["{}", "", '{"a":1}', "[1]"])))
        messages.append({**asked, "content": said(draw, texts) if draw(st.booleans()) else None})
        answered = [id_ for id_ in draw(st.permutations(ids)) if draw(st.integers(0, 9))]
        messages += [{"role": "tool", "tool_call_id": id_, "content": content(draw, texts)} for id_ in answered]
    return messages, texts


def leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from leaves(item)
    elif isinstance(value, str):
        yield value


RENDERERS = {name: Renderer(load_text(file(body), "acme.yaml")) for name, body in {**BODIES, "PLAIN": PLAIN}.items()}


@pytest.mark.parametrize("name", RENDERERS)
@settings(max_examples=40, deadline=None)
@given(conversation=conversations())
def test_no_text_is_lost_doubled_or_changed(name: str, conversation: tuple[list[dict[str, Any]], list[str]]) -> None:
    messages, texts = conversation
    before = json.dumps(messages)
    try:
        made = RENDERERS[name].render(ChatRequest.of(messages), Deployment())
    except UsageError:
        return
    finally:
        assert json.dumps(messages) == before
    found = list(leaves(json.loads(made.wire.content)))
    last = messages[-1]
    for text in texts:
        if not text.strip():
            continue  # left out where the file says so, and then reported
        if last["role"] == "assistant" and "trim_last_assistant" in BODIES.get(name, ""):
            text = text.rstrip()
        spelled = (text, json.dumps(text, ensure_ascii=False)[1:-1])
        assert sum(max(leaf.count(one) for one in spelled) for leaf in found) == 1, (text, found)


# --- there and back ---

ROUND = """
messages: {reasoning: replay, shapes: {any: {role: "{{ role }}", content: "{{ parts }}", key: "{{ uuid4() }}"}}}
parts:
  text: {text: "{{ text }}"}
  tool_call: {id: "{{ id }}", name: "{{ name }}", input: "{{ arguments_object }}", mark: "{{ carry.mark }}"}
  tool_result: {of: "{{ id }}", text: "{{ text }}"}
  reasoning: {$when: carry.signature is defined, thought: "{{ text }}", signature: "{{ carry.signature }}"}
payload: {messages: "{{ messages }}"}
"""
WHOLE = """
response:
  codec: json
  rules:
    - for: content.*
      rules:
        - {text: text}
        - {when: {thought: {exists: true}}, reasoning: thought, carry: {signature: signature}}
        - {when: {name: {exists: true}}, tool_call: {id: id, name: name, arguments: input}, carry: {mark: mark}}
"""


def test_what_an_answer_carried_goes_back_with_the_next_call() -> None:
    content = [
        {"thought": "Hm.", "signature": "s"},
        {"text": "I look."},
        {"id": "c1", "name": "f", "input": {"a": 1}, "mark": "m"},
    ]
    text = file(ROUND).replace("response: {codec: text}\n", WHOLE)
    provider = Provider(load_text(text, "acme.yaml"))
    answer = provider.decode(json.dumps({"content": content}).encode())
    stored = json.loads(json.dumps(answer.message.as_dict()))
    wire = provider.render(["hi", stored, result("c1")])
    first, again, last = json.loads(wire.content)["messages"]
    assert again["content"] == content
    assert last["content"] == [{"of": "c1", "text": "x"}]
    assert len({first["key"], again["key"], last["key"]}) == 3
    other = json.loads(provider.render(["hi", {**stored, "content": "I looked."}, result("c1")]).content)
    assert other["messages"][1]["content"] == [{"text": "I looked."}, {"id": "c1", "name": "f", "input": {"a": 1}}]


# --- what stands beside a text of the system ---

MARK = {"type": "ephemeral"}
MARKED = [
    {"role": "system", "content": [{"type": "text", "text": "Be brief.", "cache_control": MARK}]},
    {"role": "developer", "content": "In English."},
    {"role": "user", "content": "hi"},
]


def test_the_system_is_a_list_of_parts_where_a_text_has_more_and_the_file_can_say_it() -> None:
    keeping = ANTHROPIC.replace(
        'text: "{{ text }}"}\n  image', 'text: "{{ text }}", mark: "{{ extra.cache_control }}"}\n  image'
    )
    assert keeping != ANTHROPIC
    assert sent(keeping, MARKED)["system"] == [
        {"type": "text", "text": "Be brief.", "mark": MARK},
        {"type": "text", "text": "In English."},
    ]
    assert sent(keeping, MARKED[1:])["system"] == "In English."


FIRST = ANTHROPIC.replace("system: field", "system: first_user").replace('  system: "{{ system }}"\n', "")


@pytest.mark.parametrize("body", [ANTHROPIC, FIRST])
def test_what_stands_beside_a_text_of_the_system_is_reported_where_it_is_not_sent(body: str) -> None:
    made = call(body, MARKED)
    assert Adjustment("messages", "dropped", {"cache_control": MARK}) in made.adjustments
    assert "ephemeral" not in made.wire.content.decode()
