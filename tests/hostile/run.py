"""Runs the hostile programs at a level of isolation and as a user: run.py LEVEL USER [whatever pytest takes].

LEVEL is `namespaces` or `process`, USER is `root`, or `user` for one without rights: whoever runs this, if not root.
At level `process` pytest and everything below it is put into a cage first (cage.py).
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))

import cage  # noqa: E402 - beside this file

from grader.arena.process import become, needed_to_run, student_user  # noqa: E402 - from this project, installed or not
from grader.evidence import kernel  # noqa: E402 - as above

ORDINARY = 1000


def run(level: str, user: str, words: list[str]) -> NoReturn:
    """Become that user, at that level, and execute pytest."""
    if user == "root" and os.geteuid() != 0:
        sys.exit("run.py: only root can run them as root")
    _, unreadable = student_user(needed_to_run([ROOT / "grader"]))
    if unreadable and (level, user) != ("namespaces", "root"):
        sys.exit(f"run.py: {unreadable}")
    if level == "process":
        cage.enter([ROOT, Path(sys.prefix), Path(sys.executable).resolve().parent, *map(Path, sys.path)])
    if user == "user" and os.geteuid() == 0:
        become(ORDINARY)
    if level == "process":
        kernel.die_with_parent()
    home = Path(tempfile.mkdtemp(prefix="hostile-"))
    home.chmod(0o755)
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "HOME": str(home), "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    pytest = [sys.executable, "-m", "pytest", f"--basetemp={home / 'tests'}", "--isolation", level]
    os.chdir(ROOT)
    os.execve(sys.executable, [*pytest, *(words or [str(HERE)])], environment)  # noqa: S606 - nothing else is to do


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], sys.argv[3:])
