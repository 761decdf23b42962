"""A class of hundreds: how fast it is graded, with what memory, and whether anything but times depends on how.

Copies of the demo class and of the wrong servers for select are graded with several numbers of workers. Prints for each
how many a second, how busy the machine was (nothing else should run on it), and how much memory the command itself
took; and whatever differs. With --stuck so many right servers are replaced by stuck ones and the time is compared. With
--killed the command is killed so many times at random moments and resumed; the result must be that of a run that was
left alone. --pytest grades the same class through pytest and pytest-xdist, --cluster on a Dask cluster of so many
workers, of which one is killed in the midst of it; both must tell the same, too.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from grader.report.essence import essence
from grader.report.json_file import read_json
from grader.report.results import read_results

ROOT = Path(__file__).resolve().parents[1]
GRADE = [sys.executable, "-c", "from grader.cli import grade_command; grade_command()"]
PYTEST = [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
DASK = [sys.executable, "-P", "-m", "dask"]
RIGHT, STUCK = ROOT / "submissions" / "alice", ROOT / "submissions" / "ben"


def sources() -> list[Path]:
    """The folders that are copied."""
    tops = (ROOT / "submissions", ROOT / "reference" / "mutants" / "select")
    return sorted(path for top in tops for path in top.iterdir() if (path / "server.py").is_file())


def make_class(folder: Path, count: int, *, stuck: int | None = None) -> list[str]:
    """So many submissions; where `stuck` is given, all are right but for so many."""
    folder.mkdir()
    models = sources() if stuck is None else [STUCK] * stuck + [RIGHT] * (count - stuck)
    for number in range(count):
        source = models[number % len(models)]
        shutil.copytree(source, folder / f"{number:03}-{source.name}", ignore=shutil.ignore_patterns("expected.yaml"))
    return sorted(str(path) for path in folder.iterdir())


@dataclass
class Run:
    """How one run went: seconds, seconds that all cores were busy, and the most memory of the command itself in MiB."""

    wall: float
    cpu: float
    memory: float


def grade(names: list[str], spec: str, *options: str, output: Path) -> Run:
    """Grade a class with the command."""
    return watched([*GRADE, *names, "--spec", spec, "--output", str(output), *options])


def grade_by_pytest(folder: Path, spec: str, workers: int, output: Path) -> Run:
    """Grade a class through pytest and pytest-xdist."""
    return watched([*PYTEST, str(folder), "--spec", spec, "--grade-output", str(output), "-n", str(workers)])


def grade_on_cluster(names: list[str], spec: str, workers: int, output: Path) -> Run:
    """Grade a class on a cluster, and kill one of its workers when a third is done."""
    with cluster(output.parent, workers) as (address, made):

        def kill_one() -> None:
            if made[0].poll() is None and graded_so_far(output) * 3 >= len(names):
                made[0].kill()

        argv = [*GRADE, *names, "--spec", spec, "--output", str(output), "--cluster", address]
        run = watched(argv, kill_one)
        print(f"  one worker was killed: {made[0].poll() == -signal.SIGKILL}")
        return run


def graded_so_far(output: Path) -> int:
    """How many results have been written."""
    file = output / "results.jsonl"
    return file.read_bytes().count(b"\n") if file.exists() else 0


@contextlib.contextmanager
def cluster(folder: Path, workers: int) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and so many workers that grade, all on loopback; what they say is written into the folder."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address, here = f"tcp://127.0.0.1:{port}", ("--host", "127.0.0.1", "--no-dashboard")
    grades = ("--nthreads", "1", "--no-nanny", "--resources", "grading=1")
    with contextlib.ExitStack() as stack:

        def made(name: str, *arguments: str) -> subprocess.Popen[bytes]:
            log = stack.enter_context((folder / f"{name}.log").open("wb"))
            process = subprocess.Popen([*DASK, *arguments, *here], cwd=folder, stdout=log, stderr=log)
            stack.callback(ended, process)
            return process

        made("scheduler", "scheduler", "--port", str(port))
        working = [made(f"worker-{number}", "worker", address, *grades) for number in range(workers)]
        for number in range(workers):
            while "Starting established connection to" not in (folder / f"worker-{number}.log").read_text():
                signal.sigtimedwait([], 0.1)
        yield address, working


def ended(process: subprocess.Popen[bytes]) -> None:
    """Kill a process, if it still lives."""
    process.kill()
    process.wait()


def watched(argv: list[str], meanwhile: Callable[[], None] = lambda: None) -> Run:
    """Run a command, and look at its own memory all the while."""
    busy, began, most = busy_seconds(), time.monotonic(), 0.0
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        most = max(most, memory_of(process.pid))
        meanwhile()
        signal.sigtimedwait([], 0.2)
    return Run(time.monotonic() - began, busy_seconds() - busy, most)


def busy_seconds() -> float:
    """How long the machine's cores have not been idle, in all (proc_stat(5))."""
    words = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    return (sum(map(int, words[:8])) - int(words[3]) - int(words[4])) / os.sysconf("SC_CLK_TCK")


def memory_of(pid: int) -> float:
    """Resident memory in MiB."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / (1 << 20)
    except (OSError, IndexError):
        return 0.0


def found(output: Path) -> dict[str, object]:
    """What became of each submission, without times."""
    return {
        result.folder: (result.score, result.failed, essence(read_json(output / result.folder / "report.json")))
        for result in read_results(output / "results.jsonl")
    }


def differences(one: dict[str, object], other: dict[str, object]) -> list[str]:
    """The names of those that are not the same in both."""
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def told(name: str, run: Run, count: int) -> None:
    """Print the figures of a run."""
    cores = len(os.sched_getaffinity(0))
    share = run.cpu / (run.wall * cores)
    print(
        f"{name}: {run.wall:.1f} s, {count / run.wall:.2f}/s, {share:.2f} of {cores} cores, {run.memory:.0f} MiB",
        flush=True,
    )


def kill_and_resume(names: list[str], output: Path, spec: str, times: int, wall: float, *options: str) -> int:
    """Kill a run so many times at random moments of an undisturbed one, then let it end; how many were graded twice."""
    graded: dict[str, str] = {}
    twice = 0
    for number in range(times + 1):
        argv = [*GRADE, *names, "--spec", spec, "--output", str(output), *options, *(["--resume"] if number else [])]
        process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if number < times:
            signal.sigtimedwait([], random.uniform(0.5, wall / times))  # noqa: S311 - no secret
            process.kill()
        process.wait()
        for report in output.glob("*/report.json"):
            started = read_json(report).started + str(report.stat().st_mtime_ns)
            twice += graded.setdefault(report.parent.name, started) != started
    return twice


def main() -> int:
    """Grade, compare, and tell; 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--spec", default="select")
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 1, 8])
    parser.add_argument("--stuck", type=int, default=0, metavar="COUNT")
    parser.add_argument("--killed", type=int, default=0, metavar="TIMES")
    parser.add_argument("--pytest", type=int, default=0, metavar="WORKERS")
    parser.add_argument("--cluster", type=int, default=0, metavar="WORKERS")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return run_all(Path(folder), chosen)


def run_all(top: Path, chosen: argparse.Namespace) -> int:
    """All that was asked for, in a folder."""
    names = make_class(top / "class", chosen.count)
    wrong, first, wall = 0, None, 0.0
    ways = {f"-n {workers}": partial(grade, names, chosen.spec, "-n", str(workers)) for workers in chosen.workers}
    if chosen.pytest:
        ways["pytest"] = partial(grade_by_pytest, top / "class", chosen.spec, chosen.pytest)
    if chosen.cluster:
        ways["cluster"] = partial(grade_on_cluster, names, chosen.spec, chosen.cluster)
    for way, grading in ways.items():
        output = top / way.strip("- ")
        run = grading(output=output)
        told(way, run, chosen.count)
        result = found(output)
        first, wall = first or result, wall or run.wall
        unlike = differences(first, result)
        wrong += len(unlike)
        print(f"  {len(result)} results, {len(unlike)} differ {' '.join(unlike)}")
    if chosen.stuck:
        for stuck in (0, chosen.stuck, 0, chosen.stuck):
            names_of = make_class(top / f"stuck-{stuck}-{time.monotonic_ns()}", chosen.count, stuck=stuck)
            run = grade(names_of, chosen.spec, "-n", str(chosen.workers[0]), output=top / "out")
            told(f"{stuck} stuck", run, chosen.count)
    if chosen.killed:
        twice = kill_and_resume(names, top / "killed", chosen.spec, chosen.killed, wall, "-n", str(chosen.workers[0]))
        unlike = differences(first or {}, found(top / "killed"))
        print(f"killed {chosen.killed} times: {twice} graded twice, {len(unlike)} differ {' '.join(unlike)}")
        wrong += twice + len(unlike)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
