"""A rendered payload -> the bytes of a body and their content type. `ENCODINGS` is the table of what there is."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from itertools import count
from typing import Any
from urllib.parse import quote, urlencode

from .errors import ParameterError
from .json_text import fast_json, has_fast_json
from .secrets import shown
from .weight import OF_A_FLOAT, OF_SCALARS, NotPlainError, Weighed, weight

AsText = Callable[[Any], str]

MAX_BODY = 2**27
"""How many characters a payload may have in JSON or as text: a small file that says a long message often is refused
before the body is made. As a form it is an eighth, for each character is looked at, and may become twelve."""

_FIELD = re.compile(r'content-disposition: form-data; name="([^"]*)"', re.IGNORECASE)


def _utf8(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        message = f"the text holds half a character (U+{ord(text[error.start]):04X}), which cannot be sent"
        raise ParameterError(f"{message}; remove it") from None


def to_json(payload: Any, known: Weighed | None = None) -> bytes:
    """Compact JSON in UTF-8, keys in their order. Raises ParameterError for what JSON or UTF-8 cannot say.

    `known` is a list that was weighed before.

    >>> to_json({"b": "Привет", "a": [1, 0.5, None]}).decode()
    '{"b":"Привет","a":[1,0.5,null]}'
    """
    is_alike = _weigh(payload, known)
    if is_alike and next(_WRITTEN) >= FEW and has_fast_json():
        with suppress(Exception):  # what it cannot write is left to the one that says why
            return _fast_encoder()(payload)
    try:
        text = _JSON.encode(payload)
    except (ValueError, TypeError, RecursionError) as error:
        raise ParameterError(f"the payload cannot be written as JSON: {error}") from None
    return _utf8(text)


FEW = 8
"""So many payloads of a process are written without the library of the extra `fast`: to import it takes longer."""

_WRITTEN = count()


@cache
def _fast_encoder() -> Callable[[Any], bytes]:
    encode: Callable[[Any], bytes] = fast_json().json.Encoder().encode
    return encode


class _OddNumber(Exception):
    """A float that some write with an exponent, in different ways, or that is no number."""


def _even(number: float) -> int:
    if number and not 1e-4 <= abs(number) < 1e16:
        raise _OddNumber
    return OF_A_FLOAT


_EVEN = {**OF_SCALARS, float: _even}


def _weigh(payload: Any, known: Weighed | None) -> bool:
    """Whether all in a payload is plain data, and written in the same bytes by whoever writes it.

    Raises ParameterError for one that would make too large a body, naming the key with which it does.
    """
    is_alike = True
    try:
        try:
            size = weight(payload, MAX_BODY, known=known, scalars=_EVEN)
        except _OddNumber:
            size, is_alike = weight(payload, MAX_BODY, known=known), False
        where = _too_much(payload) if size > MAX_BODY else ""
    except NotPlainError:
        return False  # what JSON cannot say is told when it is written
    if where:
        raise ParameterError(f"with {where}, the request has more than {MAX_BODY} characters; send less at once")
    return is_alike


def _too_much(payload: Any) -> str:
    """With what of a payload it becomes too large; nothing where only the keys of a map at its top are too much."""
    if not isinstance(payload, dict):
        return "the payload"
    left = MAX_BODY
    for key, value in payload.items():
        left -= weight(value, left)
        if left < 0:
            return f"payload.{key}"
    return ""


def _unsayable(value: Any) -> Any:
    what = "something that was not given" if type(value).__name__ == "Omitted" else f"a {type(value).__name__}"
    raise ParameterError(f"a list or a map in the payload holds {what}, which JSON cannot say; use `default`")


_JSON = json.JSONEncoder(
    ensure_ascii=False,
    separators=(",", ":"),
    allow_nan=False,
    check_circular=False,  # a payload is built of copies, and weighed before
    default=_unsayable,
)
"""Made once: `json.dumps` makes one for each call that says anything special."""


def _fields(payload: Any, as_text: AsText) -> Iterator[tuple[str, str]]:
    if not isinstance(payload, dict):
        raise ParameterError("a form is made of named fields, and the payload is no map")
    left = MAX_BODY // 8
    for key, value in payload.items():
        try:
            text = as_text(value)
        except ValueError as error:
            raise ParameterError(f"payload.{key} {error}") from None
        left -= len(text)
        if left < 0:
            message = f"with payload.{key}, the form has more than {MAX_BODY // 8} characters; send less at once"
            raise ParameterError(message)
        yield key, text


def _form(payload: Any, as_text: AsText, known: Weighed | None) -> tuple[bytes, str]:
    # https://url.spec.whatwg.org/#urlencoded-serializing, with %20 for a space: every server reads that.
    pairs = [(_utf8(key), _utf8(value)) for key, value in _fields(payload, as_text)]
    return urlencode(pairs, quote_via=quote).encode(), "application/x-www-form-urlencoded"


def _field_name(name: str) -> bytes:
    # https://html.spec.whatwg.org/#multipart-form-data: these three are escaped, all else is as it is.
    return _utf8(name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A"))


def _multipart(payload: Any, as_text: AsText, known: Weighed | None) -> tuple[bytes, str]:
    texts = list(_fields(payload, as_text))
    fields = [(_field_name(key), _utf8(value)) for key, value in texts]
    # The boundary follows from the fields, so that the same call is the same request, but not from a secret in them.
    said = [part for key, value in texts for part in (_field_name(key), _utf8(shown(value)))]
    boundary = hashlib.sha256(b"\0".join(said)).hexdigest()[:32].encode()
    parts = [
        b'--%s\r\ncontent-disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (boundary, key, value)
        for key, value in fields
    ]
    body = b"".join(parts) + b"--%s--\r\n" % boundary
    return body, f"multipart/form-data; boundary={boundary.decode()}"


def read_multipart(content_type: str, body: str) -> dict[str, str]:
    """The fields of a multipart body, as `_multipart` writes it; empty when it is none.

    >>> body, kind = encode("multipart", {"q": "Hi"}, str)
    >>> read_multipart(kind, body.decode())
    {'q': 'Hi'}
    """
    boundary = content_type.partition("boundary=")[2].partition(";")[0].strip().strip('"')
    fields = {}
    for part in body.split(f"--{boundary}")[1:-1] if boundary else []:
        head, _, value = part.partition("\r\n\r\n")
        name = _FIELD.search(head)
        if name:
            fields[name[1]] = value.removesuffix("\r\n")
    return fields


ENCODINGS: Mapping[str, Callable[[Any, AsText, Weighed | None], tuple[bytes, str]]] = {
    "json": lambda payload, as_text, known: (to_json(payload, known), "application/json"),
    "form": _form,
    "multipart": _multipart,
    "text": lambda payload, as_text, known: (_utf8(as_text(payload)), "text/plain; charset=utf-8"),
}


def encode(encoding: str, payload: Any, as_text: AsText, known: Weighed | None = None) -> tuple[bytes, str]:
    """Body and content type; `known` is a list in it that was weighed before."""
    return ENCODINGS[encoding](payload, as_text, known)
