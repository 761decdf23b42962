"""A report in another language: each sentence that is said to people told anew, everything else as it is.

`messages_of` writes down how sentences were composed when a report is made, `told` reads that when it is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar, get_args

from pydantic.fields import FieldInfo

from grader.report.model import WORDS, Record, Report, Saying
from grader.words import Said, Value, said
from grader.words.language import ENGLISH, Language
from grader.words.said import Message

R = TypeVar("R", bound=Record)


def messages_of(record: Record) -> dict[str, Saying]:
    """How all sentences in a record were composed that were, by their text; of those within them, too."""
    return messages_in([record])


def messages_in(told: Sequence[Record | str]) -> dict[str, Saying]:
    """The same of several records and sentences."""
    found: dict[str, Saying] = {}
    for text in _said_in(list(told)):
        _write_down(text, found)
    return found


def _said_in(value: object) -> Iterator[Said]:
    if isinstance(value, Said):
        yield value
    elif isinstance(value, Record):
        for name in type(value).model_fields:
            yield from _said_in(getattr(value, name))
    elif isinstance(value, list):
        for item in value:
            yield from _said_in(item)


def _write_down(text: Said, found: dict[str, Saying]) -> None:
    message = text.message
    if not message.values or text in found:
        return
    parts = {name: value for name, value in message.values.items() if isinstance(value, Said)}
    values = {name: value for name, value in message.values.items() if name not in parts}
    found[str(text)] = Saying(
        message=message.text,
        several=message.several,
        values=values,
        parts={name: str(part) for name, part in parts.items()},
    )
    for part in parts.values():
        _write_down(part, found)


def to_json(messages: Mapping[str, Saying]) -> dict[str, Any]:
    """The messages as JSON has them: there are hundreds, and most have no more than a value or two."""
    return {text: saying.model_dump(exclude_defaults=True) for text, saying in messages.items()}


def from_json(messages: Mapping[str, Any]) -> dict[str, Saying]:
    """The messages back."""
    return {text: Saying.model_validate(saying) for text, saying in messages.items()}


def reading(language: Language, messages: Mapping[str, Saying]) -> Language:
    """The language together with what has been written down of sentences."""
    return replace(language, known={text: _message(saying) for text, saying in messages.items()})


def _message(saying: Saying) -> Message:
    values: dict[str, Value] = {**saying.values, **{name: said(text) for name, text in saying.parts.items()}}
    return Message(saying.message, values, saying.several)


def told(report: Report, language: Language) -> Report:
    """The same report, with what is said in it in this language; its messages are of no more use then."""
    if language.translations is None:
        return report
    return retold(report, reading(language, report.messages).word).model_copy(update={"messages": {}})


def retold(record: R, word: Callable[[str], str]) -> R:
    """A record in which every text that is said to people has been given to `word`."""
    fields: Mapping[str, FieldInfo] = type(record).model_fields
    changed = {name: _retold(getattr(record, name), field, word) for name, field in fields.items()}
    return record.model_copy(update=changed)


def remembered(messages: Mapping[str, Saying]) -> Callable[[str], Said]:
    """What gives sentences back as they were composed."""
    known = reading(ENGLISH, messages).known
    return lambda text: Said(known[text]) if text in known else said(text)


def _retold(value: Any, field: FieldInfo, word: Callable[[str], str]) -> Any:
    if isinstance(value, Record):
        return retold(value, word)
    words = any(WORDS in getattr(kind, "__metadata__", ()) for kind in get_args(field.annotation))
    if isinstance(value, list):
        return [word(item) if words else retold(item, word) if isinstance(item, Record) else item for item in value]
    if isinstance(value, dict) and words:
        return {name: word(text) for name, text in value.items()}
    return word(value) if WORDS in field.metadata and isinstance(value, str) else value
