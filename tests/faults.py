"""The mark of a test that shows one fault survived: docs/reliability.md is the table of these marks."""

from __future__ import annotations

import pytest

PARTS = (
    "Bytes and event streams",
    "HTTP framing",
    "Compression",
    "Connections, TLS and proxies",
    "Redirects",
    "Refusals and errors in an answer",
    "Retries",
    "Time",
    "Cancelling and leaving early",
    "Load",
    "Values that go out",
    "Values that come in",
    "Secrets",
    "Provider files and templates",
)
"""The chapters of the table, in its order."""


def fault(part: str, what: str, promise: str) -> pytest.MarkDecorator:
    """`what` happens, and `promise` is what the caller of the engine gets; both in a few words, without a full stop.

    Put it on a test, or on one `pytest.param(..., marks=fault(...))`; several tests may show one row.
    """
    assert part in PARTS, f"no such part of the table: {part}"
    return pytest.mark.fault(part, what, promise)
