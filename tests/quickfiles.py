"""Small provider files in a folder of their own, for tests of what the clients do with faults."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from engine import Catalog

KEY = "sk-Verysecret/Key+0123456789abcdef"
FILE = """
spec_version: 1
name: {name}
url: http://127.0.0.1
path: /chat
payload: {{messages: "{{{{ messages }}}}", stream: "{{{{ stream }}}}"}}
{more}
examples:
  - {{name: busy, call: {{messages: hi}}, reply: {{status: 503, body: busy}}, expect: {{error: unavailable}}}}
  - {answer}
"""
STREAM = """{codec: sse, rules: [{text: choices.0.delta.content, finish: choices.0.finish_reason, usage: usage}],
    end: '[DONE]'}"""
USAGE_MAP = "usage: {input_tokens: prompt_tokens, output_tokens: completion_tokens}"
SSE = f"response: {{stream: {STREAM}, {USAGE_MAP}}}"
BOTH = f"""response: {{stream: {STREAM}, whole: {{codec: json, rules: [{{text: choices.0.message.content,
    finish: choices.0.finish_reason, usage: usage}}]}}, {USAGE_MAP}}}"""
TEXT = "response: {codec: text}"
SECRET = "secrets: {api_key: {env: [WIREFILE_TEST_KEY]}, user: {env: [WIREFILE_TEST_USER], optional: true}}"
TEXT_ANSWER = "{name: plain, call: {messages: hi}, reply: {text: hello}, expect: {text: hello}}"
SSE_ANSWER = r"""{name: streamed, call: {messages: hi}, expect: {text: hello}, reply: {headers: {
    content-type: text/event-stream},
    chunks: ["data: {\"choices\": [{\"delta\": {\"content\": \"hello\"}, \"finish_reason\": \"stop\"}]}\n\n",
    "data: [DONE]\n\n"]}}"""


def catalog_of(folder: Path, files: Mapping[str, str]) -> Catalog:
    """A catalog of these files, each given as the lines that make it different: at least its `response`."""
    for name, more in files.items():
        answer = SSE_ANSWER if "codec: sse" in more else TEXT_ANSWER
        (folder / f"{name}.yaml").write_text(FILE.format(name=name, more=more, answer=answer), encoding="utf-8")
    return Catalog(folder)
