"""Access tokens over a real socket: fetched once for many calls, renewed once when they are used up, shown nowhere."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from engine import AsyncClient, Client
from engine.auth.oauth2 import ACCESS_TOKEN, sending_token
from engine.chat_request import ChatRequest
from engine.deployment import Deployment
from engine.errors import MissingSecretError, ParameterError, ProviderError, TransportError, UsageError
from engine.loader import load_text
from engine.provider import Provider
from tests.badfiles import place_of, problems, text_of

from .stepserver import ASKS, Answer, Ask, Asked, StepServer, folder_of

both = pytest.mark.parametrize("ask", ASKS)

FILE = """
spec_version: 1
name: acme
url: https://api.acme.example/v1
path: /chat
secrets: {id: {env: [ACME_ID]}, key: {env: [ACME_KEY]}}
auth:
  type: oauth2
  token:
    url: https://login.acme.example/oauth
    form: {grant_type: client_credentials, scope: all}
    headers: {authorization: "Basic {{ (secrets.id ~ ':' ~ secrets.key) | b64encode }}", x-request-id: "{{ uuid4() }}"}
    value: access_token
    expires_in: expires_in
  refresh: [{body: {path: error_code, in: [110, 111]}}]
payload: {text: "{{ messages[0].content }}"}
response: {codec: json, rules: [{text: text}]}
errors: [{body: {path: error_code, exists: true}, kind: bad_request, message: error_msg}]
retry: {max: 1, base: 0.001}
examples:
  - {name: busy, call: {messages: hi}, reply: {status: 503, body: busy}, expect: {error: unavailable}}
  - {name: fine, call: {messages: hi}, reply: {json: {text: Hi}}, expect: {text: Hi}}
"""
KEY = "key-of-acme-1"


def options(server: StepServer, **more: Any) -> dict[str, Any]:
    return {"base_urls": {"acme": server.url}, "secrets": {"acme": {"id": "me", "key": KEY}}} | more


class Bank:
    """A service that takes only the newest token that it gave."""

    def __init__(self, *, expires_in: Any = 3600, pause: float = 0.0, refusal: Answer | None = None) -> None:
        self.expires_in = expires_in
        self.pause = pause
        self.refusal = refusal or Answer({"message": "token-1 is no more"}, status=401)
        self.tokens = 0
        self.revoked: set[str] = set()
        self.lock = threading.Lock()
        self.server = StepServer(self.answer)

    def answer(self, asked: Asked) -> Answer:
        if asked.path == "/oauth":
            time.sleep(self.pause)
            with self.lock:
                self.tokens += 1
                return Answer({"access_token": f"token-{self.tokens}", "expires_in": self.expires_in})
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        is_good = token.startswith("token-") and token not in self.revoked
        return Answer({"text": f"with {token}"}) if is_good else self.refusal


@both
def test_a_token_is_fetched_and_sent(tmp_path: Path, ask: Ask) -> None:
    with Bank().server as server:
        assert ask(folder_of(tmp_path, FILE), "acme", **options(server)).text == "with token-1"
    token, chat = server.asked
    assert (str(token), str(chat)) == ("POST /oauth", "POST /chat")
    assert token.form == {"grant_type": "client_credentials", "scope": "all"}
    assert base64.b64decode(token.headers["authorization"].removeprefix("Basic ")).decode() == f"me:{KEY}"
    assert len(token.headers["x-request-id"]) == 36
    assert token.headers["content-type"] == "application/x-www-form-urlencoded"
    assert chat.headers["authorization"] == "Bearer token-1"


def test_a_token_is_kept_for_later_calls_of_the_same_credential(tmp_path: Path) -> None:
    mine = {"id": "me", "key": KEY}
    with (
        Bank().server as server,
        Client(folder_of(tmp_path, FILE), **options(server, secrets={"acme": mine})) as client,
    ):
        assert [client.chat("acme", "hi").text for _ in range(3)] == ["with token-1"] * 3
        mine["id"] = "other"  # what is read when a call is made counts
        assert client.chat("acme", "hi").text == "with token-2"
        assert "token-" not in repr(client._cache)
    assert server.said().count("POST /oauth") == 2


@pytest.mark.parametrize(
    ("expiry", "reply", "fetched"),
    [
        ("expires_in: expires_in", {"expires_in": 3600}, 1),
        ("expires_in: expires_in", {"expires_in": "3600"}, 1),
        ("expires_in: expires_in", {"expires_in": 0}, 2),
        ("expires_in: expires_in", {}, 2),
        ("expires_in: expires_in", {"expires_in": "soon"}, 2),
        ("expires_in: expires_in\n    unit: ms", {"expires_in": 20}, 2),
        ("expires_at: until", {"until": 4_000_000_000}, 1),
        ("expires_at: until\n    unit: ms", {"until": 4_000_000_000_000}, 1),
        ("expires_at: until", {"until": 1_000_000_000}, 2),
        ("method: POST", {}, 1),
    ],
)
def test_a_token_is_used_as_long_as_its_reply_says(
    tmp_path: Path, expiry: str, reply: dict[str, Any], fetched: int
) -> None:
    def answer(asked: Asked) -> Answer:
        return Answer({"access_token": "token-1", "text": "Hi", **reply})

    text = FILE.replace("expires_in: expires_in", expiry)
    with StepServer(answer) as server, Client(folder_of(tmp_path, text), **options(server)) as client:
        client.chat("acme", "hi")
        time.sleep(0.03)
        client.chat("acme", "hi")
    assert server.said().count("POST /oauth") == fetched


@both
@pytest.mark.parametrize(
    "refusal",
    [
        Answer({"message": "old"}, status=401),
        Answer({"error_code": 110, "error_msg": "Access token invalid"}),
        Answer({"error_code": 111, "error_msg": "Access token expired"}, status=400),
    ],
)
def test_a_token_that_is_used_up_is_renewed_once_and_the_request_repeated_once(
    tmp_path: Path, ask: Ask, refusal: Answer
) -> None:
    bank = Bank(refusal=refusal)
    bank.revoked = {"token-1"}
    with bank.server as server:
        assert ask(folder_of(tmp_path, FILE), "acme", **options(server)).text == "with token-2"
    assert server.said() == ["POST /oauth", "POST /chat"] * 2


@both
def test_a_second_refusal_is_the_answer(tmp_path: Path, ask: Ask) -> None:
    bank = Bank(refusal=Answer({"message": f"token-2 of {KEY} is not welcome"}, status=401))
    bank.revoked = {"token-1", "token-2"}
    with bank.server as server, pytest.raises(ProviderError) as caught:
        ask(folder_of(tmp_path, FILE), "acme", **options(server))
    assert server.said() == ["POST /oauth", "POST /chat"] * 2
    assert (caught.value.kind, caught.value.attempts) == ("auth", 4)
    assert "*** of *** is not welcome" in caught.value.message
    assert "token-2" not in repr(caught.value.__dict__)


@both
def test_another_refusal_renews_nothing(tmp_path: Path, ask: Ask) -> None:
    bank = Bank(refusal=Answer({"error_code": 17, "error_msg": "quota"}))
    bank.revoked = {"token-1"}
    with bank.server as server, pytest.raises(ProviderError, match="quota"):
        ask(folder_of(tmp_path, FILE), "acme", **options(server))
    assert server.said() == ["POST /oauth", "POST /chat"]


# --- many calls at once ---


def test_fifty_threads_fetch_one_token(tmp_path: Path) -> None:
    with Bank(pause=0.1).server as server, Client(folder_of(tmp_path, FILE), **options(server)) as client:
        with ThreadPoolExecutor(50) as pool:
            texts = list(pool.map(lambda _: client.chat("acme", "hi").text, range(50)))
        assert client._slots._value == 100
        assert not client._turns
    assert texts == ["with token-1"] * 50
    assert server.said().count("POST /oauth") == 1


def run_many(tmp_path: Path, bank: Bank, amount: int = 50) -> list[Any]:
    async def run(server: StepServer) -> list[Any]:
        async with AsyncClient(folder_of(tmp_path, FILE), **options(server)) as client:
            calls = (client.chat("acme", "hi") for _ in range(amount))
            answers = await asyncio.gather(*calls, return_exceptions=True)
            assert client._slots._value == 100
            return answers

    with bank.server as server:
        return asyncio.run(run(server))


def test_fifty_tasks_fetch_one_token(tmp_path: Path) -> None:
    bank = Bank(pause=0.05)
    assert [answer.text for answer in run_many(tmp_path, bank)] == ["with token-1"] * 50
    assert bank.tokens == 1


def test_fifty_tasks_renew_a_token_once(tmp_path: Path) -> None:
    bank = Bank(pause=0.05)
    bank.revoked = {"token-1"}
    assert [answer.text for answer in run_many(tmp_path, bank)] == ["with token-2"] * 50
    assert bank.tokens == 2


def test_all_who_wait_for_a_token_share_its_failure(tmp_path: Path) -> None:
    bank = Bank()
    asked = bank.server.asked
    bank.server.answer = lambda asked: (time.sleep(0.1), Answer({"error": "bad client"}, status=400))[1]
    outcomes = run_many(tmp_path, bank, 20)
    assert {type(outcome) for outcome in outcomes} == {ProviderError}
    assert len({id(outcome) for outcome in outcomes}) == 20
    assert all("no access token from 127.0.0.1" in outcome.message for outcome in outcomes)
    assert {outcome.kind for outcome in outcomes} == {"auth"}
    assert len(asked) < 5, "each call asked for itself"


def test_a_cancelled_task_hands_its_turn_on(tmp_path: Path) -> None:
    bank = Bank(pause=0.3)

    async def run(server: StepServer) -> None:
        async with AsyncClient(folder_of(tmp_path, FILE), **options(server)) as client:
            start = asyncio.all_tasks()
            tasks = [asyncio.ensure_future(client.chat("acme", "hi"))]
            while not server.asked:
                await asyncio.sleep(0.01)
            # The first asks; a file is read by now, so the others wait for it at once.
            tasks += [asyncio.ensure_future(client.chat("acme", "hi")) for _ in range(4)]
            await asyncio.sleep(0.05)
            tasks[0].cancel()
            tasks[3].cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            kinds = [type(outcome).__name__ for outcome in outcomes]
            assert kinds == ["CancelledError", "ChatResponse", "ChatResponse", "CancelledError", "ChatResponse"]
            assert client._slots._value == 100
            for _ in range(100):
                if asyncio.all_tasks() == start:
                    break
                await asyncio.sleep(0.01)
            assert asyncio.all_tasks() == start

    with bank.server as server:
        asyncio.run(run(server))
    assert bank.tokens == 2


def test_waiting_for_a_turn_ends_with_the_total_deadline(tmp_path: Path) -> None:
    bank = Bank(pause=1.5)

    async def run(server: StepServer) -> None:
        async with AsyncClient(folder_of(tmp_path, FILE), **options(server)) as client:
            first = asyncio.ensure_future(client.chat("acme", "hi"))
            while client._lines is None:  # the call is being made
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            client._timeout = {"total": 0.2}
            began = time.monotonic()
            with pytest.raises(TransportError) as caught:
                await client.chat("acme", "hi")
            assert (caught.value.kind, caught.value.phase, caught.value.provider) == ("timeout", "total", "acme")
            assert time.monotonic() - began < 1
            await first

    with bank.server as server:
        asyncio.run(run(server))


class Renewal(Bank):
    """A bank whose first token is no more: who says `late` hears of it when another has asked for the next one."""

    def __init__(self) -> None:
        super().__init__()
        self.revoked.add("token-1")
        self.is_renewing = threading.Event()

    def answer(self, asked: Asked) -> Answer:
        if asked.path == "/oauth" and self.tokens:
            self.is_renewing.set()
            time.sleep(1)
        if asked.path != "/oauth" and asked.json["text"] == "late":
            self.is_renewing.wait(5)
        return super().answer(asked)


def check_late(caught: TransportError) -> None:
    assert (caught.kind, caught.phase) == ("timeout", "total")


def test_waiting_to_renew_ends_with_the_total_deadline(tmp_path: Path) -> None:
    """The reply at hand is then the refusal that called for a new token: it settles nothing, and ends no wait."""
    bank = Renewal()
    with (
        bank.server as server,
        Client(folder_of(tmp_path, FILE), **options(server)) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        first = pool.submit(client.chat, "acme", "first")
        assert settled(lambda: bank.tokens == 1)
        client._timeout = {"total": 0.6}
        with pytest.raises(TransportError) as caught:
            client.chat("acme", "late")
        check_late(caught.value)
        assert first.result().text == "with token-2"


def test_a_task_that_waits_to_renew_ends_with_the_total_deadline(tmp_path: Path) -> None:
    bank = Renewal()

    async def run(server: StepServer) -> None:
        async with AsyncClient(folder_of(tmp_path, FILE), **options(server)) as client:
            first = asyncio.ensure_future(client.chat("acme", "first"))
            while not bank.tokens:
                await asyncio.sleep(0.005)
            client._timeout = {"total": 0.6}
            with pytest.raises(TransportError) as caught:
                await client.chat("acme", "late")
            check_late(caught.value)
            assert (await first).text == "with token-2"

    with bank.server as server:
        asyncio.run(run(server))


def settled(condition: Any) -> bool:
    """Whether something comes true soon."""
    until = time.monotonic() + 5
    while not condition() and time.monotonic() < until:
        time.sleep(0.005)
    return bool(condition())


# --- what goes wrong with a token request ---


@both
@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Answer({"error": "invalid_client", "message": f"bad {KEY}"}, status=401), "bad ***"),
        (Answer({"error": {"message": "no"}}), "no"),
        (Answer({"token": "t"}), "no access token where the file's `value` looks"),
        (Answer({"access_token": ""}), "no access token where"),
        (Answer({"access_token": "a\nb: c"}), "no access token where"),
        (Answer({"access_token": 5}), "no access token where"),
        (Answer(b"<html>login</html>"), "no access token where"),
        (Answer(status=302, headers=(("location", "https://evil.example/"),)), "redirects"),
    ],
)
def test_a_token_request_that_fails_says_so(tmp_path: Path, ask: Ask, reply: Answer, words: str) -> None:
    with StepServer(lambda asked: reply) as server, pytest.raises(ProviderError) as caught:
        ask(folder_of(tmp_path, FILE), "acme", **options(server))
    error = caught.value
    assert error.kind == "auth"
    assert error.message.startswith("no access token from 127.0.0.1:")
    assert words in error.message
    assert KEY not in repr(error.__dict__)
    assert base64.b64encode(f"me:{KEY}".encode()).decode() not in repr(error.__dict__)
    assert server.said() == ["POST /oauth"]


@both
def test_a_busy_token_server_is_asked_again(tmp_path: Path, ask: Ask) -> None:
    bank = Bank()
    tries = iter([Answer(b"", status=503)])
    answered = bank.server.answer
    bank.server.answer = lambda asked: next(tries, None) or answered(asked)
    with bank.server as server:
        assert ask(folder_of(tmp_path, FILE), "acme", **options(server)).text == "with token-1"


def test_a_token_server_that_is_not_there(tmp_path: Path) -> None:
    with (
        Client(folder_of(tmp_path, FILE), base_urls={"acme": "http://127.0.0.1:1"}, secrets=SECRETS) as client,
        pytest.raises(TransportError, match=r"127\.0\.0\.1:1 cannot be reached"),
    ):
        client.chat("acme", "hi")


SECRETS = {"acme": {"id": "me", "key": KEY}}


def test_a_secret_that_is_missing_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    with (
        Bank().server as server,
        Client(folder_of(tmp_path, FILE), **options(server, secrets={})) as client,
        pytest.raises(MissingSecretError, match="ACME_ID"),
    ):
        client.chat("acme", "hi")
    assert server.said() == []


# --- what is sent, and what is shown ---


def route(text: str, **deployment: Any) -> Any:
    call = Provider(load_text(text)).call(ChatRequest.of("hi"), Deployment(secrets=SECRETS["acme"], **deployment))
    assert call.route is not None
    return call.route


def test_the_token_goes_to_the_url_of_the_file_and_nowhere_else() -> None:
    made = route(FILE)
    assert [wire.url for wire in made.looked_at()] == [
        "https://login.acme.example/oauth",
        "https://api.acme.example/v1/chat",
    ]
    assert "authorization" in made.looked_at()[1].headers
    elsewhere = route(FILE, base_url="https://proxy.example")
    assert [wire.url for wire in elsewhere.looked_at()] == [
        "https://login.acme.example/oauth",
        "https://proxy.example/chat",
    ]
    mocked = route(FILE, base_url="http://127.0.0.1:9/x")
    assert [wire.url for wire in mocked.looked_at()] == ["http://127.0.0.1:9/oauth", "http://127.0.0.1:9/x/chat"]


@pytest.mark.parametrize("where", ["form", "json", "query", "headers"])
def test_a_secret_is_masked_wherever_a_token_request_holds_it(where: str) -> None:
    text = FILE.replace("form: {grant_type: client_credentials, scope: all}", "")
    text = (
        text.split("    headers:")[0]
        + f"    {where}: {{k: '{{{{ secrets.key }}}}', i: '{{{{ secrets.id }}}}'}}\n"
        + ("    value: access_token" + text.split("    value: access_token")[1])
    )
    made = route(text)
    wire = made.looked_at()[0]
    fields = "".join(str.__str__(value) for value in dict(wire.headers).values())
    assert KEY in str.__str__(wire.url) + fields + bytes(wire.content).decode()
    assert KEY not in repr(wire) + str(wire.shown()) + repr(made)
    assert "<ACME_KEY>" in str(wire.shown()).replace("%3C", "<").replace("%3E", ">")


@pytest.mark.parametrize(
    "slot", ["{{ (secrets.key ~ 1) | int }}", "{{ secrets.key[99] ~ 1 if secrets.key != '<ACME_KEY>' }}"]
)
@pytest.mark.parametrize("where", ["json", "claims"])
def test_what_goes_wrong_in_a_token_request_shows_no_secret(slot: str, where: str) -> None:
    text = FILE.replace(
        "    form: {grant_type: client_credentials, scope: all}\n",
        f'    json: {{a: "{slot if where == "json" else "{{ assertion }}"}"}}\n',
    )
    claims = slot if where == "claims" else "x"
    if where == "claims":
        text = text.replace(
            "  refresh:", f'  assertion: {{algorithm: HS256, key: key, claims: {{a: "{claims}"}}}}\n  refresh:'
        )
    made = route(text)
    with pytest.raises(ParameterError) as caught:
        made.request(made.order[0], {}, None)
    assert KEY not in str(caught.value)
    error: BaseException | None = caught.value
    while error is not None:
        trace = error.__traceback__
        while trace is not None:
            if "/engine/" in trace.tb_frame.f_code.co_filename:
                assert KEY not in repr(trace.tb_frame.f_locals)
            trace = trace.tb_next
        error = error.__context__


@pytest.mark.parametrize(
    ("send", "sent"),
    [
        ({}, {"type": "header", "name": "authorization", "prefix": "Bearer ", "secret": ACCESS_TOKEN}),
        ({"prefix": ""}, {"type": "header", "name": "authorization", "prefix": "", "secret": ACCESS_TOKEN}),
        ({"header": "x-t"}, {"type": "header", "name": "x-t", "prefix": "Bearer ", "secret": ACCESS_TOKEN}),
        ({"query": "access_token"}, {"type": "query", "name": "access_token", "secret": ACCESS_TOKEN}),
    ],
)
def test_the_token_is_sent_where_the_file_says(send: dict[str, str], sent: dict[str, str]) -> None:
    assert sending_token({"send": send}) == sent


@both
def test_a_token_in_the_query(tmp_path: Path, ask: Ask) -> None:
    text = FILE.replace("  refresh:", "  send: {query: access_token}\n  refresh:")

    def answer(asked: Asked) -> Answer:
        return Answer({"access_token": "tok&en", "text": asked.query.get("access_token", "")})

    with StepServer(answer) as server:
        assert ask(folder_of(tmp_path, text), "acme", **options(server)).text == "tok&en"
    assert "authorization" not in server.asked[1].headers


def test_an_assertion_is_signed_for_the_token_request(tmp_path: Path) -> None:
    text = FILE.replace(
        "    form: {grant_type: client_credentials, scope: all}\n",
        '    form: {grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion: "{{ assertion }}"}\n',
    ).replace(
        "  refresh:",
        "  assertion:\n"
        "    algorithm: HS256\n"
        "    key: key\n"
        '    header: {kid: "{{ secrets.id }}"}\n'
        '    claims: {iss: "{{ secrets.id }}", iat: "{{ now() }}"}\n'
        "  refresh:",
    )
    with Bank().server as server, Client(folder_of(tmp_path, text), **options(server)) as client:
        client.chat("acme", "hi")
    header, claims, signature = server.asked[0].form["assertion"].split(".")
    said = [json.loads(base64.urlsafe_b64decode(part + "==")) for part in (header, claims)]
    assert said[0] == {"alg": "HS256", "typ": "JWT", "kid": "me"}
    assert said[1]["iss"] == "me"
    assert abs(said[1]["iat"] - time.time()) < 60
    assert len(signature) == 43
    assert "assertion=%2A%2A%2A" in str(route(text).looked_at()[0].shown())


def test_a_token_is_not_asked_for_over_http_on_another_machine() -> None:
    text = FILE.replace("url: https://login.acme.example/oauth", "path: /oauth").replace(
        "url: https://api.acme.example/v1", 'url: "{{ base }}"\nsettings: {base: {}}'
    )
    with pytest.raises(UsageError, match="not sent over http"):
        route(text, settings={"base": "http://gateway.example"}).looked_at()


# --- what is found when the file is loaded ---

SECRETS_OF = "secrets: {key: {env: [ACME_KEY]}}"


def auth(token: str, more: str = "") -> str:
    return f"auth:\n  type: oauth2\n  token: {token}\n{more}"


BAD = [
    ("{url: https://x.com/t}", "", "missing-key", "needs the key `value`"),
    ("{value: t}", "", "missing-key", "does not say where the token is asked for"),
    ("{url: http://x.com/t, value: t}", "", "insecure-url", "a secret would go over http"),
    ("{url: https://10.0.0.1/t, value: t}", "", "private-host", "10.0.0.1"),
    ("{url: 'https://{{ model }}/t', value: t}", "", "dynamic-host", "'model'"),
    ("{url: https://x.com/t, value: t, expires_in: a, expires_at: b}", "", "conflict", "both 'expires_in'"),
    ("{url: https://x.com/t, value: t, form: {}, json: {}}", "", "conflict", "both 'form' and 'json'"),
    ("{url: https://x.com/t, value: a..b}", "", "bad-path", "'a..b'"),
    ("{url: https://x.com/t, value: t, form: {k: '{{ secrets.kay }}'}}", "", "undefined-reference", "'secrets.kay'"),
    ("{url: https://x.com/t, value: t, form: {k: '{{ key }}'}}", "", "undefined-variable", "'key'"),
    ("{url: https://x.com/t, value: t, form: {k: '{{ messages }}'}}", "", "undefined-variable", "'messages'"),
    ("{url: https://x.com/t, value: t, form: {k: '{{ assertion }}'}}", "", "undefined-variable", "'assertion'"),
    ("{url: https://x.com/t, value: t, headers: {host: x}}", "", "forbidden-header", "'host'"),
    ("{url: https://x.com/t, value: t}", "  refresh: [{}]\n", "empty-value", "refresh.0"),
    ("{url: https://x.com/t, value: t}", "  send: {query: a, header: b}\n", "conflict", "'query' and 'header'"),
    (
        "{url: https://x.com/t, value: t, form: {k: '{{ assertion }}'}}",
        "  assertion: {algorithm: HS256, key: kay, claims: {}}\n",
        "undefined-reference",
        "'kay' is not declared",
    ),
    ("{url: https://x.com/t, value: t, ¦valeu: t}", "", "unknown-key", "'valeu'"),
]


@pytest.mark.parametrize(("token", "more", "rule", "words"), BAD)
def test_a_mistake_in_a_token_request_is_found(token: str, more: str, rule: str, words: str) -> None:
    text, place = place_of(text_of(secrets=SECRETS_OF, auth=auth(token, more)) + ("" if "¦" in token else "# ¦"))
    hits = [p for p in problems(text) if p.rule == rule and words in p.message]
    assert hits, [str(p) for p in problems(text)]
    assert "¦" not in token or (hits[0].line, hits[0].column) == place


def test_a_child_that_asks_elsewhere_for_the_token_does_not_take_its_parents_secret(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(FILE)
    child = tmp_path / "thief.yaml"
    child.write_text("spec_version: 1\nname: thief\nextends: acme\nauth: {token: {url: https://evil.example/t}}\n")
    from engine.loader import problems_of

    found = [problem for problem in problems_of(child) if problem.rule == "secret-host-change"]
    assert [(problem.file, problem.line, problem.column) for problem in found] == [(str(child), 4, 21)]
