"""`grader run-autograder`: what an autograder zip runs in its container."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console

from grader.autograder.build import ASSIGNMENT
from grader.autograder.run import NotGradedError, run_autograder
from grader.autograder.settings import SettingsError, read_settings
from grader.cli.common import FAULT, PATH, UNUSABLE, usable_spec
from grader.report.escape import escape_text
from grader.report.terminal import print_report


@click.command("run-autograder")
@click.argument("root", type=PATH, default=Path("/autograder"))
def run_autograder_command(root: Path) -> None:
    """Grade ROOT/submission as Gradescope's autograder, and write ROOT/results/results.json.

    This is called by the zip that `grader export gradescope` builds. What it prints is for the course staff.

    Exit status: 0 the results are written; 2 the zip cannot be used; 3 the grader or the container failed, and there is
    no score.
    """
    source = root / "source"
    try:
        settings = read_settings(source)
        spec, _ = usable_spec(str(source / ASSIGNMENT / settings.spec), "grader")
        told = run_autograder(root, spec, settings)
    except (SettingsError, OSError) as error:
        sys.exit(_complain(str(error), UNUSABLE))
    except NotGradedError as error:
        sys.exit(_complain(f"not graded: {error}", FAULT))
    if isinstance(told, str):
        click.echo(escape_text(told))
    else:
        print_report(told, Console())


def _complain(message: str, status: int) -> int:
    click.echo(f"grader: {escape_text(message)}", err=True)
    return status
