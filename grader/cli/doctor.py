"""`grader doctor`: what this machine offers, and how to get what it lacks."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console

import grader
from grader.arena.machine import detect
from grader.judgement.health import judge
from grader.report.health import print_health
from grader.report.json_file import record_json


@click.command("doctor")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="What stdout carries.")
def doctor(form: str) -> None:
    """Tell what this machine offers for grading and what it lacks, a line each, and how to get it.

    Exit status: 0 grading works at the full level; 1 only at a lower one; 3 not at all.
    """
    health = judge(detect([Path(grader.__file__).parent]))
    if form == "json":
        click.echo(record_json(health), nl=False)
    else:
        print_health(health, Console())
    sys.exit(health.status)
