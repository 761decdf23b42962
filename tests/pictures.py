"""Makes the pictures that README and docs show: python tests/pictures.py FOLDER.

FOLDER is what `grade submissions/* --spec select --output FOLDER` wrote.
"""

from __future__ import annotations

import base64
import sys
import tempfile
from pathlib import Path

from browsers import headless, look_at
from conftest import ROOT

PICTURES = {"report": ("ben/report.html", 1000, 1290), "class": ("index.html", 1280, 1350)}
"""For each picture the page, and how many pixels of it are shown: from the left, from the top."""


def main(pages: Path) -> None:
    """Open each page in headless Chromium, and keep its upper part."""
    with tempfile.TemporaryDirectory() as profile:
        browser = headless(Path(profile))
        try:
            for name, (page, width, height) in PICTURES.items():
                look_at(browser, width, "light")
                browser.get((pages / page).resolve().as_uri())
                clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
                taken = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
                (ROOT / "docs" / "images" / f"{name}.png").write_bytes(base64.b64decode(taken["data"]))
        finally:
            browser.quit()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
