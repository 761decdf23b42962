"""What PrairieLearn and Autolab read of one report."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner
from report_samples import HOSTILE, everywhere, failed, harmful, passed, report

from grader.cli import grader_command
from grader.report.json_file import write_json
from grader.report.model import Verdict
from grader.report.other_platforms import autolab_line, prairielearn_json, prairielearn_results

# PrairieLearn's documentation of external grading, "Grading results": all tests have points, or none.
TEST_FIELDS = ["name", "description", "points", "max_points", "message", "output"]
RESULTS = {
    "type": "object",
    "required": ["gradable", "score"],
    "properties": {
        "gradable": {"type": "boolean"},
        "score": {"type": "number", "minimum": 0, "maximum": 1},
        "message": {"type": "string"},
        "output": {"type": "string"},
        "tests": {
            "type": "array",
            "items": {
                "type": "object",
                "required": TEST_FIELDS,
                "properties": {name: {"type": "number" if "points" in name else "string"} for name in TEST_FIELDS},
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}


def test_prairielearn_gets_a_share_and_the_points_of_each_test() -> None:
    found = json.loads(prairielearn_json(report()))

    jsonschema.validate(found, RESULTS)
    assert found["gradable"] is True
    assert found["score"] == pytest.approx(1 / 3)
    assert [(test["points"], test["max_points"]) for test in found["tests"]] == [(10, 10), (0, 20)]
    assert "Think x" in found["tests"][1]["output"]


def test_what_could_not_be_decided_is_not_gradable_there() -> None:
    found = prairielearn_results(report(passed(), failed(verdict=Verdict.INCONCLUSIVE)))

    assert found["gradable"] is False
    assert found["message"] == "1 check could not be decided; that is not your submission's fault"


def test_of_a_hidden_check_nothing_is_told_but_the_verdict() -> None:
    secret = failed("secret", hidden=True, title="secret", hint="secret")

    assert "secret" not in prairielearn_json(report(secret, text=""))


@pytest.mark.parametrize("text", [*HOSTILE, "a\n::error::b"])
def test_no_control_character_gets_through(text: str) -> None:
    written = prairielearn_json(everywhere(text))

    jsonschema.validate(json.loads(written), RESULTS)
    assert not harmful(written)


def test_autolab_reads_one_line_with_the_points_of_each_problem(tmp_path: Path) -> None:
    write_json(report(), tmp_path / "report.json")

    told = CliRunner().invoke(grader_command, ["export", "autolab", str(tmp_path / "report.json")])

    assert told.stdout == autolab_line(report())
    assert json.loads(told.stdout.splitlines()[-1]) == {"scores": {"echo": 10, "concurrent": 0}}
