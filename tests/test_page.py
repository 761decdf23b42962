"""The page in a real browser: at desktop and phone width, light and dark, without script."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from browsers import complaints, look_at
from conftest import ROOT
from selenium import webdriver

from grader.grading import grade
from grader.report.html import write_html
from grader.spec import Spec

NAMES = ["ben", "chloe", "hugo", "farid", "alice"]
WIDTHS = {"desktop": 1280, "phone": 390}

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


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory, select_spec: Spec) -> Path:
    """Reports of some of the demo class."""
    folder = tmp_path_factory.mktemp("pages")
    for name in NAMES:
        write_html(grade(ROOT / "submissions" / name, select_spec), folder / f"{name}.html")
    return folder


@pytest.fixture(params=[(width, scheme) for width in WIDTHS for scheme in ("light", "dark")], ids="-".join)
def look(request: pytest.FixtureRequest, browser: webdriver.Chrome) -> webdriver.Chrome:
    """The browser at one width in one colour scheme, without JavaScript of the page."""
    width, scheme = request.param
    look_at(browser, WIDTHS[width], scheme)
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


@pytest.mark.parametrize("name", NAMES)
def test_nothing_scrolls_sideways_or_sticks_out(look: webdriver.Chrome, pages: Path, name: str) -> None:
    open_page(look, pages, name)

    assert run(look, "return document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    assert run(look, OUTSIDE) == []


@pytest.mark.parametrize("name", NAMES)
def test_blocks_do_not_overlap(look: webdriver.Chrome, pages: Path, name: str) -> None:
    open_page(look, pages, name)

    for blocks in ("body > *", ".card > *", "main > section", ".tally li", ".badges > *", ".top > *", "tbody tr"):
        assert overlapping(run(look, BOXES, blocks)) == [], blocks


@pytest.mark.parametrize("name", ["ben", "chloe", "farid"])
def test_labels_of_a_picture_do_not_overlap(look: webdriver.Chrome, pages: Path, name: str) -> None:
    open_page(look, pages, name)

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
