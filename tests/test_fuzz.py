"""What parsers promise, held against stored inputs and some that hypothesis makes; tests/fuzz has longer ways."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .conftest import ROOT, environment
from .faults import fault
from .fuzz.campaign import CORPUS, blind, pool
from .fuzz.mutation import MAX_BYTES, mutated
from .fuzz.target import Target, TooSlow, run
from .fuzz.targets import TARGETS

BUSY = 5.0
"""How much longer an input may take here: other tests run beside this one."""

STORED = sorted(path for path in CORPUS.rglob("*") if path.is_file())


@pytest.mark.parametrize("path", [pytest.param(path, id=f"{path.parent.name}-{path.name}") for path in STORED])
def test_a_stored_input_fails_no_more(path: Path) -> None:
    run(TARGETS[path.parent.name], path.read_bytes(), BUSY)


def inputs(target: Target) -> st.SearchStrategy[bytes]:
    """What the target's own dice make, and bytes of all kinds, which are made smaller when they fail."""
    known = pool(target, work=False)
    made = st.integers(0, 2**62).map(lambda seed: mutated(target, known, Random(seed)))
    return st.one_of(made, made, made, st.binary(max_size=200))


FAULTS = {
    "file": ("Provider files and templates", "a provider file of arbitrary bytes", "problems with places in it, in bounded time"),
    "expression": ("Provider files and templates", "a template of arbitrary text", "refused, or a bounded value by data alone"),
    "pattern": ("Provider files and templates", "a pattern that tries many ways", "refused, or given so little text that it ends soon"),
    "answer": ("Bytes and event streams", "an arbitrary body at any cut", "the same answer or the same typed error"),
    "framing-aws-eventstream": ("Bytes and event streams", "binary messages with wrong sums, sizes and headers", "DecodeError or TruncatedError, the same at any cut"),
    "compression": ("Compression", "an arbitrary compressed body at any cut", "the same bytes, then the same typed error"),
    "refusal": ("Refusals and errors in an answer", "a refusal with an arbitrary body", "ProviderError of its status, in one short line, without the key"),
    "head": ("Values that come in", "arbitrary headers, dates and cookies", "read or ignored; a bounded wait or none"),
    "call": ("Values that go out", "arbitrary JSON as messages, tools and parameters", "UsageError, or a whole request"),
    "headers": ("Values that go out", "arbitrary text in a header, path, query or model", "ParameterError, or one value in its place"),
    "url": ("Redirects", "an arbitrary URL from a caller, a setting or a reply", "refused, or the HTTP client goes to the host that was checked"),
    "mask": ("Secrets", "a secret in any text, as URLs, JSON and base64 spell it", "masked"),
}  # fmt: skip
"""The targets that show what a user is told about: a row of docs/reliability.md each."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=fault(*FAULTS[name])) if name in FAULTS else name for name in TARGETS]
)
def test_what_is_promised_holds_for_any_input(name: str) -> None:
    target = TARGETS[name]

    @settings(max_examples=max(3, int(settings.default.max_examples * target.share)))
    @given(inputs(target))
    def holds(data: bytes) -> None:
        run(target, data, BUSY)

    holds()


def test_every_stored_input_is_of_a_target() -> None:
    assert {path.parent.name for path in STORED} <= TARGETS.keys()


def _refuses_x(data: bytes) -> None:
    assert b"x" not in data


def test_a_campaign_finds_and_keeps_what_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fuzz.campaign.WORK", tmp_path)
    outcome = blind(Target("made-up", _refuses_x, lambda: [b"abc"], (b"x",)), 20, seed=1)
    (kept,) = outcome.failures
    assert b"x" in kept.read_bytes()
    assert outcome.executions > 0
    assert kept.parent == tmp_path / "findings" / "made-up"


def test_an_input_that_takes_long_is_a_finding() -> None:
    def spins(data: bytes) -> None:
        until = time.thread_time() + 0.02
        while time.thread_time() < until:
            pass

    with pytest.raises(TooSlow, match="for 2 bytes"):
        run(Target("made-up", spins, list, seconds=0.01), b"ab")


def test_the_dice_make_the_same_inputs_again() -> None:
    for target in TARGETS.values():
        first, again = (mutated(target, [b"seed"], Random(7)) for _ in range(2))
        assert first == again
        assert len(first) <= MAX_BYTES


def test_the_command_says_what_it_did_and_what_there_is() -> None:
    def fuzz(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tests.fuzz", *words]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment(), check=False)

    done = fuzz("path", "--blind", "--seconds", "0.2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("path: ")
    assert "executions" in done.stdout
    unknown = fuzz("pth")
    assert unknown.returncode == 2
    assert "there is no target pth" in unknown.stderr
