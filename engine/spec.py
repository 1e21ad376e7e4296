"""ProviderSpec: a provider file as frozen values. No YAML, no schema and no templates are in sight here.

Every field means what `schemas/provider.schema.json` says of the key of that name; defaults come from there too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, Self

from .shaping import MessageShaping, PartShaping, ToolShaping


@dataclass(frozen=True, slots=True)
class Patch:
    """Which models a patch is for, as patterns of names, and where it is written; what it says is in `tree`."""

    match: tuple[str, ...]
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Models:
    """Which models the service takes; without `allow`, any. `patches` are in the order in which they are laid on."""

    default: str | None = None
    allow: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    patches: tuple[Patch, ...] = ()


ParamType = Literal["string", "number", "integer", "boolean", "array", "object"]


@dataclass(frozen=True, slots=True)
class Param:
    """A call parameter: the types of its value, its bounds, and what happens beyond them."""

    type: tuple[ParamType, ...]
    has_default: bool = False
    default: Any = None
    min: float | None = None
    max: float | None = None
    enum: tuple[Any, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    optional: bool = False
    out_of_range: Literal["error", "clamp"] = "error"
    maps_to: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """A value of a deployment; the only thing that may vary a URL's host."""

    type: Literal["string", "integer"] = "string"
    env: str | None = None
    default: str | int | None = None
    enum: tuple[str | int, ...] = ()
    optional: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class SecretSource:
    """The environment variables that may hold a secret, in order.

    With `json`, a dotted path, a variable holds the name of a JSON file, and the secret is at that path in it.
    """

    env: tuple[str, ...]
    optional: bool = False
    json: str | None = None


SECRET_KEYS: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "bearer": ("secret",),
    "header": ("secret",),
    "query": ("secret",),
    "basic": ("user", "password"),
    "body": ("secret",),
    "jwt": ("key",),
    "aws_sigv4": ("access_key", "secret_key"),
    "oauth2": (),
}
"""The keys of each kind of authentication that name a secret."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as templates; `payload` is a tree, `encoding` how it becomes a body.

    An empty `url` is the file's own. `follow` is a whole URL in place of url and path, out of an earlier reply.
    """

    method: str = "GET"
    url: str = ""
    path: str = ""
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, Any] = field(default_factory=dict)
    payload: Any = None
    encoding: Literal["json", "form", "multipart", "text"] = "json"
    follow: str | None = None


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """Where an access token comes from, and when it is used up.

    `value` and `expires` are paths in the reply; `is_date` says that `expires` is a moment since 1970 and no duration,
    `unit` how many of it make a second. `refresh` holds what says, beside a status 401, that a token is used up.
    """

    request: Request
    value: tuple[str, ...]
    expires: tuple[str, ...] = ()
    is_date: bool = False
    unit: float = 1.0
    refresh: tuple[ErrorRule, ...] = ()
    assertion: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Auth:
    """One way to authenticate: `type` names it, `options` are its other keys.

    `read` names the secrets that its templates read.
    """

    type: str
    options: Mapping[str, Any] = field(default_factory=dict)
    read: tuple[str, ...] = ()
    token: TokenRequest | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """The declared secrets that it cannot do without."""
        named = (self.options[key] for key in SECRET_KEYS[self.type] if key in self.options)
        return tuple(dict.fromkeys((*named, *self.read)))

    @property
    def extra_secrets(self) -> tuple[str, ...]:
        """The declared secrets that it sends when they are there: temporary AWS credentials come with a token."""
        return (self.options["session_token"],) if "session_token" in self.options else ()

    @property
    def header(self) -> str | None:
        """The header that carries the credential, in lower case; None where another part of the request does."""
        send = self.options.get("send", {})
        if self.type in ("none", "query", "body") or "query" in send:
            return None
        named = send.get("header") if self.type != "header" else self.options["name"]
        return (named or "authorization").lower()


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison: `subject` is a path, a list of them, a header's name, or None for the frame's event name.

    `of_slot` says that it compares the kind that the slot remembers instead.
    """

    subject: str | tuple[str, ...] | None
    operator: Literal["equals", "in", "exists", "contains", "regex"]
    operand: Any
    of_slot: bool = False


Condition = tuple[Comparison, ...]
"""All of them must hold; an empty one always does."""


@dataclass(frozen=True, slots=True)
class SlotMap:
    """Where a frame says which block it belongs to (`key`), and of what kind that block is (`kind`)."""

    key: tuple[str, ...]
    kind: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CarryMap:
    """Where an opaque value is, and its name. A list may come in pieces: see blocks.Carried."""

    name: str
    paths: tuple[str, ...]
    by: tuple[str, ...] = ()
    append: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Think:
    """The tags around reasoning in the text; unless `anywhere`, only the text's start can open it."""

    open: str
    close: str
    anywhere: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """What to read out of a frame: `yields` holds pairs of a yield's name and what the file says of it.

    `slot` says where the key of the block is that a frame belongs to, and its kind when the frame tells it; `carry`
    where the opaque values are that belong to what is read.
    """

    when: Condition = ()
    each: str | None = None
    yields: tuple[tuple[str, Any], ...] = ()
    rules: tuple[Rule, ...] = ()
    slot: SlotMap | None = None
    carry: tuple[CarryMap, ...] = ()


@dataclass(frozen=True, slots=True)
class End:
    """What shows that an answer is whole: any of these."""

    texts: frozenset[str] = frozenset()
    conditions: tuple[Condition, ...] = ()
    finish: bool = False
    body: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """One form of an answer: how it is framed, unwrapped, read, and when it is whole.

    `other_codecs` are framings in which the same frames may come instead.
    """

    codec: str
    unwrap: tuple[str | Mapping[str, str], ...]
    rules: tuple[Rule, ...]
    end: End
    other_codecs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UsageMap:
    """Where each counter is, as lists of paths, and what the API's totals leave out.

    A counter in `sums` is the sum of several, each where one of its paths leads.
    """

    counters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    output_excludes_reasoning: bool = False
    sums: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Response:
    """How answers are read: as a stream, as a whole, or either."""

    stream: Reading | None
    whole: Reading | None
    finish: Mapping[str, str | None] = field(default_factory=dict)
    usage: UsageMap = field(default_factory=UsageMap)
    think: Think | None = None

    def asks_for_stream(self, wanted: bool) -> bool:
        """Whether a call asks for a stream: as it wants, unless the file can read only the other form of an answer.

        Plain text is read the same in either form.
        """
        is_a_choice = self.stream is not None and (self.whole is not None or self.stream.codec == "text")
        return wanted if is_a_choice else self.stream is not None


@dataclass(frozen=True, slots=True)
class ErrorRule:
    """A refusal that the file knows: predicates, our kind, and where its words are."""

    kind: str
    statuses: tuple[int | str, ...] = ()
    header: Condition = ()
    body: Condition = ()
    frame: Condition = ()
    message: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    retry_after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Read:
    """Where a reply holds a value: `where` is a path in its JSON, the name of a header or cookie, or a pattern."""

    source: Literal["json", "header", "cookie", "regex"]
    where: str


@dataclass(frozen=True, slots=True)
class Poll:
    """Send a request again `every` so many seconds, for at most `seconds`, until its reply says that all is done."""

    until: Condition
    fail: Condition
    every: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Step:
    """A request before the main one, and what later templates read of its reply.

    `expires_in` is seconds, or a path in the reply that holds them: the values are kept for later calls.
    """

    name: str
    request: Request
    read: Mapping[str, Read] = field(default_factory=dict)
    expires_in: float | str | None = None
    poll: Poll | None = None
    cleanup: Request | None = None


@dataclass(frozen=True, slots=True)
class Host:
    """A host that a URL in a reply may lead to: a name, or `*.` and a suffix; `auth`: credentials go there too."""

    name: str
    auth: bool = False


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Retries after the first attempt, and the waits between them in seconds."""

    max: int
    base: float
    cap: float
    max_wait: float
    idempotent: bool


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Deadlines in seconds; `pool` bounds the wait for a connection slot, the others start when it is held."""

    connect: float
    first_byte: float
    idle: float
    total: float
    pool: float


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps on one event and on the whole body, in bytes."""

    event_bytes: int
    body_bytes: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What the service answers in an example: pieces of the body, as they arrive."""

    status: int
    headers: Mapping[str, str]
    chunks: tuple[bytes, ...]

    @property
    def body(self) -> bytes:
        """All of the body."""
        return b"".join(self.chunks)


@dataclass(frozen=True, slots=True)
class StepExample:
    """A request before the main one in an example, and the reply to it."""

    request: Mapping[str, Any]
    reply: Reply


@dataclass(frozen=True, slots=True)
class Example:
    """A call, the request it becomes, the reply to it and what is read out of that.

    `file` and `line` are where it is written, which may be a file that this one extends.
    """

    name: str
    messages: Any
    model: str | None
    stream: bool
    settings: Mapping[str, Any]
    tools: tuple[Mapping[str, Any], ...]
    tool_choice: Any
    params: Mapping[str, Any]
    request: Mapping[str, Any]
    reply: Reply
    expect: Mapping[str, Any]
    file: str
    line: int
    steps: tuple[StepExample, ...] = ()


class _Later:
    """A value that may be made only when something of it is first looked at."""

    __slots__ = ("_make",)

    @classmethod
    def later(cls, make: Callable[[], Self]) -> Self:
        """A value that is the one that `make` will give; what it raises, the first look does."""
        value = cls.__new__(cls)
        object.__setattr__(value, "_make", make)
        return value

    if not TYPE_CHECKING:  # for the type checker every attribute would be there

        def __getattr__(self, name: str) -> Any:
            """An attribute that is not set: all of them are, once `_make` is called."""
            try:
                make = object.__getattribute__(self, "_make")
            except AttributeError:
                pass  # it was made at once, or meanwhile by another thread
            else:
                made = make()
                for each in fields(made):
                    object.__setattr__(self, each.name, getattr(made, each.name))
                with suppress(AttributeError):
                    object.__delattr__(self, "_make")
            return object.__getattribute__(self, name)


@dataclass(frozen=True, slots=True)
class ProviderSpec(_Later):
    """A valid provider file. `file` is where it came from, `tree` its plain data.

    >>> from engine import Catalog
    >>> spec = Catalog().spec("acytoo")
    >>> spec.url, spec.models.default, spec.params["temperature"].max, spec.working
    ('https://chat.acytoo.com', 'gpt-3.5-turbo', 2, False)
    """

    name: str
    title: str
    is_abstract: bool
    file: str
    flags: Mapping[str, bool]
    models: Models
    params: Mapping[str, Param]
    unknown_params: Literal["error", "forward", "drop"]
    settings: Mapping[str, Setting]
    secrets: Mapping[str, SecretSource]
    auth: tuple[Auth, ...]
    url: str
    path: str
    method: str
    query: Mapping[str, Any]
    headers: Mapping[str, Any]
    payload: Any
    encoding: Literal["json", "form", "multipart", "text"]
    messages: MessageShaping | None
    parts: PartShaping | None
    tools: ToolShaping | None
    steps: tuple[Step, ...]
    follow: str | None
    poll: Poll | None
    hosts: tuple[Host, ...]
    response: Response
    errors: tuple[ErrorRule, ...]
    retry: RetryPolicy
    timeout: Timeouts
    limits: Limits
    examples: tuple[Example, ...]
    tree: Mapping[str, Any] = field(repr=False)

    @property
    def working(self) -> bool:
        """Whether the file says that the service answers today."""
        return self.flags.get("working", True)

    @property
    def request(self) -> Request:
        """The main request: the one whose reply is the answer."""
        parts = (self.path, self.query, self.headers, self.payload, self.encoding, self.follow)
        return Request(self.method, self.url, *parts)
