"""Grades into Canvas's gradebook and Moodle's worksheet: read as their importers read them, and nobody guessed."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from export_readers import canvas_import, moodle_import
from hypothesis import given
from hypothesis import strategies as st
from report_samples import HOSTILE, everywhere, failed, passed, report

from grader.cli import grader_command
from grader.report.canvas import fill_canvas
from grader.report.gradebook import Filled, Rules
from grader.report.json_file import write_json
from grader.report.model import CheckResult, SubmissionInfo, Verdict
from grader.report.moodle import Columns, fill_moodle
from grader.report.outcomes import Outcome
from grader.report.sheet import Sheet, SheetError

CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,Week 3: select (4711),Essay (4712),Final Score
    Points Possible,,,,,30.00,10.00,(read only)
"Doe, Jane",12345,s100,jdoe,"CS 101, A",,8.00,80.0
"Roe, Richard",12346,s101,rroe,CS 101,12.00,,60.0
"Student, Test",,,deadbeef,CS 101,,,
"""
MOODLE = """\
Identifier,Full name,Email address,Status,Grade,Maximum grade,Grade can be changed,Last modified (submission),\
Last modified (grade),Feedback comments
Participant 1234567,Jane Doe,jane@example.org,Submitted for grading - ,,30.00,Yes,"Monday, 5 January 2026, 9:00 AM",-,
Participant 1234568,Richard Roe,richard@example.org,No submission - ,12.00,30.00,Yes,-,"Sunday, 4 January 2026",\
<p>old</p>
"""
GERMAN = """\
ID,Vollst\u00e4ndiger Name,E-Mail-Adresse,Status,Bewertung,Bestwertung,Bewertung kann ge\u00e4ndert werden,\
Zuletzt ge\u00e4ndert (Abgabe),Zuletzt ge\u00e4ndert (Bewertung),Feedback als Kommentar
Teilnehmer/in1234567,Jane Doe,jane@example.org,Zur Bewertung abgegeben,,"30,00",Ja,"Montag, 5. Januar 2026",-,
Teilnehmer/in1234568,Richard Roe,richard@example.org,Keine Abgabe,"12,00","30,00",Ja,-,-,
"""
STRINGS = {
    "recordid": "Identifier",
    "hiddenuser": "Participant ",
    "grade": "Grade",
    "lastmodifiedgrade": "Last modified (grade)",
    "feedbackcomments": "Feedback comments",
}
GERMAN_STRINGS = {
    "recordid": "ID",
    "hiddenuser": "Teilnehmer/in",
    "grade": "Bewertung",
    "lastmodifiedgrade": "Zuletzt ge\u00e4ndert (Bewertung)",
    "feedbackcomments": "Feedback als Kommentar",
}
JANE_OF_CANVAS, JANE_OF_MOODLE = "doejane_12345_67890_server", "Jane Doe_1234567_assignsubmission_file_"


def graded(name: str, points: float = 10, *checks: CheckResult, folder: str = "") -> Outcome:
    """A submission of that name with some of 30 points."""
    submission = SubmissionInfo(name=name, entry="server.py", language="python", sha256="b" * 64)
    return Outcome(name, folder or name, report(*checks, text="", submission=submission, score=points))


def canvas(*found: Outcome, text: str = CANVAS, assignment: str = "4711", rules: Rules | None = None) -> Filled:
    return fill_canvas(Sheet(text.encode(), "canvas.csv"), found, assignment, rules or Rules())


def moodle(*found: Outcome, text: str = MOODLE, columns: Columns | None = None, rules: Rules | None = None) -> Filled:
    return fill_moodle(Sheet(text.encode(), "sheet.csv"), found, columns or Columns(), rules or Rules())


def changed_cells(before: str, after: str) -> list[tuple[int, int]]:
    """Row and column of each cell that is another one; everything else must be the same."""
    old, new = (list(csv.reader(io.StringIO(text))) for text in (before, after))
    assert [len(row) for row in old] == [len(row) for row in new]
    return [(y, x) for y, row in enumerate(old) for x, cell in enumerate(row) if new[y][x] != cell]


# The file


@given(
    st.lists(st.lists(st.text("a ,;\"\n'é"), min_size=2, max_size=4), min_size=1, max_size=4),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_is_not_set_stays_to_the_byte(rows: list[list[str]], separator: str, end: str) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator=end).writerows([["one", "two", "three"], *rows])
    content = text.getvalue().encode()

    sheet = Sheet(content, "any.csv")

    assert sheet.text().encode() == content
    assert [line.cells for line in sheet.lines] == list(
        csv.reader(io.StringIO(text.getvalue(), newline=""), delimiter=separator)
    )


def test_the_mark_of_utf_8_and_a_missing_last_line_end_stay() -> None:
    sheet = Sheet("\ufeffa,b\r\n1,2".encode(), "any.csv")

    sheet.set(sheet.lines[1], 1, "3")

    assert sheet.text() == "\ufeffa,b\r\n1,3"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "any.csv:1: this is empty"),
        (b"a,b\n\xff,2\n", "any.csv:2: this is no UTF-8"),
        (b'a,b\n1,"2\n', "any.csv:2: a quote is opened here and never closed"),
    ],
)
def test_what_is_no_table_is_told_with_its_line(content: bytes, told: str) -> None:
    with pytest.raises(SheetError, match=told):
        Sheet(content, "any.csv")


# Canvas


def test_canvas_imports_the_grade_and_finds_nothing_else_changed() -> None:
    filled = canvas(graded(JANE_OF_CANVAS, 9.25))

    found = canvas_import(filled.text)
    assert found.grades["4711", "12345"] == "9.25"
    assert found.points_possible["4711"] == "30.00"
    assert changed_cells(CANVAS, filled.text) == [(2, 5)]
    assert not filled.problems


@pytest.mark.parametrize(
    "name",
    [
        "doejane_12345_67890_server",
        "doejane_LATE_12345_67890_server-1",
        "12345",
        "s100",
        "jdoe",
        "JDoe",
        "Jane Doe",
        "Doe, Jane",
        "jane  doe",
    ],
)
def test_a_submission_is_known_by_download_number_login_sis_id_or_full_name(name: str) -> None:
    assert canvas_import(canvas(graded(name)).text).grades["4711", "12345"] == "10"


@pytest.mark.parametrize("name", ["jane", "doe", "jdoe2", "doejane_99999_67890_server", "12345_67890", "rro", ""])
def test_a_submission_is_not_known_by_likeness(name: str) -> None:
    filled = canvas(graded(name or "_", folder="x"))

    assert filled.text == CANVAS
    assert filled.problems == ["nobody is known by the name of 'x'; say whose it is with --map"]


def test_a_name_in_decomposed_characters_is_the_same_name() -> None:
    text = CANVAS.replace("Doe, Jane", "Do\u00e9, Jane")

    filled = canvas(graded("Jane Doe\u0301"), text=text)

    assert filled.grades == 1


def test_a_name_that_two_people_have_is_nobodys() -> None:
    text = CANVAS.replace("Roe, Richard", "Doe, Jane")

    filled = canvas(graded("Jane Doe"), text=text)

    assert filled.text == text
    assert filled.problems == [
        "'Jane Doe' could be that of 'Doe, Jane' (line 3) or of 'Doe, Jane' (line 4); say whose it is with --map"
    ]


def test_a_name_that_points_to_one_and_a_number_that_points_to_another_is_nobodys() -> None:
    filled = canvas(graded("doejane_12346_67890_server", folder="jdoe"))

    assert filled.text == CANVAS
    assert "could be that of" in filled.problems[0]


def test_two_submissions_of_one_person_are_told_and_neither_is_taken() -> None:
    filled = canvas(graded("jdoe", 10), graded(JANE_OF_CANVAS, 20), graded("rroe", 30))

    assert changed_cells(CANVAS, filled.text) == [(3, 5)]
    assert filled.problems == [
        "'Doe, Jane' (line 3) has several submissions, 'jdoe' and 'doejane_12345_67890_server': none is taken"
    ]


def test_a_map_says_whose_a_submission_is_before_any_rule() -> None:
    filled = canvas(graded("group-7"), graded("jdoe"), rules=Rules(given={"group-7": "jdoe", "jdoe": "rroe"}))

    assert changed_cells(CANVAS, filled.text) == [(2, 5), (3, 5)]
    assert not filled.problems


def test_a_map_that_names_nobody_or_nothing_is_told() -> None:
    filled = canvas(graded("a"), rules=Rules(given={"a": "nobody", "b": "jdoe"}))

    assert filled.problems == [
        "'a' is that of 'nobody' by --map, who is not in the gradebook",
        "there is no submission 'b', which --map names",
    ]


def test_who_was_not_graded_keeps_the_old_cell_and_gets_no_zero() -> None:
    filled = canvas(Outcome("rroe", "rroe", failed="there is no server.py", fault="submission"))

    assert filled.text == CANVAS
    assert filled.problems == ["'Roe, Richard' (line 4) gets no grade: 'rroe' was not graded (there is no server.py)"]


def test_what_could_not_be_decided_is_nobodys_loss_unless_the_instructor_says_so() -> None:
    unsure = graded("jdoe", 10, passed(), failed(verdict=Verdict.INCONCLUSIVE))

    strict, generous = canvas(unsure), canvas(unsure, rules=Rules(with_undecided=True))

    assert strict.text == CANVAS
    assert "has 1 check that could not be decided" in strict.problems[0]
    assert canvas_import(generous.text).grades["4711", "12345"] == "10"


def test_an_earned_zero_is_a_zero() -> None:
    assert canvas_import(canvas(graded("jdoe", 0)).text).grades["4711", "12345"] == "0"


def test_points_that_are_not_the_assignments_are_scaled_only_on_request() -> None:
    text = CANVAS.replace("30.00", "10.00", 1)

    with pytest.raises(SheetError, match=r"worth 10\.00 points and the spec 30"):
        canvas(graded("jdoe", 20), text=text)
    filled = canvas(graded("jdoe", 20), text=text, rules=Rules(scale=True))

    assert canvas_import(filled.text).grades["4711", "12345"] == "6.67"


def test_a_gradebook_with_semicolons_and_commas_is_filled_in_as_it_is() -> None:
    head = "\ufeffStudent;ID;SIS Login ID;Section;Week 3 (4711)\r\n"
    text = f"{head}    Points Possible;;;;30,00\r\nJane Doe;12345;jdoe;A;\r\n"

    filled = canvas(graded("jdoe", 7.5), text=text, assignment="")

    assert filled.text.endswith("Jane Doe;12345;jdoe;A;7.5\r\n")
    assert canvas_import(filled.text).grades["4711", "12345"] == "7.5"


@pytest.mark.parametrize(
    ("text", "assignment", "told"),
    [
        (CANVAS, "", "canvas.csv:1: there are several assignments; give one with --assignment: 'Week 3: select"),
        (CANVAS, "Week 4", "canvas.csv:1: there is no assignment 'Week 4'; there are: "),
        (CANVAS, "Final Score", "there is no assignment 'Final Score'"),
        ("Name,Grade\nJane,1\n", "4711", "canvas.csv:1: there is no column 'ID'; there are 'Name', 'Grade'"),
        (CANVAS.replace("Points Possible", "Points"), "4711", "canvas.csv:2: there is no row 'Points Possible'"),
        (CANVAS.replace("30.00", ""), "4711", "has no number of points possible"),
    ],
)
def test_what_is_no_gradebook_of_canvas_is_told(text: str, assignment: str, told: str) -> None:
    with pytest.raises(SheetError) as error:
        canvas(graded("jdoe"), text=text, assignment=assignment)

    assert told in str(error.value)


# Moodle


def test_moodle_imports_grade_and_feedback_and_finds_nothing_else_changed() -> None:
    filled = moodle(graded(JANE_OF_MOODLE, 9.25))

    jane, richard = moodle_import(filled.text, STRINGS)
    assert (jane.number, jane.grade) == ("1234567", 9.25)
    assert jane.feedback.startswith("<p>9.25 of 30 points: ")
    assert (richard.grade, richard.feedback) == (12.0, "<p>old</p>")
    assert changed_cells(MOODLE, filled.text) == [(1, 4), (1, 9)]


def test_a_worksheet_in_another_language_keeps_its_headers_and_its_comma() -> None:
    filled = moodle(graded(JANE_OF_MOODLE, 7.5), text=GERMAN, columns=Columns(feedback="Feedback als Kommentar"))

    jane, _ = moodle_import(filled.text, GERMAN_STRINGS, decimal=",")
    assert jane.grade == 7.5
    assert '"7,5","30,00"' in filled.text
    assert changed_cells(GERMAN, filled.text) == [(1, 4), (1, 9)]


def test_a_column_for_feedback_that_is_not_known_is_told_and_left() -> None:
    filled = moodle(graded(JANE_OF_MOODLE), text=GERMAN)

    assert changed_cells(GERMAN, filled.text) == [(1, 4)]
    assert filled.problems == ["no column for feedback is known, and none is written; name it with --feedback-column"]


def test_a_worksheet_without_names_is_filled_in_by_number() -> None:
    blind = "\n".join(",".join(line.split(",")[:1] + line.split(",")[3:]) for line in MOODLE.splitlines()) + "\n"

    filled = moodle(graded("Participant_1234567_assignsubmission_file_"), text=blind)

    assert filled.grades == 1
    assert filled.text.splitlines()[1].split(",")[2] == "10"


@pytest.mark.parametrize("name", [JANE_OF_MOODLE, "Participant 1234567", "1234567", "jane doe", "jane@example.org"])
def test_a_submission_to_moodle_is_known_by_folder_identifier_name_or_address(name: str) -> None:
    assert next(moodle_import(moodle(graded(name)).text, STRINGS)).grade == 10


def test_an_archive_in_moodles_folder_is_known_by_the_folder_of_its_report() -> None:
    filled = moodle(graded("server", folder="Jane Doe_1234567_assignsubmission_file_-server"))

    assert filled.grades == 1


@pytest.mark.parametrize("text", [*HOSTILE, "=1+1", '"', "a\r\nb"])
def test_feedback_is_harmless_html_and_no_formula(text: str) -> None:
    found = everywhere(text)
    shown = Outcome(JANE_OF_MOODLE, JANE_OF_MOODLE, found)

    filled = moodle(shown, rules=Rules(with_undecided=True, scale=True))

    feedback = next(moodle_import(filled.text, STRINGS)).feedback
    assert feedback.startswith("<p>")
    assert set(feedback.split("<")) >= {"", *[part for part in feedback.split("<") if part.startswith(("p>", "/p>"))]}
    assert all(part.startswith(("p>", "/p>")) for part in feedback.split("<")[1:])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Name,Points\nJane,1\n", "sheet.csv:2: 'Jane' is no identifier, which ends in a number"),
        (GERMAN.replace('"30,00"', "Skala"), "sheet.csv:1: it cannot be told which column holds the grade"),
        (MOODLE.replace("30.00", "Good", 1), "'Maximum grade' is not one number for all; scales cannot be filled in"),
    ],
)
def test_what_is_no_worksheet_of_moodle_is_told(text: str, told: str) -> None:
    with pytest.raises(SheetError) as error:
        moodle(graded(JANE_OF_MOODLE), text=text)

    assert told in str(error.value)


# The commands


def run(*arguments: object) -> Result:
    return CliRunner().invoke(grader_command, ["export", *map(str, arguments)])


@pytest.fixture
def batch(tmp_path: Path) -> Path:
    for outcome in (graded("jdoe", 20), graded("somebody", 10)):
        folder = tmp_path / "reports" / outcome.folder
        folder.mkdir(parents=True)
        assert outcome.report
        write_json(outcome.report, folder / "report.json")
    return tmp_path / "reports"


def test_the_file_is_written_for_those_who_are_known_and_the_status_says_that_not_all_are(batch: Path) -> None:
    roster, filled = batch.parent / "canvas.csv", batch.parent / "filled.csv"
    roster.write_text(CANVAS)

    told = run("canvas", batch, "--roster", roster, "--assignment", "4711", "-o", filled)

    assert told.exit_code == 2
    assert told.stderr.splitlines() == [
        "grader: 1 grade written",
        "grader: nobody is known by the name of 'somebody'; say whose it is with --map",
    ]
    assert changed_cells(CANVAS, filled.read_text()) == [(2, 5)]


def test_with_a_map_everybody_has_a_grade_and_the_status_is_0(batch: Path) -> None:
    worksheet, names = batch.parent / "sheet.csv", batch.parent / "names.csv"
    worksheet.write_text(MOODLE)
    names.write_text("submission,person\nsomebody,richard@example.org\njdoe,Jane Doe\n")

    told = run("moodle", batch, "--worksheet", worksheet, "--map", names)

    assert told.exit_code == 0, told.stderr
    assert [record.grade for record in moodle_import(told.stdout, STRINGS)] == [20, 10]


@pytest.mark.parametrize(
    ("names", "why"),
    [
        ("who,what\n", "there is no column 'submission'"),
        ("submission,person\njdoe\n", "names.csv:2: a line names a submission and a person"),
        ("submission,person\na,b\na,c\n", "names.csv:3: 'a' is there twice, for different people"),
    ],
)
def test_a_map_that_cannot_be_used_is_told_with_its_line(batch: Path, names: str, why: str) -> None:
    (batch.parent / "sheet.csv").write_text(MOODLE)
    (batch.parent / "names.csv").write_text(names)

    told = run("moodle", batch, "--worksheet", batch.parent / "sheet.csv", "--map", batch.parent / "names.csv")

    assert told.exit_code == 2
    assert why in told.stderr
    assert not told.stdout


def test_a_file_that_is_not_there_is_told_without_a_traceback(batch: Path) -> None:
    told = run("canvas", batch, "--roster", batch / "none.csv")

    assert told.exit_code == 2
    assert "none.csv': No such file or directory" in told.stderr


def test_grades_are_rounded_as_people_round() -> None:
    text = CANVAS.replace("30.00", "1", 1)

    filled = canvas(graded("jdoe", 0.15), text=text, rules=Rules(scale=True))

    assert Decimal(canvas_import(filled.text).grades["4711", "12345"]) == Decimal("0.01")
