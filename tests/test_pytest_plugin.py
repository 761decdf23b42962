"""Submissions as pytest's test items: the same verdicts as those of `grade`, and nothing that was handed in is run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from servers import RIGHT
from test_whole_class import SPEC, SPINNING, found, graded

from grader.report.essence import essence
from grader.report.json_file import read_json

CANARY = "import pathlib\npathlib.Path({canary!r}).touch()\n"
EXTRA = '''
import pytest

@pytest.mark.points(5)
def test_answers_twice(stage, client):
    """The same client is answered twice."""
    for number in range(2):
        client.ask(stage.request(number))
        stage.answered([client], "it was not answered")

@pytest.mark.parametrize("most", [0, 1])
def test_that_it_stays_small(stage, most):
    assert len(stage.reader.pids()) <= most, f"more than {most}"
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A class of three: one right, one wrong, one without the file that starts it."""
    (tmp_path / "short.yaml").write_text(SPEC)
    for name, source in {"ann": RIGHT, "ben": SPINNING}.items():
        (tmp_path / "class" / name).mkdir(parents=True)
        (tmp_path / "class" / name / "server.py").write_text(source)
    (tmp_path / "class" / "cleo").mkdir()
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-P", "-m", "pytest", "--spec", str(folder / "short.yaml"), *arguments]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)


def outcomes(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """What became of each item (pytest -v), by its name."""
    lines = re.findall(r"(?:\[gw\d\]\s+\[ *\d+%\] )?(\w+) (\S+) *$|^(\S+::\S+) (\w+)", done.stdout, re.MULTILINE)
    return {late or name: verdict or early for early, late, name, verdict in lines if "::" in (late or name)}


def test_every_check_of_every_submission_is_an_item(folder: Path) -> None:
    done = run(folder, "class", "-v")

    assert outcomes(done) == {
        "class/ann::short::echo": "PASSED",
        "class/ann::short::quiet": "PASSED",
        "class/ben::short::echo": "PASSED",
        "class/ben::short::quiet": "FAILED",
        "class/cleo::short::echo": "ERROR",
        "class/cleo::short::quiet": "ERROR",
    }
    assert done.returncode == 1


def test_a_failure_is_the_finding_and_the_line_and_no_traceback(folder: Path) -> None:
    done = run(folder, "class")

    assert "select() is told not to wait" in done.stdout
    assert f"  > {SPINNING[: SPINNING.index('select.select(')].count(chr(10)) + 1:4} |" in done.stdout
    assert "Hint: " in done.stdout
    assert "submission '" in done.stdout
    assert "has no server.py" in done.stdout
    assert ".py:" not in re.sub(r"server\.py:\d+", "", done.stdout)


def test_the_reports_are_those_that_grade_writes(folder: Path) -> None:
    graded(folder)

    run(folder, "class", "--grade-output", "by-pytest")

    assert found(folder / "by-pytest") == found(folder / "out")
    assert (folder / "by-pytest" / "index.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "chosen"),
    [
        (("class", "-k", "ann and echo"), ["class/ann::short::echo"]),
        (("class", "-m", "cpu_ceiling", "-k", "ann or ben"), ["class/ann::short::quiet", "class/ben::short::quiet"]),
        (("class/ann",), ["class/ann::short::echo", "class/ann::short::quiet"]),
        (("class/ben::short::quiet",), ["class/ben::short::quiet"]),
    ],
)
def test_items_are_selected_as_any_other(folder: Path, arguments: tuple[str, ...], chosen: list[str]) -> None:
    done = run(folder, *arguments, "-v")

    assert list(outcomes(done)) == chosen


def test_those_that_failed_last_are_selected(folder: Path) -> None:
    run(folder, "class", "-k", "not cleo")

    done = run(folder, "class", "-v", "--lf")

    assert list(outcomes(done)) == ["class/ben::short::quiet"]


def test_one_submission_is_graded_by_one_worker_and_junit_has_everything(folder: Path) -> None:
    (folder / "extra_test.py").write_text(EXTRA)
    done = run(folder, "class", "extra_test.py", "-v", "-n", "2", "-k", "not cleo", "--junitxml", "junit.xml")

    workers: dict[str, set[str]] = {}
    for worker, name in re.findall(r"^\[(gw\d)\].*? (\S+::\S+)", done.stdout, re.MULTILINE):
        workers.setdefault("ann" if "ann" in name else "ben", set()).add(worker)
    assert {name: len(found) for name, found in workers.items()} == {"ann": 1, "ben": 1}
    cases = {
        f"{case.get('classname')}.{case.get('name')}": [child.tag for child in case]
        for case in ET.parse(folder / "junit.xml").iter("testcase")  # noqa: S314 - it is our own
    }
    assert cases["class.ann.short.echo"] == []
    assert cases["class.ben.short.quiet"] == ["failure"]
    assert cases["extra_test.test_that_it_stays_small[class/ann-0]"] == ["failure"]
    assert len(cases) == 10


def test_extra_checks_are_graded_with_the_others_and_count(folder: Path) -> None:
    (folder / "extra_test.py").write_text(EXTRA)

    done = run(folder, "class/ann", "extra_test.py")

    assert "more than 0" in done.stdout
    report = read_json(folder / "grade-report" / "ann" / "report.json")
    assert (report.score, report.max_score) == (10, 10)
    assert essence(report)["checks"] == {
        "echo": "pass",
        "quiet": "pass",
        "test-answers-twice": "pass",
        "test-that-it-stays-small-0": {"verdict": "fail", "basis": "observation"},
        "test-that-it-stays-small-1": "pass",
    }


def test_an_extra_check_that_asks_for_what_is_not_in_the_arena_is_told_so(folder: Path) -> None:
    (folder / "extra_test.py").write_text("def test_it(stage, tmp_path): pass\n")

    done = run(folder, "class/ann", "extra_test.py")

    assert "asks for 'tmp_path': it runs in the submission's arena, where there is nothing but stage, client" in (
        done.stdout + done.stderr
    )


def test_nothing_that_was_handed_in_is_run_by_pytest(folder: Path) -> None:
    canary = folder / "canary"
    code = CANARY.format(canary=str(canary))
    for name in ("ann", "test_me", "tests"):
        there = folder / "class" / name
        there.mkdir(exist_ok=True)
        (there / "server.py").write_text(RIGHT)
        for file in ("conftest.py", "test_it.py", "__init__.py", "evil.py"):
            (there / file).write_text(code)
        (there / "pytest.ini").write_text("[pytest]\naddopts = -p evil\npythonpath = .\n")
    (folder / "class" / "test_single.py").write_text(code)

    for arguments in (["class"], ["class/ann", "class/test_me"], ["."]):
        done = run(folder, *arguments, "-k", "echo")
        assert not canary.exists(), arguments
        assert "Traceback" not in done.stdout + done.stderr


def test_a_spec_that_cannot_be_used_is_told_with_its_place(folder: Path) -> None:
    (folder / "short.yaml").write_text(SPEC.replace("points: 3", "points: many"))

    done = run(folder, "class")

    assert done.returncode == 4
    assert "short.yaml:6:" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_spec_pytest_is_as_it_was(folder: Path) -> None:
    (folder / "test_it.py").write_text("def test_it(): pass\n")

    done = subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-q", "--fixtures"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0
    assert "grader" not in done.stdout
