"""The pieces under a call of several requests, each by itself: cookies, cache, where a URL may lead, what is read."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from engine.base_url import BaseUrl, Territory
from engine.deployment import Deployment
from engine.errors import LimitError, ParameterError, ProviderError, TruncatedError
from engine.expressions import members_of
from engine.failures import Failures
from engine.hosts import same_site
from engine.loader import load_text
from engine.provider import Provider
from engine.regex import MAX_INPUT, OVERLAP, RegexError, compile_search
from engine.secrets import Secret
from engine.spec import Host, Read
from engine.steps import StepCache
from engine.steps.cache import MAX_ENTRIES
from engine.steps.cookies import MAX_COOKIES, CookieJar, cookie_in
from engine.steps.reading import StepReply, seconds_in, values_of
from engine.wire import Headers, ResponseHead
from tests.badfiles import text_of

# --- cookies ---

HERE = "https://a.example/app/page"


@pytest.mark.parametrize(
    ("field", "url", "sent"),
    [
        ("a=1", "https://a.example/app/chat", "a=1"),
        ("a=1", "https://a.example/app", "a=1"),
        ("a=1", "https://a.example/other", ""),
        ("a=1; Path=/", "https://a.example/other", "a=1"),
        ("a=1; Path=/app", "https://a.example/application", ""),
        ("a=1; Path=nonsense", "https://a.example/app/x", "a=1"),
        ("a=1; Path=/", "https://b.example/", ""),
        ("a=1; Path=/", "https://sub.a.example/", ""),
        ("a=1; Path=/; Domain=.a.example", "https://sub.a.example/", ""),
        ("a=1; Path=/; Domain=b.example", "https://b.example/", ""),
        ("a=1; Path=/; Secure", "http://a.example/", ""),
        ("a=1; Path=/", "http://a.example/", "a=1"),
        ("a=1; Path=/; Max-Age=60", "https://a.example/", "a=1"),
        ("a=1; Path=/; Max-Age=0", "https://a.example/", ""),
        ("a=1; Path=/; Max-Age=-1", "https://a.example/", ""),
        ("a=1; Path=/; Max-Age=--5", "https://a.example/", "a=1"),
        ("a=1; Path=/; Max-Age=²", "https://a.example/", "a=1"),
        (f"a=1; Path=/; Max-Age={'0' * 5000}", "https://a.example/", ""),
        ("a=1; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "https://a.example/", ""),
        ("a=1; Path=/; Expires=nonsense", "https://a.example/", "a=1"),
        ("a=1=2; Path=/", "https://a.example/", "a=1=2"),
        ("=1; Path=/", "https://a.example/", ""),
        ("a; Path=/", "https://a.example/", ""),
        ("a=é; Path=/", "https://a.example/", ""),
        ("a=1\x00; Path=/", "https://a.example/", ""),
        (f"a={'x' * 5000}; Path=/", "https://a.example/", ""),
    ],
)
def test_a_cookie_goes_back_to_its_host_and_path_only(field: str, url: str, sent: str) -> None:
    jar = CookieJar()
    jar.take(HERE, [field])
    assert jar.header(url) == sent


def test_a_secure_cookie_reaches_loopback() -> None:
    jar = CookieJar()
    jar.take("http://127.0.0.1:8080/", ["a=1; Secure"])
    assert jar.header("http://127.0.0.1:8080/x") == "a=1"


def test_a_jar_replaces_forgets_and_is_bounded() -> None:
    jar = CookieJar()
    jar.take(HERE, ["a=1; Path=/", "b=2; Path=/app", "a=3; Path=/"])
    assert jar.header(HERE) == "b=2; a=3"
    jar.take(HERE, ["a=; Path=/; Max-Age=0"])
    assert jar.header(HERE) == "b=2"
    jar.take(HERE, [f"c{number}=1; Path=/" for number in range(MAX_COOKIES + 5)])
    assert len(jar.values) == MAX_COOKIES


def test_a_cookie_by_its_name() -> None:
    assert cookie_in(["a=1; Path=/x", "b=2; Secure"], "b") == "2"
    assert cookie_in(["a=1"], "b") is None


# --- the cache ---


def test_the_last_part_of_a_life_is_not_used() -> None:
    cache = StepCache()
    cache.put("k", {"v": 1}, 3600.0, now=0.0)
    assert cache.get("k", 3539.0) == {"v": 1}
    assert cache.get("k", 3540.0) is None
    assert repr(cache) == "StepCache(0 entries)"


def test_what_has_no_life_left_is_not_kept() -> None:
    cache = StepCache()
    cache.put("k", {"v": 1}, 0.0, now=5.0)
    cache.put("j", {"v": 1}, -9.0, now=5.0)
    assert repr(cache) == "StepCache(0 entries)"
    cache.put("k", {"v": 1}, None, now=5.0)
    assert cache.get("k", 1e12) == {"v": 1}


def test_only_the_values_that_failed_are_dropped() -> None:
    cache = StepCache()
    cache.put("k", {"v": 2}, None, now=0.0)
    cache.drop("k", {"v": 1})
    assert cache.get("k", 0.0) == {"v": 2}
    cache.drop("k", {"v": 2})
    assert cache.get("k", 0.0) is None


def test_a_cache_is_bounded_and_can_be_emptied() -> None:
    cache = StepCache()
    for number in range(MAX_ENTRIES + 3):
        cache.put(number, {"v": number}, None, now=0.0)
        cache.failed(number, ProviderError("no", kind="auth"))
    assert cache.get(0, 0.0) is None
    assert cache.get(3, 0.0) == {"v": 3}
    assert cache.failures(0) == 0
    cache.clear()
    assert cache.get(3, 0.0) is None


def test_a_failure_is_told_to_those_who_waited_as_a_copy() -> None:
    cache = StepCache()
    noted = cache.failures("k")
    assert cache.failure_since("k", noted) is None
    error = ProviderError("no", kind="auth", status=400)
    cache.failed("k", error)
    told = cache.failure_since("k", noted)
    assert told is not None
    assert told is not error
    assert (told.message, told.kind) == ("no", "auth")
    assert cache.failure_since("k", cache.failures("k")) is None


# --- where a URL may lead ---


def territory(**more: Any) -> Territory:
    return Territory("acme", "https://api.acme.com/v1", **more)


@pytest.mark.parametrize(
    ("host", "url", "goes"),
    [
        (Host("files.acme.net"), "https://files.acme.net/x?y=z", True),
        (Host("files.acme.net"), "https://FILES.acme.net/x", True),
        (Host("files.acme.net"), "https://files.acme.net:443/x", True),
        (Host("files.acme.net"), "https://files.acme.net:444/x", False),
        (Host("files.acme.net:444"), "https://files.acme.net:444/x", True),
        (Host("files.acme.net"), "https://xfiles.acme.net/", False),
        (Host("files.acme.net"), "http://files.acme.net/", False),
        (Host("*.acme.net"), "https://a.b.acme.net/", True),
        (Host("*.acme.net"), "https://acme.net/", False),
        (Host("*.acme.net"), "https://evilacme.net/", False),
        (Host("localhost"), "http://localhost/", False),
        (Host("*.acme.net"), "https://api.acme.com/v2/other", True),
        (Host("*.acme.net"), "https://api.acme.com:8443/", False),
        (Host("*.acme.net"), "http://api.acme.com/", False),
        (Host("*.acme.net"), "https://user:pw@a.acme.net/", False),
        (Host("*.acme.net"), "https://a.acme.net\\@evil.com/", False),
        (Host("*.acme.net"), "https://evil.com\\.acme.net/", False),
        (Host("*.acme.net"), "https://a.acme.net/\r\nx", False),
        (Host("*.acme.net"), "https://a.acme.net:99999/", False),
        (Host("*.acme.net"), "https://[::1]/", False),
        (Host("*.acme.net"), "https://a.acme.net./x", True),
        (Host("*.acme.net"), "https://evil.com%2f.acme.net/", False),
        (Host("*.acme.net"), "https://evil.com;.acme.net/", False),
        (Host("*.acme.net"), "https://evil.com<.acme.net/", False),
        (Host("*.acme.net"), "https://a..acme.net/", False),
        (Host("*.acme.net"), "https://a.acme.net:0/", False),
        (Host("*.acme.net"), "https://a.acme.net/" + "x" * 9000, False),
        (Host("*.acme.net"), "", False),
        (Host("*.acme.net"), None, False),
        (Host("*.acme.net"), ["https://a.acme.net/"], False),
    ],
)
def test_a_url_of_a_reply_is_followed_to_declared_hosts_only(host: Host, url: Any, goes: bool) -> None:
    if goes:
        assert territory(hosts=(host,)).followed(url, "it") == url
        return
    with pytest.raises(ProviderError, match="it is not followed") as caught:
        territory(hosts=(host,)).followed(url, "it")
    assert caught.value.kind == "protocol"
    assert "pw" not in caught.value.message


@pytest.mark.parametrize(
    ("host", "url", "takes"),
    [
        (Host("x.acme.com"), "https://api.acme.com/anything", True),
        (Host("x.acme.com"), "https://x.acme.com/", False),
        (Host("x.acme.com", auth=True), "https://x.acme.com/", True),
        (Host("x.acme.com", auth=True), "http://api.acme.com/", False),
        (Host("x.evil.com", auth=True), "https://x.evil.com/", False),
        (Host("*.acme.com", auth=True), "https://a.b.acme.com/", True),
        (Host("*.acme.com", auth=True), "<steps.a.b>", False),
    ],
)
def test_credentials_go_to_the_own_host_and_where_the_file_says(host: Host, url: str, takes: bool) -> None:
    assert territory(hosts=(host,)).takes_credentials(url) is takes


def test_a_stand_in_takes_the_place_of_every_host_of_the_file() -> None:
    stand_in = Territory("acme", "http://127.0.0.1:9", (Host("x.acme.com"),), True, "https://api.acme.com/v1")
    assert stand_in.place("https://login.acme.com/oauth") == "http://127.0.0.1:9/oauth"
    assert stand_in.followed("https://x.acme.com/a?b=c", "it") == "http://127.0.0.1:9/a?b=c"
    assert stand_in.followed("https://api.acme.com/v1/a", "it") == "http://127.0.0.1:9/v1/a"
    assert stand_in.followed("http://127.0.0.1:9/a", "it") == "http://127.0.0.1:9/a"
    with pytest.raises(ProviderError, match=r"'evil.com'"):
        stand_in.followed("https://evil.com/a", "it")


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("a.acme.com", "b.acme.com", True),
        ("acme.com", "b.acme.com", True),
        ("acme.com", "acme.org", False),
        ("a.com.br", "b.com.br", False),
        ("x.a.com.br", "y.a.com.br", True),
        ("a.acme.io", "b.acme.io", True),
        ("1.2.3.4", "9.2.3.4", False),
        ("localhost", "localhost", True),
        ("com", "acme.com", False),
    ],
)
def test_hosts_of_one_registrant(first: str, second: str, same: bool) -> None:
    assert same_site(first, second) is same
    assert same_site(second, first) is same


def test_a_setting_in_a_url_is_a_word_of_it() -> None:
    base = BaseUrl("https://{{ region }}.acme.com", "acme")
    assert base.of({"region": "eu-1"}, Deployment()) == "https://eu-1.acme.com"
    with pytest.raises(ParameterError, match="part of a URL"):
        base.of({"region": "evil.com/"}, Deployment())


@pytest.mark.parametrize("made", ["'evil.com/'", "'evil.com:443/'", "'a@evil.com'", "'..'", "'evil.com?'", "'\\\\'"])
def test_an_expression_in_a_url_does_not_end_its_host(made: str) -> None:
    base = BaseUrl(f"https://{{{{ ({made} ~ region) }}}}.acme.com", "acme")
    with pytest.raises(ParameterError, match="an expression in the URL"):
        base.of({"region": "x"}, Deployment())
    base = BaseUrl("https://{{ 'evil.com/x' | path_segments }}.acme.com", "acme")
    with pytest.raises(ParameterError, match="an expression in the URL"):
        base.of({}, Deployment())


def test_an_expression_in_a_url_may_give_several_labels() -> None:
    base = BaseUrl("https://{{ 'api.' ~ region ~ '.rep' }}.acme.com", "acme")
    assert base.of({"region": "eu"}, Deployment()) == "https://api.eu.rep.acme.com"
    assert base.of({"region": "<REGION>"}, Deployment(placeholders=True)) == "https://api.<REGION>.rep.acme.com"


# --- what a reply holds ---

READERS = Provider(load_text(text_of())).readers


def reply(body: bytes, *headers: tuple[str, str], limit: int = 1000, status: int = 200) -> StepReply:
    made = StepReply("the step 'one'", READERS, (Secret("s3cret-value", name="KEY"),), limit)
    made.head(ResponseHead(status, Headers(headers)))
    for byte in range(len(body)):
        made.feed(body[byte : byte + 1])
    made.finish()
    return made


def test_values_are_read_from_everywhere() -> None:
    made = reply(b'{"a": {"b": 7}, "n": "x=5"}', ("x-token", "t"), ("set-cookie", "sid=1"), ("set-cookie", "b=2"))
    read = {
        "json": Read("json", "a.b"),
        "list": Read("json", "a"),
        "header": Read("header", "X-Token"),
        "cookie": Read("cookie", "b"),
        "group": Read("regex", "x=([0-9])"),
        "whole": Read("regex", "x=[0-9]"),
    }
    expected = {"json": 7, "list": {"b": 7}, "header": "t", "cookie": "2", "group": "5", "whole": "x=5"}
    assert values_of("one", read, made) == expected


@pytest.mark.parametrize(
    "read", [Read("json", "no"), Read("header", "no"), Read("cookie", "no"), Read("regex", "no"), Read("json", "null")]
)
def test_a_value_that_is_not_there_is_no_value(read: Read) -> None:
    with pytest.raises(ProviderError, match="has no value for 'v'"):
        values_of("one", {"v": read}, reply(b'{"null": null}'))


def test_a_reply_is_bounded_whole_and_without_secrets() -> None:
    with pytest.raises(LimitError, match="larger than 3 bytes"):
        reply(b"four", limit=3)
    with pytest.raises(TruncatedError):
        reply(b"\x1f\x8b\x08", ("content-encoding", "gzip"))
    with pytest.raises(ProviderError) as caught:
        reply(b'{"message": "bad s3cret-value"}', status=403)
    assert caught.value.message.startswith("the step 'one': the provider refused (permission, HTTP 403): bad ***")
    assert b"s3cret" not in pickle.dumps(caught.value)


def test_seconds_are_numbers_or_text_that_is_one() -> None:
    assert [seconds_in(value) for value in (5, 0.5, " 60 ", "1e3")] == [5.0, 0.5, 60.0, 1000.0]
    assert [seconds_in(value) for value in (None, True, [], "nan", "inf", "soon", 10**400)] == [None] * 7


def test_a_search_reads_a_long_text_piece_by_piece() -> None:
    for before in (0, MAX_INPUT - 5, MAX_INPUT - OVERLAP - 1, 3 * MAX_INPUT):
        found = compile_search("key=([a-z]{3})")("." * before + "key=abc" + "." * 99)
        assert found is not None
        assert found[1] == "abc"
    assert compile_search("^key")("." * MAX_INPUT + "key") is None
    with pytest.raises(RegexError):
        compile_search("(a+)+")


def test_what_a_template_reads_of_the_steps() -> None:
    assert members_of("{{ steps.a.b ~ steps['c'].d }}", "steps") == [(3, ("a", "b")), (15, ("c", "d"))]
    assert members_of("{{ steps.a[model].c }}", "steps") == [(3, ("a",))]
    assert members_of("{{ steps.a[steps.b.c].d }}", "steps") == [(3, ("a",)), (11, ("b", "c"))]
    assert members_of("steps.a.b is defined", "steps", bare=True) == [(0, ("a", "b"))]
    assert members_of("{{ x.steps.a }} {{ ", "steps") == []


def test_a_rule_knows_a_refusal_again() -> None:
    spec = load_text(text_of(errors="errors: [{status: 403, body: {path: code, in: [7, 8]}, kind: auth}]"))
    rules = Failures(spec.errors)
    error = ProviderError("no", kind="auth", status=403, body='{"code": 7}')
    assert rules.knows(error)
    error.body = '{"code": 9}'
    assert not rules.knows(error)
