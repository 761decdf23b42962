"""`grader init`: a new assignment is ready to grade, for every model."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from conftest import ROOT, require_language

from grader.assignment import new_assignment, write_assignment
from grader.behaviours import catalogue
from grader.cli import grader_command
from grader.grading import grade
from grader.report.model import Verdict
from grader.spec import load_spec

MODELS = sorted(file.stem for file in (ROOT / "specs").glob("*.yaml"))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(grader_command, ["init", *arguments])


@pytest.mark.parametrize("model", MODELS)
def test_the_spec_of_a_new_assignment_is_that_of_its_model_under_its_own_name(model: str, tmp_path: Path) -> None:
    write_assignment(tmp_path / "new", new_assignment("week-3", model))

    spec = load_spec(tmp_path / "new" / "spec.yaml", catalogue())
    bundled = load_spec(ROOT / "specs" / f"{model}.yaml", catalogue())

    assert (spec.spec, spec.model, spec.checks) == ("week-3", bundled.model, bundled.checks)
    assert spec.server.entry == bundled.server.entry[:1]
    assert (tmp_path / "new" / "spec.yaml").read_text().count("#") > len(spec.checks)


@pytest.mark.parametrize("model", ["select", "goroutines", "io_uring", "event_loop"])
def test_a_starter_of_each_language_can_be_graded_and_does_not_pass(model: str, tmp_path: Path) -> None:
    write_assignment(tmp_path / "new", new_assignment("week-3", model))
    require_language(tmp_path / "new" / "starter")
    spec = load_spec(tmp_path / "new" / "spec.yaml", catalogue())
    checks = [check for check in spec.checks if check.behaviour == "echo"]

    (echo,) = grade(tmp_path / "new" / "starter", spec.model_copy(update={"checks": checks})).checks

    assert echo.verdict is Verdict.FAIL
    assert "a message of 64 bytes was not answered rightly" in echo.summary, "it answers one message"


def test_the_command_writes_a_folder_and_says_what_comes_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    done = run("week-3", "--model", "poll")

    assert done.exit_code == 0
    written = {str(file.relative_to(tmp_path)) for file in (tmp_path / "week-3").rglob("*") if file.is_file()}
    assert {line.strip() for line in done.output.splitlines()[:-1]} == written
    assert done.output.splitlines()[-1].startswith("next: cd week-3; grader check-spec spec.yaml")
    workflow = yaml.safe_load((tmp_path / "week-3/.github/workflows/grade.yml").read_text())
    commands = [step.get("run", "") for step in workflow["jobs"]["grade"]["steps"]]
    assert any(command.startswith("grader check-spec spec.yaml") for command in commands)
    assert (tmp_path / "week-3/schema.json").read_text() == CliRunner().invoke(grader_command, ["schema"]).output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["week 3"], "grader: 'week 3' cannot be the name of a spec; use small letters, digits, '-' and '_' only"),
        (["../up"], "grader: '../up' cannot be the name of a spec"),
        (["week-3", "--model", "selct"], "grader: there is no bundled spec 'selct'; did you mean 'select'?"),
        (["there"], "grader: 'there' is there already; choose another name, or move it away"),
    ],
)
def test_what_cannot_be_made_is_said_and_nothing_is_written(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()

    done = run(*arguments)

    assert done.exit_code == 2
    assert said in done.stderr
    assert [file.name for file in tmp_path.rglob("*")] == ["there"]
