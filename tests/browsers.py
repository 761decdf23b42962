"""The browser in which pages are looked at."""

from __future__ import annotations

import os
import shutil
from importlib.resources import files
from pathlib import Path

import pytest
from selenium import webdriver

PHONE = 500
"""Narrower than this is a phone."""
_AXE = """
const done = arguments[arguments.length - 1];
const told = rule => rule.nodes.map(node => `${rule.id}: ${node.target} ${node.html.slice(0, 200)}`);
axe.run({preload: false}).then(
  found => done(found.passes.length < 16 ? ["few rules had something to look at"] : found.violations.flatMap(told)),
  error => done([String(error)]));
"""
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


def be_wide(browser: webdriver.Chrome, width: int) -> None:
    """A window of so many pixels."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < PHONE}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def be_shown(browser: webdriver.Chrome, scheme: str = "light", media: str = "") -> None:
    """In one colour scheme ("light" or "dark"), on a screen or in print."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features, "media": media})


def look_at(browser: webdriver.Chrome, width: int, scheme: str, *, script: bool = True) -> None:
    """At one width, in one colour scheme, with the scripts of pages or without."""
    be_wide(browser, width)
    be_shown(browser, scheme)
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not script})


def complaints(browser: webdriver.Chrome) -> list[str]:
    """What the browser has logged since it was last asked: errors, and what a policy kept out."""
    return [str(entry["message"]) for entry in browser.get_log("browser")]  # type: ignore[no-untyped-call]


def violations(browser: webdriver.Chrome) -> list[str]:
    """What axe-core finds wrong with the page that is open, for those who cannot see or use a mouse: rule and place."""
    browser.execute_script(files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    browser.set_script_timeout(60)
    return [str(found) for found in browser.execute_async_script(_AXE)]
