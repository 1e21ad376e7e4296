"""The examples of provider files as tests of pytest: `pytest --wirefile providers/`, one test an example.

The plugin is found by its entry point in every project beside which the package is installed: until it is asked for,
it loads no part of the engine and leaves every YAML file alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .contracts.outcomes import Finding
    from .errors import SpecError
    from .provider import Provider
    from .spec import Example

SUFFIXES = (".yaml", ".yml")
PATHS = "wirefile_paths"

_PROVEN: pytest.StashKey[Any] = pytest.StashKey()
"""Replies that are the same answer at every cut: files on one protocol share the work."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """--wirefile for one run, `wirefile_paths` for every run."""
    group = parser.getgroup("wirefile", "examples of provider files")
    group.addoption("--wirefile", action="store_true", help="Run the examples of the YAML files under the given paths.")
    parser.addini(PATHS, "Folders and files whose YAML files are provider files, --wirefile or not.", type="paths")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A provider file, where the run or the project's settings ask for it."""
    if file_path.suffix not in SUFFIXES or not _is_asked_for(file_path, parent.config):
        return None
    return ProviderFile.from_parent(parent, path=file_path)


def _is_asked_for(file: Path, config: pytest.Config) -> bool:
    return bool(config.getoption("--wirefile")) or any(map(file.is_relative_to, config.getini(PATHS)))


class ProviderFile(pytest.File):
    """A provider file: a test for each of its examples; one test that fails for a file that is invalid."""

    def collect(self) -> Iterator[pytest.Item]:
        """The examples in their order, those that are inherited included."""
        from .catalog import Catalog
        from .contracts.outcomes import provider_of
        from .errors import SpecError

        catalog = Catalog()
        folders = catalog.folders
        try:
            provider, examples = provider_of(self.path, folders, cache=catalog.cache)
        except SpecError as error:
            yield InvalidItem.from_parent(self, name="valid", error=error)
            return
        for example in examples:
            yield ExampleItem.from_parent(
                self, name=_one_line(example.name), provider=provider, example=example, folders=folders
            )


class ExampleItem(pytest.Item):
    """An example: passes when all of it holds."""

    def __init__(self, *, provider: Provider, example: Example, folders: tuple[Path, ...], **words: Any) -> None:
        super().__init__(**words)
        self.provider = provider
        self.example = example
        self.folders = folders

    def runtest(self) -> None:
        """Render the request, decode the reply at every cut. Nothing is sent."""
        from .contracts.outcomes import outcome_of

        proven = self.config.stash.setdefault(_PROVEN, set())
        outcome = outcome_of(self.provider, self.example, self.folders, proven)
        if not outcome.ok:
            raise ExampleFailed(outcome.findings)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the example is written, which may be a file that this one extends."""
        return Path(self.example.file), self.example.line - 1, self.name

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What differs, and where that is written; of any other exception its traceback."""
        from .contracts.contrast import contrast

        if not isinstance(excinfo.value, ExampleFailed):
            return super().repr_failure(excinfo)
        findings = [
            replace(finding, position=replace(finding.position, file=_near(finding.position.file, self.config)))
            for finding in excinfo.value.findings
        ]
        return "\n".join(line for finding in findings for line in contrast(finding))


class InvalidItem(pytest.Item):
    """A file that has no examples to run, because it is invalid."""

    def __init__(self, *, error: SpecError, **words: Any) -> None:
        super().__init__(**words)
        self.error = error

    def runtest(self) -> None:
        """Tell all problems of the file."""
        raise self.error

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the first of the problems is."""
        return Path(self.error.problems[0].file), self.error.problems[0].line - 1, self.name

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The problems as `wirefile validate` shows them."""
        problems = [replace(problem, file=_near(problem.file, self.config)) for problem in self.error.problems]
        return "\n".join(map(str, problems))


class ExampleFailed(Exception):
    """An example that does not hold, with all that differs."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__(findings)
        self.findings = findings

    def __str__(self) -> str:
        return "; ".join(str(finding.failure) for finding in self.findings)


def _near(file: str, config: pytest.Config) -> str:
    """A path as it is called where pytest was started."""
    here = config.invocation_params.dir
    return str(Path(file).relative_to(here)) if Path(file).is_relative_to(here) else file


def _one_line(name: str) -> str:
    """An example's name as part of a test's id."""
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in name)
