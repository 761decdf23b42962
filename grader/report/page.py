"""What every page shares: escaping filters, style sheets of ours, and a policy that lets in nothing else."""

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


def render(template: str, *, sheets: tuple[str, ...] = ("report.css",), script: str = "", **values: Any) -> str:
    """A page as text. Whatever came from outside is escaped, control characters are spelled out by the filters.

    `sheets` are the style sheets that it is shown with, `script` the only one that may run on it.
    """
    style, code = _style(sheets), _own(script) if script else ""
    return (
        _environment()
        .get_template(template)
        .render(
            style=Markup(style),  # noqa: S704 - our own style sheet
            script=Markup(code),  # noqa: S704 - our own script
            policy=_policy(style, code),
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
        percent=people.percent,
    )
    return environment


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
