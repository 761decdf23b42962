"""junit.xml and grades.csv: what a finished batch leaves for CI and for people with a spreadsheet."""

from __future__ import annotations

import csv
import io
import itertools
import tracemalloc
from pathlib import Path

import pytest
from class_samples import SPEC, fill, one, refused
from click.testing import CliRunner, Result
from export_readers import read_junit
from hypothesis import given
from hypothesis import strategies as st
from report_samples import HOSTILE, everywhere, failed, harmful, passed, report

from grader.cli import grade_command, grader_command
from grader.report import class_folder
from grader.report import outcomes as outcomes_module
from grader.report.cells import csv_line, guarded
from grader.report.class_files import write_batch
from grader.report.grades_csv import Grades
from grader.report.json_file import read_json, write_json
from grader.report.junit import Suites
from grader.report.model import Diagnosis, Report, Verdict
from grader.report.outcomes import Outcome, outcomes
from grader.report.results import read_results, write_results

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\uff1d1", "=cmd|' /C calc'!A0", 'a";=1,"']
MORE_HOSTILE = [*HOSTILE, *FORMULAS, "]]>", "\ufffe\uffff\x00\x0b", "\ud800", "::error::x", "##[error]x", "a\n::b"]


def export(*arguments: object) -> Result:
    return CliRunner().invoke(grader_command, ["export", *map(str, arguments)])


@pytest.fixture
def batch(tmp_path: Path) -> Path:
    """A class of two with reports and one submission that could not be graded."""
    folder = fill(tmp_path / "reports", [one("ann", ["reset-not-handled"]), one("ben", [])])
    write_results(folder / "results.jsonl", [refused("cleo", "submission 'cleo' has no server.py")])
    return folder


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def alone(outcome: Outcome) -> str:
    with Suites("select") as suites:
        suites.add(outcome)
        return "".join(suites.pieces())


def lines(outcome: Outcome) -> str:
    grades = Grades()
    grades.add(outcome)
    return "".join(grades.pieces())


def test_a_finished_batch_gets_both_files(batch: Path) -> None:
    write_batch(batch, SPEC, [refused("cleo", "submission 'cleo' has no server.py")])

    suites = read_junit((batch / "junit.xml").read_text(encoding="utf-8")).findall("testsuite")
    assert [suite.get("name") for suite in suites] == ["ann", "ben", "cleo"]
    rows = table((batch / "grades.csv").read_text(encoding="utf-8"))
    assert [(row["submission"], row["score"]) for row in rows] == [("ann", "90"), ("ben", "100"), ("cleo", "")]


def test_grading_a_class_writes_both_files(tmp_path: Path) -> None:
    for name in ("ann", "ben"):
        (tmp_path / name).mkdir()
    folders = [str(tmp_path / name) for name in ("ann", "ben")]

    done = CliRunner().invoke(grade_command, [*folders, "--spec", "select", "--output", str(tmp_path / "out")])

    assert done.exit_code == 2
    rows = table((tmp_path / "out" / "grades.csv").read_text(encoding="utf-8"))
    assert [row["submission"] for row in rows] == ["ann", "ben"]
    assert all("server.py" in row["not_graded"] for row in rows)
    root = read_junit((tmp_path / "out" / "junit.xml").read_text(encoding="utf-8"))
    assert root.attrib["failures"] == "2"


def test_the_commands_write_the_same_from_the_folder(batch: Path, tmp_path: Path) -> None:
    write_batch(batch, SPEC, [refused("cleo", "submission 'cleo' has no server.py")])

    assert export("junit", batch, "-o", tmp_path / "again.xml").exit_code == 0
    shown = export("grades", batch)

    assert (tmp_path / "again.xml").read_bytes() == (batch / "junit.xml").read_bytes()
    assert shown.stdout_bytes == (batch / "grades.csv").read_bytes()


def test_each_verdict_has_its_element() -> None:
    checks = [
        passed(),
        failed(),
        failed(id="unknown", verdict=Verdict.INCONCLUSIVE),
        passed(id="later", verdict=Verdict.SKIPPED),
    ]

    cases = list(read_junit(alone(Outcome("alice", "alice", report(*checks)))).iter("testcase"))

    assert [[child.tag for child in case if child.tag != "properties"] for case in cases] == [
        [],
        ["failure"],
        ["error"],
        ["skipped"],
    ]


def test_a_failure_tells_the_line_the_mistake_and_how_long_it_took() -> None:
    (case,) = read_junit(alone(Outcome("alice", "alice", report(failed())))).iter("testcase")

    assert case.attrib["file"] == "serverx.py"
    assert case.attrib["line"] == "3"
    assert case.attrib["time"] == "0.012"
    failure = case.find("failure")
    assert failure is not None
    assert failure.attrib == {"message": "not all were served: x", "type": "recv-in-accept-loop"}
    assert "Think x" in str(failure.text)


@pytest.mark.parametrize(("fault", "tag"), [("submission", "failure"), ("grader", "error")])
def test_who_could_not_be_graded_is_told_and_whose_fault_it_was(fault: str, tag: str) -> None:
    (case,) = read_junit(alone(Outcome("cleo", "cleo", failed="there is no server.py", fault=fault))).iter("testcase")

    assert [child.tag for child in case] == [tag]
    assert case[0].attrib["message"] == "there is no server.py"


def test_of_a_hidden_check_only_the_verdict_and_the_points_are_told() -> None:
    mistake = Diagnosis(id="secret", title="secret")
    secret = failed("secret", hidden=True, title="secret", behaviour="secret", diagnosis=mistake)
    found = report(passed(), secret, text="")

    text = alone(Outcome("alice", "alice", found))

    assert "secret" not in text
    assert "hidden check" in text


@pytest.mark.parametrize("text", MORE_HOSTILE)
def test_junit_is_xml_whatever_a_submission_chose(text: str) -> None:
    written = alone(Outcome(text, text, everywhere(text)))
    refused = alone(Outcome(text, text, failed=text, fault="submission"))

    for each in (written, refused):
        root = read_junit(each)
        assert not harmful(each)
        assert not {element.tag for element in root.iter()} & {"script", "img", "link"}
    each.encode("utf-8")


@given(st.text(st.characters(codec=None)))
def test_any_text_can_be_written_as_xml(text: str) -> None:
    root = read_junit(alone(Outcome(text, "folder", failed=text, fault="submission")))

    assert not harmful("".join(str(value) for element in root.iter() for value in element.attrib.values()))


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_becomes_a_formula(text: str) -> None:
    line = csv_line([text, 1.5])

    for separator in ",;\t":
        cells = next(csv.reader(io.StringIO(line), delimiter=separator))
        assert not cells[0].lstrip().startswith(tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20"))


@given(st.text())
def test_a_cell_is_one_line_without_a_formula_and_the_text_can_be_read(text: str) -> None:
    shown = guarded(text)

    assert not harmful(shown)
    assert shown[:1] not in {"=", "+", "-", "@"}
    assert [char for char in text if char.isalnum()] == [char for char in text if char in shown and char.isalnum()]


def test_a_check_that_could_not_be_decided_has_no_points_and_is_named() -> None:
    found = Outcome("alice", "alice", report(passed(), failed(verdict=Verdict.INCONCLUSIVE)))

    (row,) = table(lines(found))

    assert (row["echo"], row["concurrent"], row["undecided"]) == ("10", "", "concurrent")


def test_a_submission_that_was_not_graded_has_the_reason_and_no_zero() -> None:
    found = Outcome("cleo", "cleo", failed="there is no server.py", fault="submission")

    (row,) = table(lines(found))

    assert (row["score"], row["not_graded"]) == ("", "there is no server.py")


def test_a_spreadsheet_knows_the_encoding_and_a_name_of_any_language() -> None:
    name = "\u9648\u5c0f\u660e"

    text = lines(Outcome(name, name, report()))

    assert text.encode().startswith(b"\xef\xbb\xbf")
    assert table(text)[0]["submission"] == name


def test_a_report_of_what_was_handed_in_before_does_not_count(batch: Path) -> None:
    write_results(batch / "results.jsonl", [refused("ann", "the archive is broken")])

    found = {outcome.folder: outcome for outcome in outcomes(batch)}

    assert found["ann"].report is None
    assert found["ann"].failed == "the archive is broken"
    assert found["ben"].report is not None


def test_a_report_that_cannot_be_read_is_told_as_the_graders_fault(batch: Path) -> None:
    (batch / "ben" / "report.json").write_text("{")

    found = {outcome.folder: outcome for outcome in outcomes(batch)}

    assert found["ben"].fault == "grader"
    assert "ben" in found["ben"].failed


def test_a_folder_without_reports_ends_with_status_2_and_a_sentence(tmp_path: Path) -> None:
    told = export("junit", tmp_path)

    assert told.exit_code == 2
    assert told.stderr.startswith("grader: there is no report in ")


def test_memory_grows_by_no_more_than_a_line_of_the_table_for_each_submission() -> None:
    found = Outcome("alice", "alice", report())

    def peak(size: int) -> int:
        tracemalloc.start()
        with Suites() as suites:
            grades = Grades()
            for outcome in itertools.repeat(found, size):
                suites.add(outcome)
                grades.add(outcome)
            for _ in itertools.chain(suites.pieces(), grades.pieces()):
                pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(10)
    assert peak(2000) - peak(200) < 1800 * 500


def test_a_check_that_only_some_were_asked_for_has_a_column_and_empty_cells() -> None:
    grades = Grades()
    for name, checks in {"ann": ["echo"], "ben": ["late", "echo"]}.items():
        grades.add(Outcome(name, name, report(*(passed(id=check, points=2) for check in checks))))
    grades.add(Outcome("cleo", "cleo", failed="why"))

    rows = table("".join(grades.pieces()))

    assert [(row["echo"], row["late"], row["not_graded"]) for row in rows] == [
        ("2", "", ""), ("2", "2", ""), ("", "", "why")
    ]  # fmt: skip


def test_at_the_end_of_a_batch_each_report_is_read_once(batch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []

    def reading(path: Path) -> Report:
        read.append(path)
        return read_json(path)

    for module in (class_folder, outcomes_module):
        monkeypatch.setattr(module, "read_json", reading)

    write_batch(batch, SPEC, [])

    assert read == [batch / "ann" / "report.json", batch / "ben" / "report.json"]


def test_a_file_of_the_class_that_cannot_be_written_takes_no_other_with_it(batch: Path) -> None:
    (batch / "junit.xml").mkdir()

    with pytest.raises(IsADirectoryError):
        write_batch(batch, SPEC, [])

    assert "ann" in (batch / "index.html").read_text(encoding="utf-8")
    assert read_results(batch / "results.jsonl")


def test_an_export_of_one_report_is_possible(tmp_path: Path) -> None:
    write_json(report(), tmp_path / "report.json")

    told = export("junit", tmp_path / "report.json")

    assert told.exit_code == 0
    assert read_junit(told.stdout).get("name") == "select"
