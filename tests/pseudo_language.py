"""A language in which every message is itself in brackets: what stands outside them on a page was never marked.

Values stand outside too, so that a constant which is passed as one, and was not marked, is found; and what comes from a
submission or an instructor is taken out of a report beforehand.
"""

from __future__ import annotations

import gettext
import re
import string
from html.parser import HTMLParser

import catalogues

from grader.evidence.syscalls import SHAPES
from grader.report.model import Report, ServerOutput, Timeline
from grader.words.language import Language, translated

OPENS, CLOSES = "⟦", "⟧"
FOREIGN = {"last_line", "received", "expected", "exception", "step", "name", "reference", "target", "command", "why"}
"""Values that somebody else has written."""
MANUAL = re.compile(r"[\w-]+\(\d\)")
WORD = re.compile(r"[A-Za-z]{2,}")
UNITS = {"KiB", "MiB", "GiB", "fd", "en", "UTC", "FIN", "RST"}
NO_TAGS = {"meta", "link", "br", "input", "rect", "path", "line", "circle", "hr"}
NO_WORDS = {"style", "script", "code", "pre", "kbd", "bdi", "time"}


def bracketed(message: str) -> str:
    """A message with its own words in brackets, and its values outside of them."""
    found = ""
    for literal, name, form, _ in string.Formatter().parse(message):
        found += f"{OPENS}{literal}{CLOSES}" if literal else ""
        if name is not None:
            found += f"{{{name}:{form}}}" if form else f"{{{name}}}"
    return found


class Brackets(gettext.NullTranslations):
    """A catalogue of all messages of the source."""

    def __init__(self) -> None:
        super().__init__()
        ids = (message.id for message in catalogues.extracted() if message.id)
        self.ids = {one if isinstance(one, str) else one[0] for one in ids}

    def gettext(self, message: str) -> str:
        return bracketed(message) if message in self.ids else super().gettext(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        if msgid1 not in self.ids:
            return super().ngettext(msgid1, msgid2, n)
        return bracketed(msgid1 if n == 1 else msgid2)


def pseudo_language() -> Language:
    """The language, with the messages that the source has now."""
    return translated("xx", "en-x-pseudo", Brackets())


def outside(text: str) -> str:
    """What of a text stands in no brackets; a picture may have cut off those that close."""
    return MANUAL.sub(" ", re.sub(f"{OPENS}[^{OPENS}{CLOSES}]*({CLOSES}|$)", " ", text))


def unmarked(text: str, report: Report | None = None) -> set[str]:
    """The words of a text that were never marked, but for names: of checks, facets, system calls, and units."""
    known = set(UNITS) | set(WORD.findall(" ".join(SHAPES)))
    if report:
        names = [report.spec.id, report.submission.entry, report.submission.language, *report.observed.waits]
        names += [report.arena.isolation, report.arena.evidence, str(report.observed.library), report.grader]
        names += [name for check in report.checks for name in (check.id, check.behaviour)]
        known |= set(WORD.findall(" ".join(names)))
        foreign = (
            value
            for saying in report.messages.values()
            for name, value in saying.values.items()
            if name in FOREIGN and isinstance(value, str)
        )
        for value in sorted(filter(None, foreign), key=len, reverse=True):
            text = text.replace(value, " ")
    return {word for word in WORD.findall(outside(text)) if word not in known and not _is_digest(word)}


def _is_digest(word: str) -> bool:
    return set(word) <= set("abcdef")


def without_foreign(report: Report) -> Report:
    """A report without what a submission or an instructor has written, as far as it stands in fields of its own."""
    checks = [check.model_copy(update={"timeline": _silent(check.timeline)}) for check in report.checks]
    named = report.submission.model_copy(update={"name": "0"})
    return report.model_copy(update={"checks": checks, "submission": named, "output": ServerOutput(total_bytes=7)})


def _silent(timeline: Timeline | None) -> Timeline | None:
    if timeline is None:
        return None
    return timeline.model_copy(update={"events": [e.model_copy(update={"detail": ""}) for e in timeline.events]})


class Visible(HTMLParser):
    """The text that a page shows or tells a screen reader, but for code, and for what is marked as English."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if not self._hidden:
            self.texts += filter(None, (found.get(name) for name in ("title", "aria-label", "placeholder")))
        if tag not in NO_TAGS:
            place = (found.get("class") or "") in ("place", "call")
            self._open.append((tag, tag in NO_WORDS or found.get("lang") == "en" or place))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.texts.append(data)

    @property
    def _hidden(self) -> bool:
        return any(hidden for _, hidden in self._open)


def visible(page: str) -> list[str]:
    """What a page shows."""
    parser = Visible()
    parser.feed(page)
    return [text for text in parser.texts if text.strip()]
