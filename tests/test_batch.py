"""Many gradings side by side: what each worker may use."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from grader.workers import shares


@pytest.mark.parametrize(
    ("cores", "workers", "expected"),
    [
        ([0, 1, 2, 3], 4, [[0], [1], [2], [3]]),
        ([0, 1, 2, 3, 4], 2, [[0, 2, 4], [1, 3]]),
        ([4, 7], 1, [[4, 7]]),
        ([0, 1], 3, [[0, 1], [0, 1], [0, 1]]),
    ],
)
def test_each_worker_has_cores_of_its_own_where_there_are_enough(
    cores: list[int], workers: int, expected: list[list[int]]
) -> None:
    assert shares(cores, workers) == expected


SCRIPT = """
import os
from grader.workers import local_executor

if __name__ == "__main__":
    before = sorted(os.sched_getaffinity(0))
    with local_executor(len(before)) as executor:
        found = sorted(executor.submit(os.sched_getaffinity, 0).result())
    print([before, found, sorted(os.sched_getaffinity(0))])
"""


NO_PROCESS = """
import os
from grader import workers

def begin(*_):
    raise OSError(24, "Too many open files")

if __name__ == "__main__":
    workers._Lane.begin = begin
    with workers.local_executor(1) as executor:
        print([str(executor.submit(os.getpid).exception(30)) for _ in range(2)])
"""


def test_where_no_worker_can_be_made_every_job_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(NO_PROCESS)

    done = subprocess.run([sys.executable, tmp_path / "script.py"], capture_output=True, text=True, check=True)

    assert ast.literal_eval(done.stdout) == ["[Errno 24] Too many open files"] * 2


def test_a_worker_stays_on_its_cores(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)

    # In a process of its own: the server that forks the workers lives as long as who started it.
    done = subprocess.run([sys.executable, tmp_path / "script.py"], capture_output=True, text=True, check=True)

    before, found, after = ast.literal_eval(done.stdout)
    assert found in shares(before, len(before))
    assert before == after
