"""One call as a state table, with a clock that the test moves."""

from __future__ import annotations

import itertools

import pytest

from engine.chat_request import ChatRequest
from engine.deployment import Deployment
from engine.errors import DecodeError, ProviderError, TransportError, TruncatedError, UsageError
from engine.events import Finish, TextDelta, Usage
from engine.exchange import CLEANUP_SECONDS, DRAIN_BYTES, DRAIN_SECONDS, REFUSAL_SECONDS, TRANSITIONS, Exchange, State
from engine.expressions import Helpers
from engine.loader import load_text
from engine.provider import Provider
from engine.spec import Timeouts
from engine.wire import Headers, ResponseHead

FILE = """
spec_version: 1
name: api
url: http://127.0.0.1
payload: {m: "{{ messages }}"}
response:
  codec: sse
  rules: [{text: t, usage: u}]
  end: '[DONE]'
  usage: {input_tokens: i}
retry: {max: 3, base: 1, cap: 4, max_wait: 50, idempotent: true}
examples:
  - {name: busy, call: {messages: hi}, reply: {status: 503, body: busy}, expect: {error: unavailable}}
  - {name: fine, call: {messages: hi}, expect: {text: hi},
     reply: {text: "data: {\\"t\\": \\"hi\\"}\\n\\ndata: [DONE]\\n\\n"}}
"""
OK = ResponseHead(200, Headers([("content-type", "text/event-stream")]))
TEXT = b'data: {"t": "hi"}\n\n'
END = b"data: [DONE]\n\n"
TIMEOUTS = Timeouts(connect=1, first_byte=10, idle=5, total=100, pool=1)
LOST = TransportError("the connection was lost", kind="lost")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def exchange(clock: Clock) -> Exchange:
    provider = Provider(load_text(FILE))
    call = provider.call(ChatRequest.of("hi"), Deployment())
    return Exchange(provider, call, TIMEOUTS, clock, lambda: 1.0)


def into(exchange: Exchange, state: State) -> Exchange:
    """Bring an exchange into a state by legal steps."""
    if state is State.READY:
        return exchange
    exchange.start()
    if state is State.OPENING:
        return exchange
    if state is State.FAILED:
        with pytest.raises(UsageError):
            exchange.failed(UsageError("no"))
        return exchange
    exchange.head(OK)
    if state is State.DONE:
        exchange.feed(TEXT + END)
        exchange.finish()
    return exchange


def retry(exchange: Exchange) -> None:
    exchange.failed(TransportError("refused", kind="connect"))


def fail(exchange: Exchange) -> None:
    with pytest.raises(UsageError):
        exchange.failed(UsageError("no"))


STEPS = {
    "start": Exchange.start,
    "head": lambda exchange: exchange.head(OK),
    "feed": lambda exchange: exchange.feed(TEXT),
    "finish": lambda exchange: exchange.finish(),
    "fail": fail,
}


def test_the_table_speaks_of_every_step_and_state():
    assert {action for _, action in TRANSITIONS} == {*STEPS, "retry", "next"}
    assert {state for state, _ in TRANSITIONS} == set(State) - {State.FAILED}
    assert set(TRANSITIONS.values()) == set(State)


@pytest.mark.parametrize(
    ("state", "action"), list(itertools.product(State, STEPS)), ids=lambda item: getattr(item, "name", item)
)
def test_each_step_leads_where_the_table_says_or_raises(exchange, state, action):
    into(exchange, state)
    assert exchange.state is state
    if (state, action) in TRANSITIONS:
        if (state, action) == (State.READING, "finish"):
            exchange.feed(TEXT + END)
        STEPS[action](exchange)
        assert exchange.state is TRANSITIONS[state, action]
    else:
        with pytest.raises(RuntimeError, match=f"{state.name} cannot {action}"):
            STEPS[action](exchange)
        assert exchange.state is state


@pytest.mark.parametrize("state", [State.OPENING, State.READING], ids=lambda state: state.name)
def test_a_retry_leads_back_to_the_start(exchange, state):
    into(exchange, state)
    retry(exchange)
    assert exchange.state is State.READY
    exchange.start()
    exchange.head(OK)
    assert exchange.feed(TEXT + END) == [TextDelta("hi")]
    exchange.finish()
    assert exchange.is_done
    assert exchange.attempts == 2


def test_nothing_is_tried_again_before_the_start_or_after_the_end(exchange):
    with pytest.raises(TransportError):
        retry(exchange)
    assert exchange.state is State.FAILED


def test_a_whole_answer(exchange):
    assert exchange.pause == 0.0
    wire = exchange.start()
    assert wire.method == "POST"
    exchange.head(OK)
    assert exchange.feed(TEXT) == [TextDelta("hi")]
    assert not exchange.is_done
    assert exchange.feed(END + b'data: {"u": {"i": 3}}\n\n') == []
    assert exchange.finish() == [Usage(3), Finish("unknown")]
    assert exchange.is_done
    assert exchange.response.text == "hi"
    assert exchange.response.usage.input_tokens == 3


def test_events_come_before_the_fault_that_follows_them(exchange):
    exchange.start()
    exchange.head(OK)
    assert exchange.feed(TEXT + b"data: {\n\n" + TEXT) == [TextDelta("hi")]
    assert isinstance(exchange.fault, DecodeError)
    with pytest.raises(DecodeError):
        exchange.feed(TEXT)
    assert exchange.fault.partial.text == "hi"
    with pytest.raises(DecodeError):
        exchange.failed(exchange.fault)
    assert not exchange.is_done


# --- patience --------------------------------------------------------------------------------------------------------


def test_patience_waits_for_the_first_byte_then_for_the_next(exchange, clock):
    exchange.start()
    assert (exchange.patience().seconds, exchange.patience().phase) == (10, "first_byte")
    clock.now += 4
    exchange.head(OK)
    assert (exchange.patience().seconds, exchange.patience().phase) == (6, "first_byte"), (
        "a head is no byte of the answer"
    )
    clock.now += 7
    assert exchange.patience().seconds == -1
    exchange.feed(b": ping\n\n")
    assert (exchange.patience().seconds, exchange.patience().phase) == (5, "idle")


def test_what_the_reader_does_between_two_waits_is_no_silence(exchange, clock):
    exchange.start()
    exchange.head(OK)
    exchange.feed(TEXT)
    clock.now += 60
    assert (exchange.patience().seconds, exchange.patience().phase) == (5, "idle")


def test_the_total_bounds_every_wait(exchange, clock):
    exchange.start()
    exchange.head(OK)
    exchange.feed(TEXT)
    clock.now += 97
    assert (exchange.patience().seconds, exchange.patience().phase) == (3, "total")
    clock.now += 4
    assert (exchange.patience().seconds, exchange.patience().phase) == (-1, "total")


def test_the_total_runs_from_the_first_attempt_and_the_first_byte_from_the_last(exchange, clock):
    exchange.start()
    clock.now += 95
    retry(exchange)
    clock.now += 1
    exchange.start()
    assert (exchange.patience().seconds, exchange.patience().phase) == (4, "total")


def test_after_the_end_only_the_waits_count(exchange, clock):
    exchange.start()
    exchange.head(OK)
    exchange.feed(TEXT + END)
    assert (exchange.patience().seconds, exchange.patience().phase) == (DRAIN_SECONDS, "drain")
    clock.now += 0.5
    exchange.feed(b": ping\n\n")
    clock.now += 60  # the reader's own time
    assert exchange.patience().seconds == DRAIN_SECONDS - 0.5
    exchange.timed_out("drain")
    exchange.timed_out("total")
    exchange.finish()
    assert exchange.is_done


def test_after_the_end_only_so_much_is_read(exchange, clock):
    exchange.start()
    exchange.head(OK)
    exchange.feed(TEXT + END + b":" * 2 * DRAIN_BYTES)
    assert exchange.patience().seconds == DRAIN_SECONDS, "what came together with the end is read"
    exchange.feed(b":" * (DRAIN_BYTES - 1))
    assert exchange.patience().seconds == DRAIN_SECONDS
    exchange.feed(b":")
    assert (exchange.patience().seconds, exchange.patience().phase) == (0, "drain")
    exchange.timed_out("drain")
    exchange.finish()
    assert exchange.is_done


def test_an_answer_that_goes_on_behind_a_finish_reason_is_waited_for_anew(clock):
    """Some services give a finish reason with every piece."""
    told = FILE.replace("end: '[DONE]'", "end: finish").replace("text: t,", "text: t, finish: why,")
    provider = Provider(load_text(told.replace("[DONE]", '{\\"why\\": \\"stop\\"}')))
    exchange = Exchange(provider, provider.call(ChatRequest.of("hi"), Deployment()), TIMEOUTS, clock, lambda: 1.0)
    exchange.start()
    exchange.head(OK)
    for _ in range(5):
        exchange.feed(b'data: {"t": "hi ", "why": "stop"}\n\n' + b":" * DRAIN_BYTES + b"\n")
        assert (exchange.patience().seconds, exchange.patience().phase) == (DRAIN_SECONDS, "drain")
        clock.now += DRAIN_SECONDS - 0.1
    exchange.finish()
    assert exchange.response.text == "hi " * 5


def test_the_words_of_a_refusal_are_waited_for_a_while(exchange, clock):
    exchange.start()
    exchange.head(ResponseHead(401))
    assert (exchange.patience().seconds, exchange.patience().phase) == (REFUSAL_SECONDS, "drain")
    clock.now += 1
    exchange.feed(b"who are")
    assert exchange.patience().seconds == REFUSAL_SECONDS - 1
    exchange.timed_out("drain")
    with pytest.raises(ProviderError, match="who are"):
        exchange.finish()


@pytest.mark.parametrize("phase", ["first_byte", "idle", "total"])
def test_a_wait_that_is_over_names_its_deadline(exchange, phase):
    exchange.start()
    exchange.head(OK)
    exchange.feed(TEXT)
    with pytest.raises(TransportError, match=rf"within {getattr(TIMEOUTS, phase):g} s \(timeout.{phase}\)") as caught:
        exchange.timed_out(phase)
    assert (caught.value.kind, caught.value.phase) == ("timeout", phase)


def test_a_loss_in_the_body_is_raised_until_the_answer_is_settled(exchange):
    exchange.start()
    exchange.head(OK)
    exchange.feed(TEXT)
    with pytest.raises(TransportError):
        exchange.broke_off(LOST)
    exchange.feed(END)
    exchange.broke_off(LOST)
    exchange.broke_off(TruncatedError("cut"))
    exchange.finish()
    assert exchange.is_done


def test_the_bounds_are_those_that_users_are_told():
    """In docs/reliability.md, by the rows that speak of what stalls, drips or floods."""
    assert (DRAIN_SECONDS, DRAIN_BYTES, REFUSAL_SECONDS, CLEANUP_SECONDS) == (2.0, 256 * 1024, 5.0, 3.0)


# --- failures and retries --------------------------------------------------------------------------------------------


def fresh(error: TransportError) -> TransportError:
    return TransportError(error.message, kind="lost")


def test_an_error_carries_what_is_known(exchange, clock):
    exchange.start()
    exchange.head(OK)
    exchange.feed(TEXT)
    clock.now += 3
    error = fresh(LOST)
    with pytest.raises(TransportError) as caught:
        exchange.failed(error)
    assert caught.value is error
    assert (error.attempts, error.provider, error.partial.text, error.elapsed) == (1, "api", "hi", 3.0)
    assert exchange.state is State.FAILED


def test_nothing_is_tried_again_after_the_first_event(exchange):
    exchange.start()
    exchange.head(OK)
    exchange.feed(b": ping\n\n")
    assert exchange.failed(fresh(LOST)) == 1.0
    exchange.start()
    exchange.head(OK)
    exchange.feed(TEXT)
    with pytest.raises(TransportError):
        exchange.failed(fresh(LOST))


def test_waits_grow_and_end(exchange):
    waits = []
    for _ in range(3):
        exchange.start()
        waits.append(exchange.failed(fresh(LOST)))
    assert waits == [1, 2, 4]
    exchange.start()
    with pytest.raises(TransportError) as caught:
        exchange.failed(fresh(LOST))
    assert caught.value.attempts == caught.value.partial.attempts == 4


def test_each_request_of_a_call_has_retries_of_its_own(clock):
    steps = """
headers: {x-nonce: "{{ steps.page.nonce }}"}
steps: [{name: page, path: /page, read: {nonce: {regex: 'nonce=(.)'}}}]
"""
    provider = Provider(load_text(FILE.replace("max: 3", "max: 1") + steps))
    exchange = Exchange(provider, provider.call(ChatRequest.of("hi"), Deployment()), TIMEOUTS, clock, lambda: 1.0)
    exchange.start()
    assert exchange.failed(fresh(LOST)) == 1
    exchange.start()
    exchange.head(ResponseHead(200))
    exchange.feed(b"nonce=7")
    assert exchange.finish() == []
    exchange.start()
    assert exchange.failed(fresh(LOST)) == 1
    exchange.start()
    with pytest.raises(TransportError) as caught:
        exchange.failed(fresh(LOST))
    assert caught.value.attempts == 4


def test_retry_after_comes_from_the_headers(exchange):
    exchange.start()
    assert exchange.failed(ProviderError("busy", kind="rate_limit", status=429, headers={"retry-after": "7"})) == 7


@pytest.mark.parametrize(("spent", "raised"), [(60, False), (64, True)])
def test_a_retry_stays_within_the_total_deadline(exchange, clock, spent, raised):
    exchange.start()
    clock.now += spent
    error = ProviderError("busy", kind="rate_limit", status=429, headers={"retry-after": "37"})
    if raised:
        with pytest.raises(ProviderError):
            exchange.failed(error)
    else:
        assert exchange.failed(error) == 37
    assert error.retry_after == 37


def test_a_retry_after_beyond_max_wait_is_raised_with_it(exchange):
    exchange.start()
    with pytest.raises(ProviderError) as caught:
        exchange.failed(ProviderError("busy", kind="rate_limit", status=429, headers={"retry-after": "51"}))
    assert caught.value.retry_after == 51


def test_an_attempt_begins_with_nothing_of_the_last_one(exchange):
    exchange.start()
    exchange.head(OK)
    exchange.feed(b'data: {"u": {"i": 1}}\n\n')
    exchange.failed(fresh(LOST))
    exchange.start()
    exchange.head(OK)
    exchange.feed(TEXT + END)
    exchange.finish()
    assert exchange.response.usage.input_tokens is None


SIGNED = (
    ("{type: aws_sigv4, service: s, region: r, access_key: k, secret_key: k}", "x-amz-date"),
    ('{type: jwt, algorithm: HS256, key: k, claims: {exp: "{{ now() + 5 }}"}}', "authorization"),
    ('{type: header, name: x-nonce, value: "{{ uuid4() }}"}', "x-nonce"),
)


@pytest.mark.parametrize(("auth", "header"), SIGNED)
def test_another_try_is_signed_anew_and_says_the_same(clock: Clock, auth: str, header: str) -> None:
    file = FILE.replace("payload: {m", 'headers: {x-key: "{{ uuid4() }}"}\npayload: {id: "{{ uuid4() }}", m')
    numbers = itertools.count()
    helpers = Helpers(clock, lambda: next(numbers).to_bytes(16, "big"))
    provider = Provider(load_text(f"{file}secrets: {{k: {{env: [ACME_KEY]}}}}\nauth: {auth}\n"), helpers)
    request = ChatRequest.of("hi", extra_headers={"x-mine": "1"})
    call = provider.call(request, Deployment(environ={"ACME_KEY": "secret-1234"}))
    exchange = Exchange(provider, call, TIMEOUTS, clock, lambda: 1.0)
    first = exchange.start()
    clock.now += 7
    exchange.failed(LOST)
    second = exchange.start()
    assert (second.method, second.url, second.content) == (first.method, first.url, first.content)
    assert [name for name, _ in second.headers.pairs] == [name for name, _ in first.headers.pairs]
    changed = {name for name in first.headers if first.headers[name] != second.headers[name]}
    assert header in changed
    assert changed <= {header, "authorization"}  # the key of the file's own is the same for every try


def test_a_request_that_is_not_signed_is_the_same_in_every_try(exchange: Exchange) -> None:
    first = exchange.start()
    exchange.failed(LOST)
    assert exchange.start() is first
