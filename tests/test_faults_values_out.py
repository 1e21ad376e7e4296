"""What a caller gives, in every place of a request where it could break out or be changed, through both clients."""

from __future__ import annotations

import collections
import dataclasses
import enum
import json
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest

from engine import Catalog, Message
from engine.errors import EngineError, MissingSecretError, ParameterError, UsageError
from engine.testing import Again, FaultServer, whole
from tests.doors import KINDS, Door, catalog_of, text_file
from tests.faults import fault

pytestmark = pytest.mark.excused("left", "the module's client keeps the connection that one test's call opened")

OUT = "Values that go out"

MORE = """
params:
  user: {type: string, optional: true}
  thread: {type: string, default: t}
  scale: {type: number, optional: true}
  count: {type: integer, optional: true}
  extra: {type: [object, array, string], optional: true}
settings: {tag: {default: plain}}
secrets: {api_key: {env: [WIREFILE_TEST_KEY], optional: true}}
auth: {type: header, name: x-api-key, secret: api_key}
path: /v1/{{ model }}/{{ thread }}/end
query: {q: "{{ user }}"}
headers: {x-user: "{{ user }}", x-tag: "{{ tag }}"}
payload:
  model: "{{ model }}"
  messages: "{{ messages }}"
  tools: "{{ tools }}"
  scale: "{{ scale }}"
  count: "{{ count }}"
  extra: "{{ extra }}"
  said: "user={{ user | default('') }}"
"""


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return catalog_of(tmp_path_factory.mktemp("out"), text_file("out", MORE))


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer([whole(b"hello"), Again()]) as one:
        yield one


@pytest.fixture(scope="module", params=KINDS)
def door(request: pytest.FixtureRequest, catalog: Catalog, server: FaultServer) -> Iterator[Door]:
    with Door(request.param, catalog, base_urls={"out": server.url}) as one:
        yield one


def sent(door: Door, server: FaultServer, messages: Any = "hi", **params: Any) -> Any:
    """The request that a call sends."""
    assert door.chat("out", messages, model=params.pop("model", "m"), **params).text == "hello"
    return server.requests[-1]


def refused(door: Door, server: FaultServer, messages: Any = "hi", **params: Any) -> EngineError:
    """The error of a call, which has sent nothing."""
    before = len(server.requests)
    with pytest.raises(EngineError) as caught:
        door.chat("out", messages, model=params.pop("model", "m"), **params)
    assert len(server.requests) == before
    assert "\n" not in caught.value.message
    return caught.value


# --- headers ---------------------------------------------------------------------------------------------------------

NO_HEADER = ["a\r\nx-evil: 1", "a\nb", "a\rb", "a\0b", "a\x7fb", "\x1b[31m", "naïve", "ключ", "a\u2028b", "a\x85b"]


@fault(
    OUT,
    "a line break, NUL, DEL or a character beyond ASCII in a header's value, from a parameter or a setting",
    "`ParameterError` that names the header, and nothing is sent",
)
@pytest.mark.parametrize("source", ["parameter", "setting"])
@pytest.mark.parametrize("value", NO_HEADER, ids=ascii)
def test_what_no_header_can_hold(door, server, value, source):
    given = {"user": value} if source == "parameter" else {"options": {"settings": {"out": {"tag": value}}}}
    error = refused(door, server, **given)
    assert type(error) is ParameterError
    assert ("x-user" if source == "parameter" else "x-tag") in error.message


@fault(OUT, "the same in a secret", "`MissingSecretError` that names the variable and not the value")
@pytest.mark.parametrize("value", [*NO_HEADER, "hush ", " hush", "hush\n"], ids=ascii)
def test_what_no_secret_can_be(door, server, value, monkeypatch):
    given: list[dict[str, Any]] = [{"options": {"secrets": {"out": {"api_key": value}}}}]
    if "\0" not in value:
        monkeypatch.setenv("WIREFILE_TEST_KEY", value)
        given.append({})
    for one in given:
        error = refused(door, server, **one)
        assert type(error) is MissingSecretError
        assert "WIREFILE_TEST_KEY" in error.message
        assert value not in error.message


@fault(OUT, "the same in `extra_headers`, or a name there that is none", "`ParameterError`, and nothing is sent")
@pytest.mark.parametrize(
    "headers",
    [*({"x-a": value} for value in NO_HEADER), {"": "a"}, {"a b": "c"}, {"a:": "b"}, {"a\r\nb": "c"}, {"é": "a"}],
    ids=ascii,
)
def test_what_no_extra_header_can_be(door, server, headers):
    assert type(refused(door, server, extra_headers=headers)) is ParameterError


CONNECTION = ["Host", "content-length", "Transfer-Encoding", "CONNECTION", "Upgrade", "TE", "Trailer", "keep-alive"]
CONNECTION += ["Expect", "Proxy-Authorization", "proxy-connection", "Accept-Encoding"]


@fault(
    OUT,
    "`Host`, `Content-Length`, `Transfer-Encoding`, `Connection` and other headers of the connection, from a caller",
    "`ParameterError`, and nothing is sent",
)
@pytest.mark.parametrize("name", CONNECTION)
def test_headers_of_the_connection(door, server, name):
    assert type(refused(door, server, extra_headers={name: "x"})) is ParameterError


@fault(OUT, "spaces around a header's value", "sent without them")
def test_spaces_around_a_header_are_not_sent(door, server):
    request = sent(door, server, user="  padded\t ", extra_headers={"x-mine": " a b "})
    assert {("x-user", "padded"), ("x-mine", "a b")} <= set(request.headers)


# --- URLs ------------------------------------------------------------------------------------------------------------

BREAKING_OUT = [
    "evil.com/",
    "evil.com#",
    "evil.com?",
    "x:1@evil",
    "../../admin",
    "m?key=1",
    "m#x",
    "a\\b",
    "//evil.com",
]
BREAKING_OUT += [
    "%2e%2e",
    "%2e%2e%2fadmin",
    "..%2f",
    "a/../b",
    "..;/x",
    "\r\nHost: evil",
    "a b",
    "é",
    "%",
    "a%00b",
    "\0",
]


@fault(
    OUT,
    "`/`, `?`, `#`, `@`, `..`, `%2e%2e`, a backslash or a line break in a model or parameter that is part of the path",
    "percent-encoded in its own place: host, path and query stay as the file says",
)
@pytest.mark.parametrize("slot", ["model", "thread"])
@pytest.mark.parametrize("value", BREAKING_OUT, ids=ascii)
def test_a_value_stays_in_its_slot_of_the_path(door, server, value, slot):
    request = sent(door, server, **{slot: value})
    method, target, version = request.line.split(" ")
    assert (method, version) == ("POST", "HTTP/1.1")
    parts = target.split("/")
    assert len(parts) == 5, target
    assert not set("?#@\\ ") & set(target)
    assert unquote(parts[2 if slot == "model" else 3]) == value
    assert dict(request.headers)["host"] == server.host


@fault(OUT, "a part of the path that would be `.`, `..` or empty", "`ParameterError`, and nothing is sent")
@pytest.mark.parametrize("value", ["", ".", ".."])
def test_a_value_that_is_no_part_of_a_path(door, server, value):
    assert type(refused(door, server, thread=value)) is ParameterError


@fault(OUT, "`&`, `=`, `#`, `%` or a line break in a parameter of the query", "percent-encoded: one value of one name")
@pytest.mark.parametrize("value", ["a&admin=1", "a#b", "a%26b", "a=b", "a?b", "a+b c", "/../"])
def test_a_value_stays_in_its_slot_of_the_query(door, server, value):
    request = sent(door, server, user=value)
    target = request.line.split(" ")[1]
    assert parse_qsl(target.partition("?")[2], keep_blank_values=True) == [("q", value)]
    assert target.startswith("/v1/m/t/end?q=")


NO_BASE = ["http://me:hush@127.0.0.1", "http://127.0.0.1?x=1", "http://127.0.0.1#x", "http://127.0.0.1\\@evil.com"]
NO_BASE += ["ftp://127.0.0.1", "file:///etc/passwd", "//127.0.0.1", "127.0.0.1", "", "http://", "http://a b"]


@fault(
    OUT,
    "a base URL with a user, a query, a fragment, a space, a backslash, another scheme or no host",
    "`ParameterError` that shows no password",
)
@pytest.mark.parametrize("url", NO_BASE)
def test_a_base_url_that_cannot_be(door, url):
    with pytest.raises(ParameterError) as caught:
        door.chat("out", model="m", options={"base_urls": {"out": url}})
    assert "hush" not in caught.value.message


@fault(
    OUT,
    "a setting in the host that is no word: `evil.com/`, `x:1@evil`, `a#`, `..`",
    "`ParameterError`: the host stays under the file's own",
)
@pytest.mark.parametrize(
    "value", ["evil.com/", "evil.com#", "evil.com?", "x:1@evil", "a.b", "..", "a\\", "a%2f", "é", "a b"]
)
def test_a_setting_cannot_change_the_host(door, tmp_path, value):
    file = text_file("hosted", "settings: {region: {default: eu}}").replace(
        "http://127.0.0.1", "https://{{ region }}.api.example.com"
    )
    own = Door(door.kind, catalog_of(tmp_path, file), settings={"hosted": {"region": value}})
    with own, pytest.raises(ParameterError, match="region"):
        own.chat("hosted")


# --- messages, byte for byte -----------------------------------------------------------------------------------------

EXACT = {
    "empty": "",
    "white space": " \t\n\r ",
    "NUL and controls": "a\0b\x01\x1f\x7f",
    "right to left": "שלום \u202eabc\u202c مرحبا",
    "combining": "e\u0301 \u1e9b\u0323 👩\u200d👩\u200d👧",
    "noncharacters": "\ufffe\uffff\U0010ffff\ufdd0",
    "line separators": "a\u2028b\u2029c\x85d",
    "byte order marks": "\ufeffa\ufeff",
    "beyond the BMP": "😀𝔘",
    "quotes and backslashes": "\"\\'`</script>\\u0041",
    "template text": "{{ 7*7 }} {% raw %} {# x #} ${7*7} {{ secrets.api_key }} <%= 1 %>",
    "looks like JSON": '{"role": "system"}',
    "looks like a number": "123",
    "looks like YAML": "no: [yes, 1_000, ~]",
}


@fault(
    OUT,
    "text that is empty, white space, NUL, right to left, combining, noncharacters, quotes, or looks like a template,"
    " JSON or YAML",
    "arrives in the body character for character, as text",
)
@pytest.mark.parametrize("name", EXACT)
def test_text_arrives_as_it_is(door, server, name):
    text = EXACT[name]
    tool = {"type": "function", "function": {"name": text, "description": text, "parameters": {"enum": [text]}}}
    messages = [{"role": "user", "content": text}, {"role": "user", "content": [{"type": "text", "text": text}]}]
    options = {"settings": {"out": {"tag": text}}} if text.isascii() and text.isprintable() and text else {}
    request = sent(door, server, messages, tools=[tool], extra={"a": [text], text: 1}, options=options)
    body = request.json
    assert body["messages"] == messages
    assert body["tools"] == [tool]
    assert body["extra"] == {"a": [text], text: 1}
    assert text in json.loads(request.body)["messages"][0]["content"]
    assert json.dumps(text, ensure_ascii=False).encode() in request.body
    if options:
        assert ("x-tag", text) in request.headers


@fault(OUT, "template text in a parameter, a model or a tool's name", "arrives as that text: nothing is rendered twice")
@pytest.mark.parametrize("text", ["{{7*7}}", "{% raw %}", "{{ secrets.api_key }}", "{#x#}", "${x}"])
def test_template_text_is_text_everywhere(door, server, text):
    request = sent(door, server, model=text, user=text, thread=text)
    assert request.json["model"] == text
    assert request.json["said"] == f"user={text}"
    assert ("x-user", text) in request.headers
    assert b"49" not in request.raw.replace(str(server.port).encode(), b"")


@fault(OUT, "a value that looks like another type: '123', 'null', 'true', '[1]', '{}', '1e5'", "keeps its type")
@pytest.mark.parametrize(
    "value", ["123", "null", "true", "[1]", "{}", "1e5", "0x10", "None", "2024-01-01", ["1", "null"]]
)
def test_a_value_keeps_its_type(door, server, value):
    assert sent(door, server, extra=value).json["extra"] == value


@fault(OUT, "a message of 10 MB", "arrives whole")
def test_a_message_of_ten_megabytes(door, server):
    text = "дом\n" * 1_500_000
    request = sent(door, server, text)
    assert request.body.count("дом\\n".encode()) == 1_500_000
    assert len(request.body) > 10_000_000


@fault(OUT, "10,000 messages", "all arrive, in time that grows with their number")
def test_ten_thousand_messages(door, server):
    messages = [{"role": ("user", "assistant")[number % 2], "content": str(number)} for number in range(10_000)]
    assert sent(door, server, messages).json["messages"] == messages


# --- numbers ---------------------------------------------------------------------------------------------------------


@fault(OUT, "the numbers 9007199254740993, 0.1, 1e-7 and 4,000 digits", "are sent as they are")
@pytest.mark.parametrize("value", [9007199254740993, -(2**63), 10**3999, 0, -1], ids=lambda value: str(value)[:20])
def test_an_integer_is_sent_as_it_is(door, server, value):
    request = sent(door, server, count=value, extra=[value])
    assert request.json["count"] == value
    assert request.json["extra"] == [value]


@fault(OUT, "the numbers 9007199254740993, 0.1, 1e-7 and 4,000 digits", "are sent as they are")
@pytest.mark.parametrize("value", [0.1, 1e-7, 1e300, 5e-324, -0.5, 2])
def test_a_number_is_sent_as_it_is(door, server, value):
    body = sent(door, server, scale=value, extra=[value]).json
    assert (body["scale"], body["extra"]) == (value, [value])
    assert type(body["scale"]) is type(value)


@fault(OUT, "NaN, Infinity or 1e999 in a parameter", "`ParameterError`, and nothing is sent")
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), float("1e999")])
@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: [value], lambda value: {"a": {"b": value}}])
def test_a_number_that_json_cannot_say(door, server, value, wrap):
    name = "scale" if wrap(value) is value else "extra"
    assert type(refused(door, server, **{name: wrap(value)})) is ParameterError


@fault(OUT, "an integer of more than 4,000 digits", "`ParameterError`, and nothing is sent")
@pytest.mark.parametrize("value", [10**4400, -(10**5000)], ids=["4401 digits", "-5001 digits"])
def test_an_integer_that_python_does_not_write(door, server, value):
    for given in ({"count": value}, {"extra": [value]}, {"extra_body": {"a": value}}):
        assert "4000 digits" in refused(door, server, **given).message
    assert "4000 digits" in refused(door, server, [{"role": "user", "content": "x", "n": value}]).message


# --- what is no JSON -------------------------------------------------------------------------------------------------

HALF = "a\ud800"


@fault(
    OUT, "half a character (a lone surrogate) in a message, a parameter, a model, a key or a tool", "`ParameterError`"
)
@pytest.mark.parametrize(
    ("messages", "params"),
    [
        (HALF, {}),
        ([{"role": "user", "content": [{"type": "text", "text": HALF}]}], {}),
        ([{"role": HALF, "content": "x"}], {}),
        ([Message("user", HALF)], {}),
        ("hi", {"user": HALF}),
        ("hi", {"thread": HALF}),
        ("hi", {"model": HALF}),
        ("hi", {"extra": {HALF: 1}}),
        ("hi", {"extra_body": {"a": [HALF]}}),
        ("hi", {"extra_headers": {"x-a": HALF}}),
        ("hi", {"tools": [{"type": "function", "function": {"name": HALF}}]}),
        ("hi", {"options": {"settings": {"out": {"tag": HALF}}}}),
    ],
    ids=["text", "part", "role", "message", "user", "path", "model", "key", "body", "header", "tool", "setting"],
)
def test_half_a_character_is_not_sent(door, server, messages, params):
    error = refused(door, server, messages, **params)
    assert type(error) is ParameterError
    error.message.encode()


def _deep(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


LOOP: list[Any] = []
LOOP.append(LOOP)
MAPPED_LOOP: dict[str, Any] = {}
MAPPED_LOOP["again"] = {"and": [MAPPED_LOOP]}


@fault(OUT, "a list that holds itself, or 100,000 lists in each other, in a message or a parameter", "`ParameterError`")
@pytest.mark.parametrize(
    "value", [LOOP, MAPPED_LOOP, _deep(100_000), _deep(65)], ids=["loop", "loop of maps", "100,000", "65"]
)
def test_what_never_ends_is_not_sent(door, server, value):
    for params in ({"extra": value}, {"extra_body": {"a": value}}, {"tools": [{"type": "x", "a": value}]}):
        assert "deeper than 64 levels" in refused(door, server, **params).message
    for messages in (
        [{"role": "user", "content": [{"type": "text", "x": value}]}],
        [{"role": "user", "content": value}],
    ):
        assert "deeper than 64 levels" in refused(door, server, messages).message


class Word(str):
    """A subclass of text with a text of its own."""

    def __str__(self) -> str:
        return "another"


class Colour(enum.StrEnum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 3


class Ratio(float):
    pass


@fault(
    OUT, "subclasses of str, int, float, list and dict, enums of text and numbers, tuples, any Mapping", "sent as JSON"
)
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Word("x"), "x"),
        (Colour.RED, "red"),
        ([Level.LOW, Ratio(0.5), True], [3, 0.5, True]),
        ((1, "a"), [1, "a"]),
        (range(3), [0, 1, 2]),
        (collections.deque(["a"]), ["a"]),
        (collections.OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (collections.defaultdict(list, a=[1]), {"a": [1]}),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        (collections.UserDict(a=1), {"a": 1}),
        ({Colour.RED: 1}, {"red": 1}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_python_values_that_json_can_say(door, server, value, expected):
    assert sent(door, server, extra=value).json["extra"] == expected
    assert sent(door, server, extra_body={"z": value}).json["z"] == expected


@dataclasses.dataclass
class Dataclass:
    role: str = "user"
    content: str = "hi"


class Array:
    """As numpy's: compares element by element, and has no truth."""

    def __eq__(self, other: object) -> Any:
        return [True, False]

    def __bool__(self) -> bool:
        raise ValueError("the truth value of an array is ambiguous")

    __hash__ = None  # type: ignore[assignment]  # as numpy has it


class Failing(Mapping[str, Any]):
    """A mapping whose methods fail."""

    def __getitem__(self, key: str) -> Any:
        raise RuntimeError("not today")

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("not today")

    def __len__(self) -> int:
        return 1


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("not today")


ODD = [b"x", bytearray(b"x"), memoryview(b"x"), {1}, frozenset("a"), Dataclass(), Array(), Failing(), Unprintable()]
ODD += [
    (letter for letter in "ab"),
    len,
    int,
    object(),
    1j,
    Path("x"),
    ValueError("x"),
    ...,
    {1: 2},
    {b"a": 1},
    {None: 1},
]


@fault(
    OUT,
    "bytes, sets, dataclasses, arrays, generators, classes, or objects whose methods fail, anywhere in a call",
    "`ParameterError` that names the place and the type",
)
@pytest.mark.parametrize("value", ODD, ids=lambda value: type(value).__name__)
def test_python_values_that_json_cannot_say(door, server, value):
    for messages in (
        value,
        [value],
        [{"role": "user", "content": value}],
        [{"role": "user", "content": "x", "y": value}],
    ):
        assert type(refused(door, server, messages)) is ParameterError
    for message in (Message("user", value), Message("user", "x", extra=value), Message("user", "x", tool_calls=value)):
        assert type(refused(door, server, [message])) is ParameterError
    for name in ("extra", "scale", "user", "tools", "tool_choice", "extra_body", "extra_headers", "unknown"):
        given = [value] if name == "tools" else value
        assert type(refused(door, server, **{name: given})) is ParameterError, name
    if not isinstance(value, bytes):  # bytes are no name either, and are refused in other words
        assert isinstance(refused(door, server, model=value), UsageError)


@fault(OUT, "settings, secrets or base URLs that are no mappings of text", "`UsageError` that shows no secret")
@pytest.mark.parametrize(
    "options",
    [
        *(
            {name: value}
            for name in ("settings", "secrets", "base_urls")
            for value in (5, ["out"], "out", {1: {}}, {"out": 5})
        ),
        {"secrets": {"out": {"api_key": b"s3cr3t-bytes"}}},
        {"secrets": {"out": {"api_key": 314159}}},
        {"settings": {"out": {1: "x"}}},
        {"settings": {"out": {"tag": b"x"}}},
    ],
    ids=str,
)
def test_decisions_of_another_type(door, options):
    with pytest.raises(UsageError) as caught:
        door.chat("out", model="m", options=options)
    assert not any(word in caught.value.message for word in ("s3cr3t", "314159"))


def test_a_recorded_answer_has_a_status_and_headers(catalog):
    provider = catalog.provider("out")
    for odd in (None, "200", 99, 600, 2.5):
        with pytest.raises(UsageError, match="status"):
            provider.decode(b"hi", status=odd)  # type: ignore[arg-type]  # that is what is tested
    for headers in (5, ["a"], {"a": 1}, {1: "a"}):
        with pytest.raises(UsageError, match="headers"):
            provider.decode(b"hi", headers=headers)  # type: ignore[arg-type]  # that is what is tested
