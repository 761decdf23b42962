"""`grader merge`: what was graded in several places becomes one class."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from grader.cli.common import PATH, UNUSABLE, lang_option
from grader.cli.writing import whose
from grader.report.class_files import write_batch
from grader.report.escape import escape_text
from grader.report.json_file import ReportError
from grader.report.model import SpecInfo
from grader.report.pages import REPORT, make_folder, pages_of
from grader.report.results import RESULTS, Result, read_results
from grader.words import say, say_of
from grader.words.language import Language


@click.command("merge")
@click.argument("folders", nargs=-1, required=True, type=PATH, metavar="FOLDER...")
@click.option("--output", type=PATH, default=Path("grade-report"), show_default=True, help="Where the class goes.")
@lang_option
def merge(folders: tuple[Path, ...], output: Path, language: Language) -> None:
    """Put the output folders of several runs (grade --shard 1/4, 2/4, ...) together as if they had been one.

    Nothing is graded. Every submission keeps its folder; results.jsonl and the class page are those of all together.

    Exit status: 0 done; 2 a folder cannot be used, two of them hold the same submission, or were made with different
    specs; then nothing is written.
    """
    try:
        lines = {folder: _lines(folder) for folder in folders}
    except ReportError as error:
        sys.exit(_complain(language.tell(error.told)))
    if problems := list(_problems(lines, output)):
        sys.exit(max(map(_complain, problems)))
    results = [line for found in lines.values() for line in found]
    try:
        for folder, found in lines.items():
            for line in found:
                _copy(folder / line.folder, output / line.folder)
        page = write_batch(output, results[0].spec, results, language)
    except OSError as error:
        _complain(f"cannot write {error.filename or output}: {error.strerror or error}")
        sys.exit(whose(error))
    submissions = say_of(len(results), "{count:,} submission", "{count:,} submissions")
    places = say_of(len(folders), "{count:,} folder", "{count:,} folders")
    click.echo(language.tell(say("{submissions} from {folders}", submissions=submissions, folders=places)))
    click.echo(escape_text(language.tell(say("class page: {path}", path=str(page)))))


def _lines(folder: Path) -> list[Result]:
    path = folder / RESULTS
    if not os.path.lexists(path):
        words = say("there is no {file} in {folder}; give output folders of grade", file=RESULTS, folder=str(folder))
        raise ReportError(words)
    return read_results(path)


def _problems(lines: dict[Path, list[Result]], output: Path) -> Iterator[str]:
    specs: dict[SpecInfo, Path] = {}
    owners: dict[str, Path] = {}
    for folder, found in lines.items():
        if folder.resolve() == output.resolve():
            yield f"{folder} is the output folder, too; give another --output"
        for line in found:
            specs.setdefault(line.spec, folder)
            first = owners.setdefault(line.folder.casefold(), folder)
            if first is not folder:
                yield f"the submission {line.folder} is in {first} and in {folder}: which of the two counts?"
    if len(specs) > 1:
        yield f"they were graded with different specs: {_listed(specs)}"
    if not owners:
        yield "no submission was graded in any of these folders"


def _listed(specs: dict[SpecInfo, Path]) -> str:
    return ", ".join(f"{spec.id} ({spec.sha256[:12]}) in {folder}" for spec, folder in specs.items())


def _copy(source: Path, target: Path) -> None:
    """The files of one report; where there is none, nothing."""
    report = source / REPORT
    found: Sequence[Path] = [*pages_of(report), report]
    for file in found:
        if file.is_file() and not file.is_symlink():
            make_folder(target)
            (target / file.name).unlink(missing_ok=True)  # a link of this name is not followed
            shutil.copyfile(file, target / file.name)


def _complain(message: str) -> int:
    click.echo(f"grader: {escape_text(message)}", err=True)
    return UNUSABLE
