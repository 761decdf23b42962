"""The pages in Chinese, in a real browser: nothing sticks out, and an accessibility engine has nothing to say."""

from __future__ import annotations

from pathlib import Path

import pytest
from browsers import be_shown, be_wide, look_at, violations
from class_samples import page_of, students
from conftest import ROOT
from report_samples import everywhere
from selenium import webdriver
from test_page import CONTRAST, OUTSIDE, UNFOLD, open_page, run

from grader.grading import grade
from grader.report.class_html import render_class
from grader.report.html import write_html
from grader.spec import Spec
from grader.words.language import language

PAGES = ["ben", "farid", "everything", "class"]
WIDTHS = [390, 768, 1280]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, select_spec: Spec) -> Path:
    """Reports of two of the demo class, a made-up one with everything in it, and a class page."""
    folder, chinese = tmp_path_factory.mktemp("chinese"), language("zh")
    for name in ("ben", "farid"):
        write_html(grade(ROOT / "submissions" / name, select_spec), folder / f"{name}.html", chinese)
    write_html(everywhere("x"), folder / "everything.html", chinese)
    (folder / "class.html").write_text(render_class(page_of(students(30)), chinese), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_sticks_out(browser: webdriver.Chrome, pages: Path, name: str, width: int) -> None:
    be_wide(browser, width)
    be_shown(browser)
    open_page(browser, pages, name)
    run(browser, UNFOLD)

    assert run(browser, "return document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    assert run(browser, OUTSIDE) == []


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", WIDTHS)
def test_an_accessibility_engine_has_nothing_to_complain_of(
    browser: webdriver.Chrome, pages: Path, name: str, width: int
) -> None:
    look_at(browser, width, "light")
    open_page(browser, pages, name)
    run(browser, UNFOLD)

    assert violations(browser) == []
    assert min(ratio for _, ratio in run(browser, CONTRAST)) >= 4.5


def test_the_page_says_that_it_is_chinese(browser: webdriver.Chrome, pages: Path) -> None:
    be_wide(browser, WIDTHS[-1])
    open_page(browser, pages, "ben")

    assert run(browser, "return document.documentElement.lang") == "zh-Hans"
    assert browser.find_element("css selector", "h2").text == "需要查看的问题"
    assert "Noto Sans CJK SC" in run(browser, "return getComputedStyle(document.body).fontFamily")
