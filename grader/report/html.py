"""report.html: one self-contained page, readable without JavaScript, from file:// and in print."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup, escape
from pygments import lex
from pygments.lexers import get_lexer_for_filename
from pygments.token import STANDARD_TYPES
from pygments.util import ClassNotFound

from grader.report.escape import escape_text
from grader.report.json_file import write_atomically
from grader.report.model import CheckResult, Excerpt, Report, Verdict
from grader.report.page import render
from grader.report.rows import in_words, left_out, worth_drawing
from grader.report.sequence import sequence_svg
from grader.report.strip import parts, shown_resources, strips
from grader.report.told import told
from grader.words import Tell, also, clauses, mark, said, say
from grader.words.language import ENGLISH, Language

BASES = {
    "observation": mark("seen directly: a reply, a wrong byte, an exit"),
    "proof": mark("the kernel's state shows that nothing else can happen"),
    "budget": mark("neither seen nor proved: a stated budget was spent"),
}
IO_MODEL = "io_model"
"""The behaviour that looks at the IO model."""
_WORKERS = {
    "single": say("one thread serves everybody"),
    "threads": say("a thread for each client"),
    "processes": say("a process for each client"),
}


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One line of an excerpt: its number, its highlighted text, and whether it is the one to look at."""

    number: int
    text: Markup
    marked: bool


def source_lines(excerpt: Excerpt) -> list[SourceLine]:
    """The lines of an excerpt, highlighted by the language of its file name."""
    code = "\n".join(escape_text(line.expandtabs(4)) for line in excerpt.lines)
    try:
        lexer = get_lexer_for_filename(excerpt.file, stripnl=False, ensurenl=False)
    except ClassNotFound:
        texts = [escape(line) for line in code.split("\n")]
    else:
        texts = _highlighted(list(lex(code, lexer)))
    numbered = enumerate(texts, excerpt.first_line)
    return [SourceLine(number, text, number == excerpt.marked) for number, text in numbered]


def _highlighted(tokens: list[tuple[object, str]]) -> list[Markup]:
    lines = [Markup("")]
    for kind, text in tokens:
        name = STANDARD_TYPES.get(kind, "")  # type: ignore[call-overload]  # tokens are of pygments' own type
        for index, piece in enumerate(text.split("\n")):
            if index:
                lines.append(Markup(""))
            if piece:
                span = Markup('<span class="{}">{}</span>').format(name, piece) if name else escape(piece)
                lines[-1] += span
    return lines


def render_html(report: Report, language: Language = ENGLISH) -> str:
    """The page as text. Whatever came from the submission is escaped, control characters are spelled out."""
    report, tell = told(report, language), language.tell
    used = shown_resources(report)
    return render(
        "report.html.j2",
        language,
        report=report,
        strips=strips(used, tell),
        parts=parts(used, tell),
        bases=BASES,
        observed=tell(_observed(report)),
        problems=[check for check in report.checks if check.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE)],
        passed=[check for check in report.checks if check.verdict is Verdict.PASS],
        skipped=[check for check in report.checks if check.verdict is Verdict.SKIPPED],
        source_lines=source_lines,
        picture=functools.partial(_picture, tell=tell),
        words=functools.partial(in_words, tell=tell),
        left_out=lambda timeline: tell(left_out(timeline)),
        worth_drawing=worth_drawing,
        again=_again(report),
    )


def _again(report: Report) -> dict[str, CheckResult]:
    """For checks that fail for a mistake which an earlier one has shown already, by their ids: that earlier one."""
    first: dict[object, CheckResult] = {}
    found: dict[str, CheckResult] = {}
    for check in report.checks:
        mistake = check.diagnosis
        if check.verdict is not Verdict.FAIL or check.hidden or mistake is None:
            continue
        earlier = first.setdefault((mistake.id, mistake.file, mistake.line), check)
        if earlier is not check:
            found[check.id] = earlier
    return found


def _picture(check: CheckResult, tell: Tell) -> Markup:
    assert check.timeline is not None  # noqa: S101 - the template has looked
    return sequence_svg(check.timeline, say("What happened in the check: {check}", check=check.title), tell)


def _observed(report: Report) -> str:
    """The IO model in plain words, "" where it was not looked at, or only for a hidden check."""
    seen = report.observed
    looked = [check for check in report.checks if check.behaviour == IO_MODEL]
    if not seen.waits or (looked and all(check.hidden for check in looked)):
        return ""
    bound = seen.bound or say("several")
    pool = say("a pool of {bound} {workers}", bound=bound, workers=said(str(seen.made_of)))
    runs = seen.waits == ["running"]
    parts = [pool if seen.workers == "pool" else _WORKERS.get(seen.workers or "", "")]
    parts.append(say("never waits, always runs") if runs else say("waits in {calls}", calls=also(seen.waits)))
    parts += [say("{kind} sockets", kind=said(seen.sockets))] if seen.sockets else []
    parts += [say("with {library}", library=seen.library)] if seen.library else []
    return clauses(filter(None, parts))


def write_html(report: Report, path: Path, language: Language = ENGLISH) -> None:
    """Write the page; whoever reads the path sees the old page or the new one."""
    write_atomically(path, render_html(report, language))
