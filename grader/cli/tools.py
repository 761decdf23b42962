"""`grader`: everything around grading."""

from __future__ import annotations

import json

import click

import grader
from grader.behaviours import catalogue
from grader.cli.autograde import run_autograder_command
from grader.cli.check_spec import check_spec
from grader.cli.common import give_up, lang_option, usable_spec
from grader.cli.doctor import doctor
from grader.cli.export import export
from grader.cli.init import init
from grader.cli.merge import merge
from grader.cli.render import render
from grader.report.escape import escape_text
from grader.report.json_file import report_schema
from grader.spec import SpecError, bundled_folder, catalogue_of, explain, find_spec, load_spec, spec_schema
from grader.words import say
from grader.words.language import Language


@click.group()
@click.version_option(grader.__version__)
def grader_command() -> None:
    """Everything around grading: specs, what they ask for, and whether they are right."""


@grader_command.command()
@lang_option
def specs(language: Language) -> None:
    """List the bundled specs."""
    for file in sorted(bundled_folder().glob("*.yaml")):
        spec = load_spec(file, catalogue())
        points = language.tell(say("{points:>4g} points", points=spec.max_score))
        click.echo(f"{spec.spec:<24} {points}  {language.word(spec.title)}")


@grader_command.command(name="explain")
@click.argument("name", metavar="SPEC")
@lang_option
def explain_command(name: str, language: Language) -> None:
    """Tell what SPEC asks for, and why: each check in words for a student."""
    spec, file = usable_spec(name, "grader")
    click.echo(escape_text(explain(spec, file.read_bytes(), language), keep="\n"), nl=False)


@grader_command.command()
@click.argument("which", type=click.Choice(["spec", "report"]), default="spec")
@click.option("--for", "name", metavar="SPEC", help="Include the behaviours that this spec defines in its own files.")
def schema(which: str, name: str | None) -> None:
    """Print the JSON Schema of a spec (for editors), or of report.json."""
    if name and which == "report":
        raise click.UsageError("--for is about the schema of a spec")
    try:
        known = catalogue_of(find_spec(name), catalogue()) if name else catalogue()
    except SpecError as error:
        give_up(error, "grader")
    found = spec_schema(known) if which == "spec" else report_schema()
    click.echo(json.dumps(found, indent=2))


for command in (check_spec, doctor, export, init, merge, render, run_autograder_command):
    grader_command.add_command(command)
