"""The table of all targets, by name."""

from __future__ import annotations

from . import addresses, answers, expressions, files, framings, importing, paths, words
from .target import Target

ROOMS = (framings, answers, files, expressions, paths, addresses, words, importing)

TARGETS: dict[str, Target] = {target.name: target for room in ROOMS for target in room.TARGETS}
