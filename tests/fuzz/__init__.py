"""Fuzzing: each promise of a parser as one function of bytes, held against inputs that several drivers make.

`targets.py` is the table. The suite replays `corpus/` and lets hypothesis try some more (tests/test_fuzz.py);
`python -m tests.fuzz` runs campaigns, guided by coverage where atheris is installed.
"""
