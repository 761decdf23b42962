"""Many submissions in one command: what is interrupted goes on, what dies is replaced, what was graded is kept."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from processes import all_end
from servers import RIGHT, SELECT, changed

from grader.arena.levels import choose
from grader.batch import Done, Job, grade_all
from grader.behaviours import catalogue
from grader.cli import whole_class
from grader.cli.whole_class import ClassRun, Handed
from grader.grading import ungraded
from grader.report.essence import essence
from grader.report.json_file import read_json, write_json
from grader.report.model import Report, SpecInfo, Verdict
from grader.report.results import Result, read_results
from grader.spec import load_spec

SPEC = """
spec: short
title: A short spec
checks:
  - {behaviour: echo, id: echo, points: 2, sizes: [5 B]}
  - {behaviour: cpu_ceiling, id: quiet, when: idle, at_most: 20%, points: 3}
"""
GRADE = [sys.executable, "-c", "from grader.cli import grade_command; grade_command()"]
SPINNING = changed((SELECT, "select.select([listener, *reading], writing, [], 0)"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A class of six: two of them wrong, one without the file that starts it."""
    (tmp_path / "short.yaml").write_text(SPEC)
    sources = {"ann": RIGHT, "ben": SPINNING, "cleo": "1 / 0", "dan": RIGHT, "eve": RIGHT}
    for name, source in sources.items():
        (tmp_path / "class" / name).mkdir(parents=True)
        (tmp_path / "class" / name / "server.py").write_text(source)
    (tmp_path / "class" / "finn").mkdir()
    return tmp_path


def begun(folder: Path, *options: str, output: str = "out") -> subprocess.Popen[str]:
    names = sorted(str(path.relative_to(folder)) for path in (folder / "class").iterdir())
    return subprocess.Popen(
        [*GRADE, *names, "--spec", "short.yaml", "--output", output, *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - one thread
    )


def graded(folder: Path, *options: str, output: str = "out") -> tuple[int | None, str, str]:
    with begun(folder, *options, output=output) as process:
        said, complained = process.communicate()
    return process.returncode, said, complained


def found(output: Path) -> dict[str, object]:
    """What became of each, without times."""
    results = read_results(output / "results.jsonl")
    return {result.folder: (result.score, result.failed, _essence(output / result.folder)) for result in results}


def _essence(folder: Path) -> object:
    return essence(read_json(folder / "report.json")) if (folder / "report.json").exists() else None


def kept(said: str) -> list[str]:
    """The names of those that were not graded again."""
    return sorted(line.split(":")[0] for line in said.splitlines() if line.endswith("(as before)"))


def test_everybody_gets_a_line_a_report_and_a_row_whatever_became_of_the_others(folder: Path) -> None:
    status, said, complained = graded(folder, "-n", "2")

    assert status == 2
    assert "ann: 5 of 5 points\n" in said
    assert "ben: 2 of 5 points; failed: quiet (select() is told not to wait, server.py:" in said
    assert said.endswith("5 of 6 submissions graded\nclass page: out/index.html\n")
    assert "grade: submission 'class/finn' has no server.py; it holds nothing" in complained
    assert "grade: 6 of 6 submissions done, 1 not graded, " in complained
    results = {result.name: result for result in read_results(folder / "out" / "results.jsonl")}
    assert list(results) == ["ann", "ben", "cleo", "dan", "eve", "finn"]
    assert {name: result.score for name, result in results.items()} == {
        "ann": 5, "ben": 2, "cleo": 0, "dan": 5, "eve": 5, "finn": None
    }  # fmt: skip
    assert "finn" in (folder / "out" / "index.html").read_text()


def test_how_many_are_graded_side_by_side_changes_no_verdict(folder: Path) -> None:
    for workers in ("1", "4"):
        graded(folder, "-n", workers, output=workers)

    assert found(folder / "1") == found(folder / "4")


@pytest.mark.parametrize("workers", ["0", "-1", "many", "1.5", "9" * 5000])
def test_a_number_of_workers_that_makes_no_sense_is_said(folder: Path, workers: str) -> None:
    status, _, complained = graded(folder, "-n", workers)

    assert (status, complained) == (
        2, f"grade: -n cannot be {workers!r}; give a number of processes, or auto\n"
    )  # fmt: skip


def test_resume_grades_only_what_is_new_or_changed_or_was_never_read(folder: Path) -> None:
    graded(folder)
    (folder / "class" / "ben" / "server.py").write_text(RIGHT)
    (folder / "class" / "finn" / "server.py").write_text(RIGHT)
    shutil.copytree(folder / "class" / "ann", folder / "class" / "gil")
    (folder / "out" / "eve" / "report.json").write_text("{")

    status, said, _ = graded(folder, "--resume")

    assert kept(said) == ["ann", "cleo", "dan"]
    assert status == 1
    assert {result.name: result.score for result in read_results(folder / "out" / "results.jsonl")} == {
        "ann": 5, "ben": 5, "cleo": 0, "dan": 5, "eve": 5, "finn": 5, "gil": 5
    }  # fmt: skip


@pytest.mark.parametrize(
    "options", [("--only", "echo"), ("--isolation", "process")], ids=["other checks", "another level"]
)
def test_resume_keeps_nothing_that_was_graded_otherwise(folder: Path, options: tuple[str, ...]) -> None:
    graded(folder)

    _, said, _ = graded(folder, "--resume", *options)

    assert kept(said) == []


def test_resume_keeps_nothing_that_was_graded_under_another_spec(folder: Path) -> None:
    graded(folder)
    (folder / "short.yaml").write_text(SPEC.replace("points: 3", "points: 4"))

    _, said, _ = graded(folder, "--resume")

    assert kept(said) == []


def test_a_batch_that_is_killed_goes_on_where_it_stopped(folder: Path) -> None:
    graded(folder, output="whole")
    process = begun(folder, "-n", "1")
    assert process.stdout is not None
    first = process.stdout.readline().split(":")[0]
    process.kill()
    process.communicate()

    _, said, _ = graded(folder, "--resume")

    assert first in kept(said)
    assert found(folder / "out") == found(folder / "whole")


def merged(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", "from grader.cli import grader_command; grader_command()", "merge", *arguments]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)


def test_shards_put_together_are_what_one_run_would_have_made(folder: Path) -> None:
    graded(folder, output="whole")
    for number in "123":
        graded(folder, "--shard", f"{number}/3", output=f"shard-{number}")

    done = merged(folder, "shard-1", "shard-2", "shard-3", "--output", "merged")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "6 submissions from 3 folders\nclass page: merged/index.html\n"
    assert found(folder / "merged") == found(folder / "whole")
    merged_files, files = (sorted(path.name for path in (folder / name).rglob("*")) for name in ("merged", "whole"))
    assert merged_files == files
    assert sorted(result.name for result in read_results(folder / "shard-2" / "results.jsonl")) == ["ben", "eve"]


@pytest.mark.parametrize("shard", ["0/3", "4/3", "1", "a/b", "1/0", "-1/3", f"1/{'9' * 5000}"])
def test_a_shard_that_makes_no_sense_is_said(folder: Path, shard: str) -> None:
    status, _, complained = graded(folder, "--shard", shard)

    assert status == 2
    assert complained == f"grade: --shard cannot be {shard!r}; give which of how many, such as 2/5\n"


def test_a_shard_without_submissions_is_no_mistake(folder: Path) -> None:
    status, said, _ = graded(folder, "--shard", "9/9")

    assert (status, said) == (0, "0 of 0 submissions graded\nclass page: out/index.html\n")


def test_what_cannot_be_put_together_is_said_and_nothing_written(folder: Path) -> None:
    graded(folder, "--shard", "1/3", output="one")
    graded(folder, "--shard", "1/2", output="both")
    (folder / "short.yaml").write_text(SPEC.replace("points: 3", "points: 4"))
    graded(folder, "--shard", "2/3", output="other")

    double, unlike, none = merged(folder, "one", "both"), merged(folder, "one", "other"), merged(folder, "class")

    assert "the submission ann is in one and in both: which of the two counts?" in double.stderr
    assert "grader: they were graded with different specs: short (" in unlike.stderr
    assert none.stderr == "grader: there is no results.jsonl in class; give output folders of grade\n"
    assert [done.returncode for done in (double, unlike, none)] == [2, 2, 2]
    assert not (folder / "grade-report").exists()


def test_what_is_no_folder_of_a_run_is_said(folder: Path) -> None:
    (folder / "results.jsonl").mkdir()

    done = merged(folder, "a" * 300), merged(folder, ".")

    assert done[0].stderr.startswith("grader: there is no results.jsonl in aaa")
    assert done[1].stderr == "grader: cannot read results.jsonl: Is a directory\n"
    assert [each.returncode for each in done] == [2, 2]


@pytest.mark.parametrize("place", ["../outside", "..", "/etc", ""])
def test_no_line_leads_out_of_the_folder_of_its_run(folder: Path, place: str) -> None:
    result = Result(name="x", folder="x", spec=SpecInfo(id="x", title="x", sha256="0"), started="")
    (folder / "part").mkdir()
    (folder / "part" / "results.jsonl").write_text(result.model_copy(update={"folder": place}).model_dump_json() + "\n")

    done = merged(folder, "part")

    assert done.returncode == 2
    assert "folder is not the name of one" in done.stderr
    assert not (folder / "grade-report").exists()


def test_nothing_is_written_where_a_link_in_the_output_leads(folder: Path) -> None:
    graded(folder, "--shard", "1/3", output="part")
    outside = folder / "outside"
    outside.mkdir()
    (outside / "page.html").write_text("of somebody else")
    (folder / "by-file" / "ann").mkdir(parents=True)
    (folder / "by-file" / "ann" / "report.html").symlink_to(outside / "page.html")
    (folder / "by-folder").mkdir()
    (folder / "by-folder" / "ann").symlink_to(outside)

    by_file, by_folder = (merged(folder, "part", "--output", name) for name in ("by-file", "by-folder"))

    assert (by_file.returncode, by_file.stderr) == (0, "")
    assert "cannot write by-folder/ann: it is a link" in by_folder.stderr
    assert [path.name for path in outside.iterdir()] == ["page.html"]
    assert (outside / "page.html").read_text() == "of somebody else"


def test_a_report_that_is_kept_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "short.yaml").write_text(SPEC)
    spec = load_spec(tmp_path / "short.yaml", catalogue())
    report = ungraded(tmp_path / "ann", spec, "nothing is known")
    arena = report.arena.model_copy(update={"isolation": choose("auto")[0]})
    (tmp_path / "out" / "ann").mkdir(parents=True)
    write_json(report.model_copy(update={"arena": arena}), tmp_path / "out" / "ann" / "report.json")
    read: list[Path] = []

    def reading(path: Path) -> Report:
        read.append(path)
        return read_json(path)

    def kept_as_it_was(job: Job) -> Done:
        (tmp_path / "out" / "ann" / "report.json").unlink()
        return Done(job, kept=True)

    monkeypatch.setattr(whole_class, "read_json", reading)
    run = ClassRun(spec, tmp_path / "short.yaml", tmp_path / "out", resume=True)
    handed = [Handed(tmp_path / "ann", "ann", "ann")]
    with ThreadPoolExecutor(1) as executor:
        place = contextlib.nullcontext((executor, 1))
        status = run.grade(handed, place, lambda job: functools.partial(kept_as_it_was, job))

    assert (status, len(read)) == (3, 1)
    assert [result.score for result in read_results(tmp_path / "out" / "results.jsonl")] == [0]


def test_nothing_runs_on_when_a_batch_is_killed(folder: Path) -> None:
    process = begun(folder, "-n", "2")
    assert process.stdout is not None
    process.stdout.readline()
    pidfds = [os.pidfd_open(child.pid) for child in _workers(process)]
    process.kill()
    process.communicate()

    assert pidfds
    assert all_end(pidfds)


def test_an_interrupt_writes_what_there_is_and_says_how_to_go_on(folder: Path) -> None:
    process = begun(folder, "-n", "1")
    assert process.stdout is not None
    first = process.stdout.readline()
    os.kill(process.pid, signal.SIGINT)
    said, complained = process.communicate()

    assert process.returncode == 130
    assert "and the same command with --resume goes on from here" in complained
    assert "Traceback" not in complained
    names = [result.name for result in read_results(folder / "out" / "results.jsonl")]
    assert first.split(":")[0] in names
    assert len(names) < 6
    assert said.endswith("class page: out/index.html\n")
    assert names[0] in (folder / "out" / "index.html").read_text()


def test_a_worker_that_dies_is_replaced_and_costs_nobody_anything(folder: Path) -> None:
    process = begun(folder, "-n", "1")
    assert process.stdout is not None
    process.stdout.readline()
    (worker,) = _workers(process)
    os.kill(worker.pid, signal.SIGKILL)
    process.communicate()

    assert process.returncode == 2
    assert [result.score for result in read_results(folder / "out" / "results.jsonl")] == [5, 2, 0, 5, 5, None]


def _workers(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Those that grade: each is a child of multiprocessing's fork server."""
    servers = [child for child in psutil.Process(process.pid).children() if "forkserver" in " ".join(child.cmdline())]
    return [worker for server in servers for worker in server.children()]


class Fragile(Executor):
    """Grades nothing: the process dies as often as it is told to, then a result is made up."""

    def __init__(self, deaths: int) -> None:
        self.deaths, self.asked = deaths, 0

    def submit(self, fn: object, /, *_: object, **__: object) -> Future[Done]:  # type: ignore[override]
        assert isinstance(fn, functools.partial)
        (job,) = fn.args
        assert isinstance(job, Job)
        future: Future[Done] = Future()
        self.asked += 1
        if self.asked <= self.deaths:
            future.set_exception(BrokenExecutor())
        else:
            future.set_result(Done(job, failed="made up"))
        return future


def test_a_submission_whose_process_dies_is_tried_once_more(folder: Path) -> None:
    executor = Fragile(deaths=1)

    (done,) = grade_all([Job(folder / "class" / "ann", folder / "short.yaml")], executor, 1)

    assert (executor.asked, done.failed) == (2, "made up")


def test_of_a_submission_whose_process_dies_twice_nothing_is_known(folder: Path) -> None:
    executor = Fragile(deaths=2)

    (done,) = grade_all([Job(folder / "class" / "ann", folder / "short.yaml", told=True)], executor, 1)

    assert executor.asked == 2
    report = done.report
    assert isinstance(report, Report)
    assert {check.verdict for check in report.checks} == {Verdict.INCONCLUSIVE}
    assert report.exit_status == 3
    assert "the process that graded it died" in report.checks[0].summary
    assert done.pages is not None


def test_no_more_jobs_are_begun_than_may_be_at_once(folder: Path) -> None:
    begun_so_far: list[int] = []

    def jobs() -> Iterator[Job]:
        for number in range(9):
            begun_so_far.append(number)
            yield Job(folder, folder, str(number))

    results = grade_all(jobs(), Fragile(deaths=0), 3)
    next(results)

    assert len(begun_so_far) == 3
    assert len(list(results)) == 8
