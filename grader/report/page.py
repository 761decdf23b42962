"""What every page shares: escaping filters, style sheets of ours, and a policy that lets in nothing else."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from pygments.formatters import HtmlFormatter

from grader.report import people
from grader.report.escape import escape_text
from grader.report.model import Verdict
from grader.words import listed, mark, say, say_of, together
from grader.words.language import ENGLISH, Language

SYMBOLS = {Verdict.PASS: "✓", Verdict.FAIL: "✗", Verdict.INCONCLUSIVE: "?", Verdict.SKIPPED: "-"}


VERDICTS = (mark("pass"), mark("fail"), mark("inconclusive"), mark("skipped"))
"""What verdicts are called, for translators; pages look up what the verdict itself says."""
_BASES = (mark("observation"), mark("proof"), mark("budget"))


def render(
    template: str,
    language: Language = ENGLISH,
    *,
    sheets: tuple[str, ...] = ("report.css",),
    script: str = "",
    **values: Any,
) -> str:
    """A page as text. Whatever came from outside is escaped, control characters are spelled out by the filters.

    `sheets` are the style sheets that it is shown with, `script` the only one that may run on it.
    """
    if language.code != ENGLISH.code:
        sheets = (*sheets, "cjk.css")
    style, code = _style(sheets), _own(script) if script else ""
    return (
        _environment()
        .get_template(template)
        .render(
            style=Markup(style),  # noqa: S704 - our own style sheet
            script=Markup(code),  # noqa: S704 - our own script
            policy=_policy(style, code),
            symbols=SYMBOLS,
            language=language,
            in_english=Markup("" if language.code == ENGLISH.code else ' lang="en"'),  # noqa: S704 - ours
            **values,
        )
    )


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("grader.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters.update(
        harmless=lambda text: escape_text(str(text)),
        output=lambda text: escape_text(str(text), keep="\n\t"),
        capital=lambda text: text[:1].upper() + text[1:],
        excerpt=_told(people.excerpt),
        moment=_told(people.moment),
        number=people.number,
        seconds=_told(people.seconds),
        size=_told(people.size),
        percent=people.percent,
        tell=_told(lambda text: text),
        word=_word,
        listed=_listed,
    )
    environment.globals.update(_=_say, _of=_say_of)
    return environment


def _told(say_it: Callable[[Any], str]) -> Callable[[Context, Any], str]:
    """A filter that tells what a function says of its value."""

    @pass_context
    def tell(context: Context, value: Any) -> str:
        return _language(context).tell(say_it(value))

    return tell


def _language(context: Context) -> Language:
    found: Language = context["language"]
    return found


@pass_context
def _word(context: Context, text: str) -> str:
    """A filter: a constant in the page's language, such as the word for a verdict."""
    return _language(context).word(text)


@pass_context
def _listed(context: Context, items: Sequence[str], *, clauses: bool = False) -> str:
    """A filter: several things one after the other, as the page's language writes that."""
    return _language(context).tell((together if clauses else listed)(map(str, items)))


@pass_context
def _say(context: Context, message: str, /, **values: Any) -> Markup:
    """A sentence of a page's own; its values are escaped, unless they are markup of ours."""
    return _language(context).fill(say(message), Markup, values)


@pass_context
def _say_of(context: Context, count: int, one: str, several: str, /, **values: Any) -> Markup:
    """The same about so many."""
    return _language(context).fill(say_of(count, one, several), Markup, {"count": count, **values})


def _colours(style: str) -> str:
    formatter = HtmlFormatter(style=style)
    return str(formatter.get_style_defs(".code"))  # type: ignore[no-untyped-call]


def _own(name: str) -> str:
    return Path(__file__).with_name("templates").joinpath(name).read_text(encoding="utf-8")


@functools.cache
def _style(sheets: tuple[str, ...]) -> str:
    own = "".join(map(_own, sheets))
    light, dark = _colours("xcode"), _colours("github-dark")
    wanted = [[line for line in sheet.splitlines() if line.startswith(".code .")] for sheet in (light, dark)]
    dark_only = "\n".join(wanted[1])
    return f"{own}\n{chr(10).join(wanted[0])}\n@media screen and (prefers-color-scheme: dark) {{\n{dark_only}\n}}\n"


def _policy(style: str, code: str) -> str:
    script = f" script-src {_hash(code)};" if code else ""
    return f"default-src 'none'; style-src {_hash(style)};{script} base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
