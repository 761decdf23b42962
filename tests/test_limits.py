"""What a server may use: what it exceeds is said as such, and a right server never meets a limit."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import pytest
from conftest import Grade
from servers import RIGHT, changed

from grader.arena.sandbox import WRITABLE
from grader.grading import lines_until
from grader.judgement.limits import Allowed, Used, exceeded
from grader.report.model import Report, Verdict

ALLOWED = Allowed(memory=64 << 20, processes=16, disk=8 << 20, cpu=5.0)
USED = Used(memory=64 << 20, processes=16, disk=8 << 20, cpu=5.0)


def test_what_is_used_up_to_the_limit_is_allowed() -> None:
    assert exceeded(USED, ALLOWED) is None
    assert exceeded(replace(USED, processes=9999, disk=1 << 50, cpu=1e9), Allowed(memory=64 << 20)) is None


@pytest.mark.parametrize(
    ("used", "said"),
    [
        (replace(USED, memory=65 << 20), "stopped: it held 65 MiB of memory, 64 MiB are allowed"),
        (replace(USED, processes=17), "stopped: it had 17 processes and threads, 16 are allowed"),
        (replace(USED, disk=9 << 20), "stopped: it wrote 9 MiB of files, 8 MiB are allowed"),
        (replace(USED, cpu=5.25), "stopped: it used 5.2 s of CPU time, 5.0 s are allowed"),
    ],
)
def test_what_is_exceeded_is_said_with_both_figures(used: Used, said: str) -> None:
    assert exceeded(used, ALLOWED) == said


def first(report: Report) -> tuple[Verdict, str]:
    return report.checks[0].verdict, report.checks[0].summary


def test_too_many_processes_are_stopped(grade_source: Grade) -> None:
    bomb = "import os, time\nfor _ in range(30):\n    if os.fork() == 0: time.sleep(1000)\n"

    verdict, said = first(grade_source(bomb + RIGHT, head="limits: {processes: 12}"))

    assert verdict is Verdict.FAIL
    assert said.startswith("stopped: it had ")
    assert said.endswith(" processes and threads, 12 are allowed")


def test_too_many_threads_are_stopped(grade_source: Grade) -> None:
    threads = (
        "import threading, time\nfor _ in range(15):\n    threading.Thread(target=time.sleep, args=(1000,)).start()\n"
    )

    verdict, said = first(grade_source(threads + RIGHT, head="limits: {processes: 12}"))

    assert verdict is Verdict.FAIL
    assert said.endswith(" processes and threads, 12 are allowed")


@pytest.mark.parametrize("folder", WRITABLE)
def test_too_many_files_are_stopped_wherever_they_lie(folder: str, grade_source: Grade) -> None:
    writes = f"import os\nfor n in range(40):\n    open('{folder}/x%d' % n, 'wb').write(bytes(1 << 20))\n"

    verdict, said = first(grade_source(writes + RIGHT, head="limits: {disk: 8 MiB}"))

    assert verdict is Verdict.FAIL
    assert said.startswith("stopped: it wrote ")
    assert said.endswith(" of files, 8 MiB are allowed")


def test_too_much_cpu_time_is_stopped_and_told_from_spinning(grade_source: Grade) -> None:
    busy = changed(("    if data:\n", "    if data:\n        while True: pass\n"))

    verdict, said = first(
        grade_source("import time\nwhile time.process_time() < 1.2: pass\n" + busy, head="limits: {cpu: 1 s}")
    )

    assert verdict is Verdict.FAIL
    assert said.startswith("stopped: it used 1.")
    assert said.endswith(" of CPU time, 1.0 s are allowed")


def test_a_grading_that_takes_too_long_ends_and_what_was_not_decided_is_inconclusive(grade_source: Grade) -> None:
    slow = changed(("    if data:\n", "    import time; time.sleep(0.4)\n    if data:\n"))

    report = grade_source(slow, "- behaviour: echo\n- behaviour: concurrent_clients\n", head="limits: {time: 5 s}")

    assert [check.verdict for check in report.checks][-1] is Verdict.INCONCLUSIVE
    assert report.checks[-1].summary == "the whole grading took longer than 5.0 s"
    assert report.exit_status == 3
    assert report.seconds < 60


def test_lines_come_whole_until_the_time_is_up() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"one\ntw")
    lines = lines_until(reading, time.monotonic() + 60)
    assert next(lines) == b"one"
    os.write(writing, b"o\n")
    assert next(lines) == b"two"
    assert list(lines_until(reading, time.monotonic())) == [None]
    os.close(writing)
    assert list(lines) == []
    os.close(reading)
