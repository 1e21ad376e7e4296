"""`python -m engine` is the command `wirefile`."""

from .cli import main

main()
