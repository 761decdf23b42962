"""`grader export canvas` and `moodle`: grades into the file that the gradebook itself has given."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.common import PATH
from grader.cli.exporting import graded_in, output_option, put, tells, unusable
from grader.report.canvas import fill_canvas
from grader.report.gradebook import Filled, Rules
from grader.report.moodle import Columns, fill_moodle
from grader.report.people import counted
from grader.report.sheet import Sheet, SheetError

_scale = click.option("--scale", is_flag=True, help="The spec's points count in proportion to the assignment's.")
_undecided = click.option(
    "--with-undecided",
    is_flag=True,
    help="Give grades also where some checks could not be decided; such a check counts no points.",
)
_map = click.option(
    "--map",
    "names",
    type=PATH,
    metavar="NAMES.csv",
    help="A table with the columns submission and person, for submissions whose name does not tell whose they are.",
)


@click.command()
@click.argument("path", type=PATH, metavar="FOLDER|REPORT.json")
@click.option("--roster", type=PATH, required=True, metavar="CANVAS.csv", help="The gradebook as Canvas exports it.")
@click.option("--assignment", default="", help="The title or the id of the column, if there are several.")
@_scale
@_undecided
@_map
@output_option
@tells
def canvas(
    path: Path, roster: Path, assignment: str, scale: bool, with_undecided: bool, names: Path | None, output: Path
) -> list[str]:
    """Fill in a column of Canvas's exported gradebook, for its import.

    All other cells stay as they are, and so do those of people whose submission is not there, was not graded or cannot
    be told to be theirs. Whatever got no grade is told, and the exit status is 2 then; the others have theirs.
    """
    with unusable(SheetError):
        rules = _rules(scale=scale, with_undecided=with_undecided, names=names)
        filled = fill_canvas(_sheet(roster), graded_in(path), assignment, rules)
    return _done(filled, output)


@click.command()
@click.argument("path", type=PATH, metavar="FOLDER|REPORT.json")
@click.option(
    "--worksheet", type=PATH, required=True, metavar="WORKSHEET.csv", help="The grading worksheet as downloaded."
)
@click.option("--grade-column", default="", help="The header of the grade, where it cannot be told.")
@click.option("--maximum-column", default="", help="The header of the maximum grade, where it cannot be told.")
@click.option("--feedback-column", default="", help='The header of the feedback comments, if not "Feedback comments".')
@_scale
@_undecided
@_map
@output_option
@tells
def moodle(
    path: Path,
    worksheet: Path,
    grade_column: str,
    maximum_column: str,
    feedback_column: str,
    scale: bool,
    with_undecided: bool,
    names: Path | None,
    output: Path,
) -> list[str]:
    """Fill in the grades and feedback comments of a grading worksheet that was downloaded from Moodle.

    It may be in any language: headers and decimal marks stay as they are, and so do all other cells. Whatever got no
    grade is told, and the exit status is 2 then; the others have theirs.
    """
    with unusable(SheetError):
        rules = _rules(scale=scale, with_undecided=with_undecided, names=names)
        columns = Columns(grade_column, maximum_column, feedback_column)
        filled = fill_moodle(_sheet(worksheet), graded_in(path), columns, rules)
    return _done(filled, output)


def _sheet(path: Path) -> Sheet:
    return Sheet(path.read_bytes(), str(path))


def _rules(*, scale: bool, with_undecided: bool, names: Path | None) -> Rules:
    return Rules(scale, with_undecided, _given(names) if names else {})


def _given(path: Path) -> dict[str, str]:
    sheet = _sheet(path)
    submission, person = sheet.needed("submission"), sheet.needed("person")
    given: dict[str, str] = {}
    for line in sheet.lines[1:]:
        cells = line.cells
        if not any(cells):
            continue
        if len(cells) <= max(submission, person) or not cells[submission] or not cells[person]:
            raise SheetError(f"{path}:{line.number}: a line names a submission and a person")
        if given.setdefault(cells[submission], cells[person]) != cells[person]:
            raise SheetError(f"{path}:{line.number}: {cells[submission]!r} is there twice, for different people")
    return given


def _done(filled: Filled, output: Path) -> list[str]:
    put(output, [filled.text])
    click.echo(f"grader: {counted(filled.grades, 'grade')} written", err=True)
    return filled.problems
