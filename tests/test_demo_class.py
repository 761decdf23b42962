"""Every submission of the demo class, and every wrong server kept as a mutant, gets exactly the verdicts it should.

`expected.yaml` beside each is the golden file; `pytest tests/test_demo_class.py --record-expected` writes it anew.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from conftest import require_language

from grader.behaviours import catalogue
from grader.grading import grade
from grader.report.essence import essence
from grader.spec import find_spec, load_spec

ROOT = Path(__file__).resolve().parents[1]
RIGHT = {"alice", "grace", "kira", "mei"}
FOLDERS = sorted(
    file.parent
    for top in ("submissions", "reference/servers", "reference/mutants")
    for file in (ROOT / top).rglob("[sS]erver.*")
)


def model_of(server: str) -> str:
    """The model that a model solution shows: its name, but for the language."""
    model, _, language = server.rpartition("_")
    return model if language in {"c", "rust", "java"} else server


def claimed(folder: Path) -> str:
    """The model that a submission was handed in for."""
    if folder.parent.name == "submissions":
        return "select"
    return model_of(folder.name) if folder.parent.name == "servers" else folder.parent.name


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_a_submission_gets_exactly_its_expected_verdicts(folder: Path, pytestconfig: pytest.Config) -> None:
    golden = folder / "expected.yaml"
    require_language(folder)

    found = essence(grade(folder, load_spec(find_spec(claimed(folder)), catalogue())))

    if pytestconfig.getoption("--record-expected"):
        golden.write_text(yaml.safe_dump(found, sort_keys=False))
    assert found == yaml.safe_load(golden.read_text())


def test_the_right_servers_get_full_score_and_no_wrong_one_does() -> None:
    scores = {folder: yaml.safe_load((folder / "expected.yaml").read_text())["score"] for folder in FOLDERS}
    right = {folder for folder in FOLDERS if folder.parent.name == "servers" or folder.name in RIGHT}

    assert {folder.name for folder in right} >= RIGHT
    assert {folder for folder, score in scores.items() if score == 100} == right
