"""The languages in which everything can be told, and their catalogues (gettext, `grader/locale`).

Only who shows something to people asks for one: what decides must not depend on who reads it.
"""

from __future__ import annotations

import functools
import gettext
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

from grader.words.said import Message, Said, Value, said

DOMAIN = "grader"
CODES = ("en", "zh")
_TAGS = {"en": "en", "zh": "zh-Hans"}
_DEEPEST = 60
"""Sentences within each other; a report that somebody has made up may lead in a circle."""


class Template(Protocol):
    """A text with the names of its values in braces."""

    def format_map(self, mapping: Mapping[str, object], /) -> Self: ...


T = TypeVar("T", bound=Template)


class _Nothing(gettext.NullTranslations):
    """What is asked after a catalogue that has no translation: says so, where gettext would give the message back."""

    def gettext(self, message: str) -> str:  # noqa: ARG002 - whatever it is
        return ""

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:  # noqa: ARG002 - whatever it is
        return ""


@dataclass(frozen=True, slots=True)
class Language:
    """One language: `code` names it on command lines, `tag` in pages (BCP 47); `translations` is None for English."""

    code: str
    tag: str
    translations: gettext.NullTranslations | None = None
    known: Mapping[str, Message] = field(default_factory=dict)
    """The messages of sentences that were written down, by their text in English."""

    def tell(self, text: str, depth: int = 0) -> str:
        """A sentence in this language, as far as the catalogue has it; a plain string as it is."""
        if self.translations is None or not isinstance(text, Said) or depth > _DEEPEST:
            return str(text)
        message = self.known.get(text, text.message) if not text.message.values else text.message
        form = self._form(message)
        if not form:
            return str(text)
        values = {name: self._value(value, depth) for name, value in message.values.items()}
        try:
            return message.filled(form, values)
        except (ValueError, TypeError, LookupError, AttributeError):  # values that somebody has made up
            return str(text)

    def fill(self, text: Said, kind: Callable[[str], T], values: Mapping[str, Any]) -> T:
        """The message of a sentence with other values, which know how to be written into such a text (markup)."""
        message = text.message
        form = "" if self.translations is None else self._form(message)
        if not form:
            form = message.several if message.several and message.values["count"] != 1 else message.text
        return kind(form).format_map(values) if values else kind(form)

    def word(self, text: str) -> str:
        """The same of a text that was composed or marked elsewhere, and is a plain string by now."""
        return self.tell(said(text))

    def _form(self, message: Message) -> str:
        assert self.translations is not None  # noqa: S101 - English never asks
        if not message.text:
            return ""  # under which a catalogue keeps what is said of itself
        if not message.several:
            return self.translations.gettext(message.text)
        count = message.values.get("count")
        return self.translations.ngettext(message.text, message.several, count if isinstance(count, int) else 2)

    def _value(self, value: Value, depth: int) -> Value:
        return self.tell(value, depth + 1) if isinstance(value, str) else value


ENGLISH = Language("en", _TAGS["en"])


def translated(code: str, tag: str, translations: gettext.NullTranslations) -> Language:
    """The language of a catalogue; what that lacks stays English."""
    translations.add_fallback(_Nothing())
    return Language(code, tag, translations)


def locale_folder() -> Path:
    """Where the catalogues are: CODE/LC_MESSAGES/grader.mo, and beside it the .po that it is made from."""
    return Path(__file__).parent.parent / "locale"


@functools.cache
def language(code: str) -> Language:
    """A language by its code, one of `CODES`.

    Raises:
        OSError: its catalogue is not there.
    """
    if code == ENGLISH.code:
        return ENGLISH
    # translation() would copy a catalogue for each that asks, without its fallback.
    with (locale_folder() / code / "LC_MESSAGES" / f"{DOMAIN}.mo").open("rb") as file:
        return translated(code, _TAGS[code], gettext.GNUTranslations(file))


def usual_language(environment: Mapping[str, str]) -> str:
    """The code of the language that an environment asks for: LC_ALL, else LC_MESSAGES, else LANG (locale(7))."""
    asked = next(filter(None, (environment.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return next((code for code in CODES if asked.lower().startswith(code)), ENGLISH.code)
