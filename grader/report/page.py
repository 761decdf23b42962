"""What every page shares: escaping filters, one style sheet, and a policy that lets in nothing else."""

from __future__ import annotations

import base64
import functools
import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from pygments.formatters import HtmlFormatter

from grader.report import people
from grader.report.escape import escape_text
from grader.report.model import Verdict

SYMBOLS = {Verdict.PASS: "✓", Verdict.FAIL: "✗", Verdict.INCONCLUSIVE: "?", Verdict.SKIPPED: "-"}


def render(template: str, **values: Any) -> str:
    """A page as text. Whatever came from outside is escaped, control characters are spelled out by the filters."""
    style = _style()
    return (
        _environment()
        .get_template(template)
        .render(
            style=Markup(style),  # noqa: S704 - our own style sheet
            policy=_policy(style),
            symbols=SYMBOLS,
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
        excerpt=people.excerpt,
        moment=people.moment,
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
