"""`wirefile chat NAME[:MODEL] [PROMPT|-]`: talk. Interactive on a terminal without a prompt."""

from __future__ import annotations

import sys
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import EngineError, UsageError
from ..events import ReasoningDelta, TextDelta
from . import output
from .exits import FINE, INTERRUPTED, PROBLEMS, code_of, note_adjustments, one_line, say
from .options import (
    call_options,
    catalog_of,
    conversation,
    extras,
    files_options,
    pairs,
    parameters,
    prompt_text,
    read_stdin_text,
    split_name,
)
from .reach import client_for, mocked, reach_options, refuse_if_not_working, rehearse

if TYPE_CHECKING:
    from ..catalog import Catalog
    from ..client import Client
    from ..messages import ChatResponse, Message
    from ..provider import Provider
    from ..recording import Recorder


@dataclass(frozen=True, slots=True)
class _Call:
    """What stays the same from turn to turn."""

    client: Client
    name: str
    model: str | None
    params: dict[str, Any]
    stream: bool
    as_json: bool
    recording: _RecordTo | None = None


@dataclass(frozen=True, slots=True)
class _RecordTo:
    """Where calls are recorded."""

    recorder: Recorder
    file: Path
    folders: tuple[Path, ...]

    def write(self) -> int:
        """Add the last call to the file; the exit code. Whatever goes wrong is said beside the answer."""
        assert self.recorder.last is not None, "a client with a recorder begins a recording with each call"
        try:
            written = self.recorder.last.write(self.file, folders=self.folders)
        except (EngineError, OSError) as error:
            say(f"not recorded: {one_line(str(error))}")
            return PROBLEMS
        say(f"recorded as '{written.name}' in {written.file}:{written.line}", prefix="")
        for path in written.left_out:
            say(f"note: {path} is left out: another call does not repeat it", prefix="")
        return FINE


@click.command("chat")
@click.argument("name", metavar="NAME[:MODEL]")
@click.argument("prompt", required=False, metavar="[PROMPT|-]")
@click.option("-s", "--system", help="A system message before the conversation.")
@call_options
@reach_options
@click.option("--json", "as_json", is_flag=True, help="The whole answer as one JSON object.")
@click.option("--record", metavar="FILE", help="Add the call to the examples of this provider file, without secrets.")
@files_options
@click.pass_context
def command(
    context: click.Context,
    name: str,
    prompt: str | None,
    system: str | None,
    params: tuple[str, ...],
    strict: bool,
    extra_body: str | None,
    extra_headers: tuple[str, ...],
    settings: tuple[str, ...],
    base_url: str | None,
    proxy: str | None,
    timeout: float | None,
    mock: bool,
    force: bool,
    no_stream: bool,
    as_json: bool,
    record: str | None,
) -> int:
    """Talk to a provider. The answer appears as it arrives; without PROMPT on a terminal, a conversation.

    With --record, what went over the wire becomes an example: test, mock and documentation. A FILE that is not there is
    made, and extends the provider. It is written only where it is valid and the new example holds.
    """
    name, model = split_name(name)
    catalog = catalog_of(context)
    provider = catalog.provider(name, redirected=base_url is not None or mock)
    refuse_if_not_working(provider.spec, base_url is not None or mock or force)
    given = parameters(provider.for_model(model).spec, params) | extras(extra_body, extra_headers)
    interactive = prompt is None and sys.stdin.isatty()
    text = "" if interactive else prompt_text(read_stdin_text() if prompt is None else prompt)
    recording = _record_to(record, provider, catalog, "a mock" if mock else "") if record is not None else None
    if mock and not interactive:
        rehearse(provider, conversation(system, text), model, given, strict)
    with ExitStack() as stack:
        deployment: dict[str, Any] = {"base_url": base_url, "settings": pairs(settings, "--setting")}
        if mock:
            deployment |= stack.enter_context(mocked(provider))
        recorder = recording.recorder if recording is not None else None
        more = {"proxy": proxy, "timeout": timeout, "strict": strict, "recorder": recorder}
        client = stack.enter_context(client_for(catalog, provider, deployment, more))
        call = _Call(client, name, model, given, not no_stream, as_json, recording)
        if interactive:
            return _converse(call, system)
        return _turn(call, conversation(system, text))[0]


def _record_to(record: str, provider: Provider, catalog: Catalog, origin: str) -> _RecordTo:
    """A recorder and its file. Raises what is wrong with the file before anything is sent."""
    from ..recording import Recorder, refuse_unfit

    file = Path(record)
    refuse_unfit(file, provider, catalog.folders)
    return _RecordTo(Recorder(origin=origin), file, catalog.folders)


def _turn(call: _Call, messages: list[Message]) -> tuple[int, ChatResponse | None]:
    """One question and its answer: the exit code, and the answer when it is whole."""
    from ..display import failure_data, response_data

    try:
        answer = _printed(call, messages) if call.stream and not call.as_json else _collected(call, messages)
    except EngineError as error:
        if call.as_json and error.partial is not None:
            output.write_json(failure_data(error, error.partial))
        if isinstance(error, UsageError):
            raise
        say(one_line(error.message))
        if call.recording is not None:
            call.recording.write()
        return code_of(error), None
    if call.as_json:
        output.write_json(response_data(answer))
    note_adjustments(answer.adjustments)
    return call.recording.write() if call.recording is not None else FINE, answer


def _collected(call: _Call, messages: list[Message]) -> ChatResponse:
    if call.stream:
        with call.client.stream(call.name, messages, call.model, **call.params) as stream:
            for _ in stream:
                pass
            return stream.response
    answer = call.client.chat(call.name, messages, call.model, **call.params)
    if not call.as_json:
        output.write(answer.text, end="" if answer.text.endswith("\n") else "\n")
    return answer


def _printed(call: _Call, messages: list[Message]) -> ChatResponse:
    """The answer, each piece on stdout as it arrives; reasoning goes to stderr where that is a terminal."""
    last = "\n"
    with call.client.stream(call.name, messages, call.model, **call.params) as stream:
        try:
            for event in stream:
                if isinstance(event, TextDelta):
                    output.write(event.text, end="")
                    last = event.text[-1]
                elif isinstance(event, ReasoningDelta) and sys.stderr.isatty():
                    sys.stderr.write(output.printable(event.text))
                    sys.stderr.flush()
        finally:
            if last != "\n":
                output.write("")
        return stream.response


def _converse(call: _Call, system: str | None) -> int:
    """A conversation on a terminal: every turn sees all that came before it. Ctrl-D ends it."""
    from ..messages import Message

    with suppress(ImportError):
        import readline  # noqa: F401  line editing and recall for input()
    messages = [Message("system", system)] if system else []
    say("Ctrl-D ends the conversation", prefix="")
    while True:
        try:
            line = input("> ")
        except EOFError:
            output.write("")
            return 0
        except KeyboardInterrupt:
            output.write("")
            return INTERRUPTED
        if not line.strip():
            continue
        question = Message("user", line)
        try:
            _, answer = _turn(call, [*messages, question])
        except KeyboardInterrupt:
            say("interrupted; this question is forgotten", prefix="")
            continue
        if answer is not None:
            messages += [question, answer.message]
