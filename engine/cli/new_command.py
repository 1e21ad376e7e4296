"""`wirefile new NAME --from-curl '...'`: a provider file from what a browser or a documentation page shows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import UsageError
from ..replacing import replace_text
from . import output
from .exits import FINE, PROBLEMS, say
from .options import files_options, read_stdin_text

if TYPE_CHECKING:
    from ..importing.capture import CapturedReply, CapturedRequest
    from ..importing.draft import Draft

MAX_REPLY = 64 * 1024 * 1024


@click.command("new")
@click.argument("name")
@click.option("--from-curl", "curl", metavar="COMMAND|-", help="The curl command, in quotes; - reads standard input.")
@click.option("--from-har", "har", metavar="FILE", help="A HAR file from the browser's network panel.")
@click.option("--reply", metavar="FILE", help="The reply to the request, as `curl -N` or `curl -i` wrote it.")
@click.option("--prompt", metavar="TEXT", help="What the user typed, to find it in the request.")
@click.option("--entry", type=click.IntRange(1), metavar="N", help="Which entry of the HAR file.")
@click.option(
    "-o", "--output", "target", metavar="FILE|-", help="Where to write; - is standard output.  [default: NAME.yaml]"
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@files_options
def command(
    name: str,
    curl: str | None,
    har: str | None,
    reply: str | None,
    prompt: str | None,
    entry: int | None,
    target: str | None,
    force: bool,
) -> int:
    """Write a provider file from a captured request and, if there is one, its reply.

    Secrets in the request become environment variables, and are not written. Nothing is sent. What could not be
    decided is marked TODO in the file, which is checked after it was written.
    """
    from ..importing.draft import check_name, draft

    check_name(name)
    path = Path(target or f"{name}.yaml")
    if target != "-" and path.exists() and not force:
        raise UsageError(f"{path} is there already; --force writes over it, -o FILE names another")
    request, answer = _captured(curl, har, reply, prompt, entry)
    made = draft(name, request, answer, prompt=prompt)
    if target == "-":
        output.write(made.text, end="")
    else:
        replace_text(path, made.text)
    return _tell(name, None if target == "-" else path, made)


def _captured(
    curl: str | None, har: str | None, reply: str | None, prompt: str | None, entry: int | None
) -> tuple[CapturedRequest, CapturedReply | None]:
    from ..importing.capture import reply_from
    from ..importing.curl import request_of

    if (curl is None) == (har is None):
        raise UsageError("say what to read: --from-curl 'curl ...', or --from-har FILE")
    if har is None:
        assert curl is not None
        if entry is not None:
            raise UsageError("--entry is for --from-har")
        request = request_of(read_stdin_text() if curl == "-" else curl)
        return request, reply_from(_read(reply)) if reply else None
    from ..importing.har import SHOWN, entry_of

    chosen, among = entry_of(_read(har), prompt, entry)
    if len(among) > 1:
        say(f"{len(among)} entries may be the chat; this is entry {chosen}", prefix="")
        for other in among[1 : SHOWN + 1]:
            say(f"  --entry {other}", prefix="")
    return chosen.request, reply_from(_read(reply)) if reply else chosen.reply


def _read(file: str) -> bytes:
    path = Path(file)
    if file == "-":
        return sys.stdin.buffer.read()
    if path.exists() and not path.is_file():
        raise UsageError(f"{file} is no regular file; name one")
    return path.read_bytes()


def _tell(name: str, path: Path | None, made: Draft) -> int:
    """What was written and what comes next, on stderr; the exit code."""
    shown = str(path) if path else "-"
    based = f", extends {made.protocol}" if made.protocol else ""
    say(f"wrote {shown}{based}; {made.open_questions} TODO" if path else f"{made.open_questions} TODO", prefix="")
    for variable in made.variables:
        say(f"the secret is read from {variable}, and stands nowhere in the file", prefix="")
    for problem in made.problems:
        say(str(problem), prefix="")
    for failure in made.failures:
        say(f"example '{failure.example}': {failure}", prefix="")
    if not made.is_sound:
        say("the file is not right yet: mend what is listed above, then wirefile validate", prefix="")
        return PROBLEMS
    if path:
        folder = path.parent
        say("next:", prefix="")
        for step in (f"validate {path}", f"test {path}", f'chat {name} --providers {folder} --mock "Hi"'):
            say(f"  wirefile {step}", prefix="")
    return FINE
