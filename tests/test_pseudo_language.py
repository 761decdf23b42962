"""Whatever a page, a terminal or explain says was marked for translators: nothing is outside the brackets."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from conftest import ROOT
from markupsafe import escape
from pseudo_language import WORD, pseudo_language, unmarked, visible, without_foreign
from rich.console import Console
from test_trial import SPEC, trial

from grader.behaviours import catalogue
from grader.grading import grade
from grader.judgement.trial import remarks
from grader.report.class_html import render_class
from grader.report.class_page import class_page, row_of
from grader.report.html import render_html
from grader.report.json_file import report_json
from grader.report.model import Report, Verdict
from grader.report.pages import revealed
from grader.report.results import Result
from grader.report.terminal import one_line, print_report
from grader.report.told import told
from grader.report.trial import TriedServer
from grader.report.trial_html import render_trial
from grader.report.trial_terminal import print_trial
from grader.spec import bundled_folder, explain, find_spec, load_spec
from grader.words.language import language

PSEUDO = pseudo_language()
CHAT = ROOT / "reference" / "behaviours" / "chat.yaml"
GRADED = [
    (ROOT / "submissions" / "ben", find_spec("select")),
    (ROOT / "submissions" / "farid", find_spec("select")),
    (ROOT / "submissions" / "hugo", find_spec("select")),
    (ROOT / "reference" / "behaviours" / "chat" / "wrong" / "only-the-first-hears", CHAT),
]


WRONG = [
    TriedServer(
        name="right/0", role="right", verdicts={"echo": Verdict.FAIL, "fin": Verdict.PASS}, summaries={"echo": "0"}
    ),
    TriedServer(name="wrong/0", role="wrong", own=True, verdicts={"echo": Verdict.PASS, "fin": Verdict.PASS}),
    TriedServer(name="wrong/1", role="wrong", own=True, failed="0"),
    TriedServer(
        name="wrong/2",
        role="wrong",
        verdicts={"echo": Verdict.INCONCLUSIVE, "fin": Verdict.PASS},
        summaries={"echo": "0"},
    ),
]


@pytest.fixture(scope="module")
def reports() -> list[Report]:
    """Real ones, with failing checks of many kinds."""
    found = [grade(path, load_spec(spec, catalogue())) for path, spec in GRADED]
    # The titles of the chat's spec are its own.
    return [Report.model_validate_json(report_json(without_foreign(report))) for report in found]


def half_hidden(report: Report) -> Report:
    checks = [check.model_copy(update={"hidden": bool(index % 2)}) for index, check in enumerate(report.checks)]
    return report.model_copy(update={"checks": checks})


def own_titles(report: Report) -> str:
    """What the spec says in words of its own, which no catalogue has."""
    return " ".join([report.spec.title, *(check.title for check in report.checks)]) if report.spec.id == "chat" else ""


def test_a_page_says_nothing_that_was_not_marked(reports: list[Report]) -> None:
    for report in reports:
        own = set(own_titles(report).split())
        for shown in (report, half_hidden(report), revealed(half_hidden(report))):
            for text in visible(render_html(shown, PSEUDO)):
                assert unmarked(text, report) - own == set(), text


def test_a_terminal_is_told_nothing_that_was_not_marked(reports: list[Report]) -> None:
    for report in reports:
        own = set(own_titles(report).split())
        for terminal in (False, True):
            written = io.StringIO()
            console = Console(file=written, width=4000, force_terminal=terminal, color_system=None)
            print_report(half_hidden(report), console, PSEUDO)
            lines = [line for line in written.getvalue().splitlines() if " | " not in line]
            assert [line for line in lines if unmarked(line, report) - own] == []
        assert unmarked(one_line(report, PSEUDO), report) - own == set()


def test_the_class_page_says_nothing_that_was_not_marked(reports: list[Report]) -> None:
    found = [report for report in reports if report.spec.id == "select"]
    rows = [row_of(told(half_hidden(report), PSEUDO), str(number), "0") for number, report in enumerate(found)]
    failed = Result(name="0", folder="9", spec=found[0].spec, started="", failed="0", fault="grader")
    page = class_page(found[0].spec, rows, [failed], [])

    mistakes = {mistake.id for mistake in page.mistakes}
    for text in visible(render_class(page, PSEUDO)):
        for mistake in mistakes:
            text = text.replace(mistake, " ")  # noqa: PLW2901 - without the names of mistakes
        assert unmarked(text, found[0]) == set(), text


@pytest.mark.parametrize("file", sorted(bundled_folder().glob("*.yaml")), ids=lambda file: file.stem)
def test_explain_says_nothing_that_was_not_marked(file: Path) -> None:
    """But for the picture, and the names and values of parameters, which are those that a spec is written with."""
    spec = load_spec(file, catalogue()).model_copy(update={"picture": ""})
    ids = {word for check in spec.checks for word in WORD.findall(check.id)}

    for part in explain(spec, file.read_bytes(), PSEUDO).split("\n\n"):
        said, _, _ = part.partition("⟦Here: ⟧")
        assert unmarked(" ".join(said.split())) - ids == set()


def test_a_tried_spec_is_told_in_nothing_that_was_not_marked() -> None:
    tried = trial(WRONG, remarks(SPEC, WRONG, {"wrong/2": frozenset({"churn", "stops"})}))
    names = {word for server in WRONG for word in WORD.findall(f"{server.name} {server.verdicts} {server.failed}")}
    own = (
        names
        | {"churn", "stops", *(check.id for check in SPEC.checks)}
        | set(WORD.findall(f"{tried.spec.id} {tried.spec.title}"))
    )
    written = io.StringIO()
    print_trial(tried, Console(file=written, width=400), PSEUDO)

    assert tried.remarks
    assert unmarked(written.getvalue()) - own == set()
    assert [text for text in visible(render_trial(tried, PSEUDO)) if unmarked(text) - own] == []


def test_a_page_in_chinese_is_the_same_whether_made_at_once_or_from_the_json(reports: list[Report]) -> None:
    for report in reports:
        assert report.messages
        again = Report.model_validate_json(report_json(report))
        assert render_html(again, language("zh")) == render_html(report, language("zh"))
        assert '<html lang="zh-Hans">' in render_html(report, language("zh"))


def test_an_old_report_without_messages_is_told_as_far_as_it_goes(reports: list[Report]) -> None:
    old = reports[0].model_copy(update={"messages": {}})

    page = render_html(old, language("zh"))
    assert "读取一个客户端时让其他所有客户端等待" in page
    assert str(escape(old.checks[1].summary)) in page
