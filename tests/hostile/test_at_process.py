"""A few of the hostile programs at level `process`; `make hostile` runs all of them at each level."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from conftest import ROOT

from grader.arena.process import needed_to_run, student_user

RUN = ROOT / "tests" / "hostile" / "run.py"
TEST = "tests/hostile/test_hostile.py::test_under_the_grader_it_harms_nobody_and_gets_what_it_deserves"
SELECTION = (
    "read_memory",
    "read_neighbour",
    "write_report",
    "write_shared_memory_segment",
    "leave_processes",
    "connect_to_host",
    "kill_others",
    "kill_everybody",
    "forge_results",
    "go_into_the_background",
    "wait_beside_a_thread",
    "much_memory",
    "listen_on_many_ports",
    "leave_something",
)

IN_A_CAGE = """
import sys
from pathlib import Path

sys.path[:0] = sys.argv[2:]
import cage

here = Path(sys.argv[1])
cage.enter([here / "project", here / "project" / "inner"])
Path("/tmp/left").touch()
print((here / "project" / "inner" / "text").read_text())
try:
    (here / "project" / "text").write_text("changed")
except OSError as error:
    print(error.strerror)
print((here / "neighbour").exists())
print(*cage.clear())
print((here / "project" / "text").exists())
"""


def test_what_a_cage_needs_can_be_read_in_it_wherever_it_lies() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        (Path(folder) / "project" / "inner").mkdir(parents=True)
        for name in ("neighbour", "project/text", "project/inner/text"):
            (Path(folder) / name).write_text("as it was")
        (Path(folder) / "script.py").write_text(IN_A_CAGE)
        paths = [str(RUN.parent), str(ROOT), *(place for place in sys.path if place.endswith("site-packages"))]

        done = subprocess.run(
            [sys.executable, f"{folder}/script.py", folder, *paths], capture_output=True, text=True, check=False
        )

    said = ["as it was", "Read-only file system", "False", "a file: /tmp/left", "True"]
    assert done.stdout.splitlines() == said, done.stderr


def python_for_everybody() -> str:
    """A Python that users other than root can run; the test is skipped where there is none, or they cannot read us."""
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info[1]}"):
        library = Path(f"/usr/lib/python3.{sys.version_info[1]}") if python != sys.executable else needed_to_run([])[1]
        if Path(python).exists() and not student_user([Path(python), library, RUN.parent])[1]:
            return python
    pytest.skip("no Python of this version, or not this project, can be read by everybody")


@pytest.mark.parametrize("user", ["user", "root"])
def test_a_selection_at_level_process(user: str) -> None:
    if user == "root" and os.geteuid() != 0:
        pytest.skip("only root can run them as root")
    path = os.pathsep.join(place for place in sys.path if place.endswith("site-packages"))
    chosen = [f"{TEST}[{name}]" for name in SELECTION]

    done = subprocess.run(
        [python_for_everybody(), str(RUN), "process", user, *chosen],
        env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(SELECTION)} passed" in done.stdout
