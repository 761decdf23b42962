"""The workflows in docs/ and the action: they load, and every command in them is one of ours, with its own options."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from conftest import ROOT

from grader.behaviours import catalogue
from grader.cli import grade_command, grader_command
from grader.spec import find_spec, load_spec

WORKFLOWS = ROOT / "docs" / "workflows"
FILES = [*sorted(WORKFLOWS.glob("*.yml")), ROOT / "action.yml", ROOT / "reference" / "assignment" / "grade.yml"]
_VARIABLE = re.compile(r"\$\{?(\w+)(\[[\w@]+\])?\}?")
_VALUES = {"ISOLATION": "auto"}

each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)


def loaded(file: Path) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(file.read_text())
    return found


def scripts(node: Any) -> Iterator[str]:
    """Every script in a workflow, an action or a GitLab file."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in {"run", "script", "before_script"}:
                yield "\n".join(value) if isinstance(value, list) else value
            else:
                yield from scripts(value)
    elif isinstance(node, list):
        for value in node:
            yield from scripts(value)


def commands(file: Path) -> Iterator[list[str]]:
    """Every call of grade and grader, its variables replaced by something."""
    for script in scripts(loaded(file)):
        for line in script.replace("\\\n", " ").splitlines():
            words = shlex.split(_VARIABLE.sub(_value, line.strip().partition(" || ")[0]), comments=True)
            if words[:1] in (["grade"], ["grader"]):
                yield words


def _value(variable: re.Match[str]) -> str:
    return _VALUES.get(variable[1], "1")


def steps(file: Path) -> list[dict[str, Any]]:
    found = loaded(file)
    return [step for job in found["jobs"].values() for step in job["steps"]]


@each_file
def test_every_command_is_there_with_these_options(file: Path) -> None:
    found = list(commands(file))

    assert found or "OWNER" in file.read_text()
    for words in found:
        parse(words)


def parse(words: list[str]) -> None:
    """Fails as the command line would."""
    if words[0] == "grade":
        grade_command.make_context("grade", words[1:])
        return
    command: click.Command = grader_command
    context, rest = click.Context(command), words[1:]
    while isinstance(command, click.Group):
        title, found, rest = command.resolve_command(context, rest)
        assert found is not None, title
        context, command = click.Context(found, parent=context), found
    command.make_context(words[0], rest)


@each_file
def test_scripts_are_shell_without_a_mistake(file: Path, tmp_path: Path) -> None:
    for script in scripts(loaded(file)):
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)  # noqa: S607
        assert "${{" not in script  # what an input holds would be run as a part of the script
        if shutil.which("shellcheck"):
            (tmp_path / "script").write_text(script)
            checked = ["shellcheck", "--shell", "bash", "--exclude", "SC2206", str(tmp_path / "script")]
            subprocess.run(checked, check=True)


@pytest.mark.parametrize("file", [file for file in FILES if "runs-on" in file.read_text()] + [ROOT / "action.yml"])
def test_while_submissions_are_graded_the_runner_takes_no_commands(file: Path) -> None:
    graded = [text for text in scripts(loaded(file)) if re.search(r"^ *grade ", text, re.MULTILINE)]
    if "OWNER" in file.read_text():
        assert not graded  # the action sees to it
        return
    (script,) = graded

    assert re.search(r"::stop-commands::\$token.*^ *grade .*::\$token::", script, re.MULTILINE | re.DOTALL)


def test_the_reporter_gets_a_runner_for_each_check_of_the_spec() -> None:
    checks = [check.id.replace("-", "_") for check in load_spec(find_spec("select"), catalogue()).checks]

    reporter = steps(WORKFLOWS / "classroom.yml")[-1]

    assert reporter["with"]["runners"].split(",") == checks
    # parseRunnerResults of the reporter: the runner's name in capital letters, and _RESULTS
    assert reporter["env"] == {
        f"{check.upper()}_RESULTS": f"${{{{ steps.told.outputs.result_{check} }}}}" for check in checks
    }


def test_gitlab_gets_the_junit_file_that_is_written() -> None:
    job = loaded(WORKFLOWS / "gitlab-ci.yml")["merge"]

    written = shlex.split(job["script"][-1])[-1]

    assert job["artifacts"]["reports"]["junit"] == written


def test_the_action_is_used_as_it_is_defined() -> None:
    action = loaded(ROOT / "action.yml")

    (used,) = [step for step in steps(WORKFLOWS / "action.yml") if "OWNER" in step.get("uses", "")]

    assert set(used["with"]) <= set(action["inputs"])
    assert {name for name, field in action["inputs"].items() if field.get("required")} <= set(used["with"])
    named = re.findall(r"inputs\.([\w-]+)", (ROOT / "action.yml").read_text())
    assert set(named) == set(action["inputs"])
    assert all(step.get("uses") or step.get("shell") for step in action["runs"]["steps"])


def test_every_workflow_is_shown_on_the_page() -> None:
    page = (ROOT / "docs" / "grades.md").read_text()

    assert set(re.findall(r"\{literalinclude\} workflows/(\S+)", page)) == {file.name for file in WORKFLOWS.iterdir()}
