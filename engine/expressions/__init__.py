"""The only home of jinja2: text with `{{ }}` becomes compiled leaves, a tree of such text becomes a compiled tree.

A leaf that is exactly one expression keeps its native type; any other leaf with expressions renders to text; all else
is literal, and nothing that was rendered is ever parsed again. An expression may do what the allow-list over Jinja's
AST names, on plain data only: attribute access reads keys of maps, never attributes of Python objects. Everything else
is refused by `check` when a file is loaded, with the place in the text.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .budget import bounded, cost_of, spend
from .compiled import (
    Rendered,
    compile_leaf,
    compile_text,
    compile_tree,
    condition_source,
    encode_slot,
    names_in_tree,
)
from .functions import FILTERS, FUNCTIONS, MAX_SLOT, TESTS, Helpers, quoted
from .names import bare_name, check, check_keys, members_of
from .sandbox import OMIT
from .segments import KEYWORDS, Fault, is_one_expression, is_template, template_at
from .texts import TemplateError, as_text

if TYPE_CHECKING:
    from .masked import compile_masked, keys_of

__all__ = [
    "FILTERS",
    "FUNCTIONS",
    "KEYWORDS",
    "MAX_SLOT",
    "OMIT",
    "TESTS",
    "Fault",
    "Helpers",
    "Rendered",
    "TemplateError",
    "as_text",
    "bare_name",
    "bounded",
    "check",
    "check_keys",
    "compile_leaf",
    "compile_masked",
    "compile_text",
    "compile_tree",
    "condition_source",
    "cost_of",
    "encode_slot",
    "is_one_expression",
    "is_template",
    "keys_of",
    "members_of",
    "names_in_tree",
    "quoted",
    "spend",
    "template_at",
]


def __getattr__(name: str) -> Any:
    if name in ("compile_masked", "keys_of"):  # which cannot do without jinja2, imported when they are first used
        return getattr(import_module(".masked", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
