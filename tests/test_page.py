"""The page in a real browser: at desktop and phone width, light and dark, without script."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from browsers import be_shown, be_wide, complaints, look_at, violations
from conftest import ROOT
from report_samples import HOSTILE, everywhere, failed, report
from selenium import webdriver
from test_trial import ENOUGH, SPEC, trial

from grader.grading import grade
from grader.judgement.trial import remarks
from grader.report.html import write_html
from grader.report.model import ServerOutput
from grader.report.trial_html import write_trial_html
from grader.spec import Spec

NAMES = ["ben", "chloe", "hugo", "farid", "alice"]
PAGES = [*NAMES, "everything", "trial"]
WIDTHS = {"desktop": 1280, "phone": 390}
ALL_WIDTHS = {**WIDTHS, "tablet": 768, "wide": 1600}
LARGEST = 400_000
"""Bytes of a page of usual size."""

BOXES = """
const box = e => { const r = e.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; };
return [...document.querySelectorAll(arguments[0])].map(e => [e.textContent.trim().slice(0, 40), ...box(e)]);
"""
OUTSIDE = """
const wide = document.documentElement.clientWidth;
const inScroller = e => e.closest('.scroll, .code, pre') !== null;
return [...document.body.querySelectorAll('*')].filter(e => !inScroller(e.parentElement))
  .filter(e => e.getBoundingClientRect().width && e.getBoundingClientRect().right > wide + 1)
  .map(e => e.tagName + '.' + e.className);
"""
CONTRAST = """
const parse = c => c.match(/[0-9.]+/g).map(Number);
const linear = v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const light = c => { const [r, g, b] = parse(c).map(v => linear(v / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
  if (parse(c)[3] !== 0) return c; } return 'rgb(255,255,255)'; };
const own = e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
return [...document.body.querySelectorAll('*')].filter(e => !e.closest('svg') && own(e)).map(e => {
  const a = light(getComputedStyle(e).color), b = light(ground(e));
  return [e.textContent.trim().slice(0, 30), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]; });
"""
UNFOLD = "document.querySelectorAll('details').forEach(e => { e.open = true; })"
OUT_OF_REACH = """
const scrolls = e => /auto|scroll/.test(getComputedStyle(e).overflowX + getComputedStyle(e).overflowY);
const more = e => e.scrollWidth > e.clientWidth || e.scrollHeight > e.clientHeight;
return [...document.body.querySelectorAll('*')].filter(e => scrolls(e) && more(e) && e.tabIndex < 0)
  .map(e => e.tagName + '.' + e.className);
"""
CUT_OFF = """
return [...document.body.querySelectorAll('*:not(.unseen)')]
  .filter(e => getComputedStyle(e).overflowX !== 'visible' || getComputedStyle(e).overflowY !== 'visible')
  .filter(e => e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1)
  .map(e => e.tagName + '.' + (e.className.baseVal ?? e.className));
"""
HANDLERS = """
return [...document.querySelectorAll('*')].flatMap(e => [...e.attributes]).map(a => a.name)
  .filter(name => name.startsWith('on') || ['src', 'style', 'srcdoc', 'formaction'].includes(name));
"""
MISLEADING = "\u202e\u2066\u2069\u2028\u2029\ue000\x1b\x07\x9b\x00\u200b"


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory, select_spec: Spec) -> Path:
    """Reports of some of the demo class."""
    folder = tmp_path_factory.mktemp("pages")
    for name in NAMES:
        write_html(grade(ROOT / "submissions" / name, select_spec), folder / f"{name}.html")
    write_html(everywhere("x"), folder / "everything.html")
    write_html(everywhere(" ".join(HOSTILE)), folder / "hostile.html")
    write_trial_html(trial(ENOUGH, remarks(SPEC, ENOUGH, {})), folder / "trial.html")
    return folder


@pytest.fixture(params=[(width, scheme) for width in WIDTHS for scheme in ("light", "dark")], ids="-".join)
def look(request: pytest.FixtureRequest, browser: webdriver.Chrome) -> webdriver.Chrome:
    """The browser at one width in one colour scheme, without JavaScript of the page."""
    width, scheme = request.param
    look_at(browser, ALL_WIDTHS[width], scheme)
    return browser


def open_page(look: webdriver.Chrome, pages: Path, name: str) -> None:
    complaints(look)
    look.get((pages / f"{name}.html").as_uri())


def run(look: webdriver.Chrome, script: str, *arguments: Any) -> Any:
    return look.execute_script(script, *arguments)


def overlapping(boxes: list[tuple[str, float, float, float, float]], allowed: float = 1.0) -> list[tuple[str, str]]:
    """Pairs of boxes (text, left, top, right, bottom) that share more than `allowed` pixels both ways."""
    return [
        (a[0], b[0])
        for a, b in combinations(boxes, 2)
        if min(a[3], b[3]) - max(a[1], b[1]) > allowed and min(a[4], b[4]) - max(a[2], b[2]) > allowed
    ]


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", ALL_WIDTHS)
@pytest.mark.parametrize("opened", [False, True], ids=["folded", "unfolded"])
def test_nothing_scrolls_sideways_or_sticks_out(
    browser: webdriver.Chrome, pages: Path, name: str, width: str, *, opened: bool
) -> None:
    be_wide(browser, ALL_WIDTHS[width])
    be_shown(browser)
    open_page(browser, pages, name)
    if opened:
        run(browser, UNFOLD)

    assert run(browser, "return document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    assert run(browser, OUTSIDE) == []


@pytest.mark.parametrize("name", PAGES)
def test_an_accessibility_engine_has_nothing_to_complain_of(look: webdriver.Chrome, pages: Path, name: str) -> None:
    """All rules of axe-core, those for best practice too, with everything unfolded."""
    open_page(look, pages, name)
    run(look, UNFOLD)

    assert violations(look) == []


@pytest.mark.parametrize("name", PAGES)
def test_everything_can_be_reached_and_folded_open_with_the_keyboard(
    browser: webdriver.Chrome, pages: Path, name: str
) -> None:
    open_page(browser, pages, name)
    run(browser, UNFOLD)

    assert run(browser, OUT_OF_REACH) == []


@pytest.mark.parametrize("name", ["ben", "everything", "trial"])
def test_on_paper_nothing_is_cut_off_and_the_ground_is_white(browser: webdriver.Chrome, pages: Path, name: str) -> None:
    be_wide(browser, ALL_WIDTHS["tablet"])
    be_shown(browser, "dark", media="print")
    open_page(browser, pages, name)
    run(browser, UNFOLD)

    cut = run(browser, CUT_OFF)
    ground = run(browser, "return getComputedStyle(document.body).backgroundColor")
    be_shown(browser)
    assert cut == []
    assert min(map(int, ground.removeprefix("rgb(").removesuffix(")").split(", "))) > 240


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_not_large(pages: Path, name: str) -> None:
    assert (pages / f"{name}.html").stat().st_size < LARGEST


def test_much_output_does_not_make_a_page_large(tmp_path: Path) -> None:
    size = 4 << 20
    output = ServerOutput(text="<" * size, total_bytes=size, kept_bytes=size)
    write_html(report(failed(), output=output), tmp_path / "report.html")

    assert (tmp_path / "report.html").stat().st_size < LARGEST
    assert "[... 4,154,304 characters not shown here ...]" in (tmp_path / "report.html").read_text()


def test_a_hostile_submission_puts_nothing_into_the_page_but_text(browser: webdriver.Chrome, pages: Path) -> None:
    elements = "return [...document.querySelectorAll('*:not(span)')].map(e => e.tagName)"
    be_shown(browser)
    open_page(browser, pages, "everything")
    plain, title = run(browser, elements), browser.title
    open_page(browser, pages, "hostile")

    assert run(browser, elements) == plain
    assert complaints(browser) == []
    assert run(browser, "return performance.getEntriesByType('resource').length") == 0
    assert run(browser, HANDLERS) == []
    assert browser.title.startswith(f"{title.partition('x')[0]}<script>alert(1)</script>")
    assert not set(run(browser, "return document.documentElement.textContent + document.title")) & set(MISLEADING)


def test_a_command_is_selected_whole(browser: webdriver.Chrome, pages: Path) -> None:
    be_wide(browser, ALL_WIDTHS["desktop"])
    open_page(browser, pages, "ben")
    commands = browser.find_elements("css selector", ".command")
    commands[1].click()

    assert run(browser, "return getSelection().toString().trim()") == commands[1].text
    assert commands[1].text == ".venv/bin/python reference/clients/talking.py 127.0.0.1 8080 --clients 50"


def test_a_mistake_is_explained_once_and_the_other_checks_lead_there(browser: webdriver.Chrome, pages: Path) -> None:
    be_wide(browser, ALL_WIDTHS["desktop"])
    open_page(browser, pages, "ben")
    links = browser.find_elements("css selector", ".again a")

    assert len(links) == 6
    assert {link.get_attribute("href").rpartition("#")[2] for link in links} == {"concurrent"}  # type: ignore[union-attr]
    assert len(browser.find_elements("css selector", ".diagnosis")) == 1


@pytest.mark.parametrize("name", NAMES)
def test_blocks_do_not_overlap(look: webdriver.Chrome, pages: Path, name: str) -> None:
    open_page(look, pages, name)

    for blocks in ("body > *", ".card > *", "main > section", ".tally li", ".badges > *", ".top > *", "tbody tr"):
        assert overlapping(run(look, BOXES, blocks)) == [], blocks


@pytest.mark.parametrize("name", ["ben", "chloe", "farid"])
def test_labels_of_a_picture_do_not_overlap(look: webdriver.Chrome, pages: Path, name: str) -> None:
    open_page(look, pages, name)

    run(look, UNFOLD)
    count = run(look, "return document.querySelectorAll('svg.sequence').length")
    assert count
    for index in range(count):
        run(
            look,
            f"document.querySelectorAll('svg.sequence').forEach((e, i) => e.classList.toggle('now', i == {index}))",
        )
        boxes = [box for box in run(look, BOXES, "svg.now text") if box[0]]
        assert boxes
        assert overlapping(boxes, allowed=2.0) == []
        (sheet,) = run(look, BOXES, "svg.now")
        assert all(sheet[1] <= left and right <= sheet[3] for _, left, _, right, _ in boxes)


MIDDLE = """
const r = arguments[0].getBoundingClientRect();
return {x: (r.left + r.right) / 2, y: (r.top + r.bottom) / 2};
"""
NOTES_SHOWN = """
return [...document.querySelectorAll('g.note p')].filter(e => e.checkVisibility()).map(e => {
  const r = e.getBoundingClientRect(), at = e.closest('.scroll').getBoundingClientRect();
  return [e.textContent, r.left >= at.left - 1 && r.top >= at.top - 1 && r.bottom <= at.bottom + 1]; });
"""


@pytest.mark.parametrize("by", ["pointer", "finger"])
def test_a_picture_tells_times_and_bytes_where_one_points_or_taps(look: webdriver.Chrome, pages: Path, by: str) -> None:
    open_page(look, pages, "ben")
    run(look, UNFOLD)
    assert run(look, NOTES_SHOWN) == []

    for kind, awaited in (("what", r"\d ms: .* (sends|receives) .* B: "), ("bar", r"\d ms: .*fd \d")):
        parts = look.find_elements("css selector", f".sequence .{kind}")
        part = next(part for part in parts if kind == "bar" or " B" in str(part.get_attribute("textContent")))
        run(look, "arguments[0].scrollIntoView({block: 'center', inline: 'center'})", part)
        place = run(look, MIDDLE, part)
        if by == "pointer":
            look.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": "mouseMoved", **place})
        else:
            look.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [place]})
            look.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        ((text, in_sight),) = run(look, NOTES_SHOWN)
        assert re.search(awaited, text)
        assert in_sight


@pytest.mark.parametrize(("name", "line"), [("ben", 13), ("chloe", 12), ("hugo", 11), ("farid", 26)])
def test_the_marked_line_can_be_seen(look: webdriver.Chrome, pages: Path, name: str, line: int) -> None:
    open_page(look, pages, name)

    marked = look.find_element("css selector", ".line.marked")
    run(look, "arguments[0].scrollIntoView({block: 'center'})", marked)
    (_, left, top, right, bottom), *_ = run(look, BOXES, ".line.marked")
    width, height = run(look, "return [innerWidth, innerHeight]")
    plain = look.find_element("css selector", ".line:not(.marked)")

    assert str(line) in marked.text
    assert left < width
    assert right - left > 200
    assert 0 <= top < bottom <= height
    assert marked.value_of_css_property("background-color") != plain.value_of_css_property("background-color")
    assert run(
        look,
        "const e = document.elementFromPoint(arguments[0], arguments[1]); return e.closest('.marked') !== null",
        left + 40,
        (top + bottom) / 2,
    )


@pytest.mark.parametrize("name", ["ben", "alice"])
def test_every_text_stands_out_from_its_ground(look: webdriver.Chrome, pages: Path, name: str) -> None:
    """At least 4.5 to 1 (WCAG 2.2, success criterion 1.4.3)."""
    open_page(look, pages, name)
    run(look, "document.querySelectorAll('details').forEach(e => { e.open = true; })")

    assert [(text, ratio) for text, ratio in run(look, CONTRAST) if ratio < 4.5] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_page_asks_for_nothing_and_breaks_no_rule_of_its_own(
    look: webdriver.Chrome, pages: Path, name: str
) -> None:
    open_page(look, pages, name)

    assert run(look, "return performance.getEntriesByType('resource').length") == 0
    assert complaints(look) == []
    assert run(look, "return document.scripts.length") == 0


@pytest.mark.parametrize("name", NAMES)
def test_dark_is_dark_and_light_is_light(look: webdriver.Chrome, pages: Path, name: str) -> None:
    open_page(look, pages, name)

    red = int(
        look.find_element("css selector", "body").value_of_css_property("background-color").split("(")[1].split(",")[0]
    )
    dark = run(look, "return matchMedia('(prefers-color-scheme: dark)').matches")
    assert red < 60 if dark else red > 200
