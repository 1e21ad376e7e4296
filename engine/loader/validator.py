"""The only home of jsonschema: its validator with the keywords of our schema, imported where a file breaks that schema.

What it says of a file comes as the library's own errors; violations.py puts them in our words.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from .conforming import is_pattern_in, is_whole_number
from .published import MARKS, asked, target


@cache
def validator(*, is_whole: bool) -> Any:
    """What examines a file with what it inherits, or one without."""
    from jsonschema import Draft202012Validator, ValidationError
    from jsonschema.validators import extend

    def mark(name: str) -> Any:
        def keyword(validator: Any, says: Any, instance: Any, _: Any) -> Iterator[ValidationError]:
            yield ValidationError(name, validator=name, validator_value=says, instance=instance)

        return keyword

    def pattern(validator: Any, wanted: str, instance: Any, _: Any) -> Iterator[ValidationError]:
        if isinstance(instance, str) and not is_pattern_in(wanted, instance):
            yield ValidationError(f"does not match {wanted}")

    def whole(_: Any, instance: Any) -> bool:
        return is_whole_number(instance)

    def reference(validator: Any, says: str, instance: Any, _: Any) -> Iterator[ValidationError]:
        return validator.descend(instance, target(says))  # type: ignore[no-any-return]

    def condition(validator: Any, says: Any, instance: Any, node: Any) -> Iterator[ValidationError]:
        branch = "else" if next(validator.descend(instance, says), None) else "then"
        if branch in node:
            yield from validator.descend(instance, node[branch], schema_path=branch)

    extended: Any = extend
    keywords = {name: mark(name) for name in MARKS} | {"pattern": pattern, "$ref": reference, "if": condition}
    types = Draft202012Validator.TYPE_CHECKER.redefine("integer", whole)
    known = extended(Draft202012Validator, keywords, type_checker=types)
    known.descend = _descend
    return known(asked(is_whole=is_whole))


_checks: dict[int, list[tuple[str, Any, Any]]] = {}
"""What each node of the schema asks, by the node: `schema()` and `asked()` keep them all."""


def _descend(
    validator: Any, instance: Any, schema: Any, path: Any = None, schema_path: Any = None, resolver: Any = None
) -> Iterator[Any]:
    """The library's way through a schema, without a new validator and a look-up of references at every node.

    This schema refers to itself alone, and its nodes stay what they are: it takes a third of the time. What is false is
    a key that another excludes: other validators are told so; we say it with better words, by `x-exclusive`.
    """
    if schema is True or schema is False:
        return
    checks = _checks.get(id(schema))
    if checks is None:
        known = validator.VALIDATORS
        checks = _checks[id(schema)] = [(word, known[word], says) for word, says in schema.items() if word in known]
    for keyword, check, says in checks:
        for error in check(validator, says, instance, schema) or ():
            error._set(validator=keyword, validator_value=says, instance=instance, schema=schema, type_checker=None)
            if keyword not in ("if", "$ref"):
                error.schema_path.appendleft(keyword)
            if path is not None:
                error.path.appendleft(path)
            if schema_path is not None:
                error.schema_path.appendleft(schema_path)
            yield error
