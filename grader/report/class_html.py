"""index.html: what a class handed in, on one page with one small script, which only sorts, searches and filters."""

from __future__ import annotations

import os
from dataclasses import replace
from urllib.parse import quote

from grader.report.class_page import Bin, ClassPage, Row
from grader.report.model import Verdict
from grader.report.page import render
from grader.report.told import reading, retold
from grader.words.language import ENGLISH, Language

_STATES = [Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.SKIPPED]
FEW = 12
"""How many names are shown before the others are folded away."""


def render_class(page: ClassPage, language: Language = ENGLISH) -> str:
    """The page as text. Whatever came from submissions is escaped, control characters are spelled out."""
    title = language.word(page.spec.title)
    page = replace(
        page,
        spec=page.spec.model_copy(update={"title": title}),
        not_graded=[retold(result, reading(language, result.messages).word) for result in page.not_graded],
        notes=[language.tell(note) for note in page.notes],
    )
    return render(
        "class.html.j2",
        language,
        sheets=("report.css", "class.css"),
        script="class.js",
        page=page,
        states=_STATES,
        few=FEW,
        link=link,
        numbers={mistake.id: number for number, mistake in enumerate(page.mistakes)},
        most=max((found.count for found in page.bins), default=0),
        range_of=_range_of,
    )


def link(row: Row, check: str = "") -> str:
    """The address of a submission's page, or of a check on it, as seen from index.html."""
    # With nothing left unquoted no name can be a scheme (javascript:), leave the folder, or end the attribute.
    place = f"{quote(os.fsencode(row.folder), safe='')}/{quote(row.page)}"
    return f"{place}#{quote(check.encode(errors='replace'))}" if check else place


def _range_of(found: Bin) -> str:
    return f"{found.low}%" if found.low == found.high else f"{found.low}\N{EN DASH}{found.high}%"
