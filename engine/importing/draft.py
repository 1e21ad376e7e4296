"""What was captured -> a provider file that was tried: its call rendered and laid beside the captured request, its
reply decoded. What differs is said at the place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from ..deployment import Deployment
from ..display import request_data
from ..errors import EngineError, Problem, SpecError, UsageError
from ..examples import Failure, request_of, run_example
from ..loader import load_text, problems_of_text
from ..provider import Provider
from .capture import CapturedReply, CapturedRequest, body_of
from .composer import Composer
from .credentials import cleaned
from .plan import Plan, Trial
from .recorded import expectation, recorded_reply
from .sections import variable_name

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class Draft:
    """A drafted file: its text, the problems that it has, and the examples in it that do not hold."""

    text: str
    problems: tuple[Problem, ...] = ()
    failures: tuple[Failure, ...] = ()
    protocol: str | None = None
    variables: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether `validate` and `test` would pass."""
        return not self.failures and not any(problem.severity == "error" for problem in self.problems)

    @property
    def open_questions(self) -> int:
        """How many places are left to the author."""
        return self.text.count("# TODO")


def draft(
    name: str, request: CapturedRequest, reply: CapturedReply | None = None, *, prompt: str | None = None
) -> Draft:
    """The provider file `name` for a captured request. Raises UsageError for a name that no file can have."""
    check_name(name)
    body = body_of(request)
    host = urlsplit(request.url).hostname or ""
    clean = cleaned(request, body, reply, variable_name(name, host))
    text_prompt = clean.scrub(prompt) if prompt else None
    made = _made(Plan.of(name, clean, text_prompt))
    if made.protocol is not None and not made.is_sound:
        # What the protocol cannot say with a few changes is said in full.
        made = _made(Plan.of(name, clean, text_prompt, may_extend=False))
    return made


def _made(plan: Plan) -> Draft:
    """The draft of a plan, tried."""
    clean = plan.clean
    trial = _tried(Composer(plan).text(), plan)
    if think := _tags(trial.expect.get("text", "")):
        plan = replace(plan, think=think)
        trial = _tried(Composer(plan).text(), plan)
    text = Composer(plan, trial).text()
    if clean.leaks(text):
        text = clean.scrub(text)
    problems = tuple(problems_of_text(text.encode(), f"{plan.name}.yaml"))
    variables = tuple(variable for secret in clean.secrets.values() for variable in secret["env"])
    return Draft(text, problems, _failures(text), plan.fit.protocol.name if plan.fit else None, variables)


def _tags(text: str) -> dict[str, str]:
    """The tags around the reasoning that a text begins with."""
    tag = re.match(r"\s*<(think|thinking|thought|reasoning)>", text)
    return {"open": f"<{tag[1]}>", "close": f"</{tag[1]}>"} if tag else {}


def check_name(name: str) -> None:
    """Raise UsageError for a name that no file can have."""
    if not NAME.fullmatch(name):
        raise UsageError(f"'{name[:60]}' is no name of a provider: small letters, digits and hyphens, e.g. my-api")


def _failures(text: str) -> tuple[Failure, ...]:
    try:
        provider = Provider(load_text(text))
    except SpecError:
        return ()
    return tuple(
        failure for example in provider.spec.examples for failure in run_example(provider, example, thorough=False)
    )


def _tried(text: str, plan: Plan) -> Trial:
    try:
        provider = Provider(load_text(text))
    except SpecError:
        return Trial(fault="the file is not valid yet")
    example = provider.spec.examples[0]
    expect: Mapping[str, Any] = {}
    if plan.clean.reply is not None:
        expect = expectation(provider.for_model(example.model), recorded_reply(plan.clean.reply).kept)
    try:
        asked = request_of(example)
        wire = provider.call(asked, Deployment(settings=example.settings, placeholders=True)).wire
    except EngineError as error:
        return Trial(expect=expect, fault=f"the captured call cannot be made again: {error.message}")
    return Trial(request_data(wire), expect)
