"""Images, sounds and files as callers give them: data URLs, links, ids -> the names that templates read."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from ..errors import ParameterError

_DATA_URL = re.compile(r"data:([^,;]*)((?:;[^,;]*)*),", re.IGNORECASE)
_LINK = re.compile(r"(?!file:|data:)[a-z][a-z0-9+.-]*://[^\s]+", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_MIME = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*", re.IGNORECASE)

FORMATS: Mapping[str, str] = {
    "application/msword": "doc",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "audio/mp4": "m4a",
    "audio/mpeg": "mp3",
    "audio/wave": "wav",
    "audio/x-wav": "wav",
    "image/jpg": "jpeg",
    "text/markdown": "md",
    "text/plain": "txt",
}
"""A media type and the short name of its format, where that is not the subtype."""

EXTENSIONS: Mapping[str, str] = {
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "gif": "image/gif",
    "html": "text/html",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "md": "text/markdown",
    "mp3": "audio/mpeg",
    "pdf": "application/pdf",
    "png": "image/png",
    "txt": "text/plain",
    "wav": "audio/wav",
    "webp": "image/webp",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""The ending of a link or a file's name, and its media type: a fixed table, the same on every machine."""


def image(part: Mapping[str, Any], place: str) -> dict[str, Any]:
    """An `image_url` part: a URL, or a map with `url` and `detail`. Raises ParameterError."""
    given = part.get("image_url")
    detail = given.get("detail") if isinstance(given, dict) else None
    url = given.get("url") if isinstance(given, dict) else given
    if not isinstance(url, str) or not url:
        raise ParameterError(f"{place} is an image without a URL; give image_url: {{url: ...}}")
    return _without_none({**_located(url, place), "detail": detail})


def audio(part: Mapping[str, Any], place: str) -> dict[str, Any]:
    """An `input_audio` part: base64 data and a format. Raises ParameterError."""
    given = part.get("input_audio")
    data = given.get("data") if isinstance(given, dict) else None
    if not isinstance(given, dict) or not isinstance(data, str):
        raise ParameterError(f"{place} is a sound without data; give input_audio: {{data: BASE64, format: wav}}")
    if data[:5].lower() == "data:":
        return _located(data, place)
    form = given.get("format")
    form = form if isinstance(form, str) and form else "wav"
    data = _base64(data, place)
    mime = EXTENSIONS.get(form, f"audio/{form}")
    return {"url": f"data:{mime};base64,{data}", "data": data, "mime": mime, "format": form}


def file(part: Mapping[str, Any], place: str) -> dict[str, Any]:
    """A `file` part: an id, or a data URL or a link, and perhaps a file name. Raises ParameterError."""
    given = part.get("file")
    if not isinstance(given, dict):
        raise ParameterError(f"{place} is a file without 'file'; give file: {{filename, file_data}} or {{file_id}}")
    name, identity = given.get("filename"), given.get("file_id")
    url = given.get("file_data", given.get("file_url"))
    if isinstance(identity, str) and identity:
        return _without_none({"file_id": identity, "filename": name})
    if not isinstance(url, str) or not url:
        raise ParameterError(f"{place} is a file without data; give file_data as a data URL, or a file_id")
    if not _DATA_URL.match(url) and not _LINK.fullmatch(url):
        mime = _mime_of_name(str(name)) or "application/octet-stream"
        url = f"data:{mime};base64,{url}"
    return _without_none({**_located(url, place), "filename": name})


MEDIA: Mapping[str, tuple[str, Callable[[Mapping[str, Any], str], dict[str, Any]]]] = {
    "image_url": ("image", image),
    "input_audio": ("audio", audio),
    "file": ("file", file),
}
"""A part's type as callers write it -> its type here, and what reads it."""


def _located(url: str, place: str) -> dict[str, Any]:
    if url[:5].lower() == "data:":
        return _data_url(url, place)
    if not _LINK.fullmatch(url):
        raise ParameterError(f"{place} is given as {url[:40]!r}, which is no http(s) link and no data URL")
    mime = _mime_of_name(re.split("[?#]", url)[0].partition("://")[2].partition("/")[2])
    return _without_none({"url": url, "link": url, "mime": mime, "format": mime and format_of(mime)})


def _data_url(url: str, place: str) -> dict[str, Any]:
    head = _DATA_URL.match(url)
    if head is None:
        raise ParameterError(f"{place} is a data URL without a comma; write data:image/png;base64,...")
    mime, options, rest = head[1].lower() or "text/plain", head[2].lower(), url[head.end() :]
    if not _MIME.fullmatch(mime):
        raise ParameterError(f"{place} is a data URL of the type {mime[:40]!r}, which is no media type")
    if options.split(";")[-1] == "base64":
        data = _base64(rest, place)
    else:
        data = base64.b64encode(unquote_to_bytes(rest)).decode()
    return {"url": url, "data": data, "mime": mime, "format": format_of(mime)}


def _base64(text: str, place: str) -> str:
    """The data, checked without building the bytes: an image may have many megabytes."""
    if not text.isascii() or "%" in text or any(space in text for space in " \n\r\t"):
        text = b"".join(unquote_to_bytes(text).split()).decode("latin-1")
    text += "=" * (-len(text) % 4)
    if not text or not _BASE64.fullmatch(text):
        raise ParameterError(f"{place} holds data that is no base64")
    return text


def format_of(mime: str) -> str:
    """The short name of a media type's format.

    >>> format_of("image/png"), format_of("audio/mpeg"), format_of("text/plain")
    ('png', 'mp3', 'txt')
    """
    return FORMATS.get(mime) or mime.partition("/")[2]


def _mime_of_name(name: str) -> str | None:
    return EXTENSIONS.get(name.rpartition(".")[2].lower()) if "." in name else None


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
