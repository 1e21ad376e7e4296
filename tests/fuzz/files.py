"""The target for whole provider files: bytes that may be YAML."""

from __future__ import annotations

import json
import random
import re
from functools import cache

from engine.deployment import Deployment
from engine.errors import EngineError, Problem
from engine.examples import request_of, run_example
from engine.loader import load_text, problems_of_text
from engine.loader.rulebook import rulebook
from engine.provider import Provider

from ..badfiles import WHOLE
from ..goodfiles import children, files, written
from .answers import ODD, PROVIDERS
from .target import Target, is_one_line


def file(data: bytes) -> None:
    """Bytes give problems at places in them, and nothing else; what has none is loaded, rendered and decoded."""
    found = problems_of_text(data, "acme.yaml")
    lines = re.split("\r\n|\r|\n", data.decode("utf-8", "replace").removeprefix("\ufeff"))
    for problem in found:
        _is_well_told(problem, lines if problem.file == "acme.yaml" else None)
    if any(problem.severity == "error" for problem in found):
        return
    made = Provider(load_text(data.decode("utf-8-sig"), "acme.yaml"))
    for example in made.spec.examples:
        run_example(made, example, thorough=False)
        try:
            made.call(request_of(example), Deployment(settings=example.settings, placeholders=True))
        except EngineError as error:
            assert is_one_line(error.message)


def _is_well_told(problem: Problem, lines: list[str] | None) -> None:
    assert problem.rule in rulebook(), problem.rule
    assert is_one_line(str(problem))
    assert len(problem.message) <= 400
    if lines is None:  # of a file that this one extends
        return
    assert 1 <= problem.line <= len(lines), problem
    if problem.rule != "encoding":  # what is no UTF-8 has no characters to count
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1, problem


# fmt: off
YAML_TOKENS = (
    b": ", b"\n  ", b"- ", b"{", b"}", b"[", b"]", b", ", b"'", b'"', b"|\n", b">-\n", b"#", b"? ", b"!!str ", b"&a ",
    b"*a", b"<<: ", b"---\n", b"...\n", b"%YAML 1.2\n", b"\t", b"\r\n", b"\\u", b"\\x00", b"~", b"null", b"true",
    b".nan", b"0x1F", b"1e999", b"0o7", b"{{ model }}", b"{{ messages }}", b"{% if x %}", b"$when: stream",
    b"$ref: '#'", b"\xef\xbb\xbf", b"extends: openai-chat", b"unset: [", b"patches: ", b"match: ", b"secrets: ",
    b"auth: ", b"steps: ", b"when: ", b"for: ", b"codec: ", b"sse", b"ndjson", b"json_array", b"unwrap: ", b"rules: ",
    b"slot: ", b"carry: ", b"regex: ", b"equals: ", b"url: https://", b"169.254.169.254", b"@", b"env: [HOME]",
    b"\xc2\x85", b"\xe2\x80\xa8", b"\xf0\x9f\x98\x80", b"sk-",
)
# fmt: on


@cache
def _files() -> tuple[bytes, ...]:
    small = [path.read_bytes() for path in sorted(PROVIDERS.rglob("*.yaml"))]
    return (WHOLE.encode(), *(text for text in small if len(text) <= 3500))


def a_file(random: random.Random) -> bytes:
    """A file that is as it should be, in any style of YAML, with a line or a value that is not."""
    if random.random() < 0.4:
        return written(random.choice((files, files, children))().make(random), random)
    lines = random.choice(_files()).split(b"\n")
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(lines))
        other = random.choice(random.choice(_files()).split(b"\n"))
        indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
        key, mark, value = lines[at].partition(b": ")
        odd, token = json.dumps(random.choice(ODD)).encode(), random.choice(YAML_TOKENS)
        values = (other.partition(b": ")[2], odd, token + value)
        changed = (other, indent + other.strip(), key + b":", lines[at] + token, b"")
        lines[at] = random.choice((*changed, *(key + mark + new for new in values)))
    return b"\n".join(lines)


TARGETS = (Target("file", file, _files, YAML_TOKENS, a_file, seconds=0.5, share=0.1),)
