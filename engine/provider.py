"""Provider: both halves of a file. `render` is the way out, from messages to the exact bytes of a request; `decode`
and `events` are the way home, from the bytes of a response. Both work without any network.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .chat_request import ChatRequest
from .deployment import ENVIRONMENT, Deployment
from .errors import EngineError, ParameterError, UsageError
from .events import Event
from .fitting import patches_for
from .headers import veil
from .messages import ChatResponse, Messages
from .params import model_of
from .secrets import Secret
from .spec import ProviderSpec
from .wire import Headers, ResponseHead, WireRequest

if TYPE_CHECKING:
    from .expressions import Helpers
    from .readers import Readers
    from .rendering import RenderedCall, Renderer
    from .reply import Reply


MAX_PATCHED = 64
"""How many patched forms of one file are kept compiled: a caller may make up names of models."""


class Provider:
    """One provider file, ready to render requests and to decode answers.

    >>> from engine import Catalog
    >>> provider = Catalog().provider("acytoo")
    >>> provider.render("Hi").url
    'https://chat.acytoo.com/api/completions'
    >>> provider.decode(b"Hello").text
    'Hello'
    """

    def __init__(self, spec: ProviderSpec, helpers: Helpers | None = None) -> None:
        """`helpers` are the clock and the randomness of its templates and signatures; by default the real ones."""
        self.spec = spec
        self._helpers = helpers
        self._patched: dict[tuple[int, ...], Provider] = {}
        self._by_model: dict[str | None, Provider] = {}

    def __repr__(self) -> str:
        return f"Provider({self.spec.name!r})"

    @property
    def name(self) -> str:
        """The name that callers say."""
        return self.spec.name

    # --- the way out ---

    def render(
        self,
        messages: Messages,
        model: str | None = None,
        *,
        stream: bool = True,
        settings: Mapping[str, Any] | None = None,
        strict: bool = False,
        **params: Any,
    ) -> WireRequest:
        """The exact request of a call; secrets are in it, and masked in its repr.

        `strict` refuses parameters that would be dropped, clamped, or forwarded without being known.
        Raises ParameterError, MissingSecretError (both UsageError) before anything is sent.
        """
        veil(params)
        deployment = self._here
        if settings is not None or strict:
            settings = {} if settings is None else settings
            deployment = replace(deployment, settings=settings, strict=strict)
        return self.call(ChatRequest.of(messages, model, stream=stream, **params), deployment).wire

    def call(self, request: ChatRequest, deployment: Deployment) -> RenderedCall:
        """A request rendered for a deployment, with what was adjusted on the way."""
        if self.spec.is_abstract:
            raise UsageError(f"{self.name} is a protocol, and no provider; write a file that extends it")
        found = self.for_model(request.model)
        if found.spec.unknown_params == "error":
            for name, value in request.params.items():
                if value is not None and name in self.spec.params and name not in found.spec.params:
                    model = request.model or self.spec.models.default
                    raise ParameterError(f"{self.name} takes no '{name}' for the model '{model}'; leave it out")
        return found._renderer.render(request, deployment)

    def for_model(self, model: str | None = None) -> Provider:
        """This provider as it is for a model, by its name or alias: with every patch of the file that matches.

        Without a model, for the file's default. Raises ParameterError for a model that the file does not allow, and
        SpecError where patches that match it do not go together.
        """
        models = self.spec.models
        if not models.patches or not (model or models.default):
            return self
        known = self._by_model.get(model)
        if known is not None:
            return known
        found = self._patched_for(model)
        if len(self._by_model) >= MAX_PATCHED:
            self._by_model.pop(next(iter(self._by_model)), None)
        self._by_model[model] = found
        return found

    def _patched_for(self, model: str | None) -> Provider:
        models = self.spec.models
        indexes = patches_for([patch.match for patch in models.patches], model_of(self.spec, model))
        if not indexes:
            return self
        if indexes not in self._patched:
            from .loader.variant import spec_for

            if len(self._patched) >= MAX_PATCHED:
                self._patched.pop(next(iter(self._patched)), None)
            self._patched[indexes] = Provider(spec_for(self.spec, indexes), self._helpers)
        return self._patched[indexes]

    @cached_property
    def _here(self) -> Deployment:
        return Deployment(environ=ENVIRONMENT)

    @cached_property
    def _renderer(self) -> Renderer:
        from .rendering import Renderer  # the template engine is imported where something is rendered, not before

        return Renderer(self.spec, self._helpers)

    # --- the way home ---

    @cached_property
    def readers(self) -> Readers:
        """How this file reads answers, compiled."""
        from .failures import Failures  # what reads answers is not needed to show a request
        from .readers import Readers

        return Readers(self.spec.response, Failures(self.spec.errors), self.spec.limits, self.spec.name)

    def known_secrets(self) -> tuple[Secret, ...]:
        """The file's secrets as far as they are set here: what was recorded may say one again, and no message may."""
        return self._here.known(self.spec) if self.spec.secrets else ()

    def decode(
        self,
        chunks: bytes | Iterable[bytes],
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> ChatResponse:
        """The answer in the bytes of a response, or the error that a live call would raise.

        `chunks` is the body, whole or in pieces; any cut gives the same answer.
        """
        reply = self._reply()
        events = recorded(reply, _head(status, headers), chunks)
        chunks = headers = None  # type: ignore[assignment]  # they may hold a key, and a traceback shows this frame
        for _ in events:
            pass
        return reply.response

    def events(
        self,
        chunks: bytes | Iterable[bytes],
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[Event]:
        """The same as an iterator of events; an error is raised after the events that came before it."""
        return recorded(self._reply(), _head(status, headers), chunks)

    def _reply(self) -> Reply:
        from .reply import Reply

        return Reply(self.readers, secrets=self.known_secrets())


def _head(status: int, headers: Mapping[str, str] | None) -> ResponseHead:
    if not isinstance(status, int) or not 100 <= status <= 599:
        raise UsageError("the status of a response is a number from 100 to 599")
    pairs = tuple(headers.items()) if isinstance(headers, Mapping) else () if headers is None else None
    if pairs is None or not all(isinstance(text, str) for pair in pairs for text in pair):
        raise UsageError("the headers of a response are a mapping of names to values, all of them text")
    return ResponseHead(status, Headers(pairs))


def recorded(reply: Reply, head: ResponseHead, chunks: bytes | Iterable[bytes]) -> Iterator[Event]:
    """The events of a response whose bytes are at hand; `reply` then holds its answer. Raises as a live call does."""
    try:
        reply.head(head)
        for chunk in _pieces(chunks):
            yield from reply.feed(chunk)
            if reply.fault is not None:
                raise reply.fault
        yield from reply.finish()
        if reply.fault is not None:
            raise reply.fault
        return
    except EngineError as error:
        from .retry import date_refusal

        date_refusal(error)
        failure = error
    # The frames below, and this one, hold raw bytes of the answer, in which a server may echo the key.
    chunks, chunk, failure.__context__ = b"", b"", None
    raise failure.with_traceback(None)


def _pieces(chunks: Any) -> Iterator[bytes]:
    """The body's pieces, each as bytes. Raises UsageError for what is none: bytes(3) would be three zero bytes."""
    whole = isinstance(chunks, bytes | bytearray | memoryview | str)
    for chunk in [chunks] if whole or not isinstance(chunks, Iterable) else chunks:
        if type(chunk) is not bytes:
            if not isinstance(chunk, bytes | bytearray | memoryview):
                what = type(chunk).__name__
                raise UsageError(f"an answer is read from bytes, or an iterable of bytes, not from {what}")
            chunk = bytes(chunk)
        yield chunk
