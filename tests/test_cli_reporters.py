"""Problems as machines read them: each format says the same, and is what its schema or its reader takes."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest

from engine.cli.reporters import REPORTERS, Report
from engine.errors import Problem
from engine.loader.rulebook import rulebook

from .conftest import Run

ODD = Problem("sp ace/é,a:b%.yaml", 2, 3, "bad-id", "50% of 'a': b, <c>\n", "say \"d\" & 'e'", "error", "name")
WARNING = Problem("/abs/株.yaml", 1, 1, "unused-param", "nothing reads it", "", "warning", "params.a")
REPORT = Report(("sp ace/é,a:b%.yaml", "good.yaml", "/abs/株.yaml"), (ODD, WARNING))


def test_json_has_the_keys_in_order() -> None:
    report = json.loads(REPORTERS["json"](REPORT))
    assert report["files"] == 3
    keys = ["file", "line", "column", "rule", "severity", "message", "hint", "path"]
    assert [list(problem) for problem in report["problems"]] == [keys, keys]


def test_github_escapes_what_ends_a_value() -> None:
    first, second = REPORTERS["github"](REPORT).splitlines()
    assert first == (
        "::error file=sp ace/é%2Ca%3Ab%25.yaml,line=2,col=3,title=bad-id::50%25 of 'a': b, <c>%0A; say \"d\" & 'e'"
    )
    assert second == "::warning file=/abs/株.yaml,line=1,col=1,title=unused-param::nothing reads it"


def sarif(report: Report) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(REPORTERS["sarif"](report))
    return log


SCHEMA_PACKAGE = "@microsoft/sarif-multitool-linux@5.7.0"
"""It holds the JSON Schema of SARIF 2.1.0 as OASIS published it; no package of PyPI that we know does."""


@pytest.fixture(scope="module")
def sarif_schema(tmp_path_factory: pytest.TempPathFactory) -> jsonschema.Draft202012Validator:
    folder = tmp_path_factory.mktemp("sarif")
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    words = ["npm", "pack", "--silent", SCHEMA_PACKAGE]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        pytest.skip(f"npm cannot fetch {SCHEMA_PACKAGE}")
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        file = archive.extractfile("package/sarif-2.1.0.json")
        assert file is not None
        return jsonschema.Draft202012Validator(json.load(file))


@pytest.mark.npm
def test_sarif_is_what_its_schema_takes(sarif_schema: jsonschema.Draft202012Validator) -> None:
    broken = sarif(REPORT)
    broken["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] = 0
    assert not sarif_schema.is_valid(broken)
    sarif_schema.validate(sarif(REPORT))
    sarif_schema.validate(sarif(Report(("a.yaml",), ())))
    for name in rulebook():
        sarif_schema.validate(sarif(Report((), (Problem("a.yaml", 1, 1, name, "x"),))))


def test_sarif_names_places_as_uris() -> None:
    results = sarif(REPORT)["runs"][0]["results"]
    uris = [result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in results]
    assert uris == ["sp%20ace/%C3%A9%2Ca%3Ab%25.yaml", "file:///abs/%E6%A0%AA.yaml"]
    assert [unquote(uri) for uri in uris] == [ODD.file, f"file://{WARNING.file}"]
    assert [result["level"] for result in results] == ["error", "warning"]


def test_sarif_says_what_each_rule_means() -> None:
    run = sarif(REPORT)["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == ["bad-id", "unused-param"]
    for rule in rules:
        row = rulebook()[rule["id"]]
        assert rule["shortDescription"]["text"] == f"{row.title}."
        assert rule["fullDescription"]["text"] == row.meaning
        assert rule["defaultConfiguration"]["level"] == row.severity
        assert row.bad.lines.strip() in rule["help"]["markdown"]
        assert "\x1b" not in rule["help"]["text"]


def test_sarif_and_junit_of_nothing() -> None:
    assert sarif(Report(("a.yaml",), ()))["runs"][0]["results"] == []
    assert junit(REPORTERS["junit"](Report(("a.yaml",), ()))) == {"tests": 1, "failures": 0, "errors": 0, "skipped": 0}


RESULT = {"failure": {"type", "message"}, "skipped": {"message"}}


def junit(text: str) -> dict[str, int]:
    """The counts of a report, which has the shape of Jenkins' junit-10.xsd: these elements, these attributes."""
    suite = ElementTree.fromstring(text)
    assert (suite.tag, set(suite.keys())) == ("testsuite", {"name", "tests", "failures", "errors", "skipped"})
    for case in suite:
        assert (case.tag, set(case.keys())) == ("testcase", {"classname", "name"})
        assert len(case) <= 1
        for result in case:
            assert set(result.keys()) == RESULT[result.tag]
    counts = {key: int(suite.get(key) or "") for key in ("tests", "failures", "errors", "skipped")}
    assert counts["tests"] == len(suite)
    assert counts["failures"] == len(suite.findall(".//failure"))
    assert counts["skipped"] == len(suite.findall(".//skipped"))
    return counts


def test_junit_has_a_case_for_each_problem_and_each_good_file() -> None:
    text = REPORTERS["junit"](REPORT)
    assert junit(text) == {"tests": 3, "failures": 1, "errors": 0, "skipped": 1}
    failed = ElementTree.fromstring(text)[0]
    assert failed.get("classname") == ODD.file
    assert failed[0].get("message") == "50% of 'a': b, <c>?; say \"d\" & 'e'"


@pytest.mark.parametrize("form", ["sarif", "junit", "json", "github"])
def test_formats_of_a_real_file(wirefile: Run, tmp_path: Path, form: str) -> None:
    (tmp_path / "é b.yaml").write_text("spec_version: 1\nnmae: x\n", encoding="utf-8")
    ran = wirefile("validate", str(tmp_path), "--format", form)
    assert ran.code == 1
    assert ran.err == ""
    assert {"sarif": json.loads, "junit": junit, "json": json.loads, "github": str}[form](ran.out)
