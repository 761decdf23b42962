"""Forks as often as it may, and its children do too."""

import os
import time

deadline = time.monotonic() + 20
while time.monotonic() < deadline:
    try:
        os.fork()
    except OSError:
        time.sleep(0.001)
