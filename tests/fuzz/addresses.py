"""Targets for where a request goes and what is in its head: URLs, slots, headers."""

from __future__ import annotations

import re
from functools import cache
from urllib.parse import urlsplit

import httpx

from engine.base_url import BaseUrl, Territory, checked_url
from engine.chat_request import ChatRequest
from engine.deployment import Deployment
from engine.errors import EngineError, ProviderError
from engine.headers import caller_headers
from engine.loader import load_text
from engine.provider import Provider
from engine.spec import Host
from engine.transport.request import build

from .target import Target, fields, is_one_line

OWN = "https://api.acme.example/v1"


def url(data: bytes) -> None:
    """What is taken for a URL leads the HTTP client where it leads us; what a reply or a setting says leads nowhere else."""
    text = data.decode("utf-8", "replace")
    try:
        checked = checked_url(text, "the base URL")
    except EngineError as error:
        assert is_one_line(error.message)
    else:
        _leads(checked, urlsplit(checked).hostname or "")
    home = Territory("acme", OWN, (Host("*.acme.example", auth=True), Host("cdn.example.org:8443")))
    try:
        followed = home.followed(text, "step 'a'")
    except ProviderError as error:
        assert is_one_line(error.message)
    else:
        host = urlsplit(followed).hostname or ""
        assert host.rstrip(".").endswith(".acme.example") or host.rstrip(".") == "cdn.example.org"
        _leads(followed, host)
        assert not home.takes_credentials(followed) or host.rstrip(".").endswith(".acme.example")
    for written, suffix in (("https://{{ region }}.acme.example/v1", ".acme.example"), ("https://a-{{ region }}", "")):
        try:
            made = BaseUrl(written, "acme").of({"region": text}, Deployment())
        except EngineError as error:
            assert is_one_line(error.message)
        else:
            assert urlsplit(made).hostname == f"{'a-' * (not suffix)}{text.lower()}{suffix}"
            _leads(made, urlsplit(made).hostname or "")


def _leads(url: str, host: str) -> None:
    """The HTTP client goes to the same scheme, host and port, or nowhere."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return
    ours = urlsplit(url)
    assert parsed.scheme == ours.scheme.lower()
    if host.isascii():
        assert parsed.raw_host.decode().strip("[]").lower() == host.lower(), (parsed.raw_host, host)
    assert parsed.port in (ours.port, None)
    assert not parsed.userinfo


# fmt: off
URL_TOKENS = (
    b"https://", b"http://", b"//", b"api.acme.example", b".acme.example", b"cdn.example.org", b":8443", b":443",
    b":0", b"@", b"/", b"\\", b"?", b"#", b"%2f", b"%00", b"\t", b"\n", b"[::1]", b"[::ffff:127.0.0.1]", b"127.1",
    b"0x7f.1", b"localhost", b"..", b"xn--", "。".encode(), "ｅ".encode(), "ß".encode(), "\u2100".encode(), b":99999",
    b"file://", b"evil.example",
)
# fmt: on

NAMED = """
spec_version: 1
name: acme
url: https://api.acme.example/v1
path: /{{ model }}/{{ who }}
query: {q: "{{ who }}"}
headers: {x-who: "{{ who }}", x-fixed: a}
params: {who: {type: string, default: me}}
payload: {m: "{{ messages }}"}
response: {codec: text}
examples:
  - {name: fine, call: {messages: hi}, reply: {text: Hello}, expect: {text: Hello}}
  - {name: busy, call: {messages: hi}, reply: {status: 503}, expect: {error: unavailable}}
"""


@cache
def _named() -> Provider:
    return Provider(load_text(NAMED))


@cache
def _client() -> httpx.Client:
    return httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200)))


def headers(data: bytes) -> None:
    """Any text in a header, path, query or model is refused, or sent as one value to the place that the file names."""
    name, who, model = fields(data.replace(b"\r", b"\n\n"), 3)
    try:
        sent = caller_headers({name: who})
    except EngineError as error:
        assert is_one_line(error.message)
    else:
        assert [tuple(map(str.__str__, pair)) for pair in sent] == [(name, who.strip())]
    for text in (who, model):  # the last may hold line ends
        try:
            wire = _named().call(ChatRequest.of("hi", model or None, who=text), Deployment()).wire
        except EngineError as error:
            assert is_one_line(error.message)
            continue
        try:
            request = build(_client(), wire, {}, None)
        except httpx.InvalidURL:  # longer than it takes: the transport says so (transport/explain.py)
            assert len(wire.url) > 60_000
            continue
        assert request.url.host == "api.acme.example"
        assert request.url.raw_path.startswith(b"/v1/")
        assert request.url.raw_path.partition(b"?")[0].count(b"/") == 3
        assert not request.url.fragment
        assert dict(request.url.params) == {"q": text}
        assert [value for key, value in request.headers.items() if key == "x-who"] == [text.strip()]
        for key, value in request.headers.raw:
            assert not re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", key + value)


URLS = (b"https://api.acme.example/v1/x?y=1", b"http://[::1]:80/", b"eu-1", b"https://cdn.example.org:8443/a")
SLOTS = (b"x-note\na b\nm/1", b"Authorization\nBearer x\n..", "x\né\n%2f".encode())
HEADER_TOKENS = (*URL_TOKENS, b"\r\n", b"\0", b"host", b"content-length", b" ", b"..", b"{{ model }}")


TARGETS = (
    Target("url", url, lambda: URLS, URL_TOKENS),
    Target("headers", headers, lambda: SLOTS, HEADER_TOKENS),
)
