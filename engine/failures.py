"""A refusal -> ProviderError: the file's error rules first, then what the status means by itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from .answer import Refused
from .characters import printable
from .errors import ProviderError
from .paths import MISSING, Path, first_of
from .rules import Test, compile_condition
from .spec import Condition, ErrorRule
from .wire import Headers, ResponseHead

Hide = Callable[[str], str]

MAX_BODY_SHOWN = 2000
MAX_MESSAGE = 500
MAX_CODE = 100

KIND_BY_STATUS: Final[Mapping[int, str]] = {
    400: "bad_request",
    401: "auth",
    402: "quota",
    403: "permission",
    404: "not_found",
    408: "timeout",
    413: "context_length",
    422: "bad_request",
    429: "rate_limit",
    529: "overloaded",
}

NEXT_STEP: Final[Mapping[str, str]] = {
    "auth": "check the key",
    "permission": "check what the key may do",
    "rate_limit": "wait and try again",
    "quota": "check the account's balance",
    "context_length": "send less",
    "bad_request": "check the parameters with `wirefile render`",
    "not_found": "check the model's name and the file's path",
    "overloaded": "try again later",
    "unavailable": "try again later",
    "timeout": "try again",
    "content_filter": "rephrase the prompt",
    "protocol": "check the file's url and path",
    "empty": "try again",
}

_MESSAGES = [
    Path(path).get
    for path in (
        "error.message",
        "message",
        "error_msg",
        "detail",
        "detail.0.msg",
        "detail.message",
        "errors.0.message",
        "error",
        "title",
    )
]
_NOT_READ = Refused(None)
_CODE = first_of(["error.code", "error.type", "code", "error_code", "errors.0.code"])
_TITLE = re.compile(r"<(?:title|message)\b[^>]{0,200}>([^<]{0,2000})", re.IGNORECASE)


def kind_of(status: int) -> str:
    """What a status means when the file does not say.

    >>> kind_of(429), kind_of(503), kind_of(418)
    ('rate_limit', 'unavailable', 'bad_request')
    """
    if status in KIND_BY_STATUS:
        return KIND_BY_STATUS[status]
    if status >= 500:
        return "unavailable"
    return "bad_request" if status >= 400 else "protocol"


class Failures:
    """A file's error rules, compiled."""

    def __init__(self, rules: tuple[ErrorRule, ...]) -> None:
        self._file_rules = rules
        self._rules = [_CompiledRule(rule) for rule in rules]
        self._by_status: dict[int, list[_CompiledRule]] = {}

    def suspects(self) -> tuple[Condition, ...]:
        """The conditions without which no rule holds for a frame of an answer with status 200."""
        asked = [
            rule for rule in self._file_rules if not rule.statuses or any(_status_is(s, 200) for s in rule.statuses)
        ]
        return tuple(rule.body + rule.frame for rule in asked if rule.body or rule.frame)

    def match(self, head: ResponseHead, event: str | None, data: Any, *, in_stream: bool) -> _CompiledRule | None:
        """The first rule that holds."""
        return next((rule for rule in self._for(head.status) if rule.holds(head, event, data, in_stream)), None)

    def _for(self, status: int) -> list[_CompiledRule]:
        """The rules that may hold with a status: every frame of an answer asks."""
        if status not in self._by_status:
            self._by_status[status] = [rule for rule in self._rules if rule.admits(status)]
        return self._by_status[status]

    def knows(self, error: ProviderError) -> bool:
        """Whether a rule holds for a refusal that was met already, as far as it has been kept."""
        head = ResponseHead(error.status or 0, Headers(error.headers.items()))
        return self.match(head, None, _maybe_json(error.body), in_stream=False) is not None

    def refusal(self, head: ResponseHead, body: bytes, hide: Hide = str) -> ProviderError:
        """The error for a response that is none: a status that refuses, or an error where an answer was due.

        `hide` takes the secrets out of a text.
        """
        text, data = body.decode("utf-8", "replace"), data_of(body)
        return self._error(self.match(head, None, data, in_stream=False), head, data, text, hide)

    def in_body(
        self, head: ResponseHead, event: str | None, data: Any, hide: Hide = str, *, in_stream: bool
    ) -> ProviderError | None:
        """The error that a frame, or a whole body with status 200, holds; None when it holds none."""
        rule = self.match(head, event, data, in_stream=in_stream)
        if rule is None and not _looks_like_error(event, data):
            return None
        return self._error(rule, head, data, _to_text(data), hide)

    def in_rule(self, head: ResponseHead, data: Any, read: Refused, hide: Hide = str) -> ProviderError:
        """The error that a rule of the answer read in a frame, which no error rule has known."""
        return self._error(None, head, data, _to_text(data), hide, read)

    def _error(
        self,
        rule: _CompiledRule | None,
        head: ResponseHead,
        data: Any,
        text: str,
        hide: Hide,
        read: Refused = _NOT_READ,
    ) -> ProviderError:
        inner = {"error": read.value}
        code = (rule.code(data) if rule else None) or read.code or _CODE(inner) or _CODE(data)
        kind = rule.kind if rule else read.kind or kind_of(_status_meant(head.status, code))
        words = (
            _one_line(rule.message(data) if rule else None, hide)
            or _one_line(read.message, hide)
            or said(inner, "", hide)
            or said(data, text, hide)
        )
        hint = NEXT_STEP.get(kind, "")
        status = f"HTTP {head.status}" if head.status >= 300 else "an error in the answer"
        message = f"the provider refused ({kind}, {status})" + (f": {words}" if words else "")
        wait = rule.retry_after(data) if rule else None
        return ProviderError(
            message + (f"; {hint}" if hint else ""),
            kind=kind,
            status=head.status,
            code=_one_line(str(code), hide)[:MAX_CODE] or None if _is_code(code) else None,
            retry_after=_seconds(wait),
            headers=dict(head.headers),
            body=printable(hide(text)[:MAX_BODY_SHOWN]),
        )


class _CompiledRule:
    def __init__(self, rule: ErrorRule) -> None:
        self.kind = rule.kind
        self._statuses = rule.statuses
        self._header = compile_condition(rule.header, lambda name: lambda headers: headers.get(name, MISSING))
        self._body: Test | None = compile_condition(rule.body) if rule.body else None
        self._frame: Test | None = compile_condition(rule.frame) if rule.frame else None
        self._has_header = bool(rule.header)
        self.message = _reader(rule.message)
        self.code = _reader(rule.code)
        self.retry_after = _reader(rule.retry_after)

    def admits(self, status: int) -> bool:
        """Whether its predicates on the status hold."""
        return not self._statuses or any(_status_is(wanted, status) for wanted in self._statuses)

    def holds(self, head: ResponseHead, event: str | None, data: Any, in_stream: bool) -> bool:
        """All predicates but those on the status hold; one on a frame holds only in a stream."""
        if self._has_header and not self._header(None, head.headers):
            return False
        if self._body is not None and not self._body(event, data):
            return False
        if self._frame is not None:
            return in_stream and self._frame(event, data)
        # A rule on nothing but a status or a header says nothing about an answer that was not refused.
        return self._body is not None or head.status >= 300


def _status_meant(status: int, code: Any) -> int:
    """The status of a refusal; of one inside an answer, the code that it has where that is a status of HTTP."""
    is_status = status < 300 and _is_code(code) and re.fullmatch(r"[45][0-9][0-9]", str(code))
    return int(code) if is_status else status


def _is_code(code: Any) -> bool:
    return isinstance(code, str | int) and not isinstance(code, bool)


def _reader(paths: tuple[str, ...]) -> Callable[[Any], Any]:
    return first_of(paths) if paths else lambda data: None


def _status_is(wanted: int | str, status: int) -> bool:
    return status == wanted if isinstance(wanted, int) else str(status)[0] == wanted[0]


def _looks_like_error(event: str | None, data: Any) -> bool:
    if event == "error":
        return True
    if not isinstance(data, dict):
        return False
    error = data.get("error")
    return data.get("object") == "error" or (isinstance(error, dict | str) and bool(error))


def _maybe_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def data_of(body: bytes) -> Any:
    """The JSON of a refusal, None where it is none. Where an answer would have been a list, it may be a list of one."""
    data = _maybe_json(body.decode("utf-8", "replace"))
    return data[0] if type(data) is list and len(data) == 1 else data


def _to_text(data: Any) -> str:
    try:
        text = json.dumps(data, ensure_ascii=False) if data is not None else ""
    except RecursionError:
        return ""
    return text.encode("utf-8", "replace").decode()  # half a surrogate pair could not be printed


def said(data: Any, text: str = "", hide: Hide = str) -> str:
    """What an error says, on one line: where APIs put it, else the title of a page, or the body as it is."""
    for part in data if type(data) is list else [data]:
        line = next((line for get in _MESSAGES if (line := _one_line(get(part), hide))), "")
        if line:
            return line
    if data is not None:
        return _one_line(data if type(data) is str else text if data or data == 0 else "", hide)
    title = _TITLE.search(text)
    return _one_line(title[1] if title else "" if text.lstrip()[:1] == "<" else text, hide)


def _one_line(value: Any, hide: Hide) -> str:
    if not isinstance(value, str):
        return ""
    line = "".join(char if char.isprintable() else " " for char in hide(value)[: MAX_MESSAGE * 4])
    line = " ".join(line.split())
    return line if len(line) <= MAX_MESSAGE else line[: MAX_MESSAGE - 3] + "..."


def _seconds(value: Any) -> float | None:
    if isinstance(value, str):
        match = re.fullmatch(r"\s*([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*s?\s*", value)
        value = float(match[1]) if match else None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9:
        return float(value)
    return None
