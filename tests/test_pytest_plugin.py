"""The plugin in projects of its own. It is named to each run, so that an entry point is not needed to find it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import CHIRP, ROOT
from .test_import import HEAVY, python

pytest_plugins = ["pytester"]

Results = pytest.RunResult


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Results]:
    """A project with a provider file and a YAML file of another kind; call it to run pytest there."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    (pytester.path / "providers").mkdir()
    (pytester.path / "providers" / "chirp.yaml").write_text(CHIRP, "utf-8")
    (pytester.path / "other.yaml").write_text("services: {db: {image: x}}\n", "utf-8")
    pytester.makepyfile(test_own="def test_own(): pass")

    def run(*words: str) -> Results:
        return pytester.runpytest_subprocess("-p", "engine.pytest_plugin", "-W", "error", *words, timeout=60)

    return run


def break_(folder: Path, old: str, new: str) -> None:
    file = folder / "providers" / "chirp.yaml"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def test_one_test_an_example(project: Callable[..., Results]) -> None:
    ran = project("--wirefile", "providers", "-v")
    ran.assert_outcomes(passed=4)
    ran.stdout.fnmatch_lines(["providers/chirp.yaml::a stream PASSED*", "providers/chirp.yaml::out of credit PASSED*"])
    project("--wirefile", "providers/chirp.yaml::a stream").assert_outcomes(passed=1)
    project("--wirefile", "providers", "-k", "credit or whole").assert_outcomes(passed=2, deselected=2)
    project("--wirefile", "providers", "test_own.py").assert_outcomes(passed=5)


def test_a_file_that_was_found_sound_is_not_judged_again(
    project: Callable[..., Results], pytester: pytest.Pytester
) -> None:
    project("--wirefile", "providers").assert_outcomes(passed=4)
    pytester.makeconftest("from engine.loader import judging\njudging.judge = None")
    project("--wirefile", "providers").assert_outcomes(passed=4)


def test_without_the_word_yaml_files_are_left_alone(project: Callable[..., Results]) -> None:
    project().assert_outcomes(passed=1)
    project("providers").assert_outcomes()


def test_a_project_can_always_have_it(project: Callable[..., Results], pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nwirefile_paths = providers\n")
    project().assert_outcomes(passed=5)  # and not the YAML file of another kind


def test_a_failure_shows_what_differs_and_where(project: Callable[..., Results], pytester: pytest.Pytester) -> None:
    break_(pytester.path, "{text: Hello ✓", "{text: Bye")
    ran = project("--wirefile", "providers", "-ra")
    ran.assert_outcomes(passed=3, failed=1)
    ran.stdout.fnmatch_lines(
        [
            "*a stream*",
            "providers/chirp.yaml:51:14  expect.text",
            '  - "Bye"',
            '  + "Hello ✓"',
            "FAILED providers/chirp.yaml::a stream*",
        ]
    )
    assert "Traceback" not in ran.stdout.str()
    assert "pytest_plugin.py" not in ran.stdout.str()


def test_the_last_failed_are_run_again(project: Callable[..., Results], pytester: pytest.Pytester) -> None:
    break_(pytester.path, "{text: Hello ✓", "{text: Bye")
    project("--wirefile", "providers").assert_outcomes(passed=3, failed=1)
    project("--wirefile", "providers", "--lf").assert_outcomes(failed=1)
    break_(pytester.path, "{text: Bye", "{text: Hello ✓")
    project("--wirefile", "providers", "--lf").assert_outcomes(passed=1)


def test_an_invalid_file_is_one_failure_with_its_problems(
    project: Callable[..., Results], pytester: pytest.Pytester
) -> None:
    break_(pytester.path, "{{ messages }}", "{{ mesages }}")
    ran = project("--wirefile", "providers", "test_own.py", "-ra")
    ran.assert_outcomes(passed=1, failed=1)
    ran.stdout.fnmatch_lines(
        ["providers/chirp.yaml:14:*undefined-variable*messages*", "FAILED providers/chirp.yaml::valid*"]
    )


def test_a_yaml_file_of_another_kind_is_told(project: Callable[..., Results]) -> None:
    ran = project("--wirefile", "other.yaml")
    ran.assert_outcomes(failed=1)
    ran.stdout.fnmatch_lines(["other.yaml:1:1*bad-version*"])


def test_examples_are_found_in_the_file_that_they_are_inherited_from(
    project: Callable[..., Results], pytester: pytest.Pytester
) -> None:
    child = "spec_version: 1\nname: child\nextends: chirp\n"
    (pytester.path / "providers" / "child.yml").write_text(child, "utf-8")
    break_(pytester.path, "{text: Hello ✓", "{text: Bye")
    ran = project("--wirefile", "providers/child.yml")
    ran.assert_outcomes(passed=3, failed=1)
    ran.stdout.fnmatch_lines(["providers/chirp.yaml:51:14  expect.text"])


def test_abstract_files_have_examples_too(project: Callable[..., Results], pytester: pytest.Pytester) -> None:
    break_(pytester.path, "name: chirp\n", "name: chirp\nabstract: true\n")
    break_(pytester.path, ", adjustments: {temperature: clamped}", "")  # there is no call of a protocol
    project("--wirefile", "providers").assert_outcomes(passed=4)


def test_in_several_processes(project: Callable[..., Results], pytester: pytest.Pytester) -> None:
    pytest.importorskip("xdist")
    break_(pytester.path, "{text: Hello ✓", "{text: Bye")
    ran = project("-p", "xdist.plugin", "--wirefile", "providers", "-n", "2")
    ran.assert_outcomes(passed=3, failed=1)
    ran.stdout.fnmatch_lines(["providers/chirp.yaml:51:14  expect.text"])


def test_a_name_with_line_ends_is_one_line(project: Callable[..., Results], pytester: pytest.Pytester) -> None:
    break_(pytester.path, "name: a whole answer", 'name: "a\\nwhole"')
    ran = project("--wirefile", "providers", "-v")
    ran.assert_outcomes(passed=4)
    assert "a\\u000awhole" in ran.stdout.str()


def test_a_fault_of_the_engine_is_a_traceback(project: Callable[..., Results], pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        "import engine.contracts.outcomes as o\ndef broken(*_): raise RuntimeError('x')\no.outcome_of = broken"
    )
    ran = project("--wirefile", "providers")
    ran.assert_outcomes(failed=4)
    ran.stdout.fnmatch_lines(["*RuntimeError: x"])


def test_the_plugin_loads_nothing_before_it_is_asked_for() -> None:
    listed = "print(*sorted(set(sys.modules) - before))"
    code = f"import sys, pytest\nbefore = set(sys.modules)\nimport engine.pytest_plugin\n{listed}"
    loaded = python(code).split()
    assert [name for name in loaded if name.startswith("engine")] == [
        "engine",
        "engine.pytest_plugin",
        "engine.version",
    ]
    assert not set(loaded) & set(HEAVY)
