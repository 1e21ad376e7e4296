"""The command line: `wirefile VERB ...`. Results go to stdout, everything else to stderr.

Each verb lives in a module of its own; what they share is in output.py (terminals and pipes), options.py (words of the
command line) and exits.py (errors and exit codes).
"""

from .app import main

__all__ = ["main"]
