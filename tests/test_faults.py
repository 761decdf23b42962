"""A fault of the grader, or of the machine, is never the student's: it is told, and the others are graded."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from servers import RIGHT

from grader.batch import Done, Job, grade_all
from grader.cli import grade_command
from grader.grading import grade
from grader.report.json_file import read_json
from grader.report.model import CheckResult, Report
from grader.spec import Spec

GRADE = [sys.executable, "-c", "from grader.cli import grade_command; grade_command()"]
SPEC = """\
spec: short
title: Short
model: select
behaviours: [own.py]
checks:
  - behaviour: faulty
  - behaviour: echo
"""
OWN = '''
import time
from typing import ClassVar, Literal
from grader.behaviours.base import Behaviour
from grader.judgement.finding import Finding, passed
from grader.stage import Stage

class Faulty(Behaviour):
    """Fail as a check must not, with a server that says so."""
    name: ClassVar[str] = "faulty"
    default_title: ClassVar[str] = "Faulty"
    behaviour: Literal["faulty"] = "faulty"

    def check(self, stage: Stage) -> Finding:
        if "please fail" in stage.printed():
            raise ZeroDivisionError("of the check's own")
        while "please hang" in stage.printed():
            time.sleep(0.1)  # until somebody ends the arena
        return passed("nothing went wrong")
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three right submissions, and a spec whose check fails on the second."""
    monkeypatch.chdir(tmp_path)
    for name in "abc":
        (tmp_path / name).mkdir()
        said = "print('please fail', flush=True)\n" if name == "b" else ""
        (tmp_path / name / "server.py").write_text(said + RIGHT)
    (tmp_path / "spec.yaml").write_text(SPEC)
    (tmp_path / "own.py").write_text(OWN)
    return tmp_path


def graded(*more: str) -> Result:
    return CliRunner().invoke(grade_command, ["a", "b", "c", "--spec", "spec.yaml", *more])


def verdicts(folder: Path, name: str) -> list[str]:
    return [str(check.verdict) for check in read_json(folder / "grade-report" / name / "report.json").checks]


def test_an_exception_in_a_check_is_inconclusive_and_the_others_go_on(folder: Path) -> None:
    done = graded()

    assert done.exit_code == 3
    assert verdicts(folder, "a") == verdicts(folder, "c") == ["pass", "pass"]
    assert verdicts(folder, "b") == ["inconclusive", "pass"]
    assert "the grader failed: ZeroDivisionError: of the check's own" in done.stdout


def test_an_exception_outside_of_every_arena_is_told_and_the_others_go_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(path: Path, spec: Spec, **_: object) -> Report:
        if path.name == "a":
            raise ValueError("a line that is no JSON")
        return grade(path, spec)

    monkeypatch.setattr("grader.batch.grade", failing)

    done = graded("--only", "echo")

    assert done.exit_code == 3
    assert "a was not graded: the grader failed: ValueError: a line that is no JSON" in done.stderr
    assert not (folder / "grade-report" / "a").exists()
    assert verdicts(folder, "c") == ["pass"]


def test_a_job_that_is_lost_when_its_spec_is_gone_is_told_of(folder: Path) -> None:
    class Losing(ThreadPoolExecutor):
        def submit(self, *_: object, **__: object) -> Future[Done]:  # type: ignore[override]
            lost: Future[Done] = Future()
            lost.set_exception(BrokenExecutor())
            return lost

    (done,) = grade_all([Job(folder / "a", folder / "gone.yaml")], Losing(1), 1)

    assert (done.report, done.fault) == (None, "grader")
    assert "gone.yaml" in done.failed


def test_an_arena_that_dies_is_inconclusive_and_the_others_go_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "a" / "server.py").write_text("print('please hang', flush=True)\n" + RIGHT)
    (folder / "spec.yaml").write_text(SPEC.replace("  - behaviour: faulty\n", "") + "  - behaviour: faulty\n")

    def killing(path: Path, spec: Spec, **_: object) -> Report:
        others = children_of(os.getpid())

        def kill(_: CheckResult) -> None:
            if path.name == "a":
                (arena,) = children_of(os.getpid()) - others
                os.kill(arena, 9)

        return grade(path, spec, kill)

    monkeypatch.setattr("grader.batch.grade", killing)

    done = graded()

    assert done.exit_code == 3
    assert verdicts(folder, "a") == ["pass", "inconclusive"]
    assert verdicts(folder, "c") == ["pass", "pass"]


def children_of(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def in_mounts_of_its_own(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec", script, "sh", *GRADE, *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def test_a_full_disk_is_told_as_such_and_the_others_go_on(folder: Path) -> None:
    (folder / "out").mkdir()
    done = in_mounts_of_its_own(
        'mount -t tmpfs -o size=4k tmpfs out; "$@" || status=$?; ls out; exit $status',
        "a", "b", "c", "--spec", "spec.yaml", "--output", "out", "--only", "echo",
    )  # fmt: skip

    assert done.returncode == 3, done.stderr
    assert "grade: cannot write the report to out/a: No space left on device" in done.stderr
    assert "grade: cannot write the report to out/b: No space left on device" in done.stderr
    assert "grade: cannot write the report to out/c: No space left on device" in done.stderr
    assert done.stdout.count(" of 0 points\n") == 3
    assert "Traceback" not in done.stderr


def test_a_proc_that_shows_nothing_is_told_as_such(folder: Path) -> None:
    done = in_mounts_of_its_own(
        'mount -t tmpfs tmpfs /proc; exec "$@"', "a", "b", "--spec", "spec.yaml", "--only", "echo"
    )

    assert done.returncode == 3
    assert "a was not graded" in done.stderr
    assert "b was not graded" in done.stderr
    assert "Traceback" not in done.stderr
    assert not any((folder / "grade-report" / name).exists() for name in "ab")


def test_a_place_for_reports_that_cannot_be_is_the_command_lines(folder: Path) -> None:
    (folder / "file").write_text("")

    done = graded("--only", "echo", "--output", "file/below")

    assert done.exit_code == 2
    assert done.stderr == "grade: cannot write the class page to file/below: Not a directory\n"
    alone = CliRunner().invoke(grade_command, ["a", "--spec", "spec.yaml", "--only", "echo", "--output", "file/below"])
    assert alone.exit_code == 2
    assert "grade: cannot write the report to file/below/a: Not a directory" in alone.stderr
