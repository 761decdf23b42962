"""report.html: one self-contained page, readable without JavaScript, from file:// and in print."""

from __future__ import annotations

import base64
import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from pygments import lex
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_for_filename
from pygments.token import STANDARD_TYPES
from pygments.util import ClassNotFound

from grader.report import people
from grader.report.escape import escape_text
from grader.report.json_file import write_atomically
from grader.report.model import CheckResult, Excerpt, Report, Verdict
from grader.report.sequence import in_words, lanes_of, sequence_svg

SYMBOLS = {Verdict.PASS: "✓", Verdict.FAIL: "✗", Verdict.INCONCLUSIVE: "?", Verdict.SKIPPED: "-"}
BASES = {
    "observation": "seen directly: a reply, a wrong byte, an exit",
    "proof": "the kernel's state shows that nothing else can happen",
    "budget": "neither seen nor proved: a stated budget was spent",
}
_WORKERS = {
    "single": "one thread serves everybody",
    "threads": "a thread for each client",
    "processes": "a process for each client",
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


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("grader.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters.update(
        harmless=lambda text: escape_text(str(text)),
        output=lambda text: escape_text(str(text), keep="\n\t"),
        number=people.number,
        seconds=people.seconds,
        size=people.size,
    )
    return environment


def _colours(style: str) -> str:
    formatter = HtmlFormatter(style=style)
    return str(formatter.get_style_defs(".code"))  # type: ignore[no-untyped-call]


@functools.cache
def _style() -> str:
    own = Path(__file__).with_name("templates").joinpath("report.css").read_text(encoding="utf-8")
    light, dark = _colours("xcode"), _colours("github-dark")
    wanted = [[line for line in sheet.splitlines() if line.startswith(".code .")] for sheet in (light, dark)]
    dark_only = "\n".join(wanted[1])
    return f"{own}\n{chr(10).join(wanted[0])}\n@media screen and (prefers-color-scheme: dark) {{\n{dark_only}\n}}\n"


def _policy(style: str) -> str:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def render_html(report: Report) -> str:
    """The page as text. Whatever came from the submission is escaped, control characters are spelled out."""
    style = _style()
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            style=Markup(style),  # noqa: S704 - our own style sheet
            policy=_policy(style),
            symbols=SYMBOLS,
            bases=BASES,
            observed=_observed(report),
            problems=[check for check in report.checks if check.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE)],
            passed=[check for check in report.checks if check.verdict is Verdict.PASS],
            skipped=[check for check in report.checks if check.verdict is Verdict.SKIPPED],
            source_lines=source_lines,
            picture=_picture,
            words=in_words,
            left_out=lambda timeline: lanes_of(timeline)[1],
        )
    )


def _picture(check: CheckResult) -> Markup:
    assert check.timeline is not None  # noqa: S101 - the template has looked
    return sequence_svg(check.timeline, f"What happened in the check: {check.title}")


def _observed(report: Report) -> str:
    """The IO model in plain words, "" where it was not looked at."""
    seen = report.observed
    if not seen.waits:
        return ""
    pool = f"a pool of {seen.bound or 'several'} {seen.made_of}"
    parts = [pool if seen.workers == "pool" else _WORKERS.get(seen.workers or "", "")]
    parts.append("never waits, always runs" if seen.waits == ["running"] else f"waits in {' and '.join(seen.waits)}")
    parts += [f"{seen.sockets} sockets"] if seen.sockets else []
    parts += [f"with {seen.library}"] if seen.library else []
    return ", ".join(filter(None, parts))


def write_html(report: Report, path: Path) -> None:
    """Write the page; whoever reads the path sees the old page or the new one."""
    write_atomically(path, render_html(report))
