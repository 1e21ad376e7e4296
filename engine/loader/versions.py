"""Which version of the language a file is written in, and whether this engine knows it."""

from __future__ import annotations

from ..errors import Problem
from .document import Document
from .wording import type_name

NEWEST_VERSION = 1


def version_problem(document: Document) -> Problem | None:
    """Nothing else is guessed about a file of another version."""
    if "spec_version" not in document.data:
        message = "the file does not say which version of the language it is written in"
        return document.problem((), "bad-version", message, f"add spec_version: {NEWEST_VERSION}")
    version = document.data["spec_version"]
    if type(version) is not int or version < 1:
        message = f"spec_version is {type_name(version)}" if type(version) is not int else f"spec_version is {version}"
        return document.problem(("spec_version",), "bad-version", message, f"write spec_version: {NEWEST_VERSION}")
    if version > NEWEST_VERSION:
        message = f"spec_version is {version}, this engine knows {NEWEST_VERSION}"
        return document.problem(("spec_version",), "future-version", message, "update wirefile")
    return None
