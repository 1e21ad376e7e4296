"""Canonical messages and tools -> the wire's shape, by the closed passes and the templates of a file.

Messages become turns, each a role and typed parts (turns.py); passes.py changes the conversation as a whole, shapes.py
makes a message of each turn, parts.py its parts. Tools and the choice among them go through tools.py, the schemas of
their parameters through json_schema.py. A file that says nothing of all this gets what the caller gave, checked.
"""

from .shaper import Shaper
from .template import Context
from .tools import check_choice

__all__ = ["Context", "Shaper", "check_choice"]
