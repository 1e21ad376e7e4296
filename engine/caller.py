"""What both clients share: the caller's decisions, and how a call becomes an exchange."""

from __future__ import annotations

import random
import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .catalog import Catalog
from .chat_request import ChatRequest
from .deployment import ENVIRONMENT, Deployment
from .errors import ParameterError, TransportError, UsageError
from .exchange import Exchange
from .headers import veil
from .hosts import is_loopback
from .messages import ChatResponse, Messages
from .provider import Provider
from .retry import RetryBudget
from .secrets import Hidden, shown, veiled_url
from .spec import Timeouts
from .steps import StepCache
from .suggest import did_you_mean
from .wire import WireRequest

if TYPE_CHECKING:
    from .recording import Recorder


class Caller:
    """Finds the provider, renders the call, makes the exchange."""

    def __init__(
        self,
        catalog: Catalog | None = None,
        *,
        base_urls: Mapping[str, str] | None = None,
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        secrets: Mapping[str, Mapping[str, str]] | None = None,
        http_client: Any = None,
        max_connections: int = 100,
        proxy: str | None = None,
        timeout: float | Mapping[str, float] | None = None,
        allow_env: Collection[str] = (),
        strict: bool = False,
        cache: StepCache | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        # Before anything can fail: what stands in the frames of a call shows in tracebacks.
        secrets, refusal = _hidden(secrets)
        proxy = veiled_url(proxy)
        if isinstance(base_urls, Mapping):
            base_urls = {name: veiled_url(url) for name, url in base_urls.items()}
        if refusal is not None:
            raise refusal
        if not isinstance(max_connections, int) or max_connections < 1:
            raise UsageError("max_connections is at least 1")
        if http_client is not None and proxy is not None:
            raise UsageError("give the proxy to your own http_client, or leave http_client out")
        if catalog is not None and allow_env:
            raise UsageError("give allow_env to your own Catalog: Catalog(..., allow_env=[...])")
        self.catalog = catalog if catalog is not None else Catalog(allow_env=allow_env)
        self._base_urls = _by_provider("base_urls", base_urls, object, "a URL")
        self._settings = _by_provider("settings", settings, Mapping, "a mapping of settings")
        self._secrets = secrets
        self._http_client = http_client
        self._owns_http_client = http_client is None
        self._max_connections = max_connections
        self._proxy = proxy
        self._timeout = _deadlines(timeout)
        self._strict = strict
        self._cache = cache if cache is not None else StepCache()
        self._recorder = recorder
        self._closed = False
        self._known_names: set[str] = set()
        self._unheard = True  # whether a name of the caller's decisions may be that of no provider
        self._budgets: dict[str, RetryBudget] = {}
        self._deployments: dict[tuple[str, str], Deployment] = {}
        self._prepare()

    def _prepare(self) -> None:
        """What a driver needs beside this; its signature is the one above."""

    def exchange(
        self, provider: str, messages: Messages, model: str | None, stream: bool, params: dict[str, Any]
    ) -> Exchange:
        """A call that is ready to start. Raises UsageError or SpecError."""
        veil(params)
        name = self.refuse_unusable(provider, params)
        named_model = str.__str__(provider).partition(":")[2]
        if not (model is None or isinstance(model, str)):
            raise ParameterError(f"model is a name, not a value of type {type(model).__name__}")
        redirected = name in self._base_urls or (bool(self._base_urls) and Path(name).stem in self._base_urls)
        found = self.catalog.provider(name, redirected=redirected)
        self._refuse_misspelt({name, found.name})
        asked = str.__str__(model) if model else named_model or None
        patched = found.for_model(asked)
        stream = patched.spec.response.asks_for_stream(stream)
        request = ChatRequest.of(messages, asked, stream=stream, **params)
        deployment = self._deployment(name, found.name)
        call = found.call(request, deployment)
        tape = self._recorder.begin(found, request, deployment) if self._recorder is not None else None
        budget = self._budgets.get(found.name) or self._budgets.setdefault(found.name, RetryBudget())
        clocks = time.monotonic, random.random
        return Exchange(patched, call, self._timeouts(patched), *clocks, cache=self._cache, tape=tape, budget=budget)

    def refuse_unusable(self, provider: str, params: Mapping[str, Any]) -> str:
        """The name in the words of a call; raises UsageError for what is wrong with these whatever the file says."""
        if self._closed:
            raise UsageError("this client is closed; make a new one")
        if not isinstance(provider, str):
            raise UsageError("the provider is a name, or name:model; give it as text")
        if "stream" in params:
            raise ParameterError("'stream' is no parameter of a call; stream() asks for a stream, chat() for the whole")
        return str.__str__(provider).partition(":")[0]

    def _deployment(self, asked: str, name: str) -> Deployment:
        """What the caller decided, under the name of the call (which may be a path) or under the file's own.

        It is kept: the decisions are made once, and whatever may change in them is read where it is used.
        """
        known = self._deployments.get((asked, name))
        if known is not None:
            return known

        def given(decisions: Mapping[str, Any], default: Any = None) -> Any:
            decision = decisions[asked] if asked in decisions else decisions.get(name)
            return default if decision is None else decision

        settings, secrets = given(self._settings, {}), given(self._secrets, {})
        deployment = Deployment(given(self._base_urls), settings, secrets, ENVIRONMENT, strict=self._strict)
        self._deployments[asked, name] = deployment
        return deployment

    def _refuse_misspelt(self, called: set[str]) -> None:
        """Raise UsageError where a decision is under a name that no provider has: it would never be heard of again."""
        if not self._unheard:
            return
        self._known_names |= called
        for what, decisions in (
            ("base_urls", self._base_urls),
            ("settings", self._settings),
            ("secrets", self._secrets),
        ):
            for name in decisions.keys() - self._known_names:
                if name not in self.catalog:
                    hint = did_you_mean(name, {*self.catalog.names(), *called}) or "see `wirefile list`"
                    raise UsageError(f"{what} names a provider '{name}', which there is not; {hint}")
                self._known_names.add(name)
        self._unheard = False

    def _timeouts(self, provider: Provider) -> Timeouts:
        timeouts = provider.spec.timeout
        return replace(timeouts, **self._timeout) if self._timeout else timeouts

    def refuse_open_proxy(self, wire: WireRequest) -> None:
        """Raise UsageError where a proxy on another machine would be told a secret: only a tunnel to https hides it."""
        if self._proxy is None or not wire.has_secret or not wire.origin.startswith("http:"):
            return
        if not is_loopback(urlsplit(shown(self._proxy)).hostname):
            raise UsageError(f"a secret for {wire.origin} is not sent over http through a proxy; leave the proxy out")

    def no_slot(self, timeouts: Timeouts) -> TransportError:
        """The error for a wait that ended before a slot was free."""
        message = f"no connection slot was free within {timeouts.pool:g} s; raise max_connections or timeout.pool"
        return TransportError(message, kind="timeout", phase="pool")


def _by_provider(what: str, given: Any, kind: type[Any], due: str) -> dict[str, Any]:
    """A decision of the caller's for each provider that it names. Raises UsageError, which shows no value."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise UsageError(f"{what} is a mapping of providers' names, each with {due}")
    for name, value in given.items():
        if not isinstance(name, str):
            raise UsageError(f"{what} names a provider with a value of type {type(name).__name__}, where text is due")
        if not (value is None or isinstance(value, kind)):
            raise UsageError(f"{what} has a value of type {type(value).__name__} for '{name}', where {due} is due")
    return dict(given)


def _hidden(secrets: Any) -> tuple[dict[str, Any], UsageError | None]:
    """The caller's secrets by provider, of which none shows; and what is wrong with them."""
    try:
        given = _by_provider("secrets", secrets, Mapping, "a mapping of secrets")
    except UsageError as error:
        return {}, error.with_traceback(None)
    return {name: None if values is None else Hidden(values) for name, values in given.items()}, None


def _deadlines(timeout: float | Mapping[str, float] | None) -> dict[str, float]:
    """The caller's deadlines by their names in the file; one number is the total. Raises UsageError."""
    given = {} if timeout is None else dict(timeout) if isinstance(timeout, Mapping) else {"total": timeout}
    known = Timeouts.__dataclass_fields__
    for name, seconds in given.items():
        is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        if name not in known or not is_number or not 0 < seconds <= 3600:
            raise UsageError(f"timeout is seconds in (0, 3600], or a mapping of: {', '.join(known)}")
    return given


NOT_ENDED = "the stream has not ended; read it to its end, or take `partial`"


def whole_answer(exchange: Exchange) -> ChatResponse:
    """The answer of an exchange that is done; a part is never given as an answer."""
    if not exchange.is_done:
        raise UsageError(NOT_ENDED)
    return exchange.response
