"""What all calls to one provider may try again together: a server that is down is left alone."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from engine import AsyncClient, Catalog, Client
from engine.errors import EngineError, ProviderError
from engine.retry import RetryBudget, wait_before_retry
from engine.spec import RetryPolicy
from engine.testing import FIN, Again, FaultServer, whole

from .doors import KINDS
from .faults import fault
from .quickfiles import TEXT
from .test_faults_retries import FAST, RETRIES

pytestmark = pytest.mark.usefixtures("few_authorities")

FILES = {
    "plain": f"{TEXT}\nretry: {{{FAST}}}",
    "other": f"{TEXT}\nretry: {{{FAST}}}",
    "many": f"{TEXT}\nretry: {{{FAST}, max: 6}}",
}


def count_requests(kind: str, catalog: Catalog, url: str, calls: int) -> Counter[int]:
    """How often calls to a dead server were begun, by the number of their attempts."""
    if kind == "sync":
        with Client(catalog, base_urls={"plain": url}) as client:

            def attempts(_: int) -> int:
                with pytest.raises(EngineError) as caught:
                    client.chat("plain", "hi")
                return caught.value.attempts

            with ThreadPoolExecutor(8) as threads:
                return Counter(threads.map(attempts, range(calls)))

    async def run() -> Counter[int]:
        async with AsyncClient(catalog, base_urls={"plain": url}, max_connections=8) as client:
            calling = (client.chat("plain", "hi") for _ in range(calls))
            errors = await asyncio.gather(*calling, return_exceptions=True)
        assert all(isinstance(error, ProviderError) for error in errors)
        return Counter(error.attempts for error in errors)

    return asyncio.run(run())


@fault(RETRIES, "many calls to a server that is down", "at most 1.1 times as many requests as calls (and 3 a minute)")
@pytest.mark.parametrize("kind", KINDS)
def test_a_dead_server_is_left_alone(kind, catalog):
    calls = 200
    with FaultServer([whole(b"busy", 503), Again()]) as server:
        attempts = count_requests(kind, catalog, server.url, calls)
        sent = len(server.requests)
    assert sum(tries * count for tries, count in attempts.items()) == sent
    assert calls < sent <= calls * 1.1 + RetryBudget.LEAST


@fault(RETRIES, "one call alone with a file that allows more than three retries", "all of them")
def test_one_call_may_do_what_its_file_says(call):
    with FaultServer([whole(b"busy", 503, connection="close"), FIN()]) as server:
        assert call(server, "many").error.attempts == 7


@fault(RETRIES, "one provider that is down beside others", "the others keep their own retries")
def test_providers_have_budgets_of_their_own(catalog):
    with FaultServer([whole(b"busy", 503), Again()]) as server:
        urls = dict.fromkeys(("plain", "other"), server.url)
        with Client(catalog, base_urls=urls) as client:

            def attempts(name: str) -> int:
                with pytest.raises(ProviderError) as caught:
                    client.chat(name, "hi")
                return caught.value.attempts

            assert [attempts("plain") for _ in range(4)] == [3, 2, 1, 1]
            assert attempts("other") == 3


POLICY = RetryPolicy(max=2, base=0.5, cap=8, max_wait=60, idempotent=False)
REFUSED = ProviderError("x", kind="unavailable", status=503)


def outage(calls: int, seconds: float) -> tuple[int, list[float]]:
    """The requests that a dead server sees of calls over a while, and when the retries of them come."""
    chance, budget = random.Random(5), RetryBudget()
    ahead = sorted((chance.random() * seconds, 1) for _ in range(calls))
    sent, retries = 0, []
    while ahead:
        now, attempt = ahead.pop(0)
        sent += 1
        if attempt == 1:
            budget.began(now)
        else:
            retries.append(now)
        wait = wait_before_retry(POLICY, attempt, REFUSED, chance.random)
        if wait is not None and budget.allows(now, POLICY.max):
            ahead.append((now + wait, attempt + 1))
            ahead.sort()
    return sent, retries


@pytest.mark.parametrize(("calls", "seconds"), [(3000, 0.0), (3000, 10.0), (3000, 600.0)])
def test_thousands_of_calls_to_a_dead_server(calls, seconds):
    sent, retries = outage(calls, seconds)
    minutes = 1 + seconds / RetryBudget.SECONDS
    assert calls < sent <= calls * 1.1 + RetryBudget.LEAST * minutes
    if seconds == 0.0:
        buckets = Counter(int(when * 10) for when in retries)
        assert max(buckets.values()) <= 3 * len(retries) / len(buckets)
        assert len(buckets) >= 5


def test_a_budget_forgets_after_a_minute():
    budget = RetryBudget()
    budget.began(100.0)
    assert [budget.allows(100.5) for _ in range(4)] == [True, True, True, False]
    assert not budget.allows(159.9)
    assert budget.allows(160.0)


def test_a_budget_is_a_tenth_of_the_requests():
    budget = RetryBudget()
    for _ in range(105):
        budget.began(7.0)
    assert sum(budget.allows(8.0) for _ in range(50)) == 10
    for _ in range(100):
        budget.began(50.0)
    assert sum(budget.allows(51.0) for _ in range(50)) == 10
    assert not budget.allows(70.0), "of the last 100 requests ten are spent"


@pytest.mark.parametrize("least", [0, 5])
def test_a_budget_allows_what_one_call_may_do(least):
    budget = RetryBudget()
    budget.began(1.0)
    assert sum(budget.allows(1.0, least) for _ in range(50)) == max(3, least)


def test_a_budget_takes_no_more_memory_for_more_calls():
    budget = RetryBudget()
    for tenth in range(5000):
        budget.began(tenth / 10)
    assert len(budget._counts) <= RetryBudget.SECONDS
    assert all(earlier[0] < later[0] for earlier, later in pairwise(budget._counts))
