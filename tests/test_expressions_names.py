"""What is said of a leaf that is one name is what is said with the help of jinja2."""

from __future__ import annotations

from itertools import product

import pytest

from engine.expressions import allowed, masked, members, names
from engine.expressions.functions import FUNCTIONS
from engine.expressions.segments import KEYWORDS

NAMES = frozenset({"model", "messages", "range", "now", "x1", "_in", "n" * 300})
WORDS = [
    *sorted(NAMES | KEYWORDS),
    *list(FUNCTIONS)[:3],
    "secrets",
    "steps",
    "mesages",
    "loop",
    "__class__",
    "1",
    "ä",
    "",
]
SHAPES = (
    "{{ # }}",
    "{{#}}",
    "{{\n#\t}}",
    "{{ #}} ",
    "a {{ # }}",
    "{{ # }}{{ # }}",
    "{{ #.a }}",
    "{{ # ",
    "{{{ # }}}",
    "#",
)


@pytest.mark.parametrize("word", WORDS)
def test_a_name_is_judged_as_any_template_is(word: str) -> None:
    for shape, bare, as_text in product(SHAPES, (False, True), (False, True)):
        text = shape.replace("#", word)
        collections = {"messages", "x1"}
        found = names.check(text, NAMES, bare=bare, as_text=as_text, collections=collections)
        assert found == allowed.faults_in(text, NAMES, bare, as_text, collections), text
        assert list(names.check_keys(text, {"k"}, bare=bare)) == list(masked.check_keys(text, {"k"}, bare=bare)), text
        for root in ("steps", "secrets", "model"):
            assert names.members_of(text, root, bare=bare) == members.members_of(text, root, bare=bare), text
