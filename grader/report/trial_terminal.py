"""The trial of a spec in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.report.escape import escape_text
from grader.report.model import Verdict
from grader.report.people import number, seconds
from grader.report.trial import Remark, Trial, TriedServer, Weight

_STYLES = {Weight.ERROR: "red", Weight.FAULT: "magenta", Weight.NOTE: "bright_black"}


def print_trial(trial: Trial, console: Console) -> None:
    """Print what each check catches, how each server fared, and what there is to remark."""
    print_line(console, f"{trial.spec.title}: {number(trial.max_score)} points", "bold")
    _section(console, "checks", _checks(trial))
    _section(console, "servers", _servers(trial))
    for remark in trial.remarks:
        _print_remark(console, remark)
    errors = sum(remark.weight is not Weight.NOTE for remark in trial.remarks)
    graded = [server for server in trial.servers if not server.failed]
    right = sum(server.role == "right" for server in graded)
    wrong = sum(server.role == "wrong" for server in graded)
    words = "the spec is fit" if not errors else f"{errors} thing{'' if errors == 1 else 's'} to mend"
    tried = f"{right} right and {wrong} wrong server{'' if wrong == 1 else 's'} in {seconds(trial.seconds)}"
    print_line(console, f"{words}: {tried}", "bold green" if not errors else "bold red")


def print_line(console: Console, text: str, style: str = "") -> None:
    """One line, whatever is in it, however long."""
    console.print(Text(escape_text(text), style=style), soft_wrap=True)


def _section(console: Console, title: str, table: Table) -> None:
    if not console.is_terminal:
        # For logs: a line stays a line, as wide as it is.
        console = Console(file=console.file, width=400)
    print_line(console, "")
    print_line(console, title, "bold")
    console.print(table)
    print_line(console, "")


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, pad_edge=False, header_style="bright_black")
    for name in columns:
        table.add_column(name, justify="right" if name in ("points", "catches", "alone", "score") else "left")
    return table


def _checks(trial: Trial) -> Table:
    table = _table("check", "points", "catches", "alone", "such as")
    for check in trial.checks:
        example = (check.alone or check.catches or [""])[0]
        figures = (number(check.points), str(len(check.catches)), str(len(check.alone)))
        table.add_row(check.id, *figures, escape_text(example), style="" if check.catches else "red")
    return table


def _servers(trial: Trial) -> Table:
    table = _table("server", "is", "score", "fails")
    for server in trial.servers:
        table.add_row(escape_text(server.name), server.role, number(server.score), Text(_fails(server)))
    return table


def _fails(server: TriedServer) -> str:
    if server.failed:
        return escape_text(f"not graded: {server.failed}")
    unknown = [name for name, verdict in server.verdicts.items() if verdict is Verdict.INCONCLUSIVE]
    words = ", ".join(server.caught_by) or "nothing"
    return words + (f"; could not be told: {', '.join(unknown)}" if unknown else "")


def _print_remark(console: Console, remark: Remark) -> None:
    remedy = f"; {remark.remedy}" if remark.remedy else ""
    print_line(console, f"{remark.weight}: {remark.message}{remedy}", _STYLES[remark.weight])
