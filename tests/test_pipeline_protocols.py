"""The request halves of the API families, each as a file says it, over one conversation that has a bit of everything.

What is expected was written from the services' documentation before the engine had rendered it.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.chat_request import ChatRequest
from engine.deployment import Deployment
from engine.loader import load_text
from engine.rendering import RenderedCall, Renderer

PIXEL = "iVBORw0KGgo="
DATA_URL = f"data:image/png;base64,{PIXEL}"
LINK = "https://example.com/cat.jpg?size=1"

HEAD: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "developer", "content": "Answer in English."},
    {"role": "user", "content": [{"type": "text", "text": "Which animal? {{ x }}"}]},
]
CALLS = [
    {"id": "call_a", "type": "function", "function": {"name": "look", "arguments": '{"n": 1, "deep": true}'}},
    {"id": "call_b", "type": "function", "function": {"name": "count", "arguments": ""}},
]
ASKED = {"role": "assistant", "content": "I look.", "tool_calls": CALLS}
RESULTS = [
    {"role": "tool", "tool_call_id": "call_b", "content": "2"},
    {"role": "tool", "tool_call_id": "call_a", "content": [{"type": "text", "text": "a cat"}]},
]
MORE = {"role": "user", "content": "Which colour?"}

BY_DATA = {"type": "image_url", "image_url": {"url": DATA_URL, "detail": "low"}}
BY_LINK = {"type": "image_url", "image_url": {"url": LINK}}

LOOK = {
    "type": "function",
    "function": {
        "name": "look",
        "description": "Look closer.",
        "parameters": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "n": {"$ref": "#/$defs/n"},
                "deep": {"type": ["boolean", "null"]},
                "mode": {"const": "fast"},
            },
            "required": ["n"],
            "additionalProperties": False,
            "$defs": {"n": {"type": "integer", "minimum": 0}},
        },
    },
}
COUNT = {"type": "function", "function": {"name": "count", "parameters": {"type": "object", "properties": {}}}}
FORCED = {"type": "function", "function": {"name": "look"}}


def conversation(*images: dict[str, Any], asked: dict[str, Any] = ASKED) -> list[dict[str, Any]]:
    user = {**HEAD[2], "content": [*HEAD[2]["content"], *images]}
    return [*HEAD[:2], user, asked, *RESULTS, MORE]


def replayed(carry: dict[str, Any], **more: dict[str, Any]) -> dict[str, Any]:
    """What was asked, with what the answer carried: reasoning, and what `more` says of the other blocks."""
    blocks = [
        {"type": "reasoning", "text": "An animal...", "carry": carry},
        {"type": "text", "text": "I look.", **more.get("text", {})},
        {"type": "tool_call", "id": "call_a", **more.get("call", {})},
        {"type": "tool_call", "id": "call_b"},
    ]
    blocks += [{"type": "message", **more["message"]}] if "message" in more else []
    return {**ASKED, "replay": {"from": "acme", "blocks": blocks}}


def file(body: str) -> str:
    return f"""
spec_version: 1
name: acme
url: https://api.acme.example
models: {{default: m-1}}
{body}
response: {{codec: text}}
examples: [{{name: e, call: {{messages: x}}, reply: {{status: 500, text: x}}, expect: {{error: unavailable}}}}]
"""


def call(body: str, messages: Any, **given: Any) -> RenderedCall:
    return Renderer(load_text(file(body), "acme.yaml")).render(ChatRequest.of(messages, **given), Deployment())


def sent(body: str, messages: Any, **given: Any) -> Any:
    return json.loads(call(body, messages, **given).wire.content)


# --- Anthropic messages: https://docs.anthropic.com/en/api/messages ---

ANTHROPIC = """
messages:
  system: field
  merge_consecutive: true
  first_user: Continue.
  tool_results: user_block
  drop_empty: true
  trim_last_assistant: true
  reasoning: replay
  shapes: {any: {role: "{{ role }}", content: "{{ parts }}"}}
parts:
  text: {type: text, text: "{{ text }}"}
  image:
    - {$when: data is defined, type: image, source: {type: base64, media_type: "{{ mime }}", data: "{{ data }}"}}
    - {$when: link is defined, type: image, source: {type: url, url: "{{ link }}"}}
  file: {$when: data is defined, type: document, source: {type: base64, media_type: "{{ mime }}", data: "{{ data }}"}}
  tool_call: {type: tool_use, id: "{{ id }}", name: "{{ name }}", input: "{{ arguments_object }}"}
  tool_result: {type: tool_result, tool_use_id: "{{ id }}", content: "{{ content }}", is_error: "{{ is_error }}"}
  reasoning:
    - {$when: carry.data is defined, type: redacted_thinking, data: "{{ carry.data }}"}
    - {$when: carry.signature is defined, type: thinking, thinking: "{{ text }}", signature: "{{ carry.signature }}"}
  refusal: {type: text, text: "{{ text }}"}
tools:
  shape: {name: "{{ name }}", description: "{{ description }}", input_schema: "{{ parameters }}"}
  choice: {auto: {type: auto}, required: {type: any}, none: {type: none}, tool: {type: tool, name: "{{ name }}"}}
payload:
  model: "{{ model }}"
  system: "{{ system }}"
  messages: "{{ messages }}"
  tools: "{{ tools }}"
  tool_choice: "{{ tool_choice }}"
  max_tokens: 4096
"""

USED = [
    {"type": "tool_use", "id": "call_a", "name": "look", "input": {"n": 1, "deep": True}},
    {"type": "tool_use", "id": "call_b", "name": "count", "input": {}},
]


def test_anthropic() -> None:
    messages = conversation(BY_DATA, BY_LINK, asked=replayed({"signature": "sig"}))
    assert sent(ANTHROPIC, messages, tools=[LOOK, COUNT], tool_choice=FORCED) == {
        "model": "m-1",
        "system": "Be brief.\n\nAnswer in English.",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Which animal? {{ x }}"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}},
                    {"type": "image", "source": {"type": "url", "url": LINK}},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "An animal...", "signature": "sig"},
                    {"type": "text", "text": "I look."},
                    *USED,
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "call_b", "content": "2"},
                    {"type": "tool_result", "tool_use_id": "call_a", "content": "a cat"},
                    {"type": "text", "text": "Which colour?"},
                ],
            },
        ],
        "tools": [
            {"name": "look", "description": "Look closer.", "input_schema": LOOK["function"]["parameters"]},
            {"name": "count", "input_schema": {"type": "object", "properties": {}}},
        ],
        "tool_choice": {"type": "tool", "name": "look"},
        "max_tokens": 4096,
    }


def test_anthropic_redacted_reasoning_is_replayed_unchanged() -> None:
    body = sent(ANTHROPIC, conversation(asked=replayed({"data": "opaque"})))
    assert body["messages"][1]["content"][0] == {"type": "redacted_thinking", "data": "opaque"}


@pytest.mark.parametrize("from_", ["other", "acme"])
def test_anthropic_replays_nothing_of_another_service_or_of_an_edited_message(from_: str) -> None:
    asked = replayed({"signature": "sig"})
    asked["replay"]["from"] = from_
    if from_ == "acme":
        asked["content"] = "I looked."
    content = sent(ANTHROPIC, conversation(asked=asked))["messages"][1]["content"]
    assert content == [{"type": "text", "text": asked["content"]}, *USED]


def test_anthropic_begins_with_the_user_and_has_no_empty_text() -> None:
    made = call(ANTHROPIC, [{"role": "assistant", "content": "Hello."}, {"role": "user", "content": "  "}, "And? ",
                            {"role": "assistant", "content": "It is \n"}])  # fmt: skip
    assert json.loads(made.wire.content)["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "Continue."}]},
        {"role": "assistant", "content": [{"type": "text", "text": "Hello."}]},
        {"role": "user", "content": [{"type": "text", "text": "And? "}]},
        {"role": "assistant", "content": [{"type": "text", "text": "It is"}]},
    ]
    assert [(a.action, a.given, a.sent) for a in made.adjustments if a.parameter == "messages"] == [
        ("dropped", "  ", None),
        ("defaulted", None, "Continue."),
        ("dropped", " \n", None),
    ]


# --- Gemini generateContent: https://ai.google.dev/api/generate-content ---

GEMINI = """
path: /v1beta/models/{{ model }}:generateContent
messages:
  system: field
  roles: {assistant: model}
  merge_consecutive: true
  tool_results: user_block
  reasoning: replay
  shapes: {any: {role: "{{ role }}", parts: "{{ parts }}"}}
parts:
  text: {text: "{{ text }}", thoughtSignature: "{{ carry.thoughtSignature }}"}
  image:
    - {$when: data is defined, inlineData: {mimeType: "{{ mime }}", data: "{{ data }}"}}
    - {$when: link is defined, fileData: {mimeType: "{{ mime }}", fileUri: "{{ link }}"}}
  tool_call:
    functionCall: {id: "{{ id }}", name: "{{ name }}", args: "{{ arguments_object }}"}
    thoughtSignature: "{{ carry.thoughtSignature }}"
  tool_result: {functionResponse: {id: "{{ id }}", name: "{{ name }}", response: {result: "{{ text }}"}}}
  reasoning:
    $when: carry.thoughtSignature is defined
    text: "{{ text }}"
    thought: true
    thoughtSignature: "{{ carry.thoughtSignature }}"
  fallback: text
tools:
  shape: {name: "{{ name }}", description: "{{ description }}", parameters: "{{ parameters }}"}
  schema:
    [inline_refs, const_to_enum, type_array_to_nullable, {drop_keys: [additionalProperties, $schema]}, empty_root_omit]
  choice:
    auto: {mode: AUTO}
    required: {mode: ANY}
    none: {mode: NONE}
    tool: {mode: ANY, allowedFunctionNames: ["{{ name }}"]}
payload:
  systemInstruction: {$when: system is defined, parts: [{text: "{{ system }}"}]}
  contents: "{{ messages }}"
  tools: "{{ [{'functionDeclarations': tools}] if tools is defined }}"
  toolConfig: {$when: tool_choice is defined, functionCallingConfig: "{{ tool_choice }}"}
"""

GEMINI_CALL = {"functionCall": {"id": "call_a", "name": "look", "args": {"n": 1, "deep": True}}}


def test_gemini() -> None:
    asked = replayed({}, call={"carry": {"thoughtSignature": "ts"}})
    assert sent(GEMINI, conversation(BY_DATA, BY_LINK, asked=asked), tools=[LOOK, COUNT], tool_choice=FORCED) == {
        "systemInstruction": {"parts": [{"text": "Be brief.\n\nAnswer in English."}]},
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"text": "Which animal? {{ x }}"},
                    {"inlineData": {"mimeType": "image/png", "data": PIXEL}},
                    {"fileData": {"mimeType": "image/jpeg", "fileUri": LINK}},
                ],
            },
            {
                "role": "model",
                "parts": [
                    {"text": "I look."},
                    {**GEMINI_CALL, "thoughtSignature": "ts"},
                    {"functionCall": {"id": "call_b", "name": "count", "args": {}}},
                ],
            },
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"id": "call_b", "name": "count", "response": {"result": "2"}}},
                    {"functionResponse": {"id": "call_a", "name": "look", "response": {"result": "a cat"}}},
                    {"text": "Which colour?"},
                ],
            },
        ],
        "tools": [
            {
                "functionDeclarations": [
                    {
                        "name": "look",
                        "description": "Look closer.",
                        "parameters": {
                            "type": "object",
                            "properties": {
                                "n": {"type": "integer", "minimum": 0},
                                "deep": {"type": "boolean", "nullable": True},
                                "mode": {"enum": ["fast"], "type": "string"},
                            },
                            "required": ["n"],
                        },
                    },
                    {"name": "count"},
                ]
            }
        ],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["look"]}},
    }


def test_gemini_signatures_stand_beside_the_part_that_brought_them() -> None:
    asked = replayed({"thoughtSignature": "t1"}, text={"carry": {"thoughtSignature": "t2"}})
    parts = sent(GEMINI, conversation(asked=asked))["contents"][1]["parts"]
    assert parts[:2] == [
        {"text": "An animal...", "thought": True, "thoughtSignature": "t1"},
        {"text": "I look.", "thoughtSignature": "t2"},
    ]
    assert parts[2] == GEMINI_CALL


def test_gemini_without_a_system_has_the_system_before_the_first_text() -> None:
    gemma = GEMINI.replace("system: field", "system: first_user").replace(
        '  systemInstruction: {$when: system is defined, parts: [{text: "{{ system }}"}]}\n', ""
    )
    body = sent(gemma, conversation(BY_DATA))
    assert "systemInstruction" not in body
    assert body["contents"][0]["parts"] == [
        {"text": "Be brief.\n\nAnswer in English.\n\nWhich animal? {{ x }}"},
        {"inlineData": {"mimeType": "image/png", "data": PIXEL}},
    ]


# --- Bedrock Converse: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html ---

BEDROCK = """
messages:
  system: field
  merge_consecutive: true
  first_user: Continue.
  tool_results: user_block
  drop_empty: true
  reasoning: replay
  shapes: {any: {role: "{{ role }}", content: "{{ parts }}"}}
parts:
  text: {text: "{{ text }}"}
  image: {$when: data is defined, image: {format: "{{ format }}", source: {bytes: "{{ data }}"}}}
  file:
    $when: data is defined
    document: {format: "{{ format }}", name: "{{ filename | default('file') }}", source: {bytes: "{{ data }}"}}
  tool_call: {toolUse: {toolUseId: "{{ id }}", name: "{{ name }}", input: "{{ arguments_object }}"}}
  tool_result:
    toolResult:
      toolUseId: "{{ id }}"
      content: "{{ parts }}"
      status: "{{ ('error' if is_error else 'success') if is_error is defined }}"
  reasoning:
    $when: carry.signature is defined
    reasoningContent: {reasoningText: {text: "{{ text }}", signature: "{{ carry.signature }}"}}
tools:
  shape:
    toolSpec:
      name: "{{ name }}"
      description: "{{ description }}"
      inputSchema: {json: "{{ parameters | default({'type': 'object', 'properties': {}}) }}"}
  choice: {auto: {auto: {}}, required: {any: {}}, tool: {tool: {name: "{{ name }}"}}}
  drop_on_none: true
payload:
  system: "{{ [{'text': system}] if system is defined }}"
  messages: "{{ messages }}"
  toolConfig: {$when: tools is defined, tools: "{{ tools }}", toolChoice: "{{ tool_choice }}"}
"""


def test_bedrock() -> None:
    messages = conversation(BY_DATA, asked=replayed({"signature": "sig"}))
    messages[4] = {**messages[4], "is_error": True}
    bare = {"type": "function", "function": {"name": "bare"}}
    assert sent(BEDROCK, messages, tools=[LOOK, bare], tool_choice="required") == {
        "system": [{"text": "Be brief.\n\nAnswer in English."}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"text": "Which animal? {{ x }}"},
                    {"image": {"format": "png", "source": {"bytes": PIXEL}}},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"reasoningContent": {"reasoningText": {"text": "An animal...", "signature": "sig"}}},
                    {"text": "I look."},
                    {"toolUse": {"toolUseId": "call_a", "name": "look", "input": {"n": 1, "deep": True}}},
                    {"toolUse": {"toolUseId": "call_b", "name": "count", "input": {}}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"toolResult": {"toolUseId": "call_b", "content": [{"text": "2"}], "status": "error"}},
                    {"toolResult": {"toolUseId": "call_a", "content": [{"text": "a cat"}]}},
                    {"text": "Which colour?"},
                ],
            },
        ],
        "toolConfig": {
            "tools": [
                {
                    "toolSpec": {
                        "name": "look",
                        "description": "Look closer.",
                        "inputSchema": {"json": LOOK["function"]["parameters"]},
                    }
                },
                {"toolSpec": {"name": "bare", "inputSchema": {"json": {"type": "object", "properties": {}}}}},
            ],
            "toolChoice": {"any": {}},
        },
    }


def test_bedrock_has_no_choice_of_none_so_the_tools_are_left_out() -> None:
    assert sent(BEDROCK, "hi", tools=[LOOK], tool_choice="none") == {
        "messages": [{"role": "user", "content": [{"text": "hi"}]}]
    }


# --- OpenAI Responses: https://platform.openai.com/docs/api-reference/responses ---

RESPONSES = """
messages:
  reasoning: replay
  items: [reasoning, tool_call, tool_result]
  shapes: {any: {role: "{{ role }}", content: "{{ parts }}"}}
parts:
  text:
    - {$when: role == 'assistant', type: output_text, text: "{{ text }}"}
    - {type: input_text, text: "{{ text }}"}
  image: {type: input_image, image_url: "{{ url }}", detail: "{{ detail }}"}
  file:
    - {$when: file_id is defined, type: input_file, file_id: "{{ file_id }}"}
    - {$when: link is defined, type: input_file, file_url: "{{ link }}"}
    - {type: input_file, filename: "{{ filename }}", file_data: "{{ url }}"}
  tool_call: {type: function_call, call_id: "{{ id }}", name: "{{ name }}", arguments: "{{ arguments }}"}
  tool_result: {type: function_call_output, call_id: "{{ id }}", output: "{{ content }}"}
  reasoning:
    $when: carry.encrypted_content is defined
    type: reasoning
    id: "{{ carry.id }}"
    summary: []
    encrypted_content: "{{ carry.encrypted_content }}"
  refusal: {type: refusal, refusal: "{{ text }}"}
tools:
  shape:
    type: function
    name: "{{ name }}"
    description: "{{ description }}"
    parameters: "{{ parameters }}"
    strict: "{{ strict }}"
  schema: [inline_refs, {drop_keys: [$schema, minimum]}]
  choice: {auto: auto, required: required, none: none, tool: {type: function, name: "{{ name }}"}}
payload:
  model: "{{ model }}"
  input: "{{ messages }}"
  tools: "{{ tools }}"
  tool_choice: "{{ tool_choice }}"
"""


def test_responses() -> None:
    messages = conversation(BY_DATA, BY_LINK, asked=replayed({"encrypted_content": "enc", "id": "rs_1"}))
    strict = {"type": "function", "function": {**LOOK["function"], "strict": True}}
    assert sent(RESPONSES, messages, tools=[strict], tool_choice=FORCED) == {
        "model": "m-1",
        "input": [
            {"role": "system", "content": [{"type": "input_text", "text": "Be brief."}]},
            {"role": "developer", "content": [{"type": "input_text", "text": "Answer in English."}]},
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "Which animal? {{ x }}"},
                    {"type": "input_image", "image_url": DATA_URL, "detail": "low"},
                    {"type": "input_image", "image_url": LINK},
                ],
            },
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "enc"},
            {"role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
            {"type": "function_call", "call_id": "call_a", "name": "look", "arguments": '{"n": 1, "deep": true}'},
            {"type": "function_call", "call_id": "call_b", "name": "count", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_b", "output": "2"},
            {"type": "function_call_output", "call_id": "call_a", "output": "a cat"},
            {"role": "user", "content": [{"type": "input_text", "text": "Which colour?"}]},
        ],
        "tools": [
            {
                "type": "function",
                "name": "look",
                "description": "Look closer.",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "n": {"type": "integer"},
                        "deep": {"type": ["boolean", "null"]},
                        "mode": {"const": "fast"},
                    },
                    "required": ["n"],
                    "additionalProperties": False,
                },
                "strict": True,
            }
        ],
        "tool_choice": {"type": "function", "name": "look"},
    }


def test_responses_files() -> None:
    files = [
        {"type": "file", "file": {"file_id": "f-1"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PIXEL}"}},
        {"type": "file", "file": {"file_url": "https://example.com/a.pdf"}},
    ]
    assert sent(RESPONSES, [{"role": "user", "content": files}])["input"][0]["content"] == [
        {"type": "input_file", "file_id": "f-1"},
        {"type": "input_file", "filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PIXEL}"},
        {"type": "input_file", "file_url": "https://example.com/a.pdf"},
    ]


# --- Ollama chat: https://github.com/ollama/ollama/blob/main/docs/api.md ---

OLLAMA = """
messages:
  roles: {developer: system}
  reasoning: replay
  shapes:
    any:
      role: "{{ role }}"
      content: "{{ text | default('') }}"
      thinking: "{{ reasoning }}"
      images: "{{ images }}"
      tool_calls: "{{ tool_calls }}"
    tool: {role: tool, tool_name: "{{ result.name }}", content: "{{ result.text }}"}
parts:
  image: "{{ data }}"
  tool_call: {function: {name: "{{ name }}", arguments: "{{ arguments_object }}"}}
payload: {model: "{{ model }}", messages: "{{ messages }}", tools: "{{ tools }}"}
"""


def test_ollama() -> None:
    assert sent(OLLAMA, conversation(BY_DATA, asked={**ASKED, "reasoning_content": "Hm."}), tools=[COUNT]) == {
        "model": "m-1",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "system", "content": "Answer in English."},
            {"role": "user", "content": "Which animal? {{ x }}", "images": [PIXEL]},
            {
                "role": "assistant",
                "content": "I look.",
                "thinking": "Hm.",
                "tool_calls": [
                    {"function": {"name": "look", "arguments": {"n": 1, "deep": True}}},
                    {"function": {"name": "count", "arguments": {}}},
                ],
            },
            {"role": "tool", "tool_name": "count", "content": "2"},
            {"role": "tool", "tool_name": "look", "content": "a cat"},
            {"role": "user", "content": "Which colour?"},
        ],
        "tools": [COUNT],
    }


# --- Cohere v2 and v1: https://docs.cohere.com/reference/chat ---

COHERE2 = """
messages:
  roles: {developer: system}
  shapes:
    any: {role: "{{ role }}", content: "{{ content }}"}
    assistant:
      - {$when: tool_calls is defined, role: assistant, tool_plan: "{{ text }}", tool_calls: "{{ tool_calls }}"}
      - {role: assistant, content: "{{ content }}"}
    tool: {role: tool, tool_call_id: "{{ result.id }}", content: "{{ result.text }}"}
parts:
  text: {type: text, text: "{{ text }}"}
  image: {type: image_url, image_url: {url: "{{ url }}", detail: "{{ detail }}"}}
  tool_call: {id: "{{ id }}", type: function, function: {name: "{{ name }}", arguments: "{{ arguments }}"}}
tools: {choice: {required: REQUIRED, none: NONE}, only_forced: true}
payload: {model: "{{ model }}", messages: "{{ messages }}", tools: "{{ tools }}", tool_choice: "{{ tool_choice }}"}
"""


def test_cohere_v2() -> None:
    assert sent(COHERE2, conversation(BY_DATA), tools=[LOOK, COUNT], tool_choice=FORCED) == {
        "model": "m-1",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "system", "content": "Answer in English."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Which animal? {{ x }}"},
                    {"type": "image_url", "image_url": {"url": DATA_URL, "detail": "low"}},
                ],
            },
            {"role": "assistant", "tool_plan": "I look.", "tool_calls": [
                CALLS[0],
                {"id": "call_b", "type": "function", "function": {"name": "count", "arguments": "{}"}},
            ]},
            {"role": "tool", "tool_call_id": "call_b", "content": "2"},
            {"role": "tool", "tool_call_id": "call_a", "content": "a cat"},
            {"role": "user", "content": "Which colour?"},
        ],
        "tools": [LOOK],
        "tool_choice": "REQUIRED",
    }  # fmt: skip


COHERE1 = """
messages:
  system: field
  roles: {user: USER, assistant: CHATBOT}
  tool_results: user_block
  items: [tool_result]
  shapes:
    any: {role: "{{ role }}", message: "{{ text | default('') }}", tool_calls: "{{ tool_calls }}"}
    tool_result: {role: TOOL, tool_results: "{{ tool_results }}"}
parts:
  tool_call: {name: "{{ name }}", parameters: "{{ arguments_object }}"}
  tool_result: {call: {name: "{{ name }}", parameters: {}}, outputs: [{text: "{{ text }}"}]}
payload:
  model: "{{ model }}"
  preamble: "{{ system }}"
  chat_history: "{{ messages[:-1] }}"
  message: "{{ messages[-1].message | default('') }}"
  tool_results: "{{ messages[-1].tool_results }}"
"""


def test_cohere_v1() -> None:
    called = {"name": "look", "parameters": {"n": 1, "deep": True}}
    assert sent(COHERE1, conversation()) == {
        "model": "m-1",
        "preamble": "Be brief.\n\nAnswer in English.",
        "chat_history": [
            {"role": "USER", "message": "Which animal? {{ x }}"},
            {"role": "CHATBOT", "message": "I look.", "tool_calls": [called, {"name": "count", "parameters": {}}]},
            {
                "role": "TOOL",
                "tool_results": [
                    {"call": {"name": "count", "parameters": {}}, "outputs": [{"text": "2"}]},
                    {"call": {"name": "look", "parameters": {}}, "outputs": [{"text": "a cat"}]},
                ],
            },
        ],
        "message": "Which colour?",
    }
    last = sent(COHERE1, conversation()[:-1])
    assert (last["message"], [one["outputs"] for one in last["tool_results"]]) == (
        "",
        [[{"text": "2"}], [{"text": "a cat"}]],
    )


# --- GigaChat: https://developers.sber.ru/docs/ru/gigachat/api/reference/rest/post-chat ---

GIGACHAT = """
messages:
  roles: {developer: system, tool: function}
  reasoning: replay
  items: [tool_call]
  shapes:
    any: {role: "{{ role }}", content: "{{ text }}"}
    tool: {role: "{{ role }}", name: "{{ result.name }}", content: "{{ {'result': result.text} | tojson }}"}
parts:
  tool_call:
    role: assistant
    content: ""
    function_call: {name: "{{ name }}", arguments: "{{ arguments_object }}"}
    functions_state_id: "{{ carry.functions_state_id }}"
tools:
  shape: {name: "{{ name }}", description: "{{ description }}", parameters: "{{ parameters }}"}
  choice: {auto: auto, none: none, tool: {name: "{{ name }}"}}
payload:
  model: "{{ model }}"
  messages: "{{ messages }}"
  functions: "{{ tools }}"
  function_call: "{{ tool_choice }}"
"""


def test_gigachat() -> None:
    asked = replayed({}, call={"carry": {"functions_state_id": "state"}})
    assert sent(GIGACHAT, conversation(asked=asked), tools=[COUNT], tool_choice="auto") == {
        "model": "m-1",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "system", "content": "Answer in English."},
            {"role": "user", "content": "Which animal? {{ x }}"},
            {"role": "assistant", "content": "I look."},
            {
                "role": "assistant",
                "content": "",
                "function_call": {"name": "look", "arguments": {"n": 1, "deep": True}},
                "functions_state_id": "state",
            },
            {"role": "assistant", "content": "", "function_call": {"name": "count", "arguments": {}}},
            {"role": "function", "name": "count", "content": '{"result":"2"}'},
            {"role": "function", "name": "look", "content": '{"result":"a cat"}'},
            {"role": "user", "content": "Which colour?"},
        ],
        "functions": [{"name": "count", "parameters": {"type": "object", "properties": {}}}],
        "function_call": "auto",
    }


# --- YandexGPT: https://yandex.cloud/docs/foundation-models/text-generation/api-ref/TextGeneration/completion ---

YANDEX = """
messages:
  roles: {developer: system}
  tool_results: user_block
  items: [tool_call, tool_result]
  shapes:
    any: {role: "{{ role }}", text: "{{ text }}"}
    tool_call: {role: "{{ role }}", toolCallList: {toolCalls: "{{ tool_calls }}"}}
    tool_result: {role: "{{ role }}", toolResultList: {toolResults: "{{ tool_results }}"}}
parts:
  tool_call: {functionCall: {name: "{{ name }}", arguments: "{{ arguments_object }}"}}
  tool_result: {functionResult: {name: "{{ name }}", content: "{{ text }}"}}
tools:
  shape: {function: {name: "{{ name }}", description: "{{ description }}", parameters: "{{ parameters }}"}}
params: {max_tokens: {type: integer, optional: true}, folder: {type: string, default: f-1}}
payload:
  modelUri: "gpt://{{ folder }}/{{ model }}/latest"
  completionOptions: {stream: "{{ stream }}", maxTokens: "{{ max_tokens | string if max_tokens is defined }}"}
  messages: "{{ messages }}"
  tools: "{{ tools }}"
"""


def test_yandex() -> None:
    assert sent(YANDEX, conversation(), tools=[COUNT], max_tokens=100) == {
        "modelUri": "gpt://f-1/m-1/latest",
        "completionOptions": {"stream": True, "maxTokens": "100"},
        "messages": [
            {"role": "system", "text": "Be brief."},
            {"role": "system", "text": "Answer in English."},
            {"role": "user", "text": "Which animal? {{ x }}"},
            {"role": "assistant", "text": "I look."},
            {
                "role": "assistant",
                "toolCallList": {
                    "toolCalls": [
                        {"functionCall": {"name": "look", "arguments": {"n": 1, "deep": True}}},
                        {"functionCall": {"name": "count", "arguments": {}}},
                    ]
                },
            },
            {
                "role": "user",
                "toolResultList": {
                    "toolResults": [
                        {"functionResult": {"name": "count", "content": "2"}},
                        {"functionResult": {"name": "look", "content": "a cat"}},
                    ]
                },
            },
            {"role": "user", "text": "Which colour?"},
        ],
        "tools": [{"function": {"name": "count", "parameters": {"type": "object", "properties": {}}}}],
    }


# --- Mistral: https://docs.mistral.ai/api/ ---

MISTRAL = """
messages:
  roles: {developer: system}
  shapes:
    tool: {role: tool, tool_call_id: "{{ result.id }}", name: "{{ result.name }}", content: "{{ result.text }}"}
parts:
  text: {type: text, text: "{{ text }}"}
  image: {type: image_url, image_url: "{{ url }}"}
  file: {$when: link is defined, type: document_url, document_url: "{{ link }}"}
  tool_call: {id: "{{ id }}", type: function, function: {name: "{{ name }}", arguments: "{{ arguments }}"}}
tools: {choice: {auto: auto, required: any, none: none, tool: {type: function, function: {name: "{{ name }}"}}}}
payload: {model: "{{ model }}", messages: "{{ messages }}", tools: "{{ tools }}", tool_choice: "{{ tool_choice }}"}
"""


def test_mistral() -> None:
    messages = [*conversation(BY_DATA, BY_LINK), {"role": "assistant", "content": "It is", "prefix": True}]
    assert sent(MISTRAL, messages, tools=[COUNT], tool_choice="required") == {
        "model": "m-1",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "system", "content": "Answer in English."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Which animal? {{ x }}"},
                    {"type": "image_url", "image_url": DATA_URL},
                    {"type": "image_url", "image_url": LINK},
                ],
            },
            {
                "role": "assistant",
                "content": "I look.",
                "tool_calls": [
                    CALLS[0],
                    {"id": "call_b", "type": "function", "function": {"name": "count", "arguments": "{}"}},
                ],
            },
            {"role": "tool", "tool_call_id": "call_b", "name": "count", "content": "2"},
            {"role": "tool", "tool_call_id": "call_a", "name": "look", "content": "a cat"},
            {"role": "user", "content": "Which colour?"},
            {"role": "assistant", "content": "It is", "prefix": True},
        ],
        "tools": [COUNT],
        "tool_choice": "any",
    }


# --- Reka: https://docs.reka.ai/ ---

REKA = """
messages:
  system: first_user
  roles: {tool: tool_output}
  merge_consecutive: true
  shapes:
    any: {role: "{{ role }}", content: "{{ content }}", tool_calls: "{{ tool_calls }}"}
    tool: {role: "{{ role }}", content: [{tool_call_id: "{{ result.id }}", output: {result: "{{ result.text }}"}}]}
parts:
  text: {type: text, text: "{{ text }}"}
  image: {type: image_url, image_url: "{{ url }}"}
  tool_call: {id: "{{ id }}", name: "{{ name }}", parameters: "{{ arguments_object }}"}
tools: {shape: {name: "{{ name }}", description: "{{ description }}", parameters: "{{ parameters }}"}}
payload: {model: "{{ model }}", messages: "{{ messages }}", tools: "{{ tools }}"}
"""


def test_reka() -> None:
    assert sent(REKA, conversation(BY_LINK), tools=[COUNT]) == {
        "model": "m-1",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Be brief.\n\nAnswer in English.\n\nWhich animal? {{ x }}"},
                    {"type": "image_url", "image_url": LINK},
                ],
            },
            {
                "role": "assistant",
                "content": "I look.",
                "tool_calls": [
                    {"id": "call_a", "name": "look", "parameters": {"n": 1, "deep": True}},
                    {"id": "call_b", "name": "count", "parameters": {}},
                ],
            },
            {"role": "tool_output", "content": [{"tool_call_id": "call_b", "output": {"result": "2"}}]},
            {"role": "tool_output", "content": [{"tool_call_id": "call_a", "output": {"result": "a cat"}}]},
            {"role": "user", "content": "Which colour?"},
        ],
        "tools": [{"name": "count", "parameters": {"type": "object", "properties": {}}}],
    }


# --- a plain prompt: Llama's template, https://www.llama.com/docs/model-cards-and-prompt-formats/llama3_1/ ---

PROMPT = r"""
messages:
  roles: {developer: system}
  merge_consecutive: true
  shapes:
    any: "<|start_header_id|>{{ role }}<|end_header_id|>\n\n{{ text | default('') }}<|eot_id|>"
payload:
  prompt: "<|begin_of_text|>{{ messages | join }}<|start_header_id|>assistant<|end_header_id|>\n\n"
"""


def test_a_plain_prompt() -> None:
    assert sent(PROMPT, [*HEAD, {"role": "assistant", "content": "A cat."}, MORE]) == {
        "prompt": "<|begin_of_text|>"
        "<|start_header_id|>system<|end_header_id|>\n\nBe brief.\nAnswer in English.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nWhich animal? {{ x }}<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\nA cat.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nWhich colour?<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n"
    }


# --- chat completions that want their reasoning back: DeepSeek, OpenRouter ---

DEEPSEEK = """
messages: {reasoning: replay, replay_within: turn}
payload: {messages: "{{ messages }}"}
"""


def test_reasoning_goes_back_in_the_shape_of_chats() -> None:
    thought = {**ASKED, "reasoning_content": "Hm."}
    assert sent(DEEPSEEK, ["Which?", thought, *RESULTS])["messages"][1]["reasoning_content"] == "Hm."
    assert "reasoning_content" not in sent(DEEPSEEK, ["Which?", thought, *RESULTS, MORE])["messages"][1]


OPENROUTER = """
messages:
  reasoning: replay
  shapes:
    assistant:
      role: assistant
      content: "{{ content }}"
      tool_calls: "{{ tool_calls }}"
      reasoning_details: "{{ carry.reasoning_details }}"
payload: {messages: "{{ messages }}"}
"""


def test_what_the_whole_message_carried_goes_back() -> None:
    details = [{"type": "reasoning.encrypted", "data": "x"}]
    asked = replayed({}, message={"carry": {"reasoning_details": details}})
    message = sent(OPENROUTER, ["Which?", asked, *RESULTS])["messages"][1]
    assert message["reasoning_details"] == details
    assert message["content"] == "I look."
