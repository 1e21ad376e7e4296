"""New inputs out of old ones, by a seeded dice: what every driver but libFuzzer's own mutations does."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from .target import Target

MAX_BYTES = 4096


def mutated(target: Target, pool: Sequence[bytes], random: Random) -> bytes:
    """A grown input, or one of the pool after some steps; either way of at most `MAX_BYTES`."""
    if target.grow is not None and random.random() < 0.4:
        data = target.grow(random)
        if random.random() < 0.6:
            return data[:MAX_BYTES]
    else:
        data = random.choice(pool)
    for _ in range(random.choice((1, 1, 2, 3, 6))):
        data = _step(target, data, pool, random)
    return data[:MAX_BYTES]


def _step(target: Target, data: bytes, pool: Sequence[bytes], random: Random) -> bytes:
    begin = random.randint(0, len(data))
    end = min(len(data), begin + random.choice((0, 1, 2, 4, 16, 64)))
    kind = random.randrange(7)
    if kind == 0 or not target.tokens:
        new = bytes([random.randrange(256)])
    elif kind < 4:
        new = random.choice(target.tokens)
        end = begin if kind < 3 else end
    elif kind == 4:  # something twice, or many times
        new = data[begin:end] * random.choice((2, 2, 3, 50))
    elif kind == 5:  # a piece of another input
        other = random.choice(pool)
        at = random.randint(0, len(other))
        new = other[at : at + random.choice((4, 16, 64, 4096))]
    else:
        new = b""
    return data[:begin] + new + data[end:]
