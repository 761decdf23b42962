"""Behaviours of an instructor's own, in Python files beside the spec."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import jsonschema
import pytest
import yaml
from click.testing import CliRunner, Result

from grader.behaviours import catalogue
from grader.cli import grader_command
from grader.grading import grade
from grader.spec import SpecError, load_spec, spec_schema

SPEC = """\
spec: own
title: An assignment with a behaviour of its own
model: select
behaviours: [greets.py]
checks:
  - behaviour: greets
    word: Hello
    points: 10
"""
GREETS = '''
from typing import ClassVar, Literal
from pydantic import Field
from grader.behaviours import Behaviour, Finding, Stage, passed


class Greets(Behaviour):
    """Answer the word with which a client begins."""

    name: ClassVar[str] = "greets"
    behaviour: Literal["greets"] = "greets"
    word: str = Field(default="hi", min_length=1, description="what the client says")

    def check(self, stage: Stage) -> Finding:
        (guest,) = stage.connect()
        guest.ask(self.word.encode())
        stage.answered([guest], f"{self.word!r} was not answered", doing="greets")
        return passed(f"{self.word!r} was answered", word=self.word)
'''
ECHO = """
import socket
listener = socket.create_server(("", 8080))
while True:
    connection, _ = listener.accept()
    while data := connection.recv(1024):
        connection.sendall(data{change})
    connection.close()
"""


def assignment(folder: Path, spec: str = SPEC, greets: str = GREETS) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "greets.py").write_text(greets)
    (folder / "own.yaml").write_text(spec)
    (folder / "loop.py").symlink_to("loop.py")
    return folder / "own.yaml"


def problems(path: Path) -> list[str]:
    with pytest.raises(SpecError) as caught:
        load_spec(path, catalogue())
    return [str(problem).replace(str(path.parent), "HERE") for problem in caught.value.problems]


def server(folder: Path, change: str) -> Path:
    folder.mkdir()
    (folder / "server.py").write_text(ECHO.format(change=change))
    return folder


def test_it_is_graded_like_any_other(tmp_path: Path) -> None:
    spec = load_spec(assignment(tmp_path / "spec"), catalogue())

    (right,) = grade(server(tmp_path / "right", ".upper()"), spec).checks
    (wrong,) = grade(server(tmp_path / "wrong", ""), spec).checks

    assert (right.verdict, right.points, right.summary) == ("pass", 10, "'Hello' was answered")
    assert (wrong.verdict, wrong.points) == ("fail", 0)
    assert wrong.summary.startswith("'Hello' was not answered: client 1: byte 1 differs")


def test_its_parameters_are_validated_with_their_place(tmp_path: Path) -> None:
    path = assignment(tmp_path, SPEC.replace("word: Hello", "word: 7\n    wort: x"))

    first, second = problems(path)

    assert "HERE/own.yaml:7:11" in first
    assert second == "unknown key 'wort' at HERE/own.yaml:8:5; did you mean 'word'?"


def test_it_is_known_to_that_spec_alone(tmp_path: Path) -> None:
    load_spec(assignment(tmp_path), catalogue())

    assert "greets" not in catalogue()
    assert "greets" not in str(spec_schema(catalogue()))


def schema_for(path: Path) -> Result:
    return CliRunner().invoke(grader_command, ["schema", "--for", str(path)])


def test_an_editor_is_told_of_it_by_a_schema_for_that_spec(tmp_path: Path) -> None:
    path = assignment(tmp_path)
    schema = json.loads(schema_for(path).stdout)
    validator = jsonschema.Draft202012Validator(schema)

    validator.check_schema(schema)
    assert validator.is_valid(yaml.safe_load(SPEC))
    assert not validator.is_valid(yaml.safe_load(SPEC.replace("word: Hello", "word: 7")))
    assert not validator.is_valid(yaml.safe_load(SPEC.replace("word: Hello", "wort: Hello")))
    assert schema["$defs"]["greets"]["properties"]["word"]["description"] == "what the client says"
    assert not jsonschema.Draft202012Validator(spec_schema(catalogue())).is_valid(yaml.safe_load(SPEC))


def test_the_schema_can_be_had_while_the_checks_are_not_finished(tmp_path: Path) -> None:
    done = schema_for(assignment(tmp_path, "behaviours: greets.py\nchecks:\n  - behaviour: gre\n"))

    assert done.exit_code == 0
    assert "#/$defs/greets" in done.stdout


def test_a_part_that_is_called_like_one_of_the_graders_changes_no_other_behaviour(tmp_path: Path) -> None:
    part = "from grader.spec import Part\nclass Payload(Part):\n    weight: int = 3\n"
    path = assignment(
        tmp_path, greets=part + GREETS.replace("    def check", "    load: Payload | None = None\n    def check")
    )
    validator = jsonschema.Draft202012Validator(json.loads(schema_for(path).stdout))
    story = {"behaviour": "scenario", "steps": [{"connect": "ann"}, {"send": {"ann": {"hex": "61"}}}]}

    assert validator.is_valid(
        {**yaml.safe_load(SPEC), "checks": [{"behaviour": "greets", "load": {"weight": 1}}, story]}
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--for", "own.yaml"], "grader: greets.py cannot be run: ZeroDivisionError: division by zero (line 1)"),
        (["--for", "missing.yaml"], "grader: there is no spec 'missing.yaml'"),
        (["--for", "list.yaml"], "grader: a spec is a mapping that begins with 'spec: NAME' at list.yaml:1:1"),
        (["report", "--for", "own.yaml"], "--for is about the schema of a spec"),
    ],
)
def test_a_schema_that_cannot_be_had_is_said_with_status_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    assignment(tmp_path, greets="x = 1 / 0")
    (tmp_path / "list.yaml").write_text("- a\n")
    monkeypatch.chdir(tmp_path)

    done = CliRunner().invoke(grader_command, ["schema", *arguments])

    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr


def test_the_hash_of_the_spec_is_also_over_its_python_files(tmp_path: Path) -> None:
    first = load_spec(assignment(tmp_path / "a"), catalogue()).sha256
    other = load_spec(assignment(tmp_path / "b", greets=GREETS + "# changed\n"), catalogue()).sha256

    assert first != other


@pytest.mark.parametrize(
    ("named", "problem"),
    [
        ("[missing.py]", "cannot read 'missing.py': No such file or directory at HERE/own.yaml:4:14"),
        ("../greets.py", "'../greets.py' does not lie beside the spec"),
        ("[greets.txt]", "'greets.txt' is no Python file"),
        ('["a\\0.py"]', "'a\\x00.py' leads to no file at HERE/own.yaml:4:14"),
        ("[loop.py]", "'loop.py' leads to no file at HERE/own.yaml:4:14"),
        ("[greets.py, greets.py]", "greets.py: there is another behaviour 'greets' at HERE/own.yaml:4:25"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_its_place(tmp_path: Path, named: str, problem: str) -> None:
    path = assignment(tmp_path, SPEC.replace("[greets.py]", named))

    assert any(found.startswith(problem) for found in problems(path))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x = 1 / 0", "greets.py cannot be run: ZeroDivisionError: division by zero (line 1)"),
        ("import sys\nsys.exit(3)", "greets.py cannot be run: SystemExit: 3 (line 2)"),
        ("def f(:", "greets.py cannot be run: SyntaxError: invalid syntax (greets.py, line 1)"),
        ("x = 1", "greets.py defines no behaviour"),
        (GREETS.replace('    """Answer the word with which a client begins."""', ""), "class Greets has no docstring"),
        (GREETS.replace("def check", "def chuck"), "class Greets has no method check(self, stage)"),
        (GREETS.replace('name: ClassVar[str] = "greets"', ""), "class Greets has no name"),
        (GREETS.replace('"greets"', '"echo"'), "greets.py: there is another behaviour 'echo'"),
        ("a\x00b", "greets.py cannot be run: "),
    ],
)
def test_a_file_that_defines_none_is_told(tmp_path: Path, text: str, problem: str) -> None:
    path = assignment(tmp_path, greets=textwrap.dedent(text))

    assert any(problem in found for found in problems(path))


def test_an_exception_inside_it_is_the_graders_fault(tmp_path: Path) -> None:
    broken = GREETS.replace("(guest,) = stage.connect()", "(guest,) = stage.connect(2)")
    spec = load_spec(assignment(tmp_path / "spec", greets=broken), catalogue())

    report = grade(server(tmp_path / "right", ".upper()"), spec)

    assert report.checks[0].verdict == "inconclusive"
    assert report.checks[0].summary.startswith("the grader failed: ValueError")
    assert report.exit_status == 3


def test_what_all_checks_are_worth_together_can_be_stated(tmp_path: Path) -> None:
    assert load_spec(assignment(tmp_path / "a", SPEC + "points: 10\n"), catalogue()).max_score == 10

    (problem,) = problems(assignment(tmp_path / "b", SPEC + "points: 12\n"))

    assert problem == ("the checks are worth 10 points together, not 12 at HERE/own.yaml:9:9; change one of the two")
