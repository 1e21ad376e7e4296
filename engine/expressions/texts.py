"""Values as text, where the wire has nothing but text: headers, queries, forms, URLs, and leaves with words around."""

from __future__ import annotations

import math
from typing import Any

MAX_NUMBER_BITS = 4096


class TemplateError(ValueError):
    """An expression failed on the values of this call."""


def as_text(value: Any) -> str:
    """A value as the text of a header, a query, a form or a URL. Raises TemplateError for what has no such form.

    >>> as_text(0.5), as_text(True), as_text("None")
    ('0.5', 'true', 'None')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        if not is_writable(value):
            raise TemplateError("gives a number that is not finite, or too large to write")
        return repr(value)
    what = "null" if value is None else "a list" if isinstance(value, list) else "a map"
    raise TemplateError(f"gives {what} where text is due")


def is_writable(value: int | float) -> bool:
    """Whether a number is finite, and short enough to be written out."""
    return math.isfinite(value) if isinstance(value, float) else value.bit_length() <= MAX_NUMBER_BITS
