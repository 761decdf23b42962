"""Many gradings side by side: what each worker may use."""

from __future__ import annotations

import os

import pytest

from grader.batch import local_executor, shares


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


def test_a_worker_stays_on_its_cores() -> None:
    ours = sorted(os.sched_getaffinity(0))
    with local_executor(len(ours)) as executor:
        found = executor.submit(os.sched_getaffinity, 0).result()

    assert sorted(found) in shares(ours, len(ours))
    assert sorted(os.sched_getaffinity(0)) == ours
