"""The catalogues: every message of the source is there, translated, and none else; and what is made of them."""

from __future__ import annotations

import pickle
import re
import string
from pathlib import Path

import catalogues
import pytest
from babel.messages.catalog import Message
from conftest import ROOT

from grader.report.model import Report, Saying
from grader.report.told import messages_of, reading, told
from grader.words import also, clauses, listed, said, say, say_of
from grader.words.language import CODES, ENGLISH, language, locale_folder, usual_language

ZH = language("zh")
CHINESE = r"[\u4e00-\u9fff]"


def messages() -> list[Message]:
    return [message for code in CODES[1:] for message in catalogues.read(catalogues.po_of(code), code) if message.id]


def forms(message: Message) -> tuple[list[str], list[str]]:
    """The forms of a message, and those of its translation."""
    ids = [message.id] if isinstance(message.id, str) else list(message.id)
    strings = [message.string] if isinstance(message.string, str) else list(message.string or ())
    return ids, strings


def values(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("path", sorted(catalogues.files()), ids=lambda path: path.name)
def test_the_catalogues_hold_what_the_source_says(path: Path) -> None:
    assert catalogues.is_fresh(path, catalogues.files()[path]), f"{path.relative_to(ROOT)} is stale: run make messages"


def test_every_message_is_translated_and_none_is_in_doubt() -> None:
    missing = [message.id for code in CODES[1:] for message in catalogues.untranslated(
        catalogues.updated(code, catalogues.extracted())
    )]  # fmt: skip

    assert missing == [], "write their translations into grader/locale/CODE/LC_MESSAGES/grader.po, then make messages"


def test_a_translation_has_the_values_of_its_message() -> None:
    for message in messages():
        ids, strings = forms(message)
        for translation in strings:
            if "{" in ids[-1] or "{" in translation:
                assert values(translation) == values(ids[-1]), message.id


def test_nothing_in_a_catalogue_is_markup() -> None:
    """Messages of pages are put into them as they are, only their values are escaped."""
    for message in messages():
        if any(name.endswith(".j2") for name, _ in message.locations):
            ids, strings = forms(message)
            assert not set('<>&"') & set("".join([*ids, *strings])), message.id


def test_chinese_sentences_have_chinese_punctuation() -> None:
    wrong = re.compile(f"{CHINESE}[,;:?!()]|[(]{CHINESE}|{CHINESE}[.]$")
    found = [text for message in messages() for text in forms(message)[1] if wrong.search(text)]

    assert found == []


def test_a_sentence_is_its_english_text_and_remembers_how_it_was_made() -> None:
    words = say("{client} was not served", client=say("client {number}", number=3))

    assert words == "client 3 was not served"
    assert isinstance(words, str)
    assert pickle.loads(pickle.dumps(words)).message == words.message  # noqa: S301 - our own
    assert ENGLISH.tell(words) == words
    assert ZH.tell(words) == "客户端 3 没有得到服务"


def test_numbers_are_told_in_the_form_that_goes_with_them() -> None:
    one, many = (say_of(count, "{count} other descriptor", "{count} other descriptors") for count in (1, 2))

    assert (one, many) == ("1 other descriptor", "2 other descriptors")
    assert [ZH.tell(words) for words in (one, many)] == ["另外 1 个描述符", "另外 2 个描述符"]


def test_what_others_wrote_is_told_as_it_is() -> None:
    words = say("{what}: {why}", what=said("running"), why="running")

    assert ZH.tell(words) == "正在运行：running"
    assert ZH.tell(say("{client} was not served", client="{0.__class__}")) == "{0.__class__} 没有得到服务"


def test_what_is_in_no_catalogue_stays_english() -> None:
    assert ZH.word("An instructor's own title") == "An instructor's own title"
    assert ZH.word("") == ""


def test_joined_things_are_joined_as_the_language_does() -> None:
    names = ["a", "b", "c"]

    assert (also(names), listed(names), clauses(names)) == ("a and b and c", "a, b, c", "a, b, c")
    assert [ZH.tell(words) for words in map(said, (also(names), listed(names), clauses(names)))] == [
        "a 和 b 和 c",
        "a、b、c",
        "a，b，c",
    ]
    assert also([]) == listed(iter(())) == ""


def test_a_report_that_was_written_down_is_told_like_one_that_was_not(made: Report) -> None:
    again = Report.model_validate_json(made.model_dump_json(by_alias=True))

    assert told(again, ZH) == told(made, ZH)
    assert told(again, ENGLISH) == again
    assert told(again, ZH).notes == ["客户端 3：第 2 次（共 4 次）"]


def test_a_made_up_report_fills_no_template_of_its_own(made: Report) -> None:
    """Only messages of the catalogue are templates; what does not fit them, or leads in a circle, is told as it is."""
    sayings = {
        "a": Saying(message="{x.__class__.__mro__}", values={"x": 1}),
        "b": Saying(message="{value:.1f} s", values={"value": "no number"}),
        "c": Saying(message="{what}: {why}", values={"what": "x"}, parts={"why": "c"}),
    }
    forged = made.model_copy(update={"messages": sayings})

    word = reading(ZH, forged.messages).word
    assert [word("a"), word("b")] == ["a", "b"]
    assert word("c").endswith("c")


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "zh_TW"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "C.UTF-8", "LC_ALL": ""}, "en"),
    ],
)
def test_the_locale_says_which_language_is_usual(environment: dict[str, str], code: str) -> None:
    assert usual_language(environment) == code


def test_the_folder_of_the_catalogues_lies_in_the_package() -> None:
    assert (locale_folder() / "zh" / "LC_MESSAGES" / "grader.mo").is_file()


@pytest.fixture
def made() -> Report:
    """A report with one composed note, as it is before it is written down."""
    from report_samples import report  # noqa: PLC0415 - the one place that needs it

    note = say(
        "{what}: {why}", what=say("client {number}", number=3), why=say("time {number} of {times}", number=2, times=4)
    )
    bare = report().model_copy(update={"notes": [note]})
    return bare.model_copy(update={"messages": messages_of(bare)})
