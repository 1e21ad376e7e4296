"""The process of one guided campaign: `python -m tests.fuzz.guided TARGET FOLDER [OPTION of libFuzzer ...]`."""

from __future__ import annotations

import sys
from random import Random

import atheris  # type: ignore[import-not-found]  # an extra, for Python 3.11 alone

with atheris.instrument_imports(include=["engine"]):
    from .campaign import SLOWED, pool
    from .mutation import mutated
    from .target import run
    from .targets import TARGETS


def main() -> None:
    """Run until the time is over, or something fails: the process ends with it."""
    target = TARGETS[sys.argv.pop(1)]
    inputs = pool(target)

    def changed(data: bytes, max_size: int, seed: int) -> bytes:
        """libFuzzer's own mutations, and every third time ours, which know the language."""
        random = Random(seed)
        if random.random() < 0.33:
            return mutated(target, [data, data, data, random.choice(inputs)], random)[:max_size]
        return atheris.Mutate(data, max_size)

    atheris.Setup(sys.argv, lambda data: run(target, data, SLOWED), custom_mutator=changed)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
