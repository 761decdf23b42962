"""The arena: what a submission can see and do in it, what it may use, and that nothing is left behind."""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from conftest import ROOT, Grade
from processes import all_end
from servers import RIGHT, changed

from grader.arena.sandbox import needed_paths
from grader.report.model import Report, Verdict

GRADE = [sys.executable, "-c", "from grader.cli import grade_command; grade_command()"]
HANGS = """
import socket, sys, time
listener = socket.create_server(("", 8080))
print("started", flush=True)
kept = []
while True:
    kept.append(listener.accept())
    time.sleep(0.5)
"""


def start_grading(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """The command itself, in a session of its own, grading a server that takes its time."""
    submission = folder / "student"
    submission.mkdir()
    (submission / "server.py").write_text(HANGS)
    return subprocess.Popen(
        [*GRADE, str(submission), "--spec", "select", *arguments],
        cwd=folder,
        env={**os.environ, "HOME": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        # Whoever runs the tests in the background of a script has it ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - one thread
    )


def descendants(process: subprocess.Popen[bytes]) -> list[int]:
    """Every process below, once the submission's own server is among them."""
    for _ in range(20_000):
        below = psutil.Process(process.pid).children(recursive=True)
        if any(child.pid for child in below if _is_server(child)):
            return [child.pid for child in below]
    raise AssertionError("the server did not start")


def _is_server(process: psutil.Process) -> bool:
    try:
        return process.cwd() == "/submission" and "server.py" in " ".join(process.cmdline())
    except psutil.Error:
        return False


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda how: how.name)
def test_nothing_is_left_when_the_grader_is_stopped(tmp_path: Path, how: signal.Signals) -> None:
    grading = start_grading(tmp_path)
    pidfds = [os.pidfd_open(pid) for pid in descendants(grading)]

    grading.send_signal(how)
    output, _ = grading.communicate(timeout=20)

    assert all_end(pidfds)
    assert len(pidfds) >= 3
    assert b"Traceback" not in output
    assert grading.returncode == (130 if how is signal.SIGINT else -how)
    assert [path.name for path in tmp_path.iterdir()] == ["student"]


def test_nothing_is_left_after_a_grading(grade_source: Grade) -> None:
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    source = "import subprocess\nsubprocess.Popen(['sleep', '1000'], start_new_session=True)\n" + RIGHT

    assert grade_source(source).checks[0].verdict is Verdict.PASS
    assert {process.pid for process in psutil.Process().children(recursive=True)} == before


def test_no_descriptor_is_left_after_a_grading(grade_source: Grade) -> None:
    grade_source(RIGHT)
    before = sorted(os.listdir("/proc/self/fd"))

    grade_source(RIGHT)

    assert sorted(os.listdir("/proc/self/fd")) == before


def test_an_ordinary_user_can_grade(tmp_path: Path) -> None:
    """In a user namespace that maps us to an ordinary user, without a capability or a second user to switch to."""
    output = tmp_path / "out"
    ordinary = ["unshare", "--user", "--map-user=1000", "--map-group=1000"] if os.geteuid() == 0 else []
    argv = [*ordinary, *GRADE, str(ROOT / "submissions" / "ben"), "--spec", "select", "--output", str(output)]

    done = subprocess.run(argv, capture_output=True, text=True, check=False)

    assert done.returncode == 1, done.stderr
    report = Report.model_validate_json((output / "ben" / "report.json").read_bytes())
    assert report.score == 40
    assert report.checks[1].stood[0].line == 13


def seen_by(report: Report) -> dict[str, str]:
    """What a submission wrote down about where it is."""
    lines = [line for line in report.output.text.splitlines() if line.startswith("{")]
    found: dict[str, str] = json.loads(lines[0])
    return found


LOOK = """
import glob, json, os, socket, subprocess
def attempt(what):
    try:
        return str(what())
    except Exception as error:
        return type(error).__name__
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
print(json.dumps({
    "user": attempt(os.getuid),
    "capabilities": status["CapEff"].strip() + status["CapBnd"].strip() + status["CapPrm"].strip(),
    "privileges": status["NoNewPrivs"].strip(),
    "home": attempt(lambda: os.listdir(os.path.expanduser("~"))),
    "root": attempt(lambda: sorted(os.listdir("/"))),
    "here": attempt(lambda: sorted(os.listdir("."))),
    "processes": attempt(lambda: len(glob.glob("/proc/[0-9]*"))),
    "outside": attempt(lambda: socket.create_connection(("192.0.2.1", 80), 1)),
    "interfaces": attempt(lambda: [name for _, name in socket.if_nameindex()]),
    "descriptors": attempt(lambda: sorted(int(fd) for fd in os.listdir("/proc/self/fd"))[:4]),
    "system": attempt(lambda: open("/usr/bin/forged", "w")),
    "grader": attempt(lambda: os.path.exists("{grader}")),
    "environment": attempt(lambda: sorted(os.environ)),
    "namespaces": attempt(lambda: subprocess.run(["unshare", "--user", "true"], stderr=-3).returncode),
    "stdin": attempt(lambda: __import__("select").select([0], [], [], 0)[0]),
}), flush=True)
"""


def test_a_submission_sees_nothing_but_itself_and_the_system(grade_source: Grade) -> None:
    seen = seen_by(grade_source(LOOK.replace("{grader}", str(ROOT)) + RIGHT))

    assert seen["user"] != "0" or os.geteuid() != 0
    assert int(seen["capabilities"], 16) == 0
    assert seen["privileges"] == "1"
    assert seen["home"] == "[]"
    assert seen["here"] == "['server.py']"
    system = {
        "bin",
        "dev",
        "etc",
        "home",
        "lib",
        "lib32",
        "lib64",
        "libx32",
        "proc",
        "sbin",
        "submission",
        "tmp",
        "usr",
    }
    assert set(ast.literal_eval(seen["root"])) <= system | {path.parts[1] for path in needed_paths()}
    assert int(seen["processes"]) <= 3
    assert seen["outside"] == "OSError"
    assert seen["interfaces"] == "['lo']"
    assert seen["descriptors"] == "[0, 1, 2, 3]"
    assert seen["system"] in ("OSError", "PermissionError")
    assert seen["grader"] == "False"
    assert seen["namespaces"] != "0"
    assert seen["stdin"] == "[]"
    assert "GRADER" not in seen["environment"]


def test_a_submission_cannot_signal_the_grader(grade_source: Grade) -> None:
    source = "import os, signal\nfor pid in (1, os.getppid()):\n    try: os.kill(pid, signal.SIGKILL)\n"
    source += "    except OSError as error: print(error)\n"

    assert grade_source(source + RIGHT).checks[0].verdict is Verdict.PASS


def test_the_submissions_own_files_stay_as_they_are(grade_source: Grade, tmp_path: Path) -> None:
    source = "open('server.py', 'a').write('# changed')\nopen('new', 'w').write('x')\n" + RIGHT

    assert grade_source(source).checks[0].verdict is Verdict.PASS
    assert [path.name for path in (tmp_path / "submission").iterdir()] == ["server.py"]
    assert "# changed" not in (tmp_path / "submission" / "server.py").read_text()[-20:]


def test_a_flood_of_output_is_drained_and_cut(grade_source: Grade) -> None:
    source = "import threading\n" + changed(
        ("serve(listener)\n", "threading.Thread(target=flood, daemon=True).start(); serve(listener)\n")
    )
    flood = "def flood():\n    while True:\n        print('x' * 100000)\n\n"

    report = grade_source(flood + source, "- {behaviour: echo, sizes: [5 B], pieces: 0, pipelined: 0}")

    assert report.checks[0].verdict is Verdict.PASS
    assert report.output.total_bytes > report.output.kept_bytes
    assert report.output.kept_bytes < 1 << 20
    assert "bytes left out" in report.output.text


def test_too_much_memory_is_said_as_such(grade_source: Grade) -> None:
    source = changed(("    if data:\n", "    pending[0] = bytes(range(256)) * (1 << 20)\n    if data:\n"))

    report = grade_source(source, head="limits: {memory: 64 MiB}")

    assert report.checks[0].verdict is Verdict.FAIL
    assert "stopped: it held" in report.checks[0].summary
    assert "64 MiB are allowed" in report.checks[0].summary


def test_memory_that_processes_share_counts_once(grade_source: Grade) -> None:
    source = "import os, time\nkept = bytes(range(256)) * (100 << 12)\n"
    source += "for _ in range(8):\n    if os.fork() == 0:\n        time.sleep(1000)\n"

    assert grade_source(source + RIGHT, head="limits: {memory: 256 MiB}").checks[0].verdict is Verdict.PASS


def test_a_fork_bomb_is_bounded(grade_source: Grade) -> None:
    source = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass\n"

    report = grade_source(source, head="limits: {startup: 1 s, processes: 16}")

    assert report.checks[0].verdict is not Verdict.PASS
