"""The trial of a spec in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.report.escape import escape_text
from grader.report.model import Verdict
from grader.report.people import number, seconds
from grader.report.told import retold
from grader.report.trial import Remark, Trial, TriedServer, Weight
from grader.words import Tell, listed, say, say_of, together
from grader.words.language import ENGLISH, Language

_ROLES = {"right": say("right"), "wrong": say("wrong"), "alike": say("alike")}
_WEIGHTS = {Weight.ERROR: say("error"), Weight.FAULT: say("fault"), Weight.NOTE: say("note")}
_STYLES = {Weight.ERROR: "red", Weight.FAULT: "magenta", Weight.NOTE: "bright_black"}


def print_trial(trial: Trial, console: Console, language: Language = ENGLISH) -> None:
    """Print what each check catches, how each server fared, and what there is to remark."""
    trial, tell = retold(trial, language.word), language.tell
    heading = say("{spec}: {points} points", spec=trial.spec.title, points=number(trial.max_score))
    print_line(console, tell(heading), "bold")
    _section(console, tell(say("checks")), _checks(trial, tell))
    _section(console, tell(say("servers")), _servers(trial, tell))
    for remark in trial.remarks:
        print_line(console, tell(_said(remark)), _STYLES[remark.weight])
    errors = sum(remark.weight is not Weight.NOTE for remark in trial.remarks)
    graded = [server for server in trial.servers if not server.failed]
    right = sum(server.role == "right" for server in graded)
    wrong = sum(server.role == "wrong" for server in graded)
    words = say_of(errors, "{count} thing to mend", "{count} things to mend") if errors else say("the spec is fit")
    tried = say_of(
        wrong,
        "{right} right and {count} wrong server in {time}",
        "{right} right and {count} wrong servers in {time}",
        right=right,
        time=seconds(trial.seconds),
    )
    summed_up = say("{verdict}: {tried}", verdict=words, tried=tried)
    print_line(console, tell(summed_up), "bold green" if not errors else "bold red")


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


def _table(tell: Tell, *columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, pad_edge=False, header_style="bright_black")
    for name in columns:
        table.add_column(tell(name), justify="right" if name in ("points", "catches", "alone", "score") else "left")
    return table


def _checks(trial: Trial, tell: Tell) -> Table:
    table = _table(tell, say("check"), say("points"), say("catches"), say("alone"), say("such as"))
    for check in trial.checks:
        example = (check.alone or check.catches or [""])[0]
        figures = (number(check.points), str(len(check.catches)), str(len(check.alone)))
        table.add_row(check.id, *figures, escape_text(example), style="" if check.catches else "red")
    return table


def _servers(trial: Trial, tell: Tell) -> Table:
    table = _table(tell, say("server"), say("is"), say("score"), say("fails"))
    for server in trial.servers:
        role, fails = tell(_ROLES[server.role]), escape_text(tell(_fails(server)))
        table.add_row(escape_text(server.name), role, number(server.score), Text(fails))
    return table


def _fails(server: TriedServer) -> str:
    if server.failed:
        return say("not graded: {why}", why=server.failed)
    unknown = [name for name, verdict in server.verdicts.items() if verdict is Verdict.INCONCLUSIVE]
    words = listed(server.caught_by) or say("nothing")
    return together([words, say("could not be told: {checks}", checks=listed(unknown))]) if unknown else words


def _said(remark: Remark) -> str:
    words = say("{weight}: {message}", weight=_WEIGHTS[remark.weight], message=remark.message)
    return together([words, remark.remedy]) if remark.remedy else words
