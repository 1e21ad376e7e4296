"""Moulds: what a template makes of a message that is one text is what it is rendered to, and is weighed right."""

from __future__ import annotations

from typing import Any

import pytest

from engine import Catalog
from engine.chat_request import ChatRequest
from engine.deployment import Deployment
from engine.errors import EngineError
from engine.expressions import OMIT
from engine.loader import load_text
from engine.pipeline import Context
from engine.pipeline.moulds import NoMouldError, itself, mould_of
from engine.pipeline.shapes import MessageShaper
from engine.provider import Provider
from engine.weight import Weighed, weight
from tests.badfiles import text_of

from .conftest import ROOT

CATALOG = Catalog(ROOT / "providers")
NAMES = CATALOG.names()
TALKS: dict[str, list[dict[str, Any]]] = {
    "a chat": [{"role": role, "content": f"«{role}» {{{{ x }}}}"} for role in ("system", "user", "assistant", "user")],
    "every role": [{"role": role, "content": "Hi"} for role in ("developer", "user", "assistant", "stranger", "user")],
    "one after the other": [{"role": role, "content": "Hi"} for role in ("user", "user", "assistant", "assistant")],
    "blanks": [{"role": "user", "content": text} for text in ("", " \n", "x ", "\x1f", "y")],
    "a name": [{"role": "user", "content": "Hi", "name": "Ann"}, {"role": "assistant", "content": "Ho "}],
    "parts": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}, {"role": "assistant", "content": "Ho"}],
}


def outcome(provider: Provider, messages: list[dict[str, Any]]) -> Any:
    try:
        request = ChatRequest.of(messages, provider.spec.models.default or "m")
        call = provider.call(request, Deployment(placeholders=True))
    except EngineError as error:
        return type(error), error.message
    return call.wire.content, call.adjustments


@pytest.mark.parametrize("name", NAMES)
def test_moulds_change_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = CATALOG.provider(name)
    quickly = [outcome(provider, talk) for talk in TALKS.values()]
    monkeypatch.setattr(MessageShaper, "_text_mould", lambda self, role: None)
    fresh = Provider(provider.spec)
    assert quickly == [outcome(fresh, talk) for talk in TALKS.values()]


def test_most_shipped_files_pour_the_texts_of_a_user() -> None:
    shapers = [CATALOG.provider(name)._renderer._shaper for name in NAMES]
    shaped = [shaper._messages for shaper in shapers if not shaper._is_plain]
    assert sum(one._text_mould("user") is not None for one in shaped) >= 0.9 * len(shaped) >= 20


@pytest.mark.parametrize("name", NAMES)
def test_a_known_weight_is_the_weight(name: str) -> None:
    shaper = CATALOG.provider(name)._renderer._shaper
    request = ChatRequest.of(TALKS["a chat"])
    known = shaper.messages(request.messages, Context(name, {}, [])).messages
    assert known.weight in (None, weight(known.items, 10**6))
    payload = {"a": known.items, "b": [known.items, 1.5]}
    assert weight(payload, 10**6, known=known) == weight(payload, 10**6)
    assert weight(payload, 10**6, known=Weighed([], 7)) == weight(payload, 10**6)


FIXED = {"role": "user", "name": OMIT, "extra": OMIT}
OPEN = {"text": itself}


@pytest.mark.parametrize(
    ("tree", "made"),
    [
        ("{{ text }}", "Hi"),
        ({"a": "{{ text }}", "b": ["{{ text }}", 1, "{{ name }}"]}, {"a": "Hi", "b": ["Hi", 1]}),
        ({"$when": "role == 'user'", "a": "{{ text }}"}, {"a": "Hi"}),
        ({"a": {"$when": "name is defined", "b": 1}, "c": "{{ text }}"}, {"c": "Hi"}),
        (
            {"a": "{{ role ~ '!' }}", "b": "{{ extra.x }}", "c": {}, "t": "{{ text }}"},
            {"a": "user!", "c": {}, "t": "Hi"},
        ),
    ],
)
def test_a_mould_is_its_tree_with_the_text_in_it(tree: Any, made: Any) -> None:
    mould = mould_of(tree, FIXED, OPEN)
    assert mould("Hi") == made
    mould("Ho")
    assert mould("Hi") == made


@pytest.mark.parametrize(
    "tree",
    [
        "{{ text }}!",
        {"a": "{{ text | default('') }}"},
        {"a": ["{{ text }}"], "$when": "text"},
        "{{ model }}",
        {"a": "{{ uuid4() }}"},
        {"a": "{{ role + 1 }}", "b": "{{ text }}"},
    ],
)
def test_what_depends_on_more_has_no_mould(tree: Any) -> None:
    with pytest.raises(NoMouldError):
        mould_of(tree, FIXED, OPEN)


def test_messages_of_one_file_do_not_share_what_is_poured() -> None:
    provider = Provider(
        load_text(
            text_of(
                messages="messages: {shapes: {any: {role: '{{ role }}', c: [{t: '{{ text }}', k: {}}]}}}",
                payload="payload: {messages: '{{ messages }}'}",
            )
        )
    )
    shaper = provider._renderer._shaper
    request = ChatRequest.of([{"role": "user", "content": "a"}, {"role": "user", "content": "b"}])
    first, second = shaper.messages(request.messages, Context("acme", {}, [])).messages.items
    assert first == {"role": "user", "c": [{"t": "a", "k": {}}]}
    assert first["c"] is not second["c"]
    assert first["c"][0] is not second["c"][0]
