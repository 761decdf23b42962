"""A class on a Dask cluster: a real scheduler and worker processes, one of which is killed in the midst of it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import RIGHT
from test_whole_class import SPEC, SPINNING, begun, found, graded

from grader.report.results import read_results

DASK = [sys.executable, "-P", "-m", "dask"]
OWN = '''
from typing import ClassVar, Literal
from grader.behaviours import Behaviour, Finding, Stage, passed

class Named(Behaviour):
    """Say nothing of its own."""

    name: ClassVar[str] = "named"
    default_title: ClassVar[str] = "It is quiet"
    behaviour: Literal["named"] = "named"

    def check(self, stage: Stage) -> Finding:
        return passed("it is there")
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A class with a folder, a single file and one without the file that starts it, under a spec with files beside."""
    beside = "  - {behaviour: named, id: named}\n  - {behaviour: throughput, id: speed, reference: right, points: 1}\n"
    (tmp_path / "short.yaml").write_text(SPEC.replace("checks:", "behaviours: [own.py]\nchecks:") + beside)
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "right").mkdir()
    (tmp_path / "right" / "server.py").write_text(RIGHT)
    for name, source in {"ann": RIGHT, "ben": SPINNING, "cleo": "1 / 0", "dan": RIGHT}.items():
        (tmp_path / "class" / name).mkdir(parents=True)
        (tmp_path / "class" / name / "server.py").write_text(source)
    (tmp_path / "class" / "ann" / "node_modules").mkdir()
    (tmp_path / "class" / "eve.py").write_text(RIGHT)
    (tmp_path / "class" / "finn").mkdir()
    return tmp_path


@contextlib.contextmanager
def process(folder: Path, name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / f"{name}.log").open("wb") as log:
        made = subprocess.Popen([*DASK, *arguments], cwd=folder, stdout=log, stderr=log, start_new_session=True)
    try:
        yield made
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(made.pid, signal.SIGKILL)
        made.wait()


@contextlib.contextmanager
def cluster(folder: Path, workers: int, *options: str) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and so many workers on loopback; its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    here = ("--host", "127.0.0.1", "--no-dashboard")
    with contextlib.ExitStack() as stack:
        stack.enter_context(process(folder, "scheduler", "scheduler", "--port", str(port), *here))
        made = [
            stack.enter_context(
                process(folder, f"worker-{number}", "worker", address, "--nthreads", "1", "--no-nanny", *here, *options)
            )
            for number in range(workers)
        ]
        for number in range(workers):
            until_it_says(folder / f"worker-{number}.log", "Starting established connection to")
        yield address, made


def until_it_says(log: Path, words: str) -> None:
    for _ in range(600):
        if words in log.read_text():
            return
        select.select([], [], [], 0.1)
    raise AssertionError(log.read_text())


GRADES = ("--resources", "grading=1")


def test_a_cluster_tells_the_same_as_this_machine_though_a_worker_is_killed(folder: Path) -> None:
    graded(folder, output="here")
    with cluster(folder, 2, *GRADES) as (address, workers):
        batch = begun(folder, "--cluster", address, output="there")
        assert batch.stdout is not None
        batch.stdout.readline()
        os.kill(workers[0].pid, signal.SIGKILL)
        said, complained = batch.communicate(timeout=300)

    assert batch.returncode == 2, said + complained
    assert "Traceback" not in complained
    assert found(folder / "there") == found(folder / "here")
    ann = json.loads((folder / "there" / "ann" / "report.json").read_text())
    assert ann["notes"] == ["Left out of the submission, as packages are no part of it: node_modules."]
    assert [result.name for result in read_results(folder / "there" / "results.jsonl")] == [
        "ann", "ben", "cleo", "dan", "eve", "finn"
    ]  # fmt: skip


def test_workers_that_do_not_grade_are_told_of(folder: Path) -> None:
    with cluster(folder, 1) as (address, _):
        status, _, complained = graded(folder, "--cluster", address)

    assert status == 2
    assert complained == "grade: no worker offers the resource grading: start each with --resources grading=1\n"


def test_a_cluster_that_is_not_there_is_told_of(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    status, _, complained = graded(folder, "--cluster", f"tcp://127.0.0.1:{port}")

    assert status == 2
    assert complained.startswith(f"grade: there is no Dask scheduler at tcp://127.0.0.1:{port}: ")
