"""A report in the terminal: a table where there is a terminal, plain lines that can be searched where there is none."""

from __future__ import annotations

import io

from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.report.escape import escape_text
from grader.report.model import CheckResult, Excerpt, Report, Stood, Verdict
from grader.report.people import counted, number

_SYMBOLS = {
    Verdict.PASS: ("✓", "green"),
    Verdict.FAIL: ("✗", "red"),
    Verdict.INCONCLUSIVE: ("?", "yellow"),
    Verdict.SKIPPED: ("-", "bright_black"),
}

_STEPS = {"done": ("✓", "bright_black"), "failed": ("✗", "bold")}
_MOST_LINES, _MOST_NAMED = 20, 4


def print_report(report: Report, console: Console) -> None:
    """Print the verdicts, then what there is to say about each check that did not pass."""
    shown = _Terminal(console) if console.is_terminal else _Plain(console)
    shown.heading(report)
    shown.table(report.checks)
    for alike in _alike(report.checks):
        shown.details(alike)
    shown.ending(report)


def check_in_words(check: CheckResult) -> str:
    """All that is told of one check, in lines: what was found, the mistake with its line, and a hint."""
    return _in_lines(check, [] if check.hidden else [check])


def alike_in_words(checks: list[CheckResult]) -> list[str]:
    """The same of each that did not pass; what several fail for is told once."""
    return [_in_lines(alike[0], alike) for alike in _alike(checks)]


def _in_lines(check: CheckResult, alike: list[CheckResult]) -> str:
    console = Console(file=io.StringIO(), width=200, color_system=None)
    shown = _Plain(console)
    shown.line(f"{_finding(check)} [{check.basis}], {_points(check)} points")
    if alike:
        shown.details(alike)
    assert isinstance(console.file, io.StringIO)  # noqa: S101 - as it was made
    return console.file.getvalue().rstrip()


def one_line(report: Report) -> str:
    """A report in one line, for one of many: the points, and which checks did not pass for which mistake and where."""
    score = f"{escape_text(report.submission.name)}: {number(report.score)} of {number(report.max_score)} points"
    return "; ".join([score, *map(_in_short, _alike(report.checks)), *_hidden(report.checks)])


def _in_short(alike: list[CheckResult]) -> str:
    check = alike[0]
    ids = ", ".join(other.id for other in alike[:_MOST_NAMED])
    ids += f" and {len(alike) - _MOST_NAMED} more" if len(alike) > _MOST_NAMED else ""
    verdict = "not known" if check.verdict is Verdict.INCONCLUSIVE else "failed"
    mistake = check.diagnosis
    place = f", {mistake.file}:{mistake.line}" if mistake and mistake.file and mistake.line else ""
    return f"{verdict}: {ids} ({escape_text(f'{mistake.title if mistake else check.summary}{place}')})"


def _hidden(checks: list[CheckResult]) -> list[str]:
    count = sum(check.hidden and check.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE) for check in checks)
    return [f"and {counted(count, 'hidden check')}"] if count else []


def _alike(checks: list[CheckResult]) -> list[list[CheckResult]]:
    """The checks that did not pass, those of one mistake at one place together."""
    groups: dict[object, list[CheckResult]] = {}
    for check in checks:
        if check.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE) and not check.hidden:
            found = check.diagnosis
            groups.setdefault((found.id, found.file, found.line) if found else check.id, []).append(check)
    return list(groups.values())


def _never_ran(report: Report) -> bool:
    """Whether nothing can be said of any check but that there was no server to check."""
    return not any(check.verdict is Verdict.PASS for check in report.checks)


def _heading(report: Report) -> str:
    name, title = escape_text(report.submission.name), escape_text(report.spec.title)
    return f"{name}: {number(report.score)} of {number(report.max_score)} points ({title})"


def _finding(check: CheckResult) -> str:
    return "hidden check" if check.hidden else escape_text(check.summary)


def _name(check: CheckResult) -> Text:
    """The id, by which a check is asked for, and the title."""
    title = "" if check.hidden else f": {escape_text(check.title)}"
    return Text.assemble((check.id, "bold"), title)


def _points(check: CheckResult) -> str:
    return f"{number(check.points)}/{number(check.max_points)}"


def _where(stood: Stood) -> str:
    place = f"{stood.file}:{stood.line}" if stood.file else ""
    waits = f", waiting for {stood.waits_for}" if stood.waits_for else ""
    return escape_text(f"{stood.thread} {stood.words}{waits}" + (f" at {place}" if place else ""))


class _Plain:
    """Lines of words, one check a line: for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def line(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style=style), soft_wrap=True)

    def heading(self, report: Report) -> None:
        self.line(_heading(report))

    def table(self, checks: list[CheckResult]) -> None:
        width = max(len(check.id) for check in checks)
        for check in checks:
            basis = "" if check.verdict is Verdict.SKIPPED else check.basis
            columns = f"{check.verdict:<12} {_points(check):>7}  {check.id:<{width}}  {basis:<11}"
            self.line(f"{columns}  {_finding(check)}")

    def details(self, alike: list[CheckResult]) -> None:
        check = alike[0]
        if not check.diagnosis and not check.stood and not check.steps:
            return
        names = ", ".join(other.id for other in alike)
        title = escape_text(check.diagnosis.title) if check.diagnosis else _finding(check)
        self.line("")
        self.line(f"{names}: {title}", "bold")
        if check.diagnosis:
            self.line(f"  {escape_text(check.diagnosis.explanation)}")
            if shown := check.diagnosis.excerpt:
                self.line(escape_text(f"  at {shown.file}:{shown.marked}"), "bright_black")
                self._excerpt(shown)
        reached = [step for step in check.steps if step.state != "not reached"]
        for step in reached:
            sign, style = _STEPS[step.state]
            self.line(escape_text(f"  {sign} {step.number:<4} {step.text}"), style)
        if unreached := len(check.steps) - len(reached):
            self.line(f"  ... {unreached} more {'step' if unreached == 1 else 'steps'} not reached", "bright_black")
        for stood in check.stood[:2]:
            self.line(f"  {_where(stood)}", "bright_black")
            if stood.excerpt:
                self._excerpt(stood.excerpt)
        said = (check.diagnosis.hint if check.diagnosis else "", *(other.hint for other in alike))
        for hint in dict.fromkeys(filter(None, said)):
            self.line(f"  Hint: {escape_text(hint)}", "cyan")

    def _excerpt(self, excerpt: Excerpt) -> None:
        for at, text in enumerate(excerpt.lines, excerpt.first_line):
            marked = at == excerpt.marked
            source = escape_text(text.expandtabs(4))
            self.line(f"  {'>' if marked else ' '} {at:4} | {source}", "bold" if marked else "bright_black")

    def ending(self, report: Report) -> None:
        shown = _never_ran(report) and not report.output.hidden
        if lines := report.output.text.splitlines() if shown else []:
            self.line("")
            self.line("it printed:", "bold")
            for line in lines[:_MOST_LINES]:
                self.line(f"  {escape_text(line.expandtabs(4))}")
            if len(lines) > _MOST_LINES:
                self.line(f"  ... and {len(lines) - _MOST_LINES} more lines", "bright_black")
        if not report.arena.full:
            self.line(f"isolation {report.arena.isolation}, evidence {report.arena.evidence}; not to be had here:")
            for what in report.arena.missing:
                self.line(f"  {escape_text(what)}")
        for note in report.notes:
            self.line(f"note: {escape_text(note)}")


class _Terminal(_Plain):
    """The same with a table, symbols and colours."""

    def heading(self, report: Report) -> None:
        self.line("")
        self.line(_heading(report), "bold")

    def table(self, checks: list[CheckResult]) -> None:
        table = Table(box=None, padding=(0, 1, 0, 0), show_header=False, pad_edge=False)
        table.add_column(no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
        table.add_column(ratio=3)
        table.add_column(no_wrap=True)
        table.add_column(ratio=5)
        for check in checks:
            symbol, style = _SYMBOLS[check.verdict]
            basis = "" if check.verdict is Verdict.SKIPPED else str(check.basis)
            table.add_row(
                Text(f"{symbol} {check.verdict}", style=style),
                Text(_points(check)),
                _name(check),
                Text(basis, style="bright_black"),
                Text(_finding(check)),
            )
        self._console.print(table)
