"""`grader check-spec`: a spec is tried before a class meets it."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console

from grader.cli.common import INTERRUPTED, PATH, UNUSABLE, WORKERS, give_up, number_of_workers, usable_spec
from grader.cli.progress import Told
from grader.collection import known_servers
from grader.report.escape import escape_text
from grader.report.json_file import record_json, write_atomically
from grader.report.trial import Trial
from grader.report.trial_html import write_trial_html
from grader.report.trial_terminal import print_trial
from grader.spec import SpecError
from grader.trial import try_spec
from grader.workers import local_executor


@click.command("check-spec")
@click.argument("name", metavar="SPEC")
@click.option("--servers", "folders", multiple=True, type=PATH, metavar="DIR", help="More servers: right/*, wrong/*.")
@click.option("--own", "only_own", is_flag=True, help="Try no bundled servers, only your own.")
@WORKERS
@click.option("--output", type=PATH, default=Path("spec-report"), show_default=True, help="Where the page goes.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="What stdout carries.")
def check_spec(name: str, folders: tuple[Path, ...], only_own: bool, workers: str, output: Path, form: str) -> None:
    """Try SPEC on servers that are known to be right or wrong: does each check find a mistake, and blame nobody else?

    Right and wrong servers of your own lie in right/NAME/ and wrong/NAME/, in a folder beside the spec that has its
    name without .yaml. Where the spec's protocol is theirs, the bundled model solutions and mutants are tried too.

    Exit status: 0 the spec is fit; 1 there is something to mend; 2 it could not be used; 3 the grader failed or could
    not tell.
    """
    spec, file = usable_spec(name, "grader")
    at_once = number_of_workers(workers, "grader")
    try:
        servers = known_servers(spec, file, folders, bundled=not only_own)
    except SpecError as error:
        give_up(error, "grader")
    try:
        with Told("grader", "trying", "servers", len(servers)) as told, local_executor(at_once) as executor:
            trial = try_spec(spec, file, servers, executor, 2 * at_once, lambda one: told.one(one.name))
    except KeyboardInterrupt:
        click.echo("grader: interrupted; nothing is left running", err=True)
        sys.exit(INTERRUPTED)
    page = _write(trial, output / spec.spec)
    if form == "json":
        click.echo(record_json(trial), nl=False)
    else:
        print_trial(trial, Console())
        click.echo(f"page: {escape_text(str(page))}")
    sys.exit(trial.exit_status)


def _write(trial: Trial, folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / "check-spec.json", record_json(trial))
        write_trial_html(trial, folder / "check-spec.html")
    except OSError as error:
        click.echo(f"grader: cannot write to {folder}: {error.strerror}", err=True)
        sys.exit(UNUSABLE)
    return folder / "check-spec.html"
