"""Words of the command line that several verbs share: where provider files are, parameters, prompts."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import ParameterError, UsageError
from .paths import find

if TYPE_CHECKING:
    from ..catalog import Catalog
    from ..messages import Message
    from ..spec import Param, ProviderSpec

Command = TypeVar("Command", bound=Callable[..., Any])

MAX_PROMPT = 64 * 1024 * 1024


def files_options(command: Command) -> Command:
    """Where provider files are, and whether what is found of them is remembered: on the command and on every verb."""

    def add_folders(context: click.Context, _: click.Parameter, folders: tuple[str, ...]) -> None:
        known = context.find_root().ensure_object(dict)
        known["folders"] = [*folders, *known.get("folders", [])]

    def forgo_cache(context: click.Context, _: click.Parameter, given: bool) -> None:
        known = context.find_root().ensure_object(dict)
        known["no_cache"] = given or known.get("no_cache", False)

    options = (
        click.option(
            "--providers",
            "folders",
            multiple=True,
            metavar="DIR",
            expose_value=False,
            callback=add_folders,
            help="A folder of provider files, before the user's and the built-in ones; may be given several times.",
        ),
        click.option(
            "--no-cache",
            is_flag=True,
            expose_value=False,
            callback=forgo_cache,
            help="Check every file anew, and keep nothing of it in the user's cache folder.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def catalog_of(context: click.Context) -> Catalog:
    """The catalog of this run."""
    known = context.find_root().ensure_object(dict)
    folders = known.get("folders", [])
    for folder in folders:
        if not Path(folder).is_dir():
            raise UsageError(f"--providers {folder} is no folder; name one that holds .yaml files")
    from ..catalog import Catalog

    return Catalog(*folders, cache=not known.get("no_cache", False))


def split_name(text: str) -> tuple[str, str | None]:
    """NAME[:MODEL] as name and model. A path to a file is a name."""
    name, _, model = text.partition(":")
    return name, model or None


def parameters(spec: ProviderSpec, words: Iterable[str], option: str = "-p") -> dict[str, Any]:
    """`k=v` words as parameters, typed as the file declares them; `k:=JSON` gives JSON."""
    values: dict[str, Any] = {}
    for word in words:
        match = re.fullmatch(r"([A-Za-z_][A-Za-z0-9_.-]*)(:?=)(.*)", word, re.DOTALL)
        if match is None:
            raise UsageError(f"{option} {word!r} is no k=v; write {option} temperature=0.7, or k:=JSON")
        name, kind, text = match.groups()
        values[name] = _json(name, text) if kind == ":=" else _typed(name, text, spec.params.get(name))
    return values


def _typed(name: str, text: str, param: Param | None) -> Any:
    """A word as the first of the param's types that it can be; text only where nothing else fits."""
    if param is None or param.type == ("string",):
        return text
    from ..fitting import fits

    value = _json_or_none(text)
    if any(fits(kind, value) for kind in param.type if kind != "string"):
        return value
    if "string" in param.type:
        return text
    if set(param.type) <= {"array", "object"}:
        _json(name, text)  # what is wrong with it as JSON says more than its type
    raise ParameterError(f"the parameter '{name}' is of type {' or '.join(param.type)}, not {text[:60]!r}")


def _json_or_none(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParameterError(f"the value of '{name}' is no JSON: {error}; put text in double quotes") from None


def call_options(command: Command) -> Command:
    """What `chat` and `render` say of a call, beside its messages."""
    options = (
        click.option("-p", "params", multiple=True, metavar="k=v", help="A parameter; k:=JSON gives JSON."),
        click.option("--strict", is_flag=True, help="Refuse parameters that would be dropped, clamped or forwarded."),
        click.option("--extra-body", metavar="JSON", help="Merged over the finished payload."),
        click.option("--extra-header", "extra_headers", multiple=True, metavar="k:v", help="A header of this call."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def extras(body: str | None, headers: Iterable[str]) -> dict[str, Any]:
    """`--extra-body` and `--extra-header` as arguments of a call."""
    return {
        "extra_body": None if body is None else _json("--extra-body", body),
        "extra_headers": dict(header(word, "--extra-header") for word in headers),
    }


def header(word: str, option: str) -> tuple[str, str]:
    """A `k:v` word as a header's name and value."""
    name, separator, value = word.partition(":")
    if not separator or not name.strip():
        raise UsageError(f"{option} takes k:v; write {option} 'content-type: text/event-stream'")
    return name.strip(), value.strip()


def pairs(words: Iterable[str], option: str) -> dict[str, str]:
    """`k=v` words as text."""
    found = [word.partition("=") for word in words]
    for name, separator, _ in found:
        if not separator or not name:
            raise UsageError(f"{option} {name!r} is no k=v")
    return {name: value for name, _, value in found}


def prompt_text(prompt: str | None) -> str:
    """The prompt: the argument, or standard input for `-`. Raises UsageError when there is nothing in it."""
    if prompt == "-":
        prompt = read_stdin_text()
    if prompt is None or not prompt.strip():
        raise UsageError("the prompt is empty; give a text, or - and text on standard input")
    return prompt


def read_stdin_text() -> str:
    """Standard input as UTF-8 text, without the line end that `echo` adds."""
    data = sys.stdin.buffer.read(MAX_PROMPT + 1)
    if len(data) > MAX_PROMPT:
        raise UsageError(f"standard input is larger than {MAX_PROMPT} bytes")
    try:
        return data.decode("utf-8-sig").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise UsageError(f"standard input is no UTF-8 at byte {error.start}; convert it first") from None


def conversation(system: str | None, prompt: str) -> list[Message]:
    """The messages of a first turn."""
    from ..messages import Message

    head = [Message("system", system)] if system else []
    return [*head, Message("user", prompt)]


def spec_files(catalog: Catalog, paths: Iterable[str]) -> list[Path]:
    """The files that PATH words name: files, folders (all below them), globs; without words, all of the catalog.

    A word that names no file is given back as it is: whoever reads it says what is wrong with it.
    """
    found = find(catalog, paths)
    return [Path(file) for file in [*found.files, *(problem.file for problem in found.problems)]]
