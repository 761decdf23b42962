"""`grader render`, and what `grade` writes for several submissions at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from class_samples import fill, one, refused
from click.testing import CliRunner, Result
from report_samples import HOSTILE, failed, harmful, passed, report
from servers import RIGHT

from grader.cli import grade_command, grader_command
from grader.report.json_file import read_json, write_json
from grader.report.results import read_results, write_results

SPEC = """\
spec: short
title: A short spec
model: select
checks:
  - behaviour: echo
    points: 2
"""


def render(*arguments: object) -> Result:
    return CliRunner().invoke(grader_command, ["render", *map(str, arguments)])


@pytest.fixture
def batch(tmp_path: Path) -> Path:
    """A folder with two reports and one submission that could not be graded, without pages."""
    folder = fill(tmp_path / "reports", [one("ann", ["reset-not-handled"]), one("ben", [])])
    write_results(folder / "results.jsonl", [refused("cleo", "submission 'cleo' has no server.py")])
    return folder


def test_one_report_gets_its_page_again(tmp_path: Path) -> None:
    write_json(report(), tmp_path / "report.json")
    before = (tmp_path / "report.json").read_bytes()

    done = render(tmp_path / "report.json")

    assert (done.exit_code, done.stdout) == (0, f"report: {tmp_path / 'report.html'}\n")
    assert "recv-in-accept-loop" not in (tmp_path / "report.html").read_text()
    assert "Reading x" in (tmp_path / "report.html").read_text()
    assert (tmp_path / "report.json").read_bytes() == before


def test_the_folder_of_one_report_will_do_and_several_may_be_given(batch: Path) -> None:
    done = render(batch / "ann", batch / "ben" / "report.json")

    assert done.exit_code == 0
    assert done.stdout.splitlines() == [f"report: {batch / name / 'report.html'}" for name in ("ann", "ben")]
    assert not (batch / "index.html").exists()


def test_the_folder_of_a_batch_gets_all_its_pages_again(batch: Path) -> None:
    done = render(batch)

    assert (done.exit_code, done.stdout) == (0, f"class page: {batch / 'index.html'}\n")
    assert (batch / "ann" / "report.html").is_file()
    assert (batch / "ben" / "report.html").is_file()
    page = (batch / "index.html").read_text()
    assert 'href="ann/report.html"' in page
    assert "has no server.py" in page


def test_the_same_reports_give_the_same_pages(batch: Path) -> None:
    render(batch)
    first = (batch / "index.html").read_bytes()
    render(batch)

    assert (batch / "index.html").read_bytes() == first


def test_hidden_checks_are_shown_whole_only_on_demand_and_to_the_instructor(tmp_path: Path) -> None:
    write_json(report(passed(), failed("secret", hidden=True)), tmp_path / "report.json")

    render(tmp_path)
    assert [path.name for path in tmp_path.glob("*.html")] == ["report.html"]

    assert render("--instructor", tmp_path).exit_code == 0
    assert "secret" not in (tmp_path / "report.html").read_text()
    assert "secret" in (tmp_path / "report.instructor.html").read_text()


def test_what_cannot_be_read_is_said_and_the_rest_is_done(batch: Path) -> None:
    (batch / "ann" / "report.json").write_text("{")

    done = render(batch, batch / "nobody", batch / "ben")

    assert done.exit_code == 2
    assert "ann/report.json is not a report of schema 1: the file: Invalid JSON" in done.stderr
    assert f"grader: cannot read {batch / 'nobody'}: No such file or directory" in done.stderr
    assert (batch / "index.html").is_file()
    assert done.stdout.splitlines()[-1] == f"report: {batch / 'ben' / 'report.html'}"


def test_a_page_that_cannot_be_written_is_said_and_the_rest_is_done(batch: Path) -> None:
    (batch / "ann" / "report.html").mkdir()

    done = render(batch)

    assert done.exit_code == 2
    assert f"grader: cannot make the pages of {batch / 'ann' / 'report.json'}: Is a directory" in done.stderr
    assert (batch / "ben" / "report.html").is_file()
    assert (batch / "index.html").is_file()


def test_a_folder_without_a_report_is_said(tmp_path: Path) -> None:
    done = render(tmp_path)

    assert (done.exit_code, done.stdout) == (2, "")
    assert "there is no report in" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_report_holds_does_no_harm_in_the_terminal(tmp_path: Path, text: str) -> None:
    folder = tmp_path / text.replace("/", "_").replace("\0", "_")
    folder.mkdir()
    write_json(report(text=text), folder / "report.json")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "report.json").write_text(json.dumps({text: text}))

    done = render(tmp_path, folder)

    assert done.exit_code == 2
    assert harmful(done.stdout + done.stderr) == []


# grade, for several


@pytest.fixture
def submissions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a right submission, one that ends at once, and one that cannot be graded."""
    monkeypatch.chdir(tmp_path)
    for name, file, source in (("ann", "server.py", RIGHT), ("ben", "server.py", "1 / 0"), ("cleo", "main.py", RIGHT)):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text(source)
    (tmp_path / "short.yaml").write_text(SPEC)
    return tmp_path


def grade(*arguments: str) -> Result:
    return CliRunner().invoke(grade_command, ["--spec", "short.yaml", "--output", "out", *arguments])


def test_several_submissions_get_a_class_page_and_a_line_each(submissions: Path) -> None:
    done = grade("ann", "ben", "cleo")

    assert done.exit_code == 2
    assert done.stdout.endswith("class page: out/index.html\n")
    results = read_results(submissions / "out" / "results.jsonl")
    assert [(result.name, result.folder, result.score, result.fault) for result in results] == [
        ("ann", "ann", 2, ""),
        ("ben", "ben", 0, ""),
        ("cleo", "cleo", None, "submission"),
    ]
    assert results[2].failed.startswith("submission 'cleo' has no server.py; it holds main.py")
    assert results[0].spec == read_json(submissions / "out" / "ann" / "report.json").spec
    page = (submissions / "out" / "index.html").read_text()
    assert "not graded: submission &#39;cleo&#39; has no server.py; it holds main.py" in page
    assert 'href="ben/report.html' in page


def test_one_submission_gets_no_class_page(submissions: Path) -> None:
    grade("ann")

    assert [path.name for path in (submissions / "out").iterdir()] == ["ann"]


@pytest.mark.usefixtures("submissions")
def test_json_on_stdout_is_not_followed_by_other_words() -> None:
    done = grade("ann", "ben", "--format", "json")

    assert [json.loads(text)["submission"]["name"] for text in _objects(done.stdout)] == ["ann", "ben"]


def _objects(text: str) -> list[str]:
    return [f"{part}\n}}" for part in text.removesuffix("\n}\n").split("\n}\n")]


@pytest.mark.usefixtures("submissions")
def test_a_fault_of_the_grader_is_told_as_one_on_the_class_page(
    submissions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.batch.grade", lambda *_, **__: 1 // 0)

    done = grade("ann", "ben")

    assert done.exit_code == 3
    results = read_results(submissions / "out" / "results.jsonl")
    assert {result.fault for result in results} == {"grader"}
    page = (submissions / "out" / "index.html").read_text()
    assert "The grader or its machine is to blame, not the submission" in page
    assert "the grader failed: ZeroDivisionError" in page


def test_a_class_page_that_cannot_be_written_is_said(submissions: Path) -> None:
    (submissions / "out" / "index.html").mkdir(parents=True)

    done = grade("ann", "ann")

    assert done.exit_code == 2
    assert "grade: cannot write the class page to out: Is a directory" in done.stderr
