"""The only home of jinja2: text with `{{ }}` becomes compiled leaves, a tree of such text becomes a compiled tree.

A leaf that is exactly one expression keeps its native type; any other leaf with expressions renders to text; all else
is literal, and nothing that was rendered is ever parsed again. An expression may do what the allow-list over Jinja's
AST names, on plain data only: attribute access reads keys of maps, never attributes of Python objects. Everything else
is refused by `check` when a file is loaded, with the place in the text.
"""

from .allowed import KEYWORDS, check
from .budget import bounded, cost_of, spend
from .compiled import (
    Rendered,
    bare_name,
    compile_leaf,
    compile_text,
    compile_tree,
    condition_source,
    encode_slot,
    names_in_tree,
)
from .functions import FILTERS, FUNCTIONS, MAX_SLOT, TESTS, Helpers, quoted
from .masked import check_keys, compile_masked, keys_of
from .members import members_of
from .parsing import Fault, is_one_expression, is_template
from .sandbox import OMIT
from .texts import TemplateError, as_text

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
]
