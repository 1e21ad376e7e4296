"""What is true after every test, whatever it is about; a plugin of this suite's own.

Nothing is left behind (leftovers.py), what each call came to keeps the promises of the doors (history.py), and nothing
reached beyond loopback or the folder of the run (guards.py). A test that does what one of them forbids says why:
`@pytest.mark.excused("secret", "the service says the key, and the caller is to hear it")`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Final

import pytest

from .guards import Guards
from .history import VERDICTS, History, spelt, verdicts
from .leftovers import Held, watch_loops
from .witness import Witness

LEFT: Final = "left"
GUARD: Final = "guard"
EXCUSES: Final = frozenset({*VERDICTS, LEFT, GUARD})


def excuses(item: pytest.Item) -> frozenset[str]:
    """What a test may do that none should."""
    return frozenset(mark.args[0] for mark in item.iter_markers("excused"))


class Invariants:
    """Looks before and after each test."""

    def __init__(self, guards: Guards) -> None:
        self._guards = guards
        self._history = History()
        self._unfinished: list[str] = []
        self._secrets: tuple[str, ...] = ()

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        """Begin to record calls and the ends of loops."""
        self._guards.install()
        Witness(self._history).record(patch)
        watch_loops(self._unfinished, patch)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        """Guard the test and its fixtures, and not what the runner and its plugins do in between."""
        with nullcontext() if GUARD in excuses(item) else self._guards.on():
            return (yield)

    pytest_runtest_call = pytest_runtest_teardown = pytest_runtest_setup

    # Function-scoped and set up before all others of that scope: what those of a wider scope hold is there before, and
    # what the test's own fixtures hold is gone when it looks again.
    @pytest.fixture(autouse=True)
    def _invariants(self, request: pytest.FixtureRequest) -> Iterator[None]:
        before = Held.now()
        yield
        wrong = self._wrong(before, excuses(request.node))
        if wrong:
            pytest.fail("\n".join(["what is true after every test is not true after this one:", *wrong]), pytrace=False)

    def _wrong(self, before: Held, excused: frozenset[str]) -> list[str]:
        calls = self._history.take()
        left = [*before.left(), *self._unfinished]
        self._unfinished.clear()
        self._secrets = tuple({secret for call in calls for secret in call.secrets})
        refused = self._guards.take()
        return [
            *verdicts(calls, excused),
            *(f"the test has left {what}" for what in left if LEFT not in excused),
            *(f"the test tried {what}" for what in refused),
        ]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
        """Look for secrets in what a test has printed and logged, which is known when it is over."""
        report: pytest.TestReport = yield
        if call.when == "teardown" and self._secrets and report.passed:
            found = {name: spelt(text, self._secrets) for name, text in report.sections}
            leaks = [f"a secret of a call is in {name}, {how}" for name, how in found.items() if how]
            if leaks and "secret" not in excuses(item):
                report.outcome, report.longrepr = "failed", "\n".join(leaks)
        return report


def pytest_configure(config: pytest.Config) -> None:
    """Explain the mark."""
    config.addinivalue_line(
        "markers",
        f"excused(what, reason): the test does what none should: {', '.join(sorted(EXCUSES))} (tests/invariants.py)",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse an excuse for nothing, and one without a reason."""
    for item in items:
        for mark in item.iter_markers("excused"):
            if len(mark.args) != 2 or mark.args[0] not in EXCUSES or not mark.args[1]:
                raise pytest.UsageError(f"{item.nodeid}: excused(what, reason), where what is one of {sorted(EXCUSES)}")


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Begin to look, once there is a folder of this run."""
    factory = session.config._tmp_path_factory  # type: ignore[attr-defined]  # the fixture of that name, before any test
    invariants = Invariants(Guards(factory.getbasetemp()))
    patch = pytest.MonkeyPatch()
    session.config.add_cleanup(patch.undo)
    invariants.watch(patch)
    session.config.pluginmanager.register(invariants, "invariants")
