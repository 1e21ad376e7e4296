"""The version, as `pyproject.toml` has it; a test compares them. And since when this process runs it."""

import time

__version__ = "0.1.0"

BEGAN = time.time()
"""When the engine was imported: its files say since then what they may not have said before."""
