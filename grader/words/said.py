"""Sentences that remember how they were composed. Nothing is read here, and nothing translated.

A message is text with the names of its values in braces, as `str.format` reads it. The tools of translators find
messages by the calls below, so a message is written out in the call, never computed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

Tell = Callable[[str], str]
"""Tells a sentence in the language of whoever reads it."""
Value = str | int | float
"""What a message may be filled with. A `Said` is told in the language of the sentence around it, a plain string as
it is: it is somebody else's (a name, a file, bytes)."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message in English and its values; `several` is its other form, for where `count` among them is not 1."""

    text: str
    values: Mapping[str, Value] = field(default_factory=dict)
    several: str = ""

    def filled(self, text: str, values: Mapping[str, Value]) -> str:
        """One of the forms, or a translation, with the values in their places; without values it is no template."""
        return text.format_map(values) if values else text

    @property
    def english(self) -> str:
        """The sentence."""
        form = self.several if self.several and self.values["count"] != 1 else self.text
        return self.filled(form, self.values)


class Said(str):
    """A sentence in English, equal to its plain text, with the message that it was made from."""

    __slots__ = ("message",)
    message: Message

    def __new__(cls, message: Message) -> Self:
        made = super().__new__(cls, message.english)
        made.message = message
        return made

    def __reduce__(self) -> tuple[type[Said], tuple[Message]]:
        return Said, (self.message,)


class ToldError(Exception):
    """An error whose message is said to people: in `told` it remembers how it was composed."""

    def __init__(self, told: Said) -> None:
        super().__init__(told)
        self.told = told


def say(message: str, /, **values: Value) -> Said:
    """A sentence: a message with its values, such as `say("client {number} was not served", number=3)`."""
    return Said(Message(message, values))


def say_of(count: int, one: str, several: str, /, **values: Value) -> Said:
    """A sentence about so many: `one` where there is one, else `several`. `{count}` is the number in both."""
    return Said(Message(one, {"count": count, **values}, several))


def said(text: str) -> Said:
    """A text that was said elsewhere: that of a constant, or of a sentence whose message has been written down."""
    return text if isinstance(text, Said) else Said(Message(text))


def changed(text: str, change: Callable[[str], str]) -> str:
    """A sentence with every plain string in it changed, also in the sentences within it; a plain string itself."""
    if not isinstance(text, Said):
        return change(text)
    message = text.message
    values = {
        name: changed(value, change) if isinstance(value, str) else value for name, value in message.values.items()
    }
    return Said(Message(message.text, values, message.several))


def mark(message: str) -> str:
    """A constant, as it is: marked for translators, to be looked up where it is shown."""
    return message


def own_fault(error: Exception) -> Said:
    """That it was the grader which failed, and with what."""
    return say("the grader failed: {error}", error=f"{type(error).__name__}: {error}")


def also(items: Iterable[str]) -> str:
    """`a and b and c`, "" of nothing."""
    return _folded(items, lambda first, then: say("{first} and {next}", first=first, next=then))


def either(items: Iterable[str]) -> str:
    """`a or b or c`, "" of nothing."""
    return _folded(items, lambda first, then: say("{first} or {next}", first=first, next=then))


def listed(items: Iterable[str]) -> str:
    """`a, b, c`, "" of nothing."""
    return _folded(items, lambda first, then: say("{first}, {second}", first=first, second=then))


def clauses(items: Iterable[str]) -> str:
    """Short clauses: `a, b, c` in English, but not everywhere what stands between names; "" of nothing."""
    return _folded(items, lambda first, then: say("{first}, {next}", first=first, next=then))


def together(items: Iterable[str]) -> str:
    """Clauses: `a; b; c`, "" of nothing."""
    return _folded(items, lambda first, then: say("{first}; {next}", first=first, next=then))


def _folded(items: Iterable[str], join: Callable[[str, str], str]) -> str:
    return functools.reduce(join, [*items] or [""])
