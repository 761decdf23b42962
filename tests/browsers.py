"""The browser in which pages are looked at."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from axe_core_python.base import AXE_SCRIPT  # type: ignore[import-untyped]
from selenium import webdriver

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")


def headless(profile: Path) -> webdriver.Chrome:
    """Headless Chromium with an empty profile; where it is absent the tests are skipped, but in CI they fail."""
    if not (BROWSER and DRIVER):
        assert not os.environ.get("CI"), "CI needs Chromium and its driver (Debian: chromium, chromium-driver)"
        pytest.skip("Chromium and its driver are not installed (Debian: chromium, chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in ("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-sync"):
        options.add_argument(f"--{flag}")
    for flag in ("disable-background-networking", "disable-component-update", "disable-dev-shm-usage"):
        options.add_argument(f"--{flag}")
    options.add_argument(f"--user-data-dir={profile}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))


def violations(browser: webdriver.Chrome) -> list[tuple[str, list[str]]]:
    """What axe-core finds wrong with the page that is open, by all of its rules: each with the elements."""
    browser.execute_script(AXE_SCRIPT)
    found = browser.execute_async_script("axe.run({preload: false}).then(arguments[arguments.length - 1])")
    assert len(found["passes"]) > 15  # rules that had something to look at
    return [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in found["violations"]]
