"""Nothing is left of a grading that is stopped, whenever that is; `benchmarks/stop_at_random.py` does it more often."""

from __future__ import annotations

import os
import subprocess
import sys

from conftest import ROOT


def test_nothing_is_left_of_gradings_that_are_stopped_at_random_moments() -> None:
    script = str(ROOT / "benchmarks" / "stop_at_random.py")
    seed = ["--seed", "1"] if os.environ.get("CI") else []

    done = subprocess.run(
        [sys.executable, script, "--times", "6", "--within", "2", *seed], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
