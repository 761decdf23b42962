"""Every submission of the demo class, and every wrong server kept as a mutant, gets exactly the verdicts it should.

`expected.yaml` beside each is the golden file; `pytest tests/test_demo_class.py --record-expected` writes it anew.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from grader.behaviours import catalogue
from grader.grading import grade
from grader.report.essence import essence
from grader.spec import find_spec, load_spec

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = sorted(file.parent for top in ("submissions", "reference") for file in (ROOT / top).rglob("server.*"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_a_submission_gets_exactly_its_expected_verdicts(folder: Path, pytestconfig: pytest.Config) -> None:
    golden = folder / "expected.yaml"
    name = yaml.safe_load(golden.read_text())["spec"] if golden.exists() else "select"

    found = essence(grade(folder, load_spec(find_spec(name), catalogue())))

    if pytestconfig.getoption("--record-expected"):
        golden.write_text(yaml.safe_dump(found, sort_keys=False))
    assert found == yaml.safe_load(golden.read_text())


def test_the_demo_class_has_right_and_wrong_servers() -> None:
    scores = {folder.name: yaml.safe_load((folder / "expected.yaml").read_text())["score"] for folder in FOLDERS}

    assert scores["alice"] == scores["grace"] == scores["kira"] == scores["mei"] == 100
    assert all(scores[name] < 100 for name in scores if name not in {"alice", "grace", "kira", "mei"})
