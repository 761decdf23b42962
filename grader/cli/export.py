"""`grader export`: what was graded, in the formats of the places where grades go."""

from __future__ import annotations

import click

from grader.cli.export_class import grades, junit
from grader.cli.export_gradebooks import canvas, moodle
from grader.cli.export_platforms import autolab, github, gradescope, gradescope_results_command, prairielearn


@click.group()
def export() -> None:
    """Write what was graded in the formats of the places where grades go; nothing is graded."""


for command in (junit, grades, canvas, moodle, gradescope, gradescope_results_command, github, prairielearn, autolab):
    export.add_command(command)
