"""Provider files for the loader's tests: a good one, built of parts, in which a part can be replaced by a bad one."""

from __future__ import annotations

from engine.errors import Problem
from engine.loader import problems_of_text

HERE = "¦"
"""Stands before the character that a problem must point at; it is cut out before the file is read."""

PARTS = {
    "version": "spec_version: 1",
    "name": "name: acme",
    "models": "models: {default: small}",
    "params": "params:\n  heat: {type: number, default: 0.5, min: 0, max: 2}",
    "url": "url: https://api.acme.com/v1",
    "path": "path: /chat",
    "headers": "headers: {accept: '*/*'}",
    "payload": 'payload:\n  model: "{{ model }}"\n  messages: "{{ messages }}"\n  heat: "{{ heat }}"',
    "response": "response: {codec: text}",
    "examples": "examples:\n"
    "  - {name: answer, call: {messages: hi}, reply: {text: Hello}, expect: {text: Hello}}\n"
    "  - {name: busy, call: {messages: hi}, reply: {status: 503}, expect: {error: unavailable}}",
}


def text_of(**parts: str) -> str:
    """The good file with some parts replaced, added or, when empty, left out."""
    return "\n".join(part for part in (PARTS | parts).values() if part) + "\n"


def place_of(marked: str) -> tuple[str, tuple[int, int]]:
    """The text without its mark, and the line and column of the mark."""
    before, _, after = marked.partition(HERE)
    lines = before.replace("\r\n", "\n").split("\n")
    return before + after, (len(lines), len(lines[-1]) + 1)


def problems(text: str | bytes, file: str = "acme.yaml") -> list[Problem]:
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return problems_of_text(data, file)
