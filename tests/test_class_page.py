"""The class page: what it shows, and how it behaves in a real browser, with its script and without."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from browsers import complaints, look_at, violations
from class_samples import CHECKS, SPEC, one, page_of, refused, students
from report_samples import HOSTILE, Page, everywhere, failed, harmful, passed, report
from selenium import webdriver
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait
from test_page import CONTRAST, OUTSIDE, run

from grader.report.class_folder import Gathered, class_of
from grader.report.class_html import link, render_class
from grader.report.class_page import ClassPage, row_of
from grader.report.escape import escape_text
from grader.report.model import Verdict
from grader.report.people import percent

NAMES = ["Ann", "ben 10", "ben 9", "Cleo"]
MADE: list[list[str]] = [[], ["reset-not-handled"], ["send-return-ignored", "reset-not-handled"], [""]]
WIDTHS = {"phone": 390, "tablet": 768, "desktop": 1280, "wide": 1600}
SHOWN = """
return [...document.querySelectorAll('#_table tbody tr:not([hidden]) bdi')].map(e => e.textContent);
"""
FOCUS = "return [document.activeElement.closest('tr').rowIndex, document.activeElement.closest('th, td').cellIndex]"


def small() -> ClassPage:
    """Four who were graded and one who was not."""
    reports = [one(name, made, line) for line, (name, made) in enumerate(zip(NAMES, MADE, strict=True), 11)]
    return page_of(reports, refused("dan"))


def words(page: ClassPage) -> str:
    """What a reader reads, with a space wherever an element begins or ends."""
    body = render_class(page).partition("<body")[2].partition("<script>")[0]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", f"<{body}")).split())


# The text


def test_every_submission_is_a_row_with_a_word_for_each_check() -> None:
    row = re.search(r"ben 9 85 (.*?) send-return-ignored, reset-not-handled", words(small()))

    assert row
    assert row[1].split() == ["fail" if name in ("reset", "storm", "large") else "pass" for name in CHECKS]
    assert "not graded: submission 'x' has no server.py; it holds main.py" in words(small())


def test_mistakes_are_told_with_who_made_them_and_where() -> None:
    told = words(small())

    assert "A client that resets its connection ends the server 2 of 4 (50%)" in told
    assert "reset-not-handled shows in reset (2), storm (2) show in the table ben 9 server.py:13 ben 10" in told
    assert "the evidence does not single out why Cleo" in told
    assert told.index("A client that resets") < told.index("What send() did not take is lost")


def test_scores_checks_and_figures_are_there_as_text() -> None:
    told = words(small())

    assert "graded 4 median score 92% mean score 92% pass everything 1 not graded 1" in told
    assert "Score Submissions 100% 1 90-99% 2 80-89% 1 70-79% 0" in told.replace("\N{EN DASH}", "-")
    assert "Clients that reset are let go reset · 2.5 of 5 points on average 50% ✓ 2 pass ✗ 2 fail mostly" in told
    assert "graded 2 January 2026, 03:04 UTC to 2 January 2026, 03:04 UTC" in told


def test_links_lead_to_the_check_on_the_page_of_the_submission() -> None:
    (row, *_) = small().rows

    assert link(row) == "Ann/report.html"
    assert link(row, "cpu-idle") == "Ann/report.html#cpu-idle"
    hrefs = [str(attributes["href"]) for attributes in Page(render_class(small())).all("a")]
    assert "ben%209/report.html#large" in hrefs
    own = {href for href in hrefs if href.startswith("#")}
    ids = [attributes.get("id") for _, attributes in Page(render_class(small())).elements if attributes.get("id")]
    assert {href[1:] for href in own} <= set(ids)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("folder", [*HOSTILE, "javascript:alert(1)", "..", "//host/x", "\\\\host", "\udcff"])
def test_a_link_stays_in_the_folder_whatever_that_is_called(folder: str) -> None:
    found = row_of(one("x", []), folder, "report.html")
    first, _, rest = link(found, "a#b").partition("/")

    assert rest == "report.html#a%23b"
    assert not set(first) & set(":/\\?#\"'<>& ")
    assert unquote(first, errors="surrogateescape") == folder


def hostile(text: str) -> ClassPage:
    """Everything that a submission, or whoever made a report.json, can choose is this text."""
    found = everywhere(text)
    checks = [check.model_copy(update={"id": f"{check.id}{text}"}) for check in found.checks]
    named = failed(text, id="named", hidden=True, title=text)
    assert named.diagnosis
    named = named.model_copy(update={"diagnosis": named.diagnosis.model_copy(update={"id": f"mistake{text}"})})
    whole = report(*checks, named, text=text, spec=SPEC, started=f"2026{text}")
    unnamed = report(failed(text, diagnosis=None), text=text, spec=SPEC, started=f"2025{text}")
    rows = [row_of(whole, f"one{text}", "report.html"), row_of(unnamed, f"two{text}", "report.html")]
    results = [refused(f"three{text}", f"why {text}", fault) for fault in ("submission", "grader")]
    gathered = Gathered(rows=rows, results=results, unreadable=[(f"zero{text}", text)], notes=[text])
    return class_of(gathered, SPEC.model_copy(update={"title": text, "sha256": text}))


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_a_submission_chose_is_only_text(text: str) -> None:
    plain, changed = Page(render_class(hostile("x"))), Page(render_class(hostile(text)))

    assert [tag for tag, _ in plain.elements] == [tag for tag, _ in changed.elements]
    assert len(changed.all("script")) == 1
    assert harmful(render_class(hostile(text))) == []
    for (_, expected), (_, attributes) in zip(plain.elements, changed.elements, strict=True):
        assert list(expected) == list(attributes)
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "style")]
        assert harmful("".join(map(str, attributes.values()))) == []
    assert changed.words.count(" ".join(escape_text(text).split())) >= 25


@pytest.mark.parametrize("verdict", Verdict)
def test_the_instructor_sees_hidden_checks_whole(verdict: Verdict) -> None:
    found = report(passed(), failed("x", id="secret", title="A secret", hidden=True, verdict=verdict), spec=SPEC)
    told = words(page_of([found]))

    assert "A secret (hidden from students)" in told
    assert "secret (hidden)" in told


def test_a_class_in_which_nobody_was_graded_has_a_page() -> None:
    told = words(page_of([], refused("dan")))

    assert "graded 0" in told
    assert "What the class has not understood" not in told


@pytest.mark.parametrize(
    ("share", "words"), [(0, "0%"), (0.001, "<1%"), (0.25, "25%"), (0.994, "99%"), (0.999, "99%"), (1, "100%")]
)
def test_nearly_nothing_is_not_nothing_and_nearly_all_not_all(share: float, words: str) -> None:
    assert percent(share) == words


# In the browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class pages: a small class, a large one, and one full of hostile text."""
    folder = tmp_path_factory.mktemp("class")
    failures = [refused(f"Lost {number}") for number in range(20)]
    found = {"small": small(), "large": page_of(students(120), *failures)}
    found |= {f"hostile-{number}": hostile(text) for number, text in enumerate(HOSTILE)}
    for name, page in found.items():
        (folder / f"{name}.html").write_text(render_class(page), encoding="utf-8")
    return folder


@pytest.fixture(params=product(WIDTHS, ("light", "dark"), ("script", "no-script")), ids="-".join)
def look(request: pytest.FixtureRequest, browser: webdriver.Chrome) -> Iterator[webdriver.Chrome]:
    """The browser at each width, in each colour scheme, with JavaScript and without."""
    width, scheme, script = request.param
    look_at(browser, WIDTHS[width], scheme, script=script == "script")
    yield browser
    look_at(browser, WIDTHS[width], scheme)


@pytest.fixture
def desk(browser: webdriver.Chrome, pages: Path) -> webdriver.Chrome:
    """The small class on a desktop, with its script."""
    look_at(browser, WIDTHS["desktop"], "light")
    browser.get((pages / "small.html").as_uri())
    return browser


@pytest.mark.parametrize("name", ["small", "large", "hostile-0", "hostile-5"])
def test_it_fits_every_width_asks_for_nothing_and_breaks_no_rule(
    look: webdriver.Chrome, pages: Path, name: str
) -> None:
    complaints(look)
    look.get((pages / f"{name}.html").as_uri())

    assert run(look, "return document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    assert run(look, OUTSIDE) == []
    assert run(look, "return performance.getEntriesByType('resource').length") == 0
    assert complaints(look) == []


@pytest.mark.parametrize("name", ["small", "large"])
@pytest.mark.parametrize(("width", "scheme"), [("phone", "dark"), ("desktop", "light"), ("desktop", "dark")])
def test_it_can_be_read_by_everybody(
    browser: webdriver.Chrome, pages: Path, width: str, scheme: str, name: str
) -> None:
    look_at(browser, WIDTHS[width], scheme)
    browser.get((pages / f"{name}.html").as_uri())
    run(browser, "document.querySelectorAll('details').forEach(e => { e.open = true; })")

    assert violations(browser) == []
    assert [(text, ratio) for text, ratio in run(browser, CONTRAST) if ratio < 4.5] == []


def test_what_some_cannot_read_would_be_found(browser: webdriver.Chrome, pages: Path) -> None:
    browser.get((pages / "small.html").as_uri())
    run(browser, "document.querySelector('label').outerHTML = '<input><img>'")

    assert {found.split(":")[0] for found in violations(browser)} == {"label", "image-alt"}


def roles(desk: webdriver.Chrome) -> Counter[str]:
    """How many of each role a screen reader finds on the page."""
    nodes = desk.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    return Counter(node["role"]["value"] for node in nodes if not node["ignored"])


def test_the_table_is_one_to_a_screen_reader_too_before_and_after_sorting(desk: webdriver.Chrome) -> None:
    """Its rows are laid out one by one, those out of view later than others; only their look may differ by that."""
    before = roles(desk)
    heading(desk, "Mistakes").click()
    WebDriverWait(desk, 60).until(lambda _: run(desk, "return !document.querySelector('.later')"))

    assert before["cell"] >= len(NAMES) * (len(CHECKS) + 2)
    for role in ("columnheader", "rowheader", "row", "cell"):
        assert roles(desk)[role] == before[role]


def test_verdicts_are_told_by_symbols_too(look: webdriver.Chrome, pages: Path) -> None:
    look.get((pages / "large.html").as_uri())

    for state, symbol in {"pass": "✓", "fail": "✗", "inconclusive": "?"}.items():
        place = f"#_table td.{state}" + ("" if state == "pass" else " a")
        script = "return getComputedStyle(document.querySelector(arguments[0]), '::before').content"
        assert symbol in run(look, script, place)


def test_without_script_everything_is_there_but_the_controls(browser: webdriver.Chrome, pages: Path) -> None:
    look_at(browser, WIDTHS["desktop"], "light", script=False)
    browser.get((pages / "small.html").as_uri())

    assert run(browser, SHOWN) == ["Ann", "ben 9", "ben 10", "Cleo", "dan"]
    assert not browser.find_element("css selector", ".controls").is_displayed()
    assert [button for button in browser.find_elements("css selector", "button") if button.is_displayed()] == []
    look_at(browser, WIDTHS["desktop"], "light")


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_no_hostile_text_becomes_an_element_runs_or_turns_the_direction(
    browser: webdriver.Chrome, pages: Path, number: int
) -> None:
    look_at(browser, WIDTHS["desktop"], "light")
    complaints(browser)
    browser.get((pages / f"hostile-{number}.html").as_uri())

    assert run(browser, "return [document.scripts.length, document.images.length, document.links.length > 5]") == [
        1,
        0,
        True,
    ]
    assert run(browser, "return document.querySelectorAll('link, iframe, object, [onerror], [onload]').length") == 0
    assert harmful(str(run(browser, "return document.body.textContent + document.title"))) == []
    assert complaints(browser) == []


def test_letters_that_run_from_right_to_left_move_nothing_beside_them(browser: webdriver.Chrome, pages: Path) -> None:
    """A name in Hebrew or Arabic is nobody's fault; what stands beside it stays where it is."""
    (pages / "hebrew.html").write_text(render_class(page_of([one("שלום 12", ["send-return-ignored"])])))
    look_at(browser, WIDTHS["desktop"], "light")
    browser.get((pages / "hebrew.html").as_uri())

    left = "return document.querySelector(arguments[0]).getBoundingClientRect().left"
    assert run(browser, left, ".names bdi") < run(browser, left, ".names .place")


def heading(desk: webdriver.Chrome, name: str) -> WebElement:
    return next(found for found in desk.find_elements("css selector", "thead button") if found.text == name)


@pytest.mark.parametrize(
    ("column", "first", "then"),
    [
        ("Submission", ["Ann", "ben 9", "ben 10", "Cleo", "dan"], ["dan", "Cleo", "ben 10", "ben 9", "Ann"]),
        ("Score of 100", ["ben 9", "ben 10", "Cleo", "Ann", "dan"], ["Ann", "Cleo", "ben 10", "ben 9", "dan"]),
        ("large", ["ben 9", "Ann", "ben 10", "Cleo", "dan"], ["Ann", "ben 10", "Cleo", "ben 9", "dan"]),
        ("Mistakes", ["ben 9", "ben 10", "Ann", "Cleo", "dan"], ["ben 10", "ben 9", "Ann", "Cleo", "dan"]),
    ],
)
def test_a_columns_head_sorts_by_it_and_back(
    desk: webdriver.Chrome, column: str, first: list[str], then: list[str]
) -> None:
    button = heading(desk, column)
    sorted_by = "return [...document.querySelectorAll('[aria-sort]')].map(e => [e.innerText, e.ariaSort])"

    button.send_keys(Keys.ENTER)
    assert run(desk, SHOWN) == first
    assert run(desk, sorted_by) == [[column, "ascending"]]
    button.click()
    assert run(desk, SHOWN) == then
    assert run(desk, sorted_by) == [[column, "descending"]]


def choose(desk: webdriver.Chrome, **values: str) -> None:
    for name, value in values.items():
        script = "const e = document.getElementById(arguments[0]); e.value = arguments[1]; "
        run(desk, f"{script}e.dispatchEvent(new Event(e.type === 'search' ? 'input' : 'change'))", f"_{name}", value)


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({"search": "BEN"}, ["ben 9", "ben 10"]),
        ({"search": "ben reset"}, ["ben 9", "ben 10"]),
        ({"search": "send-return"}, ["ben 9"]),
        ({"search": "nobody"}, []),
        ({"search": "main.py"}, ["dan"]),
        ({"verdict": "fail"}, ["ben 9", "ben 10", "Cleo"]),
        ({"verdict": "pass", "check": "every"}, ["Ann"]),
        ({"verdict": "absent"}, ["dan"]),
        ({"verdict": "fail", "check": str(list(CHECKS).index("large"))}, ["ben 9"]),
        ({"verdict": "pass", "check": str(list(CHECKS).index("large"))}, ["Ann", "ben 10", "Cleo"]),
        ({"mistake": "0"}, ["ben 9", "ben 10"]),
        ({"mistake": "0", "search": "10"}, ["ben 10"]),
    ],
)
def test_rows_can_be_searched_and_filtered(desk: webdriver.Chrome, values: dict[str, str], shown: list[str]) -> None:
    choose(desk, **values)

    assert run(desk, SHOWN) == shown
    assert desk.find_element("id", "_count").text == f"{len(shown)} of 5 shown"
    desk.find_element("id", "_everyone").click()
    assert len(run(desk, SHOWN)) == 5


def test_what_was_sorted_stays_so_when_it_is_filtered(desk: webdriver.Chrome) -> None:
    heading(desk, "Score of 100").click()
    choose(desk, verdict="fail")

    assert run(desk, SHOWN) == ["ben 9", "ben 10", "Cleo"]


def test_who_made_a_mistake_can_be_shown_in_the_table(desk: webdriver.Chrome) -> None:
    desk.find_elements("css selector", "[data-mistake] button")[1].click()

    assert run(desk, SHOWN) == ["ben 9"]
    assert run(desk, "return document.activeElement.className") == "scroll"


def test_the_keyboard_is_enough(desk: webdriver.Chrome) -> None:
    body = desk.find_element("tag name", "body")
    body.send_keys("/")
    desk.switch_to.active_element.send_keys("ben/")
    assert run(desk, "return document.getElementById('_search').value") == "ben/"
    desk.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert len(run(desk, SHOWN)) == 5

    def press(*keys: str) -> Any:
        for key in keys:
            desk.switch_to.active_element.send_keys(key)
        return run(desk, FOCUS)

    choose(desk, search="ben")
    run(desk, "document.querySelector('#_table tbody tr:not([hidden]) a').focus()")
    assert press(Keys.ARROW_DOWN) == [3, 0]
    assert press(Keys.ARROW_DOWN, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT) == [3, 2]
    assert press(Keys.ARROW_UP) == [2, 2]
    assert press(Keys.ARROW_UP, Keys.END) == [2, len(CHECKS) + 2]
    assert press(Keys.HOME) == [2, 0]
    choose(desk, search="")
    assert press(Keys.PAGE_DOWN, Keys.END) == [5, 2]


def test_a_focused_cell_is_not_hidden_behind_heads_and_names(browser: webdriver.Chrome, pages: Path) -> None:
    look_at(browser, WIDTHS["desktop"], "light")
    browser.get((pages / "large.html").as_uri())
    run(browser, "document.querySelector('.scroll').scrollTop = 2000")
    run(browser, "document.querySelectorAll('#_table tbody a[tabindex]')[30].focus()")

    focus, head = "document.activeElement.getBoundingClientRect()", "document.querySelector('#_table thead th')"
    assert run(browser, f"return {focus}.top >= {head}.getBoundingClientRect().bottom - 1")
    assert run(browser, f"return {focus}.left >= {head}.getBoundingClientRect().right - 1")


def test_in_print_nothing_is_cut_off_and_nothing_is_folded(browser: webdriver.Chrome, pages: Path) -> None:
    look_at(browser, WIDTHS["desktop"], "light")
    browser.get((pages / "large.html").as_uri())
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        scroller = "const e = document.querySelector('.scroll'); return e.scrollHeight - e.clientHeight"
        assert run(browser, scroller) == 0
        folded = "return [...document.querySelectorAll('details li')].filter(e => !e.getBoundingClientRect().height)"
        assert run(browser, f"{folded}.length") == 0
        assert not browser.find_element("css selector", ".controls").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
