"""Every behaviour: right servers pass it, and for each there is a wrong server that it alone catches.

The specs and servers are in `reference/behaviours/`: beside each spec a folder with right and wrong servers.
`pytest tests/test_catalogue.py --record-expected` writes the golden file of each server anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT

from grader.behaviours import catalogue
from grader.grading import grade
from grader.report.essence import essence
from grader.spec import load_spec

TOP = ROOT / "reference" / "behaviours"
SERVERS = sorted(file.parent for file in TOP.rglob("server.*"))


def spec_of(folder: Path) -> Path:
    """The spec beside whose folder a server lies."""
    return folder.parents[1].with_suffix(".yaml")


@pytest.mark.parametrize("folder", SERVERS, ids=lambda folder: str(folder.relative_to(TOP)))
def test_a_server_gets_exactly_its_expected_verdicts(folder: Path, pytestconfig: pytest.Config) -> None:
    golden = folder / "expected.yaml"

    found = essence(grade(folder, load_spec(spec_of(folder), catalogue())))

    if pytestconfig.getoption("--record-expected"):
        golden.write_text(yaml.safe_dump(found, sort_keys=False))
    assert found == yaml.safe_load(golden.read_text())


@pytest.mark.parametrize("spec", sorted(TOP.glob("*.yaml")), ids=lambda file: file.stem)
def test_the_model_solution_passes_every_behaviour(spec: Path) -> None:
    solution = ROOT / "reference" / "servers" / spec.stem
    if not solution.is_dir():
        assert [folder for folder in SERVERS if spec_of(folder) == spec and folder.parent.name == "right"]
        return

    report = grade(solution, load_spec(spec, catalogue()))

    assert {check.id: check.summary for check in report.checks if check.verdict != "pass"} == {}


def expected(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((folder / "expected.yaml").read_text())["checks"]
    return found


def verdict(found: Any) -> str:
    return found if isinstance(found, str) else str(found["verdict"])


def caught_by(folder: Path) -> set[str]:
    """The behaviours of the checks that a server fails."""
    behaviours = {check.id: check.behaviour for check in load_spec(spec_of(folder), catalogue()).checks}
    return {behaviours[name] for name, found in expected(folder).items() if verdict(found) == "fail"}


def test_right_servers_pass_everything_and_wrong_ones_fail_something() -> None:
    for folder in SERVERS:
        verdicts = {verdict(found) for found in expected(folder).values()}

        assert (verdicts == {"pass"}) is (folder.parent.name == "right"), folder
        assert verdicts <= {"pass", "fail", "skipped"}, folder


@pytest.mark.parametrize("behaviour", sorted(catalogue()))
def test_each_behaviour_alone_catches_some_server(behaviour: str) -> None:
    assert [folder for folder in SERVERS if caught_by(folder) == {behaviour}]
