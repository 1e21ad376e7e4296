"""The error tree: who must act, one readable line, and errors that survive pickle and copy."""

from __future__ import annotations

import copy
import pickle

import pytest

from engine import errors
from engine.errors import (
    KINDS,
    DecodeError,
    EngineError,
    LimitError,
    MissingSecretError,
    ParameterError,
    Problem,
    Problems,
    ProviderError,
    SpecError,
    StreamError,
    TransportError,
    TruncatedError,
    UnknownProviderError,
    UnsupportedError,
    UsageError,
)
from engine.events import Usage
from engine.messages import ChatResponse

PARTIAL = ChatResponse(text="so far", usage=Usage(1, 2, raw={"in": 1}))
FIRST = Problem("acme.yaml", 14, 13, "unknown-key", "'ulr' is no key", "did you mean 'url'?")
SECOND = Problem("acme.yaml", 20, 1, "missing-key", "'url' is missing")

TREE = {
    UsageError: EngineError,
    UnknownProviderError: UsageError,
    MissingSecretError: UsageError,
    ParameterError: UsageError,
    UnsupportedError: UsageError,
    SpecError: EngineError,
    TransportError: EngineError,
    ProviderError: EngineError,
    StreamError: EngineError,
    TruncatedError: StreamError,
    DecodeError: StreamError,
    LimitError: StreamError,
}

EVERY = [
    EngineError("message"),
    UsageError("message"),
    UnknownProviderError("message"),
    MissingSecretError("message"),
    ParameterError("message"),
    UnsupportedError("message"),
    SpecError([FIRST, SECOND]),
    TransportError("message", kind="timeout", phase="idle", partial=PARTIAL),
    ProviderError(
        "message",
        kind="rate_limit",
        status=429,
        code="slow_down",
        retry_after=1.5,
        headers={"a": "b"},
        body="{}",
        partial=PARTIAL,
    ),
    StreamError("message", partial=PARTIAL),
    TruncatedError("message", partial=PARTIAL),
    DecodeError("message"),
    LimitError("message"),
]


def test_the_tree():
    found = {cls: cls.__base__ for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, Exception)}
    found.pop(EngineError)
    assert found == TREE
    assert EngineError.__base__ is Exception
    assert {type(error) for error in EVERY} == {EngineError, *TREE}


@pytest.mark.parametrize("error", EVERY, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy, *(lambda e, p=p: pickle.loads(pickle.dumps(e, p)) for p in range(2, 6))],
)
def test_an_error_survives_pickle_and_copy(error, again):
    error.provider, error.attempts = "acme", 2
    other = again(error)
    assert type(other) is type(error)
    assert other is not error
    assert str(other) == str(error)
    assert other.args == error.args
    assert vars(other) == vars(error)
    other.attempts = 3
    assert error.attempts == 2


def test_what_every_error_has():
    error = UsageError("say it")
    assert (error.message, str(error), error.kind) == ("say it", "say it", "usage")
    assert (error.partial, error.provider, error.attempts) == (None, None, 0)
    assert (error.elapsed, error.request_id) == (0.0, None)
    assert TransportError("x", kind="proxy", status=407).status == 407
    assert TransportError("x", kind="lost").status is None
    assert EngineError("x", kind="other").kind == "other"
    assert EngineError.kind == "error"


def test_kinds():
    kinds = {type(error).__name__: error.kind for error in EVERY}
    assert kinds == {
        "EngineError": "error",
        "UsageError": "usage",
        "UnknownProviderError": "unknown_provider",
        "MissingSecretError": "missing_secret",
        "ParameterError": "parameter",
        "UnsupportedError": "unsupported",
        "SpecError": "spec",
        "TransportError": "timeout",
        "ProviderError": "rate_limit",
        "StreamError": "protocol",
        "TruncatedError": "truncated",
        "DecodeError": "protocol",
        "LimitError": "protocol",
    }
    assert len(set(KINDS)) == len(KINDS)


@pytest.mark.parametrize("char", ["\n", "\r", "\x1b", "\x00", "\u2028", "\u202e", "\ud83d", "\x7f"])
def test_a_message_is_one_line_that_any_terminal_takes(char):
    error = ParameterError(f"no model 'a{char}b' \u2013 Привет")
    assert error.message == str(error) == error.args[0] == "no model 'a b' \u2013 Привет"
    error.message.encode()


def test_a_provider_error_keeps_its_own_headers():
    headers = {"a": "b"}
    error = ProviderError("x", kind="auth", headers=headers)
    headers["a"] = "c"
    assert error.headers == {"a": "b"}
    assert (error.status, error.code, error.retry_after, error.body) == (None, None, None, "")


def test_problem_as_text():
    assert str(FIRST) == "acme.yaml:14:13: unknown-key: 'ulr' is no key; did you mean 'url'?"
    assert str(SECOND) == "acme.yaml:20:1: missing-key: 'url' is missing"


def test_a_spec_error_says_all_of_them_and_its_message_is_one_line():
    error = SpecError(iter([FIRST, SECOND]))
    assert error.problems == (FIRST, SECOND)
    assert str(error) == f"{FIRST}\n{SECOND}"
    assert error.message == f"{FIRST} (and 1 more)"
    assert SpecError([FIRST]).message == str(SpecError([FIRST])) == str(FIRST)
    assert SpecError([]).message == str(SpecError([])) == "the file is not valid"


def test_a_file_name_cannot_forge_a_line_of_a_spec_error():
    forged = Problem("a\nb.yaml", 1, 1, "x", "y")
    assert str(SpecError([forged])) == "a b.yaml:1:1: x: y"


def test_warnings_alone_raise_nothing():
    warning = Problem("a.yaml", 1, 1, "missing-example", "x", severity="warning")
    Problems([]).raise_if_any()
    Problems([warning]).raise_if_any()


def test_problems_are_raised_in_the_order_of_the_file():
    warning = Problem("acme.yaml", 1, 9, "missing-example", "x", severity="warning")
    with pytest.raises(SpecError) as caught:
        Problems([SECOND, FIRST, warning]).raise_if_any()
    assert caught.value.problems == (warning, FIRST, SECOND)
