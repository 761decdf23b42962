"""A report in the terminal: a table where there is a terminal, plain lines that can be searched where there is none."""

from __future__ import annotations

import io

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.report.escape import escape_text
from grader.report.model import CheckResult, Excerpt, Report, Stood, Verdict
from grader.report.people import number
from grader.report.told import told
from grader.words import clauses, listed, say, say_of, together
from grader.words.language import ENGLISH, Language

_SYMBOLS = {
    Verdict.PASS: ("✓", "green"),
    Verdict.FAIL: ("✗", "red"),
    Verdict.INCONCLUSIVE: ("?", "yellow"),
    Verdict.SKIPPED: ("-", "bright_black"),
}

_STEPS = {"done": ("✓", "bright_black"), "failed": ("✗", "bold")}
_MOST_LINES, _MOST_NAMED = 20, 4


def print_report(report: Report, console: Console, language: Language = ENGLISH) -> None:
    """Print the verdicts, then what there is to say about each check that did not pass."""
    report = told(report, language)
    shown = _Terminal(console, language) if console.is_terminal else _Plain(console, language)
    shown.heading(report)
    shown.table(report.checks)
    for alike in _alike(report.checks):
        shown.details(alike)
    shown.ending(report)


def check_in_words(check: CheckResult, language: Language = ENGLISH) -> str:
    """All that is told of one check, in lines: what was found, the mistake with its line, and a hint."""
    return _in_lines(check, [] if check.hidden else [check], language)


def alike_in_words(checks: list[CheckResult], language: Language = ENGLISH) -> list[str]:
    """The same of each that did not pass; what several fail for is told once."""
    return [_in_lines(alike[0], alike, language) for alike in _alike(checks)]


def _in_lines(check: CheckResult, alike: list[CheckResult], language: Language) -> str:
    console = Console(file=io.StringIO(), width=200, color_system=None)
    shown, basis = _Plain(console, language), language.word(check.basis)
    shown.line(say("{what} [{basis}], {points} points", what=_finding(check), basis=basis, points=_points(check)))
    if alike:
        shown.details(alike)
    assert isinstance(console.file, io.StringIO)  # noqa: S101 - as it was made
    return console.file.getvalue().rstrip()


def one_line(report: Report, language: Language = ENGLISH) -> str:
    """A report in one line, for one of many: the points, and which checks did not pass for which mistake and where."""
    report = told(report, language)
    name, points, most = report.submission.name, number(report.score), number(report.max_score)
    score = say("{name}: {score} of {most} points", name=name, score=points, most=most)
    words = together([score, *map(_in_short, _alike(report.checks)), *_hidden(report.checks)])
    return escape_text(language.tell(words))


def _in_short(alike: list[CheckResult]) -> str:
    check, more = alike[0], len(alike) - _MOST_NAMED
    checks = listed(other.id for other in alike[:_MOST_NAMED])
    if more > 0:
        checks = say("{some} and {more} more", some=checks, more=more)
    mistake = check.diagnosis
    why = mistake.title if mistake else check.summary
    if mistake and mistake.file and mistake.line:
        why = clauses([why, f"{mistake.file}:{mistake.line}"])
    if check.verdict is Verdict.INCONCLUSIVE:
        return say("not known: {checks} ({why})", checks=checks, why=why)
    return say("failed: {checks} ({why})", checks=checks, why=why)


def _hidden(checks: list[CheckResult]) -> list[str]:
    count = sum(check.hidden and check.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE) for check in checks)
    return [say_of(count, "and {count:,} hidden check", "and {count:,} hidden checks")] if count else []


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
    return say(
        "{name}: {score} of {most} points ({title})",
        name=report.submission.name,
        score=number(report.score),
        most=number(report.max_score),
        title=report.spec.title,
    )


def _finding(check: CheckResult) -> str:
    return say("hidden check") if check.hidden else check.summary


def _name(check: CheckResult) -> Text:
    """The id, by which a check is asked for, and the title."""
    title = "" if check.hidden else f": {escape_text(check.title)}"
    return Text.assemble((check.id, "bold"), title)


def _points(check: CheckResult) -> str:
    return f"{number(check.points)}/{number(check.max_points)}"


def _where(stood: Stood) -> str:
    words = say("{thread} {does}", thread=stood.thread, does=stood.words)
    if stood.waits_for:
        words = say("{what}, waiting for {whom}", what=words, whom=stood.waits_for)
    return say("{what} at {place}", what=words, place=f"{stood.file}:{stood.line}") if stood.file else words


def _padded(text: str, width: int) -> str:
    """A text with spaces after it, up to so many columns of a terminal."""
    return text + " " * (width - cell_len(text))


class _Plain:
    """Lines of words, one check a line: for logs and pipes."""

    def __init__(self, console: Console, language: Language) -> None:
        self._console, self._language = console, language

    def words(self, text: str) -> str:
        """Told, and harmless."""
        return escape_text(self._language.tell(text))

    def line(self, text: str, style: str = "", indent: str = "") -> None:
        self._console.print(Text(indent + self.words(text), style=style), soft_wrap=True)

    def heading(self, report: Report) -> None:
        self.line(_heading(report))

    def table(self, checks: list[CheckResult]) -> None:
        width = max(len(check.id) for check in checks)
        for check in checks:
            basis = "" if check.verdict is Verdict.SKIPPED else self._language.word(check.basis)
            verdict = _padded(self._language.word(check.verdict), 12)
            columns = f"{verdict} {_points(check):>7}  {check.id:<{width}}  {_padded(basis, 11)}"
            self.line(f"{columns}  {self.words(_finding(check))}")

    def details(self, alike: list[CheckResult]) -> None:
        check = alike[0]
        if not check.diagnosis and not check.stood and not check.steps:
            return
        names = listed(other.id for other in alike)
        title = check.diagnosis.title if check.diagnosis else _finding(check)
        self.line("")
        self.line(say("{checks}: {title}", checks=names, title=title), "bold")
        if check.diagnosis:
            self.line(check.diagnosis.explanation, indent="  ")
            if shown := check.diagnosis.excerpt:
                place = f"{shown.file}:{shown.marked}"
                self.line(say("at {place}", place=place), "bright_black", indent="  ")
                self._excerpt(shown)
        reached = [step for step in check.steps if step.state != "not reached"]
        for step in reached:
            sign, style = _STEPS[step.state]
            self.line(f"  {sign} {step.number:<4} {step.text}", style)
        if unreached := len(check.steps) - len(reached):
            words = say_of(unreached, "... {count} more step not reached", "... {count} more steps not reached")
            self.line(words, "bright_black", indent="  ")
        for stood in check.stood[:2]:
            self.line(_where(stood), "bright_black", indent="  ")
            if stood.excerpt:
                self._excerpt(stood.excerpt)
        said = (check.diagnosis.hint if check.diagnosis else "", *(other.hint for other in alike))
        for hint in dict.fromkeys(filter(None, said)):
            self.line(say("Hint: {hint}", hint=hint), "cyan", indent="  ")

    def _excerpt(self, excerpt: Excerpt) -> None:
        for at, text in enumerate(excerpt.lines, excerpt.first_line):
            marked = at == excerpt.marked
            source = text.expandtabs(4)
            self.line(f"  {'>' if marked else ' '} {at:4} | {source}", "bold" if marked else "bright_black")

    def ending(self, report: Report) -> None:
        shown = _never_ran(report) and not report.output.hidden
        if lines := report.output.text.splitlines() if shown else []:
            self.line("")
            self.line(say("it printed:"), "bold")
            for line in lines[:_MOST_LINES]:
                # CI takes a line that begins with :: or ##[ for a command of its own, and passes over spaces before it.
                self.line(f"  | {line.expandtabs(4)}")
            if (more := len(lines) - _MOST_LINES) > 0:
                self.line(say("... and {more} more lines", more=more), "bright_black", indent="  ")
        arena = report.arena
        if not arena.full:
            words = say(
                "isolation {isolation}, evidence {evidence}; not to be had here:",
                isolation=arena.isolation,
                evidence=arena.evidence,
            )
            self.line(words)
            for what in arena.missing:
                self.line(what, indent="  ")
        for note in report.notes:
            self.line(say("note: {note}", note=note))


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
            basis = "" if check.verdict is Verdict.SKIPPED else self._language.word(check.basis)
            table.add_row(
                Text(f"{symbol} {self._language.word(check.verdict)}", style=style),
                Text(_points(check)),
                _name(check),
                Text(basis, style="bright_black"),
                Text(self.words(_finding(check))),
            )
        self._console.print(table)
