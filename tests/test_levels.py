"""The lower level of isolation: what still holds there, what is not known, and that nobody is blamed for it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from conftest import ROOT, spec_of
from processes import all_end
from servers import RIGHT, changed

from grader.arena import levels, ports
from grader.arena.namespaces import ArenaUnavailableError
from grader.grading import grade
from grader.report.model import Basis, CheckResult, Report, Verdict
from grader.spec import Spec
from grader.stage import Stage

GRADE = [sys.executable, "-c", "from grader.cli import grade_command; grade_command()"]
REFUSING = [sys.executable, str(ROOT / "tests" / "like_a_container.py")]
ORDINARY = ["unshare", "--user", "--map-user=1000", "--map-group=1000"] if os.geteuid() == 0 else []
ON_ANY_PORT = changed(('HOST, PORT = "", 8080', 'import sys\nHOST, PORT = "", int(sys.argv[1])'))


def free_port() -> int:
    """One that no other test takes at the same time, as good as certainly."""
    while not ports.is_free(port := secrets.choice(ports.candidates())):
        pass
    return port


def submission(folder: Path, source: str) -> Path:
    handed_in = folder / "submission"
    handed_in.mkdir(exist_ok=True)
    (handed_in / "server.py").write_text(source)
    return handed_in


def spec_on(port: int, checks: str = "- behaviour: echo") -> Spec:
    return spec_of(checks, f"server: {{port: {port}}}")


def graded(folder: Path, source: str, checks: str = "- behaviour: echo") -> Report:
    """Graded at the lower level, on a port of the test's own, so that tests run side by side."""
    port = free_port()
    source = source.replace("8080", str(port))
    return grade(submission(folder, source), spec_on(port, checks), isolation="process")


def of_the_class(name: str, spec: Spec, folder: Path) -> Report:
    port = free_port()
    source = (ROOT / "submissions" / name / "server.py").read_text().replace("8080", str(port))
    server = spec.server.model_copy(update={"port": port})
    return grade(submission(folder, source), spec.model_copy(update={"server": server}), isolation="process")


def verdicts(report: Report) -> dict[str, Verdict]:
    return {check.id: check.verdict for check in report.checks}


def left_behind() -> set[str]:
    return {path.name for path in Path(tempfile.gettempdir()).glob("network-io-grader-*") if path.suffix != ".lock"}


@pytest.fixture(autouse=True)
def _temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test sees only what it leaves behind itself."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))


@pytest.fixture
def _nothing_left() -> Iterator[None]:
    processes = {process.pid for process in psutil.Process().children(recursive=True)}
    descriptors, files = sorted(os.listdir("/proc/self/fd")), left_behind()
    yield
    assert {process.pid for process in psutil.Process().children(recursive=True)} == processes
    assert sorted(os.listdir("/proc/self/fd")) == descriptors
    assert left_behind() <= files


@pytest.mark.usefixtures("_nothing_left")
def test_a_right_server_has_full_points(select_spec: Spec, tmp_path: Path) -> None:
    report = of_the_class("alice", select_spec, tmp_path)

    assert {name for name, verdict in verdicts(report).items() if verdict is Verdict.FAIL} == set()
    assert report.score == 100
    assert report.arena.isolation == "process"
    assert report.arena.evidence == "kernel"
    assert any(what.startswith("proofs: ") for what in report.arena.missing)
    assert Basis.PROOF not in {check.basis for check in report.checks}


@pytest.mark.usefixtures("_nothing_left")
def test_a_stuck_server_is_found_by_budget(select_spec: Spec, tmp_path: Path) -> None:
    report = of_the_class("ben", select_spec, tmp_path)

    concurrent = report.checks[1]
    assert report.score == 40
    assert (concurrent.verdict, concurrent.basis) == (Verdict.FAIL, Basis.BUDGET)
    assert "nothing moved for 0.5 s" in concurrent.summary
    assert concurrent.stood[0].line == 13


@pytest.mark.usefixtures("_nothing_left")
def test_orphans_are_counted_and_do_not_outlive_the_grading(tmp_path: Path) -> None:
    daemon = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(1000)\n"
    daemon += "    os._exit(0)\nos.wait()\n"

    report = graded(tmp_path, daemon + RIGHT, "- {behaviour: scenario, steps: [{expect: {processes: 2}}]}")

    assert report.checks[0].verdict is Verdict.PASS, report.checks[0].summary


BURN = "import os, time\ndef burn(until):\n    while time.process_time() < until: pass\n"
ORPHANS = """
for _ in range(4):
    ended, end = os.pipe()
    if os.fork() == 0:
        if os.fork() == 0:
            burn(0.4)
        os._exit(0)
    os.close(end)
    os.wait()
    os.read(ended, 1)
"""
IN_THE_BACKGROUND = "burn(0.7)\nif os.fork():\n    os._exit(0)\nburn(0.7)\n"


@pytest.mark.usefixtures("_nothing_left")
@pytest.mark.parametrize("before", [ORPHANS, IN_THE_BACKGROUND], ids=["orphans", "the first process"])
def test_the_time_of_those_who_have_ended_and_had_no_parent_counts(tmp_path: Path, before: str) -> None:
    port = free_port()
    source = BURN + before + RIGHT.replace("8080", str(port))
    spec = spec_of("- behaviour: echo", f"server: {{port: {port}}}\nlimits: {{cpu: 1.2 s}}")

    report = grade(submission(tmp_path, source), spec, isolation="process")

    assert report.checks[0].verdict is Verdict.FAIL
    assert report.checks[0].summary.startswith("stopped: it used 1.")


@pytest.mark.usefixtures("_nothing_left")
@pytest.mark.parametrize("sessions", [1, 2])
def test_a_server_that_goes_into_the_background_is_judged_here_too(tmp_path: Path, sessions: int) -> None:
    daemon = "import os\n" + "if os.fork():\n    os._exit(0)\nos.setsid()\n" * sessions
    checks = "- behaviour: echo\n- behaviour: restarts\n- {behaviour: echo, id: after}"

    report = graded(tmp_path, daemon + RIGHT, checks)

    assert set(verdicts(report).values()) == {Verdict.PASS}, report.checks
    assert report.notes[0].startswith("The server went into the background")


def test_a_server_that_is_killed_has_the_status_that_a_shell_would_tell(tmp_path: Path) -> None:
    report = graded(tmp_path, "import os\nos.kill(os.getpid(), 9)\n", "- behaviour: starts")

    assert "ended with status 137" in report.checks[0].summary


SEEN = """
import os, resource, tempfile
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
print([os.path.expanduser("~"), tempfile.gettempdir(), os.getsid(0) == os.getpid(), status["NoNewPrivs"].strip(),
       status["Seccomp"].strip(), sorted(os.environ), resource.getrlimit(resource.RLIMIT_CORE)[0],
       sorted(int(fd) for fd in os.listdir("/proc/self/fd"))], flush=True)
open("server.py", "a").write("# changed")
"""


def test_a_server_has_folders_a_session_and_limits_of_its_own(tmp_path: Path) -> None:
    report = graded(tmp_path, SEEN + RIGHT)

    assert report.checks[0].verdict is Verdict.PASS
    said = report.output.text.splitlines()[0]
    assert said.count("network-io-grader-") == 2
    assert "True, '1', '2', ['HOME', 'LANG'" in said
    assert said.endswith("0, [0, 1, 2, 3]]")
    assert "# changed" not in (tmp_path / "submission" / "server.py").read_text()[-20:]


def test_what_another_process_listens_on_is_not_the_servers(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)):
        report = graded(tmp_path, "import time\nprint('up')\n", "- behaviour: starts")

    assert report.checks[0].verdict is Verdict.FAIL
    assert "ended with status 0" in report.checks[0].summary


def test_a_port_that_somebody_else_has_is_nobodys_fault(tmp_path: Path) -> None:
    with socket.create_server(("0.0.0.0", 0)) as other:  # noqa: S104 - it is to be in the way
        port = other.getsockname()[1]
        source = RIGHT.replace("8080", str(port))
        fixed = grade(submission(tmp_path, source), spec_on(port), isolation="process")
        reading = grade(submission(tmp_path, ON_ANY_PORT), spec_on(port), isolation="process")
        asked = grade(submission(tmp_path, ON_ANY_PORT), spec_on(port, f"- {{behaviour: starts, port: {port}}}"),
                      isolation="process")  # fmt: skip

    assert fixed.checks[0].verdict is Verdict.INCONCLUSIVE
    assert "taken by somebody else" in fixed.checks[0].summary
    assert reading.checks[0].verdict is Verdict.PASS, reading.checks[0].summary
    assert asked.checks[0].verdict is Verdict.INCONCLUSIVE


def test_a_server_that_closes_first_gets_its_port_again(tmp_path: Path) -> None:
    once = "- {behaviour: restarts}\n- {behaviour: echo, id: after}"

    report = graded(tmp_path, RIGHT, once)

    assert set(verdicts(report).values()) == {Verdict.PASS}


class Stranger(threading.Thread):
    """Somebody else on the machine who connects as soon as there is a server, and says nothing."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port, self._leaving = port, threading.Event()

    def run(self) -> None:
        while not self._leaving.wait(0.001):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port)):
                self._leaving.wait()

    def leave(self) -> None:
        self._leaving.set()
        self.join()


def test_what_fails_while_a_stranger_is_connected_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def begin_beside_the_stranger(stage: Stage) -> None:
        while not stage.strangers():
            stage.crowd.wait(0.001)
        begin(stage)

    begin = Stage.begin
    monkeypatch.setattr(Stage, "begin", begin_beside_the_stranger)
    port = free_port()
    source = (ROOT / "submissions" / "ben" / "server.py").read_text().replace("8080", str(port))
    stranger = Stranger(port)
    stranger.start()
    try:
        report = grade(submission(tmp_path, source), spec_on(port, "- {behaviour: concurrent_clients, clients: 3}"),
                       isolation="process")  # fmt: skip
    finally:
        stranger.leave()

    assert report.checks[0].verdict is Verdict.INCONCLUSIVE
    assert report.checks[0].summary.startswith("somebody else on this machine had a connection")


def test_who_was_connected_before_is_no_stranger_and_whoever_comes_then_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as first:
            before = ports.connections()
            with socket.create_connection(("127.0.0.1", port)) as second:
                later = ports.connections() - before

                assert (port, first.getsockname()[1]) in before
                assert {(port, second.getsockname()[1]), (second.getsockname()[1], port)} <= later


def test_a_port_in_place_of_another_is_given_to_one_grading_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    two = [free_port(), free_port()]
    monkeypatch.setattr(ports, "candidates", lambda: two)

    with ports.another_port() as one, ports.another_port() as other:
        assert sorted([one, other]) == sorted(two)
        with pytest.raises(ArenaUnavailableError, match="no port"), ports.another_port():
            pass
    with ports.another_port() as again:
        assert again in two


@pytest.mark.parametrize(
    ("told", "offered"),
    [
        ("32768\t60999\n", {*range(10_000, 32_768), *range(61_000, 65_536)}),
        ("1024 60999", set(range(61_000, 65_536))),
        ("1024 65535", set(range(10_000, 65_536))),
    ],
)
def test_ports_are_offered_from_outside_of_those_for_clients(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str, offered: set[int]
) -> None:
    (tmp_path / "range").write_text(told)
    monkeypatch.setattr(ports, "_RANGE", tmp_path / "range")

    assert set(ports.candidates()) == offered


def test_only_one_grading_at_a_time_has_a_port() -> None:
    port = free_port()
    inside = threading.Event()
    order: list[str] = []

    def second() -> None:
        with ports.one_at_a_time(port):
            order.append("second")

    other = threading.Thread(target=second)
    with ports.one_at_a_time(port):
        other.start()
        inside.wait(0.05)
        order.append("first")
    other.join()
    assert order == ["first", "second"]


# Machines that allow less.


def run(argv: list[str], name: str, spec: Path, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Grade one of the demo class with the command."""
    words = [*argv, *GRADE, str(ROOT / "submissions" / name), "--spec", str(spec), "--output", str(folder / "out")]
    return subprocess.run([*words, *more], capture_output=True, text=True, check=False)


def written(folder: Path, name: str) -> Report:
    return Report.model_validate_json((folder / "out" / name / "report.json").read_bytes())


@pytest.fixture
def short(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A spec with one check of each kind, on the port of the demo class, which only one such test has at a time."""
    file = tmp_path / "short.yaml"
    file.write_text(
        "spec: short\ntitle: Short\nmodel: select\nchecks:\n  - behaviour: echo\n  - behaviour: concurrent_clients\n"
        "    clients: 20\n  - behaviour: cpu_ceiling\n  - behaviour: io_model\n    clients: 3\n"
    )
    with (tmp_path_factory.getbasetemp().parent / "port.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield file


def test_an_ordinary_user_without_namespaces_grades_at_the_lower_level(tmp_path: Path, short: Path) -> None:
    done = run([*ORDINARY, *REFUSING, "unshare"], "ben", short, tmp_path)

    assert done.returncode == 1, done.stderr
    report = written(tmp_path, "ben")
    assert report.arena.isolation == "process"
    assert "unshare: Operation not permitted" in report.arena.missing[0]
    assert [str(check.verdict) for check in report.checks] == ["pass", "fail", "pass", "fail"]
    assert "isolation process, evidence kernel; not to be had here:" in done.stdout
    assert "isolation process, evidence kernel" in (tmp_path / "out" / "ben" / "report.html").read_text()


def test_namespaces_that_are_asked_for_and_not_to_be_had_are_said_to_be_missing(tmp_path: Path, short: Path) -> None:
    done = run([*REFUSING, "unshare"], "ben", short, tmp_path, "--isolation", "namespaces")

    assert done.returncode == 3
    assert "namespaces is not to be had" in done.stderr
    assert "allow unprivileged user namespaces" in done.stderr
    assert "grader doctor" in done.stderr
    assert not (tmp_path / "out").exists()


def test_where_a_servers_memory_cannot_be_read_its_model_is_not_known(tmp_path: Path, short: Path) -> None:
    done = run([*ORDINARY, *REFUSING, "unshare,process_vm_readv,pidfd_getfd"], "alice", short, tmp_path)

    assert done.returncode == 3, done.stderr
    report = written(tmp_path, "alice")
    assert report.arena.evidence == "portable"
    assert any("process_vm_readv" in what for what in report.arena.missing)
    assert [str(check.verdict) for check in report.checks] == ["pass", "pass", "inconclusive", "inconclusive"]


def test_in_namespaces_too_what_cannot_be_read_is_said(tmp_path: Path, short: Path) -> None:
    done = run([*REFUSING, "pidfd_getfd"], "alice", short, tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    report = written(tmp_path, "alice")
    assert (report.arena.isolation, report.arena.evidence) == ("namespaces", "kernel")
    assert ["pidfd_getfd" in what for what in report.arena.missing] == [True]


def test_root_does_not_run_servers_as_root_unless_it_is_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(levels, "probe", lambda: levels.Probe("no namespaces here"))
    monkeypatch.setattr("grader.arena.beside.student_user", lambda _: (None, "there is nobody else"))
    folder, spec = submission(tmp_path, RIGHT), spec_on(free_port())

    with pytest.raises(ArenaUnavailableError, match="would run as root: there is nobody else"):
        grade(folder, spec)
    assert grade(folder, spec, isolation="process").arena.missing[-1].startswith("another user")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_root_runs_servers_as_nobody_as_in_a_container_without_privileges(tmp_path: Path, short: Path) -> None:
    python = f"/usr/bin/python3.{sys.version_info[1]}"
    if not Path(python).exists():
        pytest.skip("no Python of this version that everybody can read")
    kept = "-all,+chown,+dac_override,+fowner,+setgid,+setuid,+setpcap,+kill,+net_bind_service"
    handed_in = submission(tmp_path, "import os\nprint('user', os.getuid(), flush=True)\n" + RIGHT)
    argv = ["setpriv", f"--bounding-set={kept}", python, *REFUSING[1:], "unshare,pidfd_getfd", python, *GRADE[1:]]
    path = os.pathsep.join([str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))])
    if any(place.startswith("/root") for place in path.split(os.pathsep)):
        pytest.skip("the grader lies where only root can read it")

    done = subprocess.run(
        [*argv, str(handed_in), "--spec", str(short), "--output", str(tmp_path / "out")],
        env={**os.environ, "PYTHONPATH": path, "TMPDIR": "/tmp"},  # noqa: S108 - which everybody may pass through
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    report = written(tmp_path, "submission")
    assert report.output.text.startswith("user 65534")
    assert report.arena.isolation == "process"


# The grader's own faults.


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda how: how.name)
def test_nothing_is_left_when_the_grader_is_stopped(tmp_path: Path, how: signal.Signals) -> None:
    daemon = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(1000)\n"
    hangs = "import socket, time\ns = socket.create_server(('', 0))\ntime.sleep(1000)\n"
    handed_in = submission(tmp_path, daemon + hangs)
    argv = [*GRADE, str(handed_in), "--spec", "select", "--isolation", "process", "--output", str(tmp_path / "out")]
    files = left_behind()
    grading = subprocess.Popen(
        argv,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        # Whoever runs the tests in the background of a script has it ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - one thread
    )
    pidfds = [os.pidfd_open(process.pid) for process in tree_with(grading, 2)]

    grading.send_signal(how)
    grading.wait()

    assert grading.returncode == (130 if how is signal.SIGINT else -how)
    assert len(pidfds) >= 4  # the keeper, the examiner, the server and its child
    assert all_end(pidfds)
    assert left_behind() <= files


def tree_with(grading: subprocess.Popen[bytes], servers: int) -> list[psutil.Process]:
    """Every process below, once so many of them are the submission's."""
    for _ in range(20_000):
        below = psutil.Process(grading.pid).children(recursive=True)
        if sum(_is_submission(process) for process in below) >= servers:
            return below
    raise AssertionError("the server did not start")


def _is_submission(process: psutil.Process) -> bool:
    try:
        return process.cmdline()[1:2] == ["server.py"]
    except psutil.Error:
        return False


STOP_THE_KEEPER = """
import os, signal
status = open(f"/proc/{os.getppid()}/status").read()
try:
    os.kill(int(status.split("PPid:")[1].split()[0]), signal.SIGSTOP)
except PermissionError:
    print("it may not be stopped", flush=True)
"""


@pytest.mark.usefixtures("_nothing_left")
def test_a_keeper_that_is_stopped_ends_all_the_same(tmp_path: Path) -> None:
    report = graded(tmp_path, STOP_THE_KEEPER + RIGHT)

    assert report.checks[0].verdict is Verdict.PASS


@pytest.mark.usefixtures("_nothing_left")
@pytest.mark.parametrize("isolation", ["namespaces", "process"])
def test_an_arena_that_is_killed_leaves_what_is_not_known_and_no_process(tmp_path: Path, isolation: str) -> None:
    before = {process.pid for process in psutil.Process().children()}
    port = free_port()

    def kill_the_arena(_: CheckResult) -> None:
        (arena,) = (process for process in psutil.Process().children() if process.pid not in before)
        (below,) = arena.children()
        below.send_signal(signal.SIGKILL)

    source = RIGHT.replace("8080", str(port))
    checks = "- behaviour: echo\n- {behaviour: churn, clients: 20000}"
    report = grade(
        submission(tmp_path, source), spec_on(port, checks), kill_the_arena,
        isolation="namespaces" if isolation == "namespaces" else "process",
    )  # fmt: skip

    assert list(verdicts(report).values()) == [Verdict.PASS, Verdict.INCONCLUSIVE]
    assert report.checks[1].summary == "the grader's arena ended before this check was decided"
    assert report.exit_status == 3
