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
from grader.report.results import read_results

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


def cases(path: Path) -> dict[str, list[str]]:
    """The cases of a junit.xml by their names, and what became of each that did not pass."""
    found = ET.parse(path).iter("testcase")  # noqa: S314 - it is our own
    return {
        f"{case.get('classname')}.{case.get('name')}": [child.tag for child in case if child.tag != "properties"]
        for case in found
    }


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


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "with workers"])
def test_what_concerns_the_class_is_what_grade_writes(folder: Path, workers: tuple[str, ...]) -> None:
    graded(folder)

    run(folder, "class", "--grade-output", "by-pytest", *workers)

    by_pytest, out = folder / "by-pytest", folder / "out"
    assert sorted(path.name for path in by_pytest.iterdir()) == sorted(path.name for path in out.iterdir())
    assert (by_pytest / "grades.csv").read_text().count("\n") == 4
    assert cases(by_pytest / "junit.xml") == cases(out / "junit.xml")
    assert len((by_pytest / "results.jsonl").read_text().splitlines()) == 3
    assert "ben" in (by_pytest / "index.html").read_text()


def test_a_junit_file_that_pytest_was_asked_for_is_pytests_own(folder: Path) -> None:
    run(folder, "class/ann", "--grade-output", "out", "--junitxml", "out/junit.xml")

    assert list(cases(folder / "out" / "junit.xml")) == ["class.ann.short.echo", "class.ann.short.quiet"]
    assert (folder / "out" / "grades.csv").is_file()


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
    told = cases(folder / "junit.xml")
    assert told["class.ann.short.echo"] == []
    assert told["class.ben.short.quiet"] == ["failure"]
    assert told["extra_test.test_that_it_stays_small[class/ann-0]"] == ["failure"]
    assert len(told) == 10


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


TOGETHER = "def test_it(stage): pass\nclass TestIt:\n    test_it = staticmethod(test_it)\n"
LONG = f"test_{'a' * 60}"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (
            "def test_it(stage, tmp_path): pass",
            (
                "test_it[class/ann] asks for 'tmp_path': it runs in the submission's arena, where there is nothing but "
                "stage, client"
            ),
        ),
        (
            f"def {LONG}(stage): pass",
            (
                f"{LONG}[class/ann] cannot be a check: id '{LONG.replace('_', '-')}': it is made of the function's "
                "name and the ids of its parameters, and has at most 64 characters"
            ),
        ),
        ("@pytest.mark.points(-1)\ndef test_it(stage): pass", "test_it[class/ann] cannot be a check: points -1: "),
        ("@pytest.mark.points('1')\ndef test_it(stage): pass", "test_it[class/ann] cannot be a check: points '1': "),
        (
            "@pytest.mark.parametrize('what', ['a/b', 'a-b'])\ndef test_it(stage, what): pass",
            (
                "extra_test.py::test_it[class/ann-a/b] and extra_test.py::test_it[class/ann-a-b] would both be the "
                "check 'test-it-a-b'"
            ),
        ),
        (TOGETHER, "test_it[class/ann] would both be the check 'test-it'"),
        ("async def test_it(stage): assert False", "test_it[class/ann] is a coroutine"),
    ],
    ids=["fixture", "long", "negative", "text", "parameters", "functions", "coroutine"],
)
def test_an_extra_check_that_cannot_be_is_told_before_anything_is_graded(folder: Path, source: str, told: str) -> None:
    (folder / "extra_test.py").write_text(f"import pytest\n{source}\n")

    done = run(folder, "class/ann", "extra_test.py")

    assert told in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert "extra.py:" not in done.stdout
    assert done.returncode == 2
    assert not (folder / "grade-report" / "ann").exists()


def test_workers_tell_of_an_extra_check_that_cannot_be_and_grade_without_it(folder: Path) -> None:
    (folder / "extra_test.py").write_text(f"def {LONG}(stage): pass\n")

    done = run(folder, "class/ann", "extra_test.py", "-n", "2")

    assert f"{LONG}[class/ann] cannot be a check: id " in done.stdout
    assert "2 passed, 1 error" in done.stdout
    assert done.returncode == 1


def test_an_extra_check_is_none_that_the_spec_has(folder: Path) -> None:
    (folder / "short.yaml").write_text(SPEC.replace("id: echo", "id: test-it"))
    (folder / "extra_test.py").write_text("def test_it(stage): pass\n")

    done = run(folder, "class/ann", "extra_test.py")

    assert done.returncode == 2
    assert "test_it[class/ann] would be the check 'test-it', which the spec has already" in done.stdout


def test_names_and_parameters_of_any_language_are_told_apart(folder: Path) -> None:
    (folder / "class" / "ann").rename(folder / "class" / "zoë")
    (folder / "extra_test.py").write_text(
        "import pytest\n@pytest.mark.parametrize('what', ['ü', 'ß/…', object()])\ndef test_it(stage, what): pass\n"
    )

    done = run(folder, "class/zoë", "extra_test.py", "-n", "2", "-v")

    assert set(re.findall(r"^\[(gw\d)\]", done.stdout, re.MULTILINE)) in ({"gw0"}, {"gw1"})
    report = read_json(folder / "grade-report" / "zoë" / "report.json")
    assert [check.id for check in report.checks[2:]] == ["test-it-xfc", "test-it-xdf-u2026", "test-it-what2"]


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "with workers"])
def test_an_output_that_cannot_be_written_to_is_a_usage_error(folder: Path, workers: tuple[str, ...]) -> None:
    (folder / "file").touch()
    (folder / "out" / "results.jsonl").mkdir(parents=True)

    no_folder = run(folder, "class/ann", "--grade-output", "file", *workers)
    no_file = run(folder, "class/ann", "--grade-output", "out", *workers)

    assert [done.returncode for done in (no_folder, no_file)] == [4, 4]
    assert f"ERROR: cannot write to {folder}/file: File exists" in no_folder.stderr
    assert "results.jsonl: Is a directory; move it away, or give another --grade-output" in no_file.stderr
    assert "Traceback" not in no_folder.stderr + no_file.stderr + no_folder.stdout + no_file.stdout


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "with workers"])
def test_a_report_that_cannot_be_written_takes_nothing_from_the_others(folder: Path, workers: tuple[str, ...]) -> None:
    (folder / "out" / "junit.xml").mkdir(parents=True)
    (folder / "out" / "ann").touch()

    done = run(folder, "class/ann", "class/ben", "--grade-output", "out", "-v", *workers)

    assert list(outcomes(done).values()).count("ERROR") == 2
    assert f"cannot write the report to {folder}/out/ann: File exists" in done.stdout
    assert f"ERROR: cannot write the class page to {folder}/out: Is a directory" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert done.returncode == 4
    assert read_json(folder / "out" / "ben" / "report.json").score == 2
    results = read_results(folder / "out" / "results.jsonl")
    assert [(result.folder, result.failed) for result in results] == [
        ("ann", "its report could not be written"),
        ("ben", ""),
    ]
    assert "ben" in (folder / "out" / "index.html").read_text()


def test_a_fault_of_the_grader_is_told_in_a_sentence(folder: Path) -> None:
    (folder / "conftest.py").write_text(
        "import grader.pytest_plugin.grading as g\ndef grade(*_): raise RuntimeError('oh')\ng.grade = grade\n"
    )

    done = run(folder, "class/ann", "-v")

    assert set(outcomes(done).values()) == {"ERROR"}
    assert "ann was not graded: the grader failed: RuntimeError: oh" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_path_that_cannot_be_is_a_usage_error(folder: Path) -> None:
    name = "a" * 300

    for argument in (name, f"{name}::short::echo"):
        done = run(folder, argument)
        assert done.returncode == 4
        assert "Traceback" not in done.stdout + done.stderr


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
