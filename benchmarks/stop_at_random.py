"""Stops `grade` at random moments, with Ctrl-C, SIGTERM and SIGKILL in turn, and looks for what is left of it.

Whatever `grade` had started becomes a child of this script when its own parents are gone (PR_SET_CHILD_SUBREAPER), so
that the kernel tells when the last of them has ended. Then there must be no process, mount, namespace, shared memory
or file more than before, no traceback, and no half of a report. Ends with status 1 if anything is left.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
GRADE = [sys.executable, "-c", "from grader.cli import grade_command; grade_command()"]
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
PATIENCE = 30
"""Seconds for the last process to end; that it takes so long is a failure, too."""
_SET_CHILD_SUBREAPER = 36

STUBBORN = """
import os, signal, socket
for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_IGN)
for _ in range(5):
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        signal.pause()
open("/tmp/left", "w").write("x")
open("/dev/shm/left", "w").write("x")
listener = socket.create_server(("", 8080))
kept = []
while True:
    kept.append(listener.accept())
"""
"""A server whose processes hide from their parents and ignore whatever can be ignored."""


def started(submission: Path, folder: Path) -> subprocess.Popen[bytes]:
    """A grading, whose home, temporary files and reports all lie in `folder`."""
    places = {name: str(folder / name.lower()) for name in ("HOME", "TMPDIR")}
    for place in places.values():
        Path(place).mkdir(exist_ok=True)
    return subprocess.Popen(
        [*GRADE, str(submission), "--spec", "select", "--output", str(folder / "out")],
        cwd=folder,
        env={**os.environ, **places},
        stdin=subprocess.DEVNULL,
        stdout=(folder / "said").open("wb"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
        # In the background of a script it is ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - one thread
    )


def namespaces(pid: int) -> set[str]:
    """Those of a process and of all below it that are not our own."""
    found: set[str] = set()
    try:
        for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
            found |= _namespaces_of(process.pid)
    except psutil.Error:
        pass
    return found - _namespaces_of(os.getpid())


def _namespaces_of(pid: int) -> set[str]:
    found = set()
    try:
        for name in os.listdir(f"/proc/{pid}/ns"):
            found.add(os.readlink(f"/proc/{pid}/ns/{name}"))
    except OSError:
        pass
    return found


def all_gone() -> bool:
    """Wait until no process below this one is left; False if that takes too long."""
    deadline = time.monotonic() + PATIENCE
    while children := psutil.Process().children():
        pidfds = [fd for child in children if (fd := _pidfd(child.pid)) is not None]
        ended = not pidfds or select.select(pidfds, [], [], max(deadline - time.monotonic(), 0))[0]
        for fd in pidfds:
            os.close(fd)
        if not ended:
            return False
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return True
    return True


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return None


def shared() -> set[str]:
    """What is listed of mounts, and of shared memory whose maker has ended, so that somebody else's is left out."""
    found = set(Path("/proc/self/mountinfo").read_text().splitlines())
    for words in map(str.split, Path("/proc/sysvipc/shm").read_text().splitlines()[1:]):
        if not psutil.pid_exists(int(words[4])):
            found.add(f"segment {words[1]}")
    return found


def left_of(folder: Path, submission: Path, number: signal.Signals, moment: float) -> list[str]:
    """Start a grading, stop it after `moment` seconds, and tell what is left of it."""
    before, files = shared(), sorted(submission.rglob("*"))
    grading = started(submission, folder)
    watched = os.pidfd_open(grading.pid)
    over = bool(select.select([watched], [], [], moment)[0])
    os.close(watched)
    theirs = namespaces(grading.pid)
    within = [process for process in psutil.process_iter(["create_time"]) if theirs & _namespaces_of(process.pid)]
    if not over:
        os.kill(grading.pid, number)
    found = []
    if not all_gone():
        alive = psutil.Process().children(recursive=True)
        found += [f"{process} lives on" for process in alive]
        for process in alive:
            process.kill()
    grading.returncode = 0  # it has been waited for above
    # Whoever has come since is somebody else's: the kernel gives the numbers of namespaces that are gone away again.
    found += [f"{process} is still there" for process in within if process.is_running()]
    found += [f"{entry} is there" for entry in shared() - before]
    found += [f"{path} is there" for name in ("home", "tmpdir") for path in (folder / name).rglob("*")]
    found += ["the submission has changed"] if sorted(submission.rglob("*")) != files else []
    said = (folder / "said").read_bytes()
    # Before a line of ours has run, the interpreter itself may be interrupted.
    found += [said.decode(errors="replace")] if b"Traceback" in said and b"/grader/" in said else []
    return found + _half_reports(folder / "out")


def _half_reports(folder: Path) -> list[str]:
    found = []
    for file in folder.rglob("*"):
        text = file.read_text() if file.is_file() else ""
        if file.suffix == ".json":
            try:
                json.loads(text)
            except ValueError:
                found.append(f"{file} is no whole report")
        elif file.is_file() and (file.suffix != ".html" or not text.rstrip().endswith("</html>")):
            found.append(f"{file} is no whole page")
    return found


def submissions(folder: Path) -> list[Path]:
    """A mix: right, wrong, crashing, and one that is hard to get rid of."""
    stubborn = folder / "stubborn"
    stubborn.mkdir()
    (stubborn / "server.py").write_text(STUBBORN)
    return [*(ROOT / "submissions" / name for name in ("alice", "ben")), stubborn]


def main() -> None:
    """Stop, look, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--within", type=float, default=4.0, metavar="SECONDS", help="the latest moment")
    chosen = parser.parse_args()
    seed = chosen.seed if chosen.seed is not None else random.SystemRandom().randrange(1 << 32)
    moments = random.Random(seed)  # noqa: S311 - moments, not secrets
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    tried: Counter[str] = Counter()
    bad = 0
    with tempfile.TemporaryDirectory() as name:
        mix = submissions(Path(name))
        for turn in range(chosen.times):
            folder = Path(name, str(turn))
            folder.mkdir()
            number, submission = SIGNALS[turn % len(SIGNALS)], mix[turn // len(SIGNALS) % len(mix)]
            moment = moments.uniform(0.0, chosen.within)
            tried[number.name] += 1
            if found := left_of(folder, submission, number, moment):
                bad += 1
                print(f"{submission.name}, {number.name} after {moment:.3f} s:", *found, sep="\n  ")
    counts = ", ".join(f"{count} {name}" for name, count in sorted(tried.items()))
    print(f"{chosen.times} gradings stopped ({counts}; seed {seed}): {bad} left something")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
