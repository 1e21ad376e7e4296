"""Words of a shell, and what curl's options send. Bad commands are errors in one line."""

from __future__ import annotations

import base64
import json
import shlex

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.errors import EngineError, UsageError
from engine.importing.capture import CapturedRequest, body_of, reply_from
from engine.importing.curl import request_of
from engine.importing.draft import draft
from engine.importing.words import split

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=40)


def ansi(text: str) -> str:
    """A text in `$'..'`, as browsers write it: everything beyond ASCII as \\u or \\U."""
    escaped = []
    for char in text:
        if char in "\\'":
            escaped.append(f"\\{char}")
        elif char in "\n\r\t":
            escaped.append({"\n": "\\n", "\r": "\\r", "\t": "\\t"}[char])
        elif " " <= char <= "~":
            escaped.append(char)
        else:
            escaped.append(f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}")
    return f"$'{''.join(escaped)}'"


@given(st.lists(TEXT, min_size=1))
@example(["^", '^"', "a ^\n"])
def test_words_that_the_shell_quotes_are_read_back(words: list[str]) -> None:
    assert split(f"curl {shlex.join(words)}") == ["curl", *words]


@given(st.lists(TEXT, min_size=1))
def test_words_in_ansi_quotes_are_read_back(words: list[str]) -> None:
    assert split(f"curl {' '.join(map(ansi, words))}") == ["curl", *words]


@given(TEXT)
def test_bytes_in_ansi_quotes_are_utf_8(text: str) -> None:
    spelt = "".join(f"\\x{byte:02x}" for byte in text.encode())
    assert split(f"curl $'{spelt}'") == ["curl", text]
    spelt = "".join(f"\\{byte:03o}" for byte in text.encode())
    assert split(f"curl $'{spelt}'") == ["curl", text]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (r"a\ b \"c\" ''", ["a b", '"c"', ""]),
        (r'"\$x \\ \" \n"', [r"$x \ " + '" \\n']),
        ("a \\\n b \\\r\n c", ["a", "b", "c"]),
        (r"$'\ud83d\ude00 \a\e\cA'", ["😀 \a\x1b\x01"]),
        ("'it'\"'\"'s' $\"x\"", ["it's", "x"]),
        ("a | jq .", ["a"]),
        ("a > out.json", ["a"]),
        ("a && b", ["a"]),
        ("a; b", ["a"]),
        ("# note\na # b", ["a"]),
        ("https://x.example/a?b=1&c=2 d", ["https://x.example/a?b=1&c=2", "d"]),
        ('^"a ^\\^"b^\\^" 100^%^" ^\n ^"c^\n\nd^"', ['a "b" 100%', "c\nd"]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert split(text) == words


@pytest.mark.parametrize("text", ["'a", '"a', "$'a", '^"a b', '"a\\'])
def test_a_quote_that_is_not_closed(text: str) -> None:
    with pytest.raises(UsageError, match="not closed"):
        split(text)


def sent(command: str) -> CapturedRequest:
    return request_of(f"curl https://x.example/a {command}")


@pytest.mark.parametrize(
    ("command", "method", "body"),
    [
        ("", "GET", None),
        ("-d a=1 -d b=2", "POST", "a=1&b=2"),
        ("--data-raw @x", "POST", "@x"),
        (
            "--data-urlencode 'a=b c&d' --data-urlencode 'x y' --data-urlencode '=z z'",
            "POST",
            "a=b%20c%26d&x%20y&z%20z",
        ),
        ("-XPOST", "POST", None),
        ("-X post -d x", "POST", "x"),
        ("-G -d a=1", "GET", None),
        ("--json '{}'", "POST", "{}"),
        ("-d '{}' --request=POST", "POST", "{}"),
    ],
)
def test_what_is_sent(command: str, method: str, body: str | None) -> None:
    request = sent(command)
    assert (request.method, request.body) == (method, body)


def test_get_puts_the_data_into_the_url() -> None:
    assert sent("-G -d a=1 --data-urlencode 'b=x y'").url == "https://x.example/a?a=1&b=x%20y"
    assert request_of("curl 'https://x.example/a?z=0' -Gd a=1").url == "https://x.example/a?z=0&a=1"


def test_headers() -> None:
    request = sent("-H 'A: b' -H 'empty;' -H 'gone:' -b 'c=d' -A agent -e https://r.example --oauth2-bearer T")
    assert request.headers == (
        ("A", "b"),
        ("empty", ""),
        ("cookie", "c=d"),
        ("user-agent", "agent"),
        ("referer", "https://r.example"),
        ("authorization", "Bearer T"),
    )


def test_json_says_what_it_is_unless_the_command_does() -> None:
    assert sent("--json '{}' -H 'x: y'").header("content-type") == "application/json"
    assert sent("-H 'content-type: text/json' --json '{}'").header("content-type") == "text/json"


def test_forms() -> None:
    request = sent("-F a=1 -F 'b=\"x y\"' -F 'c=@f.txt' -F 'd=1;type=text/plain' --form-string 'e=@x;type=y'")
    assert request.fields == (("a", "1"), ("b", "x y"), ("d", "1"), ("e", "@x;type=y"))
    assert any("'c'" in note and "file" in note for note in request.notes)


def test_what_is_ignored_is_said_where_it_matters() -> None:
    request = sent("-sSNLivkZ --compressed --http2 --max-time 5 -m5 -o x -x http://p:1 --made-up v -@")
    assert [note.split()[0] for note in request.notes] == ["-k:", "-x:", "the", "the"]
    assert "--made-up" in request.notes[2]
    assert request.url == "https://x.example/a"


def test_a_url_without_a_scheme() -> None:
    assert request_of("curl api.x.example/a").url == "https://api.x.example/a"
    assert request_of("curl localhost:8080/a").url == "http://localhost:8080/a"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("", "does not begin with curl"),
        ("wget https://x.example", "copy it as cURL"),
        ("Invoke-WebRequest -Uri x", "copy it as cURL"),
        ("curl", "no URL"),
        ("curl -d x", "no URL"),
        ("curl https://a.example https://b.example", "2 URLs"),
        ("curl https://a.example -H Authorization: Bearer sk-x", "3 URLs or loose words; put quotes"),
        ("curl ftp://a.example/x", "scheme is 'ftp'"),
        ("curl file:///etc/passwd", "scheme is 'file'"),
        ("curl https:///x", "no host"),
        ("curl https://[::1/x", "cannot be read"),
        ("curl https://a.example:99999/x", "cannot be read"),
        ("curl https://a.example -H", "has no value"),
        ("curl https://a.example -d @body.json", r"--data-raw \"\$\(cat body.json\)\""),
        ("curl https://a.example --data-binary @-", "standard input"),
        ("curl https://a.example --data-urlencode a@b", "reads a file"),
        ("curl https://a.example -H @h.txt", "reads a file"),
        ("curl https://a.example -F x", "name=value"),
        ("curl https://a.example --next https://b.example", "more than one request"),
        ("curl -X DELETE https://a.example", "DELETE"),
        ("curl -I https://a.example", "HEAD"),
        ("curl 'https://a.example", "not closed"),
    ],
)
def test_bad_commands(command: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        request_of(command)
    assert "\n" not in str(caught.value)
    assert "sk-x" not in str(caught.value)


@pytest.mark.parametrize("value", ["me:secret-value-1", "me", ":x"])
def test_a_user(value: str) -> None:
    assert sent(f"-u {value}").user == value


def test_bodies() -> None:
    assert body_of(sent("-d 'a=1&b=2'")).tree == {"a": "1", "b": "2"}
    assert body_of(sent("-d '[1]'")).tree == [1]
    assert body_of(sent("-d 'just words'")).encoding == "text"
    assert body_of(sent("-d 'a=1&a=2'")).notes


def test_replies_with_a_head() -> None:
    reply = reply_from(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/2 200 \r\nContent-Type: text/plain\r\nx: y\r\n\r\nHello")
    assert (reply.status, reply.content_type, reply.body) == (200, "text/plain", b"Hello")
    assert reply_from(b"Hello").body == b"Hello"


PIECES = st.lists(
    st.one_of(
        TEXT,
        st.sampled_from(
            [
                "curl",
                "https://x.example/a?b=c",
                "-H",
                "-d",
                "-X",
                "POST",
                "--json",
                "-F",
                "-u",
                "-G",
                "--data-urlencode",
                "a: b",
            ]
        ),
        st.sampled_from(
            ['{"prompt":"Hi"}', '{"messages":[{"role":"user","content":"Hi"}]}', "a=b", "Authorization: Bearer x"]
        ),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(PIECES, st.booleans(), st.one_of(st.none(), st.binary(max_size=200)))
def test_whatever_comes_is_a_draft_or_an_error_of_ours(pieces: list[str], quoted: bool, reply: bytes | None) -> None:
    words = shlex.join(pieces) if quoted else " ".join(pieces)
    try:
        request = request_of(f"curl {words}")
        draft("x", request, None if reply is None else reply_from(reply))
    except EngineError as error:
        message = error.message
    else:
        message = ""
    assert "\n" not in message


JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-10, 10**13), st.floats(allow_nan=False, allow_infinity=False), TEXT
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                [
                    "role",
                    "content",
                    "messages",
                    "text",
                    "prompt",
                    "model",
                    "stream",
                    "id",
                    "token",
                    "a.b",
                    "$when",
                    "{{",
                ]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(JSON, JSON, st.sampled_from(["", "/v1/chat/completions", "/v1/messages"]))
@example({"$when": {"role": None, "content": "0"}}, None, "")
def test_any_json_is_a_draft(body: object, reply: object, path: str) -> None:
    request = CapturedRequest(f"https://x.example{path}", "POST", body=json.dumps(body))
    for text in (json.dumps(reply), f"data: {json.dumps(reply)}\n\n" * 3):
        try:
            made = draft("x", request, reply_from(text.encode()))
        except EngineError as error:
            said = error.message
        else:
            said = made.text.partition("\n")[0]
        assert "\n" not in said


def test_basic_in_a_header_is_the_same_as_a_user() -> None:
    encoded = base64.b64encode(b"me:swordfish99").decode()
    made = draft("x", sent(f"-H 'Authorization: Basic {encoded}' --json '{{\"prompt\":\"Hi\"}}'"))
    assert "type: basic" in made.text
    assert encoded not in made.text
    assert "swordfish99" not in made.text
