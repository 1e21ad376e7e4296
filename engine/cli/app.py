"""The command itself: its verbs by name, loaded when they are asked for, and the one place where errors end."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

import click

from ..suggest import did_you_mean
from ..version import __version__
from .exits import report
from .options import files_options

VERBS = ("list", "show", "validate", "render", "decode", "chat", "test", "drift", "mock", "new", "schema")
"""Every verb is the function `command` of the module `engine.cli.<verb>_command`."""


class _Verbs(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = import_module(f".{cmd_name}_command", __package__).command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            hint = did_you_mean(args[0], VERBS) or f"verbs: {', '.join(VERBS)}"
            raise click.UsageError(f"there is no verb '{args[0]}'; {hint}", ctx)
        return super().resolve_command(ctx, args)


@click.command(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="wirefile")
@files_options
def cli() -> None:
    """Any LLM chat API is one YAML file.

    Exit codes: 0 fine, 1 problems found, 2 the words or the file are off, 3 network, 4 the provider refused,
    5 the answer broke off, 130 interrupted.
    """


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command and end the process with its exit code."""
    sys.exit(run(argv))


def run(argv: Sequence[str] | None = None) -> int:
    """Run the command; its exit code. Every error ends here as one line on stderr."""
    if "_WIREFILE_COMPLETE" in os.environ:
        cli.main(argv, prog_name="wirefile")  # a shell asks for completions
    _open_what_is_closed()
    try:
        # Not cli.main: it has words and exit codes of its own for Ctrl-C and closed pipes.
        with cli.make_context("wirefile", list(sys.argv[1:] if argv is None else argv)) as context:
            code = cli.invoke(context)
        sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001  this is the last door before the shell
        return report(error)
    return code if isinstance(code, int) else 0


def _open_what_is_closed() -> None:
    """A standard stream that the shell has closed is None in Python: reading gives nothing, writing goes away."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115  open as long as the process
