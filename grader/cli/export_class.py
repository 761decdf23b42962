"""`grader export junit` and `grades`: a class for CI, and for people with a spreadsheet."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.common import PATH
from grader.cli.exporting import graded_in, output_option, put, tells
from grader.report.exports import grades_pieces, junit_pieces


@click.command()
@click.argument("path", type=PATH, metavar="FOLDER|REPORT.json")
@output_option
@tells
def junit(path: Path, output: Path) -> None:
    """JUnit XML: a suite for each submission, a case for each check.

    A check that failed is a failure, one that could not be decided an error, one whose need did not pass is skipped.
    FOLDER is that of a batch, or of one report.
    """
    first = next(graded_in(path), None)
    spec = first.report.spec.id if first and first.report else "grading"
    put(output, junit_pieces(spec, graded_in(path)))


@click.command()
@click.argument("path", type=PATH, metavar="FOLDER|REPORT.json")
@output_option
@tells
def grades(path: Path, output: Path) -> None:
    """A table for people with a spreadsheet: the points of each submission, in all and for each check."""
    put(output, grades_pieces(lambda: graded_in(path)))
