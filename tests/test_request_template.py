"""One request of a file as a template: what the renderer shows of it is in test_rendering.py."""

from __future__ import annotations

import pytest

from engine.auth import Credentials
from engine.errors import ParameterError
from engine.expressions import OMIT, TemplateError
from engine.request_template import RequestTemplate
from engine.spec import Request


def template(**parts: object) -> RequestTemplate:
    whole = {"method": "GET", "url": "", "path": "", "query": {}, "headers": {}, "payload": None, "encoding": "json"}
    return RequestTemplate(Request(**{**whole, **parts}), "acme")  # type: ignore[arg-type]


def test_a_request_says_which_names_its_templates_read() -> None:
    request = template(path="/{{ a }}", query={"q": "{{ b }}"}, headers={"h": "{{ c.d }}"}, payload=[{"$when": "e"}])
    assert request.names == {"a", "b", "c", "e"}


def test_the_path_is_put_behind_any_base() -> None:
    request = template(path="runs/{{ id }}", query={"key": "{{ id }}", "none": "{{ no }}"})
    url = request.url({"id": "a/b", "no": OMIT}, "https://x.example/v1/", Credentials(query=(("k", "v"),)))
    assert url == "https://x.example/v1/runs/a%2Fb?key=a%2Fb&k=v"


def test_what_is_not_given_makes_no_path() -> None:
    with pytest.raises(ParameterError, match="acme: the path uses something that was not given"):
        template(path="/{{ id }}").url({"id": OMIT}, "https://x.example", Credentials())
    with pytest.raises(TemplateError, match=r"path gives '\.\.'"):
        template(path="/{{ id }}").url({"id": ".."}, "https://x.example", Credentials())
