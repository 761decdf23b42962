"""`grader export gradescope`, `gradescope-results`, `github`, `prairielearn` and `autolab`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import click

from grader.arena.levels import Level
from grader.autograder.build import BuildError, autograder_zip
from grader.autograder.requirements import NotInstalledError
from grader.autograder.settings import Settings, Visibility
from grader.cli.common import PATH, usable_spec
from grader.cli.exporting import UnusableError, graded_in, is_class, output_option, put, tells, unusable
from grader.report.class_summary import class_summary
from grader.report.github import (
    annotation_lines,
    encoded,
    job_summary,
    narrowed,
    no_result,
    runner_result,
    step_outputs,
)
from grader.report.gradescope import VISIBILITIES, gradescope_results, results_json
from grader.report.json_file import ReportError
from grader.report.model import Report
from grader.report.other_platforms import autolab_line, prairielearn_json
from grader.report.outcomes import single

_hide_with = click.option(
    "--hide-with",
    type=click.Choice(VISIBILITIES),
    default=VISIBILITIES[0],
    show_default=True,
    help="The visibility of hidden checks; of these only verdict and points are written at all.",
)


@click.command()
@click.argument("name", metavar="SPEC")
@click.option("-o", "--output", type=PATH, default=Path("autograder.zip"), show_default=True, help="The zip to write.")
@click.option(
    "--timeout",
    type=click.IntRange(2, 120),
    default=10,
    show_default=True,
    metavar="MINUTES",
    help="What the assignment's settings on Gradescope say; the grading ends before.",
)
@click.option("--isolation", type=click.Choice(["auto", "namespaces", "process"]), default="auto", help="As for grade.")
@_hide_with
@click.option("--requirement", multiple=True, metavar="REQUIREMENT", help="Something more for pip to install.")
@click.option("--apt", multiple=True, metavar="PACKAGE", help="Something more for apt to install, such as gcc.")
@tells
def gradescope(
    name: str,
    output: Path,
    timeout: int,
    isolation: Level,
    hide_with: Visibility,
    requirement: tuple[str, ...],
    apt: tuple[str, ...],
) -> None:
    """Build the autograder zip for SPEC that is uploaded to Gradescope.

    It holds the spec with its Python files and reference servers, and this grader; what that needs is installed when
    Gradescope builds its image. It needs no rights that the container does not have.
    """
    spec, file = usable_spec(name, "grader")
    settings = Settings(spec=file.name, timeout=timeout * 60, isolation=isolation, hide_with=hide_with)
    with unusable(BuildError, NotInstalledError):
        output.write_bytes(autograder_zip(spec, file, settings, requirement, apt))
    click.echo(f"autograder: {output}")


@click.command("gradescope-results")
@click.argument("path", type=PATH, metavar="REPORT.json")
@_hide_with
@output_option
@tells
def gradescope_results_command(path: Path, hide_with: Literal["hidden"], output: Path) -> None:
    """One report as Gradescope's results.json."""
    put(output, [results_json(gradescope_results(_report(path), hide_with=hide_with))])


@click.command()
@click.argument("path", type=PATH, metavar="REPORT.json")
@output_option
@tells
def prairielearn(path: Path, output: Path) -> None:
    """One report as PrairieLearn's results.json."""
    put(output, [prairielearn_json(_report(path))])


@click.command()
@click.argument("path", type=PATH, metavar="REPORT.json")
@output_option
@tells
def autolab(path: Path, output: Path) -> None:
    """One report as the line that an Autolab autograder prints last."""
    put(output, [autolab_line(_report(path))])


@click.command()
@click.argument("path", type=PATH, metavar="REPORT.json|FOLDER")
@click.option("--check", metavar="ID", help="Only this check: a runner of its own for Classroom's reporter.")
@click.option("--root", default="", metavar="PATH", help="Where the submission lies in the repository.")
@click.option("--result", type=PATH, envvar="GITHUB_OUTPUT", metavar="FILE", help="Where the step's outputs are added.")
@click.option(
    "--summary", type=PATH, envvar="GITHUB_STEP_SUMMARY", metavar="FILE", help="Where the job's summary is added."
)
@click.option("--annotations/--no-annotations", default=True, help="Whether stdout gets annotations for the lines.")
@tells
def github(
    path: Path, check: str | None, root: str, result: Path | None, summary: Path | None, annotations: bool
) -> list[str]:
    """One report for GitHub: Classroom's result, a job summary, and annotations on the submission's lines.

    For the FOLDER of a batch there is a summary of the class, and nothing else.

    The result is the step's output `result`; for each check there is `result_ID` too, with _ in place of -. In a
    workflow the files are found in GITHUB_OUTPUT and GITHUB_STEP_SUMMARY. Without a report the result is an error that
    changes no points, and the exit status is 2.
    """
    if is_class(path):
        _add(summary, class_summary(graded_in(path)))
        return []
    try:
        report = _chosen(_report(path), check)
    except ReportError as error:
        _add(result, [f"result={encoded(no_result(str(error)))}\n"])
        return [str(error)]
    _add(result, [f"result={encoded(runner_result(report, root))}\n"] if check else step_outputs(report, root))
    _add(summary, [job_summary(report)])
    for line in annotation_lines(report, root) if annotations else ():
        click.echo(line)
    return []


def _report(path: Path) -> Report:
    report = single(path).report
    assert report is not None  # noqa: S101 - a single outcome always has one
    return report


def _chosen(report: Report, check: str | None) -> Report:
    try:
        return narrowed(report, check) if check else report
    except KeyError:
        known = ", ".join(found.id for found in report.checks)
        raise UnusableError(f"there is no check {check!r} in the report; there are {known}") from None


def _add(path: Path | None, pieces: Iterable[str]) -> None:
    if path:
        with path.open("a", encoding="utf-8") as file:
            file.writelines(pieces)
