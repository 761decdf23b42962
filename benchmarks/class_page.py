"""How long the class page of 500 submissions takes to be made, to open, to sort by each column, and to search.

A sort or a search is timed in headless Chromium from the click, or the letter, until the frame that shows its result
has been drawn, with the table in view. Beside it stands the CPU time of the page's thread, on which a busy machine
tells less. Ends with status 1 if the median sort took 200 ms or more.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from selenium import webdriver

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from browsers import headless, look_at  # noqa: E402 - where the tests lie is known only now
from class_samples import page_of, refused, students  # noqa: E402

from grader.report.class_html import render_class  # noqa: E402
from grader.report.people import seconds, size  # noqa: E402

BOUND = 0.2
"""Seconds within which a sort is to be seen."""
TIMED = """
const [act, done] = [arguments[0], arguments[arguments.length - 1]];
const began = performance.now();
new Function(act)();
requestAnimationFrame(() => {
  const drawn = new MessageChannel();  // its message comes after the frame has been laid out and drawn
  drawn.port1.onmessage = () => done((performance.now() - began) / 1000);
  drawn.port2.postMessage(null);
});
"""
IDLE = """
const done = arguments[0];
const look = () => document.querySelector('.later') ? setTimeout(look, 20) : requestIdleCallback(() => done());
look();
"""
OPENED = "const [page] = performance.getEntriesByType('navigation'); return page.loadEventEnd / 1000"


Taken = tuple[float, float]
"""Seconds until something can be seen, and CPU seconds of the page's thread for it."""


def timed(browser: webdriver.Chrome, act: str) -> Taken:
    """What it takes until what a line of script does can be seen."""
    browser.execute_async_script(IDLE)
    before = thread_time(browser)
    taken = float(browser.execute_async_script(TIMED, act))
    return taken, thread_time(browser) - before


def thread_time(browser: webdriver.Chrome) -> float:
    """CPU seconds of the page's main thread since it began."""
    metrics = browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return float(next(found["value"] for found in metrics if found["name"] == "ThreadTime"))


def sorts(browser: webdriver.Chrome, times: int) -> dict[str, list[Taken]]:
    """For each column, what sorting by it took, forwards and backwards in turn."""
    names = browser.execute_script(
        "return [...document.querySelectorAll('#_table thead button')].map(e => e.textContent)"
    )
    click = "document.querySelectorAll('#_table thead button')[{}].click()"
    return {
        name: [timed(browser, click.format(index)) for _ in range(times)] for index, name in enumerate(map(str, names))
    }


def searches(browser: webdriver.Chrome) -> list[Taken]:
    """What each letter of a search took."""
    write = "const e = document.getElementById('_search'); e.value = '{}'; e.dispatchEvent(new Event('input'))"
    words = ["r", "re", "res", "reset-not-handled", "nobody is called so", ""]
    return [timed(browser, write.format(word)) for word in words]


def told(taken: list[Taken]) -> str:
    """Medians and the longest, in words."""
    wall, cpu = zip(*taken, strict=True)
    usual = f"{seconds(statistics.median(wall))} (median), {seconds(max(wall))} (longest)"
    return f"{usual}; {seconds(statistics.median(cpu))} of CPU time (median)"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--submissions", type=int, default=500)
    parser.add_argument("--times", type=int, default=6)
    asked = parser.parse_args()
    page = page_of(students(asked.submissions), *(refused(f"Lost {number}") for number in range(10)))
    began = time.monotonic()
    text = render_class(page)
    made = time.monotonic() - began
    print(f"{asked.submissions} submissions, {len(page.columns)} checks: {size(len(text.encode()))}")
    with tempfile.TemporaryDirectory() as folder:
        (file := Path(folder) / "index.html").write_text(text, encoding="utf-8")
        browser = headless(Path(folder) / "profile")
        try:
            look_at(browser, 1280, "light")
            browser.execute_cdp_cmd("Performance.enable", {})
            browser.get(file.as_uri())
            print(f"made in {seconds(made)}, opened in {seconds(float(browser.execute_script(OPENED)))}")
            browser.execute_script("document.getElementById('_submissions').scrollIntoView()")
            found, typed = sorts(browser, asked.times), searches(browser)
        finally:
            browser.quit()
    for name, taken in found.items():
        print(f"  {name:<20} {told(taken)}")
    every = [one for taken in found.values() for one in taken]
    print(f"sorted in   {told(every)}")
    print(f"searched in {told(typed)}")
    return int(statistics.median(wall for wall, _ in every) >= BOUND)


if __name__ == "__main__":
    sys.exit(main())
