"""Paths and conditions written out as Python source: what a file asks of every frame is compiled, not interpreted.

Nothing of a file becomes code by itself: names are made here, keys and words enter as literals that `repr` writes, all
else as constants of the namespace. A value that several rules read is read once, in the block that holds them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from ..paths import MISSING, Path
from ..spec import Comparison
from .conditions import OPERATORS
from .shapes import Branch, Shape

Key = tuple[Any, ...]

MAX_NAMES = 32
"""For how many names of events it is known what a condition says of them."""


class Source:
    """Functions as text that grows line by line, with the constants that they name.

    `is_plain` says that the data they read holds no half of a character. Variables may have a shape: what is read below
    them is noted there, and with `is_typed` they hold objects of its classes instead of maps. `splits_text` says that
    the text may hold reasoning between tags, and `is_counted` that the function counts in `told` what a frame tells.
    """

    def __init__(
        self, *, is_plain: bool = False, is_typed: bool = False, splits_text: bool = False, is_counted: bool = False
    ) -> None:
        self.is_plain = is_plain
        self.is_counted = is_counted
        self.splits_text = splits_text
        self.is_typed = is_typed
        self.shapes: dict[str, Shape] = {}
        self.constants: dict[str, Any] = {"M": MISSING}
        self.depth = 0
        self._lines: list[str] = []
        self._scopes: list[dict[Key, str]] = [{}]
        self._maps: set[str] = set()  # variables that are known to hold a map
        self._names = 0
        self._branch: Branch = ()

    def __str__(self) -> str:
        return "\n".join(self._lines)

    def compiled(self, name: str) -> dict[str, Any]:
        """The functions, by their names; `name` is what a traceback calls the text."""
        namespace = dict(self.constants)
        exec(compile(str(self), name, "exec"), namespace)  # only our own words: see above
        return namespace

    def line(self, text: str) -> None:
        """One statement."""
        self._lines.append("    " * self.depth + text)

    def effect(self, text: str, when: str = "") -> None:
        """A statement that changes the answer in another way than by the next piece of the text at hand."""
        self.line(f"{when}told = 9; {text}" if self.is_counted else f"{when}{text}")

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """What is written inside stands below `head`, and what is read there is not known behind it."""
        self.line(head)
        self.depth += 1
        self._scopes.append({})
        begin = len(self._lines)
        yield
        if len(self._lines) == begin:
            self.line("pass")
        self._scopes.pop()
        self.depth -= 1

    @contextmanager
    def table(self, base: str, subject: str | None) -> Iterator[Callable[[Any], None]]:
        """What is written inside is for words at one place below a value: behind each call, for that word alone."""
        around = self._branch
        place = None if subject is None else self.shapes.get(base) or object()  # one that is not known is no other's

        def turn_to(word: Any) -> None:
            self._branch = (*around, (place, subject, word))

        yield turn_to
        self._branch = around

    def name(self) -> str:
        """A new variable."""
        self._names += 1
        return f"v{self._names}"

    def constant(self, value: Any) -> str:
        """A name for a value of the namespace."""
        name = f"C{len(self.constants)}"
        self.constants[name] = value
        return name

    def literal(self, value: Any) -> str:
        """A value as source."""
        return repr(value) if type(value) in (str, int, bool, type(None)) else self.constant(value)

    def is_map(self, variable: str, shape: Shape) -> None:
        """Say that a variable holds a map, which need not be asked again."""
        self._maps.add(variable)
        self.shapes[variable] = shape

    def known(self, key: Key, write: Callable[[str], None]) -> str:
        """The variable of what `key` says, which `write` assigns where no block around has it yet."""
        for scope in self._scopes:
            if key in scope:
                return scope[key]
        variable = self.name()
        write(variable)
        self._scopes[-1][key] = variable
        return variable

    # --- paths ---

    def path(self, base: str, keys: tuple[str | int, ...], *, by_type: bool = False) -> str:
        """A variable with the value at a path below another, or MISSING; `by_type`: any two texts are alike here."""
        variable = self._place(base, keys)
        if variable in self.shapes:
            self.shapes[variable].is_value = True
            self._weigh(self.shapes[variable], by_type)
        return variable

    def _weigh(self, shape: Shape, by_type: bool) -> None:
        if not by_type:
            shape.weighed.add(self._branch)

    def place(self, base: str, keys: tuple[str | int, ...]) -> str:
        """The same for a value of which only what is below it is read, and whether it is there."""
        variable = self._place(base, keys)
        if variable in self.shapes:
            self.shapes[variable].is_asked = True
        return variable

    def _place(self, base: str, keys: tuple[str | int, ...]) -> str:
        """The same, for what is not read itself."""
        if not keys:
            return base

        def write(variable: str) -> None:
            parent, key = self._place(base, keys[:-1]), keys[-1]
            shape = self._note(variable, parent, key)
            self.line(f"{variable} = {self._step(parent, key, shape)}")

        return self.known((base, *keys), write)

    def _note(self, variable: str, parent: str, key: str | int) -> Shape | None:
        """Note what a variable is below its parent; what is below a value that is read itself is no object."""
        above = self.shapes.get(parent)
        if above is None or (self.is_typed and not (above.is_list if type(key) is int else above.is_map)):
            return None
        shape = self.shapes[variable] = above.item() if type(key) is int else above.key(str(key))
        if self.is_typed and shape.is_always and parent in self._maps and type(key) is not int:
            self._maps.add(variable)
        return shape

    def _step(self, parent: str, key: str | int, found: Shape | None) -> str:
        shape = self.shapes.get(parent) if self.is_typed else None
        word = self.literal(str(key))
        if shape is not None and shape.is_map:
            value = f"{parent}.{shape.attribute(str(key))}"
            if found is not None and found.is_always:
                value = f"({value} or {self.constant(found.cls())})"  # null says as little as nothing
            return value if parent in self._maps else f"{value} if type({parent}) is {self.constant(shape.cls)} else M"
        if parent in self._maps:
            return f"{parent}[{word}] if {word} in {parent} else M"
        in_map = f"{parent}[{word}] if type({parent}) is dict and {word} in {parent} else M"
        if type(key) is not int:
            return in_map
        # Without a call for the usual 0: an empty list is false.
        reaches = parent if key == 0 else f"len({parent}) > {key}"
        return f"({parent}[{key}] if {reaches} else M) if type({parent}) is list else {in_map}"

    def first(self, base: str, paths: str | Sequence[str], *, by_type: bool = False) -> str:
        """A variable with the first value that says something; see paths.first_of."""
        texts = (paths,) if isinstance(paths, str) else tuple(paths)
        for shape in self._shapes_at(base, texts):
            if shape is not None:
                self._weigh(shape, by_type)
        if len(texts) == 1:
            return self.path(base, Path(texts[0]).keys, by_type=by_type)

        def write(variable: str) -> None:
            self.line(f"{variable} = {self.path(base, Path(texts[0]).keys, by_type=True)}")
            self._others(base, variable, texts[1:])

        return self.known((base, "first of", texts), write)

    def _shapes_at(self, base: str, texts: Sequence[str]) -> Iterator[Shape | None]:
        for text in texts:
            shape = self.shapes.get(base)
            for key in Path(text).keys:
                if shape is not None:
                    shape = shape.item() if type(key) is int else shape.key(str(key))
            yield shape

    def is_free(self, base: str, paths: str | Sequence[str]) -> bool:
        """Whether nothing that may run here depends on which text stands at these paths, once all of it was written."""
        texts = (paths,) if isinstance(paths, str) else tuple(paths)
        return all(
            shape is not None and all(_exclude(where, self._branch) for where in shape.weighed)
            for shape in self._shapes_at(base, texts)
        )

    def _others(self, base: str, variable: str, texts: Sequence[str]) -> None:
        if not texts:
            return
        with self.block(f"if {silent(variable)}:"):
            other = self.path(base, Path(texts[0]).keys, by_type=True)
            with self.block(f"if {other} is not M:"):
                self.line(f"{variable} = {other}")
            self._others(base, variable, texts[1:])

    @contextmanager
    def each(self, base: str, keys: tuple[str | int, ...]) -> Iterator[str]:
        """What is written inside runs for every value that a path matches; `*` stands for each item of a list."""
        if "*" not in keys:
            value = self.place(base, keys)
            with self.block(f"if {value} is not M:"):
                yield value
            return
        star = keys.index("*")
        many, item = self._place(base, keys[:star]), self.name()
        shape = self._note(item, many, 0)
        if self.is_typed and shape is not None and shape.is_map:
            self._maps.add(item)
        with self.block(f"if type({many}) is list:"), self.block(f"for {item} in {many}:"):
            if keys[star + 1 :]:
                with self.each(item, keys[star + 1 :]) as value:
                    yield value
            else:
                yield item

    # --- conditions ---

    def test(self, base: str, slot: str, comparison: Comparison) -> str:
        """An expression: whether a comparison holds. `slot` is the expression of the frame's block."""
        if comparison.of_slot:
            value = "None" if slot == "None" else f"(None if {slot} is None else {slot}.kind)"
        elif comparison.subject is None:
            value = "event"
        else:
            value = self.first(base, comparison.subject, by_type=_is_by_type(comparison))
        return self._asks(comparison, value)

    def _asks(self, comparison: Comparison, value: str) -> str:
        write = _WRITTEN.get(comparison.operator)
        found = write(self, value, comparison.operand) if write is not None else None
        if found is not None:
            return found
        asks = OPERATORS[comparison.operator](comparison.operand)
        # A stream has a few names of events, and says them in every frame.
        return f"{self.constant(lru_cache(MAX_NAMES)(asks) if value == 'event' else asks)}({value})"


def _exclude(one: Branch, other: Branch) -> bool:
    """Whether only one of two branches runs for a value: somewhere they are for two words at one place."""
    return any(here[:2] == there[:2] and here[2] != there[2] for here in one for there in other)


def _is_by_type(comparison: Comparison) -> bool:
    """Whether a comparison says the same of any two texts that are not empty."""
    if comparison.operator == "exists":
        return True
    operands = comparison.operand if comparison.operator == "in" else (comparison.operand,)
    return comparison.operator in ("equals", "in") and not any(isinstance(item, str) and item for item in operands)


def silent(variable: str) -> str:
    """An expression: whether a value is missing, null, "" or []."""
    return f"{variable} is M or (not {variable} and ({variable} is None or {variable} == '' or {variable} == []))"


def says(variable: str) -> str:
    """An expression: whether a value is there and true. (MISSING is false, but to ask it is a call.)"""
    return f"{variable} is not M and {variable}"


def _equals(source: Source, value: str, operand: Any) -> str:
    if operand is None:
        return f"({value} is None or {value} is M)"
    if isinstance(operand, bool):
        return f"{value} is {operand}"
    if isinstance(operand, str):
        return f"{value} == {source.literal(operand)}"
    return f"(type({value}) is not bool and {value} == {source.literal(operand)})"


def _in(source: Source, value: str, operand: Sequence[Any]) -> str:
    words = frozenset(item for item in operand if isinstance(item, str))
    asks = [f"(type({value}) is str and {value} in {source.constant(words)})"] if words else []
    asks += [_equals(source, value, item) for item in operand if not isinstance(item, str)]
    return f"({' or '.join(asks)})" if asks else "False"


def _exists(source: Source, value: str, operand: bool) -> str:
    return f"({value} is not M and {value} is not None)" if operand else f"({value} is M or {value} is None)"


_WRITTEN: Mapping[str, Callable[[Source, str, Any], str]] = {"equals": _equals, "in": _in, "exists": _exists}
"""The operators that are written out; the others are called."""
