"""`grader export junit` and `grades`: a class for CI, and for people with a spreadsheet."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.common import PATH
from grader.cli.exporting import graded_in, output_option, put, tells
from grader.report.grades_csv import Grades
from grader.report.junit import Suites


@click.command()
@click.argument("path", type=PATH, metavar="FOLDER|REPORT.json")
@output_option
@tells
def junit(path: Path, output: Path) -> None:
    """JUnit XML: a suite for each submission, a case for each check.

    A check that failed is a failure, one that could not be decided an error, one whose need did not pass is skipped.
    FOLDER is that of a batch, or of one report.
    """
    with Suites() as suites:
        for outcome in graded_in(path):
            suites.add(outcome)
        put(output, suites.pieces())


@click.command()
@click.argument("path", type=PATH, metavar="FOLDER|REPORT.json")
@output_option
@tells
def grades(path: Path, output: Path) -> None:
    """A table for people with a spreadsheet: the points of each submission, in all and for each check."""
    table = Grades()
    for outcome in graded_in(path):
        table.add(outcome)
    put(output, table.pieces())
